"""What the tests of instances share: wishes, the truth about them, and workers that die."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import select

from app.instances import service
from app.instances.models import Finding, Instance, UpstreamCall
from app.jobs import ReconcileInstance
from app.kit.crypto import Secret
from app.kit.db import SYSTEM, Database, Scope, UnitOfWork
from app.kit.work import Work
from app.operations.models import Operation
from app.providers.port import AccountWish
from app.runtime import Runtime
from tests.conftest import Drain, Upstream
from tests.factories import TestTenant, make_tenant, read_instance


async def wish_for(runtime: Runtime, tenant: TestTenant, name: str = "A", *, provider: str = "green_api") -> Instance:
    """The committed wish for an instance; nothing is done for it yet."""
    async with runtime.database.begin(tenant.tenant_id) as uow:
        instance, _ = await service.request_instance(
            uow,
            tenant_id=tenant.tenant_id,
            environment="live",
            name=name,
            provider=provider,
            metadata={},
            options=runtime.instance_options,
            quota_free=True,
        )
    return instance


async def let_go(runtime: Runtime, instance: Instance) -> Operation:
    """Ask for an instance's deletion."""
    async with runtime.database.begin(instance.tenant_id) as uow:
        return await service.request_deletion(uow, await service.find(uow, instance.id))


def reached(runtime: Runtime, *instances: Instance, status: str = "active") -> Callable[[], Awaitable[bool]]:
    """Whether all of the instances have come to a status."""

    async def tell() -> bool:
        return all([(await read_instance(runtime, instance.id)).status == status for instance in instances])

    return tell


async def failed_instance(runtime: Runtime, drain: Drain, upstream: Upstream) -> Instance:
    """An instance whose creates were all lost."""
    await upstream.faults({"method": "createInstance", "kind": "lose_request", "times": 3})
    instance = await wish_for(runtime, await make_tenant(runtime))

    async def is_over() -> bool:
        later(runtime, 1)
        return await reached(runtime, instance, status="failed")()

    await drain(until=is_over)
    return instance


async def make_account(runtime: Runtime, tag: str) -> int:
    """An account upstream that no row knows of."""
    wish = AccountWish(tag, "http://127.0.0.1:9/hook", Secret("x" * 40))
    return int((await runtime.registry.get("green_api", "live").create(wish)).account)


async def operation_of(runtime: Runtime, instance: Instance, kind: str) -> Operation:
    """The one operation of a kind on an instance."""
    async with runtime.database.begin(SYSTEM) as uow:
        query = select(Operation).where(Operation.resource_id == instance.id, Operation.type == f"instance.{kind}")
        return (await uow.session.scalars(query)).one()


async def calls_of(runtime: Runtime, instance: Instance, method: str) -> list[UpstreamCall]:
    """The calls that were written down for an instance, in order."""
    async with runtime.database.begin(SYSTEM) as uow:
        query = select(UpstreamCall).where(UpstreamCall.instance_id == instance.id, UpstreamCall.method == method)
        return list((await uow.session.scalars(query.order_by(UpstreamCall.started_at))).all())


async def findings_of(runtime: Runtime) -> list[Finding]:
    """Every finding, oldest first."""
    async with runtime.database.begin(SYSTEM) as uow:
        return list((await uow.session.scalars(select(Finding).order_by(Finding.id))).all())


async def work_of(runtime: Runtime, instance: Instance) -> UUID:
    """The work that waits for an instance."""
    async with runtime.database.begin(SYSTEM) as uow:
        query = select(Work.id).where(Work.ref == instance.id, Work.kind == ReconcileInstance.kind)
        return (await uow.session.scalars(query)).one()


async def truth_of(upstream: Upstream, instance: Instance) -> list[dict[str, Any]]:
    """Every account that upstream ever made with the instance's tag."""
    return [item for item in await upstream.instances() if item["name"] == instance.tag]


async def asked(upstream: Upstream, method: str) -> int:
    """How often upstream was asked for something."""
    journal = await upstream.control("GET", f"journal?method={method}&kind=call&limit=10000")
    return len(journal["entries"])


async def holds(runtime: Runtime, upstream: Upstream, instance: Instance, *, ever: int = 1) -> None:
    """One living account upstream is the instance's, its token opens and works, and no more were made than said."""
    row = await read_instance(runtime, instance.id)
    truth = await truth_of(upstream, instance)
    alive = [item for item in truth if item["deleted_at"] is None]
    assert len(truth) == ever
    assert [item["id_instance"] for item in alive] == [row.upstream_id]
    async with runtime.database.begin(SYSTEM) as uow:
        credentials = await service.credentials(uow, row)
    assert credentials.token.reveal() == alive[0]["token"]
    await runtime.registry.get("green_api", "live").link(credentials)


class DyingDatabase:
    """A database for a worker that dies when it begins its n-th transaction: what it did before stays done."""

    def __init__(self, database: Database, dies_at: int) -> None:
        self._database = database
        self._left = dies_at

    @asynccontextmanager
    async def begin(self, scope: Scope) -> AsyncIterator[UnitOfWork]:
        self._left -= 1
        if self._left == 0:
            raise ConnectionError("the worker died here")
        async with self._database.begin(scope) as uow:
            yield uow


def dying(runtime: Runtime, dies_at: int = 2) -> Database:
    """See `DyingDatabase`; the second transaction of a trip is its record."""
    return cast(Database, DyingDatabase(runtime.database, dies_at))


def later(runtime: Runtime, seconds: float) -> None:
    """Let time pass for everybody who reads the database's clock."""
    runtime.database.shift += timedelta(seconds=seconds)
