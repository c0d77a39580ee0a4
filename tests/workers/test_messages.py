"""The resolver's work: fenced, repeatable, and never a second send."""

import asyncio
from typing import Any

import httpx2
import pytest
from sqlalchemy import select

from app.gateway import resolver
from app.jobs import ResolveMessage, SweepMessages, periodic
from app.kit import work
from app.kit.db import SYSTEM
from app.kit.work import Claim, LeaseLost, Work
from app.messages.models import Message
from app.runtime import Runtime
from tests.conftest import Drain, Upstream
from tests.senders import Sender, make_sender

SILENCE = [
    {"method": "outgoingAPIMessageReceived", "kind": "drop_notification"},
    {"method": "outgoingMessageStatus", "kind": "drop_notification"},
]


@pytest.fixture
async def sender(runtime: Runtime, client: httpx2.AsyncClient, drain: Drain, upstream: Upstream) -> Sender:
    """A tenant with a linked instance."""
    return await make_sender(runtime, client, drain, upstream)


async def _lost(sender: Sender, kind: str = "lose_answer") -> str:
    """A send whose answer was lost, while notifications are silent."""
    await sender.upstream.faults({"method": "sendMessage", "kind": kind, "times": 1}, *SILENCE)
    reply = await sender.send(key="k1")
    assert reply.status_code == 504
    return str(reply.json()["message_id"])


async def _claim(runtime: Runtime, kind: str) -> Claim:
    runtime.database.shift += runtime.gateway_options.lease
    async with runtime.database.begin(SYSTEM) as uow:
        row: Any = await uow.session.scalar(select(Work).where(Work.kind == kind))
        claim = await work.claim(uow, row.id, 5)
    assert claim is not None
    return claim


async def _resolve(runtime: Runtime, claim: Claim) -> None:
    await resolver.resolve(runtime.database, runtime.registry, runtime.gateway_options, claim)


async def test_whoever_lost_the_lease_records_nothing(sender: Sender) -> None:
    await _lost(sender)
    runtime = sender.runtime
    slow = await _claim(runtime, ResolveMessage.kind)
    quick = await _claim(runtime, ResolveMessage.kind)
    with pytest.raises(LeaseLost):
        await _resolve(runtime, slow)
    async with runtime.database.begin(SYSTEM) as uow:
        assert await uow.session.scalar(select(Message.status)) == "unknown"
    await _resolve(runtime, quick)
    async with runtime.database.begin(SYSTEM) as uow:
        assert await uow.session.scalar(select(Message.status)) == "queued"
        assert await uow.session.scalar(select(Work.id).where(Work.kind == ResolveMessage.kind)) is None


async def test_one_reading_proves_nothing(sender: Sender) -> None:
    message_id = await _lost(sender, "lose_request")
    await _resolve(sender.runtime, await _claim(sender.runtime, ResolveMessage.kind))
    assert (await sender.message(message_id))["status"] == "unknown"
    assert (await sender.used())["messages"] == 1, "still counted"
    sender.runtime.authenticator.forget()
    await _resolve(sender.runtime, await _claim(sender.runtime, ResolveMessage.kind))
    assert (await sender.message(message_id))["status"] == "not_sent"


async def test_a_message_of_the_code_before_is_found_too(sender: Sender) -> None:
    """It kept no likeness; both run beside each other while a deployment is renewed."""
    message_id = await _lost(sender)
    async with sender.runtime.database.begin(SYSTEM) as uow:
        (await uow.session.scalars(select(Message))).one().likeness = None
    await _resolve(sender.runtime, await _claim(sender.runtime, ResolveMessage.kind))
    sender.runtime.authenticator.forget()
    assert (await sender.message(message_id))["status"] == "queued"


async def test_a_reading_that_failed_is_no_reading(sender: Sender) -> None:
    message_id = await _lost(sender, "lose_request")
    broken = {"method": "lastOutgoingMessages", "kind": "status", "status": 502}
    await sender.upstream.faults(broken, *SILENCE)
    for _ in range(3):
        await _resolve(sender.runtime, await _claim(sender.runtime, ResolveMessage.kind))
    sender.runtime.authenticator.forget()
    assert (await sender.message(message_id))["status"] == "unknown"


async def test_a_message_that_waits_in_the_gateways_queue_is_found_there(sender: Sender) -> None:
    await sender.upstream.control("POST", "config", {"min_delay_ms_override": 600_000})
    await sender.send("First")
    message_id = await _lost(sender)
    message = await sender.settled(message_id)
    assert message["status"] == "queued"
    assert message["upstream_message_id"] in {row["id_message"] for row in await sender.accepted()}


async def test_an_older_equal_message_is_not_taken_for_the_lost_one(sender: Sender) -> None:
    """The same text went to the same chat before and is known: what was lost now was never sent."""
    known = (await sender.send("Hello", key="k0")).json()
    message_id = await _lost(sender, "lose_request")
    assert (await sender.settled(message_id))["status"] == "not_sent"
    assert (await sender.message(known["id"]))["upstream_message_id"] == known["upstream_message_id"]


async def test_the_sweep_and_the_record_of_a_send_do_not_meet(sender: Sender) -> None:
    """A send that is being settled is not taken over before its lease has ended."""
    await sender.upstream.faults({"method": "sendMessage", "kind": "slow_answer", "delay_seconds": 0.8, "times": 1})
    async with sender.runtime.database.begin(SYSTEM) as uow:
        uow.defer(periodic(SweepMessages))
    sending = asyncio.create_task(sender.send(key="k1"))
    while not await sender.accepted():
        await asyncio.sleep(0.02)
    await sender.drain()
    reply = await sending
    assert reply.status_code == 202
    assert (await sender.send(key="k1")).content == reply.content


async def test_a_settled_message_needs_no_look(sender: Sender) -> None:
    made = (await sender.send()).json()
    before = await sender.upstream.control("GET", "journal?method=lastOutgoingMessages")
    async with sender.runtime.database.begin(SYSTEM) as uow:
        row: Any = await uow.session.scalar(select(Message))
        uow.defer(ResolveMessage(ref=row.id, tenant_id=row.tenant_id))
    await sender.drain()
    assert (await sender.message(made["id"]))["status"] in ("queued", "sent", "delivered")
    assert len((await sender.upstream.control("GET", "journal?method=lastOutgoingMessages"))["entries"]) == len(
        before["entries"]
    )
