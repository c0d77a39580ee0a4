"""Which events a caller may see, and in which order."""

from uuid import UUID, uuid5

from sqlalchemy import Select, select
from sqlalchemy.dialects.postgresql import insert

from app.accounts.principal import Principal
from app.events.models import Event, EventSequence
from app.kit.db import UnitOfWork

_LOG = UUID("5d3b1f0e-7f0c-5b0e-8f3e-0c6a5f6f2b17")


async def next_number(uow: UnitOfWork, tenant_id: UUID, stream_id: UUID) -> int:
    """The next number of a stream; its row stays locked until the commit."""
    statement = insert(EventSequence).values(tenant_id=tenant_id, stream_id=stream_id, last=1)
    statement = statement.on_conflict_do_update(
        index_elements=[EventSequence.tenant_id, EventSequence.stream_id], set_={"last": EventSequence.last + 1}
    )
    return int(await uow.session.scalar(statement.returning(EventSequence.last)) or 0)


def log_of(tenant_id: UUID) -> UUID:
    """The stream that numbers a tenant's whole log."""
    return uuid5(_LOG, str(tenant_id))


async def event(uow: UnitOfWork, tenant_id: UUID, event_id: UUID) -> Event | None:
    """One event of a tenant."""
    found: Event | None = await uow.session.scalar(
        select(Event).where(Event.tenant_id == tenant_id, Event.id == event_id)
    )
    return found


def visible(uow: UnitOfWork, principal: Principal) -> Select[Event]:
    """The caller's events: of the key's environment, and of the key's instances if it is limited to some."""
    query = uow.owned(Event).where(Event.environment == principal.environment)
    if principal.instance_ids is not None:
        query = query.where(Event.instance_id.in_(principal.instance_ids))
    return query


async def following(uow: UnitOfWork, query: Select[Event], position: int, limit: int) -> list[Event]:
    """The events after a position, oldest first."""
    query = query.where(Event.position > position).order_by(Event.position).limit(limit)
    return list((await uow.session.scalars(query)).all())
