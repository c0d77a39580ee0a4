"""The routes of instances, each with the statuses that it can answer."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from app.accounts.scopes import PRESETS, Scope
from app.instances import service
from app.kit import ids
from app.kit.db import SYSTEM
from app.runtime import Runtime
from tests.conftest import Drain, Upstream
from tests.factories import TestTenant, make_key, make_ready_instance, make_tenant, read_instance

Client = httpx2.AsyncClient


async def create(client: Client, tenant: TestTenant, name: str = "Support", **headers: str) -> httpx2.Response:
    return await client.post("/v1/instances", json={"name": name}, headers=tenant.headers | headers)


async def test_a_request_is_accepted_and_leads_to_an_active_instance(
    client: Client, runtime: Runtime, drain: Drain, upstream: Upstream
) -> None:
    tenant = await make_tenant(runtime)
    reply = await client.post(
        "/v1/instances", json={"name": "Support", "metadata": {"crm_id": "42"}}, headers=tenant.headers
    )
    assert reply.status_code == 202, reply.text
    operation = reply.json()
    assert operation["type"] == "instance.provision"
    assert operation["status"] == "queued"
    assert operation["resource"] == {"type": "instance", "id": reply.headers["x-instance-id"]}
    assert reply.headers["location"] == f"/v1/operations/{operation['id']}"
    assert reply.headers["retry-after"] == "2"
    where = f"/v1/instances/{reply.headers['x-instance-id']}"
    queued = (await client.get(where, headers=tenant.headers)).json()
    assert queued["status"] == "queued"
    assert queued["access"] == {"allowed": False, "reason": "not_started", "until": None}

    async def is_over() -> bool:
        found = await client.get(reply.headers["location"], headers=tenant.headers)
        return bool(found.json()["status"] == "succeeded")

    await drain(until=is_over)
    done = (await client.get(reply.headers["location"], headers=tenant.headers)).json()
    assert done["result"] == {"instance_id": reply.headers["x-instance-id"]}
    assert done["progress"] == {"percent": 100, "step": None, "eta_seconds": None}
    active = (await client.get(where, headers=tenant.headers)).json()
    assert active["object"] == "instance"
    assert active["status"] == "active"
    assert active["connection"] == "unpaired"
    assert active["access"]["allowed"] is True
    assert active["access"]["until"] == active["trial_ends_at"]
    assert active["billing_mode"] == "trial"
    assert active["environment"] == "live"
    assert active["metadata"] == {"crm_id": "42"}
    assert len(await upstream.instances()) == 1


async def test_preferring_to_wait_answers_when_it_is_done(
    client: Client, runtime: Runtime, drain: Drain, upstream: Upstream
) -> None:
    tenant = await make_tenant(runtime)
    waiting = asyncio.create_task(create(client, tenant, Prefer="wait=20"))

    async def answered() -> bool:
        return waiting.done()

    await drain(until=answered)
    reply = waiting.result()
    assert reply.status_code == 202
    assert reply.headers["preference-applied"] == "wait=20"
    assert reply.json()["status"] == "succeeded"


async def test_the_same_key_makes_one_instance(client: Client, runtime: Runtime) -> None:
    tenant = await make_tenant(runtime)
    first = await create(client, tenant, **{"Idempotency-Key": "a"})
    again = await create(client, tenant, **{"Idempotency-Key": "a"})
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json() == first.json()
    assert again.headers["x-instance-id"] == first.headers["x-instance-id"]
    listed = (await client.get("/v1/instances", headers=tenant.headers)).json()
    assert len(listed["data"]) == 1


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({}, "invalid_request", "#/name"),
        ({"name": ""}, "invalid_request", "#/name"),
        ({"name": "x" * 61}, "invalid_request", "#/name"),
        ({"name": "a\x00b"}, "invalid_request", "#/name"),
        ({"name": 7}, "invalid_request", "#/name"),
        ({"name": "A", "colour": "red"}, "unknown_field", "#/colour"),
        ({"name": "A", "provider": "Whapi Cloud"}, "invalid_request", "#/provider"),
        ({"name": "A", "provider": "whapi"}, "unsupported_by_provider", "#/provider"),
        ({"name": "A", "provider": "nobody"}, "unsupported_by_provider", "#/provider"),
        ({"name": "A", "metadata": {"a": 1}}, "invalid_request", "#/metadata/*"),
    ],
)
async def test_a_bad_wish_is_refused_with_a_pointer(
    client: Client, runtime: Runtime, body: dict[str, Any], code: str, pointer: str
) -> None:
    tenant = await make_tenant(runtime)
    reply = await client.post("/v1/instances", json=body, headers=tenant.headers)
    assert reply.status_code == 400
    assert reply.json()["code"] == code
    assert [item["pointer"] for item in reply.json()["errors"]] == [pointer]


async def test_a_taken_name_is_a_conflict(client: Client, runtime: Runtime) -> None:
    tenant = await make_tenant(runtime)
    await create(client, tenant)
    reply = await create(client, tenant)
    assert reply.status_code == 409
    assert reply.json()["code"] == "name_taken"


async def test_a_second_trial_instance_needs_payment(client: Client, runtime: Runtime) -> None:
    tenant = await make_tenant(runtime)
    await create(client, tenant)
    reply = await create(client, tenant, "Sales")
    assert reply.status_code == 402
    assert reply.json()["code"] == "plan_limit_reached"
    assert len((await client.get("/v1/instances", headers=tenant.headers)).json()["data"]) == 1


async def test_a_key_limited_to_instances_makes_no_new_one(client: Client, runtime: Runtime) -> None:
    tenant = await make_tenant(runtime)
    headers = await make_key(runtime, tenant, instance_ids=[ids.new_id()])
    reply = await client.post("/v1/instances", json={"name": "A"}, headers=headers)
    assert reply.status_code == 403


async def test_reading_needs_no_write_scope_and_writing_does(client: Client, runtime: Runtime) -> None:
    tenant = await make_tenant(runtime)
    made = await create(client, tenant)
    where = f"/v1/instances/{made.headers['x-instance-id']}"
    reader = await make_key(runtime, tenant, scopes=PRESETS["read_only"])
    assert (await client.get(where, headers=reader)).status_code == 200
    assert (await client.delete(where, headers=reader)).status_code == 403
    sender = await make_key(runtime, tenant, scopes=[Scope.MESSAGES_SEND])
    assert (await client.get(where, headers=sender)).status_code == 403


ROUTES: list[tuple[str, str, dict[str, Any] | None]] = [
    ("GET", "", None),
    ("PATCH", "", {"name": "Mine now"}),
    ("DELETE", "", None),
    ("POST", "/suspend", None),
    ("POST", "/resume", None),
    ("POST", "/reboot", None),
    ("POST", "/logout", None),
    ("GET", "/state", None),
    ("GET", "/pairing", None),
    ("POST", "/pairing", {"method": "qr"}),
    ("GET", "/pairing/qr.png", None),
    ("GET", "/pairing/stream", None),
]


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
async def test_another_tenants_environments_and_unlisted_instances_are_alike_not_there(
    client: Client, runtime: Runtime, method: str, path: str, body: dict[str, Any] | None
) -> None:
    ada, bo = await make_tenant(runtime, name="Ada"), await make_tenant(runtime, name="Bo")
    made = (await create(client, ada)).headers["x-instance-id"]
    foreign_key = bo.headers
    other_environment = await make_key(runtime, ada, environment="test")
    other_instances = await make_key(runtime, ada, instance_ids=[ids.new_id()])
    unknown = ids.to_wire(ids.INSTANCE, ids.new_id())
    for headers, wanted in (
        (foreign_key, made),
        (other_environment, made),
        (other_instances, made),
        (ada.headers, unknown),
        (ada.headers, made.replace("inst_", "msg_")),
        (ada.headers, "nonsense"),
    ):
        reply = await client.request(method, f"/v1/instances/{wanted}{path}", headers=headers, json=body)
        assert reply.status_code == 404, (wanted, reply.text)
        assert reply.json()["code"] == "resource_not_found"
    assert (await read_instance(runtime, ids.from_wire(ids.INSTANCE, made))).status == "queued"


async def test_lists_hold_only_the_callers_and_filter(client: Client, runtime: Runtime) -> None:
    ada, bo = await make_tenant(runtime, name="Ada"), await make_tenant(runtime, name="Bo")
    made = (await create(client, ada)).headers["x-instance-id"]
    await create(client, bo)
    listed = (await client.get("/v1/instances", headers=ada.headers)).json()
    assert [item["id"] for item in listed["data"]] == [made]
    assert listed["has_more"] is False
    for query, count in (("status=queued", 1), ("status=active", 0), ("q=supp", 1), ("q=%25", 0)):
        found = (await client.get(f"/v1/instances?{query}", headers=ada.headers)).json()
        assert len(found["data"]) == count, query
    wrong = await client.get("/v1/instances?status=happy", headers=ada.headers)
    assert wrong.status_code == 400
    assert wrong.json()["errors"][0]["pointer"] == "?status"


async def test_pages_follow_one_another(client: Client, runtime: Runtime) -> None:
    tenant = await make_tenant(runtime)
    async with runtime.database.begin(tenant.tenant_id) as uow:
        for number in range(5):
            await service.request_instance(
                uow,
                tenant_id=tenant.tenant_id,
                environment="live",
                name=f"N{number}",
                provider="green_api",
                metadata={},
                options=runtime.instance_options,
                quota_free=True,
            )
    names: list[str] = []
    where: str | None = "/v1/instances?limit=2"
    while where is not None:
        reply = await client.get(where, headers=tenant.headers)
        names += [item["name"] for item in reply.json()["data"]]
        where = reply.links["next"]["url"] if reply.json()["has_more"] else None
    assert names == ["N4", "N3", "N2", "N1", "N0"]


async def test_an_unchanged_instance_is_304_and_a_changed_one_is_not(client: Client, runtime: Runtime) -> None:
    tenant = await make_tenant(runtime)
    where = f"/v1/instances/{(await create(client, tenant)).headers['x-instance-id']}"
    first = await client.get(where, headers=tenant.headers)
    assert first.headers["etag"] == first.json()["etag"]
    same = await client.get(where, headers=tenant.headers | {"If-None-Match": first.headers["etag"]})
    assert same.status_code == 304
    assert same.content == b""
    await client.patch(where, json={"name": "Sales"}, headers=tenant.headers)
    other = await client.get(where, headers=tenant.headers | {"If-None-Match": first.headers["etag"]})
    assert other.status_code == 200
    assert other.json()["name"] == "Sales"


async def test_a_patch_changes_what_it_names_and_only_the_version_it_knows(client: Client, runtime: Runtime) -> None:
    tenant = await make_tenant(runtime)
    made = await client.post(
        "/v1/instances", json={"name": "A", "metadata": {"a": "1", "b": "2"}}, headers=tenant.headers
    )
    where = f"/v1/instances/{made.headers['x-instance-id']}"
    etag = (await client.get(where, headers=tenant.headers)).headers["etag"]
    changed = await client.patch(
        where, json={"metadata": {"a": None, "c": "3"}}, headers=tenant.headers | {"If-Match": etag}
    )
    assert changed.status_code == 200
    assert changed.json()["metadata"] == {"b": "2", "c": "3"}
    assert changed.json()["name"] == "A"
    stale = await client.patch(where, json={"name": "B"}, headers=tenant.headers | {"If-Match": etag})
    assert stale.status_code == 412
    assert stale.json()["code"] == "version_conflict"
    assert stale.headers["etag"] == changed.headers["etag"]
    cleared = await client.patch(where, json={"metadata": None}, headers=tenant.headers)
    assert cleared.json()["metadata"] == {}
    for body, pointer in (({"name": None}, "#/name"), ({"state": "x"}, "#/state"), ({"name": " "}, "#/name")):
        bad = await client.patch(where, json=body, headers=tenant.headers)
        assert bad.status_code == 400
        assert bad.json()["errors"][0]["pointer"] == pointer


@pytest.fixture
async def ready(
    runtime: Runtime, drain: Drain, upstream: Upstream
) -> Callable[..., Awaitable[tuple[TestTenant, str, int]]]:
    """Makes an active instance and tells its tenant, its public id and its upstream id."""

    async def make(*, linked: bool = True) -> tuple[TestTenant, str, int]:
        tenant = await make_tenant(runtime)
        instance = await make_ready_instance(runtime, drain, upstream, tenant, linked=linked)
        assert instance.upstream_id is not None
        return tenant, ids.to_wire(ids.INSTANCE, instance.id), instance.upstream_id

    return make


Ready = Callable[..., Awaitable[tuple[TestTenant, str, int]]]


async def test_suspending_closes_the_gate_and_resuming_opens_it(client: Client, runtime: Runtime, ready: Ready) -> None:
    tenant, instance_id, _ = await ready()
    where = f"/v1/instances/{instance_id}"
    suspended = await client.post(f"{where}/suspend", headers=tenant.headers)
    assert suspended.status_code == 202
    assert suspended.json()["status"] == "succeeded"
    seen = (await client.get(where, headers=tenant.headers)).json()
    assert seen["status"] == "suspended"
    assert seen["suspended_by"] == "organization"
    assert seen["access"]["reason"] == "suspended_by_organization"
    assert (await client.post(f"{where}/reboot", headers=tenant.headers)).status_code == 403
    assert (await client.post(f"{where}/resume", headers=tenant.headers)).status_code == 202
    seen = (await client.get(where, headers=tenant.headers)).json()
    assert seen["status"] == "active"
    assert seen["access"]["allowed"] is True


async def test_what_the_operator_suspended_the_tenant_does_not_resume(
    client: Client, runtime: Runtime, ready: Ready
) -> None:
    tenant, instance_id, _ = await ready()
    where = f"/v1/instances/{instance_id}"
    async with runtime.database.begin(SYSTEM) as uow:
        instance = await service.find(uow, ids.from_wire(ids.INSTANCE, instance_id))
        await service.suspend(uow, instance, by="operator", reason="abuse")
    refused = await client.post(f"{where}/resume", headers=tenant.headers)
    assert refused.status_code == 403
    assert refused.json()["code"] == "instance_suspended"
    seen = (await client.get(where, headers=tenant.headers)).json()
    assert seen["access"] == {"allowed": False, "reason": "suspended_by_operator", "until": None}


@pytest.mark.parametrize("kind", ["reboot", "logout"])
async def test_a_command_is_run_by_a_worker_and_its_operation_ends(
    client: Client, runtime: Runtime, drain: Drain, upstream: Upstream, ready: Ready, kind: str
) -> None:
    tenant, instance_id, upstream_id = await ready()
    reply = await client.post(f"/v1/instances/{instance_id}/{kind}", headers=tenant.headers)
    assert reply.status_code == 202
    assert reply.json()["type"] == f"instance.{kind}"
    twice = await client.post(f"/v1/instances/{instance_id}/{kind}", headers=tenant.headers)
    assert twice.status_code == 409
    assert twice.json()["code"] == "operation_in_progress"
    assert twice.json()["operation_id"] == reply.json()["id"]

    async def is_over() -> bool:
        found = await client.get(reply.headers["location"], headers=tenant.headers)
        return bool(found.json()["status"] == "succeeded")

    await drain(until=is_over)
    truth = next(item for item in await upstream.instances() if item["id_instance"] == upstream_id)
    assert truth["wid"] == ("" if kind == "logout" else "79990001122@c.us")
    seen = (await client.get(f"/v1/instances/{instance_id}", headers=tenant.headers)).json()
    assert seen["connection"] == ("unpaired" if kind == "logout" else "starting")


async def test_nothing_is_commanded_before_it_is_ready(client: Client, runtime: Runtime) -> None:
    tenant = await make_tenant(runtime)
    where = f"/v1/instances/{(await create(client, tenant)).headers['x-instance-id']}"
    for path in ("/reboot", "/logout", "/pairing"):
        reply = await client.post(where + path, headers=tenant.headers, json={} if path == "/pairing" else None)
        assert reply.status_code == 409
        assert reply.json()["code"] == "instance_not_ready"
        assert int(reply.headers["retry-after"]) > 0


async def test_the_state_is_cheap_and_fresh_on_demand(
    client: Client, runtime: Runtime, upstream: Upstream, ready: Ready
) -> None:
    tenant, instance_id, upstream_id = await ready(linked=False)
    where = f"/v1/instances/{instance_id}/state"
    before = await client.get(where, headers=tenant.headers)
    assert before.json()["connection"] == "unpaired"
    await upstream.scan(upstream_id)
    runtime.database.shift += timedelta(seconds=10)
    known = await client.get(where, headers=tenant.headers | {"If-None-Match": before.headers["etag"]})
    assert known.status_code == 304
    fresh = await client.get(f"{where}?refresh=true", headers=tenant.headers)
    assert fresh.json()["connection"] == "connected"
    assert fresh.json()["phone_number"] == "+79990001122"
    assert fresh.headers["etag"] != before.headers["etag"]


async def test_a_deletion_closes_the_gate_at_once_and_ends_in_a_receipt(
    client: Client, runtime: Runtime, drain: Drain, upstream: Upstream, ready: Ready
) -> None:
    tenant, instance_id, upstream_id = await ready()
    where = f"/v1/instances/{instance_id}"
    stale = await client.delete(where, headers=tenant.headers | {"If-Match": '"v0"'})
    assert stale.status_code == 412
    reply = await client.delete(where, headers=tenant.headers)
    assert reply.status_code == 202
    assert reply.json()["type"] == "instance.delete"
    assert (await client.get(where, headers=tenant.headers)).json()["status"] == "deleting"
    assert (await client.post(f"{where}/reboot", headers=tenant.headers)).status_code == 410
    assert (await client.post(f"{where}/suspend", headers=tenant.headers)).status_code == 410
    again = await client.delete(where, headers=tenant.headers)
    assert again.status_code == 409
    assert again.json()["operation_id"] == reply.json()["id"]
    cannot = await client.post(f"/v1/operations/{reply.json()['id']}/cancel", headers=tenant.headers)
    assert cannot.status_code == 409

    async def is_over() -> bool:
        found = await client.get(reply.headers["location"], headers=tenant.headers)
        return bool(found.json()["status"] == "succeeded")

    await drain(until=is_over)
    receipt = (await client.get(reply.headers["location"], headers=tenant.headers)).json()["result"]
    assert receipt["logged_out"] is True
    assert receipt["queues_cleared"] is True
    assert receipt["upstream_deleted_at"]
    assert receipt["seen_deleted_at"]
    assert receipt["digest"].startswith("sha256:")
    truth = next(item for item in await upstream.instances() if item["id_instance"] == upstream_id)
    assert truth["deleted_at"] is not None
    assert truth["linked_device_left"] is False
    gone = (await client.get(where, headers=tenant.headers)).json()
    assert gone["status"] == "deleted"
    assert gone["phone_number"] is None
    assert (await client.get("/v1/instances", headers=tenant.headers)).json()["data"] == []
    deleted = (await client.get("/v1/instances?status=deleted", headers=tenant.headers)).json()["data"]
    assert [item["id"] for item in deleted] == [instance_id]
    assert (await client.delete(where, headers=tenant.headers)).status_code == 410
    assert (await client.patch(where, json={"name": "B"}, headers=tenant.headers)).status_code == 410
