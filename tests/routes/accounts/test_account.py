"""The caller and its organization over HTTP."""

from typing import Any

import httpx2

from app.accounts.scopes import TENANT_SCOPES, Scope
from app.runtime import Runtime
from tests.factories import make_key, make_tenant, make_user, operator_headers


async def test_the_caller_is_told_who_it_is(client: httpx2.AsyncClient, runtime: Runtime) -> None:
    tenant = await make_tenant(runtime, scopes={Scope.MESSAGES_SEND})
    key = (await client.get("/v1/me", headers=tenant.headers)).json()
    assert (key["object"], key["kind"], key["user"], key["role"]) == ("me", "api_key", None, None)
    assert (key["scopes"], key["environment"]) == (["messages:send"], "live")
    assert key["organization"]["id"] == tenant.org_id
    person = (await client.get("/v1/me", headers=await make_user(runtime, tenant))).json()
    assert (person["kind"], person["role"], person["user"]["email"]) == ("session", "owner", "owner@example.com")
    assert person["organization"] == key["organization"]


async def test_operators_and_strangers_have_no_account(client: httpx2.AsyncClient, runtime: Runtime) -> None:
    operator = await operator_headers(runtime)
    for path in ("/v1/me", "/v1/organization", "/v1/api_keys", "/v1/api_keys/current"):
        assert (await client.get(path)).status_code == 401, path
        refused = await client.get(path, headers=operator)
        assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope"), path


async def test_the_organization_is_read_with_its_version(client: httpx2.AsyncClient, runtime: Runtime) -> None:
    tenant = await make_tenant(runtime, name="Acme")
    read = await client.get("/v1/organization", headers=tenant.headers)
    assert (read.status_code, read.headers["ETag"]) == (200, '"v1"')
    organization = read.json()
    assert (organization["object"], organization["name"], organization["metadata"]) == ("organization", "Acme", {})
    assert set(organization) == {"id", "object", "name", "status", "metadata", "created_at"}
    same = await client.get("/v1/organization", headers={**tenant.headers, "If-None-Match": 'W/"v1"'})
    assert (same.status_code, same.content) == (304, b"")


async def test_a_merge_patch_changes_what_it_names(client: httpx2.AsyncClient, runtime: Runtime) -> None:
    tenant = await make_tenant(runtime)

    async def merge(body: dict[str, Any]) -> Any:
        headers = {**tenant.headers, "Content-Type": "application/merge-patch+json"}
        return (await client.patch("/v1/organization", headers=headers, json=body)).json()

    assert (await merge({"metadata": {"a": "1", "b": "2"}}))["metadata"] == {"a": "1", "b": "2"}
    changed = await merge({"metadata": {"a": None, "c": "3"}})
    assert (changed["metadata"], changed["name"]) == ({"b": "2", "c": "3"}, "Acme")
    assert (await merge({"name": "Renamed"}))["metadata"] == {"b": "2", "c": "3"}
    assert (await merge({"metadata": None}))["metadata"] == {}
    assert (await merge({}))["name"] == "Renamed"


async def test_a_change_of_a_changed_organization_is_refused(client: httpx2.AsyncClient, runtime: Runtime) -> None:
    tenant = await make_tenant(runtime)
    first = {**tenant.headers, "If-Match": '"v1"'}
    assert (await client.patch("/v1/organization", headers=first, json={"name": "A"})).status_code == 200
    stale = await client.patch("/v1/organization", headers=first, json={"name": "B"})
    assert (stale.status_code, stale.headers["ETag"], stale.json()["code"]) == (412, '"v2"', "version_conflict")
    assert (await client.get("/v1/organization", headers=tenant.headers)).json()["name"] == "A"


async def test_one_tenant_never_changes_another(client: httpx2.AsyncClient, runtime: Runtime) -> None:
    mine, other = await make_tenant(runtime, name="Mine"), await make_tenant(runtime, name="Other")
    await client.patch("/v1/organization", headers=mine.headers, json={"name": "Changed"})
    assert (await client.get("/v1/organization", headers=other.headers)).json()["name"] == "Other"


async def test_the_organization_needs_its_scopes(client: httpx2.AsyncClient, runtime: Runtime) -> None:
    tenant = await make_tenant(runtime)
    reader = await make_key(runtime, tenant, scopes=TENANT_SCOPES - {Scope.ORGANIZATION_WRITE})
    refused = await client.patch("/v1/organization", headers=reader, json={"name": "No"})
    assert (refused.status_code, refused.json()["required_scopes"]) == (403, ["organization:write"])
    sender = await make_key(runtime, tenant, scopes={Scope.MESSAGES_SEND})
    assert (await client.get("/v1/organization", headers=sender)).status_code == 403


async def test_bad_changes_are_refused_with_the_place_of_the_fault(
    client: httpx2.AsyncClient, runtime: Runtime
) -> None:
    tenant = await make_tenant(runtime)
    faults: list[tuple[Any, str]] = [
        ({"name": None}, "#/name"),
        ({"name": "x" * 61}, "#/name"),
        ({"status": "closed"}, "#/status"),
        ({"metadata": {"k" * 41: "v"}}, "#/metadata"),
        ({"metadata": {"k": "v" * 501}}, "#/metadata"),
        ({"metadata": {"k": "\u0000"}}, "#/metadata"),
        ({"metadata": {"k": 1}}, "#/metadata"),
        ({"metadata": {f"k{number}": "v" for number in range(51)}}, "#/metadata"),
        ({"metadata": []}, "#/metadata"),
    ]
    for body, pointer in faults:
        answer = await client.patch("/v1/organization", headers=tenant.headers, json=body)
        assert answer.status_code == 400, (body, answer.text)
        assert answer.json()["errors"][0]["pointer"].startswith(pointer), answer.text
    assert (await client.get("/v1/organization", headers=tenant.headers)).headers["ETag"] == '"v1"'
