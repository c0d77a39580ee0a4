"""Sends while an instance is moved: each is delivered once, in its order, whatever dies or stands still meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import cast

import pytest
from sqlalchemy import select, text, update

from app.accounts.vault import open_vault
from app.gateway import held, releasing
from app.gateway.models import HeldSend
from app.gateway.options import MARGIN_SECONDS, Options
from app.instances import service
from app.jobs import ResolveMessage, SendHeld, SweepMessages, periodic
from app.kit import ids, work
from app.kit.db import SYSTEM, Database, Scope, UnitOfWork
from app.kit.work import Claim, LeaseLost, Work
from app.messages import service as messages
from app.messages.models import Message
from app.providers.events import MessageEchoed
from tests.conftest import draining
from tests.factories import read_instance
from tests.workers.house import House
from tests.workers.wishes import dying, let_go, reached

CHAT = "79990005544@c.us"


class StandingStill:
    """A database for a process that stands still after its first transaction."""

    def __init__(self, database: Database, seconds: float) -> None:
        self._database, self._seconds = database, seconds

    @asynccontextmanager
    async def begin(self, scope: Scope) -> AsyncIterator[UnitOfWork]:
        async with self._database.begin(scope) as uow:
            yield uow
        seconds, self._seconds = self._seconds, 0.0
        await asyncio.sleep(seconds)


async def held_sends(house: House, *texts: str, to: str = "+79990005544") -> list[str]:
    """Sends that wait; their messages' ids."""
    replies = [await house.send(each, each, to=to) for each in texts]
    assert {reply.json()["status"] for reply in replies} == {"held"}
    return [reply.json()["id"] for reply in replies]


async def claimed(house: House) -> Claim:
    """The work of handing over, in the hands of a worker."""
    database = house.funds.runtime.database
    async with asyncio.timeout(20):
        while True:
            database.shift += timedelta(seconds=10)  # longer than a lease
            async with database.begin(SYSTEM) as uow:
                row = (await uow.session.scalars(select(Work).where(Work.kind == SendHeld.kind))).one()
                claim = await work.claim(uow, row.id, 6)
            if claim is not None:
                return claim


async def release(house: House, claim: Claim, *, database: Database | None = None, seconds: float = 1.5) -> None:
    """One round of handing over by a worker that waits so long for the gateway."""
    runtime = house.funds.runtime
    options = Options(upstream_timeout_seconds=seconds)
    await releasing.release(database or runtime.database, runtime.registry, options, claim)


async def left(house: House, count: int) -> list[str]:
    """What has left, once it is so many."""

    async def have_left() -> bool:
        house.funds.runtime.database.shift += timedelta(seconds=2)
        return len(await house.texts()) >= count

    await draining(house.funds.runtime)(until=have_left)
    return await house.texts()


async def counted(house: House) -> int:
    """Messages that the plan has counted."""
    reply = await house.client.get(f"/v1/instances/{house.wire}/usage", headers=house.tenant.headers)
    return {line["metric"]: int(line["used"]) for line in reply.json()["usage"]}["messages"]


async def test_a_worker_that_stood_still_hands_nothing_over(house: House) -> None:
    """Meanwhile the message may have been proved never sent, and its key used again."""
    await house.move({"provider": "whapi"})
    [message] = await held_sends(house, "one")
    await house.link()
    claim = await claimed(house)
    late = cast(Database, StandingStill(house.funds.runtime.database, 0.4))
    await release(house, claim, database=late, seconds=0.2 - MARGIN_SECONDS)
    assert await house.texts() == []
    assert await house.status(message) == "held"
    assert await left(house, 1) == ["one"]


async def test_what_one_worker_took_up_another_does_not_hand_over(house: House) -> None:
    """The first one dies when it is to record what it did."""
    await house.move({"provider": "whapi"})
    first, second = await held_sends(house, "one", "two")
    await house.link()
    with pytest.raises(ConnectionError):
        await release(house, await claimed(house), database=dying(house.funds.runtime))
    await release(house, await claimed(house))
    assert await house.texts() == ["one", "two"]
    async with house.funds.runtime.database.begin(SYSTEM) as uow:
        uow.defer(periodic(SweepMessages))

    async def is_known() -> bool:
        house.funds.runtime.database.shift += timedelta(seconds=10)
        return {await house.status(first), await house.status(second)} <= {"queued", "sent", "delivered", "read"}

    await draining(house.funds.runtime)(until=is_known)
    assert sorted(await house.texts()) == ["one", "two"]
    assert await counted(house) == 2


async def test_a_worker_that_lost_its_lease_records_nothing(house: House) -> None:
    await house.move({"provider": "whapi"})
    await held_sends(house, "one")
    await house.link()
    slow, quick = await claimed(house), await claimed(house)
    with pytest.raises(LeaseLost):
        await release(house, slow)
    await release(house, quick)
    assert await house.texts() == ["one"]


async def test_the_databases_clock_says_which_came_first(house: House) -> None:
    """Two machines whose clocks differ took them: the ids are in the other order."""
    await house.move({"provider": "whapi"})
    first, second = await held_sends(house, "one", "two")
    async with house.funds.runtime.database.begin(SYSTEM) as uow:
        earlier = HeldSend.held_at - timedelta(minutes=1)
        place = HeldSend.message_id == ids.from_wire(ids.MESSAGE, second)
        await uow.session.execute(update(HeldSend).where(place).values(held_at=earlier))
    await house.link()
    assert await left(house, 2) == ["two", "one"]
    assert first < second


async def test_one_that_cannot_be_read_has_failed_and_stands_in_nobodys_way(house: House) -> None:
    await house.move({"provider": "whapi"})
    broken, _ = await held_sends(house, "one", "two")
    message_id = ids.from_wire(ids.MESSAGE, broken)
    async with house.funds.runtime.database.begin(SYSTEM) as uow:
        vault = await open_vault(uow, house.tenant.tenant_id)
        other = vault.seal('{"recipient":"of other code"}', held.place(message_id))
        await uow.session.execute(update(HeldSend).where(HeldSend.message_id == message_id).values(send_sealed=other))
    await house.link()
    assert await left(house, 1) == ["two"]
    assert await house.status(broken) == "not_sent"
    assert await counted(house) == 1
    again = await house.send("one", "one")
    assert (again.status_code, again.json()["id"] != broken) == (202, True)


async def test_an_echo_of_the_new_account_is_not_of_a_message_that_the_old_one_may_have(house: House) -> None:
    """Equal ones, to one chat: what the old account did with the one is found out there, not by the other."""
    await house.funds.upstream.faults({"method": "*", "kind": "lose_request", "provider": "green"})
    await house.move({"provider": "whapi"})
    [message] = await held_sends(house, "one")
    await house.link()
    row = await read_instance(house.funds.runtime, house.instance.id)
    runtime, message_id = house.funds.runtime, ids.from_wire(ids.MESSAGE, message)
    assert row.ready_at is not None
    async with runtime.database.begin(SYSTEM) as uow:  # it was in flight when the move began, and got no answer
        before = row.ready_at - timedelta(minutes=1)
        lost = {"status": "unknown", "forwarded_at": before, "updated_at": before}
        await uow.session.execute(update(Message).where(Message.id == message_id).values(**lost))
        await uow.session.execute(
            text("update instances set ready_at = :at where remains_of is not null"), {"at": before}
        )
    async with runtime.database.begin(SYSTEM) as uow:
        instance = await service.find(uow, row.id)
        echo = MessageEchoed("OTHER", CHAT, "text", {"text": "one"}, True)
        likeness = runtime.registry.get("whapi", "live").likeness
        await messages.echoed(uow, instance, echo, None, likeness)
        uow.defer(ResolveMessage(ref=message_id, tenant_id=row.tenant_id))
    assert await house.status(message) == "unknown"
    await house.funds.upstream.faults()

    async def is_over() -> bool:
        runtime.database.shift += timedelta(seconds=10)
        return await house.status(message) != "unknown"

    await draining(runtime)(until=is_over)
    assert await house.status(message) == "not_sent"


async def test_a_second_move_during_the_handing_over_sends_nothing_twice(house: House) -> None:
    """What was handed over counts as sent by the account that took it; what still waits leaves through the third."""
    upstream = house.funds.upstream
    await house.move({"provider": "whapi"})
    first, second = await held_sends(house, "one", "two")
    await house.link()
    await upstream.faults(
        {"method": "sendMessageText", "kind": "slow_answer", "delay_seconds": 1.0, "provider": "whapi"}
    )
    handing = asyncio.create_task(release(house, await claimed(house), seconds=30))
    async with asyncio.timeout(20):
        while not await house.texts():
            await asyncio.sleep(0.05)
    assert (await house.move({"provider": "green_api"})).status_code == 202
    await handing
    assert (await house.status(first), await house.status(second)) == ("queued", "held")
    await upstream.faults()
    await draining(house.funds.runtime)(until=reached(house.funds.runtime, house.instance))
    row = await read_instance(house.funds.runtime, house.instance.id)
    assert row.upstream_id is not None
    await upstream.scan(row.upstream_id)
    async with asyncio.timeout(20):
        while await house.connection() != "connected":
            await asyncio.sleep(0.1)

    async def has_left() -> bool:
        house.funds.runtime.database.shift += timedelta(seconds=2)
        return await house.status(second) != "held"

    await draining(house.funds.runtime)(until=has_left)
    green = (await upstream.control("GET", f"messages?id_instance={row.upstream_id}"))["messages"]
    assert [each["text"] for each in green if each["direction"] == "outgoing"] == ["two"]
    assert await counted(house) == 2


async def test_a_deletion_leaves_nothing_of_what_waited(house: House) -> None:
    await house.move({"provider": "whapi"})
    await held_sends(house, "one", "two")
    runtime = house.funds.runtime
    await let_go(runtime, house.instance)
    await draining(runtime)(until=reached(runtime, house.instance, status="deleted"))
    async with runtime.database.begin(SYSTEM) as uow:
        for model in (HeldSend, Message):
            assert not (await uow.session.scalars(select(model))).all()
    runtime.database.shift += timedelta(seconds=10)

    async def is_forgotten() -> bool:
        async with runtime.database.begin(SYSTEM) as uow:
            return not (await uow.session.scalars(select(Work).where(Work.kind == SendHeld.kind))).all()

    await draining(runtime)(until=is_forgotten)
    assert await house.texts() == []
