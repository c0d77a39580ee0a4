"""What notifications leave behind when their instance is deleted: nothing."""

from uuid import UUID

from sqlalchemy import delete, select

from app.inbound.models import Notice
from app.kit.db import UnitOfWork

PORTION = 5000


async def erase(uow: UnitOfWork, tenant_id: UUID, instance_id: UUID) -> int:
    """Erase a portion of an instance's notices; how many they were, 0 when none is left."""
    portion = select(Notice.id).where(Notice.tenant_id == tenant_id, Notice.instance_id == instance_id).limit(PORTION)
    statement = delete(Notice).where(Notice.tenant_id == tenant_id, Notice.id.in_(portion)).returning(Notice.id)
    return len((await uow.session.execute(statement)).all())
