"""Who may see what, generated from the route table: a new route cannot be forgotten."""

import re
from typing import Any

import httpx2
import pytest

from app.accounts.scopes import Scope
from app.kit import ids
from app.main import create_app
from app.openapi import handlers, scope_of
from app.runtime import Runtime
from tests.conftest import Drain, Upstream
from tests.factories import make_tenant, operator_headers

PREFIXES = {
    "instance_id": ids.INSTANCE,
    "operation_id": ids.OPERATION,
    "message_id": ids.MESSAGE,
    "key_id": ids.API_KEY,
    "endpoint_id": ids.WEBHOOK_ENDPOINT,
    "event_id": ids.EVENT,
    "delivery_id": ids.DELIVERY,
    "org_id": ids.ORGANIZATION,
}


def routes() -> list[tuple[str, str, Scope]]:
    """Every guarded (method, path, scope)."""
    found = []
    for handler in handlers(create_app(None)):
        scope = scope_of(handler)
        if scope is None:
            continue
        for path in handler.paths:
            for method in handler.http_methods - {"OPTIONS", "HEAD"}:
                found.append((method, path, scope))
    return sorted(found)


def test_the_table_is_not_empty() -> None:
    assert len(routes()) > 30


def filled(path: str) -> str:
    """The path with well-formed ids of nobody's."""

    def value(found: re.Match[str]) -> str:
        name = found.group(1)
        return ids.to_wire(PREFIXES[name], ids.new_id())

    return re.sub(r"\{(\w+)(?::\w+)?\}", value, path)


async def call(client: httpx2.AsyncClient, method: str, path: str, headers: dict[str, str]) -> httpx2.Response:
    """One request; writes carry an empty object, which no check before authorization may look at."""
    return await client.request(method, path, headers=headers, json={} if method != "GET" else None)


@pytest.mark.parametrize(("method", "path", "scope"), routes(), ids=lambda value: str(value))
async def test_nobody_gets_in_without_the_credential_and_the_scope(
    client: httpx2.AsyncClient, runtime: Runtime, method: str, path: str, scope: Scope
) -> None:
    where = filled(path)
    assert (await call(client, method, where, {})).status_code == 401
    for garbage in ("Bearer x", "Basic eDp5", "Bearer slt_sk_live_" + "a" * 43, "Bearer " + "é" * 3):
        reply = await call(client, method, where, {"Authorization": garbage.encode("latin-1").decode("latin-1")})
        assert reply.status_code == 401, garbage
        assert reply.headers["content-type"] == "application/problem+json"
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


async def test_another_tenants_ids_are_404_on_every_route(
    client: httpx2.AsyncClient, runtime: Runtime, drain: Drain, upstream: Upstream, world: dict[str, str]
) -> None:
    """Bo asks for every resource of Ada's by its true id, on every route that takes one."""
    bo = await make_tenant(runtime, name="Bo")
    asked = 0
    for method, path, scope in routes():
        names = re.findall(r"\{(\w+)", path)
        if scope is Scope.OPERATOR or not names:
            continue
        where = re.sub(r"\{(\w+)(?::\w+)?\}", lambda found: world[found.group(1)], path)
        for body in BODIES.get((method, path), [{}]):
            reply = await client.request(method, where, headers=bo.headers, json=body if method != "GET" else None)
            if reply.status_code == 400 and body == {}:
                continue  # the body is checked first here; a valid one stands in BODIES
            assert reply.status_code == 404, f"{method} {path}: {reply.status_code} {reply.text[:200]}"
            assert reply.json()["code"] == "resource_not_found"
            assert not [value for value in world.values() if value in reply.text.replace(where, "")]
            asked += 1
    assert asked > 20


BODIES: dict[tuple[str, str], list[dict[str, Any]]] = {}
