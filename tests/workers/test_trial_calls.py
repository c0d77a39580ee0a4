"""What we ask of our own accord leaves a trial most of the 1,000 calls that it has in a month."""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx2
import pytest
from sqlalchemy import select

from app.instances.models import Instance
from app.jobs import ReconcileInstance
from app.kit.db import SYSTEM
from app.kit.work import Work
from dev import database as databases
from tests.factories import make_tenant, read_instance
from tests.workers.capped import Capped, capped


@pytest.fixture
async def house(dsns: databases.Dsns, redis_url: str, clean: None, http: httpx2.AsyncClient) -> AsyncIterator[Capped]:
    """Both gateways, asked as often as in production."""
    async with capped(dsns, redis_url, http, ready_poll_seconds=5.0) as made:
        yield made


async def seconds_to_next(house: Capped, instance: Instance) -> float:
    """Until the instance is looked at again."""
    async with house.runtime.database.begin(SYSTEM) as uow:
        query = select(Work.run_at).where(Work.kind == ReconcileInstance.kind, Work.ref == instance.id)
        return max(0.0, ((await uow.session.scalars(query)).one() - uow.now) / timedelta(seconds=1))


async def spent(house: Capped) -> int:
    """The calls that the gate counted."""
    methods = ("checkHealth", "getChannelSettings", "updateChannelSettings", "loginUser")
    return sum([len(await house.asked(method)) for method in methods])


async def test_a_channel_that_never_gets_ready_keeps_its_calls(house: Capped) -> None:
    """After half an hour it is given up in words, and looked at ever more seldom."""
    await house.upstream.control("POST", "config", {"whapi": {"init_seconds": 1_000_000}})
    instance = await house.wish(await make_tenant(house.runtime), "stuck")
    await house.work()
    ends = await house.now() + timedelta(days=1)
    while await house.now() < ends:
        await house.advance(await seconds_to_next(house, instance) + 0.1)
        await house.work()
        assert await spent(house) <= 150
    assert (await read_instance(house.runtime, instance.id)).ready_at is None
    await house.upstream.control("POST", f"whapi/channels/{(await house.channels())[0]['id']}/break", {})
    await house.advance(await seconds_to_next(house, instance) + 0.1)
    await house.work()
    assert (await read_instance(house.runtime, instance.id)).ready_at is not None
