"""What happens to messages after they came or went: edits, deletions, reactions, votes; and calls.

What is changed need not be a message of ours: it may be older than the instance. Then its `message_id` is null and
`upstream_message_id` is all that is known of it.
"""

from datetime import datetime
from typing import Any

from msgspec.structs import replace

from app.events import service as events
from app.instances.models import Instance
from app.kit import ids
from app.kit.clock import to_wire
from app.kit.db import UnitOfWork
from app.messages import store
from app.messages.models import Message
from app.messages.service import plain
from app.providers.events import CallChanged, MessageDeleted, MessageEdited, PollVoted, ReactionReceived

Change = MessageEdited | MessageDeleted | ReactionReceived | PollVoted


async def located(uow: UnitOfWork, instance: Instance, what: Change) -> Change:
    """The change with its chat: not every gateway tells in which it was, then it is where the message is."""
    if what.chat_id:
        return what
    row = await store.by_upstream_id(uow, instance.tenant_id, instance.id, plain(what.message_id))
    if row is None:
        return what
    chat_id, sender = row.chat_id, what.sender or row.sender or ""
    if isinstance(what, MessageDeleted):
        return replace(what, chat_id=chat_id, sender=sender, own=what.own or row.direction == "outbound")
    return replace(what, chat_id=chat_id, sender=sender)


async def changed(uow: UnitOfWork, instance: Instance, what: Change, at: datetime | None) -> None:
    """Record a change of a message where we have it, and tell of it."""
    row = await store.by_upstream_id(uow, instance.tenant_id, instance.id, plain(what.message_id))
    when = at or uow.now
    match what:
        case MessageEdited():
            kind, more = "message.edited", {"content": plain(what.content), "own": what.own, "edited_at": to_wire(when)}
            if row is not None:
                row.content, row.edited_at = {**row.content, **plain(what.content)}, when
        case MessageDeleted():
            kind, more = "message.deleted", {"own": what.own, "deleted_at": to_wire(when)}
            if row is not None:
                row.deleted_at = when
        case ReactionReceived():
            kind, more = "reaction.received", {"sender_name": plain(what.sender_name), "emoji": plain(what.emoji)}
        case PollVoted():
            kind, more = "poll.voted", {"question": plain(what.question), "votes": plain(what.votes)}
    if row is not None and isinstance(what, MessageEdited | MessageDeleted):
        row.version, row.updated_at = row.version + 1, uow.now
        await uow.session.flush()
    await _tell(uow, instance, kind, _place(instance, what, row) | more)


async def called(uow: UnitOfWork, instance: Instance, what: CallChanged, at: datetime | None) -> None:
    """Tell of a call that began or went on."""
    data = {
        "instance_id": ids.to_wire(ids.INSTANCE, instance.id),
        "call_id": plain(what.call_id),
        "chat_id": plain(what.chat_id),
        "status": what.status,
        "is_video": what.is_video,
        "duration_seconds": what.duration_seconds,
        "happened_at": to_wire(at or uow.now),
    }
    await _tell(uow, instance, "call.incoming" if what.direction == "incoming" else "call.outgoing", data)


def _place(instance: Instance, what: Change, row: Message | None) -> dict[str, Any]:
    return {
        "message_id": None if row is None else ids.to_wire(ids.MESSAGE, row.id),
        "instance_id": ids.to_wire(ids.INSTANCE, instance.id),
        "upstream_message_id": plain(what.message_id),
        "chat_id": plain(what.chat_id),
        "sender": plain(what.sender),
    }


async def _tell(uow: UnitOfWork, instance: Instance, kind: str, data: dict[str, Any]) -> None:
    await events.publish(
        uow,
        tenant_id=instance.tenant_id,
        type=kind,
        environment=instance.environment,
        instance_id=instance.id,
        data=data,
    )
