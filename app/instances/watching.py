"""The sweep: rings for every instance that is on its way, and reads the state of those that are in use."""

import asyncio
import time
from typing import Final
from uuid import UUID

import structlog

from app.instances import lifecycle, service, store
from app.instances.doubting import AWAY, Belief, belief
from app.instances.models import Instance
from app.instances.trips import Tools
from app.jobs import ReconcileInstance, SweepInstances
from app.kit import work
from app.kit.db import SYSTEM, UnitOfWork
from app.kit.errors import AppError
from app.kit.work import Claim
from app.providers.errors import NotThere, ProviderError
from app.providers.port import Credentials, Link, Provider
from app.providers.registry import Registry

log = structlog.get_logger()

MOST_RUNG: Final = 2000
MOST_WATCHED: Final = 300
AT_ONCE: Final = 8
BUDGET_SECONDS: Final = 20.0


async def sweep(tools: Tools, registry: Registry, claim: Claim, *, budget_seconds: float = BUDGET_SECONDS) -> None:
    """Ring for all that is on its way and has no work; read the states that are due, some at a time."""
    async with tools.database.begin(SYSTEM) as uow:
        await work.hold(uow, claim)
        for tenant_id, instance_id in await store.idle_movers(uow, MOST_RUNG):
            uow.defer(ReconcileInstance(ref=instance_id, tenant_id=tenant_id))
        due = await unwatched(uow, tools, registry)
    ends, places = time.monotonic() + budget_seconds, asyncio.Semaphore(AT_ONCE)

    async def one(tenant_id: UUID, instance_id: UUID) -> None:
        async with places:
            if time.monotonic() < ends:
                await watch(tools, registry, tenant_id, instance_id)

    await asyncio.gather(*(one(tenant_id, instance_id) for tenant_id, instance_id in due))
    async with tools.database.begin(SYSTEM) as uow:
        pause = min(SweepInstances.every_seconds, tools.options.state_poll_seconds)
        await work.settle(uow, claim, again_seconds=1.0 if len(due) == MOST_WATCHED else pause)


async def unwatched(uow: UnitOfWork, tools: Tools, registry: Registry) -> list[tuple[UUID, UUID]]:
    """Whose state is due to be read: (tenant, id). Where calls are counted it is read less often."""
    seconds = tools.options.state_poll_seconds
    pauses = {(name, where): provider.traits.watch_seconds for name, where, provider in registry.all()}
    slow = {place: pause for place, pause in pauses.items() if pause > seconds}
    return await store.unwatched(uow, seconds, MOST_WATCHED, slow=slow)


async def watch(tools: Tools, registry: Registry, tenant_id: UUID, instance_id: UUID) -> None:
    """Ask upstream for one instance's state and take note of it; a failure to ask changes nothing but the time."""
    try:
        async with tools.database.begin(SYSTEM) as uow:
            instance = await store.lock(uow, tenant_id, instance_id)
            if instance is None or instance.status not in store.WATCHED:
                return
            instance.state_checked_at = uow.now
            provider = registry.get(instance.provider, instance.environment)
            credentials = await service.credentials(uow, instance)
            known_phone = instance.phone
    except AppError as error:
        log.warning("watch_impossible", error=type(error).__name__)
        return
    link = await read_link(provider, credentials)
    if link is None:
        return
    phone, name = known_phone, None
    if known_phone is None:
        phone, name = await read_profile(provider, credentials, link)
    async with tools.database.begin(SYSTEM) as uow:
        instance = await store.lock(uow, tenant_id, instance_id)
        if instance is None or instance.upstream_account != credentials.account:
            return  # it was moved meanwhile: this is not the state of what it has now
        if instance.away_told_at is not None and link in AWAY and tools.tell_state is None:
            return  # the sweep says it to all who are to be told
        was_doubted = instance.away_told_at is not None
        if belief(instance, link, provider.traits, uow.now) is not Belief.DOUBT:
            await service.observe(uow, instance, link, phone, profile_name=name)
            if was_doubted and link in AWAY and tools.tell_state is not None:
                await tools.tell_state(uow, instance, link, known_phone)


async def usable(uow: UnitOfWork, tenant_id: UUID, instance_id: UUID) -> Instance | None:
    """The instance, if its gate is open."""
    instance = await store.get(uow, instance_id)
    if instance is None or instance.tenant_id != tenant_id:
        return None
    try:
        service.usable(instance)
    except AppError:
        return None
    return instance


def doubt(instance: Instance, link: Link) -> None:
    """Upstream may have told a state, or told an old one again: where it is news, it is looked at soon."""
    if lifecycle.connection_of(link) != instance.connection:
        instance.state_checked_at = None


async def read_link(provider: Provider, credentials: Credentials) -> Link | None:
    """The state that upstream tells, `UNKNOWN` when it says that there is no such account, None when it tells none."""
    try:
        return await provider.link(credentials)
    except NotThere:
        return Link.UNKNOWN
    except ProviderError as error:
        log.info("state_not_read", detail=error.detail)
        return None


async def read_profile(provider: Provider, credentials: Credentials, link: Link) -> tuple[str | None, str | None]:
    """Number and name of the linked phone, as far as upstream tells."""
    if link is not Link.CONNECTED:
        return None, None
    try:
        profile = await provider.profile(credentials)
    except ProviderError:
        return None, None
    return profile.phone, profile.name
