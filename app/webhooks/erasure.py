"""What deliveries leave behind when their event's instance is deleted: what receivers answered is forgotten."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select, update

from app.events.models import Event
from app.kit.db import UnitOfWork
from app.webhooks.models import Delivery, DeliveryAttempt

PORTION: Final = 5000


async def erase(uow: UnitOfWork, tenant_id: UUID, instance_id: UUID) -> int:
    """Erase a portion of the answers, which may repeat what they were told; how many, 0 when none is left."""
    portion = (
        select(DeliveryAttempt.id)
        .join(
            Delivery,
            (Delivery.tenant_id == DeliveryAttempt.tenant_id) & (Delivery.id == DeliveryAttempt.delivery_id),
        )
        .join(Event, (Event.tenant_id == Delivery.tenant_id) & (Event.id == Delivery.event_id))
        .where(
            DeliveryAttempt.tenant_id == tenant_id,
            DeliveryAttempt.reply_excerpt.is_not(None),
            Event.instance_id == instance_id,
        )
        .limit(PORTION)
    )
    statement = (
        update(DeliveryAttempt)
        .where(DeliveryAttempt.tenant_id == tenant_id, DeliveryAttempt.id.in_(portion))
        .values(reply_excerpt=None)
        .execution_options(synchronize_session=False)
    )
    return len((await uow.session.execute(statement.returning(DeliveryAttempt.id))).all())


async def forget_replies(uow: UnitOfWork, before: datetime, limit: int) -> int:
    """Forget a batch of older answers of receivers; how many. Needs the system's scope."""
    old = (
        select(DeliveryAttempt.tenant_id, DeliveryAttempt.id)
        .where(DeliveryAttempt.attempted_at < before, DeliveryAttempt.reply_excerpt.is_not(None))
        .limit(limit)
        .subquery()
    )
    statement = (
        update(DeliveryAttempt)
        .where(DeliveryAttempt.tenant_id == old.c.tenant_id, DeliveryAttempt.id == old.c.id)
        .values(reply_excerpt=None)
    )
    result = await uow.session.execute(statement.execution_options(synchronize_session=False))
    return int(getattr(result, "rowcount", 0))
