"""Prepaid accounts are funded as long as their customers have paid, in small steps, and the books are upstream's."""

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
