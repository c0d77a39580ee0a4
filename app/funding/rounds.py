"""A round over one partner account that is paid beforehand: what began, what is in doubt, who needs days, the pool."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Final
from uuid import UUID, uuid5

from app.funding import extending, settling, store
from app.funding.extending import Gateway, Intent
from app.funding.options import Options
from app.jobs import FundGateway
from app.kit import work
from app.kit.db import SYSTEM, Database
from app.kit.work import Claim
from app.providers.registry import Registry

AT_ONCE: Final = 8
MOST: Final = 400
SOON_SECONDS: Final = 5.0
_GATEWAYS: Final = UUID("9a0f7c1e-3c55-5b0a-8f0e-6a1d2b7c4e90")


def ref_of(name: str, environment: str) -> UUID:
    """The ref of a partner account's job."""
    return uuid5(_GATEWAYS, f"{name}:{environment}")


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
    gateway = _gateway(database, registry, options, claim.ref)
    again: float | None = None
    if gateway is not None:
        again = await _round(gateway, claim, time.monotonic() + budget_seconds)
    async with database.begin(SYSTEM) as uow:
        await work.settle(uow, claim, again_seconds=again)


def _gateway(database: Database, registry: Registry, options: Options, ref: UUID) -> Gateway | None:
    for name, environment, provider in registry.all():
        if ref_of(name, environment) == ref and provider.traits.is_prepaid:
            return Gateway(name, environment, provider, database, options)
    return None


async def _round(gateway: Gateway, claim: Claim, ends: float) -> float | None:
    """The seconds until the next one; None when it may wait until it is rung for."""
    place = (gateway.name, gateway.environment)
    await _book(gateway, claim)
    async with gateway.database.begin(SYSTEM) as uow:
        is_first = (await store.pool(uow, *place)).read_at is None
        doubts = [Intent.of(row) for row in await store.open_extensions(uow, *place)]
    if is_first:  # what is spent below comes out of something
        await settling.read_pool(gateway, claim)
    moved = await _all([partial(extending.resolve, gateway, intent) for intent in doubts], ends)
    async with gateway.database.begin(SYSTEM) as uow:
        due = await store.due(uow, *place, gateway.options.margin, MOST)
    moved = await _all([partial(extending.serve, gateway, one) for one in due], ends) or moved
    await _book(gateway, claim)
    async with gateway.database.begin(SYSTEM) as uow:
        is_open = await store.count_open(uow, *place) > 0
        leaving = await store.leaving(uow, *place)
        read_at = (await store.pool(uow, *place)).read_at
        is_old = read_at is None or uow.now - read_at >= timedelta(seconds=gateway.options.balance_seconds)
    if is_old:
        await settling.look(gateway, claim)
    if moved or is_old or any(row.deleted_at for row in leaving):
        is_open = not await settling.read_pool(gateway, claim) or is_open
    if time.monotonic() >= ends or len(due) == MOST:
        return 0.0
    return min(SOON_SECONDS, gateway.options.quiet_seconds / 4) if is_open else None


async def _book(gateway: Gateway, claim: Claim) -> None:
    """Book whatever began by itself."""
    while await settling.meet(gateway, claim):
        pass
    while await settling.use(gateway, claim):
        pass


async def _all(acts: Sequence[Callable[[], Awaitable[bool]]], ends: float) -> bool:
    """Do all, some at a time, as long as there is time; whether any of them says yes."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(act: Callable[[], Awaitable[bool]]) -> bool:
        async with places:
            return time.monotonic() < ends and await act()

    return any(await asyncio.gather(*(one(act) for act in acts)))
