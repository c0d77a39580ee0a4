"""Uploads: files that a gateway stores for an instance, to be sent later by our id."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import UUID

from app.accounts.vault import open_vault
from app.files import store
from app.files.models import Upload
from app.kit import ids
from app.kit.db import UnitOfWork
from app.kit.errors import NotFound

KEEP: Final = timedelta(days=14)
"""A day less than the gateway keeps them: 15 days. Source: GREEN-API UploadFile page (read 2026-11-21)."""
PORTION: Final = 5000


class UploadNotFound(NotFound):
    """There is no such upload, or it has expired."""


@dataclass(frozen=True)
class Stored:
    """An upload and where the gateway has it; the address is a secret of ours."""

    row: Upload
    link: str = field(repr=False)

    @property
    def file_name(self) -> str:
        """The name it was given."""
        return self.row.file_name


async def keep(
    uow: UnitOfWork, tenant_id: UUID, instance_id: UUID, url: str, *, file_name: str, media_type: str, size_bytes: int
) -> Upload:
    """Remember a file that the gateway has stored.

    Raises:
        Unreadable: the tenant was erased meanwhile.
    """
    vault, upload_id = await open_vault(uow, tenant_id), ids.new_id()
    row = Upload(
        tenant_id=tenant_id,
        id=upload_id,
        instance_id=instance_id,
        link_sealed=vault.seal(url, _place(upload_id)),
        file_name=file_name,
        media_type=media_type,
        size_bytes=size_bytes,
        created_at=uow.now,
        expires_at=uow.now + KEEP,
    )
    uow.session.add(row)
    await uow.session.flush()
    return row


async def get(uow: UnitOfWork, instance_id: UUID, upload_id: UUID) -> Upload:
    """An upload of the scope's tenant for an instance.

    Raises:
        UploadNotFound: there is none, it is another instance's, or it has expired.
    """
    row = await store.upload(uow, uow.tenant_id, instance_id, upload_id)
    if row is None:
        raise UploadNotFound()
    return row


async def find(uow: UnitOfWork, instance_id: UUID, upload_id: UUID) -> Stored:
    """An upload and its address, to be sent. Only through the instance that it was uploaded for.

    Raises:
        UploadNotFound: there is none, it is another instance's, or it has expired.
        Unreadable: the tenant was erased meanwhile.
    """
    row = await get(uow, instance_id, upload_id)
    vault = await open_vault(uow, row.tenant_id)
    return Stored(row, vault.open(row.link_sealed, _place(row.id)))


async def clean(uow: UnitOfWork, limit: int) -> int:
    """Delete a batch of expired ones, whosever; how many they were. Needs the system's scope."""
    return await store.delete_expired(uow, uow.now, limit)


async def erase(uow: UnitOfWork, tenant_id: UUID, instance_id: UUID) -> int:
    """Erase a portion of an instance's uploads; how many they were, 0 when none is left."""
    return await store.delete_of(uow, tenant_id, instance_id, PORTION)


def _place(upload_id: UUID) -> str:
    return f"uploads.link|{upload_id}"
