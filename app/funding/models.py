"""What is prepaid upstream: how many days were put on each account, what asked for them, what is left in the pools."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base, TenantOwned


class PrepaidAccount(Base):
    """The days of one instance's upstream account, as they are booked; until when they last is the instance's.

    `put_days` came on it, `gift_days` of these with its creation; `used_days` have begun, `back_days` went back to the
    pool when it was deleted, which `settled_at` ends. `note` is a finding: something that nobody could explain.
    Up to `busy_until`, after a change of its mode, the account restarts and is left alone.
    """

    __tablename__ = "prepaid_accounts"
    __table_args__ = (
        UniqueConstraint("provider", "environment", "account"),
        ForeignKeyConstraint(["tenant_id", "instance_id"], ["instances.tenant_id", "instances.id"]),
        Index(
            "ix_prepaid_accounts_open",
            "provider",
            "environment",
            postgresql_where=text("settled_at is null"),
        ),
    )

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    instance_id: Mapped[UUID] = mapped_column(primary_key=True)
    provider: Mapped[str]
    environment: Mapped[str]
    account: Mapped[str]
    gift_days: Mapped[int]
    put_days: Mapped[int]
    used_days: Mapped[int] = mapped_column(default=0)
    back_days: Mapped[int] = mapped_column(default=0)
    live_at: Mapped[datetime | None]
    busy_until: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    note: Mapped[str | None]
    created_at: Mapped[datetime]


class Extension(Base, TenantOwned):
    """Days that are moved from a pool to an account: committed before the call leaves, open until its end is known.

    `state`: intended, unknown, done, refused, short (refused, as the pool did not hold so many), lost (surely not done,
    by what was read after the quiet period) or gone (the account went first). `comment` goes with the call and is
    unique. One is open per instance.
    """

    __tablename__ = "extensions"
    __table_args__ = (
        UniqueConstraint("comment"),
        ForeignKeyConstraint(["tenant_id", "instance_id"], ["instances.tenant_id", "instances.id"]),
        Index(
            "uq_extensions_open",
            "tenant_id",
            "instance_id",
            unique=True,
            postgresql_where=text("finished_at is null"),
        ),
        Index(
            "ix_extensions_refused",
            "tenant_id",
            "instance_id",
            "finished_at",
            postgresql_where=text("state = 'refused'"),
        ),
    )

    instance_id: Mapped[UUID]
    provider: Mapped[str]
    environment: Mapped[str]
    account: Mapped[str]
    days: Mapped[int]
    comment: Mapped[str]
    before_until: Mapped[datetime | None]
    after_until: Mapped[datetime | None]
    state: Mapped[str]
    quiet_until: Mapped[datetime]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    detail: Mapped[str | None]


class Pool(Base):
    """What a partner account holds: the last reading less what was moved since, when it was read and its listing looked
    at, and since when it is low or was found empty.
    """

    __tablename__ = "pools"

    provider: Mapped[str] = mapped_column(primary_key=True)
    environment: Mapped[str] = mapped_column(primary_key=True)
    days: Mapped[int | None]
    read_at: Mapped[datetime | None]
    low_since: Mapped[datetime | None]
    empty_since: Mapped[datetime | None]
    looked_at: Mapped[datetime | None]

    @property
    def holds_nothing(self) -> bool:
        """Whether it was found empty, and by the last reading still is."""
        return self.empty_since is not None and self.days is not None and self.days < 1


class PoolReading(Base):
    """A balance that was read, kept for a bit more than a year."""

    __tablename__ = "pool_readings"

    provider: Mapped[str] = mapped_column(primary_key=True)
    environment: Mapped[str] = mapped_column(primary_key=True)
    read_at: Mapped[datetime] = mapped_column(primary_key=True)
    days: Mapped[int]
