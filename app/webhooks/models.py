"""What we tell tenants: endpoints, deliveries and each attempt."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base, TenantOwned


class WebhookEndpoint(Base, TenantOwned):
    """A tenant's URL and what it wants to hear; `event_types` and `instance_ids` None mean all.

    `status`: enabled, disabled (with `disabled_reason`: requested, gone, failing), deleted. `failing_since` is the
    first failure since the last success; `failing_told_at` when the tenant was told of it.
    """

    __tablename__ = "webhook_endpoints"
    __table_args__ = (ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),)

    url: Mapped[str]
    description: Mapped[str | None]
    environment: Mapped[str]
    event_types: Mapped[list[str] | None]
    instance_ids: Mapped[list[str] | None]
    status: Mapped[str] = mapped_column(default="enabled")
    disabled_reason: Mapped[str | None]
    failing_since: Mapped[datetime | None]
    failing_told_at: Mapped[datetime | None]
    secret_sealed: Mapped[bytes]
    previous_sealed: Mapped[bytes | None]
    previous_until: Mapped[datetime | None]
    details: Mapped[dict[str, Any]] = mapped_column("metadata", default=dict)
    created_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1)


class Delivery(Base, TenantOwned):
    """One event for one endpoint; `status` is pending, delivered, failed or skipped.

    A pending one is either waited for by a row of work, or parked: `parked_at` says since when it waits for a place
    among the few that run at once for its endpoint. `running_until` bounds the time for which it takes such a place.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("tenant_id", "endpoint_id", "event_id"),
        ForeignKeyConstraint(["tenant_id", "endpoint_id"], ["webhook_endpoints.tenant_id", "webhook_endpoints.id"]),
        ForeignKeyConstraint(["tenant_id", "event_id"], ["events.tenant_id", "events.id"]),
        Index("ix_deliveries_pending", "endpoint_id", postgresql_where=text("status = 'pending'")),
        Index("ix_deliveries_running", "endpoint_id", postgresql_where=text("running_until is not null")),
        Index("ix_deliveries_parked", "endpoint_id", "parked_at", postgresql_where=text("parked_at is not null")),
        Index("ix_deliveries_event", "tenant_id", "event_id"),
    )

    endpoint_id: Mapped[UUID]
    event_id: Mapped[UUID]
    event_type: Mapped[str]
    status: Mapped[str] = mapped_column(default="pending")
    attempt_count: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime | None]
    last_status: Mapped[int | None]
    last_error: Mapped[str | None]
    created_at: Mapped[datetime]
    delivered_at: Mapped[datetime | None]
    running_until: Mapped[datetime | None]
    parked_at: Mapped[datetime | None]


class DeliveryAttempt(Base, TenantOwned):
    """What one try gave; at most 1 KiB of the reply is kept."""

    __tablename__ = "delivery_attempts"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "delivery_id"], ["deliveries.tenant_id", "deliveries.id"]),
        Index("ix_delivery_attempts_delivery", "tenant_id", "delivery_id"),
    )

    delivery_id: Mapped[UUID]
    attempted_at: Mapped[datetime]
    duration_ms: Mapped[int]
    status_code: Mapped[int | None]
    error: Mapped[str | None]
    reply_excerpt: Mapped[str | None]
