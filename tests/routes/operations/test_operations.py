"""Watching long work: conditional, held open, listed, called off while it can be."""

import asyncio
import time

import httpx2
import pytest

from app.kit import ids
from app.kit.db import SYSTEM
from app.operations import service
from app.runtime import Runtime
from tests.conftest import Drain, Upstream
from tests.factories import TestTenant, make_key, make_tenant

Client = httpx2.AsyncClient


async def begin(client: Client, tenant: TestTenant) -> tuple[str, str]:
    """An instance's wish: the operation's and the instance's public ids."""
    reply = await client.post("/v1/instances", json={"name": "A"}, headers=tenant.headers)
    return reply.json()["id"], reply.headers["x-instance-id"]


async def move(runtime: Runtime, operation_id: str, *, end: bool = False) -> None:
    """As a worker would."""
    async with runtime.database.begin(SYSTEM) as uow:
        operation = await service.find(uow, ids.from_wire(ids.OPERATION, operation_id))
        await service.progress(uow, operation, step="creating", percent=10, eta_at=uow.now)
        if end:
            await service.fail(uow, operation, "upstream_error", "It did not work.")


async def test_an_operation_tells_how_far_it_is(client: Client, runtime: Runtime) -> None:
    tenant = await make_tenant(runtime)
    operation_id, instance_id = await begin(client, tenant)
    where = f"/v1/operations/{operation_id}"
    first = await client.get(where, headers=tenant.headers)
    told = first.json()
    assert told["object"] == "operation"
    assert told["status"] == "queued"
    assert told["resource"] == {"type": "instance", "id": instance_id}
    assert told["progress"]["step"] == "queued"
    assert told["finished_at"] is None
    assert first.headers["retry-after"] == "2"
    same = await client.get(where, headers=tenant.headers | {"If-None-Match": first.headers["etag"]})
    assert same.status_code == 304
    await move(runtime, operation_id)
    moved = await client.get(where, headers=tenant.headers | {"If-None-Match": first.headers["etag"]})
    assert moved.status_code == 200
    assert moved.json()["status"] == "running"
    assert moved.json()["progress"] == {"percent": 10, "step": "creating", "eta_seconds": 0}
    await move(runtime, operation_id, end=True)
    over = (await client.get(where, headers=tenant.headers)).json()
    assert over["status"] == "failed"
    assert over["error"] == {
        "code": "upstream_error",
        "title": "Upstream error",
        "detail": "It did not work.",
    }
    assert over["expires_at"] > over["finished_at"]


async def test_waiting_ends_with_the_operation(client: Client, runtime: Runtime) -> None:
    tenant = await make_tenant(runtime)
    operation_id, _ = await begin(client, tenant)
    headers = tenant.headers | {"Prefer": "wait=25"}
    started = time.monotonic()
    waiting = asyncio.create_task(client.get(f"/v1/operations/{operation_id}", headers=headers))
    await asyncio.sleep(0.2)
    await move(runtime, operation_id)
    await asyncio.sleep(0.2)
    assert not waiting.done()
    await move(runtime, operation_id, end=True)
    reply = await waiting
    assert reply.json()["status"] == "failed"
    assert reply.headers["preference-applied"] == "wait=25"
    assert time.monotonic() - started < 20


async def test_waiting_for_a_change_ends_with_the_first(client: Client, runtime: Runtime) -> None:
    tenant = await make_tenant(runtime)
    operation_id, _ = await begin(client, tenant)
    where = f"/v1/operations/{operation_id}"
    etag = (await client.get(where, headers=tenant.headers)).headers["etag"]
    headers = tenant.headers | {"Prefer": "respond-async, wait=10", "If-None-Match": etag}
    waiting = asyncio.create_task(client.get(where, headers=headers))
    await asyncio.sleep(0.2)
    await move(runtime, operation_id)
    reply = await waiting
    assert reply.status_code == 200
    assert reply.json()["status"] == "running"


async def test_waiting_has_an_end(client: Client, runtime: Runtime) -> None:
    tenant = await make_tenant(runtime)
    operation_id, _ = await begin(client, tenant)
    where = f"/v1/operations/{operation_id}"
    etag = (await client.get(where, headers=tenant.headers)).headers["etag"]
    reply = await client.get(where, headers=tenant.headers | {"Prefer": "wait=1"})
    assert reply.json()["status"] == "queued"
    unchanged = await client.get(where, headers=tenant.headers | {"Prefer": "wait=1", "If-None-Match": etag})
    assert unchanged.status_code == 304


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        (None, None),
        ("", None),
        ("wait=5", 5),
        ("wait=9999", 25),
        ("wait=0", 0),
        ("respond-async,wait=3", 3),
        ("respond-async; wait=3", 3),
        ("await=3", None),
        ("wait=-3", None),
        ("wait=3s", None),
        ("wait=99999999999", None),
    ],
)
def test_how_long_a_preference_asks_for(prefer: str | None, seconds: float | None) -> None:
    assert service.wait_of(prefer) == seconds


async def test_many_waiters_hold_no_connections(client: Client, runtime: Runtime) -> None:
    tenant = await make_tenant(runtime)
    operation_id, _ = await begin(client, tenant)
    headers = tenant.headers | {"Prefer": "wait=25"}
    waiting = [
        asyncio.create_task(client.get(f"/v1/operations/{operation_id}", headers=headers))
        for _ in range(runtime.settings.pool_size * 3)
    ]
    await asyncio.sleep(0.3)
    assert (await client.get("/v1/instances", headers=tenant.headers)).status_code == 200
    assert not any(each.done() for each in waiting), "it waited for none of them"
    await move(runtime, operation_id)
    await move(runtime, operation_id, end=True)
    for reply in await asyncio.gather(*waiting):
        assert reply.status_code == 200


async def test_lists_are_the_callers_and_can_be_narrowed(client: Client, runtime: Runtime) -> None:
    ada, bo = await make_tenant(runtime, name="Ada"), await make_tenant(runtime, name="Bo")
    operation_id, instance_id = await begin(client, ada)
    await begin(client, bo)
    for query, count in (
        ("", 1),
        (f"?resource_id={instance_id}", 1),
        (f"?resource_id={ids.to_wire(ids.INSTANCE, ids.new_id())}", 0),
        ("?status=queued&status=running", 1),
        ("?status=failed", 0),
    ):
        listed = (await client.get(f"/v1/operations{query}", headers=ada.headers)).json()
        assert [item["id"] for item in listed["data"]] == [operation_id] * count, query
    wrong = await client.get("/v1/operations?resource_id=op_x", headers=ada.headers)
    assert wrong.status_code == 404


async def test_foreign_operations_are_not_there(client: Client, runtime: Runtime) -> None:
    ada, bo = await make_tenant(runtime, name="Ada"), await make_tenant(runtime, name="Bo")
    operation_id, _ = await begin(client, ada)
    others = [
        bo.headers,
        await make_key(runtime, ada, environment="test"),
        await make_key(runtime, ada, instance_ids=[ids.new_id()]),
    ]
    for headers in others:
        assert (await client.get(f"/v1/operations/{operation_id}", headers=headers)).status_code == 404
        assert (await client.post(f"/v1/operations/{operation_id}/cancel", headers=headers)).status_code == 404
        assert (await client.get("/v1/operations", headers=headers)).json()["data"] == []
        waiting = await client.get(f"/v1/operations/{operation_id}", headers=headers | {"Prefer": "wait=5"})
        assert waiting.status_code == 404


async def test_only_what_is_still_queued_is_called_off(
    client: Client, runtime: Runtime, drain: Drain, upstream: Upstream
) -> None:
    tenant = await make_tenant(runtime)
    operation_id, instance_id = await begin(client, tenant)
    reply = await client.post(f"/v1/operations/{operation_id}/cancel", headers=tenant.headers)
    assert reply.status_code == 200
    assert reply.json()["status"] == "cancelled"
    assert (await client.post(f"/v1/operations/{operation_id}/cancel", headers=tenant.headers)).status_code == 409

    async def is_gone() -> bool:
        found = await client.get(f"/v1/instances/{instance_id}", headers=tenant.headers)
        return bool(found.json()["status"] == "deleted")

    await drain(until=is_gone)
    assert await upstream.instances() == []


async def test_what_runs_is_not_called_off(client: Client, runtime: Runtime) -> None:
    tenant = await make_tenant(runtime)
    operation_id, _ = await begin(client, tenant)
    await move(runtime, operation_id)
    reply = await client.post(f"/v1/operations/{operation_id}/cancel", headers=tenant.headers)
    assert reply.status_code == 409
    assert reply.json()["operation_id"] == operation_id
