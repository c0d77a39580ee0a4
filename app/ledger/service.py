"""Days move between accounts, each movement once: what is issued, owned, used, given back.

Accounts: `pool` is where the operator's days come from, so it goes negative by as many as customers hold or have used;
`house` are days that the operator bears itself (trials, unpaid time); `consumed` is where used days end;
`instance:<uuid>` holds the days owned for an instance and never goes below zero. Accounts `upstream:…` are those of
partner accounts that are paid beforehand, by themselves in balance: the room `funding` keeps them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from app.kit import page
from app.kit.db import UnitOfWork
from app.kit.errors import Conflict
from app.ledger import store
from app.ledger.models import LedgerTransaction

POOL: Final = "pool"
HOUSE: Final = "house"
CONSUMED: Final = "consumed"
INSTANCE_PREFIX: Final = "instance:"


class Overdrawn(Conflict):
    """The instance does not hold so many days."""


@dataclass(frozen=True)
class Movement:
    """One booked transaction with its entries by account."""

    id: UUID
    kind: str
    source: str
    day: date | None
    note: str | None
    posted_at: datetime
    entries: Mapping[str, int]


def instance_account(instance_id: UUID) -> str:
    """The account of the days owned for an instance."""
    return f"{INSTANCE_PREFIX}{instance_id}"


async def post(
    uow: UnitOfWork,
    *,
    kind: str,
    source: str,
    movements: dict[str, int],
    tenant_id: UUID | None,
    instance_id: UUID | None,
    day: date | None = None,
    note: str | None = None,
) -> bool:
    """Book a movement once; False when `(kind, source)` was booked before. Needs the system's scope.

    Whoever draws on an instance holds the row lock of its subscription, so that the balance read here stands.

    Raises:
        Overdrawn: an instance's account would go below zero.
        ValueError: the movements do not sum to zero.
    """
    moved = {account: days for account, days in movements.items() if days}
    if sum(moved.values()) != 0:
        raise ValueError("a ledger movement sums to zero")
    made = await store.add_transaction(
        uow, kind, source, tenant_id=tenant_id, instance_id=instance_id, day=day, note=note
    )
    if made is None:
        return False
    for account in sorted(account for account, days in moved.items() if days < 0):
        if account.startswith(INSTANCE_PREFIX):
            await store.lock_account(uow, account)
            if await store.balance(uow, account) + moved[account] < 0:
                raise Overdrawn(account=account)
    if moved:
        await store.add_entries(uow, made, tenant_id, moved)
    return True


async def balance(uow: UnitOfWork, account: str) -> int:
    """The days on an account."""
    return await store.balance(uow, account)


async def booked(uow: UnitOfWork, kind: str, source: str) -> Movement | None:
    """What was booked under a kind and source, if anything."""
    found = await store.find(uow, kind, source)
    return None if found is None else _movement(*found)


async def statement(
    uow: UnitOfWork, instance_id: UUID, *, limit: int, cursor: str | None = None
) -> tuple[list[Movement], str | None]:
    """An instance's movements, newest first, and the cursor of the next page.

    Raises:
        CursorExpired: the cursor is not usable any more.
    """
    query = store.of_instance(uow, instance_id)
    if cursor is not None:
        query = query.where(LedgerTransaction.id < page.read_cursor(uow.keyring, cursor, uow.now))
    rows = list((await uow.session.scalars(query.order_by(LedgerTransaction.id.desc()).limit(limit + 1))).all())
    more, rows = len(rows) > limit, rows[:limit]
    entries = await store.entries_of(uow, [row.id for row in rows])
    after = page.make_cursor(uow.keyring, rows[-1].id, uow.now) if more else None
    return [_movement(row, entries.get(row.id, {})) for row in rows], after


async def totals(uow: UnitOfWork) -> dict[str, int]:
    """The balance of every account that is no instance's, and of all instances together."""
    rows = await uow.session.execute(store.TOTALS)
    return {row.account: int(row.days) for row in rows}


def _movement(row: LedgerTransaction, entries: Mapping[str, int]) -> Movement:
    return Movement(row.id, row.kind, row.source, row.day, row.note, row.posted_at, entries)
