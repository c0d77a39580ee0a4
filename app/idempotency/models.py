"""Answers kept so that the same key gives the same answer."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base


class IdempotentRequest(Base):
    """One use of an `Idempotency-Key`. `state` is `started` or `done`; the body is sealed, it may hold a secret."""

    __tablename__ = "idempotent_requests"
    __table_args__ = (Index("ix_idempotent_requests_created_at", "created_at"),)

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    route: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[bytes]
    state: Mapped[str]
    ref: Mapped[UUID | None]
    status: Mapped[int | None]
    headers: Mapped[dict[str, str] | None]
    body_sealed: Mapped[bytes | None]
    created_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
