"""Tokens with which a tenant's own tools make and delete instances in GREEN-API's manner."""

from datetime import datetime

from sqlalchemy import ForeignKeyConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped

from app.kit.db import Base, TenantOwned


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
