"""Days, in double entry: value only moves, and history is never changed (a trigger sees to it)."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base


class LedgerTransaction(Base):
    """One movement; `(kind, source)` is made by the caller, so the same movement is booked once."""

    __tablename__ = "ledger_transactions"
    __table_args__ = (
        UniqueConstraint("kind", "source"),
        Index("ix_ledger_transactions_instance_id", "instance_id", "posted_at"),
    )

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    source: Mapped[str]
    instance_id: Mapped[UUID | None]
    day: Mapped[date | None]
    note: Mapped[str | None]
    posted_at: Mapped[datetime]


class LedgerEntry(Base):
    """One side of a movement, in whole days; the entries of a transaction sum to zero (checked at commit)."""

    __tablename__ = "ledger_entries"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "transaction_id"], ["ledger_transactions.tenant_id", "ledger_transactions.id"]
        ),
        Index("ix_ledger_entries_account", "account"),
    )

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    transaction_id: Mapped[UUID] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(primary_key=True)
    days: Mapped[int]
