"""Files that a tenant gave us to send."""

from dataclasses import dataclass, field
from uuid import UUID

from app.accounts.vault import open_vault
from app.files import store
from app.files.models import Upload
from app.kit.db import UnitOfWork
from app.kit.errors import NotFound


@dataclass(frozen=True)
class Stored:
    """An upload and where upstream keeps it."""

    row: Upload
    link: str = field(repr=False)

    @property
    def file_name(self) -> str:
        """The name it was given."""
        return self.row.file_name


async def find(uow: UnitOfWork, instance_id: UUID, upload_id: UUID) -> Stored:
    """An upload of the scope's tenant for an instance.

    Raises:
        NotFound: there is none, or it has expired.
    """
    row = await store.upload(uow, uow.tenant_id, instance_id, upload_id)
    if row is None:
        raise NotFound()
    vault = await open_vault(uow, row.tenant_id)
    return Stored(row, vault.open(row.link_sealed, place(upload_id)))


def place(upload_id: UUID) -> str:
    """Where the link of an upload is sealed for."""
    return f"uploads.link|{upload_id}"
