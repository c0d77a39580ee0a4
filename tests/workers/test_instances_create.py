"""Whatever happens to a create, a row gets one upstream account and no second one."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from app.instances import listing, reconcile, service
from app.instances.trips import Tools
from app.kit import work
from app.kit.db import SYSTEM
from app.kit.work import Claim, Work
from app.runtime import Runtime
from tests.conftest import Drain, Upstream
from tests.factories import make_tenant, read_instance
from tests.workers.wishes import (
    asked,
    calls_of,
    dying,
    findings_of,
    holds,
    later,
    let_go,
    operation_of,
    reached,
    truth_of,
    wish_for,
    work_of,
)
from workers.main import HANDLERS
from workers.task import do_work


def fault(kind: str, times: int = 1, method: str = "createInstance", **more: Any) -> dict[str, Any]:
    return {"method": method, "kind": kind, "times": times, **more}


@pytest.mark.parametrize(
    ("rule", "outcomes"),
    [
        (fault("lose_request"), ["unknown", "done"]),
        (fault("lose_answer"), ["unknown"]),
        (fault("late", delay_seconds=1.7), ["unknown"]),
        (fault("slow_answer", delay_seconds=1.7), ["unknown"]),
        (fault("half_body"), ["unknown"]),
        (fault("garbage"), ["unknown"]),
        (fault("done_then_status", status=502), ["unknown"]),
        (fault("done_then_status", status=500), ["unknown"]),
        (fault("status", status=502), ["unknown", "done"]),
        (fault("status", status=429), ["refused", "done"]),
        (fault("refuse"), ["refused", "done"]),
        (fault("plain_text_400"), ["refused", "done"]),
    ],
    ids=lambda value: value["kind"] + str(value.get("status", "")) if isinstance(value, dict) else "",
)
async def test_one_account_whatever_becomes_of_the_answer(
    runtime: Runtime, drain: Drain, upstream: Upstream, rule: dict[str, Any], outcomes: list[str]
) -> None:
    await upstream.faults(rule)
    instance = await wish_for(runtime, await make_tenant(runtime))
    await drain(until=reached(runtime, instance))
    await holds(runtime, upstream, instance)
    assert [call.outcome for call in await calls_of(runtime, instance, "create")] == outcomes
    operation = await operation_of(runtime, instance, "provision")
    assert operation.status == "succeeded"
    assert operation.attempts == len(outcomes)


async def test_an_answer_lost_while_the_listing_lags(runtime: Runtime, drain: Drain, upstream: Upstream) -> None:
    await upstream.control("POST", "config", {"listing_lag_seconds": 1.2})
    await upstream.faults(fault("lose_answer"))
    instance = await wish_for(runtime, await make_tenant(runtime))
    await drain(until=reached(runtime, instance))
    await holds(runtime, upstream, instance)


async def test_nothing_is_created_again_before_the_quiet_period_is_over(
    runtime: Runtime, drain: Drain, upstream: Upstream
) -> None:
    await upstream.faults(fault("lose_request"))
    instance = await wish_for(runtime, await make_tenant(runtime))
    await drain(until=reached(runtime, instance))
    first, second = await calls_of(runtime, instance, "create")
    quiet = runtime.instance_options.quiet_seconds
    assert (second.started_at - first.started_at).total_seconds() >= quiet


async def test_the_wish_is_written_down_before_the_first_byte(
    runtime: Runtime, drain: Drain, upstream: Upstream
) -> None:
    """While the create is on its way the row and the call are there for everybody to see."""
    await upstream.faults(fault("slow_answer", delay_seconds=1.3))
    instance = await wish_for(runtime, await make_tenant(runtime))
    task = asyncio.create_task(do_work(runtime, HANDLERS, await work_of(runtime, instance)))
    while not await truth_of(upstream, instance):
        await asyncio.sleep(0.02)
    row = await read_instance(runtime, instance.id)
    assert row.calling_since is not None
    assert row.upstream_id is None
    (call,) = await calls_of(runtime, instance, "create")
    assert (call.tag, call.attempt, call.outcome) == (instance.tag, 1, None)
    await task
    await drain(until=reached(runtime, instance))
    await holds(runtime, upstream, instance)


@pytest.mark.parametrize("dies_at", [2, 3])
async def test_a_worker_that_dies_between_act_and_record_leaves_one_account(
    runtime: Runtime, drain: Drain, upstream: Upstream, dies_at: int
) -> None:
    instance = await wish_for(runtime, await make_tenant(runtime))
    died = []

    async def die(_: Runtime, claim: Claim) -> None:
        died.append(claim.id)
        tools = Tools(dying(runtime, dies_at - 1), runtime.instance_options)
        await reconcile.reconcile(tools, runtime.registry, claim)

    handlers = {**HANDLERS, "instance.reconcile": die}
    await do_work(runtime, handlers, await work_of(runtime, instance))
    assert died
    assert len(await truth_of(upstream, instance)) == dies_at - 2
    later(runtime, 3)
    await drain(until=reached(runtime, instance))
    await holds(runtime, upstream, instance)


async def test_a_worker_that_lost_its_lease_records_nothing(runtime: Runtime, drain: Drain, upstream: Upstream) -> None:
    await upstream.faults(fault("slow_answer", delay_seconds=1.3))
    instance = await wish_for(runtime, await make_tenant(runtime))
    work_id = await work_of(runtime, instance)
    slow = asyncio.create_task(do_work(runtime, HANDLERS, work_id))
    while not await truth_of(upstream, instance):
        await asyncio.sleep(0.02)
    async with runtime.database.begin(SYSTEM) as uow:
        row = await uow.session.get_one(Work, work_id)
        row.lease_until = None
        row.run_at = uow.now
    async with runtime.database.begin(SYSTEM) as uow:
        assert await work.claim(uow, work_id, 0.1) is not None
    await slow
    assert (await read_instance(runtime, instance.id)).upstream_id is None
    await drain(until=reached(runtime, instance))
    await holds(runtime, upstream, instance)


async def test_a_worker_that_is_told_to_stop_in_the_middle(runtime: Runtime, drain: Drain, upstream: Upstream) -> None:
    await upstream.faults(fault("slow_answer", delay_seconds=1.3))
    instance = await wish_for(runtime, await make_tenant(runtime))
    task = asyncio.create_task(do_work(runtime, HANDLERS, await work_of(runtime, instance)))
    while not await truth_of(upstream, instance):
        await asyncio.sleep(0.02)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await drain(until=reached(runtime, instance))
    await holds(runtime, upstream, instance)


async def test_many_workers_at_once_take_one_step(runtime: Runtime, drain: Drain, upstream: Upstream) -> None:
    instance = await wish_for(runtime, await make_tenant(runtime))
    work_id = await work_of(runtime, instance)
    took = await asyncio.gather(*(do_work(runtime, HANDLERS, work_id) for _ in range(5)))
    assert sum(took) == 1
    await drain(until=reached(runtime, instance))
    await holds(runtime, upstream, instance)


async def test_one_listing_serves_all_who_wait(runtime: Runtime, drain: Drain, upstream: Upstream) -> None:
    await upstream.faults(fault("lose_answer", times=12))
    tenant = await make_tenant(runtime)
    instances = [await wish_for(runtime, tenant, f"N{number}") for number in range(12)]
    before = await asked(upstream, "getInstances")
    await drain(until=reached(runtime, *instances))
    assert await asked(upstream, "getInstances") - before < len(instances)
    for instance in instances:
        await holds(runtime, upstream, instance)


async def test_an_account_hidden_from_the_listing_by_a_failure_is_not_created_again(
    runtime: Runtime, drain: Drain, upstream: Upstream
) -> None:
    """A listing that cannot be had proves nothing."""
    await upstream.faults(
        fault("lose_answer"), fault("half_body", times=4, method="getInstances"), fault("status", 2, "getInstances")
    )
    instance = await wish_for(runtime, await make_tenant(runtime))
    await drain(until=reached(runtime, instance))
    await holds(runtime, upstream, instance)


async def test_after_three_lost_creates_it_fails_with_a_reason(
    runtime: Runtime, drain: Drain, upstream: Upstream
) -> None:
    await upstream.faults(fault("lose_request", times=99))
    instance = await wish_for(runtime, await make_tenant(runtime))

    async def is_over() -> bool:
        later(runtime, 1)
        return await reached(runtime, instance, status="failed")()

    await drain(until=is_over)
    assert await truth_of(upstream, instance) == []
    row = await read_instance(runtime, instance.id)
    assert row.failure is not None
    assert "3" in row.failure
    operation = await operation_of(runtime, instance, "provision")
    assert operation.status == "failed"
    assert operation.error is not None
    assert operation.error["code"] == "upstream_error"
    assert len(await calls_of(runtime, instance, "create")) == 3


async def test_a_refusing_gateway_is_asked_again_until_it_agrees(
    runtime: Runtime, drain: Drain, upstream: Upstream
) -> None:
    await upstream.faults(fault("refuse", times=6))
    instance = await wish_for(runtime, await make_tenant(runtime))

    async def is_over() -> bool:
        later(runtime, 30)
        return await reached(runtime, instance)()

    await drain(until=is_over)
    await holds(runtime, upstream, instance)
    assert len(await calls_of(runtime, instance, "create")) == 7


async def test_settings_that_read_back_otherwise_are_set_again(
    runtime: Runtime, drain: Drain, upstream: Upstream
) -> None:
    instance = await wish_for(runtime, await make_tenant(runtime))
    await do_work(runtime, HANDLERS, await work_of(runtime, instance))
    row = await read_instance(runtime, instance.id)
    provider = runtime.registry.get("green_api", "live")
    async with runtime.database.begin(SYSTEM) as uow:
        credentials = await service.credentials(uow, row)
        wish = await service.wish(uow, row, runtime.instance_options, provider.traits)
    other = type(wish)(wish.tag, wish.hook_url + "/other", wish.hook_token)
    for _ in range(100):
        try:
            await provider.configure(credentials, other)
            break
        except Exception:
            await asyncio.sleep(0.02)
    await drain(until=reached(runtime, instance))
    (truth,) = await truth_of(upstream, instance)
    assert truth["settings"]["webhookUrl"] == wish.hook_url
    assert await asked(upstream, "setSettings") >= 2


async def test_a_wish_taken_back_while_its_create_is_open_leaves_nothing(
    runtime: Runtime, drain: Drain, upstream: Upstream
) -> None:
    """The create is found first, then deleted: nothing may be called gone while it could still come."""
    await upstream.faults(fault("late", delay_seconds=1.6))
    instance = await wish_for(runtime, await make_tenant(runtime))
    await do_work(runtime, HANDLERS, await work_of(runtime, instance))
    assert (await read_instance(runtime, instance.id)).calling_since is not None
    await let_go(runtime, instance)
    await drain(until=reached(runtime, instance, status="deleted"))
    (truth,) = await truth_of(upstream, instance)
    assert truth["deleted_at"] is not None
    assert (await operation_of(runtime, instance, "provision")).status == "cancelled"
    receipt = (await operation_of(runtime, instance, "delete")).result
    assert receipt is not None
    assert receipt["had_upstream"] is True
    assert receipt["seen_deleted_at"] is not None


async def test_a_wish_taken_back_during_the_call_leaves_nothing(
    runtime: Runtime, drain: Drain, upstream: Upstream
) -> None:
    await upstream.faults(fault("slow_answer", delay_seconds=1.3))
    instance = await wish_for(runtime, await make_tenant(runtime))
    task = asyncio.create_task(do_work(runtime, HANDLERS, await work_of(runtime, instance)))
    while not await truth_of(upstream, instance):
        await asyncio.sleep(0.02)
    await let_go(runtime, instance)
    await task
    await drain(until=reached(runtime, instance, status="deleted"))
    (truth,) = await truth_of(upstream, instance)
    assert truth["deleted_at"] is not None


async def test_a_wish_taken_back_before_anything_was_done_asks_nothing_upstream(
    runtime: Runtime, drain: Drain, upstream: Upstream
) -> None:
    instance = await wish_for(runtime, await make_tenant(runtime))
    await let_go(runtime, instance)
    await drain(until=reached(runtime, instance, status="deleted"))
    assert await truth_of(upstream, instance) == []
    assert await asked(upstream, "createInstance") == 0
    receipt = (await operation_of(runtime, instance, "delete")).result
    assert receipt is not None
    assert receipt["had_upstream"] is False
    assert receipt["logged_out"] is False


async def test_a_create_far_beyond_the_quiet_period_is_repaired(
    runtime: Runtime, drain: Drain, upstream: Upstream
) -> None:
    """Outside the upstream's declared bounds a second account may come to be; it does not stay."""
    await upstream.faults(fault("late", delay_seconds=6))
    instance = await wish_for(runtime, await make_tenant(runtime))
    await drain(until=reached(runtime, instance))
    while len(await truth_of(upstream, instance)) < 2 or not await findings_of(runtime):  # it announces itself
        await asyncio.sleep(0.05)
    for _ in range(2):
        await listing.compare(runtime.database, runtime.registry, runtime.instance_options, dry_run=False)
        later(runtime, 1)
    await holds(runtime, upstream, instance, ever=2)
    assert [(item.kind, item.outcome) for item in await findings_of(runtime)] == [("surplus", "deleted")]


async def test_an_account_that_never_gets_ready_ends_the_wait_and_is_watched_on(
    runtime: Runtime, drain: Drain, upstream: Upstream
) -> None:
    await upstream.control("POST", "config", {"starting_seconds": 3600.0})
    instance = await wish_for(runtime, await make_tenant(runtime))

    async def is_made() -> bool:
        return (await read_instance(runtime, instance.id)).upstream_id is not None

    async def has_failed() -> bool:
        return (await operation_of(runtime, instance, "provision")).status == "failed"

    await drain(until=is_made)
    runtime.database.shift += timedelta(minutes=29)
    await drain(until=is_made)
    assert not await has_failed()
    runtime.database.shift += timedelta(minutes=2)
    await drain(until=has_failed)
    late = await read_instance(runtime, instance.id)
    assert (late.status, late.failure is not None) == ("provisioning", True)
    await upstream.control("POST", "clock", {"advance_seconds": 3700})
    runtime.database.shift += timedelta(minutes=1)
    await drain(until=reached(runtime, instance))
    assert (await read_instance(runtime, instance.id)).failure is None
