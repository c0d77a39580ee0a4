"""Long work that a client can watch."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base, TenantOwned


class Operation(Base, TenantOwned):
    """`status` is queued, running, succeeded, failed or cancelled; the last three are final."""

    __tablename__ = "operations"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        Index("ix_operations_resource", "tenant_id", "resource_id"),
        Index(
            "uq_operations_open",
            "tenant_id",
            "resource_id",
            "type",
            unique=True,
            postgresql_where=text("status in ('queued', 'running')"),
        ),
    )

    type: Mapped[str]
    environment: Mapped[str]
    status: Mapped[str] = mapped_column(default="queued")
    resource_type: Mapped[str]
    resource_id: Mapped[UUID]
    step: Mapped[str | None]
    percent: Mapped[int] = mapped_column(default=0)
    eta_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    input: Mapped[dict[str, Any] | None]
    result: Mapped[dict[str, Any] | None]
    error: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)
