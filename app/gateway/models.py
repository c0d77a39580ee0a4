"""Calls that were made for tenants."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base, TenantOwned


class GatewayCall(Base, TenantOwned):
    """One call that is no message; a message's own row is its record. Written in batches, kept for 7 days.

    `outcome`: done, refused or unknown; `face`: typed, native or compatible.
    """

    __tablename__ = "gateway_calls"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "instance_id"], ["instances.tenant_id", "instances.id"]),
        Index("ix_gateway_calls_instance", "tenant_id", "instance_id", "id"),
        Index("ix_gateway_calls_called_at", "called_at"),
    )

    instance_id: Mapped[UUID]
    method: Mapped[str]
    face: Mapped[str]
    outcome: Mapped[str]
    status: Mapped[int]
    duration_ms: Mapped[int]
    called_at: Mapped[datetime]


class HeldSend(Base):
    """A send that waits until its instance, which is being moved, has a phone again; its message says `held`."""

    __tablename__ = "held_sends"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "instance_id"], ["instances.tenant_id", "instances.id"]),
        Index("ix_held_sends_instance", "tenant_id", "instance_id", "message_id"),
    )

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    message_id: Mapped[UUID] = mapped_column(primary_key=True)
    instance_id: Mapped[UUID]
    send_sealed: Mapped[bytes]
    held_at: Mapped[datetime]
