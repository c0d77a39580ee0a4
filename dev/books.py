"""The ledger beside the upstreams' own books: what each gateway has billed, moved and kept, to the day."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import asyncpg  # type: ignore[import-untyped, unused-ignore]

from dev import database
from dev.outside import Outside, Unexpected

Connection: TypeAlias = Any  # asyncpg carries no types

CHARGED = """
    select i.upstream_account as account, t.day from ledger_transactions t
    join instances i on i.tenant_id = t.tenant_id and i.id = t.instance_id
    where t.kind = 'charge' and i.provider = 'green_api'
    union all
    select split_part(source, ':', 3), day from ledger_transactions
    where kind = 'surplus' and source like '%:green_api:%'
"""
BOOKED = """
    select substr(account, length($1) + 1) as name, sum(days)::int as days
    from ledger_entries where starts_with(account, $1) group by 1
"""
HURRY = "update work set run_at = now() where kind in ('days.charge', 'gateways.fund') and run_at > now()"
PATHS = ("bills", "whapi/books", "whapi/channels")


@dataclass(frozen=True)
class Told:
    """What the upstreams say: bills of GREEN-API, a partner account of Whapi and its channels."""

    bills: list[dict[str, Any]] = field(repr=False)
    balances: Mapping[str, float]
    """Empty where Whapi is not rented from."""
    channels: list[dict[str, Any]] = field(repr=False)

    @classmethod
    def of(cls, bills: Any, books: Any, channels: Any, partner_token: str) -> "Told":
        """From what the control face answers at `PATHS`."""
        own = [row for row in channels["channels"] if row["partner"] == partner_token]
        return cls(bills["bills"], books["balances"].get(partner_token, {}), own)


def agreed(outside: Outside, seconds: float = 40) -> Told:
    """Wait until the ledger of a stack is what its upstreams say; what they say.

    Raises:
        Unexpected: it is not in time; the message has the differences.
    """
    return asyncio.run(_agreed(outside, seconds))


async def _agreed(outside: Outside, seconds: float) -> Told:
    deadline = time.monotonic() + seconds
    connection: Connection = await asyncpg.connect(database.plain(outside.stack.servers.dsns.system))
    try:
        while True:
            await hurry(connection)
            token = outside.stack.partner_token if "whapi" in outside.stack.options.gateways else ""
            bills, books, channels = (outside.upstream("GET", path) for path in PATHS)
            told = Told.of(bills, books, channels, token)
            wrong = await differences(connection, told)
            if not wrong:
                return told
            if time.monotonic() > deadline:
                raise Unexpected("; ".join(wrong))
            await asyncio.sleep(0.5)
    finally:
        await connection.close()


async def hurry(connection: Connection) -> None:
    """Let the bookings that come round once a minute come round now."""
    await connection.execute(HURRY)


async def differences(connection: Connection, told: Told, prepaid: str = "whapi") -> list[str]:
    """Where the ledger is not what the upstreams say, in words; none when all is equal. `prepaid` is Whapi's wing.

    In whole days, as the ledger books them: a day that has begun is used. What Whapi forfeited of one that had begun is
    used by our count, so these two are compared together.
    """
    charged = Counter((row["account"], row["day"].isoformat()) for row in await connection.fetch(CHARGED))
    billed = Counter((str(bill["id_instance"]), bill["day"]) for bill in told.bills)
    wrong = [f"billed and not booked: {day}" for day in (billed - charged).elements()]
    wrong += [f"booked and not billed: {day}" for day in (charged - billed).elements()]
    booked = {row["name"]: row["days"] for row in await connection.fetch(BOOKED, f"upstream:{prepaid}:live:")}
    for name, days in _expected(told).items():
        mine = booked.get("used", 0) + booked.get("forfeited", 0) if name == "gone" else booked.get(name, 0)
        if mine != days:
            wrong.append(f"{name}: booked {mine} days, upstream says {days}")
    left = {f"prepaid:{row['id']}" for row in told.channels}
    strange = [name for name, days in booked.items() if name.startswith("prepaid:") and days and name not in left]
    wrong += [f"{name}: booked, and unknown upstream" for name in strange]
    total = await connection.fetchval("select coalesce(sum(days), 0) from ledger_entries")
    return wrong if total == 0 else [*wrong, f"the ledger's entries sum up to {total}"]


def _expected(told: Told) -> dict[str, int | float]:
    sums = told.balances
    if not sums:
        return {}
    left = {f"prepaid:{row['id']}": int(row["days_left"]) for row in told.channels}
    gone = round(sums["consumed"] + sums["forfeited"] + sums["channels"]) - sum(left.values())
    return {**left, **{name: sums[name] for name in ("pool", "outside", "granted")}, "gone": gone}
