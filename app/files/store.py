"""SQL of files."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import delete, select, tuple_

from app.files.models import Upload
from app.kit.db import UnitOfWork
from app.kit.hot import Statement

THERE: Final = Statement(
    "select 1 from instances where tenant_id = cast(:tenant_id as uuid) and id = cast(:id as uuid)"
    " and status <> 'deleted'"
)
"""Files stand below instances and need one thing of them: that a deleted one has no files any more."""


async def is_there(uow: UnitOfWork, tenant_id: UUID, instance_id: UUID) -> bool:
    """Whether an instance has not been deleted."""
    return await THERE.first(uow, {"tenant_id": tenant_id, "id": instance_id}) is not None


async def upload(uow: UnitOfWork, tenant_id: UUID, instance_id: UUID, upload_id: UUID) -> Upload | None:
    """One upload that has not expired."""
    query = uow.owned(Upload).where(
        Upload.tenant_id == tenant_id,
        Upload.instance_id == instance_id,
        Upload.id == upload_id,
        Upload.expires_at > uow.now,
    )
    found: Upload | None = await uow.session.scalar(query)
    return found


async def delete_expired(uow: UnitOfWork, before: datetime, limit: int) -> int:
    """Delete a batch of uploads, whosever; how many they were."""
    old = select(Upload.tenant_id, Upload.id).where(Upload.expires_at <= before).limit(limit)
    statement = delete(Upload).where(tuple_(Upload.tenant_id, Upload.id).in_(old)).returning(Upload.id)
    return len((await uow.session.execute(statement)).all())


async def delete_of(uow: UnitOfWork, tenant_id: UUID, instance_id: UUID, limit: int) -> int:
    """Delete a batch of an instance's uploads; how many they were."""
    ids = select(Upload.id).where(Upload.tenant_id == tenant_id, Upload.instance_id == instance_id).limit(limit)
    statement = delete(Upload).where(Upload.tenant_id == tenant_id, Upload.id.in_(ids)).returning(Upload.id)
    return len((await uow.session.execute(statement)).all())
