"""What happened, per tenant, append-only."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base, TenantOwned


class Event(Base, TenantOwned):
    """A fact; `sequence` is gap-free per instance (or per tenant where no instance is concerned).

    `position` is the place in the tenant's whole log, given when the event is dispatched: in the order of commits, so
    that a reader who continues after a position never misses one that committed late.
    """

    __tablename__ = "events"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        Index("ix_events_tenant_id_instance_id", "tenant_id", "instance_id", "sequence"),
        Index("uq_events_tenant_id_position", "tenant_id", "position", unique=True),
        Index("ix_events_created_at", "created_at"),
    )

    type: Mapped[str]
    environment: Mapped[str]
    instance_id: Mapped[UUID | None]
    sequence: Mapped[int]
    data: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    position: Mapped[int | None] = mapped_column(BigInteger)


class EventSequence(Base):
    """The last number given in a stream: an instance's, the tenant's own, or the tenant's log."""

    __tablename__ = "event_sequences"
    __table_args__ = (ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),)

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    stream_id: Mapped[UUID] = mapped_column(primary_key=True)
    last: Mapped[int]
