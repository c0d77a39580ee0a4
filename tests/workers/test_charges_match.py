"""The ledger beside the upstream's bills: every day that is billed is booked once, whoever bears it."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from app.instances import charging, listing, retrying, service
from app.instances.options import RepairPolicy
from app.instances.tags import make_tag
from app.kit.clock import next_day_start
from app.kit.db import SYSTEM
from app.kit.ids import new_id
from app.ledger import service as ledger
from app.plans import service as plans
from app.runtime import Runtime
from tests.conftest import Drain, Upstream
from tests.factories import make_ready_instance, make_tenant, read_instance
from tests.verbs.bare import make_bare
from tests.workers.wishes import failed_instance, holds, later, let_go, make_account, reached

CHARGED = """
    select i.upstream_id::text as account, t.day::text as day from ledger_transactions t
    join instances i on i.tenant_id = t.tenant_id and i.id = t.instance_id where t.kind = 'charge'
    union all
    select split_part(t.source, ':', 3), t.day::text from ledger_transactions t where t.kind = 'surplus'
"""


async def compare(runtime: Runtime, policy: RepairPolicy = "delete") -> None:
    """One round over the listing, and one of charging."""
    options = replace(runtime.instance_options, repair_policy=policy)
    await listing.compare(runtime.database, runtime.registry, options, dry_run=False, approved=True)
    await charge(runtime)


async def charge(runtime: Runtime) -> None:
    async with runtime.database.begin(SYSTEM) as uow:
        await charging.charge(uow, uow.now, 1000)


async def pass_time(runtime: Runtime, upstream: Upstream, seconds: float) -> None:
    """Both clocks, ours and upstream's."""
    await upstream.control("POST", "clock", {"advance_seconds": seconds})
    later(runtime, seconds)


async def next_day(runtime: Runtime, upstream: Upstream) -> None:
    """Over the next cut."""
    async with runtime.database.begin(SYSTEM) as uow:
        left = next_day_start(uow.now) - uow.now
    await pass_time(runtime, upstream, left.total_seconds() + 60)


async def they_match(runtime: Runtime, upstream: Upstream) -> int:
    """What is booked is what is billed; how many days."""
    bills = (await upstream.control("GET", "bills"))["bills"]
    billed = Counter((str(bill["id_instance"]), bill["day"]) for bill in bills)
    async with runtime.database.begin(SYSTEM) as uow:
        booked = Counter((row.account, row.day) for row in await uow.session.execute(text(CHARGED)))
        assert await uow.session.scalar(text("select coalesce(sum(days), 0) from ledger_entries")) == 0
    assert booked == billed
    return sum(billed.values())


async def test_a_surplus_is_borne_by_the_house_until_it_is_deleted(
    runtime: Runtime, drain: Drain, upstream: Upstream
) -> None:
    tenant = await make_tenant(runtime)
    instance = await make_ready_instance(runtime, drain, upstream, tenant, linked=False)
    await make_account(runtime, instance.tag)
    await compare(runtime)
    assert await they_match(runtime, upstream) == 2
    await next_day(runtime, upstream)
    for _ in range(3):
        await compare(runtime)
    assert await they_match(runtime, upstream) == 4
    await next_day(runtime, upstream)
    await compare(runtime)
    assert await they_match(runtime, upstream) == 5
    async with runtime.database.begin(SYSTEM) as uow:
        query = text("select distinct tenant_id, instance_id from ledger_transactions where kind = 'surplus'")
        assert [tuple(row) for row in await uow.session.execute(query)] == [(tenant.tenant_id, None)]


async def test_one_that_is_only_reported_is_booked_each_day(runtime: Runtime, upstream: Upstream) -> None:
    await make_account(runtime, make_tag("t", new_id()))
    await make_account(runtime, "foreign")
    for _ in range(3):
        await compare(runtime, "report")
        await next_day(runtime, upstream)
    await compare(runtime, "report")
    bills = (await upstream.control("GET", "bills"))["bills"]
    async with runtime.database.begin(SYSTEM) as uow:
        booked = (await uow.session.execute(text(CHARGED))).all()
    assert len(booked) == len([bill for bill in bills if bill["name"] != "foreign"]) == 4


async def test_one_that_is_adopted_after_it_was_reported_is_booked_once(
    runtime: Runtime, drain: Drain, upstream: Upstream
) -> None:
    instance = await failed_instance(runtime, drain, upstream)
    await make_account(runtime, instance.tag)
    await compare(runtime, "report")
    await next_day(runtime, upstream)
    await compare(runtime, "report")
    async with runtime.database.begin(SYSTEM) as uow:
        await retrying.retry(uow, await service.find(uow, instance.id))
    await drain(until=reached(runtime, instance))
    await holds(runtime, upstream, instance)
    await compare(runtime)
    assert await they_match(runtime, upstream) == 2
    await next_day(runtime, upstream)
    await compare(runtime)
    assert await they_match(runtime, upstream) == 3


async def test_what_a_deleted_row_still_shows_in_a_lagging_listing_is_booked_by_the_row(
    runtime: Runtime, drain: Drain, upstream: Upstream
) -> None:
    instance = await make_ready_instance(runtime, drain, upstream, await make_tenant(runtime), linked=False)
    await let_go(runtime, instance)
    await drain(until=reached(runtime, instance, status="deleted"))
    await upstream.control("POST", "config", {"listing_stale_probability": 1, "listing_stale_seconds": 5})
    await compare(runtime)
    assert await they_match(runtime, upstream) == 1


async def test_a_ghost_is_not_charged_any_more_and_is_when_it_returns(
    runtime: Runtime, drain: Drain, upstream: Upstream
) -> None:
    instance = await make_ready_instance(runtime, drain, upstream, await make_tenant(runtime))
    later(runtime, 60)
    await upstream.control("POST", f"instances/{instance.upstream_id}/vanish", {})
    await compare(runtime)
    await compare(runtime)
    assert (await read_instance(runtime, instance.id)).upstream_deleted_at is not None
    await next_day(runtime, upstream)
    await compare(runtime)
    assert await they_match(runtime, upstream) == 1


async def test_a_gap_of_the_listing_is_made_up_for(runtime: Runtime, drain: Drain, upstream: Upstream) -> None:
    instance = await make_ready_instance(runtime, drain, upstream, await make_tenant(runtime))
    async with runtime.database.begin(SYSTEM) as uow:
        row = await service.find(uow, instance.id)
        known_id, row.upstream_id = row.upstream_id, 4242
    later(runtime, 60)
    await compare(runtime, "report")
    await compare(runtime, "report")
    assert (await read_instance(runtime, instance.id)).upstream_deleted_at is not None
    async with runtime.database.begin(SYSTEM) as uow:
        (await service.find(uow, instance.id)).upstream_id = known_id
    await compare(runtime, "report")
    assert (await read_instance(runtime, instance.id)).upstream_deleted_at is None


async def test_an_earlier_creation_that_upstream_tells_later_is_charged(runtime: Runtime) -> None:
    bare = await make_bare(runtime.database)
    noon = datetime(2027, 1, 10, 12, tzinfo=UTC)

    async def created(at: datetime) -> list[str]:
        async with runtime.database.begin(SYSTEM) as uow:
            (await service.find(uow, bare.instance_id)).upstream_created_at = at
        await charge(runtime)
        async with runtime.database.begin(SYSTEM) as uow:
            days = await uow.session.scalars(text("select day::text from ledger_transactions order by day"))
            return list(days)

    async with runtime.database.begin(SYSTEM) as uow:
        runtime.database.shift += noon - uow.now + timedelta(days=1)
    assert await created(noon) == ["2027-01-10", "2027-01-11"]
    assert await created(noon - timedelta(days=2)) == ["2027-01-08", "2027-01-09", "2027-01-10", "2027-01-11"]
    assert len(await created(noon - timedelta(days=2))) == 4


async def test_trial_days_that_are_booked_late_are_not_taken_from_paid_ones(runtime: Runtime) -> None:
    bare = await make_bare(runtime.database)
    async with runtime.database.begin(SYSTEM) as uow:
        (await service.find(uow, bare.instance_id)).upstream_created_at = uow.now
    later(runtime, 3 * 86_400)
    async with runtime.database.begin(SYSTEM) as uow:
        await plans.go_live(uow, bare.tenant_id, bare.instance_id, days=10, source="s", note=None)
    later(runtime, 86_400 + 60)
    await charge(runtime)
    async with runtime.database.begin(SYSTEM) as uow:
        totals = await ledger.totals(uow)
        assert (totals["consumed"], totals["house"], totals["instances"]) == (5, -3, 8)
        assert await plans.close(uow, bare.tenant_id, bare.instance_id, source="op") == 8


async def test_one_created_over_the_cut_and_never_listed_is_charged_from_its_create_on(
    runtime: Runtime, drain: Drain, upstream: Upstream
) -> None:
    instance = await make_ready_instance(runtime, drain, upstream, await make_tenant(runtime), linked=False)
    async with runtime.database.begin(SYSTEM) as uow:
        row = await service.find(uow, instance.id)
        row.upstream_created_at, row.created_at = None, row.created_at - timedelta(days=9)
    await let_go(runtime, instance)
    await drain(until=reached(runtime, instance, status="deleted"))
    await charge(runtime)
    assert await they_match(runtime, upstream) == 1
