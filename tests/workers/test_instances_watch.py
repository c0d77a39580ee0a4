"""The sweep rings for what is on its way and reads what is in use; commands end; periodic work comes back."""

from typing import Any

import pytest
from sqlalchemy import Text, cast, delete, select, update

from app import jobs
from app.events.models import Event
from app.instances import service
from app.instances.models import Instance
from app.instances.trips import Tools
from app.instances.watching import unwatched
from app.kit.crypto import Secret
from app.kit.db import SYSTEM
from app.kit.work import Work
from app.providers.registry import Registry
from app.providers.whapi.adapter import WhapiCloud
from app.runtime import Runtime
from tests.conftest import Drain, Upstream
from tests.factories import make_ready_instance, make_tenant, read_instance
from tests.routes.inbound.test_hook import make_hook
from tests.workers.wishes import asked, holds, later, let_go, operation_of, reached, wish_for
from workers.main import HANDLERS, ensure_periodic
from workers.task import do_work


async def events_of(runtime: Runtime, instance: Instance) -> list[str]:
    """The types of an instance's own events, in order."""
    async with runtime.database.begin(SYSTEM) as uow:
        query = select(Event.type).where(Event.instance_id == instance.id, Event.type.like("instance.%"))
        return list(await uow.session.scalars(query.order_by(Event.sequence)))


async def run_sweep(runtime: Runtime) -> None:
    """One round of the sweep, now."""
    await ensure_periodic(runtime)
    async with runtime.database.begin(SYSTEM) as uow:
        row = (await uow.session.scalars(select(Work).where(Work.kind == jobs.SweepInstances.kind))).one()
        row.run_at = uow.now
    assert await do_work(runtime, HANDLERS, row.id)


async def test_a_lost_row_of_work_is_made_again(runtime: Runtime, drain: Drain, upstream: Upstream) -> None:
    instance = await wish_for(runtime, await make_tenant(runtime))
    async with runtime.database.begin(SYSTEM) as uow:
        await uow.session.execute(delete(Work))
    await run_sweep(runtime)
    await drain(until=reached(runtime, instance))
    await holds(runtime, upstream, instance)
    await let_go(runtime, instance)
    async with runtime.database.begin(SYSTEM) as uow:
        await uow.session.execute(delete(Work))
    await run_sweep(runtime)
    await drain(until=reached(runtime, instance, status="deleted"))


async def test_the_sweep_does_not_ring_for_what_waits_already(
    runtime: Runtime, drain: Drain, upstream: Upstream
) -> None:
    """A ring would cut a back-off short."""
    await upstream.faults({"method": "createInstance", "kind": "refuse", "times": 1})
    instance = await wish_for(runtime, await make_tenant(runtime))
    async with runtime.database.begin(SYSTEM) as uow:
        work_id = (await uow.session.scalars(select(Work.id).where(Work.ref == instance.id))).one()
    await do_work(runtime, HANDLERS, work_id)
    await run_sweep(runtime)
    async with runtime.database.begin(SYSTEM) as uow:
        row = await uow.session.get_one(Work, work_id)
        assert row.run_at > uow.now
        assert row.rung is False


async def test_polling_sees_what_no_notification_told(runtime: Runtime, drain: Drain, upstream: Upstream) -> None:
    instance = await make_ready_instance(runtime, drain, upstream, await make_tenant(runtime))
    async with runtime.database.begin(SYSTEM) as uow:
        (await uow.session.scalars(select(Instance))).one().hook_token_hash = b"nobody's"
    for act, connection in (("unlink", "unpaired"), ("scan", "connected"), ("block", "blocked")):
        await upstream.control("POST", f"instances/{instance.upstream_id}/{act}", {})
        await run_sweep(runtime)
        assert (await read_instance(runtime, instance.id)).connection != connection or act == "block"
        later(runtime, runtime.instance_options.state_poll_seconds)
        await run_sweep(runtime)
        assert (await read_instance(runtime, instance.id)).connection == connection


async def test_a_gateway_that_counts_calls_is_looked_at_within_its_limit(runtime: Runtime) -> None:
    """A trial of Whapi has 1,000 calls a month for all that is done with it. Source: help desk (read 2026-11-21)."""
    registry = Registry({("whapi", "live"): WhapiCloud("http://127.0.0.1:9", Secret("none"))})
    hooks = [await make_hook(runtime, provider=name, upstream_id=None) for name in ("whapi", "green_api")]
    async with runtime.database.begin(SYSTEM) as uow:
        values = {"upstream_account": cast(Instance.id, Text), "state_checked_at": uow.now}
        await uow.session.execute(update(Instance).values(values))
    often, seldom = runtime.instance_options.state_poll_seconds, WhapiCloud.traits.watch_seconds
    assert 30 * 86400 / seldom <= 750
    tools = Tools(runtime.database, runtime.instance_options)
    for seconds, due in ((0.0, []), (often, hooks[1:]), (seldom - often, hooks)):
        later(runtime, seconds)
        async with runtime.database.begin(SYSTEM) as uow:
            found = await unwatched(uow, tools, registry)
        assert {instance_id for _, instance_id in found} == {hook.instance_id for hook in due}


async def test_each_real_change_is_one_event(runtime: Runtime, drain: Drain, upstream: Upstream) -> None:
    instance = await make_ready_instance(runtime, drain, upstream, await make_tenant(runtime))
    for _ in range(3):
        later(runtime, 61)
        await run_sweep(runtime)
    await upstream.control("POST", f"instances/{instance.upstream_id}/unlink", {})
    for _ in range(3):
        later(runtime, 61)
        await run_sweep(runtime)
    told = await events_of(runtime, instance)
    assert told == ["instance.created", "instance.provisioned", "instance.connected", "instance.disconnected"]


async def test_a_gateway_that_does_not_answer_changes_nothing(
    runtime: Runtime, drain: Drain, upstream: Upstream
) -> None:
    instance = await make_ready_instance(runtime, drain, upstream, await make_tenant(runtime))
    await upstream.faults({"method": "getStateInstance", "kind": "status", "status": 502})
    later(runtime, 61)
    await run_sweep(runtime)
    row = await read_instance(runtime, instance.id)
    assert (row.connection, row.version) == ("connected", instance.version)
    before = await asked(upstream, "getStateInstance")
    await run_sweep(runtime)
    assert await asked(upstream, "getStateInstance") == before


@pytest.mark.parametrize("kind", [jobs.SweepInstances, jobs.ReconcileListing])
async def test_periodic_work_comes_back(runtime: Runtime, upstream: Upstream, kind: type[jobs.Periodic]) -> None:
    await ensure_periodic(runtime)
    async with runtime.database.begin(SYSTEM) as uow:
        before = (await uow.session.scalars(select(Work).where(Work.kind == kind.kind))).one()
    assert await do_work(runtime, HANDLERS, before.id)
    async with runtime.database.begin(SYSTEM) as uow:
        after = await uow.session.get_one(Work, before.id)
        assert after.run_at > uow.now
        assert (after.lease_token, after.dead_at, after.attempt) == (None, None, 0)


@pytest.mark.parametrize(
    "rule", [{"kind": "status", "status": 502, "times": 2}, {"kind": "lose_answer", "times": 1}, {"kind": "stall"}]
)
async def test_a_command_is_tried_until_it_is_known_done(
    runtime: Runtime, drain: Drain, upstream: Upstream, rule: dict[str, Any]
) -> None:
    instance = await make_ready_instance(runtime, drain, upstream, await make_tenant(runtime))
    await upstream.faults({"method": "logout", "times": 1, **rule})
    async with runtime.database.begin(instance.tenant_id) as uow:
        await service.command(uow, await service.find(uow, instance.id), "logout")

    async def is_over() -> bool:
        later(runtime, 0.5)
        return (await operation_of(runtime, instance, "logout")).status != "running"

    await drain(until=is_over)
    assert (await operation_of(runtime, instance, "logout")).status == "succeeded"
    assert (await read_instance(runtime, instance.id)).connection == "unpaired"


async def test_a_command_that_is_never_done_fails(runtime: Runtime, drain: Drain, upstream: Upstream) -> None:
    instance = await make_ready_instance(runtime, drain, upstream, await make_tenant(runtime))
    await upstream.faults({"method": "reboot", "kind": "status", "status": 502})
    async with runtime.database.begin(instance.tenant_id) as uow:
        await service.command(uow, await service.find(uow, instance.id), "reboot")

    async def is_over() -> bool:
        later(runtime, 2)
        return (await operation_of(runtime, instance, "reboot")).status == "failed"

    await drain(until=is_over)


async def test_a_command_of_an_instance_that_left_meanwhile_fails(
    runtime: Runtime, drain: Drain, upstream: Upstream
) -> None:
    instance = await make_ready_instance(runtime, drain, upstream, await make_tenant(runtime))
    async with runtime.database.begin(instance.tenant_id) as uow:
        await service.command(uow, await service.find(uow, instance.id), "reboot")
    await let_go(runtime, instance)
    await drain(until=reached(runtime, instance, status="deleted"))
    operation = await operation_of(runtime, instance, "reboot")
    assert operation.status == "failed"
    assert operation.error is not None
    assert operation.error["code"] == "instance_deleted"
