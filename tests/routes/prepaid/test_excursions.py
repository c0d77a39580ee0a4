"""A channel that is away for some seconds is not told to have lost its phone; one that lost it is, within 90 s."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from sqlalchemy import select

from app import jobs
from app.events.models import Event
from app.kit.db import SYSTEM
from app.kit.work import Work
from tests.routes.prepaid.conftest import Shop
from workers.main import HANDLERS, ensure_periodic
from workers.task import do_work


async def events(shop: Shop) -> list[str]:
    async with shop.runtime.database.begin(SYSTEM) as uow:
        query = select(Event.type).where(Event.instance_id == shop.instance.id, Event.type.like("instance.%"))
        return list(await uow.session.scalars(query.order_by(Event.sequence)))


async def sweep(shop: Shop) -> None:
    """One round of the sweep, now."""
    await ensure_periodic(shop.runtime)
    async with shop.runtime.database.begin(SYSTEM) as uow:
        row = (await uow.session.scalars(select(Work).where(Work.kind == jobs.SweepInstances.kind))).one()
        row.run_at = uow.now
    assert await do_work(shop.runtime, HANDLERS, row.id)


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await holds():
            await asyncio.sleep(0.02)


async def states(shop: Shop) -> list[str]:
    """What the line's queue tells of states."""
    found: list[str] = []
    while True:
        reply = (await shop.line.call("GET", "receiveNotification", params={"receiveTimeout": "5"})).json()
        if reply is None:
            return found
        found += [reply["body"]["stateInstance"]] if "stateInstance" in reply["body"] else []
        await shop.line.call("DELETE", "deleteNotification", f"/{reply['receiptId']}")


async def is_doubted(shop: Shop) -> bool:
    return (await shop.now()).away_told_at is not None


async def test_an_excursion_is_told_to_nobody(shop: Shop) -> None:
    await states(shop)
    before = await events(shop)
    await shop.phone("break")
    await until(lambda: is_doubted(shop))
    assert (await shop.now()).connection == "connected"
    await sweep(shop)
    await shop.phone("mend")

    async def is_back() -> bool:
        return not await is_doubted(shop)

    await until(is_back)
    shop.runtime.database.shift += timedelta(seconds=90)
    await sweep(shop)
    assert ((await shop.now()).connection, await events(shop), await states(shop)) == ("connected", before, [])


async def test_a_return_that_was_not_heard_of_is_found_by_asking(shop: Shop) -> None:
    before = await events(shop)
    await shop.phone("break")
    await until(lambda: is_doubted(shop))
    await shop.upstream.faults({"method": "checkHealth", "kind": "status", "status": 503, "provider": "whapi"})
    shop.runtime.database.shift += timedelta(seconds=61)
    await sweep(shop)
    assert await is_doubted(shop), "what cannot be asked is not believed"
    await shop.upstream.faults()
    await shop.upstream.control("POST", "config", {"whapi": {"webhook_attempts": 1}})
    await shop.phone("mend")
    await sweep(shop)
    assert ((await shop.now()).connection, await is_doubted(shop)) == ("connected", False)
    assert await events(shop) == before


async def test_a_phone_that_is_gone_is_told_within_90_seconds_and_once(shop: Shop) -> None:
    await states(shop)
    await shop.phone("unlink")
    await until(lambda: is_doubted(shop))
    shop.runtime.database.shift += timedelta(seconds=30)
    await sweep(shop)
    assert (await shop.now()).connection == "connected"
    shop.runtime.database.shift += timedelta(seconds=31)
    await sweep(shop)
    assert (await shop.now()).connection == "unpaired"
    await sweep(shop)
    assert (await events(shop)).count("instance.disconnected") == 1
    assert await states(shop) == ["notAuthorized"]


async def test_a_logout_that_was_asked_for_is_told_at_once(shop: Shop) -> None:
    asked = await shop.call("POST", "logout")
    assert asked.status_code == 202, asked.text

    async def is_out() -> bool:
        return (await shop.now()).connection == "unpaired"

    await shop.drain(until=is_out)
    assert (await events(shop)).count("instance.disconnected") == 1
