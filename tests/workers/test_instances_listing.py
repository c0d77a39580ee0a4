"""The listing beside our rows: what is one too many goes, slowly and surely; what is not ours is never touched."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from app.instances import listing, service
from app.instances.listing import Found
from app.instances.options import Options, RepairPolicy
from app.instances.tags import make_tag
from app.kit.db import SYSTEM
from app.kit.ids import new_id
from app.runtime import Runtime
from tests.conftest import PARTNER_LIVE, PARTNER_TEST, Drain, Upstream
from tests.factories import make_ready_instance, make_tenant, read_instance
from tests.workers.wishes import (
    asked,
    calls_of,
    failed_instance,
    findings_of,
    holds,
    later,
    let_go,
    make_account,
    operation_of,
    reached,
    truth_of,
    wish_for,
    work_of,
)
from workers.main import HANDLERS
from workers.task import do_work

WAIT_SECONDS = 30.0
"""Before a surplus goes: longer than two rounds take on a busy machine."""


async def compare(
    runtime: Runtime, *, dry_run: bool = False, approved: bool = False, policy: RepairPolicy = "delete"
) -> list[Found]:
    """One round; none of it is shared with a listing of before."""
    options: Options = replace(runtime.instance_options, repair_policy=policy, surplus_wait_seconds=WAIT_SECONDS)
    return await listing.compare(runtime.database, runtime.registry, options, dry_run=dry_run, approved=approved)


async def alive(upstream: Upstream) -> set[int]:
    return {item["id_instance"] for item in await upstream.instances() if item["deleted_at"] is None}


def actions(found: Sequence[Found]) -> list[tuple[str, str]]:
    return [(item.kind, item.action) for item in found]


async def test_a_surplus_goes_after_two_sightings_and_never_before(
    runtime: Runtime, drain: Drain, upstream: Upstream
) -> None:
    instance = await make_ready_instance(runtime, drain, upstream, await make_tenant(runtime))
    surplus = await make_account(runtime, instance.tag)
    assert actions(await compare(runtime)) == [("surplus", "wait")]
    assert actions(await compare(runtime)) == [("surplus", "wait")]
    assert surplus in await alive(upstream)
    later(runtime, WAIT_SECONDS + 1)
    assert actions(await compare(runtime)) == [("surplus", "delete")]
    await holds(runtime, upstream, instance, ever=2)
    (finding,) = await findings_of(runtime)
    assert (finding.kind, finding.outcome, finding.sightings) == ("surplus", "deleted", 3)
    assert finding.closed_at is not None
    (call,) = await calls_of(runtime, instance, "delete")
    assert call.outcome == "done"
    assert await compare(runtime) == []


async def test_a_long_wait_alone_is_no_second_sighting(runtime: Runtime, drain: Drain, upstream: Upstream) -> None:
    instance = await make_ready_instance(runtime, drain, upstream, await make_tenant(runtime))
    async with runtime.database.begin(SYSTEM) as uow:
        row = await service.find(uow, instance.id)
        surplus = await make_account(runtime, instance.tag)
        await service.seen_upstream(uow, row, str(surplus))
    later(runtime, 3600)
    assert actions(await compare(runtime)) == [("surplus", "wait")]
    assert surplus in await alive(upstream)


async def test_one_that_announces_itself_is_noted_and_looked_for(
    runtime: Runtime, drain: Drain, upstream: Upstream
) -> None:
    instance = await make_ready_instance(runtime, drain, upstream, await make_tenant(runtime))
    async with runtime.database.begin(SYSTEM) as uow:
        row = await service.find(uow, instance.id)
        await service.seen_upstream(uow, row, instance.upstream_account or "")
    assert await findings_of(runtime) == []
    async with runtime.database.begin(SYSTEM) as uow:
        row = await service.find(uow, instance.id)
        for _ in range(2):
            await service.seen_upstream(uow, row, "4242")
    (finding,) = await findings_of(runtime)
    assert (finding.kind, finding.upstream_account, finding.sightings) == ("surplus", "4242", 0)
    before = await asked(upstream, "getInstances")

    async def was_compared() -> bool:
        return await asked(upstream, "getInstances") > before

    await drain(until=was_compared)


@pytest.mark.parametrize("policy", ["delete", "adopt", "report"])
async def test_foreign_names_are_never_touched(
    runtime: Runtime, drain: Drain, upstream: Upstream, policy: RepairPolicy
) -> None:
    instance = await make_ready_instance(runtime, drain, upstream, await make_tenant(runtime))
    for tag in ("", "shop", make_tag("other", new_id()), make_tag("T2", instance.id), instance.tag[:-1] + "z"):
        await make_account(runtime, tag)
    before = await alive(upstream)
    for _ in range(3):
        assert await compare(runtime, policy=policy, approved=True) == []
        later(runtime, 3600)
    assert await alive(upstream) == before


@pytest.mark.parametrize(("policy", "stays"), [("delete", False), ("adopt", True), ("report", True)])
async def test_an_orphan_is_treated_by_policy(
    runtime: Runtime, upstream: Upstream, policy: RepairPolicy, stays: bool
) -> None:
    orphan = await make_account(runtime, make_tag("t", new_id()))
    for _ in range(3):
        found = await compare(runtime, policy=policy)
        later(runtime, 3600)
    assert (orphan in await alive(upstream)) is stays
    assert actions(found) == ([("orphan", "report")] if stays else [])
    (finding,) = await findings_of(runtime)
    assert finding.instance_id is None
    assert (finding.closed_at is None) is stays


async def test_more_than_a_twentieth_stops_the_round_until_it_is_approved(runtime: Runtime, upstream: Upstream) -> None:
    orphans = {await make_account(runtime, make_tag("t", new_id())) for _ in range(4)}
    await compare(runtime)
    later(runtime, 3600)
    for _ in range(3):
        assert actions(await compare(runtime)) == [("orphan", "held")] * 4
    assert await alive(upstream) == orphans
    assert {item.outcome for item in await findings_of(runtime)} == {"held"}
    assert actions(await compare(runtime, approved=True)) == [("orphan", "delete")] * 4
    assert await alive(upstream) == set()


async def test_a_dry_run_tells_the_same_and_does_nothing(runtime: Runtime, drain: Drain, upstream: Upstream) -> None:
    instance = await make_ready_instance(runtime, drain, upstream, await make_tenant(runtime))
    surplus = await make_account(runtime, instance.tag)
    assert actions(await compare(runtime, dry_run=True)) == [("surplus", "wait")]
    assert await findings_of(runtime) == []
    await compare(runtime)
    later(runtime, 3600)
    for _ in range(2):
        (found,) = await compare(runtime, dry_run=True)
        assert (found.action, found.upstream_account, found.instance_id) == ("delete", str(surplus), instance.id)
    assert surplus in await alive(upstream)


async def test_a_ghost_is_mourned_at_its_second_sighting(runtime: Runtime, drain: Drain, upstream: Upstream) -> None:
    instance = await make_ready_instance(runtime, drain, upstream, await make_tenant(runtime))
    await upstream.control("POST", f"instances/{instance.upstream_id}/vanish", {})
    assert await compare(runtime) == []
    later(runtime, 60)
    assert actions(await compare(runtime)) == [("ghost", "wait")]
    assert (await read_instance(runtime, instance.id)).connection == "connected"
    assert actions(await compare(runtime)) == [("ghost", "report")]
    row = await read_instance(runtime, instance.id)
    assert (row.status, row.connection) == ("active", "unknown")


async def test_one_that_vanished_before_it_was_ready_has_failed(
    runtime: Runtime, drain: Drain, upstream: Upstream
) -> None:
    instance = await wish_for(runtime, await make_tenant(runtime))
    await do_work(runtime, HANDLERS, await work_of(runtime, instance))
    row = await read_instance(runtime, instance.id)
    await upstream.control("POST", f"instances/{row.upstream_id}/vanish", {})
    later(runtime, 60)
    await compare(runtime)
    await compare(runtime)
    assert (await read_instance(runtime, instance.id)).status == "failed"
    assert (await operation_of(runtime, instance, "provision")).status == "failed"


async def test_a_listing_that_lags_makes_no_ghost(runtime: Runtime, drain: Drain, upstream: Upstream) -> None:
    await upstream.control("POST", "config", {"listing_lag_seconds": 5})
    instance = await make_ready_instance(runtime, drain, upstream, await make_tenant(runtime))
    for _ in range(3):
        assert await compare(runtime) == []
    assert (await read_instance(runtime, instance.id)).connection == "connected"


async def test_one_that_comes_after_it_was_given_up_is_adopted_by_policy(
    runtime: Runtime, drain: Drain, upstream: Upstream
) -> None:
    instance = await failed_instance(runtime, drain, upstream)
    await make_account(runtime, instance.tag)
    assert actions(await compare(runtime, policy="adopt")) == [("late", "adopt")]
    await drain(until=reached(runtime, instance))
    await holds(runtime, upstream, instance)


async def test_one_that_comes_after_it_was_given_up_goes_by_policy(
    runtime: Runtime, drain: Drain, upstream: Upstream
) -> None:
    instance = await failed_instance(runtime, drain, upstream)
    await make_account(runtime, instance.tag)
    assert actions(await compare(runtime)) == [("late", "wait")]
    later(runtime, 60)
    assert actions(await compare(runtime)) == [("late", "delete")]
    assert await alive(upstream) == set()


async def test_one_that_comes_while_it_is_still_wanted_is_adopted_whatever_the_policy(
    runtime: Runtime, drain: Drain, upstream: Upstream
) -> None:
    instance = await wish_for(runtime, await make_tenant(runtime))
    await make_account(runtime, instance.tag)
    assert actions(await compare(runtime, policy="report")) == [("late", "adopt")]
    await drain(until=reached(runtime, instance))
    await holds(runtime, upstream, instance)
    assert await calls_of(runtime, instance, "create") == []


async def test_one_that_comes_after_its_deletion_goes(runtime: Runtime, drain: Drain, upstream: Upstream) -> None:
    instance = await make_ready_instance(runtime, drain, upstream, await make_tenant(runtime), linked=False)
    await let_go(runtime, instance)
    await drain(until=reached(runtime, instance, status="deleted"))
    late = await make_account(runtime, instance.tag)
    assert actions(await compare(runtime)) == [("surplus", "wait")]
    later(runtime, 60)
    assert actions(await compare(runtime)) == [("surplus", "delete")]
    assert late not in await alive(upstream)


async def test_a_surplus_whose_deletion_is_not_known_is_deleted_again(
    runtime: Runtime, drain: Drain, upstream: Upstream
) -> None:
    instance = await make_ready_instance(runtime, drain, upstream, await make_tenant(runtime), linked=False)
    await make_account(runtime, instance.tag)
    await compare(runtime)
    later(runtime, 60)
    await upstream.faults({"method": "deleteInstanceAccount", "kind": "lose_request", "times": 1})
    await compare(runtime)
    (finding,) = await findings_of(runtime)
    assert finding.closed_at is None
    await compare(runtime)
    await holds(runtime, upstream, instance, ever=2)
    assert [call.outcome for call in await calls_of(runtime, instance, "delete")] == ["unknown", "done"]


async def test_upstreams_own_time_of_creation_is_taken(runtime: Runtime, drain: Drain, upstream: Upstream) -> None:
    instance = await make_ready_instance(runtime, drain, upstream, await make_tenant(runtime))
    assert instance.upstream_created_at is not None
    await compare(runtime)
    row = await read_instance(runtime, instance.id)
    (truth,) = await truth_of(upstream, instance)
    assert row.upstream_created_at is not None
    assert row.upstream_created_at.isoformat(timespec="milliseconds")[:23] == truth["created_at"][:23]
    assert row.upstream_seen_at is not None
    assert row.version == instance.version


async def test_a_listing_that_cannot_be_had_changes_nothing(runtime: Runtime, drain: Drain, upstream: Upstream) -> None:
    instance = await make_ready_instance(runtime, drain, upstream, await make_tenant(runtime))
    later(runtime, 3600)
    for kind in ("status", "garbage", "half_body", "lose_answer"):
        await upstream.faults({"method": "getInstances", "kind": kind, "times": 9})
        for _ in range(2):
            assert set(actions(await compare(runtime))) == {("unread", "none")}
    row = await read_instance(runtime, instance.id)
    assert (row.status, row.connection) == ("active", "connected")
    assert await findings_of(runtime) == []


async def test_each_environment_has_its_own_account_upstream(
    runtime: Runtime, drain: Drain, upstream: Upstream
) -> None:
    tenant = await make_tenant(runtime)
    live = await make_ready_instance(runtime, drain, upstream, tenant, name="Live", quota_free=True)
    test = await make_ready_instance(runtime, drain, upstream, tenant, environment="test", name="Test", quota_free=True)
    (of_live,), (of_test,) = await truth_of(upstream, live), await truth_of(upstream, test)
    assert (of_live["partner_token"], of_test["partner_token"]) == (PARTNER_LIVE, PARTNER_TEST)
    later(runtime, 3600)
    for _ in range(2):
        assert await compare(runtime) == []


async def test_two_rounds_at_once_count_each_sighting(runtime: Runtime, upstream: Upstream) -> None:
    await make_account(runtime, make_tag("t", new_id()))
    await asyncio.gather(*(compare(runtime) for _ in range(3)))
    (finding,) = await findings_of(runtime)
    assert finding.sightings == 3
