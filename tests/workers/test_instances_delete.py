"""A deletion ends, wherever its worker dies, and its receipt tells what truly happened."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from app.accounts.vault import open_vault
from app.events.models import Event
from app.inbound.models import Notice
from app.instances import reconcile, service
from app.instances.deletion import digest_of
from app.instances.lifecycle import Step
from app.instances.models import Instance
from app.instances.trips import Tools
from app.kit.db import SYSTEM
from app.kit.ids import new_id
from app.kit.work import Claim
from app.messages.models import Message
from app.plans import service as plans
from app.plans.refusals import PlanLimitReached
from app.runtime import Runtime
from tests.conftest import Drain, Upstream
from tests.factories import make_ready_instance, make_tenant, read_instance
from tests.workers.wishes import (
    asked,
    calls_of,
    dying,
    failed_instance,
    later,
    let_go,
    operation_of,
    reached,
    truth_of,
    wish_for,
    work_of,
)
from workers.instances import ERASERS
from workers.main import HANDLERS
from workers.task import do_work


def fault(method: str, kind: str, times: int = 1, **more: Any) -> dict[str, Any]:
    return {"method": method, "kind": kind, "times": times, **more}


async def gone(runtime: Runtime, drain: Drain, instance: Instance) -> dict[str, Any]:
    """Let the deletion run to its end, time flying; its receipt."""

    async def is_over() -> bool:
        later(runtime, 0.5)
        return await reached(runtime, instance, status="deleted")()

    await drain(until=is_over, seconds=40)
    operation = await operation_of(runtime, instance, "delete")
    assert operation.status == "succeeded"
    assert operation.result is not None
    assert operation.result["digest"] == digest_of(operation.result)
    return operation.result


async def test_a_linked_phone_is_logged_out_before_the_account_goes(
    runtime: Runtime, drain: Drain, upstream: Upstream
) -> None:
    instance = await make_ready_instance(runtime, drain, upstream, await make_tenant(runtime))
    await let_go(runtime, instance)
    receipt = await gone(runtime, drain, instance)
    assert (receipt["logged_out"], receipt["queues_cleared"], receipt["had_upstream"]) == (True, True, True)
    (truth,) = await truth_of(upstream, instance)
    assert truth["deleted_at"] is not None
    assert truth["linked_device_left"] is False
    assert receipt["seen_deleted_at"] >= receipt["upstream_deleted_at"] >= receipt["requested_at"]


@pytest.mark.parametrize("dies_at", [2, 3])
async def test_it_resumes_wherever_its_worker_dies(
    runtime: Runtime, drain: Drain, upstream: Upstream, dies_at: int
) -> None:
    """At every station once the worker dies: before the act (the plan is made, the record is not), and after it."""
    instance = await make_ready_instance(runtime, drain, upstream, await make_tenant(runtime))
    await let_go(runtime, instance)
    died: set[str] = set()

    async def die_once_at_each(one: Runtime, claim: Claim) -> None:
        station = str((await read_instance(runtime, instance.id)).delete_step)
        if station in died:
            await HANDLERS["instance.reconcile"](one, claim)
            return
        died.add(station)
        tools = Tools(dying(runtime, dies_at - 1), runtime.instance_options, ERASERS)
        await reconcile.reconcile(tools, runtime.registry, claim)

    handlers = {**HANDLERS, "instance.reconcile": die_once_at_each}
    for _ in range(60):
        if (await read_instance(runtime, instance.id)).status == "deleted":
            break
        await do_work(runtime, handlers, await work_of(runtime, instance))
        later(runtime, 2)
    receipt = await gone(runtime, drain, instance)
    assert receipt["logged_out"] is True
    assert receipt["seen_deleted_at"] is not None
    assert len(await truth_of(upstream, instance)) == 1
    stations = {str(step) for step in list(Step)[4:]}
    assert died >= stations - {str(Step.CLEAR_QUEUES), str(Step.DRAIN)}  # the latter is for what a move left
    assert "None" in died


@pytest.mark.parametrize("kind", ["lose_request", "lose_answer", "half_body", "garbage", "done_then_status", "status"])
async def test_a_delete_of_unknown_outcome_is_repeated_until_it_is_known(
    runtime: Runtime, drain: Drain, upstream: Upstream, kind: str
) -> None:
    instance = await make_ready_instance(runtime, drain, upstream, await make_tenant(runtime), linked=False)
    await upstream.faults(fault("deleteInstanceAccount", kind, 2, status=502 if "status" in kind else None))
    await let_go(runtime, instance)
    await gone(runtime, drain, instance)
    (truth,) = await truth_of(upstream, instance)
    assert truth["deleted_at"] is not None
    assert [call.outcome for call in await calls_of(runtime, instance, "delete")] == ["unknown", "unknown", "done"]


async def test_a_delete_that_upstream_only_said_it_did_is_seen_through_and_done_again(
    runtime: Runtime, drain: Drain, upstream: Upstream
) -> None:
    instance = await make_ready_instance(runtime, drain, upstream, await make_tenant(runtime), linked=False)
    said = {"status": 200, "body": {"deleteInstanceAccount": True}}
    await upstream.faults(fault("deleteInstanceAccount", "refuse", 1, **said))
    await let_go(runtime, instance)
    receipt = await gone(runtime, drain, instance)
    (truth,) = await truth_of(upstream, instance)
    assert truth["deleted_at"] is not None
    assert receipt["seen_deleted_at"] is not None


async def test_what_could_not_be_confirmed_is_said_so(runtime: Runtime, drain: Drain, upstream: Upstream) -> None:
    instance = await make_ready_instance(runtime, drain, upstream, await make_tenant(runtime))
    await upstream.faults(
        fault("logout", "status", 99, status=502),
        fault("clearMessagesQueue", "status", 99, status=502),
        fault("getInstances", "status", 99, status=502),
    )
    await let_go(runtime, instance)
    receipt = await gone(runtime, drain, instance)
    assert receipt["logged_out"] is False
    assert receipt["queues_cleared"] is False
    assert receipt["seen_deleted_at"] is None
    assert receipt["upstream_deleted_at"] is not None
    (truth,) = await truth_of(upstream, instance)
    assert truth["deleted_at"] is not None


async def test_an_account_that_vanished_upstream_is_deleted_all_the_same(
    runtime: Runtime, drain: Drain, upstream: Upstream
) -> None:
    instance = await make_ready_instance(runtime, drain, upstream, await make_tenant(runtime))
    await upstream.control("POST", f"instances/{instance.upstream_id}/vanish", {})
    await let_go(runtime, instance)
    receipt = await gone(runtime, drain, instance)
    assert receipt["logged_out"] is False
    assert receipt["seen_deleted_at"] is not None


async def test_unused_days_go_back_and_are_told(runtime: Runtime, drain: Drain, upstream: Upstream) -> None:
    instance = await make_ready_instance(runtime, drain, upstream, await make_tenant(runtime))
    async with runtime.database.begin(SYSTEM) as uow:
        await plans.go_live(uow, instance.tenant_id, instance.id, days=30, source="test", note=None)
    await let_go(runtime, instance)
    receipt = await gone(runtime, drain, instance)
    assert receipt["reclaimed_days"] in (29, 30)


async def test_what_was_kept_of_the_instance_is_erased(runtime: Runtime, drain: Drain, upstream: Upstream) -> None:
    instance = await make_ready_instance(runtime, drain, upstream, await make_tenant(runtime))
    canary = "canary-79995554433"
    async with runtime.database.begin(SYSTEM) as uow:
        vault = await open_vault(uow, instance.tenant_id)
        ours = {"tenant_id": instance.tenant_id, "instance_id": instance.id}
        for number in range(3):
            uow.session.add(
                Message(
                    **ours,
                    id=new_id(),
                    direction="inbound",
                    kind="text",
                    chat_id=canary,
                    content={"text": canary},
                    status="received",
                    upstream_message_id=f"m{number}",
                    created_at=uow.now,
                    updated_at=uow.now,
                )
            )
            uow.session.add(
                Notice(
                    **ours,
                    id=new_id(),
                    dedupe=bytes([number]),
                    kind="k",
                    state="accepted",
                    body_sealed=vault.seal(canary, "x"),
                    received_at=uow.now,
                )
            )
    await let_go(runtime, instance)
    receipt = await gone(runtime, drain, instance)
    assert receipt["erased"]["messages"] == 3
    assert receipt["erased"]["notices"] >= 3
    assert receipt["erased"]["events"] >= 4
    async with runtime.database.begin(SYSTEM) as uow:
        for model in (Message, Notice):
            assert await uow.session.scalar(select(func.count()).select_from(model)) == 0
        told = [event.data for event in await uow.session.scalars(select(Event).order_by(Event.sequence))]
        assert "79990001122" not in str(told)
    row = await read_instance(runtime, instance.id)
    assert row.upstream_token_sealed is None
    assert row.hook_token_sealed == row.hook_token_hash == b""
    assert row.phone is None
    assert row.deleted_at is not None
    assert await asked(upstream, "deleteInstanceAccount") == 1


async def test_a_neighbours_data_stays(runtime: Runtime, drain: Drain, upstream: Upstream) -> None:
    ada, bo = await make_tenant(runtime, name="Ada"), await make_tenant(runtime, name="Bo")
    leaving = await make_ready_instance(runtime, drain, upstream, ada, linked=False)
    staying = await make_ready_instance(runtime, drain, upstream, bo)
    await let_go(runtime, leaving)
    await gone(runtime, drain, leaving)
    row = await read_instance(runtime, staying.id)
    assert (row.status, row.connection, row.phone) == ("active", "connected", "79990001122")
    (truth,) = await truth_of(upstream, staying)
    assert truth["deleted_at"] is None
    async with runtime.database.begin(bo.tenant_id) as uow:
        kinds = list(await uow.session.scalars(select(Event.type).where(Event.data.has_key("erased"))))
    assert kinds == []


async def test_an_account_that_the_gateway_never_gave_leaves_the_trial_unused(
    runtime: Runtime, drain: Drain, upstream: Upstream
) -> None:
    async def next_one(tenant_id: UUID) -> None:
        async with runtime.database.begin(SYSTEM) as uow:
            await service.request_instance(
                uow,
                tenant_id=tenant_id,
                environment="live",
                name="B",
                provider="green_api",
                metadata={},
                options=runtime.instance_options,
            )

    failed = await failed_instance(runtime, drain, upstream)
    with pytest.raises(PlanLimitReached):
        await next_one(failed.tenant_id)
    await let_go(runtime, failed)
    await drain(until=reached(runtime, failed, status="deleted"))
    await next_one(failed.tenant_id)

    given = await wish_for(runtime, await make_tenant(runtime))
    await do_work(runtime, HANDLERS, await work_of(runtime, given))
    assert (await read_instance(runtime, given.id)).status == "provisioning"
    await let_go(runtime, given)
    await drain(until=reached(runtime, given, status="deleted"))
    with pytest.raises(PlanLimitReached):
        await next_one(given.tenant_id)
