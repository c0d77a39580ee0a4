"""What happened, said once and in order."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select

from app.accounts.principal import Principal
from app.events import store
from app.events.models import Event
from app.jobs import DispatchEvent
from app.kit import page
from app.kit.db import UnitOfWork
from app.kit.errors import FieldError, InvalidParameter, NotFound
from app.kit.ids import new_id


async def publish(
    uow: UnitOfWork,
    *,
    tenant_id: UUID,
    type: str,  # noqa: A002  # the envelope's own word
    data: dict[str, Any],
    environment: str,
    instance_id: UUID | None = None,
) -> Event:
    """Record a fact in its stream and have it dispatched after the commit.

    A stream is an instance's, or the tenant's own. Its sequence has no gaps, for its row stays locked until the
    commit: publish last in a transaction, and to one stream only where that is possible.
    """
    event = Event(
        tenant_id=tenant_id,
        id=new_id(),
        type=type,
        environment=environment,
        instance_id=instance_id,
        sequence=await store.next_number(uow, tenant_id, instance_id or tenant_id),
        data=data,
        created_at=uow.now,
    )
    uow.session.add(event)
    await uow.session.flush()
    uow.defer(DispatchEvent(ref=event.id, tenant_id=tenant_id))
    return event


async def place(uow: UnitOfWork, tenant_id: UUID, event_id: UUID) -> Event | None:
    """An event that is being dispatched, with its place at the end of the tenant's log; None when it was erased.

    Places are given in the order of commits, which the order of ids is not: a reader of the log misses nothing.
    """
    event = await store.event(uow, tenant_id, event_id)
    if event is not None and event.position is None:
        event.position = await store.next_number(uow, tenant_id, store.log_of(tenant_id))
        await uow.session.flush()
    return event


async def find(uow: UnitOfWork, principal: Principal, event_id: UUID) -> Event:
    """One event.

    Raises:
        NotFound: unknown, another tenant's, or not within the caller's environment and instances.
    """
    event = await uow.session.scalar(store.visible(uow, principal).where(Event.id == event_id))
    if event is None:
        raise NotFound()
    return event


async def newest(
    uow: UnitOfWork,
    principal: Principal,
    *,
    types: Sequence[str] = (),
    instance_id: UUID | None = None,
    limit: int,
    cursor: str | None = None,
) -> tuple[list[Event], str | None]:
    """A page of events, newest first, and the cursor of the next page if there is one."""
    return await page.fetch(uow, _filtered(uow, principal, types, instance_id), Event, limit=limit, cursor=cursor)


async def following(
    uow: UnitOfWork,
    principal: Principal,
    after: UUID,
    *,
    types: Sequence[str] = (),
    instance_id: UUID | None = None,
    limit: int,
) -> tuple[list[Event], bool]:
    """The events after one, oldest first, and whether there are more.

    Raises:
        InvalidParameter: the event to continue after is not there (any more) or not the caller's.
    """
    last = await uow.session.scalar(store.visible(uow, principal).where(Event.id == after))
    if last is None:
        text = "There is no such event now; events are kept for 30 days."
        raise InvalidParameter(text, errors=(FieldError("?after", "not_found", text),))
    if last.position is None:
        return [], False
    query = _filtered(uow, principal, types, instance_id)
    events = await store.following(uow, query, last.position, limit + 1)
    return events[:limit], len(events) > limit


def _filtered(uow: UnitOfWork, principal: Principal, types: Sequence[str], instance_id: UUID | None) -> Select[Event]:
    query = store.visible(uow, principal)
    if types:
        query = query.where(Event.type.in_(types))
    if instance_id is not None:
        query = query.where(Event.instance_id == instance_id)
    return query
