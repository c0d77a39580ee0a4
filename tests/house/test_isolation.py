"""Who may see what, generated from the route table: a new route cannot be forgotten."""

import re
from typing import Any

import httpx2
import pytest

from app.accounts.scopes import Scope
from app.kit import ids
from app.main import create_app
from app.openapi import guard_of, handlers
from app.runtime import Runtime
from tests.conftest import Drain, Upstream
from tests.factories import make_ready_instance, make_tenant, operator_headers

PREFIXES = {
    "instance_id": ids.INSTANCE,
    "operation_id": ids.OPERATION,
    "message_id": ids.MESSAGE,
    "key_id": ids.API_KEY,
    "endpoint_id": ids.WEBHOOK_ENDPOINT,
    "event_id": ids.EVENT,
    "delivery_id": ids.DELIVERY,
    "org_id": ids.ORGANIZATION,
    "upload_id": ids.UPLOAD,
    "partner_token_id": ids.PARTNER_TOKEN,
}
NOT_OURS = {
    "chat_id": "79990005544@c.us",
    "group_id": "120363043968066561@g.us",
    "upstream_message_id": "BAE5F00D00000001",
    "status_id": "BAE5F00D00000002",
    "method": "getChats",
    "provider": "green_api",
    "environment": "test",
}
"""Parts of paths that are WhatsApp's or the gateway's; they say nothing of whose they are."""


def routes() -> list[tuple[str, str, Scope | None]]:
    """Every guarded (method, path, scope); None: any tenant's credential will do."""
    found = []
    for path, handler in handlers(create_app(None)):
        guard = guard_of(handler)
        if guard is not None:
            found += [(str(method), path, guard.scope) for method in handler.http_methods if method != "HEAD"]
    return sorted(found, key=str)


def test_the_table_is_not_empty() -> None:
    assert len(routes()) > 30


def filled(path: str) -> str:
    """The path with well-formed ids of nobody's."""

    def value(found: re.Match[str]) -> str:
        name = found.group(1)
        return NOT_OURS.get(name) or ids.to_wire(PREFIXES[name], ids.new_id())

    return re.sub(r"\{(\w+)\}", value, path)


async def call(client: httpx2.AsyncClient, method: str, path: str, headers: dict[str, str]) -> httpx2.Response:
    """One request; writes carry an empty object, which no check before authorization may look at."""
    return await client.request(method, path, headers=headers, json={} if method != "GET" else None)


@pytest.mark.parametrize(("method", "path", "scope"), routes(), ids=lambda value: str(value))
async def test_nobody_gets_in_without_the_credential_and_the_scope(
    client: httpx2.AsyncClient, runtime: Runtime, method: str, path: str, scope: Scope | None
) -> None:
    where = filled(path)
    assert (await call(client, method, where, {})).status_code == 401
    for garbage in GARBAGE:
        reply = await client.request(method, where, headers={"Authorization": garbage})
        assert reply.status_code == 401, garbage
        assert reply.headers["content-type"] == "application/problem+json"
        assert reply.headers["www-authenticate"].startswith("Bearer")
    if scope is None:
        assert (await call(client, method, where, await operator_headers(runtime))).status_code == 403
        return
    wrong = Scope.USAGE_READ if scope is not Scope.USAGE_READ else Scope.EVENTS_READ
    if scope is Scope.OPERATOR:
        tenant = await make_tenant(runtime)
        assert (await call(client, method, where, tenant.headers)).status_code == 403
    else:
        tenant = await make_tenant(runtime, scopes=[wrong])
        refused = await call(client, method, where, tenant.headers)
        assert refused.status_code == 403
        assert refused.json()["required_scopes"] == [str(scope)]
        assert (await call(client, method, where, await operator_headers(runtime))).status_code == 403


GARBAGE = (
    b"Bearer x",
    b"Basic eDp5",
    b"Bearer slt_sk_live_" + b"a" * 43,
    b"Bearer \xe9\xff",
    b"Bearer " + b"y" * 9000,
)
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("PATCH", "/v1/instances/{instance_id}"): {"name": "Mine now"},
    ("POST", "/v1/instances/{instance_id}/pairing"): {"method": "qr"},
    ("POST", "/v1/instances/{instance_id}/pairing/links"): {},
    ("POST", "/v1/instances/{instance_id}/messages"): {
        "to": "79990001122@c.us",
        "type": "text",
        "text": {"body": "Hello"},
    },
    ("PATCH", "/v1/instances/{instance_id}/messages/{message_id}"): {"text": {"body": "Mine"}},
    ("PATCH", "/v1/instances/{instance_id}/chats/{chat_id}"): {"is_archived": True},
    ("POST", "/v1/instances/{instance_id}/chats/{chat_id}/read"): {},
    ("POST", "/v1/instances/{instance_id}/chats/{chat_id}/typing"): {},
    ("PATCH", "/v1/instances/{instance_id}/chats/{chat_id}/messages/{upstream_message_id}"): {"text": {"body": "Mine"}},
    ("PUT", "/v1/instances/{instance_id}/contacts/{chat_id}"): {"first_name": "Bo"},
    ("PATCH", "/v1/instances/{instance_id}/contacts/{chat_id}"): {"first_name": "Bo"},
    ("POST", "/v1/instances/{instance_id}/number_checks"): {"to": "+79990005544"},
    ("POST", "/v1/instances/{instance_id}/groups"): {"name": "Bo's", "participants": ["+79990005544"]},
    ("PATCH", "/v1/instances/{instance_id}/groups/{group_id}"): {"name": "Bo's"},
    ("POST", "/v1/instances/{instance_id}/groups/{group_id}/participants"): {"participant": "+79990005544"},
    ("POST", "/v1/instances/{instance_id}/statuses"): {"type": "text", "text": {"body": "Mine"}},
    ("PATCH", "/v1/instances/{instance_id}/settings"): {"keep_online": True},
    ("PATCH", "/v1/webhook_endpoints/{endpoint_id}"): {"description": "Mine now"},
    ("POST", "/v1/webhook_endpoints/{endpoint_id}/recover"): {"since": "2026-01-01T00:00:00Z"},
    ("POST", "/v1/webhook_endpoints/{endpoint_id}/rotate_secret"): {"expire_old_after_seconds": 0},
    ("PATCH", "/v1/api_keys/{key_id}"): {"name": "Mine now"},
    ("POST", "/v1/api_keys/{key_id}/rotate"): {"expire_old_after_seconds": 0},
}


@pytest.fixture
async def world(client: httpx2.AsyncClient, runtime: Runtime, drain: Drain, upstream: Upstream) -> dict[str, str]:
    """One of everything of Ada's, by the name of the path parameter; her phone is linked."""
    ada = await make_tenant(runtime, name="Ada")
    hook = {"url": "http://127.0.0.1:9999/hooks"}
    endpoint = (await client.post("/v1/webhook_endpoints", headers=ada.headers, json=hook)).json()
    partner = (await client.post("/v1/partner_tokens", headers=ada.headers, json={"name": "Tools"})).json()
    instance = await make_ready_instance(runtime, drain, upstream, ada)
    instance_id = ids.to_wire(ids.INSTANCE, instance.id)
    text = BODIES["POST", "/v1/instances/{instance_id}/messages"]
    sent = await client.post(f"/v1/instances/{instance_id}/messages", headers=ada.headers, json=text)
    assert sent.status_code == 202, sent.text
    headers = ada.headers | {"Content-Type": "image/jpeg"}
    uploaded = await client.post(f"/v1/instances/{instance_id}/uploads", headers=headers, content=b"picture")
    assert uploaded.status_code == 201, uploaded.text
    operations = (await client.get("/v1/operations", headers=ada.headers)).json()["data"]
    events = (await client.get("/v1/events", headers=ada.headers)).json()["data"]
    return {
        "instance_id": instance_id,
        "message_id": sent.json()["id"],
        "operation_id": operations[0]["id"],
        "event_id": events[0]["id"],
        "endpoint_id": endpoint["id"],
        "key_id": ada.key_id,
        "partner_token_id": partner["id"],
        "upload_id": uploaded.json()["id"],
    }


async def test_another_tenants_ids_are_404_on_every_route(
    client: httpx2.AsyncClient, runtime: Runtime, world: dict[str, str]
) -> None:
    """Bo asks for every resource of Ada's by its true id, on every route that takes one."""
    bo = await make_tenant(runtime, name="Bo")
    asked = 0
    for method, path, scope in routes():
        if scope is Scope.OPERATOR or "{" not in path:
            continue
        where = re.sub(r"\{(\w+)\}", lambda found: (NOT_OURS | world)[found.group(1)], path)
        reply = await client.request(method, where, headers=bo.headers, json=BODIES.get((method, path)))
        assert reply.status_code == 404, f"{method} {path}: {reply.status_code} {reply.text[:200]}"
        assert reply.json()["code"] == "resource_not_found", path
        assert not [value for value in world.values() if value in reply.text], path
        asked += 1
    assert asked > 20


async def test_lists_show_nothing_of_another_tenant(
    client: httpx2.AsyncClient, runtime: Runtime, world: dict[str, str]
) -> None:
    bo = await make_tenant(runtime, name="Bo")
    for method, path, scope in routes():
        if method == "GET" and "{" not in path and scope is not Scope.OPERATOR:
            reply = await client.get(path, headers=bo.headers)
            assert not [value for value in world.values() if value in reply.text], path
