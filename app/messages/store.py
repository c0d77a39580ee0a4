"""Every statement of the messages.

A row of direction `early` is no message: it keeps what a notification told of an upstream id before the answer with
that id was recorded. It is merged into the message, or falls to the cleaning.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, delete, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased

from app.kit.db import UnitOfWork
from app.kit.hot import Statement
from app.kit.ids import new_id
from app.messages.models import Message

UNSETTLED: Final = ("sending", "unknown")
NOT_HANDED_OVER: Final = ("held", "sending", "unknown")
EARLY: Final = "early"
SEARCHED: Final = timedelta(days=1)
"""So long a message of unknown outcome is looked for; after that it stands in the way of nothing."""
WAITS: Final = timedelta(days=1)
"""So long a message may wait upstream before it leaves. Source: GREEN-API sending pages (read 2026-11-21)."""
ECHO_SLACK: Final = timedelta(seconds=30)

BEGIN: Final = Statement(
    """
    insert into messages (tenant_id, id, instance_id, direction, kind, chat_id, content, likeness, status,
        client_reference, idempotency_key, created_at, forwarded_at, updated_at, looks, version)
    select cast(:tenant_id as uuid), cast(:id as uuid), cast(:instance_id as uuid), 'outbound', cast(:kind as varchar),
        cast(:chat_id as varchar), cast(cast(:content as text) as jsonb), cast(:likeness as varchar), 'sending',
        cast(:client_reference as varchar), cast(:idempotency_key as varchar),
        cast(:at as timestamptz), cast(:at as timestamptz), cast(:at as timestamptz), 0, 1
    where not exists (
        select from messages where tenant_id = :tenant_id and instance_id = :instance_id
            and chat_id = cast(:chat_id as varchar) and status in ('sending', 'unknown')
            and (status = 'unknown' or updated_at < cast(:overdue as timestamptz))
            and forwarded_at > cast(:at as timestamptz) - interval '1 day'
            and likeness = cast(:likeness as varchar)
    )
    returning id
    """
)
# The commit of a send need not wait for the disk: if it is lost the row says `sending`, and the answer is found again
# upstream. That of a notification waits: upstream is told that it is kept.
ACCEPT: Final = Statement(
    """
    with early as (
        delete from messages where tenant_id = :tenant_id and instance_id = :instance_id
            and upstream_message_id = cast(:upstream_message_id as varchar) and direction = 'early'
        returning status, error
    )
    update messages set upstream_message_id = cast(:upstream_message_id as varchar),
        version = version + 1, updated_at = cast(:at as timestamptz),
        status = coalesce((select status from early), cast(:status as varchar)), error = (select error from early)
    where tenant_id = :tenant_id and id = :id and status in ('sending', 'unknown', 'not_sent')
        and upstream_message_id is null
    returning status, set_config(
        'synchronous_commit', coalesce(cast(:sync as text), current_setting('synchronous_commit')), true
    )
    """
)


async def begin(uow: UnitOfWork, row: Message, overdue: datetime) -> bool:
    """Insert an outbound message that is about to leave; False while one alike is unresolved."""
    values = {
        "tenant_id": row.tenant_id,
        "id": row.id,
        "instance_id": row.instance_id,
        "kind": row.kind,
        "chat_id": row.chat_id,
        "content": json.dumps(row.content),
        "likeness": row.likeness,
        "client_reference": row.client_reference,
        "idempotency_key": row.idempotency_key,
        "at": row.created_at,
        "overdue": overdue,
    }
    return await BEGIN.first(uow, values) is not None


async def accept(uow: UnitOfWork, values: dict[str, Any]) -> str | None:
    """Record the upstream id of a message, with whatever was told of it before; its status, None if not unsettled."""
    sync = "off" if values["status"] == "queued" else None
    row = await ACCEPT.first(uow, {**values, "sync": sync})
    return None if row is None else str(row["status"])


async def still_sending(uow: UnitOfWork, tenant_id: UUID, message_id: UUID) -> None:
    """Say of a message that takes long to hand over that its process is alive."""
    await uow.session.execute(
        update(Message)
        .where(Message.tenant_id == tenant_id, Message.id == message_id, Message.status == "sending")
        .values(updated_at=uow.now)
        .execution_options(synchronize_session=False)
    )


async def hold(uow: UnitOfWork, row: Message) -> None:
    """It waits, and was surely not handed over."""
    await uow.session.execute(
        update(Message)
        .where(Message.tenant_id == row.tenant_id, Message.id == row.id, Message.status == "sending")
        .values(status="held", forwarded_at=None, updated_at=uow.now, version=Message.version + 1)
        .execution_options(synchronize_session=False)
    )


async def end_unsettled(
    uow: UnitOfWork,
    tenant_id: UUID,
    message_id: UUID,
    *,
    status: str,
    error: dict[str, Any] | None,
    before: Sequence[str],
) -> bool:
    """Move an unsettled message on; False when it is settled already."""
    done = await uow.session.scalar(
        update(Message)
        .where(Message.tenant_id == tenant_id, Message.id == message_id, Message.status.in_(before))
        .values(status=status, error=error, updated_at=uow.now, version=Message.version + 1)
        .returning(Message.id)
    )
    return done is not None


async def add(uow: UnitOfWork, values: dict[str, Any]) -> Message | None:
    """Store a message that was told to us once; one that came early is made whole. None when it is known."""
    statement = insert(Message).values(
        {"id": new_id(), "created_at": uow.now, "updated_at": uow.now, "looks": 0, "version": 1, **values}
    )
    kept = ("direction", "kind", "chat_id", "content", "likeness", "sender", "created_at")
    statement = statement.on_conflict_do_update(
        constraint="uq_messages_upstream",
        set_={name: getattr(statement.excluded, name) for name in kept},
        where=(Message.direction == EARLY) & (statement.excluded.direction != EARLY),
    )
    row: Message | None = await uow.session.scalar(statement.returning(Message))
    return row


async def advance(
    uow: UnitOfWork,
    tenant_id: UUID,
    instance_id: UUID,
    upstream_message_id: str,
    *,
    status: str,
    before: Sequence[str],
    error: dict[str, Any] | None,
) -> Message | None:
    """Move an outbound message forward; None when it is unknown or already further."""
    row: Message | None = await uow.session.scalar(
        update(Message)
        .where(
            Message.tenant_id == tenant_id,
            Message.instance_id == instance_id,
            Message.upstream_message_id == upstream_message_id,
            Message.direction != "inbound",
            Message.status.in_(before),
        )
        .values(status=status, error=error, updated_at=uow.now, version=Message.version + 1)
        .returning(Message)
        .execution_options(populate_existing=True)
    )
    return row


async def known(uow: UnitOfWork, tenant_id: UUID, instance_id: UUID, upstream_ids: Sequence[str]) -> set[str]:
    """Which upstream ids belong to messages of the instance."""
    rows = await uow.session.scalars(
        select(Message.upstream_message_id).where(
            Message.tenant_id == tenant_id,
            Message.instance_id == instance_id,
            Message.upstream_message_id.in_(list(upstream_ids)),
            Message.direction != EARLY,
        )
    )
    return {each for each in rows if each is not None}


async def unresolved(
    uow: UnitOfWork, tenant_id: UUID, instance_id: UUID, chat_id: str, likeness: str, *, since: datetime | None = None
) -> Message | None:
    """The oldest alike send to a chat whose outcome is unknown, locked; of those begun from `since` on."""
    row: Message | None = await uow.session.scalar(
        select(Message)
        .where(
            *(() if since is None else (Message.forwarded_at >= since,)),
            Message.tenant_id == tenant_id,
            Message.instance_id == instance_id,
            Message.chat_id == chat_id,
            Message.status == "unknown",
            Message.likeness == likeness,
        )
        .order_by(Message.forwarded_at)
        .limit(1)
        .with_for_update()
    )
    return row


async def in_flight(uow: UnitOfWork, like: Message, overdue: datetime) -> bool:
    """Whether a message alike is being forwarded at this moment, so that its id may be seen before it is recorded."""
    found = await uow.session.scalar(
        select(Message.id)
        .where(
            Message.tenant_id == like.tenant_id,
            Message.instance_id == like.instance_id,
            Message.chat_id == like.chat_id,
            Message.status == "sending",
            Message.updated_at >= overdue,
            Message.id != like.id,
            Message.likeness == like.likeness,
        )
        .limit(1)
    )
    return found is not None


async def early_for(uow: UnitOfWork, like: Message, *, before: datetime | None = None) -> str | None:
    """The upstream id that an echo told of a message alike before its answer came, oldest first."""
    found: str | None = await uow.session.scalar(
        select(Message.upstream_message_id)
        .where(
            *(() if before is None else (Message.created_at < before,)),
            Message.tenant_id == like.tenant_id,
            Message.instance_id == like.instance_id,
            Message.direction == EARLY,
            Message.chat_id == like.chat_id,
            Message.created_at >= like.forwarded_at,
            Message.likeness == like.likeness,
        )
        .order_by(Message.created_at)
        .limit(1)
    )
    return found


async def overdue(uow: UnitOfWork, before: datetime, limit: int) -> list[Message]:
    """Sends that were begun before an instant and never settled: their process died."""
    query = (
        select(Message)
        .where(Message.status == "sending", Message.forwarded_at < before, Message.updated_at < before)
        .order_by(Message.forwarded_at)
        .limit(limit)
    )
    return list((await uow.session.scalars(query)).all())


async def is_searched(uow: UnitOfWork, instance_id: UUID, before: datetime) -> bool:
    """Whether a message of an instance that was handed over before an instant is being looked for."""
    query = select(Message.id).where(
        Message.instance_id == instance_id,
        Message.status.in_(UNSETTLED),
        Message.forwarded_at < before,
        Message.forwarded_at > uow.now - SEARCHED,
    )
    return bool(await uow.session.scalar(select(query.exists())))


async def fail_waiting(
    uow: UnitOfWork, tenant_id: UUID, instance_id: UUID, upstream_ids: Sequence[str]
) -> list[Message]:
    """Messages that never left the gateway's queue have failed; returns them."""
    error = {"code": "instance_moved", "detail": "It waited at the gateway that its instance has left."}
    statement = (
        update(Message)
        .where(
            Message.tenant_id == tenant_id,
            Message.instance_id == instance_id,
            Message.upstream_message_id.in_(list(upstream_ids)),
            Message.status == "queued",
        )
        .values(status="failed", error=error, updated_at=uow.now, version=Message.version + 1)
        .returning(Message)
        .execution_options(populate_existing=True)
    )
    return list((await uow.session.scalars(statement)).all())


async def get(uow: UnitOfWork, message_id: UUID, *, tenant_id: UUID, lock: bool = False) -> Message | None:
    """A message of a tenant."""
    query = select(Message).where(Message.tenant_id == tenant_id, Message.id == message_id, Message.direction != EARLY)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    row: Message | None = await uow.session.scalar(query)
    return row


async def by_upstream_id(
    uow: UnitOfWork, tenant_id: UUID, instance_id: UUID, upstream_message_id: str
) -> Message | None:
    """A message by its upstream id, locked."""
    query = select(Message).where(
        Message.tenant_id == tenant_id,
        Message.instance_id == instance_id,
        Message.upstream_message_id == upstream_message_id,
        Message.direction != EARLY,
    )
    row: Message | None = await uow.session.scalar(query.with_for_update())
    return row


async def chat_of(uow: UnitOfWork, tenant_id: UUID, instance_id: UUID, upstream_message_id: str) -> str | None:
    """The chat of a message by its upstream id."""
    query = select(Message.chat_id).where(
        Message.tenant_id == tenant_id,
        Message.instance_id == instance_id,
        Message.upstream_message_id == upstream_message_id,
        Message.direction != EARLY,
    )
    found: str | None = await uow.session.scalar(query)
    return found


def of_instance(
    uow: UnitOfWork, instance_id: UUID, *, chat_id: str | None, direction: str | None, status: Sequence[str]
) -> Select[Message]:
    """The messages of an instance that fit the filters."""
    query = uow.owned(Message).where(Message.instance_id == instance_id, Message.direction != EARLY)
    if chat_id is not None:
        query = query.where(Message.chat_id == chat_id)
    if direction is not None:
        query = query.where(Message.direction == direction)
    return query.where(Message.status.in_(status)) if status else query


async def empty_old(uow: UnitOfWork, before: datetime, limit: int) -> int:
    """Forget the contents of messages that are older; returns how many."""
    old = (
        select(Message.tenant_id, Message.id)
        .where(Message.created_at < before, Message.content != {}, Message.status.not_in(UNSETTLED))
        .limit(limit)
        .subquery()
    )
    result = await uow.session.execute(
        update(Message)
        .where(Message.tenant_id == old.c.tenant_id, Message.id == old.c.id)
        .values(content={}, version=Message.version + 1)
        .execution_options(synchronize_session=False)
    )
    return int(getattr(result, "rowcount", 0))


async def drop_early(uow: UnitOfWork) -> None:
    """Forget what came early and never found its message."""
    await uow.session.execute(
        delete(Message)
        .where(Message.direction == EARLY, Message.created_at < uow.now - timedelta(days=2))
        .execution_options(synchronize_session=False)
    )


async def stray_echoes(uow: UnitOfWork, before: datetime, limit: int) -> list[Message]:
    """Echoes of our calls that are older and whose record never came, locked.

    Not of a chat in which a message's outcome is being found out: it may be that message's only trace.
    """
    other = aliased(Message)
    in_doubt = exists().where(
        other.tenant_id == Message.tenant_id,
        other.instance_id == Message.instance_id,
        other.chat_id == Message.chat_id,
        other.status.in_(UNSETTLED),
        other.forwarded_at <= Message.created_at + ECHO_SLACK,
        other.forwarded_at > uow.now - SEARCHED,
    )
    query = (
        select(Message)
        .where(Message.direction == EARLY, Message.kind != "unknown", Message.created_at < before, ~in_doubt)
        .order_by(Message.created_at)
        .limit(limit)
        .with_for_update(skip_locked=True, of=Message)
    )
    return list((await uow.session.scalars(query)).all())


async def passed_on(uow: UnitOfWork, echo: Message) -> bool:
    """Whether an echo may be of a forward of several messages: that is one record, by which all were counted."""
    found = await uow.session.scalar(
        select(Message.id)
        .where(
            Message.tenant_id == echo.tenant_id,
            Message.instance_id == echo.instance_id,
            Message.chat_id == echo.chat_id,
            Message.kind == "forward",
            func.jsonb_array_length(Message.content["message_ids"]) > 1,
            Message.created_at > echo.created_at - WAITS,
        )
        .limit(1)
    )
    return found is not None
