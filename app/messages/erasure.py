"""What messages leave behind when their instance is deleted: nothing."""

from uuid import UUID

from sqlalchemy import delete, select

from app.kit.db import UnitOfWork
from app.messages.models import Message

PORTION = 5000


async def erase(uow: UnitOfWork, tenant_id: UUID, instance_id: UUID) -> int:
    """Erase a portion of an instance's messages; how many they were, 0 when none is left."""
    portion = (
        select(Message.id).where(Message.tenant_id == tenant_id, Message.instance_id == instance_id).limit(PORTION)
    )
    statement = delete(Message).where(Message.tenant_id == tenant_id, Message.id.in_(portion)).returning(Message.id)
    return len((await uow.session.execute(statement)).all())
