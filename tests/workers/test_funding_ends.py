"""What comes back when an account is deleted is booked as upstream's balance tells it."""

from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import text

from app.instances import service
from app.instances.models import Instance
from app.instances.service import suspend
from app.kit.db import SYSTEM
from app.ledger import service as ledger
from tests.conftest import draining
from tests.factories import read_instance
from tests.workers.funds import POOL_DAYS, WHAPI_TOKEN, Funds
from tests.workers.wishes import let_go, reached


async def deleted(funds: Funds, *instances: Instance) -> None:
    """Ask for deletions and see them through."""
    for instance in instances:
        await let_go(funds.runtime, instance)
    await draining(funds.runtime)(until=reached(funds.runtime, *instances, status="deleted"))


async def test_a_deletion_gives_back_whole_days_and_the_rest_is_forfeited(funds: Funds) -> None:
    instance = await funds.instance(days=30)
    await funds.work()
    await funds.later(days=7.5)
    await funds.work()
    await deleted(funds, instance)
    await funds.work()
    account = await funds.account(instance)
    assert (account.put_days, account.back_days) == (13, 5)
    assert account.settled_at is not None
    assert account.note is None
    await funds.they_match()
    assert (await funds.booked())["pool"] == POOL_DAYS - 2


async def test_gifted_days_that_are_left_do_not_come_back(funds: Funds) -> None:
    instance = await funds.instance()
    await funds.work()
    await funds.later(days=1.5)
    await deleted(funds, instance)
    await funds.work()
    assert (await funds.account(instance)).back_days == 0
    assert (await funds.booked())["forfeited"] == 4
    await funds.they_match()


@pytest.mark.parametrize(
    ("knobs", "back"),
    [
        ({"refund_rounding": "nearest"}, 6),
        ({"refund_rounding": "none"}, 0),
        ({"trial_refunded": True}, 5),
        ({"blocked_refunded": False}, 5),
    ],
)
async def test_other_habits_of_giving_back_are_told_by_the_balance(
    funds: Funds, knobs: dict[str, object], back: int
) -> None:
    await funds.upstream.control("POST", "config", {"whapi": knobs})
    instance = await funds.instance(days=30)
    await funds.work()
    await funds.later(days=7.4)
    await deleted(funds, instance)
    await funds.work()
    assert (await funds.account(instance)).back_days == back
    assert (await funds.booked())["pool"] == POOL_DAYS - 7 + back


async def test_several_deletions_at_once_are_settled_together(funds: Funds) -> None:
    instances = [await funds.instance(days=30, name=f"N{number}") for number in range(5)]
    await funds.work()
    await funds.later(days=8.3)
    await funds.work()
    await deleted(funds, *instances[:3])
    await funds.work()
    assert [(await funds.account(one)).back_days for one in instances[:3]] == [4, 4, 4]
    await funds.they_match()


async def test_days_that_were_bought_meanwhile_are_told_apart(funds: Funds) -> None:
    instance = await funds.instance(days=30)
    await funds.work()
    await deleted(funds, instance)
    await funds.upstream.control("POST", "whapi/partners", {"token": WHAPI_TOKEN, "top_up": 500})
    await funds.work()
    assert (await funds.account(instance)).back_days == 7
    await funds.they_match()
    assert (await funds.booked())["outside"] == -POOL_DAYS - 500


async def test_what_nobody_can_explain_is_a_finding_and_the_pool_is_right_all_the_same(funds: Funds) -> None:
    instances = [await funds.instance(days=30, name=f"N{number}") for number in range(2)]
    await funds.work()
    await deleted(funds, *instances)
    pool = (await funds.booked())["pool"]
    await funds.upstream.control("POST", "whapi/partners", {"token": WHAPI_TOKEN, "days": pool - 3})
    await funds.work()
    assert [(await funds.account(one)).note is None for one in instances] == [False, False]
    assert (await funds.booked())["pool"] == pool - 3


async def test_an_extension_in_doubt_and_a_deletion_do_not_spoil_the_books(funds: Funds) -> None:
    instance = await funds.instance(days=30)
    for kind in ("lose_answer", "lose_request"):
        await funds.upstream.faults({"method": "extendChannel", "kind": kind, "times": 1})
        await funds.work()
        await funds.upstream.faults()
        await deleted(funds, instance)
        for _ in range(3):
            await funds.work()
            await funds.later(seconds=40)
        await funds.work()
        await funds.they_match()
        assert (await funds.account(instance)).settled_at is not None
        instance = await funds.instance(days=30, name="B")


async def test_days_of_an_extension_that_nobody_saw_done_are_found_in_what_came_back(funds: Funds) -> None:
    """The account goes before it can be read again, and some of the days were used by then."""
    instance = await funds.instance(days=30)
    other = await funds.instance(days=30, name="B")
    await funds.work()
    for _ in range(2):
        await funds.later(days=6)
        await funds.work()
    await funds.later(days=6.5)
    await funds.upstream.faults({"method": "extendChannel", "kind": "lose_answer", "times": 1})
    await funds.work()
    await funds.upstream.faults()
    assert Counter(row.state for row in await funds.extensions())["unknown"] == 1
    await funds.later(days=4.5)
    await funds.upstream.faults({"method": "getChannel", "kind": "lose_request"})
    await deleted(funds, instance, other)
    await funds.upstream.faults()
    for _ in range(3):
        await funds.work()
        await funds.later(seconds=40)
    await funds.they_match()
    assert {row.state for row in await funds.extensions()} == {"done"}
    assert {(await funds.account(each)).note for each in (instance, other)} == {None}


async def test_who_is_suspended_leaving_or_unpaid_is_not_funded(funds: Funds) -> None:
    suspended, leaving, unpaid = [await funds.instance(days=5, name=name) for name in ("S", "L", "U")]
    await funds.work()
    before = await funds.extended()
    async with funds.runtime.database.begin(SYSTEM) as uow:
        await suspend(uow, await service.find(uow, suspended.id), by="operator", reason="test")
    await funds.pay(suspended, 60)
    await funds.pay(leaving, 60)
    await let_go(funds.runtime, leaving)
    for _ in range(10):
        await funds.later(days=2)
        await funds.work()
    assert await funds.extended() == before
    await funds.pay(unpaid, 10)
    await funds.work()
    assert len(await funds.extended()) == len(before) + 1
    assert (await funds.channel(unpaid))["days_left"] > 6


async def test_customers_are_charged_for_the_days_that_began_and_not_for_existing(funds: Funds) -> None:
    instance = await funds.instance(days=30)
    for _ in range(10):
        await funds.work()
        await funds.later(days=1)
    await funds.work()
    row = await read_instance(funds.runtime, instance.id)
    async with funds.runtime.database.begin(SYSTEM) as uow:
        totals = await ledger.totals(uow)
        own = await ledger.balance(uow, ledger.instance_account(instance.id))
        assert row.upstream_created_at is not None
        assert uow.now - row.upstream_created_at > timedelta(days=10)
    assert (totals["consumed"], own, totals.get("house", 0)) == (11, 19, 0)
    assert totals["upstream:whapi:live:used"] == 11


async def test_an_empty_pool_is_told_once_and_tried_again(funds: Funds) -> None:
    await funds.upstream.control("POST", "whapi/partners", {"token": WHAPI_TOKEN, "days": 5})
    instance = await funds.instance(days=30)
    await funds.work()
    pool = await funds.pool()
    assert (pool.empty_since is not None, pool.low_since is not None) == (True, True)
    assert [row.state for row in await funds.extensions()] == ["short"]
    since = pool.low_since
    await funds.work()
    assert [row.state for row in await funds.extensions()] == ["short", "done"]
    await funds.upstream.control("POST", "whapi/partners", {"token": WHAPI_TOKEN, "top_up": 100})
    await funds.later(days=5.5)
    await funds.work()
    await funds.work()
    pool = await funds.pool()
    assert (pool.empty_since, pool.low_since) == (None, None)
    assert since is not None
    assert (await funds.channel(instance))["days_left"] > 2
    await funds.they_match()


async def test_first_days_that_were_no_gift_are_explained_and_come_back(funds: Funds) -> None:
    await funds.upstream.control("POST", "config", {"whapi": {"trial_mode": "paid"}})
    await funds.work()
    instance = await funds.instance()
    await funds.later(seconds=3700)
    await funds.work()
    async with funds.runtime.database.begin(SYSTEM) as uow:
        query = text("select note from ledger_transactions where kind = 'upstream_reading' order by posted_at")
        notes = (await uow.session.scalars(query)).all()
    assert list(notes) == ["bought", "first days of new accounts"]
    assert (await funds.booked())["pool"] == POOL_DAYS - 5
    await deleted(funds, instance)
    await funds.work()
    assert (await funds.account(instance)).back_days == 4
    assert (await funds.booked())["pool"] == POOL_DAYS - 1
