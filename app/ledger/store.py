"""Every statement of the ledger."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, func, select, text
from sqlalchemy.dialects.postgresql import insert

from app.jobs import NO_ONE
from app.kit.db import SystemScope, UnitOfWork
from app.kit.ids import new_id
from app.ledger.models import LedgerEntry, LedgerTransaction

TOTALS: Final = text(
    "select case when account like 'instance:%' then 'instances'"
    " when account like 'upstream%prepaid%' then left(account, strpos(account, 'prepaid') + 6)"
    " else account end as account, sum(days) as days"
    " from ledger_entries group by 1"
)


async def add_transaction(
    uow: UnitOfWork,
    kind: str,
    source: str,
    *,
    tenant_id: UUID | None,
    instance_id: UUID | None,
    day: date | None,
    note: str | None,
) -> UUID | None:
    """The new transaction's id, or None when its kind and source were booked before; waits for a rival's commit."""
    made: UUID | None = await uow.session.scalar(
        insert(LedgerTransaction)
        .values(
            id=new_id(),
            kind=kind,
            source=source,
            tenant_id=tenant_id or NO_ONE,
            instance_id=instance_id,
            day=day,
            note=note,
            posted_at=uow.now,
        )
        .on_conflict_do_nothing(constraint="uq_ledger_transactions_kind_source")
        .returning(LedgerTransaction.id)
    )
    return made


async def add_entries(
    uow: UnitOfWork, transaction_id: UUID, tenant_id: UUID | None, movements: Mapping[str, int]
) -> None:
    """Both sides of a movement; their sum is checked at the commit."""
    await uow.session.execute(
        insert(LedgerEntry).values(
            [
                {"transaction_id": transaction_id, "account": account, "tenant_id": tenant_id or NO_ONE, "days": days}
                for account, days in movements.items()
            ]
        )
    )


async def lock_account(uow: UnitOfWork, account: str) -> None:
    """Let one transaction at a time draw on an account."""
    await uow.session.execute(
        text("select pg_advisory_xact_lock(hashtextextended(:account, 7303))"), {"account": account}
    )


async def balance(uow: UnitOfWork, account: str) -> int:
    """The sum of an account's entries."""
    total = await uow.session.scalar(select(func.sum(LedgerEntry.days)).where(LedgerEntry.account == account))
    return int(total or 0)


async def find(uow: UnitOfWork, kind: str, source: str) -> tuple[LedgerTransaction, dict[str, int]] | None:
    """A transaction and its entries, by what its caller named it."""
    row = await uow.session.scalar(
        select(LedgerTransaction).where(LedgerTransaction.kind == kind, LedgerTransaction.source == source)
    )
    if row is None:
        return None
    return row, (await entries_of(uow, [row.id])).get(row.id, {})


async def entries_of(uow: UnitOfWork, transaction_ids: list[UUID]) -> dict[UUID, dict[str, int]]:
    """The movements of some transactions."""
    found: dict[UUID, dict[str, int]] = {}
    rows = await uow.session.execute(
        select(LedgerEntry.transaction_id, LedgerEntry.account, LedgerEntry.days).where(
            LedgerEntry.transaction_id.in_(transaction_ids)
        )
    )
    for row in rows:
        found.setdefault(row.transaction_id, {})[row.account] = row.days
    return found


def of_instance(uow: UnitOfWork, instance_id: UUID) -> Select[Any]:
    """The transactions of an instance that this scope may see."""
    query = select(LedgerTransaction).where(LedgerTransaction.instance_id == instance_id)
    if isinstance(uow.scope, SystemScope):
        return query
    return query.where(LedgerTransaction.tenant_id == uow.scope)
