"""Keys over HTTP: shown once, never stronger than their maker, gone within a second."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from app.accounts.auth import Authenticator, KeyDisabled
from app.accounts.models import ApiKey
from app.accounts.scopes import TENANT_SCOPES, Scope
from app.events.models import Event
from app.idempotency.models import IdempotentRequest
from app.instances import service as instances
from app.kit import ids
from app.kit.db import SYSTEM
from app.runtime import Runtime
from tests.factories import TestTenant, bearer, make_key, make_tenant, make_user

WISH: dict[str, Any] = {"name": "Server", "scopes": ["keys:write", "messages:send"]}
KEYS_ONLY = frozenset({Scope.KEYS_WRITE})


@pytest.fixture
async def tenant(runtime: Runtime) -> TestTenant:
    """A tenant with a full live key."""
    return await make_tenant(runtime)


async def create(client: httpx2.AsyncClient, headers: dict[str, str], **more: Any) -> httpx2.Response:
    """Make a key."""
    return await client.post("/v1/api_keys", headers=headers, json={**WISH, **more})


async def an_instance(runtime: Runtime, tenant_id: UUID, environment: str = "live") -> tuple[UUID, str]:
    """An instance of a tenant."""
    async with runtime.database.begin(SYSTEM) as uow:
        made, _ = await instances.request_instance(
            uow,
            tenant_id=tenant_id,
            environment=environment,
            name=f"One {environment}",
            provider="green_api",
            metadata={},
            options=runtime.instance_options,
            quota_free=True,
        )
    return made.id, ids.to_wire(ids.INSTANCE, made.id)


async def published(runtime: Runtime, tenant: TestTenant) -> list[Event]:
    """The tenant's events about keys."""
    async with runtime.database.begin(tenant.tenant_id) as uow:
        found = await uow.session.scalars(uow.owned(Event).where(Event.type.like("api_key.%")).order_by(Event.sequence))
        return list(found.all())


async def test_a_key_is_made_works_and_is_found_again_without_its_secret(
    client: httpx2.AsyncClient, tenant: TestTenant
) -> None:
    made = await create(client, tenant.headers)
    assert made.status_code == 201, made.text
    key = made.json()
    assert made.headers["Location"] == f"/v1/api_keys/{key['id']}"
    secret = key.pop("secret")
    assert secret.startswith("slt_sk_live_")
    assert secret.endswith(key["last4"])
    assert key["scopes"] == ["keys:write", "messages:send"]
    assert key["organization_id"] == tenant.org_id
    one = await client.get(f"/v1/api_keys/{key['id']}", headers=tenant.headers)
    assert (one.json(), one.headers["ETag"]) == (key, '"v1"')
    listed = (await client.get("/v1/api_keys", headers=tenant.headers)).json()
    assert listed["data"][0] == key
    current = (await client.get("/v1/api_keys/current", headers=bearer(secret))).json()
    assert current["id"] == key["id"]


async def test_a_secret_is_in_one_answer_and_nowhere_else(
    client: httpx2.AsyncClient, runtime: Runtime, tenant: TestTenant
) -> None:
    with capture_logs() as logs:
        made = (
            await client.post("/v1/api_keys", headers={**tenant.headers, "Idempotency-Key": "once"}, json=WISH)
        ).json()
        turned = (await client.post(f"/v1/api_keys/{made['id']}/rotate", headers=tenant.headers, json={})).json()
        seen = [
            await client.get(path, headers=tenant.headers)
            for path in ("/v1/api_keys", f"/v1/api_keys/{made['id']}", "/v1/events", "/v1/me", "/v1/organization")
        ]
        seen.append(await client.patch(f"/v1/api_keys/{made['id']}", headers=tenant.headers, json={"name": "New"}))
    assert all(answer.status_code == 200 for answer in seen), [answer.text for answer in seen]
    told = "".join(answer.text for answer in seen) + repr(logs)
    async with runtime.database.begin(SYSTEM) as uow:
        for model in (Event, ApiKey, IdempotentRequest):
            for row in (await uow.session.scalars(select(model))).all():
                told += repr({name: value for name, value in vars(row).items() if name != "last4"})
    for secret in (made["secret"], turned["secret"], tenant.api_key):
        assert secret not in told


async def test_the_same_idempotency_key_gives_the_same_secret_and_one_key(
    client: httpx2.AsyncClient, runtime: Runtime, tenant: TestTenant
) -> None:
    headers = {**tenant.headers, "Idempotency-Key": "a-key-please"}
    answers = await asyncio.gather(*(create(client, headers) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["secret"] for answer in answers}) == 1
    assert sorted(answer.headers.get("Idempotent-Replayed", "no") for answer in answers) == ["no"] + ["true"] * 4
    assert len((await client.get("/v1/api_keys", headers=tenant.headers)).json()["data"]) == 2
    assert len(await published(runtime, tenant)) == 1
    other = await create(client, headers, name="Other")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_events_tell_of_making_rotating_and_revoking(
    client: httpx2.AsyncClient, runtime: Runtime, tenant: TestTenant
) -> None:
    made = (await create(client, tenant.headers)).json()
    await client.post(f"/v1/api_keys/{made['id']}/rotate", headers=tenant.headers, json={})
    await client.delete(f"/v1/api_keys/{made['id']}", headers=tenant.headers)
    events = await published(runtime, tenant)
    assert [event.type for event in events] == ["api_key.created", "api_key.rotated", "api_key.revoked"]
    assert {tuple(sorted(event.data.items())) for event in events} == {(("api_key_id", made["id"]), ("name", "Server"))}


async def test_a_revoked_key_is_refused_everywhere_within_a_second(
    client: httpx2.AsyncClient, runtime: Runtime, tenant: TestTenant
) -> None:
    made = (await create(client, tenant.headers)).json()
    mine, elsewhere = bearer(made["secret"]), Authenticator(runtime.database)
    assert (await client.get("/v1/me", headers=mine)).status_code == 200
    await elsewhere.authenticate(mine["Authorization"])
    assert (await client.delete(f"/v1/api_keys/{made['id']}", headers=tenant.headers)).status_code == 204
    revoked_at = time.monotonic()

    async def refused_elsewhere() -> bool:
        try:
            await elsewhere.authenticate(mine["Authorization"])
        except KeyDisabled:
            return True
        return False

    asked_at = revoked_at
    while (await client.get("/v1/me", headers=mine)).status_code != 401 or not await refused_elsewhere():
        assert asked_at - revoked_at < 1
        asked_at = time.monotonic()
    answer = await client.get("/v1/me", headers=mine)
    assert answer.json()["code"] == "key_disabled"
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="api", error="key_disabled"'
    assert (await client.get(f"/v1/api_keys/{made['id']}", headers=tenant.headers)).status_code == 404
    assert (await client.delete(f"/v1/api_keys/{made['id']}", headers=tenant.headers)).status_code == 404


async def test_a_rotated_secret_works_for_as_long_as_was_asked(
    client: httpx2.AsyncClient, runtime: Runtime, tenant: TestTenant
) -> None:
    made = (await create(client, tenant.headers)).json()
    path = f"/v1/api_keys/{made['id']}/rotate"
    turned = await client.post(path, headers=tenant.headers, json={"expire_old_after_seconds": 3600})
    assert turned.status_code == 200
    assert turned.json()["previous_secret_expires_at"] is not None
    for secret in (made["secret"], turned.json()["secret"]):
        assert (await client.get("/v1/me", headers=bearer(secret))).status_code == 200
    runtime.database.shift = timedelta(seconds=3601)
    runtime.authenticator.forget()
    old = await client.get("/v1/me", headers=bearer(made["secret"]))
    assert (old.status_code, old.json()["code"]) == (401, "key_expired")
    new = await client.get("/v1/api_keys/current", headers=bearer(turned.json()["secret"]))
    assert new.json()["previous_secret_expires_at"] is None
    again = (await client.post(path, headers=tenant.headers, json={})).json()
    runtime.authenticator.forget()
    for secret, status in ((made["secret"], 401), (turned.json()["secret"], 401), (again["secret"], 200)):
        assert (await client.get("/v1/me", headers=bearer(secret))).status_code == status


async def test_rotating_again_with_the_same_idempotency_key_changes_nothing(
    client: httpx2.AsyncClient, tenant: TestTenant
) -> None:
    made = (await create(client, tenant.headers)).json()
    headers = {**tenant.headers, "Idempotency-Key": "turn"}
    answers = [await client.post(f"/v1/api_keys/{made['id']}/rotate", headers=headers, json={}) for _ in range(2)]
    assert answers[0].json() == answers[1].json()


async def test_revoking_ends_the_rotated_secret_too(
    client: httpx2.AsyncClient, runtime: Runtime, tenant: TestTenant
) -> None:
    made = (await create(client, tenant.headers)).json()
    path = f"/v1/api_keys/{made['id']}"
    turned = await client.post(f"{path}/rotate", headers=tenant.headers, json={"expire_old_after_seconds": 600})
    await client.delete(path, headers=tenant.headers)
    runtime.authenticator.forget()
    for secret in (made["secret"], turned.json()["secret"]):
        assert (await client.get("/v1/me", headers=bearer(secret))).json()["code"] == "key_disabled"


async def test_a_key_ends_at_its_time(client: httpx2.AsyncClient, runtime: Runtime, tenant: TestTenant) -> None:
    end = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    made = (await create(client, tenant.headers, expires_at=end)).json()
    assert (await client.get("/v1/me", headers=bearer(made["secret"]))).status_code == 200
    runtime.database.shift = timedelta(hours=1, seconds=1)
    runtime.authenticator.forget()
    assert (await client.get("/v1/me", headers=bearer(made["secret"]))).json()["code"] == "key_expired"


async def test_a_key_makes_none_that_can_do_more_than_itself(
    client: httpx2.AsyncClient, runtime: Runtime, tenant: TestTenant
) -> None:
    weak = await make_key(runtime, tenant, scopes={Scope.KEYS_WRITE, Scope.MESSAGES_SEND})
    assert (await create(client, weak)).status_code == 201
    for scopes in ("full", ["keys:write", "instances:write"]):
        refused = await create(client, weak, scopes=scopes)
        assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope")
    assert "instances:write" in refused.json()["required_scopes"]
    assert (await create(client, weak, environment="test")).status_code == 403
    strong = (await client.get("/v1/api_keys/current", headers=tenant.headers)).json()
    taken = await client.post(f"/v1/api_keys/{strong['id']}/rotate", headers=weak, json={})
    assert taken.status_code == 403
    own = (await client.get("/v1/api_keys/current", headers=weak)).json()
    raised = await client.patch(f"/v1/api_keys/{own['id']}", headers=weak, json={"scopes": "full"})
    assert raised.status_code == 403
    assert (await client.get("/v1/api_keys/current", headers=tenant.headers)).json()["last4"] == strong["last4"]


async def test_a_key_for_some_instances_makes_none_for_others(
    client: httpx2.AsyncClient, runtime: Runtime, tenant: TestTenant
) -> None:
    instance_id, wire = await an_instance(runtime, tenant.tenant_id)
    limited = await make_key(runtime, tenant, scopes=KEYS_ONLY, instance_ids=[instance_id])
    wish = {"scopes": ["keys:write"]}
    assert (await create(client, limited, **wish, instance_ids=[wire])).status_code == 201
    assert (await create(client, limited, **wish)).status_code == 403
    own = (await client.get("/v1/api_keys/current", headers=limited)).json()
    assert own["instance_ids"] == [wire]
    freed = await client.patch(f"/v1/api_keys/{own['id']}", headers=limited, json={"instance_ids": None})
    assert freed.status_code == 403


async def test_a_key_that_ends_makes_none_that_outlives_it(
    client: httpx2.AsyncClient, runtime: Runtime, tenant: TestTenant
) -> None:
    end = datetime.now(UTC) + timedelta(hours=1)
    brief = bearer((await create(client, tenant.headers, expires_at=end.isoformat())).json()["secret"])
    for wish in ({}, {"expires_at": (end + timedelta(seconds=1)).isoformat()}):
        refused = await create(client, brief, **wish)
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "#/expires_at")
    assert (await create(client, brief, expires_at=end.isoformat())).status_code == 201


async def test_a_key_sees_and_ends_keys_of_its_own_environment_only(
    client: httpx2.AsyncClient, runtime: Runtime, tenant: TestTenant
) -> None:
    test_key = await make_key(runtime, tenant, environment="test")
    made = (await create(client, test_key)).json()
    assert made["secret"].startswith("slt_sk_test_")
    live = (await client.get("/v1/api_keys/current", headers=tenant.headers)).json()
    assert live["id"] not in (await client.get("/v1/api_keys", headers=test_key)).text
    assert (await client.delete(f"/v1/api_keys/{live['id']}", headers=test_key)).status_code == 404
    session = await make_user(runtime, tenant)
    seen = (await client.get("/v1/api_keys", headers=session)).json()["data"]
    assert {key["environment"] for key in seen} == {"live", "test"}
    assert (await create(client, session, environment="test")).json()["environment"] == "test"


async def test_another_tenants_key_is_not_found(
    client: httpx2.AsyncClient, runtime: Runtime, tenant: TestTenant
) -> None:
    other = await make_tenant(runtime, name="Other")
    path = f"/v1/api_keys/{other.key_id}"
    answers = [
        await client.get(path, headers=tenant.headers),
        await client.patch(path, headers=tenant.headers, json={"name": "Mine"}),
        await client.delete(path, headers=tenant.headers),
        await client.post(f"{path}/rotate", headers=tenant.headers, json={}),
    ]
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(404, "resource_not_found")}
    unknown = await client.get(f"/v1/api_keys/{ids.to_wire(ids.API_KEY, ids.new_id())}", headers=tenant.headers)
    apart = {"request_id", "instance"}
    assert {k: v for k, v in unknown.json().items() if k not in apart} == {
        k: v for k, v in answers[0].json().items() if k not in apart
    }
    assert other.key_id not in (await client.get("/v1/api_keys", headers=tenant.headers)).text
    assert (await client.get("/v1/api_keys/current", headers=other.headers)).status_code == 200
    _, foreign = await an_instance(runtime, other.tenant_id)
    refused = await create(client, tenant.headers, instance_ids=[foreign])
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "#/instance_ids")


async def test_a_change_of_a_changed_key_is_refused(client: httpx2.AsyncClient, tenant: TestTenant) -> None:
    key = (await create(client, tenant.headers)).json()
    path = f"/v1/api_keys/{key['id']}"
    first = {**tenant.headers, "If-Match": '"v1"'}
    changed = await client.patch(path, headers=first, json={"name": "Renamed", "scopes": "send_only"})
    assert (changed.status_code, changed.headers["ETag"], changed.json()["name"]) == (200, '"v2"', "Renamed")
    assert changed.json()["scopes"] == ["instances:read", "messages:read", "messages:send"]
    stale = await client.patch(path, headers=first, json={"name": "Late"})
    assert (stale.status_code, stale.headers["ETag"], stale.json()["code"]) == (412, '"v2"', "version_conflict")
    assert (await client.delete(path, headers=first)).status_code == 412
    same = await client.get(path, headers={**tenant.headers, "If-None-Match": '"v2"'})
    assert (same.status_code, same.content) == (304, b"")
    assert (await client.delete(path, headers={**tenant.headers, "If-Match": '"v2"'})).status_code == 204


async def test_pages_follow_one_another(client: httpx2.AsyncClient, tenant: TestTenant) -> None:
    for number in range(4):
        await create(client, tenant.headers, name=f"Key {number}")
    names, url = [], "/v1/api_keys?limit=2"
    while url:
        answer = await client.get(url, headers=tenant.headers)
        names += [key["name"] for key in answer.json()["data"]]
        assert answer.json()["has_more"] is ("next" in answer.links)
        url = answer.links["next"]["url"] if "next" in answer.links else ""
    assert names == ["Key 3", "Key 2", "Key 1", "Key 0", "First key"]
    bad = await client.get("/v1/api_keys?cursor=abc", headers=tenant.headers)
    assert (bad.status_code, bad.json()["code"]) == (400, "cursor_expired")


async def test_keys_need_the_scope_for_keys(client: httpx2.AsyncClient, runtime: Runtime, tenant: TestTenant) -> None:
    without = await make_key(runtime, tenant, scopes=TENANT_SCOPES - KEYS_ONLY)
    path = f"/v1/api_keys/{tenant.key_id}"
    answers = [
        await client.get("/v1/api_keys", headers=without),
        await create(client, without),
        await client.get(path, headers=without),
        await client.patch(path, headers=without, json={}),
        await client.delete(path, headers=without),
        await client.post(f"{path}/rotate", headers=without, json={}),
    ]
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(403, "insufficient_scope")}
    assert (await client.get("/v1/api_keys/current", headers=without)).status_code == 200
    session = await make_user(runtime, tenant)
    assert (await client.get("/v1/api_keys/current", headers=session)).status_code == 404


async def test_bad_wishes_are_refused_with_the_place_of_the_fault(
    client: httpx2.AsyncClient, tenant: TestTenant
) -> None:
    faults: list[tuple[dict[str, Any], str]] = [
        ({"name": " "}, "#/name"),
        ({"name": "a\nb"}, "#/name"),
        ({"scopes": "everything"}, "#/scopes"),
        ({"scopes": []}, "#/scopes"),
        ({"scopes": ["operator"]}, "#/scopes/0"),
        ({"environment": "prod"}, "#/environment"),
        ({"instance_ids": ["x"]}, "#/instance_ids/0"),
        ({"instance_ids": [ids.to_wire(ids.INSTANCE, ids.new_id())]}, "#/instance_ids"),
        ({"expires_at": "2001-01-01T00:00:00Z"}, "#/expires_at"),
        ({"expires_at": "0001-01-01T00:00:00+14:00"}, "#/expires_at"),
        ({"expires_at": "2101-01-01T00:00:00"}, "#/expires_at"),
        ({"expires_at": "9999-12-31T23:59:59-14:00"}, "#/expires_at"),
        ({"more": 1}, "#/more"),
    ]
    for wrong, pointer in faults:
        answer = await create(client, tenant.headers, **wrong)
        assert answer.status_code == 400, (wrong, answer.text)
        assert answer.json()["errors"][0]["pointer"] == pointer, (wrong, answer.text)
    path = f"/v1/api_keys/{tenant.key_id}"
    for seconds in (-1, 604_801, 1e300, "soon", None):
        answer = await client.post(f"{path}/rotate", headers=tenant.headers, json={"expire_old_after_seconds": seconds})
        assert answer.status_code == 400, seconds
    assert (await client.patch(path, headers=tenant.headers, json={"secret": "x"})).json()["code"] == "unknown_field"
    for odd in ("x", "inst_01m7zpzh3pekgt8zb1y8xg42jx", "%00", "key_" + "z" * 26, "a" * 5000):
        assert (await client.get(f"/v1/api_keys/{odd}", headers=tenant.headers)).status_code == 404, odd
