"""A round over one partner account that is paid beforehand: what began, what is in doubt, who needs days, the pool."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Final, TypeVar
from uuid import UUID

import structlog

from app.funding import extending, settling, store
from app.funding.extending import Gateway, Intent, ref_of
from app.funding.options import Options
from app.funding.store import Due
from app.jobs import FundGateway
from app.kit import work
from app.kit.db import SYSTEM, Database
from app.kit.work import Claim
from app.providers.registry import Registry

log = structlog.get_logger()

One = TypeVar("One", Intent, Due)
AT_ONCE: Final = 8
MOST: Final = 400
SOON_SECONDS: Final = 15.0
"""While something is in doubt or leaving: a round reads every account's row."""


async def ring(database: Database, registry: Registry, claim: Claim, *, again_seconds: float) -> None:
    """See that every partner account that is paid beforehand has its round."""
    async with database.begin(SYSTEM) as uow:
        await work.hold(uow, claim)
        for name, environment, provider in registry.all():
            if provider.traits.is_prepaid:
                uow.defer(FundGateway(ref=ref_of(name, environment)))
        await work.settle(uow, claim, again_seconds=again_seconds)


async def fund(
    database: Database, registry: Registry, options: Options, claim: Claim, *, budget_seconds: float
) -> None:
    """One round; what it did not get to within the budget is done in the next, at once."""
    gateway = find(database, registry, options, claim.ref)
    again: float | None = None
    if gateway is not None:
        again = await _round(gateway, claim, time.monotonic() + budget_seconds)
    async with database.begin(SYSTEM) as uow:
        await work.settle(uow, claim, again_seconds=again)


def find(database: Database, registry: Registry, options: Options, ref: UUID) -> Gateway | None:
    """The partner account of a job; None when it is not set up any more."""
    for name, environment, provider in registry.all():
        if ref_of(name, environment) == ref and provider.traits.is_prepaid:
            return Gateway(name, environment, provider, database, options)
    return None


async def _round(gateway: Gateway, claim: Claim, ends: float) -> float | None:
    """The seconds until the next one; None when it may wait until it is rung for."""
    place = (gateway.name, gateway.environment)
    await _book(gateway, claim)
    async with gateway.database.begin(SYSTEM) as uow:
        pool = await store.pool(uow, *place)
        doubts = [Intent.of(row) for row in await store.open_extensions(uow, *place)]
    if pool.read_at is None or pool.holds_nothing:  # what is spent below comes out of something
        await settling.read_pool(gateway, claim)
    moved = await _all(partial(extending.resolve, gateway), doubts, ends)
    async with gateway.database.begin(SYSTEM) as uow:
        holds_nothing = (await store.pool(uow, *place)).holds_nothing
        due = [] if holds_nothing else await store.due(uow, *place, gateway.options.margin, MOST)
    moved = await _all(partial(extending.serve, gateway), due, ends) or moved
    has_more = moved and (time.monotonic() >= ends or len(due) == MOST)
    await _book(gateway, claim)
    is_settled = await _check(gateway, claim, moved=moved)
    if has_more:
        return 0.0
    return None if is_settled else min(SOON_SECONDS, gateway.options.quiet_seconds / 4)


async def _check(gateway: Gateway, claim: Claim, *, moved: bool) -> bool:
    """Look at what upstream has, when something moved or it is time; whether nothing is in doubt then."""
    place = (gateway.name, gateway.environment)
    async with gateway.database.begin(SYSTEM) as uow:
        is_open = await store.count_open(uow, *place) > 0
        is_gone = any(row.deleted_at for row in await store.leaving(uow, *place))
        pool = await store.pool(uow, *place)
        old = uow.now - timedelta(seconds=gateway.options.balance_seconds)
        is_old = pool.read_at is None or pool.read_at <= old
        is_unseen = pool.looked_at is None or pool.looked_at <= old
    if is_unseen:
        await settling.look(gateway, claim)
    if moved or is_old or is_gone:
        return await settling.read_pool(gateway, claim) and not is_open
    return not is_open


async def _book(gateway: Gateway, claim: Claim) -> None:
    """Book whatever began by itself."""
    while await settling.meet(gateway, claim):
        pass
    while await settling.use(gateway, claim):
        pass


async def _all(act: Callable[[One], Awaitable[bool]], them: Sequence[One], ends: float) -> bool:
    """Do it with all, some at a time, as long as there is time; whether any says yes. One that fails stops no other;
    nor do those that take all the time, since each round has another order.
    """
    places = asyncio.Semaphore(AT_ONCE)

    async def one(each: One) -> bool:
        async with places:
            try:
                return time.monotonic() < ends and await act(each)
            except Exception as error:
                log.error("account_failed", instance=str(each.instance_id), exc_info=error)
                return False

    return any(await asyncio.gather(*(one(each) for each in random.sample(them, len(them)))))
