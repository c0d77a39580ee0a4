"""What the gate asks of an instance, read beforehand for the instances that are sending; see `app.kit.fresh`."""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final
from uuid import UUID

from msgspec import Struct

from app.accounts.principal import Principal
from app.accounts.vault import open_vault, open_vaults
from app.gateway.catalogue import LINE_SCOPES
from app.gateway.relay import CANNOT_SEND
from app.instances.sealed import open_credentials
from app.kit import clock
from app.kit import ids as wire
from app.kit.crypto import Unreadable
from app.kit.db import SYSTEM, Database, UnitOfWork
from app.kit.errors import AppError
from app.kit.fresh import Fresh
from app.kit.hot import Statement
from app.plans.catalogue import PLANS
from app.plans.service import amount_of
from app.providers.port import Credentials, Provider
from app.providers.registry import Registry

MOST_KEPT: Final = 100_000
READ: Final = Statement(
    """
    select i.tenant_id, i.id, i.environment, i.provider, i.upstream_account, i.upstream_url, i.upstream_token_sealed,
        i.connection,
        l.number, l.token_hash, s.plan, s.paid_through_at, s.limits,
        (i.status = 'active' and i.wanted and i.suspended_by is null and i.away_since is null and t.status = 'active'
            and s.billing_mode = 'live' and s.closed_at is null) as is_live,
        exists (
            select from messages m where m.tenant_id = i.tenant_id and m.instance_id = i.id
                and m.status = 'unknown' and m.forwarded_at > clock_timestamp() - interval '1 day'
        ) as is_unsettled,
        clock_timestamp() as now
    from instances i
    join tenants t on t.id = i.tenant_id
    join subscriptions s on s.tenant_id = i.tenant_id and s.instance_id = i.id
    left join lines l on l.tenant_id = i.tenant_id and l.instance_id = i.id
    where i.id = any(
        cast(:ids as uuid[]) || array(select instance_id from lines where number = any(cast(:numbers as bigint[])))
    )
    """
)


class Snapshot(Struct, frozen=True):
    """An instance that may send without being asked after: paid for, linked, nothing of it in doubt.

    `paid_until` is when the paid time ends, in seconds of the database's clock; `limit` the messages of a day, if
    limited. What every send needs is spelled out, so that it need not be asked of the principal.
    """

    principal: Principal
    provider: Provider
    credentials: Credentials
    token_hash: bytes | None
    paid_until: float
    limit: int | None
    tenant_id: UUID
    instance_id: UUID
    wire_id: str
    clock: "DatabaseClock"


class DatabaseClock:
    """The database's time, carried on by this process's monotonic clock since it was last told."""

    def __init__(self) -> None:
        self._offset = 0.0
        self._day_begins = 0.0
        self._day_ends = 0.0
        self.day_on = date.min
        self.month_on = date.min

    def set(self, now: datetime, mark: float) -> None:
        """It was `now` when the monotonic clock stood at `mark`."""
        self._offset = now.timestamp() - mark

    def seconds(self, mark: float) -> float:
        """The database's time at a mark, in seconds since 1970."""
        return mark + self._offset

    def now(self, mark: float) -> datetime:
        """The instant at a mark; the billing day and month are set to be right for it."""
        instant = datetime.fromtimestamp(mark + self._offset, UTC)
        if not self._day_begins <= mark + self._offset < self._day_ends:
            self.day_on, self.month_on = clock.billing_day(instant), clock.month_start(instant)
            self._day_begins = clock.day_start(self.day_on).timestamp()
            self._day_ends = clock.next_day_start(instant).timestamp()
        return instant


class Snapshots:
    """Snapshots by instance and by the number of its line; lives as long as the process."""

    def __init__(self, database: Database, registry: Registry) -> None:
        self._database = database
        self._registry = registry
        self._made: dict[UUID, tuple[Any, Snapshot | None]] = {}
        self.clock = DatabaseClock()
        self._fresh: Fresh[UUID | int, Snapshot] = Fresh(self._read)

    def peek(self, key: UUID | int) -> Snapshot | None:
        """The snapshot of an instance or a number if it is fresh and may send; else None."""
        return self._fresh.peek(key)

    async def get(self, key: UUID | int, seconds: float) -> Snapshot | None:
        """The same, read now if need be, if that takes no more than so many seconds."""
        return await self._fresh.get(key, seconds)

    def forget(self) -> None:
        """Look at everything anew, as when something came to be in doubt."""
        self._fresh.forget()

    async def close(self) -> None:
        """Read nothing more."""
        await self._fresh.close()

    async def _read(self, keys: Sequence[UUID | int]) -> Mapping[UUID | int, Snapshot]:
        found: dict[UUID | int, Snapshot] = {}
        ids = [key for key in keys if isinstance(key, UUID)]
        numbers = [key for key in keys if not isinstance(key, UUID)]
        async with self._database.begin(SYSTEM) as uow:
            mark = time.monotonic()
            rows = []
            for row in await READ.all(uow, {"ids": ids, "numbers": numbers}):
                if _may_send(row):
                    rows.append(row)
                else:
                    self._made.pop(row["id"], None)  # its opened token is kept no longer than it sends
            if rows:
                self.clock.set(rows[0]["now"] + self._database.shift, mark)
            await self._make(uow, rows)
        for row in rows:
            snapshot = self._made[row["id"]][1]
            if snapshot is not None:
                found[row["id"]] = snapshot
                if row["number"] is not None:
                    found[row["number"]] = snapshot
        return found

    async def _make(self, uow: UnitOfWork, rows: Sequence[Any]) -> None:
        """A snapshot of each row that is new or not what it was; `now`, the last column, is always another."""
        if len(self._made) > MOST_KEPT:
            self._made = {}
        changed = [row for row in rows if self._made.get(row["id"], ((), None))[0] != row[:-1]]
        await open_vaults(uow, {row["tenant_id"] for row in changed})
        for row in changed:
            try:
                vault = await open_vault(uow, row["tenant_id"])
                sealed, place = row["upstream_token_sealed"], (row["upstream_account"], row["upstream_url"])
                credentials = open_credentials(vault, row["id"], place[0], sealed, place[1])
            except Unreadable:
                self._made[row["id"]] = (row[:-1], None)
            else:
                self._made[row["id"]] = (row[:-1], self._snapshot(row, credentials))

    def _snapshot(self, row: Mapping[str, Any], credentials: Credentials) -> Snapshot | None:
        plan, paid_through_at = PLANS.get(row["plan"]), row["paid_through_at"]
        limits = row["limits"]
        if plan is None or not isinstance(paid_through_at, datetime):
            return None
        chats, messages = amount_of(plan, limits, "chats"), amount_of(plan, limits, "messages")
        if chats is not None:
            return None  # which chats are counted already is known to the database alone
        try:
            provider = self._registry.get(row["provider"], row["environment"])
        except AppError:
            return None
        if provider.traits.words != "green_api":
            return None  # what is in a hurry is handed on in those words alone
        instance_id = row["id"]
        return Snapshot(
            principal=Principal(
                kind="line",
                id=instance_id,
                tenant_id=row["tenant_id"],
                environment=row["environment"],
                scopes=LINE_SCOPES,
                instance_ids=frozenset({instance_id}),
            ),
            provider=provider,
            credentials=credentials,
            token_hash=row["token_hash"],
            paid_until=paid_through_at.timestamp(),
            limit=messages,
            tenant_id=row["tenant_id"],
            instance_id=instance_id,
            wire_id=wire.to_wire(wire.INSTANCE, instance_id),
            clock=self.clock,
        )


def _may_send(row: Mapping[str, Any]) -> bool:
    is_good = row["is_live"] and not row["is_unsettled"] and row["connection"] not in CANNOT_SEND
    return is_good and row["upstream_token_sealed"] is not None
