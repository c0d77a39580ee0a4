"""Operations as verbs: one open of a kind, ended once, told once."""

import asyncio
from uuid import UUID

import pytest
from sqlalchemy import select

from app.events.models import Event
from app.kit.db import SYSTEM, UnitOfWork
from app.kit.errors import NotFound
from app.kit.ids import new_id
from app.operations import service
from app.operations.models import Operation
from app.operations.service import NotCancellable, OperationInProgress
from app.runtime import Runtime
from tests.factories import TestTenant, make_tenant


async def start(uow: UnitOfWork, tenant: TestTenant, resource_id: UUID, kind: str = "thing.do") -> Operation:
    return await service.start(
        uow,
        tenant_id=tenant.tenant_id,
        type=kind,
        environment="live",
        resource_type="thing",
        resource_id=resource_id,
    )


async def told(runtime: Runtime) -> list[str]:
    async with runtime.database.begin(SYSTEM) as uow:
        return list(await uow.session.scalars(select(Event.type)))


async def test_a_resource_has_one_open_operation_of_a_kind(runtime: Runtime) -> None:
    tenant, thing = await make_tenant(runtime), new_id()
    async with runtime.database.begin(tenant.tenant_id) as uow:
        first = await start(uow, tenant, thing)
        await start(uow, tenant, thing, "thing.undo")
        await start(uow, tenant, new_id())
        with pytest.raises(OperationInProgress) as refused:
            await start(uow, tenant, thing)
        assert refused.value.extra["operation_id"].startswith("op_")
        await service.succeed(uow, first, {})
        await start(uow, tenant, thing)


async def test_two_at_once_are_one(runtime: Runtime) -> None:
    tenant, thing = await make_tenant(runtime), new_id()

    async def one() -> UUID:
        async with runtime.database.begin(tenant.tenant_id) as uow:
            return (await start(uow, tenant, thing)).id

    results = await asyncio.gather(*(one() for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(result, UUID) for result in results) == 1
    assert sum(isinstance(result, OperationInProgress) for result in results) == 3


async def test_an_end_is_final_and_told_once(runtime: Runtime) -> None:
    tenant = await make_tenant(runtime)
    async with runtime.database.begin(tenant.tenant_id) as uow:
        operation = await start(uow, tenant, new_id())
    for _ in range(2):
        async with runtime.database.begin(SYSTEM) as uow:
            row = await service.find(uow, operation.id)
            await service.progress(uow, row, step="x", percent=50)
            await service.succeed(uow, row, {"a": 1})
            await service.fail(uow, row, "upstream_error", "no")
            await service.progress(uow, row, step="y", percent=60)
    async with runtime.database.begin(SYSTEM) as uow:
        row = await service.find(uow, operation.id)
    assert (row.status, row.result, row.error, row.percent, row.step) == ("succeeded", {"a": 1}, None, 100, None)
    assert (await told(runtime)).count("operation.succeeded") == 1
    assert "operation.failed" not in await told(runtime)


async def test_progress_never_goes_back_and_is_a_new_version(runtime: Runtime) -> None:
    tenant = await make_tenant(runtime)
    async with runtime.database.begin(tenant.tenant_id) as uow:
        operation = await start(uow, tenant, new_id())
        versions = [operation.version]
        for step, percent in (("a", 40), ("a", 40), ("b", 20)):
            await service.progress(uow, operation, step=step, percent=percent)
            versions.append(operation.version)
    assert versions == [1, 2, 2, 3]
    assert operation.percent == 40
    assert operation.status == "running"


async def test_a_cancellation_and_a_beginning_do_not_cross(runtime: Runtime) -> None:
    """Whoever comes second sees the first: it never runs and is cancelled both."""
    tenant = await make_tenant(runtime)
    async with runtime.database.begin(tenant.tenant_id) as uow:
        operation = await start(uow, tenant, new_id())
    read = asyncio.Event()
    go_on = asyncio.Event()

    async def worker() -> str:
        async with runtime.database.begin(SYSTEM) as uow:
            row = await service.find(uow, operation.id)
            read.set()
            await go_on.wait()
            await service.progress(uow, row, step="x", percent=1)
            return row.status

    task = asyncio.create_task(worker())
    await read.wait()
    async with runtime.database.begin(tenant.tenant_id) as uow:
        await service.cancel(uow, await service.find(uow, operation.id))
    go_on.set()
    assert await task == "cancelled"
    async with runtime.database.begin(tenant.tenant_id) as uow:
        with pytest.raises(NotCancellable):
            await service.cancel(uow, await service.find(uow, operation.id))


async def test_another_tenants_operation_is_not_there(runtime: Runtime) -> None:
    ada, bo = await make_tenant(runtime, name="Ada"), await make_tenant(runtime, name="Bo")
    async with runtime.database.begin(ada.tenant_id) as uow:
        operation = await start(uow, ada, new_id())
    async with runtime.database.begin(bo.tenant_id) as uow:
        with pytest.raises(NotFound):
            await service.find(uow, operation.id)
    with pytest.raises(NotFound):
        await service.wait(runtime.database, bo.tenant_id, operation.id, 1)
