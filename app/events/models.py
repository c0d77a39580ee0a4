"""What happened, per tenant, append-only."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base, TenantOwned


class Event(Base, TenantOwned):
    """A fact; `sequence` is gap-free per instance (or per tenant where no instance is concerned)."""

    __tablename__ = "events"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        Index("ix_events_tenant_id_instance_id", "tenant_id", "instance_id", "sequence"),
        Index("ix_events_created_at", "created_at"),
    )

    type: Mapped[str]
    environment: Mapped[str]
    instance_id: Mapped[UUID | None]
    sequence: Mapped[int]
    data: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]


class EventSequence(Base):
    """The last sequence given in a stream: an instance's, or the tenant's own."""

    __tablename__ = "event_sequences"
    __table_args__ = (ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),)

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    stream_id: Mapped[UUID] = mapped_column(primary_key=True)
    last: Mapped[int]
