"""What usage leaves behind when its instance is deleted: counts, but not whom was written to."""

from uuid import UUID

from sqlalchemy import delete

from app.kit.db import UnitOfWork
from app.plans.models import UsageChat


async def erase(uow: UnitOfWork, tenant_id: UUID, instance_id: UUID) -> int:
    """Erase the chats that an instance wrote to; how many they were."""
    statement = delete(UsageChat).where(UsageChat.tenant_id == tenant_id, UsageChat.instance_id == instance_id)
    return len((await uow.session.execute(statement.returning(UsageChat.chat_id))).all())
