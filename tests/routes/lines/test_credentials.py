"""Credentials for existing code: made at the first call, the same at the next, new when rotated."""

import asyncio
from typing import Any

import httpx2
import pytest

from app.accounts.scopes import TENANT_SCOPES, Scope
from app.gateway.catalogue import LINE_SCOPES
from app.instances import service as instances
from app.kit import ids
from app.kit.db import SYSTEM
from app.lines import reach
from app.lines import service as lines
from app.runtime import Runtime
from tests.factories import TestTenant, make_key, make_tenant
from tests.verbs.bare import make_bare


async def make_path(runtime: Runtime, tenant: TestTenant) -> str:
    """Where the credentials of a new instance are."""
    bare = await make_bare(runtime.database, tenant_id=tenant.tenant_id)
    return f"/v1/instances/{ids.to_wire(ids.INSTANCE, bare.instance_id)}/credentials"


async def opens(runtime: Runtime, credentials: dict[str, Any]) -> bool:
    """Whether number and token fit."""
    async with runtime.database.begin(SYSTEM) as uow:
        line = await lines.by_number(uow, credentials["id_instance"])
    return line is not None and lines.token_is(line, runtime.keyring, credentials["api_token_instance"])


async def test_credentials_are_made_once_and_shown_again(runtime: Runtime, client: httpx2.AsyncClient) -> None:
    tenant = await make_tenant(runtime)
    path = await make_path(runtime, tenant)
    replies = await asyncio.gather(*(client.get(path, headers=tenant.headers) for _ in range(4)))
    assert {reply.status_code for reply in replies} == {200}
    assert len({reply.text for reply in replies}) == 1
    assert replies[0].headers["cache-control"] == "no-store"
    shown = replies[0].json()
    assert shown["object"] == "instance_credentials"
    credentials = shown["green_api"]
    assert credentials["api_url"] == credentials["media_url"] == runtime.instance_options.public_url
    assert len(str(credentials["id_instance"])) == 10
    assert await opens(runtime, credentials)


async def test_a_rotation_ends_the_old_token_and_is_repeated_with_its_key(
    runtime: Runtime, client: httpx2.AsyncClient
) -> None:
    tenant = await make_tenant(runtime)
    path = await make_path(runtime, tenant)
    before = (await client.get(path, headers=tenant.headers)).json()["green_api"]
    headers = tenant.headers | {"Idempotency-Key": "once"}
    first = await client.post(f"{path}/rotate", headers=headers)
    again = await client.post(f"{path}/rotate", headers=headers)
    assert first.status_code == 200, first.text
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    after = first.json()["green_api"]
    assert after["id_instance"] == before["id_instance"]
    assert after["api_token_instance"] != before["api_token_instance"]
    assert not await opens(runtime, before)
    assert await opens(runtime, after)
    assert (await client.get(path, headers=tenant.headers)).json() == first.json()


async def test_a_rotation_may_come_first(runtime: Runtime, client: httpx2.AsyncClient) -> None:
    tenant = await make_tenant(runtime)
    made = await client.post(f"{await make_path(runtime, tenant)}/rotate", headers=tenant.headers)
    assert await opens(runtime, made.json()["green_api"])


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_who_may_not_see_them_is_refused(runtime: Runtime, client: httpx2.AsyncClient, method: str) -> None:
    tenant, other = await make_tenant(runtime), await make_tenant(runtime, name="Bo")
    path = await make_path(runtime, tenant) + ("/rotate" if method == "POST" else "")
    refused = await client.request(method, path, headers=other.headers)
    assert (refused.status_code, refused.json()["code"]) == (404, "resource_not_found")
    narrow = await make_key(runtime, tenant, scopes=TENANT_SCOPES - {Scope.KEYS_WRITE})
    assert (await client.request(method, path, headers=narrow)).status_code == 403
    for lacking in LINE_SCOPES:
        lesser = await make_key(runtime, tenant, scopes=TENANT_SCOPES - {lacking})
        reply = await client.request(method, path, headers=lesser)
        assert (reply.status_code, reply.json()["required_scopes"]) == (403, [str(lacking)]), "the token has this scope"
    elsewhere = await make_key(runtime, tenant, instance_ids=[ids.new_id()])
    assert (await client.request(method, path, headers=elsewhere)).status_code == 404
    sandbox = await make_key(runtime, tenant, environment="test")
    assert (await client.request(method, path, headers=sandbox)).status_code == 404
    assert (await client.request(method, path)).status_code == 401


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_instance_that_leaves_has_none(runtime: Runtime, client: httpx2.AsyncClient, method: str) -> None:
    tenant = await make_tenant(runtime)
    path = await make_path(runtime, tenant)
    before = (await client.get(path, headers=tenant.headers)).json()["green_api"]
    async with runtime.database.begin(tenant.tenant_id) as uow:
        instance_id = ids.from_wire(ids.INSTANCE, path.split("/")[3])
        await instances.request_deletion(uow, await instances.find(uow, instance_id))
    gone = await client.request(method, path + ("/rotate" if method == "POST" else ""), headers=tenant.headers)
    assert (gone.status_code, gone.json()["code"]) == (410, "instance_deleted")
    assert not await opens(runtime, before)


def test_the_reach_of_a_token_is_that_of_all_methods() -> None:
    assert reach.REACH == LINE_SCOPES
