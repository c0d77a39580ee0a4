"""What takes long to hand over is not given up as lost; what the database could not be told is told later."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from app.accounts.principal import Principal
from app.accounts.scopes import TENANT_SCOPES
from app.gateway import drafting, relay
from app.gateway.options import Options
from app.gateway.relay import Draft, Relay
from app.jobs import SweepMessages, periodic
from app.kit.db import SYSTEM, UnitOfWork
from app.kit.ids import API_KEY, from_wire
from app.messages import store
from app.messages.models import Message
from app.providers.asks import Send, Text
from app.providers.errors import Unreachable
from app.providers.likeness import likeness
from app.providers.port import Credentials, Sent
from app.providers.registry import Registry
from app.runtime import Runtime
from tests.senders import CHAT, Sender


class Slow:
    """A gateway that answers when it is told to."""

    name = "green_api"
    likeness = staticmethod(likeness)

    def __init__(self) -> None:
        self.reached, self.may_answer = asyncio.Event(), asyncio.Event()
        self.calls = 0

    async def send(self, credentials: Credentials, send: Send) -> Sent:
        """Take the message."""
        self.calls += 1
        self.reached.set()
        await self.may_answer.wait()
        return Sent("SLOW1")


def _relay(runtime: Runtime, gateway: Any, **times: float) -> Relay:
    return Relay(runtime.database, Registry({("green_api", "live"): gateway}), Options(**times))


def _principal(sender: Sender) -> Principal:
    key_id = from_wire(API_KEY, sender.tenant.key_id)
    return Principal("api_key", key_id, sender.tenant.tenant_id, "live", TENANT_SCOPES)


def _draft(seconds: float) -> Draft:
    return replace(drafting.of(CHAT, Text("Slow")), seconds=seconds, paced_by=None)


async def _statuses(runtime: Runtime) -> list[str]:
    async with runtime.database.begin(SYSTEM) as uow:
        return list((await uow.session.scalars(select(Message.status))).all())


async def test_a_long_upload_is_not_given_up_while_its_process_lives(sender: Sender) -> None:
    """Else its unit would go back, and the message would leave all the same."""
    slow = Slow()
    made = _relay(sender.runtime, slow, upstream_timeout_seconds=-2.0)  # a lease of three seconds
    sending = asyncio.create_task(made.pass_on(_principal(sender), sender.instance.id, _draft(60.0)))
    await slow.reached.wait()
    for _ in range(5):
        await asyncio.sleep(0.8)
        async with sender.runtime.database.begin(SYSTEM) as uow:
            row = (await uow.session.scalars(select(Message))).one()
            assert uow.now - row.updated_at < timedelta(seconds=3)
    slow.may_answer.set()
    assert (await sending).ending == Sent("SLOW1")
    assert await _statuses(sender.runtime) == ["queued"]
    assert (await sender.used())["messages"] == 1
    assert [task for task in asyncio.all_tasks() if "_alive" in repr(task.get_coro())] == []


async def test_what_is_said_to_be_under_way_is_not_swept(sender: Sender) -> None:
    slow = Slow()
    made = _relay(sender.runtime, slow, upstream_timeout_seconds=-4.0)
    sending = asyncio.create_task(made.pass_on(_principal(sender), sender.instance.id, _draft(60.0)))
    await slow.reached.wait()
    lease = sender.runtime.gateway_options.lease
    sender.runtime.database.shift += lease + timedelta(seconds=1)
    async with sender.runtime.database.begin(SYSTEM) as uow:
        before = uow.now
    async with asyncio.timeout(30):
        while True:
            async with sender.runtime.database.begin(SYSTEM) as uow:
                if (await uow.session.scalars(select(Message.updated_at))).one() >= before:
                    break
            await asyncio.sleep(0.05)
    async with sender.runtime.database.begin(SYSTEM) as uow:
        uow.defer(periodic(SweepMessages))

    async def swept() -> bool:
        async with sender.runtime.database.begin(SYSTEM) as uow:
            query = text("select count(*) from work where kind = 'messages.sweep' and run_at > :now")
            return bool(await uow.session.scalar(query, {"now": uow.now}))

    await sender.drain(until=swept)
    assert await _statuses(sender.runtime) == ["sending"]
    slow.may_answer.set()
    await sending


async def test_an_echo_that_is_kept_while_the_send_is_settled_does_not_leave_it_in_doubt(sender: Sender) -> None:
    """The echo's transaction ends when the send's has looked for it already, and before it writes the same id."""
    slow = Slow()
    made = _relay(sender.runtime, slow)
    sending = asyncio.create_task(made.pass_on(_principal(sender), sender.instance.id, _draft(60.0)))
    await slow.reached.wait()
    async with sender.runtime.database.begin(SYSTEM) as uow:
        early = {
            "direction": store.EARLY,
            "kind": "text",
            "chat_id": CHAT,
            "content": {"text": "Slow"},
            "status": "sent",
        }
        place = {"tenant_id": sender.tenant.tenant_id, "instance_id": sender.instance.id}
        assert await store.add(uow, {**place, **early, "upstream_message_id": "SLOW1"}) is not None
        slow.may_answer.set()
        async with asyncio.timeout(30):
            while not await _waits_for_a_lock(uow):
                await asyncio.sleep(0.01)
    assert (await sending).ending == Sent("SLOW1")
    assert await _statuses(sender.runtime) == ["sent"]


async def _waits_for_a_lock(uow: UnitOfWork) -> bool:
    query = "select exists (select from pg_locks where not granted)"
    return bool(await uow.session.scalar(text(query)))


async def test_a_message_whose_time_is_over_before_it_left_is_not_sent(sender: Sender) -> None:
    """The process stood still: meanwhile the message may have been proved never sent, and its key used again."""
    slow = Slow()
    slow.may_answer.set()
    made = _relay(sender.runtime, slow)
    before = made.turns.enter(sender.instance.id, CHAT)
    sending = asyncio.create_task(made.pass_on(_principal(sender), sender.instance.id, _draft(0.2)))
    async with asyncio.timeout(30):
        while before._after is None:
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.3)
    before.leave()
    assert isinstance((await sending).ending, Unreachable)
    assert (slow.calls, await _statuses(sender.runtime)) == (0, ["not_sent"])
    assert (await sender.used())["messages"] == 0


async def test_what_the_database_was_not_told_is_told_later(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was away while the gateway accepted: the id is not thrown away, and the face is told the truth."""
    monkeypatch.setattr(relay, "LATER_SECONDS", 0.2)
    slow = Slow()
    made = _relay(sender.runtime, slow)
    sending = asyncio.create_task(made.pass_on(_principal(sender), sender.instance.id, _draft(20.0)))
    await slow.reached.wait()
    engine = sender.runtime.database.tenant_engine
    held = [await engine.connect() for _ in range(sender.runtime.settings.pool_size)]
    patience, engine.pool._timeout = engine.pool._timeout, 0.1  # type: ignore[attr-defined]
    slow.may_answer.set()
    ending = (await sending).ending
    assert await _statuses(sender.runtime) == ["sending"]
    for each in held:
        await each.close()
    engine.pool._timeout = patience  # type: ignore[attr-defined]
    assert ending == Sent("SLOW1")
    async with asyncio.timeout(30):
        while await _statuses(sender.runtime) != ["queued"]:
            await asyncio.sleep(0.05)
    await made.close()
    assert (await sender.used())["messages"] == 1
