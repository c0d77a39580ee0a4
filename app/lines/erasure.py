"""What a line leaves behind when its instance is deleted: nothing."""

from typing import Final
from uuid import UUID

from app.kit.db import UnitOfWork
from app.lines import store
from app.lines.hooks import store as hooks

PORTION: Final = 5000


async def erase(uow: UnitOfWork, tenant_id: UUID, instance_id: UUID) -> int:
    """Erase a portion of what is kept for an instance, then its hooks and its line; how many rows, 0 when none."""
    erased = await hooks.erase(uow, tenant_id, instance_id, PORTION)
    return erased or await store.erase(uow, tenant_id, instance_id, PORTION)
