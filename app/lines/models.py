"""The drop-in face's identity of an instance, and the notifications kept for it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKeyConstraint, Identity, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base, TenantOwned


class Line(Base):
    """An instance under a number and a token of ours. `settings` holds the switches that are the tenant's own.

    `push_at` is when the next try of the oldest kept notification is due; `push_failures` how many failed in a row.
    `quota_told` has, for each method whose quota was told to be used up, until when it is not told again.
    `channel_settings` are those of a channel that differ from what a new one has; None while nobody ever set any, and
    then there is no hook either.
    """

    __tablename__ = "lines"
    __table_args__ = (
        UniqueConstraint("number"),
        Index("uq_lines_token_hash", "token_hash", unique=True),
        ForeignKeyConstraint(["tenant_id", "instance_id"], ["instances.tenant_id", "instances.id"]),
    )

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    instance_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, Identity(start=7_700_000_001))
    token_hash: Mapped[bytes]
    token_sealed: Mapped[bytes]
    webhook_url: Mapped[str] = mapped_column(default="")
    webhook_token_sealed: Mapped[bytes | None]
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    push_at: Mapped[datetime | None]
    push_failures: Mapped[int] = mapped_column(default=0)
    cleared_at: Mapped[datetime | None]
    quota_told: Mapped[dict[str, Any]] = mapped_column(default=dict)
    channel_settings: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1)


class KeptNotice(Base):
    """A notification in GREEN-API's words, rewritten to be the tenant's; told in the order of `receipt`."""

    __tablename__ = "kept_notices"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "instance_id"], ["lines.tenant_id", "lines.instance_id"]),
        Index("ix_kept_notices_created_at", "created_at"),
    )

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    instance_id: Mapped[UUID] = mapped_column(primary_key=True)
    receipt: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    kind: Mapped[str]
    body: Mapped[str]
    created_at: Mapped[datetime]


class LineHook(Base, TenantOwned):
    """A webhook in Whapi's shape, of which a line may have several; `events` None is every event.

    `push_at` and `push_failures` are as those of a line, for the notices of this hook alone.
    """

    __tablename__ = "line_hooks"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "instance_id"], ["lines.tenant_id", "lines.instance_id"]),
        Index("ix_line_hooks_instance", "tenant_id", "instance_id", "position"),
    )

    instance_id: Mapped[UUID]
    position: Mapped[int]
    url: Mapped[str]
    mode: Mapped[str]
    events: Mapped[list[dict[str, str]] | None] = mapped_column(JSONB(none_as_null=True))
    headers_sealed: Mapped[bytes | None]
    max_age_seconds: Mapped[int | None]
    push_at: Mapped[datetime | None]
    push_failures: Mapped[int] = mapped_column(default=0)
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]


class HookNotice(Base):
    """An event in Whapi's words for one hook, without its frame; told in the order of `receipt`."""

    __tablename__ = "hook_notices"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "hook_id"], ["line_hooks.tenant_id", "line_hooks.id"]),
        Index("ix_hook_notices_created_at", "created_at"),
    )

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    hook_id: Mapped[UUID] = mapped_column(primary_key=True)
    receipt: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    type: Mapped[str]
    verb: Mapped[str]
    payload: Mapped[str]
    created_at: Mapped[datetime]
