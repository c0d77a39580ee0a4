"""What the operator may see and set about gateways, and a look at each in plain words."""

from app.admin import coverage
from app.admin.suppliers_schemas import SupplierCheck, SupplierRemark, SupplierView
from app.gateway.catalogue import ALL
from app.instances import creation
from app.instances.creation import Load
from app.instances.options import Options
from app.instances.tags import read_tag
from app.kit.clock import to_wire as instant
from app.kit.db import SYSTEM, Database, UnitOfWork
from app.kit.errors import FieldError, InvalidParameter, NotFound
from app.plans.catalogue import PLANS
from app.providers.errors import CredentialRefused, OutcomeUnknown, ProviderError, TooFast, Unreachable
from app.providers.port import Balance, Listed, Provider
from app.providers.registry import NoProvider, Registry
from app.suppliers import service as suppliers
from app.suppliers.models import Supplier


async def listing(uow: UnitOfWork, registry: Registry, options: Options) -> list[SupplierView]:
    """Every gateway that is set up."""
    return [await _view(uow, registry, options, row) for row in await suppliers.listed(uow, registry)]


async def pause(
    uow: UnitOfWork, registry: Registry, options: Options, provider: str, environment: str, reason: str
) -> SupplierView:
    """Let no new instances go to a gateway.

    Raises:
        NotFound: it is not set up.
    """
    known(registry, provider, environment)
    return await _view(uow, registry, options, await suppliers.pause(uow, provider, environment, reason))


async def resume(
    uow: UnitOfWork, registry: Registry, options: Options, provider: str, environment: str
) -> SupplierView:
    """Let new instances go there again.

    Raises:
        NotFound: it is not set up.
    """
    known(registry, provider, environment)
    return await _view(uow, registry, options, await suppliers.resume(uow, provider, environment))


async def weigh(
    uow: UnitOfWork,
    registry: Registry,
    options: Options,
    provider: str,
    environment: str,
    *,
    weight: int,
    plans: list[str] | None,
) -> SupplierView:
    """Set a gateway's share of new instances, and for which plans.

    Raises:
        NotFound: it is not set up. InvalidParameter: there is no such plan.
    """
    known(registry, provider, environment)
    if unknown := [plan for plan in plans or () if plan not in PLANS]:
        told = f"`{unknown[0]}` is no plan; there are {', '.join(PLANS)}."
        raise InvalidParameter(told, errors=(FieldError("#/plans", "invalid_value", told),))
    return await _view(uow, registry, options, await suppliers.weigh(uow, provider, environment, weight, plans))


def known(registry: Registry, provider: str, environment: str) -> Provider:
    """A gateway that is set up.

    Raises:
        NotFound: it is not.
    """
    try:
        return registry.get(provider, environment)
    except NoProvider as error:
        raise NotFound(str(error)) from None


async def check(
    database: Database, registry: Registry, options: Options, provider: str, environment: str, *, low_days: int
) -> SupplierCheck:
    """Ask a gateway who we are and what we have there; a trip, so no transaction of the caller's may be open.

    A pool with fewer than `low_days` is told as low.

    Raises:
        NotFound: it is not set up.
    """
    gateway = known(registry, provider, environment)
    async with database.begin(SYSTEM) as uow:
        row = next(
            each
            for each in await suppliers.listed(uow, registry)
            if (each.provider, each.environment) == (provider, environment)
        )
        load = await creation.load(uow, provider, environment, gateway.traits, options.quiet_seconds)
        remarks = [*_standing(uow, row), *_limits(gateway, load)]
    told = await _reached(gateway, options, low_days) + remarks
    return SupplierCheck(provider, environment, all(each.level != "error" for each in told), told)


async def _reached(gateway: Provider, options: Options, low_days: int) -> list[SupplierRemark]:
    """What the gateway answers; when its listing is not had nothing else is asked, for that would end the same."""
    try:
        listed = await gateway.listing()
    except ProviderError as error:
        return [_trouble(error)]
    told = [SupplierRemark("ok", f"It accepts the partner token. {_counted(listed, options)}")]
    try:
        told.append(_pool(gateway, await gateway.balance(), low_days))
    except ProviderError as error:
        told.append(SupplierRemark("warning", f"How many days are in the pool could not be read: {error.detail}."))
    try:
        told += [SupplierRemark("error", each) for each in await gateway.obstacles()]
    except ProviderError as error:
        told.append(SupplierRemark("warning", f"Whether accounts can be created could not be read: {error.detail}."))
    return told


def _trouble(error: ProviderError) -> SupplierRemark:
    """An error, in words that say what to do."""
    if isinstance(error, CredentialRefused):
        told = "It refuses the partner token. Copy the token of the partner's account anew into its setting, restart."
    elif isinstance(error, Unreachable):
        told = f"It cannot be reached: {error.detail}. Look at its address in the settings, and at the way out."
    elif isinstance(error, TooFast):
        return SupplierRemark("warning", "It was asked too often just now; the token was not looked at.")
    elif isinstance(error, OutcomeUnknown):
        told = f"It does not answer as it should: {error.detail}. It may be down; or another server is at its address."
    else:
        told = f"It answers, but not as it should: {error.detail}."
    return SupplierRemark("error", told)


def _counted(listed: list[Listed], options: Options) -> str:
    ours = sum(read_tag(options.deployment, each.tag) is not None for each in listed)
    return f"It lists {len(listed)} accounts, {ours} of them of this deployment."


def _pool(gateway: Provider, balance: Balance | None, low_days: int) -> SupplierRemark:
    if not gateway.traits.is_prepaid:
        return SupplierRemark("ok", "It charges for each day that an account exists; there is no pool of days.")
    if balance is None:
        return SupplierRemark("warning", "Days are paid beforehand, but it does not tell how many are left.")
    if balance.days <= 0:
        return SupplierRemark("error", "The pool of days is empty: buy days, or accounts will end one by one.")
    level = "warning" if balance.days < low_days else "ok"
    return SupplierRemark(level, f"The pool holds {balance.days} days.")


def _limits(gateway: Provider, load: Load) -> list[SupplierRemark]:
    traits, told = gateway.traits, []
    if traits.creations:
        minutes = round(traits.creation_seconds / 60)
        room = "there is room now" if not load.next_seconds else f"the next in {round(load.next_seconds)} s"
        words = f"At most {traits.creations} accounts are created in {minutes} minutes: {load.used} were, {room}."
        told.append(SupplierRemark("ok", f"{words} {load.waiting} instances wait."))
    else:
        told.append(SupplierRemark("ok", "It has no limit to how many accounts may be created."))
    if missing := [method.name for method in ALL if coverage.answer(method, traits) == coverage.NO]:
        told.append(SupplierRemark("ok", f"It cannot do: {', '.join(sorted(missing))}."))
    return told


def _standing(uow: UnitOfWork, row: Supplier) -> list[SupplierRemark]:
    told = []
    if row.paused_at is not None:
        told.append(
            SupplierRemark("warning", f"It takes no new instances since {instant(row.paused_at)}: {row.reason}")
        )
    if row.weight == 0:
        told.append(SupplierRemark("warning", "Its weight is 0: it gets new instances by name only."))
    if not suppliers.is_well(uow, row):
        told.append(SupplierRemark("warning", f"Creations failed {row.failures} times in a row: {row.last_failure}"))
    if left := suppliers.hold_left(uow, row):
        told.append(SupplierRemark("warning", f"It said 429: nothing is created there for {round(left)} s more."))
    return told


async def _view(uow: UnitOfWork, registry: Registry, options: Options, row: Supplier) -> SupplierView:
    traits = registry.get(row.provider, row.environment).traits
    load = await creation.load(uow, row.provider, row.environment, traits, options.quiet_seconds)
    return SupplierView(
        provider=row.provider,
        environment=row.environment,
        weight=row.weight,
        plans=row.plans,
        paused_at=instant(row.paused_at) if row.paused_at else None,
        reason=row.reason,
        is_well=suppliers.is_well(uow, row),
        failures=row.failures,
        last_failure=row.last_failure,
        held_until=instant(row.held_until) if row.held_until and suppliers.hold_left(uow, row) else None,
        creations_used=load.used,
        creations_limit=traits.creations or None,
        creations_seconds=round(traits.creation_seconds) or None,
        waiting=load.waiting,
    )
