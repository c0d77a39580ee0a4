"""Trial, live, extended, closed; and what is told of it."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.events.models import Event
from app.instances.models import Instance
from app.kit.db import SYSTEM
from app.kit.errors import Gone, InvalidRequest, NotFound
from app.kit.ids import new_id
from app.ledger import service as ledger
from app.ledger.service import HOUSE, POOL, instance_account
from app.plans import service as plans
from app.plans.models import Subscription
from app.plans.refusals import PlanLimitReached
from app.plans.service import SourceReused
from app.runtime import Runtime
from tests.verbs.bare import Bare, make_bare

DAY = timedelta(days=1)


async def _live(runtime: Runtime, bare: Bare, days: int, source: str) -> Subscription:
    async with runtime.database.begin(SYSTEM) as uow:
        return await plans.go_live(uow, bare.tenant_id, bare.instance_id, days=days, source=source, note="by hand")


async def _close(runtime: Runtime, bare: Bare) -> int:
    async with runtime.database.begin(SYSTEM) as uow:
        return await plans.close(uow, bare.tenant_id, bare.instance_id, source="op_1")


async def _events(runtime: Runtime) -> list[Event]:
    async with runtime.database.begin(SYSTEM) as uow:
        rows: Any = (await uow.session.scalars(select(Event).order_by(Event.sequence))).all()
        return list(rows)


async def _balances(runtime: Runtime, bare: Bare) -> dict[str, int]:
    async with runtime.database.begin(SYSTEM) as uow:
        totals = await ledger.totals(uow)
        own = await ledger.balance(uow, instance_account(bare.instance_id))
    assert sum(totals.values()) == 0
    return {"own": own, **totals}


async def test_the_clock_starts_once_when_the_instance_is_ready(runtime: Runtime) -> None:
    bare = await make_bare(runtime.database)
    for _ in range(2):
        runtime.database.shift += DAY
        async with runtime.database.begin(SYSTEM) as uow:
            await plans.start_clock(uow, bare.tenant_id, bare.instance_id)
    async with runtime.database.begin(bare.tenant_id) as uow:
        access = (await plans.access(uow, bare.tenant_id, [bare.instance_id]))[bare.instance_id]
        assert access.allowed
        assert access.until == access.trial_ends_at
        assert access.until is not None
        assert timedelta(days=2, hours=23) < access.until - uow.now < timedelta(days=3)
    assert [event.type for event in await _events(runtime)] == ["trial.started"]


async def test_one_trial_a_tenant_even_for_rivals(runtime: Runtime) -> None:
    bare = await make_bare(runtime.database)
    others = [await _instance(runtime, bare) for _ in range(2)]
    for instance_id in others:
        with pytest.raises(PlanLimitReached) as refused:
            async with runtime.database.begin(bare.tenant_id) as uow:
                await plans.begin_trial(uow, bare.tenant_id, instance_id, "live")
        assert refused.value.extra["reason"] == "trial_used"
    await _live(runtime, bare, 1, "s")

    async def begin(instance_id: Any) -> bool:
        try:
            async with runtime.database.begin(bare.tenant_id) as uow:
                await plans.begin_trial(uow, bare.tenant_id, instance_id, "live")
        except PlanLimitReached:
            return False
        return True

    assert sum(await asyncio.gather(*(begin(instance_id) for instance_id in others))) == 1


async def test_a_deleted_trial_was_the_trial(runtime: Runtime) -> None:
    bare = await make_bare(runtime.database)
    other = await _instance(runtime, bare)
    await _close(runtime, bare)
    with pytest.raises(PlanLimitReached):
        async with runtime.database.begin(bare.tenant_id) as uow:
            await plans.begin_trial(uow, bare.tenant_id, other, "live")
    async with runtime.database.begin(bare.tenant_id) as uow:
        await plans.begin_trial(uow, bare.tenant_id, other, "test")


async def test_going_live_counts_from_now_and_extending_from_the_end(runtime: Runtime) -> None:
    bare = await make_bare(runtime.database)
    runtime.database.shift += 2 * DAY
    async with runtime.database.begin(SYSTEM) as uow:
        before = uow.now
    row = await _live(runtime, bare, 30, "invoice 1")
    assert row.billing_mode == "live"
    assert row.paid_through_at is not None
    assert before + 30 * DAY <= row.paid_through_at < before + 30 * DAY + timedelta(seconds=20)
    longer = await _live(runtime, bare, 10, "invoice 2")
    assert longer.paid_through_at == row.paid_through_at + 10 * DAY
    assert await _balances(runtime, bare) == {"own": 40, "pool": -40, "instances": 40}
    runtime.database.shift += 100 * DAY
    late = await _live(runtime, bare, 5, "invoice 3")
    async with runtime.database.begin(SYSTEM) as uow:
        assert late.paid_through_at is not None
        assert timedelta(days=4, hours=23) < late.paid_through_at - uow.now <= 5 * DAY
    kinds = [event.type for event in await _events(runtime)]
    assert kinds == [
        "trial.started",
        "subscription.activated",
        "instance.went_live",
        "subscription.extended",
        "subscription.extended",
    ]


async def test_a_source_adds_its_days_once(runtime: Runtime) -> None:
    bare, other = await make_bare(runtime.database), await make_bare(runtime.database)
    first = await _live(runtime, bare, 30, "invoice 1")
    runtime.database.shift += DAY
    results = await asyncio.gather(*(_live(runtime, bare, 30, "invoice 1") for _ in range(6)))
    assert {row.paid_through_at for row in results} == {first.paid_through_at}
    assert (await _balances(runtime, bare))["own"] == 30
    with pytest.raises(SourceReused):
        await _live(runtime, bare, 31, "invoice 1")
    with pytest.raises(SourceReused):
        await _live(runtime, other, 30, "invoice 1")
    assert (await _balances(runtime, other))["own"] == 0


async def test_rivals_with_one_source_and_two_instances_book_one(runtime: Runtime) -> None:
    bare, other = await make_bare(runtime.database), await make_bare(runtime.database)

    async def one(which: Bare) -> bool:
        try:
            await _live(runtime, which, 3, "same")
        except SourceReused:
            return False
        return True

    assert sum(await asyncio.gather(*(one(which) for which in (bare, other, bare, other)))) == 2
    assert (await _balances(runtime, bare))["instances"] == 3


@pytest.mark.parametrize("days", [0, -1, 3661, 10**12])
async def test_days_have_bounds(runtime: Runtime, days: int) -> None:
    bare = await make_bare(runtime.database)
    with pytest.raises(InvalidRequest) as refused:
        await _live(runtime, bare, days, "s")
    assert refused.value.errors[0].pointer == "#/days"


async def test_paid_time_cannot_run_out_of_the_calendar(runtime: Runtime) -> None:
    bare = await make_bare(runtime.database)
    for number in range(10):
        await _live(runtime, bare, 3660, f"s{number}")
    with pytest.raises(InvalidRequest):
        await _live(runtime, bare, 3660, "s10")


async def test_another_tenants_instance_cannot_go_live(runtime: Runtime) -> None:
    bare, other = await make_bare(runtime.database), await make_bare(runtime.database)
    with pytest.raises(NotFound):
        await _live(runtime, Bare(other.tenant_id, bare.instance_id), 3, "s")
    with pytest.raises(NotFound):
        await _live(runtime, Bare(bare.tenant_id, new_id()), 3, "s")


@pytest.mark.parametrize(
    ("after", "unused"), [(timedelta(), 9), (timedelta(days=3, hours=1), 6), (timedelta(days=12), 0)]
)
async def test_closing_gives_whole_unused_days_back_and_ends_at_zero(
    runtime: Runtime, after: timedelta, unused: int
) -> None:
    bare = await make_bare(runtime.database)
    await _live(runtime, bare, 10, "s")
    runtime.database.shift += after
    assert await _close(runtime, bare) == unused
    balances = await _balances(runtime, bare)
    assert (balances["own"], balances[POOL], balances[HOUSE]) == (0, unused - 10, 10 - unused)
    assert await _close(runtime, bare) == unused, "told again, not done again"
    assert await _balances(runtime, bare) == balances


async def test_closing_at_once_by_several_happens_once(runtime: Runtime) -> None:
    bare = await make_bare(runtime.database)
    await _live(runtime, bare, 10, "s")
    assert await asyncio.gather(*(_close(runtime, bare) for _ in range(5))) == [9] * 5
    assert (await _balances(runtime, bare))["own"] == 0


async def test_a_closed_instance_takes_no_days(runtime: Runtime) -> None:
    bare = await make_bare(runtime.database)
    paid = await _live(runtime, bare, 10, "s")
    await _close(runtime, bare)
    with pytest.raises(Gone):
        await _live(runtime, bare, 10, "s2")
    assert (await _live(runtime, bare, 10, "s")).paid_through_at == paid.paid_through_at, "a repeat is told the same"


async def _announce(runtime: Runtime) -> None:
    async with runtime.database.begin(SYSTEM) as uow:
        await plans.announce(uow, 100)


async def test_ends_are_announced_once_each_even_by_rivals(runtime: Runtime) -> None:
    bare = await make_bare(runtime.database)
    for _ in range(7):
        await asyncio.gather(*(_announce(runtime) for _ in range(3)))
        runtime.database.shift += DAY
    await _live(runtime, bare, 4, "s")
    for _ in range(7):
        await asyncio.gather(*(_announce(runtime) for _ in range(3)))
        runtime.database.shift += DAY
    told = [(event.type, event.data.get("days_left")) for event in await _events(runtime)]
    assert told == [
        ("trial.started", None),
        ("trial.ending", 3),
        ("trial.ending", 1),
        ("trial.ended", None),
        ("subscription.activated", None),
        ("instance.went_live", None),
        ("subscription.ending", 3),
        ("subscription.ending", 1),
        ("subscription.past_due", None),
    ]


async def test_after_downtime_only_the_present_is_announced(runtime: Runtime) -> None:
    await make_bare(runtime.database)
    runtime.database.shift += 30 * DAY
    await _announce(runtime)
    assert [event.type for event in await _events(runtime)] == ["trial.started", "trial.ended"]


async def test_a_closed_instance_is_not_announced(runtime: Runtime) -> None:
    bare = await make_bare(runtime.database)
    await _close(runtime, bare)
    runtime.database.shift += 30 * DAY
    await _announce(runtime)
    assert [event.type for event in await _events(runtime)] == ["trial.started"]


async def _instance(runtime: Runtime, bare: Bare) -> Any:
    """One more instance row of the tenant, without terms."""
    instance_id = new_id()
    async with runtime.database.begin(SYSTEM) as uow:
        uow.session.add(
            Instance(
                tenant_id=bare.tenant_id,
                id=instance_id,
                name=str(instance_id),
                environment="live",
                provider="green_api",
                tag=str(instance_id),
                hook_token_sealed=b"",
                hook_token_hash=b"",
                created_at=uow.now,
            )
        )
    return instance_id
