"""Messages we are told of: stored and told once, and never moved backwards."""

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.events.models import Event
from app.instances import service as instances
from app.kit.db import SYSTEM
from app.kit.ids import new_id
from app.messages import service as messages
from app.messages import store
from app.messages.models import Message
from app.providers.events import MessageEchoed, MessageProgressed, MessageReceived
from app.runtime import Runtime
from tests.verbs.bare import Bare, make_bare

CHAT = "79990005544@c.us"
AT = datetime(2026, 11, 21, 12, tzinfo=UTC)


def _received(message_id: str = "M1", text: str = "Hello") -> MessageReceived:
    return MessageReceived(message_id, CHAT, CHAT, "Ada", "text", {"text": text})


def _echo(message_id: str = "M1", text: str = "Hello", *, by_api: bool = True) -> MessageEchoed:
    return MessageEchoed(message_id, CHAT, "text", {"text": text}, by_api)


async def _told(runtime: Runtime, bare: Bare, *happenings: Any) -> None:
    for what in happenings:
        async with runtime.database.begin(SYSTEM) as uow:
            instance = await instances.find(uow, bare.instance_id)
            verb: Any = {
                MessageReceived: messages.received,
                MessageEchoed: messages.echoed,
                MessageProgressed: messages.progressed,
            }[type(what)]
            await verb(uow, instance, what, AT)


async def _rows(runtime: Runtime) -> list[Message]:
    async with runtime.database.begin(SYSTEM) as uow:
        return list((await uow.session.scalars(select(Message).order_by(Message.id))).all())


async def _events(runtime: Runtime) -> list[tuple[str, Any]]:
    async with runtime.database.begin(SYSTEM) as uow:
        rows = (await uow.session.scalars(select(Event).order_by(Event.sequence))).all()
    return [(row.type, row.data) for row in rows if row.type.startswith("message.")]


async def _sending(runtime: Runtime, bare: Bare, text: str = "Hello") -> Message:
    async with runtime.database.begin(bare.tenant_id) as uow:
        instance = await instances.find(uow, bare.instance_id)
        return await messages.begin_send(
            uow,
            instance,
            message_id=new_id(),
            chat_id=CHAT,
            kind="text",
            content={"text": text},
            client_reference=None,
            idempotency_key="k",
            overdue=uow.now,
        )


async def _accept(runtime: Runtime, row: Message, upstream_id: str = "M1") -> str | None:
    async with runtime.database.begin(row.tenant_id) as uow:
        return await messages.accepted(uow, row, upstream_id)


async def test_a_received_message_is_stored_and_told_once(runtime: Runtime) -> None:
    bare = await make_bare(runtime.database)
    await asyncio.gather(*(_told(runtime, bare, _received()) for _ in range(4)))
    [row] = await _rows(runtime)
    assert (row.direction, row.status, row.content) == ("inbound", "received", {"text": "Hello"})
    [(kind, data)] = await _events(runtime)
    assert (kind, data["text"], data["chat_id"], data["sender_name"]) == ("message.received", "Hello", CHAT, "Ada")
    assert data["message_id"].startswith("msg_")
    assert data["instance_id"].startswith("inst_")
    assert data["received_at"] == "2026-11-21T12:00:00.000Z"


@pytest.mark.parametrize("text", ["a\x00b", "a\ud800b", "\udfff", "x" * 100_000, "‮", ""])
async def test_no_text_from_outside_can_stop_the_notifications(runtime: Runtime, text: str) -> None:
    bare = await make_bare(runtime.database)
    await _told(runtime, bare, _received(text=text), _echo("M2", text, by_api=False))
    assert len(await _rows(runtime)) == 2
    assert [kind for kind, _ in await _events(runtime)] == ["message.received", "message.sent_from_phone"]


async def test_two_tenants_may_be_told_the_same_id(runtime: Runtime) -> None:
    for bare in (await make_bare(runtime.database), await make_bare(runtime.database)):
        await _told(runtime, bare, _received())
    assert len(await _rows(runtime)) == 2


def _moves(*statuses: str) -> list[MessageProgressed]:
    return [
        MessageProgressed("M1", CHAT, each, "recipient_not_on_whatsapp" if each == "failed" else None)
        for each in statuses
    ]


@pytest.mark.parametrize(
    ("told", "status", "events"),
    [
        (["sent", "delivered", "read"], "read", ["message.sent", "message.status_changed", "message.status_changed"]),
        (["read", "delivered", "sent"], "read", ["message.status_changed"]),
        (["delivered", "sent", "delivered", "read"], "read", ["message.status_changed", "message.status_changed"]),
        (["sent", "sent", "sent"], "sent", ["message.sent"]),
        (["failed", "sent", "read"], "failed", ["message.failed"]),
        (["sent", "failed"], "failed", ["message.sent", "message.failed"]),
        (["delivered", "failed"], "delivered", ["message.status_changed"]),
        (["shredded"], "queued", []),
    ],
)
async def test_a_status_never_goes_backwards(runtime: Runtime, told: list[str], status: str, events: list[str]) -> None:
    bare = await make_bare(runtime.database)
    assert await _accept(runtime, await _sending(runtime, bare)) == "queued"
    await _told(runtime, bare, *_moves(*told))
    [row] = await _rows(runtime)
    assert row.status == status
    assert [kind for kind, _ in await _events(runtime)] == events
    if status == "failed":
        assert (await _events(runtime))[-1][1]["error"]["code"] == "recipient_not_on_whatsapp"


async def test_a_status_that_comes_before_the_answer_is_not_lost(runtime: Runtime) -> None:
    bare = await make_bare(runtime.database)
    row = await _sending(runtime, bare)
    await _told(runtime, bare, _echo(), *_moves("sent", "delivered"))
    assert await _accept(runtime, row) == "delivered"
    [kept] = await _rows(runtime)
    assert (kept.id, kept.status, kept.upstream_message_id) == (row.id, "delivered", "M1")


async def test_an_answer_and_its_notifications_at_once_agree(runtime: Runtime) -> None:
    bare = await make_bare(runtime.database)
    for number in range(40):
        row = await _sending(runtime, bare, f"t{number}")
        upstream_id = f"U{number}"

        async def settle(row: Message = row, upstream_id: str = upstream_id) -> None:
            for _ in range(3):
                with contextlib.suppress(IntegrityError):
                    await _accept(runtime, row, upstream_id)
                    return
            raise AssertionError("not settled")

        await asyncio.gather(
            settle(),
            _told(runtime, bare, _echo(upstream_id, f"t{number}")),
            _told(runtime, bare, MessageProgressed(upstream_id, CHAT, "sent", None)),
        )
    rows = await _rows(runtime)
    assert [(row.upstream_message_id, row.direction) for row in rows] == [(f"U{n}", "outbound") for n in range(40)]
    assert {row.status for row in rows} == {"sent"}


async def test_an_echo_settles_what_was_unknown_and_only_that(runtime: Runtime) -> None:
    bare, other = await make_bare(runtime.database), await make_bare(runtime.database)
    row = await _sending(runtime, bare)
    async with runtime.database.begin(bare.tenant_id) as uow:
        assert await messages.lost(uow, row)
        assert not await messages.lost(uow, row)
    await _told(runtime, other, _echo())
    await _told(runtime, bare, _echo("M9", "Another text"))
    assert [each.status for each in await _rows(runtime) if each.direction == "outbound"] == ["unknown"]
    await _told(runtime, bare, _echo(), _echo())
    [kept] = [each for each in await _rows(runtime) if each.direction == "outbound"]
    assert (kept.status, kept.upstream_message_id) == ("sent", "M1")
    assert [kind for kind, _ in await _events(runtime)] == ["message.sent"]


async def test_an_echo_without_a_record_becomes_the_record(runtime: Runtime) -> None:
    """The process was killed before it wrote the message down, or somebody else sends through the same account."""
    bare = await make_bare(runtime.database)
    await _told(runtime, bare, _echo("X1", "theirs"), MessageProgressed("X1", CHAT, "delivered", None))
    assert [row.direction for row in await _rows(runtime)] == ["early"]
    async with runtime.database.begin(SYSTEM) as uow:
        assert await messages.adopt(uow, 10) == []
    runtime.database.shift += timedelta(minutes=6)
    async with runtime.database.begin(SYSTEM) as uow:
        assert len(await messages.adopt(uow, 10)) == 1
    [row] = await _rows(runtime)
    assert (row.direction, row.status, row.upstream_message_id) == ("outbound", "delivered", "X1")


async def test_what_was_told_early_is_no_message_to_anyone(runtime: Runtime) -> None:
    bare = await make_bare(runtime.database)
    await _sending(runtime, bare)
    await _told(runtime, bare, _echo("X1", "theirs"))
    async with runtime.database.begin(bare.tenant_id) as uow:
        instance = await instances.find(uow, bare.instance_id)
        rows, _ = await messages.listing(uow, instance, limit=10, cursor=None)
        assert [row.direction for row in rows] == ["outbound"]
        assert await store.known(uow, bare.tenant_id, bare.instance_id, ["X1"]) == set()


async def test_a_phone_message_is_stored_and_told_once(runtime: Runtime) -> None:
    bare = await make_bare(runtime.database)
    await _told(runtime, bare, _echo(by_api=False), _echo(by_api=False), *_moves("delivered"))
    [row] = await _rows(runtime)
    assert (row.direction, row.status) == ("outbound", "delivered")
    kinds = [kind for kind, _ in await _events(runtime)]
    assert kinds == ["message.sent_from_phone", "message.status_changed"]


async def test_an_equal_unresolved_message_blocks_only_its_like(runtime: Runtime) -> None:
    bare = await make_bare(runtime.database)
    row = await _sending(runtime, bare)
    async with runtime.database.begin(bare.tenant_id) as uow:
        await messages.lost(uow, row)
    with pytest.raises(messages.MessageUnresolved):
        await _sending(runtime, bare)
    await _sending(runtime, bare, "Something else")
    async with runtime.database.begin(bare.tenant_id) as uow:
        assert await messages.not_sent(uow, row, "upstream_timeout", None)
    await _sending(runtime, bare)
