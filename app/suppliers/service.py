"""The gateways as suppliers of instances: chosen by plan, weight and health, paused and weighed by the operator.

Everything here needs the system's scope: no tenant sees its suppliers.
"""

import random
from datetime import timedelta
from typing import Final

import structlog
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.kit.db import UnitOfWork
from app.kit.errors import UpstreamUnavailable
from app.providers.errors import CredentialRefused, PoolEmpty, ProviderError, TooFast
from app.providers.registry import Registry
from app.suppliers import rules
from app.suppliers.models import Supplier
from app.suppliers.rules import Standing

log = structlog.get_logger()

AUTO: Final = "auto"
HOLD_SHARE: Final = 10
"""After a 429 that tells no time the gateway is asked again in this part of its window."""
PROBE_SECONDS: Final = 30.0


class NoneTakes(UpstreamUnavailable):
    """No gateway takes new instances now; try again later."""


async def choose(
    uow: UnitOfWork, registry: Registry, environment: str, *, wish: str = AUTO, plan: str = "", other_than: str = ""
) -> str:
    """The gateway that a new instance goes to: the wished one, or one by weight among those that are well.

    `other_than` is one that is never chosen, unless it is wished for.

    Raises:
        NoProvider: the wished one, or any, is not set up for the environment.
        NoneTakes: it is paused, or all are.
    """
    names = registry.names(environment) if wish == AUTO else [registry.get(wish, environment).name]
    rows = {row.provider: row for row in await _rows(uow, environment)}
    standings = [_standing(uow, name, rows.get(name)) for name in names if wish != AUTO or name != other_than]
    if wish != AUTO:
        if standings[0].is_paused:
            raise NoneTakes("This gateway takes no new instances now.")
        return wish
    chosen = rules.pick(rules.candidates(standings, plan), random.random())  # noqa: S311  # no secret hangs on it
    if chosen is None:
        raise NoneTakes()
    return chosen


async def find(uow: UnitOfWork, provider: str, environment: str) -> Supplier:
    """A supplier's row, held until the end of the transaction; made with the defaults when there is none."""
    made = insert(Supplier).values(provider=provider, environment=environment, weight=rules.ALL_WEIGHT, failures=0)
    await uow.session.execute(made.on_conflict_do_nothing())
    query = select(Supplier).where(Supplier.provider == provider, Supplier.environment == environment)
    query = query.with_for_update().execution_options(populate_existing=True)
    return (await uow.session.scalars(query)).one()


async def listed(uow: UnitOfWork, registry: Registry) -> list[Supplier]:
    """Every gateway that is set up, with the defaults where nothing was set."""
    rows = {(row.provider, row.environment): row for row in await _rows(uow)}
    return [
        rows.get((name, environment))
        or Supplier(provider=name, environment=environment, weight=rules.ALL_WEIGHT, failures=0)
        for name, environment, _ in registry.all()
    ]


async def pause(uow: UnitOfWork, provider: str, environment: str, reason: str) -> Supplier:
    """Let no new instance go to a gateway; those that it has go on, and those that wait for it are created."""
    row = await find(uow, provider, environment)
    row.paused_at, row.reason = row.paused_at or uow.now, reason
    log.warning("supplier_paused", provider=provider, environment=environment)
    return row


async def resume(uow: UnitOfWork, provider: str, environment: str) -> Supplier:
    """Let new instances go there again; what counted against its health is forgotten."""
    row = await find(uow, provider, environment)
    row.paused_at = row.reason = row.unwell_until = row.last_failure = None
    row.failures = 0
    return row


async def weigh(
    uow: UnitOfWork, provider: str, environment: str, weight: int, plans: list[str] | None = None
) -> Supplier:
    """Set a gateway's share of new instances, and the plans that it is chosen for; None is all."""
    row = await find(uow, provider, environment)
    row.weight, row.plans = weight, plans
    return row


async def failed(uow: UnitOfWork, provider: str, environment: str, error: ProviderError, hold_seconds: float) -> None:
    """A creation failed. After some in a row, or one that can only fail again, the gateway counts as unwell.

    One that came too fast says nothing about health: nothing is created there for as long as the gateway asks for,
    else for a part of `hold_seconds`.
    """
    row = await find(uow, provider, environment)
    row.last_failure = f"{type(error).__name__}: {error.detail}"[:200]
    if isinstance(error, TooFast):
        wait = max(error.retry_after_seconds or 0.0, hold_seconds / HOLD_SHARE)
        row.held_until = uow.now + timedelta(seconds=wait) if wait else None
        return
    row.failures += 1
    if row.failures >= rules.UNWELL_AFTER or isinstance(error, CredentialRefused | PoolEmpty):
        row.unwell_until = uow.now + rules.UNWELL_FOR
        log.error("supplier_unwell", provider=provider, environment=environment, failure=row.last_failure)


async def succeeded(uow: UnitOfWork, provider: str, environment: str) -> None:
    """A creation was done: the gateway is well."""
    query = select(Supplier).where(Supplier.provider == provider, Supplier.environment == environment)
    row = (await uow.session.scalars(query)).one_or_none()
    if row is None or not (row.failures or row.held_until or row.unwell_until):
        return
    row = await find(uow, provider, environment)
    row.failures, row.unwell_until, row.held_until = 0, None, None


def hold_left(uow: UnitOfWork, row: Supplier) -> float:
    """For how many seconds more nothing is to be created at a held gateway."""
    return 0.0 if row.held_until is None else max(0.0, (row.held_until - uow.now).total_seconds())


def probe(uow: UnitOfWork, row: Supplier) -> None:
    """One creation goes out after a hold; the others wait a moment for how it ends."""
    if row.held_until is not None:
        row.held_until = uow.now + timedelta(seconds=PROBE_SECONDS)


def is_well(uow: UnitOfWork, row: Supplier) -> bool:
    """Whether its creations did not fail of late."""
    return row.unwell_until is None or row.unwell_until <= uow.now


async def well(uow: UnitOfWork, registry: Registry, environment: str) -> set[str]:
    """The gateways of an environment whose creations did not fail of late."""
    rows = await listed(uow, registry)
    return {row.provider for row in rows if row.environment == environment and is_well(uow, row)}


async def _rows(uow: UnitOfWork, environment: str | None = None) -> list[Supplier]:
    query = select(Supplier)
    if environment is not None:
        query = query.where(Supplier.environment == environment)
    return list((await uow.session.scalars(query)).all())


def _standing(uow: UnitOfWork, name: str, row: Supplier | None) -> Standing:
    if row is None:
        return Standing(name)
    plans = None if row.plans is None else tuple(row.plans)
    return Standing(name, row.weight, plans, row.paused_at is not None, is_well(uow, row))
