"""Bad bodies are refused with a pointer to the field; nothing is taken for what it is not."""

from typing import Any

import httpx2
import pytest

from app.runtime import Runtime
from tests.factories import make_tenant, operator_headers

SIGN_UP = {"email": "a@example.com", "organization_name": "A", "accept_terms": True}


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"accept_terms": 1}, "#/accept_terms", "invalid_value"),
        ({"accept_terms": "true"}, "#/accept_terms", "invalid_value"),
        ({"email": 5}, "#/email", "invalid_value"),
        ({"organization_name": "a\x00b"}, "#/organization_name", "invalid_value"),
        ({"organization_name": ["A"]}, "#/organization_name", "invalid_value"),
        ({"surprise": 1}, "#/surprise", "unknown_field"),
    ],
)
async def test_a_wrong_field_is_pointed_at(
    client: httpx2.AsyncClient, change: dict[str, Any], pointer: str, code: str
) -> None:
    reply = await client.post("/v1/auth/sign_ups", json=SIGN_UP | change)
    assert reply.status_code == 400
    problem = reply.json()
    assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [(pointer, code)], problem


async def test_a_missing_field_is_named(client: httpx2.AsyncClient) -> None:
    reply = await client.post("/v1/auth/sign_ups", json={"email": "a@example.com"})
    assert reply.status_code == 400
    assert reply.json()["errors"][0]["code"] == "required"


async def test_zero_is_not_false_where_it_would_repair_for_real(client: httpx2.AsyncClient, runtime: Runtime) -> None:
    headers = await operator_headers(runtime)
    reply = await client.post("/operator/v1/reconciliations", headers=headers, json={"dry_run": 0})
    assert reply.status_code == 400
    assert reply.json()["errors"][0]["pointer"] == "#/dry_run"


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"null", "application/json", 400),
        (b'{"a": "\xff"}', "application/json", 400),
        (b"[" * 5000, "application/json", 400),
        (b'{"email": "a@example.com"}', "text/plain", 400),
        (b"x" * 300_000, "application/json", 413),
    ],
)
async def test_a_body_that_is_none_is_told_so(client: httpx2.AsyncClient, body: bytes, kind: str, status: int) -> None:
    reply = await client.post("/v1/auth/sign_ups", content=body, headers={"Content-Type": kind})
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json()["request_id"].startswith("req_")


async def test_routes_and_methods_that_are_not_there(client: httpx2.AsyncClient, runtime: Runtime) -> None:
    tenant = await make_tenant(runtime)
    missing = await client.get("/v1/nothing", headers=tenant.headers)
    assert (missing.status_code, missing.json()["code"]) == (404, "route_not_found")
    wrong = await client.put("/v1/instances", headers=tenant.headers)
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")
    assert "GET" in wrong.headers["allow"]
