"""The fast path of live sends gives the ordinary path's answers, and forgets nothing."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from sqlalchemy import func, select, update

from app import lane
from app.accounts.models import ApiKey, Tenant
from app.accounts.scopes import Scope
from app.instances import service as instances
from app.kit import ids
from app.kit.db import SYSTEM
from app.lines import service as lines
from app.plans import leases
from app.plans import service as plans
from app.plans.models import QuotaLease, Subscription, UsageCounter
from app.runtime import Runtime
from tests.conftest import Drain, Upstream
from tests.factories import make_key, make_tenant
from tests.senders import CHAT, Sender, make_sender

FACES = ("typed", "native", "compatible")


@pytest.fixture
async def live(runtime: Runtime, client: httpx2.AsyncClient, drain: Drain, upstream: Upstream) -> AsyncIterator[Sender]:
    """A sender whose instance is paid for, with a line."""
    made = await make_sender(runtime, client, drain, upstream)
    async with runtime.database.begin(SYSTEM) as uow:
        await plans.go_live(uow, made.tenant.tenant_id, made.instance.id, days=30, source="test", note=None)
        await lines.ensure(uow, await instances.find(uow, made.instance.id))
    yield made
    await runtime.records.settle()


async def send(
    sender: Sender, face: str, text: str, *, chat_id: str = CHAT, tail: str = "", **headers: str
) -> httpx2.Response:
    """One text by a face."""
    if face == "typed":
        body: dict[str, Any] = {"to": chat_id, "type": "text", "text": {"body": text}}
        return await sender.client.post(sender.path, headers={**sender.tenant.headers, **headers}, json=body)
    body = {"chatId": chat_id, "message": text}
    if face == "native":
        path = sender.path.replace("/messages", "/gateway/sendMessage") + tail
        return await sender.client.post(path, headers={**sender.tenant.headers, **headers}, json=body)
    async with sender.runtime.database.begin(SYSTEM) as uow:
        line = await lines.of(uow, sender.tenant.tenant_id, sender.instance.id)
        assert line is not None
        number, token = await lines.shown(uow, line)
    return await sender.client.post(f"/waInstance{number}/SendMessage/{token}{tail}", json=body)


def fast() -> float:
    """How many sends the lane has taken in this process."""
    return float(lane.ACCEPTED._value.get())


async def warm(sender: Sender, face: str = "typed") -> None:
    """Send until the lane takes it."""
    async with asyncio.timeout(60):
        for number in range(200):
            before = fast()
            reply = await send(sender, face, f"warm {face} {number}")
            assert reply.status_code in (200, 202), reply.text
            if fast() > before:
                await sender.runtime.records.settle()
                return
            await asyncio.sleep(0.05)  # the pace of an instance is kept on every way


async def rows(sender: Sender) -> list[dict[str, Any]]:
    """The sender's messages, as the API lists them."""
    await sender.runtime.records.settle()
    reply = await sender.client.get(f"{sender.path}?limit=100", headers=sender.tenant.headers)
    return list(reply.json()["data"])


@pytest.mark.parametrize("face", FACES)
async def test_a_live_send_is_sent_once_recorded_and_counted(live: Sender, face: str) -> None:
    await warm(live, face)
    before, used = fast(), (await live.used())["messages"]
    reply = await send(live, face, "fast one")
    assert fast() == before + 1
    [sent] = [row for row in await live.accepted() if row["text"] == "fast one"]
    [row] = [row for row in await rows(live) if row["text"] == {"body": "fast one"}]
    assert row["upstream_message_id"] == sent["id_message"]
    assert (row["direction"], row["chat_id"], row["type"]) == ("outbound", CHAT, "text")
    assert (await live.used())["messages"] == used + 1
    if face == "typed":
        assert reply.status_code == 202
        assert {**row, "status": "queued", "updated_at": row["created_at"]} == reply.json()
    else:
        assert (reply.status_code, reply.json()) == (200, {"idMessage": sent["id_message"]})
    assert reply.headers["x-request-id"].startswith("req_")
    odd: dict[str, Any] = {"Idempotency-Key": "k"} if face == "typed" else {"tail": "?odd=1"}
    before, slow = fast(), await send(live, face, "slow one", **odd)
    assert (fast(), slow.status_code) == (before, reply.status_code)
    named = ("content-type", "access-control-allow-origin", "cache-control", "x-content-type-options")
    assert [reply.headers.get(name) for name in named] == [slow.headers.get(name) for name in named]


async def test_the_ordinary_way_answers_in_the_same_words(live: Sender) -> None:
    await warm(live)
    quick = await send(live, "typed", "one")
    slow = await send(live, "typed", "two", **{"Idempotency-Key": "k1"})
    assert quick.status_code == slow.status_code == 202
    assert set(quick.json()) == set(slow.json())
    assert quick.headers["content-type"] == slow.headers["content-type"]
    again = await send(live, "typed", "two", **{"Idempotency-Key": "k1"})
    assert again.headers["idempotent-replayed"] == "true"
    assert len([row for row in await live.accepted() if row["text"] == "two"]) == 1


async def test_a_trial_never_takes_the_lane(
    runtime: Runtime, client: httpx2.AsyncClient, drain: Drain, upstream: Upstream
) -> None:
    sender = await make_sender(runtime, client, drain, upstream)
    before = fast()
    for number in range(5):
        assert (await send(sender, "typed", f"{number}")).status_code == 202
        await asyncio.sleep(0.1)
    assert fast() == before


@pytest.mark.parametrize("change", ["key", "suspended", "unpaid", "tenant", "unlinked"])
async def test_what_changes_is_felt_within_a_second(live: Sender, change: str) -> None:
    await warm(live)
    runtime, tenant = live.runtime, live.tenant
    async with runtime.database.begin(SYSTEM) as uow:
        instance = await instances.find(uow, live.instance.id)
        if change == "key":
            await uow.session.execute(_revoked(tenant.key_id))
        elif change == "suspended":
            instance.suspended_by = "operator"
        elif change == "unpaid":
            await uow.session.execute(update(Subscription).values(paid_through_at=uow.now - timedelta(seconds=1)))
        elif change == "tenant":
            await uow.session.execute(_closed(tenant.tenant_id))
        else:
            instance.connection = "unpaired"
    await asyncio.sleep(1.0)
    expected = {"key": 401, "suspended": 403, "unpaid": 402, "tenant": 403, "unlinked": 409}[change]
    assert (await send(live, "typed", "late")).status_code == expected
    assert [row for row in await live.accepted() if row["text"] == "late"] == []


async def test_another_tenants_key_and_a_narrow_key_are_refused(live: Sender, runtime: Runtime) -> None:
    await warm(live, "native")
    other = await make_tenant(runtime, name="Other")
    narrow = await make_key(runtime, live.tenant, scopes=[Scope.MESSAGES_READ])
    for headers, status in ((other.headers, 404), (narrow, 403)):
        for _ in range(3):
            for path in (live.path, live.path.replace("/messages", "/gateway/sendMessage")):
                body = (
                    live.body("x", to=CHAT) if path == live.path else b'{"chatId":"%b","message":"x"}' % CHAT.encode()
                )
                made = {**headers, "Content-Type": "application/json"}
                assert (await live.client.post(path, headers=made, content=body)).status_code == status
            await asyncio.sleep(0.2)


@pytest.mark.parametrize("face", FACES)
async def test_a_lost_answer_is_told_and_found_out(live: Sender, upstream: Upstream, face: str) -> None:
    await warm(live, face)
    await upstream.faults({"method": "sendMessage", "kind": "lose_answer", "times": 1})
    reply = await send(live, face, "in doubt")
    assert reply.status_code == 504
    assert "retry-after" not in reply.headers
    [row] = [row for row in await rows(live) if row["text"] == {"body": "in doubt"}]
    assert row["status"] == "unknown"
    if face == "typed":
        assert reply.json()["message_id"] == row["id"]
    settled = await live.settled(row["id"])
    assert settled["status"] in ("queued", "sent", "delivered")
    assert len([row for row in await live.accepted() if row["text"] == "in doubt"]) == 1


async def test_what_is_refused_gets_the_ordinary_words(live: Sender, upstream: Upstream) -> None:
    await warm(live, "compatible")
    used = (await live.used())["messages"]
    await upstream.faults({"method": "sendMessage", "kind": "status", "status": 466})
    reply = await send(live, "compatible", "refused")
    assert reply.status_code == 466
    await live.runtime.records.settle()
    assert (await live.used())["messages"] == used


async def test_a_limit_of_a_live_plan_is_leased_and_given_back(live: Sender) -> None:
    limit = leases.LEAST_LEFT * 3
    async with live.runtime.database.begin(SYSTEM) as uow:
        await uow.session.execute(update(Subscription).values(limits={"messages": limit}))
    live.runtime.snapshots.forget()
    await warm(live)
    assert await _counters(live) >= leases.BLOCK
    await live.runtime.records.settle()
    sent = len([row for row in await live.accepted() if row["text"].startswith("warm")])
    await live.runtime.leases.close()
    assert await _counters(live) == sent
    async with live.runtime.database.begin(SYSTEM) as uow:
        assert (await uow.session.scalars(select(QuotaLease))).all() == []


async def test_a_lease_of_a_dead_process_gives_back_what_it_did_not_use(live: Sender) -> None:
    async with live.runtime.database.begin(SYSTEM) as uow:
        await uow.session.execute(update(Subscription).values(limits={"messages": leases.LEAST_LEFT * 3}))
    live.runtime.snapshots.forget()
    await warm(live)
    await live.runtime.records.settle()
    sent = len([row for row in await live.accepted() if row["text"].startswith("warm")])
    async with live.runtime.database.begin(SYSTEM) as uow:
        await leases.end(uow)
    assert await _counters(live) >= leases.BLOCK
    live.runtime.database.shift += timedelta(seconds=leases.LEASE_SECONDS + 1)
    async with live.runtime.database.begin(SYSTEM) as uow:
        await leases.end(uow)
    assert await _counters(live) == sent
    await live.runtime.leases.close()


async def test_a_long_or_odd_body_goes_the_ordinary_way(live: Sender) -> None:
    await warm(live, "native")
    before = fast()
    path = live.path.replace("/messages", "/gateway/sendMessage")
    headers = {**live.tenant.headers, "Content-Type": "application/json"}
    for body in (b"", b"{", b"[]", b'{"chatId":5}', b'{"chatId":"x","message":"y"}', b"\xff", b'{"a":' * 2000):
        reply = await live.client.post(path, headers=headers, content=body)
        assert 400 <= reply.status_code < 500, (body[:20], reply.text)
    assert fast() == before


async def _counters(sender: Sender) -> int:
    async with sender.runtime.database.begin(SYSTEM) as uow:
        query = select(UsageCounter.used).where(UsageCounter.metric == "messages")
        return sum((await uow.session.scalars(query)).all())


def _revoked(key_id: str) -> Any:
    key = ids.from_wire(ids.API_KEY, key_id)
    return update(ApiKey).where(ApiKey.id == key).values(revoked_at=func.now())


def _closed(tenant_id: Any) -> Any:
    return update(Tenant).where(Tenant.id == tenant_id).values(status="suspended")
