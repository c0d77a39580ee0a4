"""What calls leave behind when their instance is deleted: nothing."""

from uuid import UUID

from sqlalchemy import delete, select

from app.gateway.models import GatewayCall
from app.kit.db import UnitOfWork

PORTION = 5000


async def erase(uow: UnitOfWork, tenant_id: UUID, instance_id: UUID) -> int:
    """Erase a portion of an instance's call records; how many they were, 0 when none is left."""
    portion = (
        select(GatewayCall.id)
        .where(GatewayCall.tenant_id == tenant_id, GatewayCall.instance_id == instance_id)
        .limit(PORTION)
    )
    statement = delete(GatewayCall).where(GatewayCall.tenant_id == tenant_id, GatewayCall.id.in_(portion))
    return len((await uow.session.execute(statement.returning(GatewayCall.id))).all())
