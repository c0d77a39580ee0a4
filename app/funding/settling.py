"""What happens to prepaid days without a call of ours: they begin, they come back, somebody buys more."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog

from app.funding import extending, forecast, rules, store
from app.funding.extending import Gateway
from app.funding.models import Pool, PrepaidAccount
from app.funding.rules import DAY, Doubt, Left
from app.funding.store import Begun, Leaving
from app.instances import charging
from app.instances.charging import Used
from app.jobs import MailPoolAlert
from app.kit import work
from app.kit.clock import billing_day
from app.kit.db import SYSTEM, UnitOfWork
from app.kit.ids import new_id
from app.kit.work import Claim
from app.providers.errors import ProviderError

log = structlog.get_logger()

BATCH: Final = 500
MOST_DAYS: Final = 1_000_000_000
"""A balance beyond it is none: such a number is a fault, or in another unit."""
LONGEST_DOUBT: Final = timedelta(days=1)
"""An extension of which nobody has learnt more in that time holds up no other's days."""


async def meet(gateway: Gateway, claim: Claim) -> bool:
    """Open the books of accounts that were made since; True when there are more."""
    async with gateway.database.begin(SYSTEM) as uow:
        await work.hold(uow, claim)
        found = await store.new(uow, gateway.name, gateway.environment, BATCH)
        for account in found:
            until = rules.plausible(account.funded_until, uow.now)
            if until != account.funded_until:
                log.warning("end_not_believed", upstream_account=account.account)
                await store.forget_end(uow, account)
            days = rules.gift(account.created_at, until)
            uow.session.add(
                PrepaidAccount(
                    tenant_id=account.tenant_id,
                    instance_id=account.instance_id,
                    provider=gateway.name,
                    environment=gateway.environment,
                    account=account.account,
                    gift_days=days,
                    put_days=days,
                    created_at=uow.now,
                )
            )
            if days:
                await gateway.books(uow).gift(account.account, days)
        await uow.session.flush()
    return len(found) == BATCH


async def use(gateway: Gateway, claim: Claim) -> bool:
    """Book the days that have begun: upstream's, and the customer's or the house's; True when there are more."""
    async with gateway.database.begin(SYSTEM) as uow:
        await work.hold(uow, claim)
        begun = await store.begun(uow, gateway.name, gateway.environment, BATCH)
        fresh = {account: _begun(account) for account in begun}
        if begun:
            await store.add_used(uow, {account: len(days) for account, days in fresh.items()})
            await gateway.books(uow).use({account.account: len(days) for account, days in fresh.items()})
            await charging.book(uow, [day for days in fresh.values() for day in days])
    return len(begun) == BATCH


def _begun(account: Begun) -> list[Used]:
    """The days that have begun and are not booked, each with the billing day in which it began."""
    until = account.funded_until or account.at
    left = rules.whole_days(until - account.at)
    used = []
    account_of = f"{account.instance_id}.{account.moves}" if account.moves else str(account.instance_id)
    for ordinal in range(account.used_days, account.put_days - left):
        began = min(until - (account.put_days - ordinal) * DAY, account.at)
        source = f"{account_of}:prepaid:{ordinal}"
        used.append(Used(account.tenant_id, account.instance_id, billing_day(began), source))
    return used


async def look(gateway: Gateway, claim: Claim) -> None:
    """Compare what is known of every account's end with the listing; what differs is read once more by itself, as a
    listing may lag behind, and then believed and noted.
    """
    async with gateway.database.begin(SYSTEM) as uow:
        await work.hold(uow, claim)
        known = await store.ends(uow, gateway.name, gateway.environment)
        (await store.pool(uow, gateway.name, gateway.environment)).looked_at = uow.now
    try:
        for one in await gateway.provider.listing():
            row = known.get(one.account)
            if row is None or one.funded_until is None or rules.same(row.funded_until, one.funded_until):
                continue
            told = await gateway.provider.one(one.account)
            if told is not None and told.funded_until is not None:
                await extending.believe(gateway, row, told.funded_until)
    except ProviderError as error:
        log.warning("ends_not_compared", provider=gateway.name, detail=error.detail)


async def read_pool(gateway: Gateway, claim: Claim) -> bool:
    """Read the balance and keep it; settle what came back, if nothing was under way while it was read.

    True when all is settled. Beside extensions, deletions are all that moves the pool: what was read before the first
    and after the last of those that are not settled tells their sum. A balance that one answer does not tell may be
    told by the next, so only one that is never told leaves it to what is likely.
    """
    place = (gateway.name, gateway.environment)
    async with gateway.database.begin(SYSTEM) as uow:
        before = await store.leaving(uow, *place)
        booked = await gateway.books(uow).pool()
        was_told = (await store.pool(uow, *place)).days is not None
    try:
        told = await gateway.provider.balance()
    except ProviderError as error:
        log.warning("balance_not_read", provider=gateway.name, detail=error.detail)
        return not before
    days = told.days if told is not None and abs(told.days) <= MOST_DAYS else None
    async with gateway.database.begin(SYSTEM) as uow:
        await work.hold(uow, claim)
        after = await store.leaving(uow, *place)
        doubted = await store.open_extensions(uow, *place)
        is_quiet = _same(before, after) and all(one.started_at <= uow.now - LONGEST_DOUBT for one in doubted)
        is_quiet = is_quiet and booked == await gateway.books(uow).pool() and (days is not None or not was_told)
        if is_quiet:
            await _settle(uow, gateway, after, days, [one.days for one in doubted])
        pool = await store.pool(uow, *place)
        pool.days, pool.read_at = days, uow.now
        if days is None:
            log.warning("balance_not_told", provider=gateway.name)
        else:
            await store.note_reading(uow, *place, days)
            await _watch(uow, gateway, pool, days)
    return is_quiet or not after


def _same(before: Sequence[Leaving], after: Sequence[Leaving]) -> bool:
    """The same accounts were leaving all the while, and each of them is known to be gone."""
    gone = [row.instance_id for row in before if row.deleted_at is not None]
    return len(gone) == len(before) and gone == [row.instance_id for row in after]


async def _settle(
    uow: UnitOfWork, gateway: Gateway, rows: Sequence[Leaving], days: int | None, doubted: Sequence[int]
) -> None:
    """Bring the books to what was read: deletions first, what is left over came from, or went, outside.

    Where no balance is told the likeliest habit stands for what came back. What extensions that are still `doubted`
    may have taken is booked when they are known.
    """
    books = gateway.books(uow)
    lefts = [_left(row) for row in rows]
    likely = [rules.HABITS[0](left) for left in lefts]
    change = sum(likely) if days is None else days - await books.pool()
    change += rules.taken(lefts, doubted, change)
    back = rules.given_back(lefts, change) if rows else []
    if back is None and days is not None:
        back, put = await _find_unseen(uow, gateway, rows, lefts, change)
        change += put
    note = "bought" if change > 0 else "unexplained"
    if back is None and change > sum(rules.whole_days(left.total) + 1 for left in lefts):
        back, note = likely, "bought, beside deletions"
    if back is None:
        log.error("refund_unexplained", provider=gateway.name, change=change, accounts=[row.account for row in rows])
        await store.set_note(uow, rows, f"deleted; with {len(rows)} in all the pool changed by {change} days")
        back = [0 for _ in rows]
    if days is None:
        await store.set_note(uow, rows, "deleted; the gateway tells no balance, so what came back is presumed")
    for row, count in zip(rows, back, strict=True):
        account = await store.lock(uow, row.tenant_id, row.instance_id)
        rest = account.put_days - account.used_days - count
        if rest < 0:  # more came back than was left by our count: days that we hold for used were not
            account.used_days += rest
            await books.use({row.account: rest})
            rest = 0
        account.back_days, account.settled_at = count, uow.now
        await uow.session.flush()
        await books.end(row.account, count, rest)
    rest = change - sum(back)
    if rest:
        if rest == -await store.gifts(uow, gateway.name, gateway.environment):
            note = "first days of new accounts"  # not every partner is given them
        level = log.error if note == "unexplained" else log.info
        level("pool_moved", provider=gateway.name, environment=gateway.environment, days=rest, note=note)
        await books.reading(rest, new_id(), note)


async def _find_unseen(
    uow: UnitOfWork, gateway: Gateway, rows: Sequence[Leaving], lefts: Sequence[Left], change: int
) -> tuple[list[int] | None, int]:
    """Book extensions that were done although nobody saw it, if these explain the change; and how many days they were.

    The account went before it could be read: only what is left of the pool tells.
    """
    gone = await store.gone(uow, [row.instance_id for row in rows])
    at = {index: gone[row.instance_id] for index, row in enumerate(rows) if row.instance_id in gone}
    ends = {index: rules.extended(one.before_until, one.started_at, one.days) for index, one in at.items()}
    doubts = {index: Doubt(one.days, _left(rows[index], ends[index], one.days)) for index, one in at.items()}
    found = rules.unseen(lefts, doubts, change)
    if found is None:
        return None, 0
    back, done = found
    for index in done:
        one = at[index]
        account = await store.lock(uow, one.tenant_id, one.instance_id)
        one.state, one.after_until, one.detail = "done", ends[index], "seen in what came back"
        account.put_days += one.days
        await gateway.books(uow).extension(one.account, one.days, one.comment)
    return back, sum(at[index].days for index in done)


def _left(row: Leaving, funded_until: datetime | None = None, more_days: int = 0) -> Left:
    """What an account had at its end; or would have had, with days that it may have got."""
    assert row.deleted_at is not None
    total = max(timedelta(), (funded_until or row.funded_until or row.deleted_at) - row.deleted_at)
    paid = row.put_days + more_days - row.gift_days
    return Left(total, max(timedelta(), total - paid * DAY))  # gifts are used first


async def _watch(uow: UnitOfWork, gateway: Gateway, pool: Pool, days: int) -> None:
    """Say once that the pool is low, and once that it is no more; it is not empty any more when it holds a step."""
    left = (await forecast.of(uow, gateway.name, gateway.environment, days)).days_to_empty
    place = {"provider": gateway.name, "environment": gateway.environment, "days": days, "days_to_empty": left}
    if days < gateway.options.low_days and pool.low_since is None:
        pool.low_since = uow.now
        log.error("pool_low", **place)
        if gateway.options.alert_mail:
            uow.defer(MailPoolAlert(ref=extending.ref_of(gateway.name, gateway.environment)))
    elif days >= gateway.options.low_days and pool.low_since is not None:
        pool.low_since = None
        log.info("pool_filled", **place)
    if days >= gateway.options.step_days:
        pool.empty_since = None
