"""What happened, said once and in order."""

from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from app.events.models import Event, EventSequence
from app.jobs import DispatchEvent
from app.kit.db import UnitOfWork
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
    sequence = await _next(uow, tenant_id, instance_id or tenant_id)
    event = Event(
        tenant_id=tenant_id,
        id=new_id(),
        type=type,
        environment=environment,
        instance_id=instance_id,
        sequence=sequence,
        data=data,
        created_at=uow.now,
    )
    uow.session.add(event)
    await uow.session.flush()
    uow.defer(DispatchEvent(ref=event.id, tenant_id=tenant_id))
    return event


async def _next(uow: UnitOfWork, tenant_id: UUID, stream_id: UUID) -> int:
    statement = insert(EventSequence).values(tenant_id=tenant_id, stream_id=stream_id, last=1)
    statement = statement.on_conflict_do_update(
        index_elements=[EventSequence.tenant_id, EventSequence.stream_id], set_={"last": EventSequence.last + 1}
    )
    return int(await uow.session.scalar(statement.returning(EventSequence.last)) or 0)
