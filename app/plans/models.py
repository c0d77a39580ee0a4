"""What a tenant is owed for an instance, and what it has used."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base


class Subscription(Base):
    """The terms of one instance. `billing_mode` is trial or live; the trial runs from when the instance is ready.

    `limits` are amounts that stand in place of the plan's, by metric; None in it lifts a limit.
    """

    __tablename__ = "subscriptions"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "instance_id"], ["instances.tenant_id", "instances.id"]),
        Index("ix_subscriptions_trial_ends_at", "trial_ends_at"),
        Index("ix_subscriptions_paid_through_at", "paid_through_at"),
    )

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    instance_id: Mapped[UUID] = mapped_column(primary_key=True)
    environment: Mapped[str]
    plan: Mapped[str]
    billing_mode: Mapped[str]
    trial_ends_at: Mapped[datetime | None]
    paid_through_at: Mapped[datetime | None]
    announced: Mapped[str | None]
    limits: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class UsageCounter(Base):
    """Units of a metric used in a period; taken and given back in the transaction that uses them."""

    __tablename__ = "usage_counters"
    __table_args__ = (ForeignKeyConstraint(["tenant_id", "instance_id"], ["instances.tenant_id", "instances.id"]),)

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    instance_id: Mapped[UUID] = mapped_column(primary_key=True)
    metric: Mapped[str] = mapped_column(primary_key=True)
    period_on: Mapped[date] = mapped_column(primary_key=True)
    used: Mapped[int]


class UsageChat(Base):
    """A chat written to in a month; it counts once, and as long as one of its `uses` was not given back."""

    __tablename__ = "usage_chats"
    __table_args__ = (ForeignKeyConstraint(["tenant_id", "instance_id"], ["instances.tenant_id", "instances.id"]),)

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    instance_id: Mapped[UUID] = mapped_column(primary_key=True)
    month_on: Mapped[date] = mapped_column(primary_key=True)
    chat_id: Mapped[str] = mapped_column(primary_key=True)
    uses: Mapped[int]


class QuotaLease(Base):
    """Units that a process took beforehand, already in the counter; what it has not used by the end goes back."""

    __tablename__ = "quota_leases"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "instance_id"], ["instances.tenant_id", "instances.id"]),
        Index("ix_quota_leases_expires_at", "expires_at"),
    )

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    instance_id: Mapped[UUID] = mapped_column(primary_key=True)
    metric: Mapped[str] = mapped_column(primary_key=True)
    period_on: Mapped[date] = mapped_column(primary_key=True)
    holder: Mapped[UUID] = mapped_column(primary_key=True)
    granted: Mapped[int]
    used: Mapped[int]
    expires_at: Mapped[datetime]
