"""Pools as the operator sees them."""

from app.funding import forecast, store
from app.funding.models import Pool, PrepaidAccount
from app.funding.schemas import PoolFinding, PoolView
from app.kit.clock import to_wire as instant
from app.kit.db import UnitOfWork
from app.kit.ids import INSTANCE, to_wire


async def pools(uow: UnitOfWork) -> list[PoolView]:
    """Every pool, with how long it lasts at the pace of the last days. Needs the system's scope."""
    return [await _view(uow, pool) for pool in await store.pools(uow)]


async def _view(uow: UnitOfWork, pool: Pool) -> PoolView:
    place = (pool.provider, pool.environment)
    told = await forecast.of(uow, *place, pool.days)
    return PoolView(
        provider=pool.provider,
        environment=pool.environment,
        days=pool.days,
        read_at=instant(pool.read_at) if pool.read_at else None,
        prepaid_days=await store.prepaid(uow, *place),
        spent_per_day=round(told.spent_per_day, 2),
        days_to_empty=None if told.days_to_empty is None else round(told.days_to_empty, 1),
        low_since=instant(pool.low_since) if pool.low_since else None,
        empty_since=instant(pool.empty_since) if pool.empty_since else None,
        open_extensions=await store.count_open(uow, *place),
        findings=[_finding(row) for row in await store.notes(uow, *place)],
    )


def _finding(row: PrepaidAccount) -> PoolFinding:
    return PoolFinding(
        instance_id=to_wire(INSTANCE, row.instance_id),
        upstream_account=row.account,
        note=row.note or "",
        settled_at=instant(row.settled_at) if row.settled_at else None,
    )
