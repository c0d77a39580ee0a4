"""What providers tell us, kept as it came."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from app.kit.db import Base, TenantOwned


class Notice(Base, TenantOwned):
    """One notification, stored once.

    `state`: accepted; unmapped (no word of ours); foreign (about another upstream account than the instance's);
    unreadable (authentic, yet no JSON we can read); failed (we could not deal with it).
    """

    __tablename__ = "notices"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "instance_id"], ["instances.tenant_id", "instances.id"]),
        UniqueConstraint("tenant_id", "instance_id", "dedupe"),
        Index("ix_notices_received_at", "received_at"),
    )

    instance_id: Mapped[UUID]
    dedupe: Mapped[bytes]
    kind: Mapped[str]
    state: Mapped[str]
    body_sealed: Mapped[bytes]
    received_at: Mapped[datetime]
