"""Messages: those we send, those we are told of, and how far each has come. A status never goes backwards."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from app.events import service as events
from app.instances.models import Instance
from app.kit import page
from app.kit.clock import to_wire
from app.kit.db import UnitOfWork
from app.kit.errors import Conflict, FieldError, InvalidRequest, NotFound
from app.messages import batches, store
from app.messages.models import Message
from app.messages.view import told
from app.providers.events import MessageEchoed, MessageProgressed, MessageReceived
from app.providers.likeness import likeness

KEEP_CONTENT: Final = timedelta(days=7)
ADOPT_AFTER: Final = timedelta(minutes=5)
"""Longer than a record or the answer to a send may be on its way."""
BEFORE: Final[dict[str, tuple[str, ...]]] = {
    "sent": ("queued",),
    "delivered": ("queued", "sent"),
    "read": ("queued", "sent", "delivered"),
    "failed": ("queued", "sent"),
}
REPLACEMENT: Final = "\ufffd"
Alike = Callable[[str, Mapping[str, Any]], str | None]


class MessageUnresolved(Conflict):
    """An equal message was handed over and its outcome is not known yet; wait before you send it again."""

    code = "message_unresolved"
    retryable = True


async def begin_send(
    uow: UnitOfWork,
    instance: Instance,
    *,
    message_id: UUID,
    chat_id: str,
    kind: str,
    content: dict[str, Any],
    client_reference: str | None,
    idempotency_key: str | None,
    overdue: datetime,
    alike: Alike = likeness,
) -> Message:
    """Write down a message that is about to leave the house; `overdue` is since when a send counts as lost.

    `alike` is the gateway's rule for what cannot be told apart there.

    Raises:
        MessageUnresolved: one alike is not resolved.
    """
    content = plain(content)
    row = Message(
        tenant_id=instance.tenant_id,
        id=message_id,
        instance_id=instance.id,
        direction="outbound",
        kind=kind,
        chat_id=chat_id,
        content=content,
        likeness=alike(kind, content),
        sender=None,
        status="sending",
        error=None,
        upstream_message_id=None,
        client_reference=client_reference,
        idempotency_key=idempotency_key,
        created_at=uow.now,
        forwarded_at=uow.now,
        updated_at=uow.now,
        looked_at=None,
        looks=0,
        version=1,
    )
    if not await store.begin(uow, row, overdue):
        raise MessageUnresolved("It is being found out whether it was sent.", headers={"Retry-After": "5"})
    return row


async def accepted(uow: UnitOfWork, row: Message, upstream_message_id: str, *, status: str = "queued") -> str | None:
    """Upstream has the message under this id. Returns its status now; None when it was settled otherwise before."""
    values = {"tenant_id": row.tenant_id, "instance_id": row.instance_id, "id": row.id, "at": uow.now}
    return await store.accept(uow, {**values, "upstream_message_id": upstream_message_id, "status": status})


async def keep_sent(
    uow: UnitOfWork, sends: Sequence[Any], rows: str
) -> tuple[set[UUID] | None, list[tuple[UUID, UUID]]]:
    """Write down messages that were sent, each once; structs with a row's fields, `at` and `environment`.

    `rows` are the same as a JSON array. Returns the ids of those that were not written down before, None when that is
    all of them, and tenant and id of those whose outcome is to be found out. What came of another before it was
    written down is told now. Needs the system's scope.
    """
    kept = await batches.keep(uow, rows, len(sends))
    in_doubt = [(tenant_id, message_id) for tenant_id, message_id, status in kept.moved if status == "unknown"]
    for tenant_id, message_id, status in kept.moved:
        row = None if status == "unknown" else await store.get(uow, message_id, tenant_id=tenant_id)
        if row is not None:
            [environment] = [each.environment for each in sends if each.id == message_id]
            await tell_progress(uow, environment, row, row.status)
    return kept.new, in_doubt


async def adopt(uow: UnitOfWork, limit: int) -> list[Message]:
    """Make messages of echoes whose record was lost with a process; returns them. Needs the system's scope."""
    rows = await store.stray_echoes(uow, uow.now - ADOPT_AFTER, limit)
    for row in rows:
        row.direction, row.version, row.updated_at = "outbound", row.version + 1, uow.now
    await uow.session.flush()
    return rows


async def not_sent(uow: UnitOfWork, row: Message, code: str, detail: str | None) -> bool:
    """The message was surely never accepted; False when it was settled before."""
    error = {"code": code, "detail": detail}
    before = store.NOT_HANDED_OVER
    return await store.end_unsettled(uow, row.tenant_id, row.id, status="not_sent", error=error, before=before)


async def still_sending(uow: UnitOfWork, row: Message) -> None:
    """It takes long, but the process that hands the message over is alive: it is not lost yet."""
    await store.still_sending(uow, row.tenant_id, row.id)


async def lost(uow: UnitOfWork, row: Message) -> bool:
    """Whether the message was accepted is not known; False when it was settled before."""
    return await store.end_unsettled(uow, row.tenant_id, row.id, status="unknown", error=None, before=("sending",))


async def received(uow: UnitOfWork, instance: Instance, what: MessageReceived, at: datetime | None) -> None:
    """Somebody wrote to the instance: stored and told once, however often it is notified."""
    row = await store.add(
        uow,
        {
            "tenant_id": instance.tenant_id,
            "instance_id": instance.id,
            "direction": "inbound",
            "kind": what.kind,
            "chat_id": plain(what.chat_id),
            "content": plain(what.content),
            "sender": plain(what.sender),
            "status": "received",
            "upstream_message_id": plain(what.message_id),
        },
    )
    if row is None:
        return
    received_at = to_wire(at or uow.now)
    more = {"sender": row.sender, "sender_name": plain(what.sender_name), "received_at": received_at}
    await tell(uow, instance.environment, row, "message.received", more)


async def echoed(
    uow: UnitOfWork, instance: Instance, what: MessageEchoed, at: datetime | None, alike: Alike = likeness
) -> None:
    """A message left the account. By our call: it settles a send whose answer was lost. By the phone: it is stored.

    Else the id is kept aside: the record of the send with it is on its way, or was lost with its process.
    """
    values = {
        "tenant_id": instance.tenant_id,
        "instance_id": instance.id,
        "kind": what.kind,
        "chat_id": plain(what.chat_id),
        "content": plain(what.content),
        "likeness": alike(what.kind, plain(what.content)),
        "sender": None,
        "status": "sent",
        "upstream_message_id": plain(what.message_id),
    }
    if not what.by_api:
        row = await store.add(uow, {**values, "direction": "outbound"})
        if row is not None:
            await tell(uow, instance.environment, row, "message.sent_from_phone", {"sent_at": to_wire(at or uow.now)})
        return
    if await store.known(uow, instance.tenant_id, instance.id, [values["upstream_message_id"]]):
        return
    row = None
    if values["likeness"] is not None:
        place = (uow, instance.tenant_id, instance.id, values["chat_id"], values["likeness"])
        # What was handed over before the instance was moved is no message of the account that tells this.
        row = await store.unresolved(*place, since=instance.ready_at if instance.moves else None)
    if row is not None:
        await accepted(uow, row, values["upstream_message_id"], status="sent")
        await uow.session.refresh(row)
        await tell(uow, instance.environment, row, "message.sent")
    else:
        await store.add(uow, {**values, "direction": store.EARLY})


async def progressed(uow: UnitOfWork, instance: Instance, what: MessageProgressed, at: datetime | None) -> None:
    """A message was sent, delivered, read, or has failed; what is already further stays where it is."""
    before = BEFORE.get(what.status)
    if before is None:
        return
    upstream_id = plain(what.message_id)
    error = {"code": what.reason or "failed", "detail": None} if what.status == "failed" else None
    place = (uow, instance.tenant_id, instance.id, upstream_id)
    row = await store.advance(*place, status=what.status, before=before, error=error)
    if row is None:
        values = {"tenant_id": instance.tenant_id, "instance_id": instance.id, "direction": store.EARLY}
        values |= {"kind": "unknown", "chat_id": plain(what.chat_id), "content": {}, "sender": None}
        values |= {"status": what.status, "error": error, "upstream_message_id": upstream_id}
        if await store.add(uow, values) is not None:
            return
        # The answer with this id may have been recorded between the two looks.
        row = await store.advance(*place, status=what.status, before=before, error=error)
    if row is None or row.direction == store.EARLY:
        return
    more = {"error": error, "happened_at": to_wire(at or uow.now)}
    await tell(uow, instance.environment, row, _kind(what.status), more)


async def tell_progress(uow: UnitOfWork, environment: str, row: Message, status: str) -> None:
    """Tell of a status that came before the message's id was recorded."""
    row.status = status
    await tell(uow, environment, row, _kind(status), {"error": row.error, "happened_at": to_wire(uow.now)})


async def peek(uow: UnitOfWork, tenant_id: UUID, message_id: UUID) -> Message | None:
    """A message by its id, if the tenant has it."""
    return await store.get(uow, message_id, tenant_id=tenant_id)


async def find(uow: UnitOfWork, instance: Instance, message_id: UUID) -> Message:
    """A message of an instance.

    Raises:
        NotFound: the instance has no such message.
    """
    row = await store.get(uow, message_id, tenant_id=instance.tenant_id)
    if row is None or row.instance_id != instance.id:
        raise NotFound()
    return row


async def chat_of(uow: UnitOfWork, tenant_id: UUID, instance_id: UUID, upstream_message_id: str) -> str | None:
    """The chat of a message that we know, by the id that the gateway gave it."""
    return await store.chat_of(uow, tenant_id, instance_id, upstream_message_id)


async def quotable(uow: UnitOfWork, instance: Instance, message_id: UUID, chat_id: str) -> str:
    """The upstream id of a message that can be answered in a chat.

    Raises:
        InvalidRequest: it is in another chat, or upstream does not have it.
    """
    row = await store.get(uow, message_id, tenant_id=instance.tenant_id)
    if row is None or row.instance_id != instance.id or row.chat_id != chat_id or row.upstream_message_id is None:
        text = "There is no such message in this chat."
        raise InvalidRequest(text, errors=(FieldError("#/reply_to", "invalid_value", text),))
    return row.upstream_message_id


async def listing(
    uow: UnitOfWork,
    instance: Instance,
    *,
    limit: int,
    cursor: str | None,
    chat_id: str | None = None,
    direction: str | None = None,
    status: list[str] | None = None,
) -> tuple[list[Message], str | None]:
    """An instance's messages, newest first, and the cursor of the next page.

    Raises:
        CursorExpired: the cursor is not usable any more.
    """
    query = store.of_instance(uow, instance.id, chat_id=chat_id, direction=direction, status=status or [])
    return await page.fetch(uow, query, Message, limit=limit, cursor=cursor)


async def clean(uow: UnitOfWork, limit: int) -> int:
    """Forget contents after 7 days; returns how many were forgotten. Needs the system's scope."""
    await store.drop_early(uow)
    return await store.empty_old(uow, uow.now - KEEP_CONTENT, limit)


async def tell(uow: UnitOfWork, environment: str, row: Message, kind: str, more: dict[str, Any] | None = None) -> None:
    """Publish a fact about a message."""
    await events.publish(
        uow,
        tenant_id=row.tenant_id,
        type=kind,
        data={**told(row), **(more or {})},
        environment=environment,
        instance_id=row.instance_id,
    )


def _kind(status: str) -> str:
    return {"sent": "message.sent", "failed": "message.failed"}.get(status, "message.status_changed")


def plain(value: Any) -> Any:
    """A value from upstream without what PostgreSQL cannot hold: NUL and halves of surrogate pairs."""
    if isinstance(value, str):
        return value.replace("\x00", REPLACEMENT).encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {plain(key): plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value
