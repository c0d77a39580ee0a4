"""A tenant's wish and a worker's trip meet at the same instance: both come through, neither waits for the other."""

import asyncio

from sqlalchemy import select, text

from app.instances import service
from app.kit.db import SYSTEM
from app.kit.work import Work
from app.runtime import Runtime
from tests.conftest import Drain, Upstream
from tests.factories import make_tenant
from tests.workers.wishes import reached, wish_for, work_of
from workers.main import HANDLERS
from workers.task import do_work

WAITING = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"


async def somebody_waits(runtime: Runtime) -> None:
    """Until another transaction waits for a lock."""
    for _ in range(200):
        async with runtime.database.begin(SYSTEM) as uow:
            if await uow.session.scalar(text(WAITING)):
                return
        await asyncio.sleep(0.01)
    raise AssertionError("nobody waits")


async def test_a_deletion_asked_for_while_a_trip_begins_is_no_deadlock(
    runtime: Runtime, drain: Drain, upstream: Upstream
) -> None:
    instance = await wish_for(runtime, await make_tenant(runtime))
    work_id = await work_of(runtime, instance)
    async with runtime.database.begin(instance.tenant_id) as uow:
        row = await service.find(uow, instance.id)
        await service.hold(uow, row)
        trip = asyncio.create_task(do_work(runtime, HANDLERS, work_id))
        await somebody_waits(runtime)
        await service.request_deletion(uow, row)
    assert await trip
    async with runtime.database.begin(SYSTEM) as uow:
        assert await uow.session.scalar(select(Work.last_error).where(Work.id == work_id)) is None
    await drain(until=reached(runtime, instance, status="deleted"))
