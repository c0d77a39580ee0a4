"""Messages that go through us."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base, TenantOwned


class Message(Base, TenantOwned):
    """A message to (`outbound`) or from (`inbound`) a chat.

    Outbound `status`: held (waits for an instance that is being moved), sending (handed to the upstream, outcome not
    recorded), unknown, queued (upstream has it), sent, delivered, read, failed, not_sent (refused, or proved never
    accepted). Inbound is `received`. `likeness` is equal for messages that cannot be told apart in the upstream's
    journal; None for what has none.
    """

    __tablename__ = "messages"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "instance_id"], ["instances.tenant_id", "instances.id"]),
        UniqueConstraint("tenant_id", "instance_id", "upstream_message_id", name="uq_messages_upstream"),
        Index("ix_messages_instance", "tenant_id", "instance_id", "id"),
        Index("ix_messages_early", "created_at", postgresql_where=text("direction = 'early'")),
        Index("ix_messages_unsettled", "forwarded_at", postgresql_where=text("status in ('sending', 'unknown')")),
    )

    instance_id: Mapped[UUID]
    direction: Mapped[str]
    kind: Mapped[str]
    chat_id: Mapped[str]
    content: Mapped[dict[str, Any]]
    sender: Mapped[str | None]
    status: Mapped[str]
    error: Mapped[dict[str, Any] | None]
    upstream_message_id: Mapped[str | None]
    client_reference: Mapped[str | None]
    idempotency_key: Mapped[str | None]
    created_at: Mapped[datetime]
    forwarded_at: Mapped[datetime | None]
    updated_at: Mapped[datetime]
    looked_at: Mapped[datetime | None]
    looks: Mapped[int] = mapped_column(default=0)
    likeness: Mapped[str | None]
    edited_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)
