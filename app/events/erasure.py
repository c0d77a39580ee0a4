"""What events leave behind when their instance is deleted: that they were, in their order, without what they told."""

from typing import Final
from uuid import UUID

from sqlalchemy import select, update

from app.events.models import Event
from app.kit.db import UnitOfWork

PORTION: Final = 5000
ERASED: Final = {"erased": True}


async def erase(uow: UnitOfWork, tenant_id: UUID, instance_id: UUID) -> int:
    """Erase what a portion of an instance's events told; how many they were, 0 when none is left.

    The ends of operations are kept: they name nobody, and the receipt of the deletion is one of them.
    """
    mine = (
        Event.tenant_id == tenant_id,
        Event.instance_id == instance_id,
        Event.type.not_like("operation.%"),
        Event.data != ERASED,
    )
    portion = select(Event.id).where(*mine).limit(PORTION)
    statement = update(Event).where(Event.tenant_id == tenant_id, Event.id.in_(portion)).values(data=ERASED)
    return len((await uow.session.execute(statement.returning(Event.id))).all())
