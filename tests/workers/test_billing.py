"""Every instance-day is booked once, whatever crashes and however late."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from app.instances import charging
from app.jobs import ChargeDays, Clean, EndTrials, periodic
from app.kit import clock
from app.kit.db import SYSTEM
from app.kit.ids import new_id
from app.ledger import service as ledger
from app.ledger.service import CONSUMED, HOUSE, instance_account
from app.plans import service as plans
from app.runtime import Runtime
from tests.conftest import Drain
from tests.verbs.bare import Bare, make_bare

DAY = timedelta(days=1)


async def _at(runtime: Runtime, instant: datetime) -> None:
    """Travel in time."""
    async with runtime.database.begin(SYSTEM) as uow:
        runtime.database.shift += instant - uow.now


async def _charge(runtime: Runtime, limit: int = 1000) -> int:
    async with runtime.database.begin(SYSTEM) as uow:
        return await charging.charge(uow, uow.now, limit)


async def _days(runtime: Runtime, bare: Bare) -> list[tuple[str, str]]:
    """The charged days of an instance, and who bore each."""
    async with runtime.database.begin(SYSTEM) as uow:
        rows = await uow.session.execute(
            text(
                "select t.day, e.account from ledger_transactions t join ledger_entries e on e.transaction_id = t.id"
                " where t.kind = 'charge' and e.days < 0 and t.instance_id = :id order by t.day"
            ),
            {"id": bare.instance_id},
        )
        return [(str(row.day), "own" if row.account.startswith("instance:") else row.account) for row in rows]


async def _balances(runtime: Runtime) -> dict[str, int]:
    async with runtime.database.begin(SYSTEM) as uow:
        totals = await ledger.totals(uow)
    assert sum(totals.values()) == 0
    return totals


async def _upstream(runtime: Runtime, bare: Bare, *, created: str, deleted: str | None = None) -> None:
    async with runtime.database.begin(SYSTEM) as uow:
        await uow.session.execute(
            text("update instances set upstream_created_at = :created, upstream_deleted_at = :deleted where id = :id"),
            {
                "created": datetime.fromisoformat(created),
                "deleted": datetime.fromisoformat(deleted) if deleted else None,
                "id": bare.instance_id,
            },
        )


async def test_the_day_of_creation_and_every_cut_are_charged(runtime: Runtime) -> None:
    bare = await make_bare(runtime.database)
    await _upstream(runtime, bare, created="2027-01-10T20:59:00Z")
    await _at(runtime, datetime(2027, 1, 10, 20, 59, 30, tzinfo=UTC))
    assert await _charge(runtime) == 1
    assert await _days(runtime, bare) == [("2027-01-10", HOUSE)]
    await _at(runtime, datetime(2027, 1, 10, 20, 59, 50, tzinfo=UTC))
    assert await _charge(runtime) == 0
    await _at(runtime, datetime(2027, 1, 10, 21, 0, 0, tzinfo=UTC))
    assert await _charge(runtime) == 1
    assert [day for day, _ in await _days(runtime, bare)] == ["2027-01-10", "2027-01-11"]


async def test_downtime_is_made_up_for_once(runtime: Runtime) -> None:
    bare = await make_bare(runtime.database)
    await _upstream(runtime, bare, created="2027-02-26T12:00:00Z")
    await _at(runtime, datetime(2027, 3, 3, 12, tzinfo=UTC))
    assert sorted(await asyncio.gather(*(_charge(runtime) for _ in range(4))))[-1] == 6
    assert await _charge(runtime) == 0
    days = [day for day, _ in await _days(runtime, bare)]
    assert days == ["2027-02-26", "2027-02-27", "2027-02-28", "2027-03-01", "2027-03-02", "2027-03-03"]


async def test_a_small_batch_goes_on_where_it_ended(runtime: Runtime) -> None:
    bares = [await make_bare(runtime.database) for _ in range(3)]
    for bare in bares:
        await _upstream(runtime, bare, created="2027-02-26T12:00:00Z")
    await _at(runtime, datetime(2027, 3, 3, 12, tzinfo=UTC))
    rounds = []
    while booked := await _charge(runtime, limit=4):
        rounds.append(booked)
    assert rounds == [4, 4, 4, 4, 2]
    assert [len(await _days(runtime, bare)) for bare in bares] == [6, 6, 6]


async def test_a_crash_in_the_middle_books_nothing_by_halves(runtime: Runtime) -> None:
    bare = await make_bare(runtime.database)
    await _upstream(runtime, bare, created="2027-02-26T12:00:00Z")
    await _at(runtime, datetime(2027, 3, 3, 12, tzinfo=UTC))

    async def crash() -> None:
        async with runtime.database.begin(SYSTEM) as uow:
            assert await charging.charge(uow, uow.now, 100) == 6
            raise ConnectionError

    with pytest.raises(ConnectionError):
        await crash()
    assert await _days(runtime, bare) == []
    assert await _charge(runtime) == 6


async def test_a_clock_that_goes_back_books_nothing(runtime: Runtime) -> None:
    bare = await make_bare(runtime.database)
    await _upstream(runtime, bare, created="2027-02-26T12:00:00Z")
    await _at(runtime, datetime(2027, 3, 1, 21, 30, tzinfo=UTC))
    assert await _charge(runtime) == 5
    await _at(runtime, datetime(2027, 3, 1, 20, 30, tzinfo=UTC))
    assert await _charge(runtime) == 0
    await _at(runtime, datetime(2027, 3, 1, 21, 30, tzinfo=UTC))
    assert await _charge(runtime) == 0


@pytest.mark.parametrize(
    ("deleted", "last"),
    [
        ("2027-01-12T20:59:59Z", "2027-01-12"),
        ("2027-01-12T21:00:00Z", "2027-01-12"),
        ("2027-01-12T21:00:01Z", "2027-01-13"),
        ("2027-01-10T12:00:01Z", "2027-01-10"),
    ],
)
async def test_nothing_is_charged_after_the_deletion(runtime: Runtime, deleted: str, last: str) -> None:
    bare = await make_bare(runtime.database)
    await _upstream(runtime, bare, created="2027-01-10T12:00:00Z", deleted=deleted)
    await _at(runtime, datetime(2027, 2, 1, tzinfo=UTC))
    await _charge(runtime)
    assert (await _days(runtime, bare))[-1][0] == last
    assert await _charge(runtime) == 0


async def test_an_instance_that_is_not_upstream_costs_nothing(runtime: Runtime) -> None:
    bare = await make_bare(runtime.database)
    runtime.database.shift += 9 * DAY
    assert await _charge(runtime) == 0
    assert await _days(runtime, bare) == []


async def test_owned_days_pay_first_then_the_house(runtime: Runtime) -> None:
    """Live for 3 days from the middle of a day: exactly the three cuts in them are the customer's."""
    bare = await make_bare(runtime.database)
    await _upstream(runtime, bare, created="2027-01-10T12:00:00Z")
    await _at(runtime, datetime(2027, 1, 11, 12, tzinfo=UTC))
    await _charge(runtime)
    async with runtime.database.begin(SYSTEM) as uow:
        await plans.go_live(uow, bare.tenant_id, bare.instance_id, days=3, source="s", note=None)
    await _at(runtime, datetime(2027, 1, 16, 12, tzinfo=UTC))
    await _charge(runtime)
    assert [who for _, who in await _days(runtime, bare)] == [HOUSE, HOUSE, "own", "own", "own", HOUSE, HOUSE]
    async with runtime.database.begin(SYSTEM) as uow:
        assert await ledger.balance(uow, instance_account(bare.instance_id)) == 0
    assert (await _balances(runtime))[CONSUMED] == 7


@pytest.mark.parametrize("charge_first", [True, False])
async def test_closing_and_charging_in_any_order_end_the_same(runtime: Runtime, charge_first: bool) -> None:
    bare = await make_bare(runtime.database)
    await _upstream(runtime, bare, created="2027-01-10T12:00:00Z")
    await _at(runtime, datetime(2027, 1, 11, 12, tzinfo=UTC))
    await _charge(runtime)
    async with runtime.database.begin(SYSTEM) as uow:
        await plans.go_live(uow, bare.tenant_id, bare.instance_id, days=10, source="s", note=None)
    await _at(runtime, datetime(2027, 1, 14, 13, tzinfo=UTC))
    if charge_first:
        await _charge(runtime)
    async with runtime.database.begin(SYSTEM) as uow:
        assert await plans.close(uow, bare.tenant_id, bare.instance_id, source="op") == 6
    await _charge(runtime)
    async with runtime.database.begin(SYSTEM) as uow:
        assert await ledger.balance(uow, instance_account(bare.instance_id)) == 0
    assert await _balances(runtime) == {"pool": -4, "house": -1, "consumed": 5, "instances": 0}


async def test_selling_and_charging_at_once_never_overdraws(runtime: Runtime) -> None:
    bares = [await make_bare(runtime.database) for _ in range(4)]
    for bare in bares:
        await _upstream(runtime, bare, created="2027-01-10T12:00:00Z")
    await _at(runtime, datetime(2027, 1, 25, 12, tzinfo=UTC))

    async def sell(bare: Bare, number: int) -> None:
        async with runtime.database.begin(SYSTEM) as uow:
            await plans.go_live(
                uow, bare.tenant_id, bare.instance_id, days=2, source=f"{bare.instance_id} {number}", note=None
            )

    async def close(bare: Bare) -> None:
        async with runtime.database.begin(SYSTEM) as uow:
            await plans.close(uow, bare.tenant_id, bare.instance_id, source="op")

    await asyncio.gather(
        *(sell(bare, number) for bare in bares for number in range(3)), *(_charge(runtime, 7) for _ in range(8))
    )
    await asyncio.gather(*(close(bare) for bare in bares), *(_charge(runtime, 9) for _ in range(8)))
    while await _charge(runtime):
        pass
    balances = await _balances(runtime)
    assert balances["instances"] == 0
    assert balances[CONSUMED] == 4 * 16
    for bare in bares:
        async with runtime.database.begin(SYSTEM) as uow:
            assert await ledger.balance(uow, instance_account(bare.instance_id)) == 0


async def test_ten_thousand_instances_take_seconds(runtime: Runtime) -> None:
    bare = await make_bare(runtime.database)
    async with runtime.database.begin(SYSTEM) as uow:
        await uow.session.execute(
            text(
                "insert into instances (tenant_id, id, name, environment, provider, status, connection, wanted,"
                " metadata, tag, hook_token_sealed, hook_token_hash, create_attempts, created_at, version,"
                " upstream_created_at) select :tenant_id, gen_random_uuid(), 'i' || n, 'live', 'green_api', 'active',"
                " 'connected', true, '{}', 't' || n, '', '', 0, :at, 1, :at from generate_series(1, 10000) n"
            ),
            {"tenant_id": bare.tenant_id, "at": uow.now},
        )
    started = time.monotonic()
    booked = 0
    while more := await _charge(runtime, 5000):
        booked += more
    assert booked == 10_000
    assert await _charge(runtime, 5000) == 0
    assert time.monotonic() - started < 120
    assert await _balances(runtime) == {"house": -10_000, "consumed": 10_000}


async def test_the_workers_charge_announce_and_clean_again_and_again(runtime: Runtime, drain: Drain) -> None:
    bare = await make_bare(runtime.database)
    await _upstream(runtime, bare, created="2026-11-21T12:00:00Z")
    async with runtime.database.begin(SYSTEM) as uow:
        for kind in (ChargeDays, EndTrials, Clean):
            uow.defer(periodic(kind))
        today = clock.billing_day(uow.now)
    await drain()
    assert (await _days(runtime, bare))[-1][0] == str(today)
    for wait in (
        6 * DAY,
        timedelta(seconds=EndTrials.every_seconds),
    ):  # what charging locks is told next time
        runtime.database.shift += wait
        await drain()
    assert (await _days(runtime, bare))[-1][0] == str(today + 6 * DAY)
    async with runtime.database.begin(SYSTEM) as uow:
        kinds = (await uow.session.scalars(text("select type from events order by sequence"))).all()
        waiting = (await uow.session.scalars(text("select kind from work order by kind"))).all()
    assert list(kinds) == ["trial.started", "trial.ended"]
    assert list(waiting) == ["days.charge", "retention.clean", "trials.end"]


async def test_what_is_old_is_forgotten(runtime: Runtime, drain: Drain) -> None:
    bare = await make_bare(runtime.database)
    async with runtime.database.begin(SYSTEM) as uow:
        for number, age in enumerate((8, 6)):
            await uow.session.execute(
                text(
                    "insert into messages (tenant_id, id, instance_id, direction, kind, chat_id, content, status,"
                    " created_at, updated_at, looks, version) values (:tenant_id, :id, :instance_id, 'inbound', 'text',"
                    " 'c', jsonb_build_object('text', cast(:body as text)), 'received', :at, :at, 0, 1)"
                ),
                {
                    "tenant_id": bare.tenant_id,
                    "id": new_id(),
                    "instance_id": bare.instance_id,
                    "body": f"m{number}",
                    "at": uow.now - age * DAY,
                },
            )
        uow.defer(periodic(Clean))
    await drain()
    async with runtime.database.begin(SYSTEM) as uow:
        rows = (await uow.session.scalars(text("select content ->> 'text' from messages order by created_at"))).all()
    assert list(rows) == [None, "m1"]
    runtime.database.shift += 31 * DAY
    await drain()
    async with runtime.database.begin(SYSTEM) as uow:
        assert await uow.session.scalar(text("select count(*) from events where type = 'trial.started'")) == 0
        assert await uow.session.scalar(text("select count(*) from messages")) == 2
