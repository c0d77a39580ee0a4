"""What upstream accounts cost that are charged by existence: one day each on the day of creation and at every 00:00
UTC+3 at which they exist. Those that are paid beforehand are the room `funding`'s.

An account that is an instance's is charged to the instance, for it draws on the days that are owned; one that nobody
counts on is borne by the house. No account's day is booked both ways.

Source: GREEN-API partner notes, charge at creation and daily at 00:00 UTC+3 (read 2026-11-21).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import text

from app.kit.db import UnitOfWork
from app.kit.ids import new_id
from app.ledger import service as ledger

LOCK = 7_303_021
MOST = 500
ZONE = "interval '3 hours'"

# Days are booked in their order, so an instance whose last day is there costs a look into an index, and one for its
# first: upstream may tell later that the account was made on an earlier day than we thought. Only after downtime are
# its booked days read.
# The subscription's row is locked before its account is drawn on, as everywhere.
CHARGE = text(
    f"""
    with due as (
        select i.tenant_id, i.id as instance_id, d.day::date as day, span.source || ':' || d.day::date as source
        from instances i
        cross join lateral (
            select i.id || case when i.moves > 0 then '.' || i.moves else '' end as source,
                greatest(cast((i.upstream_created_at at time zone 'UTC') + {ZONE} as date), i.charged_through + 1)
                    as first_day,
                cast((least(:until, coalesce(i.upstream_deleted_at - interval '1 microsecond', :until))
                    at time zone 'UTC') + {ZONE} as date) as last_day
        ) span
        cross join lateral generate_series(
            case
                when not exists (
                    select from ledger_transactions t
                    where t.kind = 'charge' and t.source = span.source || ':' || span.first_day
                ) then span.first_day
                when exists (
                    select from ledger_transactions t
                    where t.kind = 'charge' and t.source = span.source || ':' || (span.last_day - 1)
                ) then span.last_day
                else (
                    select max(t.day) + 1 from ledger_transactions t
                    where t.instance_id = i.id and t.kind = 'charge' and starts_with(t.source, span.source || ':')
                )
            end, span.last_day, interval '1 day'
        ) as d(day)
        where i.upstream_created_at is not null and i.upstream_created_at <= :until
            and span.first_day <= span.last_day and (cast(:only as uuid) is null or i.id = :only)
            and i.upstream_funded_until is null and i.provider <> all(cast(:prepaid as varchar[])) and (
            not exists (
                select from ledger_transactions t
                where t.kind = 'charge' and t.source = span.source || ':' || span.last_day
            ) or not exists (
                select from ledger_transactions t
                where t.kind = 'charge' and t.source = span.source || ':' || span.first_day
            )
        ) and not exists (
            select from ledger_transactions t where t.kind = 'charge' and t.source = span.source || ':' || d.day::date
        ) and not exists (
            select from ledger_transactions t where t.kind = 'surplus'
            and t.source = i.environment || ':' || i.provider || ':' || i.upstream_account || ':' || d.day::date
        )
        order by d.day, i.id
        limit :limit
    ), held as materialized (
        select s.tenant_id, s.instance_id from subscriptions s
        where (s.tenant_id, s.instance_id) in (select tenant_id, instance_id from due)
        order by s.tenant_id, s.instance_id
        for update
    )
    select due.tenant_id, due.instance_id, due.day, due.source from due
    left join held on held.tenant_id = due.tenant_id and held.instance_id = due.instance_id
    order by due.day, due.instance_id
    """  # noqa: S608
)
BOOK = text(
    """
    with due as (
        select * from unnest(cast(:tenants as uuid[]), cast(:instances as uuid[]), cast(:days as date[]),
            cast(:ids as uuid[]), cast(:sources as varchar[])) as u(tenant_id, instance_id, day, id, source)
    ), made as (
        insert into ledger_transactions (tenant_id, id, kind, source, instance_id, day, note, posted_at)
        select tenant_id, id, 'charge', source, instance_id, day, null, :at from due
        on conflict (kind, source) do nothing
        returning tenant_id, id, instance_id, day
    ), owned as (
        select account, sum(days) as days from ledger_entries
        where account in (select distinct 'instance:' || instance_id from due) group by account
    ), granted as (
        select instance_id, min(day) as first_day from ledger_transactions
        where kind = 'grant' and instance_id in (select instance_id from due) group by instance_id
    ), ranked as (
        select made.*, coalesce(owned.days, 0) as days, made.day >= granted.first_day as is_paid,
            row_number() over (partition by made.instance_id, made.day >= granted.first_day order by made.day) as place
        from made left join owned on owned.account = 'instance:' || made.instance_id
        left join granted on granted.instance_id = made.instance_id
    ), booked as (
        insert into ledger_entries (tenant_id, transaction_id, account, days)
        select tenant_id, id, case when is_paid and place <= days then 'instance:' || instance_id else 'house' end, -1
        from ranked
        union all
        select tenant_id, id, 'consumed', 1 from ranked
        returning 1
    )
    select count(*) from made
    """
)
OWNED = text(
    "select exists (select from instances where environment = :environment and provider = :provider"
    " and upstream_account = :upstream_account)"
)


@dataclass(frozen=True)
class Used:
    """A day that an instance has used; `source` names it among the charges of all time."""

    tenant_id: UUID
    instance_id: UUID
    day: date
    source: str


async def charge(uow: UnitOfWork, until: datetime, limit: int, *, prepaid: Collection[str] = ()) -> int:
    """Book every instance-day that began up to an instant and is not booked; returns how many. System's scope.

    Of gateways that are paid beforehand (`prepaid`, by name) nothing is charged here: existing costs nothing there.

    A day is paid from the days owned for the instance, else by the house; those of its trial, booked late, by the house
    too. Who comes second, or again after a crash,
    books nothing twice: a day's entry is unique by instance and day. Call it again while it returns `limit`.
    """
    if not await uow.session.scalar(text("select pg_try_advisory_xact_lock(:lock)"), {"lock": LOCK}):
        return 0
    return await _charge(uow, until, limit, prepaid)


async def charge_one(uow: UnitOfWork, instance_id: UUID, *, prepaid: Collection[str]) -> None:
    """Book every day up to now of one instance's account; as `charge`, but it waits for its turn."""
    await uow.session.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    while await _charge(uow, uow.now, MOST, prepaid, instance_id) == MOST:
        pass


async def _charge(
    uow: UnitOfWork, until: datetime, limit: int, prepaid: Collection[str], only: UUID | None = None
) -> int:
    place = {"until": until, "limit": limit, "prepaid": list(prepaid), "only": only}
    rows = await uow.session.execute(CHARGE, place)
    return await book(uow, [Used(row.tenant_id, row.instance_id, row.day, row.source) for row in rows])


async def book(uow: UnitOfWork, used: Sequence[Used]) -> int:
    """Book used days once each, from what is owned for the instance or from the house; returns how many were new.

    The caller holds the subscriptions' row locks. Needs the system's scope.
    """
    if not used:
        return 0
    booked = await uow.session.scalar(
        BOOK,
        {
            "tenants": [one.tenant_id for one in used],
            "instances": [one.instance_id for one in used],
            "days": [one.day for one in used],
            "sources": [one.source for one in used],
            "ids": [new_id() for _ in used],
            "at": uow.now,
        },
    )
    return int(booked or 0)


@dataclass(frozen=True)
class Stray:
    """An upstream account that is no instance's; `tenant_id` is its tag's tenant, if that is known."""

    environment: str
    provider: str
    upstream_account: str
    tenant_id: UUID | None


async def bear(uow: UnitOfWork, stray: Stray, first: date, last: date) -> None:
    """Book an account's days to the house, each once; none of one that is, or was, an instance's. System's scope."""
    place = {"environment": stray.environment, "provider": stray.provider, "upstream_account": stray.upstream_account}
    if await uow.session.scalar(OWNED, place):
        return
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        await ledger.post(
            uow,
            kind="surplus",
            source=f"{stray.environment}:{stray.provider}:{stray.upstream_account}:{day}",
            movements={ledger.HOUSE: -1, ledger.CONSUMED: 1},
            tenant_id=stray.tenant_id,
            instance_id=None,
            day=day,
            note=f"upstream account {stray.upstream_account}",
        )
