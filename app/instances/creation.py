"""Where an instance is to be created, and whose turn it is where a gateway limits how many may be in a while.

All of it is counted from what is written down before a create leaves the house, so that the limit holds over every
process, and one whose outcome is not known counts. Tenants go in turn.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import Select, and_, case, func, or_, select
from sqlalchemy.sql.elements import ColumnElement

from app.instances import store
from app.instances.models import Instance, UpstreamCall
from app.kit.db import SYSTEM, Database, UnitOfWork
from app.kit.errors import FieldError
from app.plans import service as plans
from app.providers.port import Traits
from app.providers.registry import NoProvider, Registry
from app.suppliers import rules
from app.suppliers import service as suppliers
from app.suppliers.rules import Queuer

log = structlog.get_logger()

There = tuple[ColumnElement[bool], ...]
MARGIN: Final = timedelta(seconds=1)
"""Between our count and the gateway's own."""
LONGEST_SECONDS: Final = 60.0
"""After which a place is looked up again: others may have come, or gone."""
OVERTAKEN_SECONDS: Final = 2.0
"""The same while there is room for those before."""
REMEMBERED: Final = 10
"""For how many windows it is known who was served last."""


async def choose(database: Database, registry: Registry, environment: str, wish: str = suppliers.AUTO) -> str:
    """The gateway that a new instance goes to. Suppliers are nothing that a tenant's unit of work may see.

    Raises:
        NoProvider: it is not set up. NoneTakes: the operator has paused it, or all.
    """
    async with database.begin(SYSTEM) as uow:
        try:
            return await suppliers.choose(uow, registry, environment, wish=wish, plan=plans.FIRST_PLAN)
        except NoProvider as error:
            told = error.detail or error.title()
        raise NoProvider(told, errors=(FieldError("#/provider", "invalid_value", told),))


async def stand_in(uow: UnitOfWork, registry: Registry, instance: Instance) -> bool:
    """Move a wish from a gateway that is unwell to one that is well; whether there was one. Needs the system's scope.

    Only while it is sure that nothing of it was ever created: a create of unknown outcome binds it to where it was.
    """
    unknown = await store.count_calls(uow, instance, "create", "unknown")
    well = await suppliers.well(uow, registry, instance.environment)
    if unknown or instance.upstream_account is not None or instance.provider in well:
        return False
    try:
        chosen = await suppliers.choose(uow, registry, instance.environment, plan=plans.FIRST_PLAN)
    except suppliers.NoneTakes:
        return False
    if chosen not in well:
        return False
    log.warning("instance_moved", instance=str(instance.id), provider=instance.provider, to=chosen)
    instance.provider = chosen
    return True


@dataclass(frozen=True)
class Turn:
    """In how many seconds an instance may be created, as the queue stands, and when to ask again."""

    seconds: float = 0.0
    again_seconds: float = 0.0


async def turn(uow: UnitOfWork, instance: Instance, traits: Traits, quiet_seconds: float) -> Turn:
    """When the instance may be created; a turn that has come is held until the end of the transaction.

    Needs the system's scope.
    """
    if not traits.creations:
        return Turn()
    row = await suppliers.find(uow, instance.provider, instance.environment)
    there = _there(instance.provider, instance.environment)
    counted = await _counted(uow, there, traits, quiet_seconds)
    ends = [end for _, end in counted]
    place = await _place(uow, instance, traits, Counter(tenant for tenant, end in counted if end > uow.now))
    held = suppliers.hold_left(uow, row)  # the first of the queue goes when it ends
    begins = uow.now + timedelta(seconds=held)
    wait = held + rules.free_in(place, ends, traits.creations, traits.creation_seconds, begins)
    if wait <= 0:
        suppliers.probe(uow, row)
        return Turn()
    has_room = not held and sum(end > uow.now for end in ends) < traits.creations
    again = OVERTAKEN_SECONDS if has_room else LONGEST_SECONDS
    return Turn(wait, min(wait, again))


@dataclass(frozen=True)
class Load:
    """Creations that count toward a gateway's limit, instances that wait, and in how many seconds the next may go."""

    used: int
    waiting: int
    next_seconds: float


async def load(uow: UnitOfWork, provider: str, environment: str, traits: Traits, quiet_seconds: float) -> Load:
    """How far a gateway's limit is used up now; needs the system's scope."""
    there = _there(provider, environment)
    waiting = await uow.session.scalar(select(func.count()).select_from(Instance).where(_waiting(there)))
    if not traits.creations:
        return Load(0, int(waiting or 0), 0.0)
    ends = [end for _, end in await _counted(uow, there, traits, quiet_seconds) if end > uow.now]
    left = rules.free_in(0, ends, traits.creations, traits.creation_seconds, uow.now)
    return Load(len(ends), int(waiting or 0), left)


async def _place(uow: UnitOfWork, instance: Instance, traits: Traits, given: Counter[UUID]) -> int:
    there = _there(instance.provider, instance.environment)
    waiting = _waiting(there)
    served = await _served(uow, there, traits)
    rows = await uow.session.execute(
        select(Instance.tenant_id, func.count(), func.min(Instance.created_at))
        .where(waiting)
        .group_by(Instance.tenant_id)
    )
    queuers = [Queuer(tenant, count, since, given[tenant], served.get(tenant)) for tenant, count, since in rows]
    alone = Queuer(instance.tenant_id, 1, instance.created_at)
    mine = next((each for each in queuers if each.tenant_id == instance.tenant_id), alone)
    earlier = or_(
        Instance.created_at < instance.created_at,
        and_(Instance.created_at == instance.created_at, Instance.id < instance.id),
    )
    ahead = await uow.session.scalar(
        select(func.count()).select_from(Instance).where(waiting, Instance.tenant_id == instance.tenant_id, earlier)
    )
    return rules.place(queuers, mine, int(ahead or 0))


async def _served(uow: UnitOfWork, there: There, traits: Traits) -> dict[UUID, datetime]:
    since = uow.now - timedelta(seconds=traits.creation_seconds * REMEMBERED)
    query = _creates(there, since, UpstreamCall.tenant_id, func.max(UpstreamCall.started_at))
    return {row[0]: row[1] for row in await uow.session.execute(query.group_by(UpstreamCall.tenant_id))}


async def _counted(uow: UnitOfWork, there: There, traits: Traits, quiet_seconds: float) -> list[tuple[UUID, datetime]]:
    """The creates that count, by tenant and when they cease to.

    One of unknown outcome may be done up to the end of its quiet period.
    """
    quiet, window = timedelta(seconds=quiet_seconds), timedelta(seconds=traits.creation_seconds)
    done_by = func.coalesce(UpstreamCall.finished_at, uow.now) + case(
        (UpstreamCall.outcome == "unknown", quiet), else_=timedelta()
    )
    since = uow.now - 2 * window - 2 * quiet
    query = _creates(there, since, UpstreamCall.tenant_id, done_by).where(
        or_(UpstreamCall.outcome.is_(None), UpstreamCall.outcome != "refused")
    )
    return [(row[0], row[1] + window + MARGIN) for row in await uow.session.execute(query)]


def _creates(there: There, since: datetime, *columns: Any) -> Select[Any]:
    same = and_(Instance.tenant_id == UpstreamCall.tenant_id, Instance.id == UpstreamCall.instance_id)
    query = select(*columns).select_from(UpstreamCall).join(Instance, same)
    return query.where(UpstreamCall.method == "create", UpstreamCall.started_at > since, *there)


def _waiting(there: There) -> ColumnElement[bool]:
    return and_(
        *there,
        Instance.wanted,
        Instance.status.in_(("queued", "provisioning")),
        Instance.upstream_account.is_(None),
        Instance.calling_since.is_(None),
    )


def _there(provider: str, environment: str) -> There:
    return Instance.provider == provider, Instance.environment == environment
