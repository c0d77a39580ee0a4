"""Every statement of the room; no rule."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import delete, func, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from app.funding.books import prefix
from app.funding.models import Extension, Pool, PoolReading, PrepaidAccount
from app.instances.models import Instance
from app.kit.db import UnitOfWork

KEEP_READINGS: Final = timedelta(days=400)
NEW: Final = text(
    """
    select i.tenant_id, i.id as instance_id, i.upstream_account as account, i.upstream_created_at as created_at,
        i.upstream_funded_until as funded_until
    from instances i
    where i.provider = :provider and i.environment = :environment and i.upstream_account is not null
        and i.upstream_created_at is not null
        and not exists (
            select from prepaid_accounts p where p.tenant_id = i.tenant_id and p.instance_id = i.id
        )
    limit :limit for no key update of i skip locked
    """
)
# The subscription's row is locked before its account is drawn on, as everywhere.
BEGUN: Final = text(
    """
    select p.tenant_id, p.instance_id, p.account, p.put_days, p.used_days, span.at, i.moves,
        i.upstream_funded_until as funded_until
    from prepaid_accounts p
    join instances i on i.tenant_id = p.tenant_id and i.id = p.instance_id
    join subscriptions s on s.tenant_id = p.tenant_id and s.instance_id = p.instance_id
    cross join lateral (
        select least(cast(:now as timestamptz), coalesce(i.upstream_deleted_at, cast(:now as timestamptz))) as at
    ) span
    where p.provider = :provider and p.environment = :environment and p.settled_at is null
        and p.put_days - p.used_days > floor(greatest(0,
            extract(epoch from coalesce(i.upstream_funded_until, span.at) - span.at) / 86400))
    order by p.tenant_id, p.instance_id limit :limit
    for update of p, s
    """
)
# What nobody may use, and what nobody pays for, is not funded: a trial counts as paid by the house until it ends. What
# was refused of late waits, ever longer, up to an hour.
_ENTITLED = """
    case when s.billing_mode = 'trial' then coalesce(s.trial_ends_at, cast(:now as timestamptz) + interval '1 day')
        else s.paid_through_at end
"""
DUE: Final = text(
    f"""
    select p.tenant_id, p.instance_id, p.account, i.upstream_funded_until as funded_until,
        {_ENTITLED} as entitled_until, s.billing_mode <> 'trial' and p.live_at is null as goes_live
    from prepaid_accounts p
    join instances i on i.tenant_id = p.tenant_id and i.id = p.instance_id
    join subscriptions s on s.tenant_id = p.tenant_id and s.instance_id = p.instance_id
    join tenants t on t.id = p.tenant_id
    left join lateral (
        select count(*) as times, max(e.finished_at) as last_at from extensions e
        where e.tenant_id = p.tenant_id and e.instance_id = p.instance_id and e.state = 'refused'
            and e.finished_at > cast(:now as timestamptz) - interval '1 day'
    ) refusal on true
    where p.provider = :provider and p.environment = :environment and p.settled_at is null
        and (cast(:instance_id as uuid) is null or p.instance_id = :instance_id)
        and i.wanted and i.status in ('active', 'provisioning') and i.suspended_by is null
        and i.upstream_deleted_at is null and t.status = 'active' and s.closed_at is null
        and coalesce(p.busy_until, cast(:now as timestamptz)) <= cast(:now as timestamptz)
        and {_ENTITLED} > cast(:now as timestamptz)
        and (refusal.times = 0 or cast(:now as timestamptz)
            >= refusal.last_at + least(interval '1 hour', refusal.times * refusal.times * interval '1 minute'))
        and not exists (
            select from extensions e
            where e.tenant_id = p.tenant_id and e.instance_id = p.instance_id and e.finished_at is null
        )
        and (
            (s.billing_mode <> 'trial' and p.live_at is null)
            or (coalesce(i.upstream_funded_until, cast(:now as timestamptz)) <= cast(:soon as timestamptz)
                and {_ENTITLED} > coalesce(i.upstream_funded_until, cast(:now as timestamptz)))
        )
    order by i.upstream_funded_until nulls first, p.instance_id
    limit :limit
    """  # noqa: S608
)
# One that is missing from the listing alone is no deletion: it may return.
LEAVING: Final = text(
    """
    select p.tenant_id, p.instance_id, p.account, p.gift_days, p.put_days,
        p.used_days, i.upstream_funded_until as funded_until,
        i.upstream_deleted_at as deleted_at
    from prepaid_accounts p
    join instances i on i.tenant_id = p.tenant_id and i.id = p.instance_id
    where p.provider = :provider and p.environment = :environment and p.settled_at is null
        and i.status in ('deleting', 'deleted')
        and (i.upstream_deleted_at is not null or i.delete_step in ('delete', 'confirm_delete'))
    order by p.tenant_id, p.instance_id
    """
)
ENDS: Final = text(
    """
    select p.tenant_id, p.instance_id, p.account, i.upstream_funded_until as funded_until
    from prepaid_accounts p
    join instances i on i.tenant_id = p.tenant_id and i.id = p.instance_id
    where p.provider = :provider and p.environment = :environment and p.settled_at is null
        and i.status <> 'deleting' and i.upstream_deleted_at is null
        and not exists (
            select from extensions e
            where e.tenant_id = p.tenant_id and e.instance_id = p.instance_id and e.finished_at is null
        )
    """
)
# By what was posted of late to no instance, for which there is an index: a pool's account grows for ever.
SPENT: Final = text(
    """
    select coalesce(-sum(e.days), 0) from ledger_transactions t
    join ledger_entries e on e.tenant_id = t.tenant_id and e.transaction_id = t.id and e.account = :account
    where t.instance_id is null and t.posted_at > cast(:since as timestamptz)
        and t.kind in ('upstream_extension', 'upstream_end')
    """
)
GIFTS: Final = text(
    """
    select coalesce(sum(p.gift_days), 0) from prepaid_accounts p
    join pools on pools.provider = p.provider and pools.environment = p.environment
    where p.provider = :provider and p.environment = :environment and p.created_at > pools.read_at
    """
)
PREPAID: Final = text(
    """
    select coalesce(sum(put_days - used_days), 0) from prepaid_accounts
    where provider = :provider and environment = :environment and settled_at is null
    """
)
ADD_USED: Final = text(
    """
    update prepaid_accounts p set used_days = p.used_days + u.days
    from unnest(cast(:tenants as uuid[]), cast(:instances as uuid[]), cast(:days as int[]))
        as u(tenant_id, instance_id, days)
    where p.tenant_id = u.tenant_id and p.instance_id = u.instance_id
    """
)


@dataclass(frozen=True)
class Due:
    """An account that needs days, or an end of its trial mode."""

    tenant_id: UUID
    instance_id: UUID
    account: str
    funded_until: datetime | None
    entitled_until: datetime
    goes_live: bool


@dataclass(frozen=True)
class Begun:
    """An account of which days have begun that are not booked."""

    tenant_id: UUID
    instance_id: UUID
    account: str
    put_days: int
    used_days: int
    at: datetime
    moves: int
    funded_until: datetime | None


@dataclass(frozen=True)
class Leaving:
    """An account whose end is not settled; without an instant it is being deleted right now."""

    tenant_id: UUID
    instance_id: UUID
    account: str
    gift_days: int
    put_days: int
    used_days: int
    funded_until: datetime | None
    deleted_at: datetime | None


@dataclass(frozen=True)
class End:
    """When an account ends, as far as we know."""

    tenant_id: UUID
    instance_id: UUID
    account: str
    funded_until: datetime | None


@dataclass(frozen=True)
class New:
    """An instance's account that has no row yet."""

    tenant_id: UUID
    instance_id: UUID
    account: str
    created_at: datetime
    funded_until: datetime | None


async def new(uow: UnitOfWork, provider: str, environment: str, limit: int) -> list[New]:
    """Accounts that are not known here yet."""
    rows = await uow.session.execute(NEW, {"provider": provider, "environment": environment, "limit": limit})
    return [New(**row) for row in rows.mappings()]


async def forget_end(uow: UnitOfWork, account: New) -> None:
    """Let the end of an account be unknown; its instance is held."""
    here = (Instance.tenant_id == account.tenant_id, Instance.id == account.instance_id)
    await uow.session.execute(update(Instance).where(*here).values(upstream_funded_until=None))


async def begun(uow: UnitOfWork, provider: str, environment: str, limit: int) -> list[Begun]:
    """Accounts with days to be booked as used, held with their subscriptions."""
    place = {"provider": provider, "environment": environment, "limit": limit, "now": uow.now}
    return [Begun(**row) for row in (await uow.session.execute(BEGUN, place)).mappings()]


async def add_used(uow: UnitOfWork, days: Mapping[Begun, int]) -> None:
    """Count days of accounts that have begun; the caller holds their rows."""
    place = {"tenants": [one.tenant_id for one in days], "instances": [one.instance_id for one in days]}
    await uow.session.execute(ADD_USED, place | {"days": list(days.values())})


async def due(
    uow: UnitOfWork,
    provider: str,
    environment: str,
    margin: timedelta,
    limit: int = 1,
    *,
    instance_id: UUID | None = None,
) -> list[Due]:
    """Accounts to be funded or to go live, those first that end first; or the one of an instance, if it is."""
    place = {"provider": provider, "environment": environment, "limit": limit, "instance_id": instance_id}
    rows = await uow.session.execute(DUE, place | {"now": uow.now, "soon": uow.now + margin})
    return [Due(**row) for row in rows.mappings()]


async def ends(uow: UnitOfWork, provider: str, environment: str) -> dict[str, End]:
    """The ends of accounts about which nothing is in doubt, by account."""
    rows = await uow.session.execute(ENDS, {"provider": provider, "environment": environment})
    return {row["account"]: End(**row) for row in rows.mappings()}


async def leaving(uow: UnitOfWork, provider: str, environment: str) -> list[Leaving]:
    """Accounts that are gone or going, whose days are not settled."""
    rows = await uow.session.execute(LEAVING, {"provider": provider, "environment": environment})
    return [Leaving(**row) for row in rows.mappings()]


async def lock(uow: UnitOfWork, tenant_id: UUID, instance_id: UUID) -> PrepaidAccount:
    """An account's row, held; the instance's is held before it."""
    query = select(PrepaidAccount).where(
        PrepaidAccount.tenant_id == tenant_id, PrepaidAccount.instance_id == instance_id
    )
    query = query.with_for_update().execution_options(populate_existing=True)
    return (await uow.session.scalars(query)).one()


async def lock_extension(uow: UnitOfWork, tenant_id: UUID, extension_id: UUID) -> Extension:
    """An extension as it is now, held."""
    query = select(Extension).where(Extension.tenant_id == tenant_id, Extension.id == extension_id)
    query = query.with_for_update().execution_options(populate_existing=True)
    return (await uow.session.scalars(query)).one()


async def is_in_doubt(uow: UnitOfWork, tenant_id: UUID, instance_id: UUID) -> bool:
    """Whether an extension of the account is open; who asks holds the instance's row."""
    query = select(Extension.id).where(
        Extension.tenant_id == tenant_id, Extension.instance_id == instance_id, Extension.finished_at.is_(None)
    )
    return bool(await uow.session.scalar(select(query.exists())))


async def was_extended(uow: UnitOfWork, tenant_id: UUID, instance_id: UUID, over: timedelta) -> bool:
    """Whether an extension of the account was seen done in the last time."""
    query = select(Extension.id).where(
        Extension.tenant_id == tenant_id,
        Extension.instance_id == instance_id,
        Extension.state == "done",
        Extension.finished_at > uow.now - over,
    )
    return bool(await uow.session.scalar(select(query.exists())))


async def open_extensions(uow: UnitOfWork, provider: str, environment: str) -> Sequence[Extension]:
    """Extensions whose end is not known, oldest first."""
    query = select(Extension).where(
        Extension.provider == provider, Extension.environment == environment, Extension.finished_at.is_(None)
    )
    return (await uow.session.scalars(query.order_by(Extension.started_at))).all()


async def gone(uow: UnitOfWork, instances: Collection[UUID]) -> dict[UUID, Extension]:
    """The extension of each of these instances that was still in doubt when its account went, held; at most one."""
    query = select(Extension).where(Extension.instance_id.in_(list(instances)), Extension.state == "gone")
    rows = await uow.session.scalars(query.order_by(Extension.started_at).with_for_update())
    return {row.instance_id: row for row in rows}


async def pool(uow: UnitOfWork, provider: str, environment: str) -> Pool:
    """The row of a partner account, held; made when there is none."""
    await uow.session.execute(insert(Pool).values(provider=provider, environment=environment).on_conflict_do_nothing())
    query = select(Pool).where(Pool.provider == provider, Pool.environment == environment).with_for_update()
    return (await uow.session.scalars(query.execution_options(populate_existing=True))).one()


async def pools(uow: UnitOfWork) -> Sequence[Pool]:
    """Every partner account that is paid beforehand."""
    return (await uow.session.scalars(select(Pool).order_by(Pool.provider, Pool.environment))).all()


async def note_reading(uow: UnitOfWork, provider: str, environment: str, days: int) -> None:
    """Keep a balance, and forget the oldest."""
    old = PoolReading.read_at < uow.now - KEEP_READINGS
    here = (PoolReading.provider == provider, PoolReading.environment == environment)
    await uow.session.execute(delete(PoolReading).where(*here, old))
    await uow.session.execute(
        insert(PoolReading)
        .values(provider=provider, environment=environment, read_at=uow.now, days=days)
        .on_conflict_do_nothing()
    )


async def away_seconds(uow: UnitOfWork, tenant_id: UUID, instance_id: UUID) -> float:
    """How long an account's restart, after its mode was changed, still lasts; 0 or less when it is back."""
    query = select(PrepaidAccount.busy_until).where(
        PrepaidAccount.tenant_id == tenant_id, PrepaidAccount.instance_id == instance_id
    )
    busy_until = await uow.session.scalar(query)
    return 0.0 if busy_until is None else float((busy_until - uow.now).total_seconds())


async def forget(uow: UnitOfWork, before: datetime, limit: int) -> int:
    """Delete a batch of extensions that ended before an instant; how many. The ledger keeps what they moved."""
    old = select(Extension.tenant_id, Extension.id).where(Extension.finished_at < before).limit(limit)
    statement = delete(Extension).where(tuple_(Extension.tenant_id, Extension.id).in_(old)).returning(Extension.id)
    return len((await uow.session.execute(statement)).all())


async def spent(uow: UnitOfWork, provider: str, environment: str, over: timedelta) -> int:
    """How many days left the pool for good in the last time: those put on accounts, less those that came back."""
    account = prefix(provider, environment) + "pool"
    return int(await uow.session.scalar(SPENT, {"account": account, "since": uow.now - over}) or 0)


async def gifts(uow: UnitOfWork, provider: str, environment: str) -> int:
    """The days that came with accounts since the balance was last read."""
    return int(await uow.session.scalar(GIFTS, {"provider": provider, "environment": environment}) or 0)


async def prepaid(uow: UnitOfWork, provider: str, environment: str) -> int:
    """Days on all accounts that have not begun."""
    return int(await uow.session.scalar(PREPAID, {"provider": provider, "environment": environment}) or 0)


async def count_open(uow: UnitOfWork, provider: str, environment: str) -> int:
    """How many extensions are open."""
    query = select(func.count()).where(
        Extension.provider == provider, Extension.environment == environment, Extension.finished_at.is_(None)
    )
    return int(await uow.session.scalar(query) or 0)


async def notes(uow: UnitOfWork, provider: str, environment: str, limit: int = 100) -> Sequence[PrepaidAccount]:
    """Accounts about which something could not be explained."""
    query = select(PrepaidAccount).where(
        PrepaidAccount.provider == provider, PrepaidAccount.environment == environment, PrepaidAccount.note.is_not(None)
    )
    return (await uow.session.scalars(query.order_by(PrepaidAccount.created_at.desc()).limit(limit))).all()


async def set_note(uow: UnitOfWork, rows: Sequence[Leaving], note: str) -> None:
    """Write a finding down on accounts."""
    await uow.session.execute(
        update(PrepaidAccount)
        .where(PrepaidAccount.instance_id.in_([row.instance_id for row in rows]), PrepaidAccount.settled_at.is_(None))
        .values(note=note)
    )
