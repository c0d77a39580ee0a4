"""An instance that was given up gets a second chance from the operator, and no second account."""

import time
from dataclasses import replace

import pytest
from sqlalchemy import update

from app.instances import findings, listing, reconcile, retrying, service
from app.instances.models import Finding, Instance
from app.instances.retrying import AccountGone, AccountLeaving, NotFailed
from app.instances.trips import Tools
from app.kit import ids, work
from app.kit.db import SYSTEM
from app.operations import service as operations
from app.operations.models import Operation
from app.operations.service import NotCancellable
from app.runtime import Runtime
from app.suppliers import service as suppliers
from tests.conftest import Drain, Upstream
from tests.factories import make_ready_instance, make_tenant, read_instance
from tests.workers.wishes import (
    asked,
    calls_of,
    failed_instance,
    holds,
    later,
    make_account,
    operation_of,
    reached,
    truth_of,
    wish_for,
    work_of,
)


async def retry(runtime: Runtime, instance: Instance) -> Operation:
    async with runtime.database.begin(SYSTEM) as uow:
        return await retrying.retry(uow, await service.find(uow, instance.id))


async def test_it_is_provisioned_under_a_new_operation_that_names_the_old(
    runtime: Runtime, drain: Drain, upstream: Upstream
) -> None:
    instance = await failed_instance(runtime, drain, upstream)
    before = await operation_of(runtime, instance, "provision")
    operation = await retry(runtime, instance)
    assert operation.input == {"retry_of": ids.to_wire(ids.OPERATION, before.id)}
    await drain(until=reached(runtime, instance))
    await holds(runtime, upstream, instance)
    async with runtime.database.begin(SYSTEM) as uow:
        ended = await operations.find(uow, operation.id)
    assert (ended.status, ended.attempts) == ("succeeded", 1)
    assert (await read_instance(runtime, instance.id)).failure is None


async def test_it_has_all_its_tries_again(runtime: Runtime, drain: Drain, upstream: Upstream) -> None:
    instance = await failed_instance(runtime, drain, upstream)
    await upstream.faults({"method": "createInstance", "kind": "lose_request", "times": 2})
    await retry(runtime, instance)

    async def is_ready() -> bool:
        later(runtime, 1)
        return await reached(runtime, instance)()

    await drain(until=is_ready)
    assert [call.outcome for call in await calls_of(runtime, instance, "create")] == ["unknown"] * 5 + ["done"]


async def test_one_that_came_too_late_is_adopted_and_none_created(
    runtime: Runtime, drain: Drain, upstream: Upstream
) -> None:
    instance = await failed_instance(runtime, drain, upstream)
    gateway = runtime.registry.get("green_api", "live")
    async with runtime.database.begin(SYSTEM) as uow:
        row = await service.find(uow, instance.id)
        wish = await service.wish(uow, row, runtime.instance_options, gateway.traits)
    await gateway.create(wish)
    creates = await asked(upstream, "createInstance")
    await retry(runtime, instance)
    await drain(until=reached(runtime, instance))
    await holds(runtime, upstream, instance)
    assert await asked(upstream, "createInstance") == creates


async def test_only_what_failed_is_tried_again(runtime: Runtime, drain: Drain, upstream: Upstream) -> None:
    queued = await wish_for(runtime, await make_tenant(runtime))
    ready = await make_ready_instance(runtime, drain, upstream, await make_tenant(runtime), linked=False)
    failed = await failed_instance(runtime, drain, upstream)
    operation = await retry(runtime, failed)
    for instance in (queued, ready, failed):
        with pytest.raises(NotFailed):
            await retry(runtime, instance)
    with pytest.raises(NotCancellable):
        async with runtime.database.begin(failed.tenant_id) as uow:
            await operations.cancel(uow, await operations.find(uow, operation.id))


async def test_one_whose_account_vanished_is_not_tried_again(
    runtime: Runtime, drain: Drain, upstream: Upstream
) -> None:
    instance = await failed_instance(runtime, drain, upstream)
    async with runtime.database.begin(SYSTEM) as uow:
        row = await service.find(uow, instance.id)
        row.upstream_id, row.upstream_deleted_at = 4242, uow.now
    with pytest.raises(AccountGone):
        await retry(runtime, instance)


async def test_nothing_is_tried_while_an_account_of_its_tag_is_being_deleted(
    runtime: Runtime, drain: Drain, upstream: Upstream
) -> None:
    instance = await failed_instance(runtime, drain, upstream)
    late_id = await make_account(runtime, instance.tag)
    async with runtime.database.begin(SYSTEM) as uow:
        row = await service.find(uow, instance.id)
        await findings.note(uow, row, "late", str(late_id), policy="delete")
        await uow.session.execute(update(Finding).values(outcome="deleting"))
    with pytest.raises(AccountLeaving):
        await retry(runtime, instance)
    options = replace(runtime.instance_options, repair_policy="report")
    await listing.compare(runtime.database, runtime.registry, options, dry_run=False)
    await retry(runtime, instance)
    await drain(until=reached(runtime, instance))
    await holds(runtime, upstream, instance)


async def test_a_create_that_its_worker_could_not_begin_in_time_is_not_begun(
    runtime: Runtime, drain: Drain, upstream: Upstream
) -> None:
    instance = await wish_for(runtime, await make_tenant(runtime))
    tools = Tools(runtime.database, runtime.instance_options)
    async with runtime.database.begin(SYSTEM) as uow:
        claim = await work.claim(uow, await work_of(runtime, instance), 60)
    assert claim is not None
    async with runtime.database.begin(SYSTEM) as uow:
        plan = await reconcile._plan(uow, tools, runtime.registry, claim)
    assert plan is not None
    await reconcile._create(tools, runtime.registry, replace(plan, planned=time.monotonic() - 60))
    assert await truth_of(upstream, instance) == []
    assert [call.outcome for call in await calls_of(runtime, instance, "create")] == ["refused"]
    async with runtime.database.begin(SYSTEM) as uow:
        assert (await suppliers.find(uow, instance.provider, "live")).failures == 0  # it was not the gateway's
    later(runtime, 5)
    await drain(until=reached(runtime, instance))
    await holds(runtime, upstream, instance)
