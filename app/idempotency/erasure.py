"""What kept answers leave behind when their instance is deleted: nothing, for they hold what was sent."""

from typing import Final
from uuid import UUID

from sqlalchemy import delete, select

from app.idempotency.models import IdempotentRequest
from app.kit.db import UnitOfWork
from app.kit.ids import INSTANCE, to_wire

PORTION: Final = 5000


async def erase(uow: UnitOfWork, tenant_id: UUID, instance_id: UUID) -> int:
    """Erase a portion of the answers about an instance; how many they were, 0 when none is left."""
    mine = (
        IdempotentRequest.tenant_id == tenant_id,
        IdempotentRequest.route.like(f"% /v1/instances/{to_wire(INSTANCE, instance_id)}/%"),
    )
    portion = select(IdempotentRequest.key).where(*mine).limit(PORTION)
    statement = delete(IdempotentRequest).where(*mine, IdempotentRequest.key.in_(portion))
    return len((await uow.session.execute(statement.returning(IdempotentRequest.key))).all())
