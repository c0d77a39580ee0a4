"""Reboot and logout, as a tenant asked for them: both are repeatable, so they are tried until they are known done."""

from dataclasses import dataclass
from typing import Final

import structlog

from app.instances import lifecycle, service, store
from app.instances.trips import Tools
from app.kit import ids, work
from app.kit.db import SYSTEM, UnitOfWork
from app.kit.errors import AppError
from app.kit.work import Claim
from app.operations import service as operations
from app.operations.models import Operation
from app.providers.errors import NotLinked, NotThere, ProviderError
from app.providers.port import Credentials, Link, Provider
from app.providers.registry import Registry

log = structlog.get_logger()

MOST_TRIES: Final = 8


@dataclass(frozen=True)
class Errand:
    """A command on its way."""

    kind: str
    provider: Provider
    credentials: Credentials


async def run(tools: Tools, registry: Registry, claim: Claim) -> None:
    """Run the command of an operation and record how it ended."""
    async with tools.database.begin(SYSTEM) as uow:
        await work.hold(uow, claim)
        errand = await _plan(uow, registry, claim)
    if errand is None:
        return
    error: ProviderError | None = None
    try:
        if errand.kind == "instance.logout":
            await errand.provider.logout(errand.credentials)
        else:
            await errand.provider.reboot(errand.credentials)
    except NotLinked as refusal:
        error = refusal if errand.kind != "instance.logout" else None
    except ProviderError as refusal:
        error = refusal
    async with tools.database.begin(SYSTEM) as uow:
        await _record(uow, tools, claim, errand, error)


async def _plan(uow: UnitOfWork, registry: Registry, claim: Claim) -> Errand | None:
    operation = await operations.find(uow, claim.ref, tenant_id=claim.tenant_id)
    if operation.status not in operations.OPEN:
        await work.settle(uow, claim)
        return None
    try:
        instance = await service.find(uow, operation.resource_id)
        service.usable(instance)
        if instance.moves and instance.ready_at is not None and instance.ready_at > operation.created_at:
            raise service.InstanceNotReady()  # it was asked of an account that the instance has left
        provider = registry.get(instance.provider, instance.environment)
        found = await service.credentials(uow, instance)
    except AppError as error:
        await work.settle(uow, claim)
        await operations.fail(uow, operation, error.code, error.title() + ".")
        return None
    operation.attempts += 1
    await operations.progress(uow, operation, step="asking_upstream", percent=30)
    if operation.status not in operations.OPEN:
        await work.settle(uow, claim)
        return None
    return Errand(operation.type, provider, found)


async def _record(uow: UnitOfWork, tools: Tools, claim: Claim, errand: Errand, error: ProviderError | None) -> None:
    await work.hold(uow, claim)
    operation = await operations.find(uow, claim.ref, tenant_id=claim.tenant_id)
    if error is not None and operation.attempts < MOST_TRIES and not isinstance(error, NotThere):
        wait = lifecycle.step_seconds(tools.options.ready_poll_seconds, operation.attempts)
        await work.settle(uow, claim, again_seconds=max(wait, error.retry_after_seconds or 0.0))
        return
    await work.settle(uow, claim)
    if error is not None:
        await operations.fail(uow, operation, "upstream_error", "The gateway did not do it.")
        return
    await _observe(uow, operation, errand)
    await operations.succeed(uow, operation, {"instance_id": ids.to_wire(ids.INSTANCE, operation.resource_id)})


async def _observe(uow: UnitOfWork, operation: Operation, errand: Errand) -> None:
    instance = await store.lock(uow, operation.tenant_id, operation.resource_id)
    if instance is not None and instance.upstream_account == errand.credentials.account:
        link = Link.UNPAIRED if errand.kind == "instance.logout" else Link.STARTING
        await service.observe(uow, instance, link, None)
