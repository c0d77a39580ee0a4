"""What is written in batches is written once and counted once, whatever one record is like and whenever it comes."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

from app.gateway.records import CallRecord, Records, SendRecord
from app.instances import service as instances
from app.jobs import SweepMessages, periodic
from app.kit import clock, work
from app.kit.db import SYSTEM, TROUBLE, Database
from app.kit.ids import new_id
from app.messages import service as messages
from app.messages.models import Message
from app.plans import leases
from app.plans import service as plans
from app.plans.models import QuotaLease, Subscription, UsageChat, UsageCounter
from app.providers.events import MessageEchoed
from app.providers.likeness import likeness
from app.runtime import Runtime
from tests.conftest import Drain, KeptBell
from tests.verbs.bare import Bare, make_bare

CHAT = "79990005544@c.us"


async def record(runtime: Runtime, bare: Bare, words: str = "Hello", **more: Any) -> SendRecord:
    """A send of now."""
    async with runtime.database.begin(SYSTEM) as uow:
        now = uow.now
    values: dict[str, Any] = {
        "id": new_id(),
        "chat_id": CHAT,
        "content": {"text": words},
        "likeness": likeness("text", {"text": words}),
        "upstream_message_id": f"U{new_id()}",
        **more,
    }
    return SendRecord(
        tenant_id=bare.tenant_id,
        instance_id=bare.instance_id,
        environment="live",
        kind="text",
        client_reference=None,
        at=now,
        day_on=clock.billing_day(now),
        month_on=clock.month_start(now),
        **values,
    )


async def write(runtime: Runtime, *records: Any) -> None:
    """Write them as a process does."""
    for each in records:
        runtime.records.add(each)
    await runtime.records.settle()


async def rows(runtime: Runtime) -> dict[UUID, Message]:
    async with runtime.database.begin(SYSTEM) as uow:
        return {row.id: row for row in (await uow.session.scalars(select(Message))).all()}


async def counted(runtime: Runtime, metric: str = "messages") -> int:
    async with runtime.database.begin(SYSTEM) as uow:
        query = select(UsageCounter.used).where(UsageCounter.metric == metric)
        return sum((await uow.session.scalars(query)).all())


async def echo(runtime: Runtime, bare: Bare, upstream_id: str, words: str = "Hello") -> None:
    async with runtime.database.begin(SYSTEM) as uow:
        instance = await instances.find(uow, bare.instance_id)
        await messages.echoed(uow, instance, MessageEchoed(upstream_id, CHAT, "text", {"text": words}, True), None)


@pytest.mark.parametrize(
    "bad",
    [
        {"content": {"text": "a\x00b"}},
        {"content": {"text": "a\ud800b"}},
        {"upstream_message_id": "U" * 9000 + "".join(chr(65 + n * 7 % 50) for n in range(9000))},
        {"instance_id": None},
    ],
    ids=["nul", "surrogate", "long", "unknown_instance"],
)
async def test_what_cannot_be_written_does_not_keep_the_others_from_it(runtime: Runtime, bad: dict[str, Any]) -> None:
    bare = await make_bare(runtime.database)
    if "instance_id" in bad:
        poison = await record(runtime, Bare(bare.tenant_id, new_id()))
    else:
        poison = await record(runtime, bare, **bad)
    good = [await record(runtime, bare, f"good {number}") for number in range(3)]
    async with asyncio.timeout(10):
        await write(runtime, good[0], poison, good[1])
        await write(runtime, good[2])
    found = await rows(runtime)
    assert {each.id for each in good} <= set(found)
    assert await counted(runtime) == len(found)


async def test_a_record_that_is_written_again_is_not_counted_again(runtime: Runtime) -> None:
    """The commit went through and its answer was lost: the batch comes again."""
    bare = await make_bare(runtime.database)
    known, unknown = await record(runtime, bare), await record(runtime, bare, upstream_message_id=None)
    call = CallRecord(
        tenant_id=bare.tenant_id,
        instance_id=bare.instance_id,
        method="getChats",
        face="typed",
        outcome="done",
        status=200,
        duration_ms=1,
    )
    for _ in range(3):
        await write(runtime, known, unknown, call)
    assert await counted(runtime) == 2
    assert {row.status for row in (await rows(runtime)).values()} == {"queued", "unknown"}
    assert await counted(runtime, "chats") == 1
    async with runtime.database.begin(SYSTEM) as uow:
        assert (await uow.session.scalars(select(UsageChat.uses))).all() == [2]
        assert await uow.session.scalar(text("select count(*) from gateway_calls")) == 1


async def test_an_upstream_that_gives_one_id_twice_stops_nothing(runtime: Runtime) -> None:
    bare = await make_bare(runtime.database)
    twins = [await record(runtime, bare, upstream_message_id="U1") for _ in range(2)]
    other = await record(runtime, bare, "other")
    async with asyncio.timeout(10):
        await write(runtime, *twins, other)
    found = await rows(runtime)
    assert sorted(found[each.id].status for each in twins) == ["queued", "unknown"]
    assert (found[other.id].status, await counted(runtime)) == ("queued", 3)


async def test_a_record_that_comes_after_its_echo_was_taken_for_it_is_found_by_its_own_id(
    runtime: Runtime, drain: Drain
) -> None:
    bare = await make_bare(runtime.database)
    late = await record(runtime, bare, upstream_message_id="U1")
    await echo(runtime, bare, "U1")
    runtime.database.shift += messages.ADOPT_AFTER + timedelta(seconds=1)
    async with runtime.database.begin(SYSTEM) as uow:
        uow.defer(periodic(SweepMessages))
    await drain(until=lambda: _adopted(runtime))
    assert await counted(runtime) == 1
    await write(runtime, late)
    await write(runtime, late)
    [row] = (await rows(runtime)).values()
    assert (row.id, row.status, row.upstream_message_id) == (late.id, "sent", "U1")
    assert await counted(runtime) == 1


async def _adopted(runtime: Runtime) -> bool:
    return [row.direction for row in (await rows(runtime)).values()] == ["outbound"]


async def test_a_record_whose_trace_was_taken_for_another_message_is_not_forgotten(runtime: Runtime) -> None:
    bare = await make_bare(runtime.database)
    doubted = await record(runtime, bare, upstream_message_id=None)
    await write(runtime, doubted)
    late = await record(runtime, bare, upstream_message_id="U1")
    await echo(runtime, bare, "U1")
    await write(runtime, late)
    found = await rows(runtime)
    assert (found[doubted.id].upstream_message_id, found[late.id].status) == ("U1", "unknown")
    async with runtime.database.begin(SYSTEM) as uow:
        refs = set((await uow.session.scalars(select(work.Work.ref).where(work.Work.kind == "message.resolve"))).all())
    assert late.id in refs, "it is found out which trace is whose"


async def test_an_echo_that_may_be_of_a_message_in_doubt_is_not_given_away(runtime: Runtime) -> None:
    """No worker ran for long: were the echo adopted now, the message would be proved never sent, and sent again."""
    bare = await make_bare(runtime.database)
    async with runtime.database.begin(bare.tenant_id) as uow:
        row = await messages.begin_send(
            uow,
            await instances.find(uow, bare.instance_id),
            message_id=new_id(),
            chat_id=CHAT,
            kind="text",
            content={"text": "Hello"},
            client_reference=None,
            idempotency_key=None,
            overdue=uow.now,
        )
    await echo(runtime, bare, "U1")
    runtime.database.shift += timedelta(minutes=10)
    async with runtime.database.begin(SYSTEM) as uow:
        assert await messages.lost(uow, row)
        assert await messages.adopt(uow, 10) == []
        assert await messages.accepted(uow, row, "U1") == "sent"
    await echo(runtime, bare, "U2", "of nobody")
    runtime.database.shift += timedelta(minutes=10)
    async with runtime.database.begin(SYSTEM) as uow:
        assert len(await messages.adopt(uow, 10)) == 1


async def test_nothing_is_written_of_an_instance_that_was_erased_meanwhile(runtime: Runtime) -> None:
    bare = await make_bare(runtime.database)
    late = [await record(runtime, bare), await record(runtime, bare, upstream_message_id=None)]
    async with runtime.database.begin(SYSTEM) as uow:
        (await instances.find(uow, bare.instance_id)).status = "deleted"
    await write(runtime, *late)
    assert await rows(runtime) == {}
    assert await counted(runtime) == 0


async def test_a_write_that_is_cut_off_is_tried_again(runtime: Runtime, admin: asyncpg.Connection) -> None:
    bare = await make_bare(runtime.database)
    records = [await record(runtime, bare, f"{number}") for number in range(5)]
    async with admin.transaction():
        await admin.execute("lock table messages in exclusive mode")
        for each in records:
            runtime.records.add(each)
        async with asyncio.timeout(10):
            while not await _cut(runtime):
                await asyncio.sleep(0.02)
    async with asyncio.timeout(10):
        await runtime.records.settle()
    assert len(await rows(runtime)) == await counted(runtime) == 5


async def _cut(runtime: Runtime) -> bool:
    """End the connections that wait for a lock, as their own role may; whether there was one."""
    waiting = "from pg_stat_activity where wait_event_type = 'Lock' and usename = user"
    async with runtime.database.begin(SYSTEM) as uow:
        return bool((await uow.session.execute(text(f"select pg_terminate_backend(pid) {waiting}"))).all())


async def test_late_records_of_a_lease_that_has_ended_are_counted(runtime: Runtime) -> None:
    bare = await make_bare(runtime.database)
    leased = await _leased(runtime, bare, 5)
    await write(runtime, *leased[:2])
    assert await counted(runtime) == leases.BLOCK
    runtime.database.shift += timedelta(seconds=leases.LEASE_SECONDS + 1)
    async with runtime.database.begin(SYSTEM) as uow:
        await leases.end(uow)
    assert await counted(runtime) == 2
    await write(runtime, *leased[2:])
    assert await counted(runtime) == 5
    await write(runtime, *leased)
    assert await counted(runtime) == 5


async def _leased(runtime: Runtime, bare: Bare, count: int) -> list[SendRecord]:
    """Sends with one lease of the instance."""
    limit = 10 * leases.LEAST_LEFT
    first = await record(runtime, bare)
    made = leases.Leases(runtime.database)
    assert made.take(bare.tenant_id, bare.instance_id, first.day_on, limit) is None
    while (holder := made.take(bare.tenant_id, bare.instance_id, first.day_on, limit)) is None:
        await asyncio.sleep(0.02)
    return [await record(runtime, bare, f"leased {holder} {number}", holder=holder) for number in range(count)]


async def test_processes_do_not_block_each_other_for_good(runtime: Runtime, admin: asyncpg.Connection) -> None:
    """Batches of two processes, ordinary sends, refusals and ends of leases, all of the same few instances."""
    bares = [await make_bare(runtime.database) for _ in range(4)]
    async with runtime.database.begin(SYSTEM) as uow:
        await uow.session.execute(update(Subscription).values(limits={"messages": None, "chats": None}))
    before = await admin.fetchval("select deadlocks from pg_stat_database where datname = current_database()")
    databases = [_another(runtime) for _ in range(2)]
    try:
        sent = await asyncio.gather(
            *(_batches(runtime, Records(database), bares) for database in databases),
            *(_ordinary(database, bare) for database in databases for bare in bares),
            _sweeping(runtime),
        )
    finally:
        for database in databases:
            await database.close()
    runtime.database.shift += timedelta(seconds=leases.LEASE_SECONDS + 1)
    async with runtime.database.begin(SYSTEM) as uow:
        await leases.end(uow)
        assert (await uow.session.scalars(select(QuotaLease))).all() == []
    assert await counted(runtime) == sum(sent)
    async with runtime.database.begin(SYSTEM) as uow:
        assert sum((await uow.session.scalars(select(UsageChat.uses))).all()) == sum(sent)
    after = await admin.fetchval("select deadlocks from pg_stat_database where datname = current_database()")
    assert after == before


def _another(runtime: Runtime) -> Database:
    settings = runtime.settings
    return Database(
        settings.database_url,
        settings.system_database_url,
        keyring=runtime.keyring,
        bell=KeptBell(),
        recorder=work.record,
        pool_size=5,
    )


async def _batches(runtime: Runtime, records: Records, bares: list[Bare]) -> int:
    count = 0
    for round_ in range(8):
        for number in range(40):
            bare = bares[(number * 7 + round_) % len(bares)]
            records.add(await record(runtime, bare, f"{number}", chat_id=f"7999000{number % 5:04}@c.us"))
            count += 1
        for bare in bares[round_ % 2 :: 2]:
            for each in await _leased(runtime, bare, 3):
                records.add(each)
                count += 1
        await records.settle()
    return count


async def _ordinary(database: Database, bare: Bare) -> int:
    count = 0
    for number in range(40):
        try:
            async with database.begin(bare.tenant_id) as uow:
                chat_id = f"7999000{number % 5:04}@c.us"
                taken = await plans.reserve_send(uow, bare.tenant_id, bare.instance_id, chat_id)
            count += 1
            if number % 3 == 0:
                async with database.begin(bare.tenant_id) as uow:
                    await plans.give_back(uow, bare.tenant_id, bare.instance_id, taken)
                count -= 1
        except TROUBLE as error:
            raise AssertionError(str(error)) from error
    return count


async def _sweeping(runtime: Runtime) -> int:
    for _ in range(40):
        async with runtime.database.begin(SYSTEM) as uow:
            await uow.session.execute(update(QuotaLease).values(expires_at=uow.now).where(text("random() < 0.3")))
        try:
            async with runtime.database.begin(SYSTEM) as uow:
                await leases.end(uow)
        except DBAPIError as error:
            raise AssertionError(str(error)) from error
        await asyncio.sleep(0.02)
    return 0
