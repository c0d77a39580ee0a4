"""A tenant's sealing key, and what is sealed with it."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from app.accounts.models import TenantKey
from app.kit.crypto import Unreadable, new_key, seal, unseal
from app.kit.db import UnitOfWork
from app.kit.hot import Statement

WRAPPED: Final = Statement("select wrapped from tenant_keys where tenant_id = cast(:tenant_id as uuid)")
ALL_WRAPPED: Final = Statement(
    "select tenant_id, wrapped from tenant_keys where tenant_id = any(cast(:tenant_ids as uuid[]))"
)


class Vault:
    """Seals and opens one tenant's secrets; a place is `table.column|row id`, so a value cannot be moved."""

    def __init__(self, tenant_id: UUID, key: bytes) -> None:
        self._tenant_id = tenant_id
        self._key = key

    def seal(self, plain: str, place: str) -> bytes:
        """The text, sealed for its place."""
        return seal(self._key, plain.encode(), f"{place}|{self._tenant_id}")

    def open(self, sealed: bytes, place: str) -> str:
        """The text that was sealed for the place.

        Raises:
            Unreadable: it is not this tenant's, not this place's, or was changed.
        """
        return unseal(self._key, sealed, f"{place}|{self._tenant_id}").decode()


async def new_vault(uow: UnitOfWork, tenant_id: UUID) -> Vault:
    """Make the key of a new tenant."""
    key = new_key()
    uow.session.add(TenantKey(tenant_id=tenant_id, wrapped=uow.keyring.wrap(key, str(tenant_id)), created_at=uow.now))
    await uow.session.flush()
    return Vault(tenant_id, key)


async def open_vault(uow: UnitOfWork, tenant_id: UUID) -> Vault:
    """A tenant's vault.

    Raises:
        Unreadable: the tenant was erased, or the deployment's key is gone.
    """
    known: Vault | None = uow.session.info.get(("vault", tenant_id))
    if known is not None:
        return known
    row = await WRAPPED.first(uow, {"tenant_id": tenant_id})
    if row is None:
        raise Unreadable("the tenant has no key")
    vault = Vault(tenant_id, uow.keyring.unwrap(row["wrapped"], str(tenant_id)))
    uow.session.info["vault", tenant_id] = vault
    return vault


async def open_vaults(uow: UnitOfWork, tenant_ids: Collection[UUID]) -> None:
    """Read the keys of many tenants at once, so that `open_vault` asks for none of them in this unit of work."""
    if not tenant_ids:
        return
    for row in await ALL_WRAPPED.all(uow, {"tenant_ids": list(tenant_ids)}):
        tenant_id = row["tenant_id"]
        try:
            key = uow.keyring.unwrap(row["wrapped"], str(tenant_id))
        except Unreadable:
            continue
        uow.session.info["vault", tenant_id] = Vault(tenant_id, key)
