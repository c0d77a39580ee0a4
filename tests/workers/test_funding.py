"""Prepaid accounts are funded as long as their customers have paid, in small steps, and the books are upstream's."""

from sqlalchemy import select, text

from app.admin import service as admin
from app.funding import viewing
from app.funding.models import PoolReading
from app.instances import service
from app.jobs import FundGateways
from app.kit.db import SYSTEM
from app.kit.ids import INSTANCE, to_wire
from app.kit.work import Work
from tests.conftest import draining
from tests.workers.funds import POOL_DAYS, Funds


async def test_trial_days_are_used_first_and_a_trial_is_not_extended(funds: Funds) -> None:
    instance = await funds.instance()
    for _ in range(8):
        await funds.work()
        await funds.later(days=1)
    await funds.work()
    assert await funds.extended() == {}
    assert (await funds.channel(instance))["mode"] == "trial"
    await funds.they_match()
    assert (await funds.booked())["pool"] == POOL_DAYS


async def test_going_live_extends_first_then_ends_the_trial_mode(funds: Funds) -> None:
    instance = await funds.instance(days=30)
    await funds.work()
    assert list((await funds.extended()).values()) == [7]
    async with funds.runtime.database.begin(SYSTEM) as uow:
        (pool,) = await viewing.pools(uow)
    assert (pool.days, pool.prepaid_days, pool.open_extensions) == (POOL_DAYS - 7, 12, 0)
    assert (await funds.channel(instance))["mode"] == "live"
    assert (await funds.account(instance)).live_at is not None
    await funds.they_match()


async def test_paid_time_is_bought_in_steps_and_no_day_more(funds: Funds) -> None:
    instance = await funds.instance(days=30)
    for _ in range(40):
        await funds.work()
        await funds.they_match()
        await funds.later(days=1)
    moved = sum((await funds.extended()).values())
    assert moved in (24, 25)
    assert (await funds.channel(instance))["state"] == "STOP"
    assert len(await funds.extensions()) == 4


async def test_a_gateway_that_gives_no_days_is_paid_for_the_trial(funds: Funds) -> None:
    await funds.upstream.control("POST", "config", {"whapi": {"trial_mode": "none"}})
    instance = await funds.instance()
    for _ in range(8):
        await funds.work()
        await funds.later(days=1)
    assert sum((await funds.extended()).values()) == 5
    assert (await funds.channel(instance))["mode"] == "trial"
    await funds.work()
    await funds.they_match()


async def test_late_payment_wakes_an_account_that_had_ended(funds: Funds) -> None:
    instance = await funds.instance(days=7)
    for _ in range(12):
        await funds.work()
        await funds.later(days=1)
    assert (await funds.channel(instance))["state"] == "STOP"
    await funds.pay(instance, 30)
    await funds.work()
    assert (await funds.channel(instance))["state"] != "STOP"
    assert (await funds.channel(instance))["days_left"] > 6
    await funds.they_match()


async def test_one_that_is_missing_for_a_while_is_funded_when_it_is_back(funds: Funds) -> None:
    instance = await funds.instance(days=30)
    await funds.work()
    for lost in (True, False):
        async with funds.runtime.database.begin(SYSTEM) as uow:
            (await service.find(uow, instance.id)).upstream_deleted_at = uow.now if lost else None
        await funds.later(days=6)
        await funds.work()
        assert len(await funds.extended()) == (1 if lost else 2)
    await funds.they_match()


async def test_going_live_does_not_wait_for_the_minute(funds: Funds) -> None:
    instance = await funds.instance()
    async with funds.runtime.database.begin(SYSTEM) as uow:
        await admin.go_live(uow, to_wire(INSTANCE, instance.id), days=30, reference="r", actor="operator")
    await draining(funds.runtime)()
    assert (await funds.channel(instance))["mode"] == "live"
    async with funds.runtime.database.begin(SYSTEM) as uow:
        kinds = (await uow.session.scalars(select(Work.kind).where(Work.kind.like("gateway%")))).all()
    assert list(kinds) == [FundGateways.kind]


async def test_balances_are_read_hourly_and_kept(funds: Funds) -> None:
    await funds.instance()
    for minutes in (0, 30, 31, 10):
        await funds.later(seconds=60 * minutes)
        await funds.work()
    async with funds.runtime.database.begin(SYSTEM) as uow:
        readings = (await uow.session.scalars(select(PoolReading.days))).all()
        assert await uow.session.scalar(text("select count(*) from pools")) == 1
    assert list(readings) == [POOL_DAYS, POOL_DAYS]
