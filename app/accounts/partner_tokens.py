"""Tokens with which a tenant's own tools make and delete instances in GREEN-API's manner."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Select, UniqueConstraint, select, update
from sqlalchemy.orm import Mapped

from app.accounts.models import Tenant
from app.accounts.principal import Principal
from app.accounts.scopes import Scope
from app.kit.crypto import new_token, well_formed
from app.kit.db import SYSTEM, Base, Database, TenantOwned, UnitOfWork
from app.kit.errors import NotFound
from app.kit.ids import new_id

PREFIX: Final = "gac."
RANDOM_LENGTH: Final = 31  # with six characters of checksum 37, as the upstream's own are long
PARTNER_SCOPES: Final = frozenset({Scope.INSTANCES_READ, Scope.INSTANCES_WRITE})
TOUCH_SECONDS: Final = 60


class PartnerToken(Base, TenantOwned):
    """A token `gac.…`, shown once; only its keyed hash is stored."""

    __tablename__ = "partner_tokens"
    __table_args__ = (
        UniqueConstraint("token_hash"),
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
    )

    name: Mapped[str]
    environment: Mapped[str]
    token_hash: Mapped[bytes]
    last4: Mapped[str]
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


def is_well_formed(token: str) -> bool:
    """Whether a text has the shape and checksum of a partner token."""
    return well_formed(token, PREFIX, RANDOM_LENGTH)


async def issue(uow: UnitOfWork, tenant_id: UUID, *, name: str, environment: str) -> tuple[PartnerToken, str]:
    """Make a token; the secret is returned here and never again."""
    secret = new_token(PREFIX, RANDOM_LENGTH)
    row = PartnerToken(
        tenant_id=tenant_id,
        id=new_id(),
        name=name,
        environment=environment,
        token_hash=uow.keyring.fingerprint(secret),
        last4=secret[-4:],
        created_at=uow.now,
    )
    uow.session.add(row)
    await uow.session.flush()
    return row, secret


def listing(uow: UnitOfWork, principal: Principal) -> Select[PartnerToken]:
    """The tokens that a caller may see and that were not revoked: a key sees its environment's, a session all."""
    query = uow.owned(PartnerToken).where(PartnerToken.revoked_at.is_(None))
    return query if principal.kind == "session" else query.where(PartnerToken.environment == principal.environment)


async def find(uow: UnitOfWork, principal: Principal, token_id: UUID) -> PartnerToken:
    """One of the tokens that a caller may see, held until the end of the transaction.

    Raises:
        NotFound: no such token, another tenant's, another environment's, or revoked.
    """
    query = listing(uow, principal).where(PartnerToken.id == token_id).with_for_update()
    row = (await uow.session.scalars(query)).one_or_none()
    if row is None:
        raise NotFound()
    return row


async def revoke(uow: UnitOfWork, row: PartnerToken) -> None:
    """End a token: within a second it is refused everywhere."""
    row.revoked_at = uow.now
    await uow.session.flush()


async def principal_of(database: Database, token_hash: bytes) -> Principal | None:
    """Who calls with a token; None when it is not there, was revoked, or its tenant may not act."""
    async with database.begin(SYSTEM) as uow:
        query = (
            select(PartnerToken, Tenant.status)
            .join(Tenant, Tenant.id == PartnerToken.tenant_id)
            .where(PartnerToken.token_hash == token_hash, PartnerToken.revoked_at.is_(None))
        )
        row = (await uow.session.execute(query)).first()
        if row is None or row.status != "active":
            return None
        token: PartnerToken = row.PartnerToken
        if token.last_used_at is None or (uow.now - token.last_used_at).total_seconds() > TOUCH_SECONDS:
            place = (PartnerToken.tenant_id == token.tenant_id, PartnerToken.id == token.id)
            await uow.session.execute(update(PartnerToken).where(*place).values(last_used_at=uow.now))
        return Principal(
            kind="partner",
            id=token.id,
            tenant_id=token.tenant_id,
            environment=token.environment,
            scopes=PARTNER_SCOPES,
        )
