"""Amounts that the operator sets hold from the first unit, also where units are taken beforehand."""

import asyncio
from datetime import date
from typing import Any

import pytest
from sqlalchemy import update

from app.kit import clock
from app.kit.db import SYSTEM
from app.plans import leases
from app.plans import service as plans
from app.plans.models import Subscription
from app.plans.refusals import PlanLimitReached
from app.runtime import Runtime
from tests.verbs.bare import Bare, make_bare


@pytest.mark.parametrize("metric", ["messages", "chats", "calls"])
@pytest.mark.parametrize("amount", [0, 1])
async def test_a_small_limit_holds_from_the_first_unit(runtime: Runtime, metric: str, amount: int) -> None:
    bare = await make_bare(runtime.database)
    async with runtime.database.begin(SYSTEM) as uow:
        await uow.session.execute(update(Subscription).values(limits={metric: amount}))

    async def take(number: int) -> Any:
        async with runtime.database.begin(bare.tenant_id) as uow:
            if metric == "calls":
                await plans.reserve_call(uow, bare.tenant_id, bare.instance_id)
            else:
                await plans.reserve_send(uow, bare.tenant_id, bare.instance_id, f"7999000000{number}@c.us")

    for number in range(amount):
        await take(number)
    for number in range(2):
        with pytest.raises(PlanLimitReached):
            await take(amount + number)
    async with runtime.database.begin(SYSTEM) as uow:
        _, used = await plans.usage(uow, bare.tenant_id, bare.instance_id)
    assert used.get(metric, 0) == amount


@pytest.mark.parametrize("limit", [0, leases.BLOCK // 2, leases.BLOCK, leases.LEAST_LEFT - 1])
async def test_of_a_small_limit_nothing_is_taken_beforehand(runtime: Runtime, limit: int) -> None:
    """The counter of the day is not there yet: the first block is measured by the limit all the same."""
    bare, made = await make_bare(runtime.database), leases.Leases(runtime.database)
    assert await _take(runtime, made, bare, limit) is None
    async with runtime.database.begin(SYSTEM) as uow:
        _, used = await plans.usage(uow, bare.tenant_id, bare.instance_id)
    assert used == {}


async def test_a_block_is_not_used_under_another_limit_than_it_was_taken_for(runtime: Runtime) -> None:
    bare, made = await make_bare(runtime.database), leases.Leases(runtime.database)
    limit = 2 * leases.LEAST_LEFT
    assert await _take(runtime, made, bare, limit) is not None
    assert await _take(runtime, made, bare, 10) is None
    await made.close()
    async with runtime.database.begin(SYSTEM) as uow:
        _, used = await plans.usage(uow, bare.tenant_id, bare.instance_id)
    assert used == {"messages": 0}


async def _take(runtime: Runtime, made: leases.Leases, bare: Bare, limit: int) -> Any:
    """A unit, asked for until what was asked of the database has come."""
    async with runtime.database.begin(SYSTEM) as uow:
        day_on: date = clock.billing_day(uow.now)
    if made.take(bare.tenant_id, bare.instance_id, day_on, limit) is None:
        while made._tasks:
            await asyncio.sleep(0.01)
    return made.take(bare.tenant_id, bare.instance_id, day_on, limit)
