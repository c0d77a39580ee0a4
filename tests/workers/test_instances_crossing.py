"""A tenant's wish and a worker's trip meet at the same instance: both come through, neither waits for the other."""

import asyncio

from sqlalchemy import select, text

from app.instances import service
from app.jobs import ReconcileInstance
from app.kit import work
from app.kit.db import SYSTEM
from app.kit.work import Work
from app.runtime import Runtime
from tests.conftest import Drain, Upstream
from tests.factories import make_tenant
from tests.workers.wishes import later, reached, wish_for, work_of
from workers.main import HANDLERS
from workers.task import do_work

WAITING = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"


async def somebody_waits(runtime: Runtime) -> None:
    """Until another transaction waits for a lock."""
    for _ in range(3000):
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


async def test_what_is_asked_for_while_a_round_fails_does_not_wait_for_the_back_off(runtime: Runtime) -> None:
    instance = await wish_for(runtime, await make_tenant(runtime))
    work_id = await work_of(runtime, instance)
    for rung, least, most in ((False, 200, 400), (True, 0, 2)):
        later(runtime, 400)
        async with runtime.database.begin(SYSTEM) as uow:
            claim = await work.claim(uow, work_id, 60)
        assert claim is not None
        async with runtime.database.begin(SYSTEM) as uow:
            if rung:
                uow.defer(ReconcileInstance(ref=instance.id, tenant_id=instance.tenant_id))
        async with runtime.database.begin(SYSTEM) as uow:
            await work.retry(uow, claim, after_seconds=300, error="x")
            row = await uow.session.get_one(Work, work_id)
            assert least <= (row.run_at - uow.now).total_seconds() <= most
