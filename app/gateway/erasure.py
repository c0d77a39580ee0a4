"""What calls leave behind when their instance is deleted: nothing."""

from uuid import UUID

from sqlalchemy import delete, select

from app.gateway.models import GatewayCall, HeldSend
from app.kit.db import UnitOfWork

PORTION = 5000


async def erase(uow: UnitOfWork, tenant_id: UUID, instance_id: UUID) -> int:
    """Erase sends that wait and a portion of an instance's call records; how many they were, 0 when none is left."""
    held = delete(HeldSend).where(HeldSend.tenant_id == tenant_id, HeldSend.instance_id == instance_id)
    waiting = len((await uow.session.execute(held.returning(HeldSend.message_id))).all())
    portion = (
        select(GatewayCall.id)
        .where(GatewayCall.tenant_id == tenant_id, GatewayCall.instance_id == instance_id)
        .limit(PORTION)
    )
    statement = delete(GatewayCall).where(GatewayCall.tenant_id == tenant_id, GatewayCall.id.in_(portion))
    return waiting + len((await uow.session.execute(statement.returning(GatewayCall.id))).all())
