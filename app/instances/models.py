"""The leased WhatsApp accounts. An instance row is the intent: it is committed before anything is asked upstream."""

from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base, TenantOwned

STATUSES: Final = ("queued", "provisioning", "active", "suspended", "deleting", "deleted", "failed")


class Instance(Base, TenantOwned):
    """An instance, its upstream counterpart, and how far it is on its way there or back.

    `status` is one of `STATUSES`. `connection`: unpaired, pairing,
    connected, disconnected, blocked, starting, unknown. `wanted` is the tenant's wish; `next_step` compares.
    `calling_since` is set and committed before a create leaves the house and cleared by its known outcome;
    `upstream_funded_until` is when a prepaid account ends by itself, as far as we know, whoever paid for it;
    `quiet_until` is when a create of unknown outcome may be looked for and, if absent, repeated.

    `moves` counts how often it went to another gateway; since `away_since` its phone is to be linked anew after the
    last one. What it left there is a row of its own (`moving`): `remains_of` whom, with the days up to
    `charged_through` booked under that one.
    """

    __tablename__ = "instances"
    __table_args__ = (
        UniqueConstraint("id"),
        UniqueConstraint("tag"),
        UniqueConstraint("provider", "environment", "upstream_account", name="uq_instances_account"),
        Index(
            "uq_instances_tenant_name",
            "tenant_id",
            "environment",
            "name",
            unique=True,
            postgresql_where=text("status <> 'deleted'"),
        ),
        Index("ix_instances_status", "status"),
        Index("ix_instances_remains_of", "remains_of", postgresql_where=text("remains_of is not null")),
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
    )

    name: Mapped[str]
    environment: Mapped[str]
    provider: Mapped[str]
    status: Mapped[str] = mapped_column(default="queued")
    connection: Mapped[str] = mapped_column(default="unpaired")
    wanted: Mapped[bool] = mapped_column(default=True)
    suspended_by: Mapped[str | None]
    details: Mapped[dict[str, Any]] = mapped_column("metadata", default=dict)

    tag: Mapped[str]
    upstream_account: Mapped[str | None]
    upstream_id: Mapped[int | None] = mapped_column(BigInteger)  # of processes before 0004; a trigger keeps it
    upstream_url: Mapped[str | None]
    upstream_token_sealed: Mapped[bytes | None]
    upstream_created_at: Mapped[datetime | None]
    upstream_funded_until: Mapped[datetime | None]
    upstream_seen_at: Mapped[datetime | None]
    upstream_deleted_at: Mapped[datetime | None]
    hook_token_sealed: Mapped[bytes]
    hook_token_hash: Mapped[bytes]

    create_attempts: Mapped[int] = mapped_column(default=0)
    calling_since: Mapped[datetime | None]
    quiet_until: Mapped[datetime | None]
    delete_step: Mapped[str | None]
    failure: Mapped[str | None]

    moves: Mapped[int] = mapped_column(default=0)
    away_since: Mapped[datetime | None]
    remains_of: Mapped[UUID | None]
    charged_through: Mapped[date | None]

    phone: Mapped[str | None]
    profile_name: Mapped[str | None]
    connected_at: Mapped[datetime | None]
    state_checked_at: Mapped[datetime | None]
    away_told_at: Mapped[datetime | None]
    last_seen_at: Mapped[datetime | None]

    created_at: Mapped[datetime]
    ready_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)


class UpstreamCall(Base, TenantOwned):
    """A call that creates or deletes upstream, written before its first byte leaves."""

    __tablename__ = "upstream_calls"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "instance_id"], ["instances.tenant_id", "instances.id"]),
        Index("ix_upstream_calls_instance", "tenant_id", "instance_id"),
        Index("ix_upstream_calls_creates", "started_at", postgresql_where=text("method = 'create'")),
    )

    instance_id: Mapped[UUID]
    method: Mapped[str]
    tag: Mapped[str]
    attempt: Mapped[int]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    detail: Mapped[str | None]


class Finding(Base):
    """A difference between the upstream's listing and our rows, seen at least once.

    `kind`: orphan (ours by tag, no row), surplus (a second one for a row), ghost (a row without upstream), late
    (a create that appeared after its quiet period).
    """

    __tablename__ = "findings"
    __table_args__ = (
        Index(
            "uq_findings_open",
            "provider",
            "environment",
            "kind",
            "subject",
            unique=True,
            postgresql_where=text("closed_at is null"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    environment: Mapped[str]
    provider: Mapped[str]
    kind: Mapped[str]
    subject: Mapped[str]
    upstream_account: Mapped[str | None]
    upstream_id: Mapped[int | None] = mapped_column(BigInteger)  # of processes before 0004; a trigger keeps it
    tag: Mapped[str | None]
    instance_id: Mapped[UUID | None]
    policy: Mapped[str]
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    sightings: Mapped[int] = mapped_column(default=1)
    closed_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
