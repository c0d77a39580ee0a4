"""Every statement of the plans."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import bindparam, case, func, or_, select, text, update

from app.accounts.models import Tenant
from app.kit.clock import billing_day, month_start
from app.kit.db import UnitOfWork
from app.kit.hot import Statement
from app.plans.catalogue import ENDING_DAYS
from app.plans.models import Subscription, UsageCounter

# One statement takes a message and its chat. Rows of one instance are locked in one order (counter of the day, chat,
# counter of the month), so senders queue up behind each other and cannot block one another for good.
TAKE: Final = Statement(
    """
    with taken as (
        insert into usage_counters as c (tenant_id, instance_id, metric, period_on, used)
        select cast(:tenant_id as uuid), cast(:instance_id as uuid), 'messages', cast(:day_on as date),
            cast(:units as int)
        where cast(:most_messages as int) is null or cast(:most_messages as int) >= cast(:units as int)
        on conflict (tenant_id, instance_id, metric, period_on) do update set used = c.used + excluded.used
        where cast(:most_messages as int) is null or c.used + excluded.used <= cast(:most_messages as int)
        returning c.used
    ), chat as (
        insert into usage_chats as u (tenant_id, instance_id, month_on, chat_id, uses)
        select cast(:tenant_id as uuid), cast(:instance_id as uuid), cast(:month_on as date),
            cast(:chat_id as varchar), 1 from taken
        on conflict (tenant_id, instance_id, month_on, chat_id) do update set uses = u.uses + 1
        returning u.uses
    ), chats as (
        insert into usage_counters as c (tenant_id, instance_id, metric, period_on, used)
        select cast(:tenant_id as uuid), cast(:instance_id as uuid), 'chats', cast(:month_on as date), 1
        from chat where chat.uses = 1 and (cast(:most_chats as int) is null or cast(:most_chats as int) > 0)
        on conflict (tenant_id, instance_id, metric, period_on) do update set used = c.used + 1
        where cast(:most_chats as int) is null or c.used < cast(:most_chats as int)
        returning c.used
    )
    select (select used from taken) as messages, (select uses from chat) as uses, (select used from chats) as chats,
        clock_timestamp() - transaction_timestamp() as elapsed
    """
)
# In the same order: that `chat` asks for `given` is what makes PostgreSQL lock the counter first.
GIVE_BACK: Final = text(
    """
    with given as (
        update usage_counters set used = greatest(0, used - :units)
        where tenant_id = :tenant_id and instance_id = :instance_id and metric = 'messages' and period_on = :day_on
            and used > 0
        returning used
    ), chat as (
        update usage_chats set uses = uses - 1
        where tenant_id = :tenant_id and instance_id = :instance_id and month_on = :month_on and chat_id = :chat_id
            and uses > 0 and exists (select from given)
        returning uses
    )
    select (select uses from chat) as uses
    """
)
FORGET_CHAT: Final = text(
    """
    with gone as (
        delete from usage_chats
        where tenant_id = :tenant_id and instance_id = :instance_id and month_on = :month_on and chat_id = :chat_id
            and uses = 0
        returning 1
    )
    update usage_counters set used = used - 1
    where tenant_id = :tenant_id and instance_id = :instance_id and metric = 'chats' and period_on = :month_on
        and used > 0 and exists (select from gone)
    """
)
TAKE_CALL: Final = text(
    """
    insert into usage_counters as c (tenant_id, instance_id, metric, period_on, used)
    select cast(:tenant_id as uuid), cast(:instance_id as uuid), 'calls', cast(:month_on as date), 1
    where cast(:most as int) is null or cast(:most as int) > 0
    on conflict (tenant_id, instance_id, metric, period_on) do update set used = c.used + 1
    where cast(:most as int) is null or c.used < cast(:most as int)
    returning c.used
    """
)
# Every row is locked in the order in which `TAKE` does: counters of the day, chats, counters of the month.
# What was sent with a lease is in the counter already; what was sent with one that has ended meanwhile was given back
# with it, and is counted anew.
COUNT: Final = Statement(
    """
    with r as (
        select tenant_id, instance_id, day_on, month_on, chat_id, holder
        from jsonb_to_recordset(cast(cast(:rows as text) as jsonb)) as r (tenant_id uuid, instance_id uuid,
            day_on date, month_on date, chat_id varchar, holder uuid)
    ), spent as (
        select tenant_id, instance_id, day_on, holder, count(*) as spent from r where holder is not null
        group by 1, 2, 3, 4
    ), noted as (
        update quota_leases q set used = q.used + s.spent from spent s
        where q.tenant_id = s.tenant_id and q.instance_id = s.instance_id and q.metric = 'messages'
            and q.period_on = s.day_on and q.holder = s.holder
        returning q.tenant_id, q.instance_id, q.period_on, q.holder
    ), days as (
        insert into usage_counters as c (tenant_id, instance_id, metric, period_on, used)
        select tenant_id, instance_id, 'messages', day_on, count(*) from r
        where holder is null or (tenant_id, instance_id, day_on, holder) not in (select * from noted)
        group by 1, 2, 4 order by 1, 2, 4
        on conflict (tenant_id, instance_id, metric, period_on) do update set used = c.used + excluded.used
        returning 1
    ), chats as (
        insert into usage_chats as u (tenant_id, instance_id, month_on, chat_id, uses)
        select tenant_id, instance_id, month_on, chat_id, count(*) from r where (select count(*) from days) >= 0
        group by 1, 2, 3, 4 order by 1, 2, 3, 4
        on conflict (tenant_id, instance_id, month_on, chat_id) do update set uses = u.uses + excluded.uses
        returning u.tenant_id, u.instance_id, u.month_on, u.xmax = 0 as is_new
    )
    insert into usage_counters as c (tenant_id, instance_id, metric, period_on, used)
    select tenant_id, instance_id, 'chats', month_on, count(*) from chats where is_new group by 1, 2, 4 order by 1, 2, 4
    on conflict (tenant_id, instance_id, metric, period_on) do update set used = c.used + excluded.used
    """
)
# A block is only taken where much more is left, so that the last units of a limit are given out one by one, exactly.
LEASE: Final = Statement(
    """
    with counter as (
        insert into usage_counters as c (tenant_id, instance_id, metric, period_on, used)
        select cast(:tenant_id as uuid), cast(:instance_id as uuid), 'messages', cast(:day_on as date),
            cast(:block as int)
        where cast(:least_left as int) <= cast(:most as int)
        on conflict (tenant_id, instance_id, metric, period_on) do update set used = c.used + cast(:block as int)
        where c.used + cast(:least_left as int) <= cast(:most as int)
        returning 1
    )
    insert into quota_leases as q (tenant_id, instance_id, metric, period_on, holder, granted, used, expires_at)
    select cast(:tenant_id as uuid), cast(:instance_id as uuid), 'messages', cast(:day_on as date),
        cast(:holder as uuid), cast(:block as int), 0, cast(:expires_at as timestamptz)
    from counter
    returning 1
    """
)
# A lease that is being spent is left for the next time, and counters are locked in the order in which `COUNT` does.
END_LEASES: Final = Statement(
    """
    with ended as (
        delete from quota_leases where (tenant_id, instance_id, metric, period_on, holder) in (
            select tenant_id, instance_id, metric, period_on, holder from quota_leases
            where expires_at <= cast(:at as timestamptz) or holder = any(cast(:holders as uuid[]))
            for update skip locked
        )
        returning tenant_id, instance_id, metric, period_on, granted - used as unused
    ), sums as (
        select tenant_id, instance_id, metric, period_on, sum(unused) as unused from ended group by 1, 2, 3, 4
    ), locked as (
        select c.tenant_id, c.instance_id, c.metric, c.period_on, s.unused
        from usage_counters c join sums s using (tenant_id, instance_id, metric, period_on)
        order by 1, 2, 4, 3 for update of c
    )
    update usage_counters c set used = greatest(0, c.used - e.unused) from locked e
    where c.tenant_id = e.tenant_id and c.instance_id = e.instance_id and c.metric = e.metric
        and c.period_on = e.period_on
    """
)


ONE: Final = select(Subscription).where(
    Subscription.tenant_id == bindparam("tenant"), Subscription.instance_id == bindparam("instance")
)
ONE_LOCKED: Final = ONE.with_for_update().execution_options(populate_existing=True)


@dataclass(frozen=True)
class Taken:
    """What one send took; None where the limit refused. `elapsed` is how long the transaction has lasted by then."""

    messages: int | None
    uses: int | None
    chats: int | None
    elapsed: timedelta


async def lock_tenant(uow: UnitOfWork, tenant_id: UUID) -> None:
    """One wish of a tenant at a time; other rows may still be written that point to the tenant."""
    await uow.session.execute(select(Tenant.id).where(Tenant.id == tenant_id).with_for_update(key_share=True))


async def open_trials(uow: UnitOfWork, tenant_id: UUID, environment: str) -> int:
    """How many instances the tenant has or had that were never paid for; not those closed before they were of use."""
    found = await uow.session.scalar(
        select(func.count())
        .select_from(Subscription)
        .where(
            Subscription.tenant_id == tenant_id,
            Subscription.environment == environment,
            Subscription.billing_mode == "trial",
            or_(Subscription.closed_at.is_(None), Subscription.trial_ends_at.is_not(None)),
        )
    )
    return int(found or 0)


async def get(uow: UnitOfWork, tenant_id: UUID, instance_id: UUID, *, lock: bool = False) -> Subscription | None:
    """An instance's subscription, locked for a change if asked."""
    query = ONE_LOCKED if lock else ONE
    row: Subscription | None = await uow.session.scalar(query, {"tenant": tenant_id, "instance": instance_id})
    return row


async def of_instances(uow: UnitOfWork, tenant_id: UUID, instance_ids: Sequence[UUID]) -> list[Subscription]:
    """The subscriptions of some instances."""
    query = select(Subscription).where(
        Subscription.tenant_id == tenant_id, Subscription.instance_id.in_(list(instance_ids))
    )
    return list((await uow.session.scalars(query)).all())


async def used(
    uow: UnitOfWork, tenant_id: UUID, instance_ids: Sequence[UUID], at: datetime
) -> dict[tuple[UUID, str], int]:
    """What instances have used in the present day (messages) and month (chats, calls)."""
    day_on, month_on = billing_day(at), month_start(at)
    rows = await uow.session.execute(
        select(UsageCounter.instance_id, UsageCounter.metric, UsageCounter.used).where(
            UsageCounter.tenant_id == tenant_id,
            UsageCounter.instance_id.in_(list(instance_ids)),
            or_(
                (UsageCounter.metric == "messages") & (UsageCounter.period_on == day_on),
                (UsageCounter.metric != "messages") & (UsageCounter.period_on == month_on),
            ),
        )
    )
    return {(row.instance_id, row.metric): row.used for row in rows}


async def take(uow: UnitOfWork, params: dict[str, Any]) -> Taken:
    """Count one message and its chat, unless a limit is used up; a refusal is undone by the caller's roll-back."""
    row = await TAKE.first(uow, params)
    return Taken(row["messages"], row["uses"], row["chats"], row["elapsed"])


async def count(uow: UnitOfWork, rows: str) -> None:
    """Count messages and their chats, given as JSON, without a limit; those of a lease are counted already."""
    await COUNT.all(uow, {"rows": rows})


async def lease(uow: UnitOfWork, params: dict[str, Any]) -> bool:
    """Take a block of messages beforehand; False where the limit is near."""
    return await LEASE.first(uow, params) is not None


async def end_leases(uow: UnitOfWork, holders: Sequence[UUID]) -> None:
    """Give back what was not used of leases that are over by now, and of those of some holders."""
    await END_LEASES.all(uow, {"at": uow.now, "holders": list(holders)})


async def give_back(uow: UnitOfWork, params: dict[str, Any]) -> None:
    """Undo `take`: the chat is forgotten with the last of its messages."""
    row = (await uow.session.execute(GIVE_BACK, params)).one()
    if row.uses == 0:
        await uow.session.execute(FORGET_CHAT, params)


async def take_call(
    uow: UnitOfWork, tenant_id: UUID, instance_id: UUID, month_on: date, most: int | None
) -> int | None:
    """Count one call; None when the limit is used up."""
    params = {"tenant_id": tenant_id, "instance_id": instance_id, "month_on": month_on, "most": most}
    used: int | None = await uow.session.scalar(TAKE_CALL, params)
    return used


async def set_trial_end(uow: UnitOfWork, tenant_id: UUID, instance_id: UUID, ends_at: datetime) -> str | None:
    """Start the trial's clock once; the environment when it was this call that did."""
    environment: str | None = await uow.session.scalar(
        update(Subscription)
        .where(
            Subscription.tenant_id == tenant_id,
            Subscription.instance_id == instance_id,
            Subscription.billing_mode == "trial",
            Subscription.trial_ends_at.is_(None),
            Subscription.closed_at.is_(None),
        )
        .values(trial_ends_at=ends_at)
        .returning(Subscription.environment)
    )
    return environment


async def to_announce(uow: UnitOfWork, now: datetime, limit: int) -> list[Subscription]:
    """Subscriptions about whose end there is something new to say, locked; rivals skip them."""
    end = case((Subscription.billing_mode == "trial", Subscription.trial_ends_at), else_=Subscription.paid_through_at)
    soonest = now + timedelta(days=max(ENDING_DAYS))
    said = Subscription.announced
    news = [(end <= now) & said.is_distinct_from("ended")]
    for days in ENDING_DAYS:
        earlier = [f"ending_{more}" for more in ENDING_DAYS if more > days]
        news.append((end <= now + timedelta(days=days)) & or_(said.is_(None), said.in_(earlier)))
    query = (
        select(Subscription)
        .where(
            or_(Subscription.trial_ends_at <= soonest, Subscription.paid_through_at <= soonest),
            Subscription.closed_at.is_(None),
            or_(*news),
        )
        .order_by(end)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list((await uow.session.scalars(query)).all())
