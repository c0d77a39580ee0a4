"""What a line leaves behind when its instance is deleted: nothing."""

from typing import Final
from uuid import UUID

from app.kit.db import UnitOfWork
from app.lines import store

PORTION: Final = 5000


async def erase(uow: UnitOfWork, tenant_id: UUID, instance_id: UUID) -> int:
    """Erase a portion of an instance's kept notifications, then its line; how many rows, 0 when none is left."""
    return await store.erase(uow, tenant_id, instance_id, PORTION)
