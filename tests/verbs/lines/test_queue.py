"""The queue of a line: in order, again until acknowledged, a day long, and only what is wanted."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, func, select

from app.admin import retention
from app.kit.db import SYSTEM
from app.lines import service as lines
from app.lines import switches
from app.lines.models import KeptNotice
from app.lines.service import Cleared
from app.lines.waiting import Waiters
from app.runtime import Runtime
from tests.verbs.lines.lines import ALL_ON, Made, first, incoming, keep, make_line, waiting


async def _acknowledge(runtime: Runtime, made: Made, receipt: int) -> bool:
    async with runtime.database.begin(made.tenant_id) as uow:
        return await lines.acknowledge(uow, made.line, receipt)


async def _clear(runtime: Runtime, made: Made) -> Cleared:
    async with runtime.database.begin(made.tenant_id) as uow:
        return await lines.clear(uow, made.line)


def text_of(notice: KeptNotice | None) -> str:
    """What the message of a kept notification says."""
    assert notice is not None
    said: str = json.loads(notice.body)["messageData"]["textMessageData"]["textMessage"]
    return said


async def test_notifications_come_in_order_each_until_it_is_acknowledged(runtime: Runtime) -> None:
    made = await make_line(runtime.database)
    await keep(runtime.database, made, *(incoming(f"number {number}") for number in range(3)))
    for number in range(3):
        assert await waiting(runtime.database, made) == 3 - number
        seen = [await first(runtime.database, made) for _ in range(2)]
        assert [text_of(notice) for notice in seen] == [f"number {number}"] * 2
        assert seen[0] is not None
        assert 0 < seen[0].receipt < 2**53
        assert await _acknowledge(runtime, made, seen[0].receipt)
        assert not await _acknowledge(runtime, made, seen[0].receipt)
    assert await first(runtime.database, made) is None


async def test_what_is_kept_has_our_number_and_the_order_of_its_keys(runtime: Runtime) -> None:
    made = await make_line(runtime.database)
    body = incoming("Grüße ✓", zebra=1, apple=2)
    await keep(runtime.database, made, body)
    kept = await first(runtime.database, made)
    assert kept is not None
    assert list(json.loads(kept.body)) == list(body)
    assert json.loads(kept.body) == {**body, "instanceData": {**body["instanceData"], "idInstance": made.line.number}}
    assert "Grüße ✓" in kept.body


@pytest.mark.parametrize("receipt", [0, -1, 2**63, 2**70, 10**12])
async def test_a_receipt_that_is_none_takes_nothing_out(runtime: Runtime, receipt: int) -> None:
    made = await make_line(runtime.database)
    await keep(runtime.database, made, incoming())
    assert not await _acknowledge(runtime, made, receipt)
    assert await waiting(runtime.database, made) == 1


async def test_another_lines_receipt_takes_nothing_out(runtime: Runtime) -> None:
    made, other = await make_line(runtime.database), await make_line(runtime.database)
    await keep(runtime.database, made, incoming())
    notice = await first(runtime.database, made)
    assert notice is not None
    assert not await _acknowledge(runtime, other, notice.receipt)
    async with runtime.database.begin(other.tenant_id) as uow:
        assert not await lines.acknowledge(uow, made.line, notice.receipt)
    assert await waiting(runtime.database, made) == 1


async def test_no_notification_comes_before_one_with_a_smaller_receipt(runtime: Runtime) -> None:
    """Many are kept at once while one polls: what it sees only goes up."""
    made = await make_line(runtime.database)
    seen: list[int] = []

    async def poll() -> None:
        while len(seen) < 40:
            notice = await first(runtime.database, made)
            if notice is not None:
                seen.append(notice.receipt)
                assert await _acknowledge(runtime, made, notice.receipt)

    await asyncio.gather(poll(), *(keep(runtime.database, made, incoming()) for _ in range(40)))
    assert seen == sorted(set(seen))


async def test_after_a_day_nobody_is_told(runtime: Runtime) -> None:
    made = await make_line(runtime.database)
    await keep(runtime.database, made, incoming("old"))
    runtime.database.shift += timedelta(hours=23)
    await keep(runtime.database, made, incoming("new"))
    assert await waiting(runtime.database, made) == 2
    old = await first(runtime.database, made)
    runtime.database.shift += timedelta(hours=1)
    assert old is not None
    assert not await _acknowledge(runtime, made, old.receipt)
    assert text_of(await first(runtime.database, made)) == "new"
    assert await waiting(runtime.database, made) == 1
    async with runtime.database.begin(SYSTEM) as uow:
        await retention.clean(uow, 100)
        assert await uow.session.scalar(select(func.count()).select_from(KeptNotice)) == 1


async def test_a_queue_is_cleared_once_a_minute(runtime: Runtime) -> None:
    made = await make_line(runtime.database)
    await keep(runtime.database, made, incoming(), incoming())
    assert await _clear(runtime, made) == Cleared(True)
    assert await waiting(runtime.database, made) == 0
    await keep(runtime.database, made, incoming())
    refused = await _clear(runtime, made)
    assert not refused.is_cleared
    assert 1 <= refused.left_seconds <= 60
    assert await waiting(runtime.database, made) == 1
    runtime.database.shift += timedelta(seconds=61)
    cleared = await asyncio.gather(*(_clear(runtime, made) for _ in range(4)))
    assert sorted(one.is_cleared for one in cleared) == [False, False, False, True]
    runtime.database.shift -= timedelta(hours=2)
    assert (await _clear(runtime, made)).is_cleared, "a clock that goes back must not forbid it for hours"


async def test_an_instance_without_a_line_keeps_nothing(runtime: Runtime) -> None:
    made = await make_line(runtime.database)
    async with runtime.database.begin(SYSTEM) as uow:
        await uow.session.delete(await lines.of(uow, made.tenant_id, made.instance_id))
    await keep(runtime.database, made, incoming())
    async with runtime.database.begin(SYSTEM) as uow:
        assert await uow.session.scalar(select(func.count()).select_from(KeptNotice)) == 0


WANTED = [
    ("incomingWebhook", {"typeWebhook": "incomingMessageReceived"}),
    ("outgoingMessageWebhook", {"typeWebhook": "outgoingMessageReceived"}),
    ("outgoingAPIMessageWebhook", {"typeWebhook": "outgoingAPIMessageReceived"}),
    ("outgoingWebhook", {"typeWebhook": "outgoingMessageStatus", "status": "sent"}),
    ("stateWebhook", {"typeWebhook": "stateInstanceChanged"}),
    ("incomingCallWebhook", {"typeWebhook": "incomingCall"}),
    ("incomingWebhook", {"typeWebhook": "incomingCall"}),
    ("outgoingCallWebhook", {"typeWebhook": "outgoingCall"}),
    ("incomingBlockWebhook", {"typeWebhook": "incomingBlock"}),
    ("deviceWebhook", {"typeWebhook": "deviceInfo"}),
    ("statusInstanceWebhook", {"typeWebhook": "statusInstanceChanged"}),
    ("pollMessageWebhook", {"typeWebhook": "incomingMessageReceived", "messageData": {"typeMessage": "pollMessage"}}),
    ("pollMessageWebhook", {"typeWebhook": "outgoingMessageReceived",
                            "messageData": {"typeMessage": "pollUpdateMessage"}}),
    ("editedMessageWebhook", {"typeWebhook": "incomingMessageReceived",
                              "messageData": {"typeMessage": "editedMessage"}}),
    ("deletedMessageWebhook", {"typeWebhook": "outgoingAPIMessageReceived",
                               "messageData": {"typeMessage": "deletedMessage"}}),
]  # fmt: skip


@pytest.mark.parametrize(("switch", "body"), WANTED, ids=str)
def test_a_kind_is_kept_while_its_switch_is_on(switch: str, body: dict[str, Any]) -> None:
    assert switches.wants(ALL_ON, body)
    assert not switches.wants(ALL_ON | {switch: "no"}, body)
    assert not switches.wants({}, body)


@pytest.mark.parametrize(
    "body",
    [
        {"typeWebhook": "quotaExceeded"},
        {"typeWebhook": "outgoingMessageStatus", "status": "noAccount"},
        {"typeWebhook": "outgoingMessageStatus", "status": "failed"},
        {"typeWebhook": "somethingNew"},
        {"typeWebhook": None},
        {"typeWebhook": ["a"]},
        {},
    ],
    ids=str,
)
def test_some_are_kept_whatever_the_switches_say(body: dict[str, Any]) -> None:
    assert switches.wants({}, body)


async def test_a_switch_that_is_off_keeps_nothing(runtime: Runtime) -> None:
    made = await make_line(runtime.database, incomingWebhook="no")
    await keep(runtime.database, made, incoming())
    assert await first(runtime.database, made) is None


async def test_a_used_up_quota_is_told_once_until_it_begins_anew(runtime: Runtime) -> None:
    made = await make_line(runtime.database, incomingWebhook="no")

    async def tell(method: str = "sendmessage") -> bool:
        async with runtime.database.begin(made.tenant_id) as uow:
            return await lines.quota_exceeded(
                uow, made.line, method=method, used=100, total=100, description="The trial's messages are used up."
            )

    assert sorted(await asyncio.gather(*(tell() for _ in range(4)))) == [False, False, False, True]
    assert await tell("correspondents")
    kept = await first(runtime.database, made)
    assert kept is not None
    assert json.loads(kept.body) == {
        "typeWebhook": "quotaExceeded",
        "instanceData": {"idInstance": made.line.number, "wid": "", "typeInstance": "whatsapp"},
        "quotaData": {
            "method": "sendmessage",
            "used": 100,
            "total": 100,
            "status": "QUOTA_EXCEEDED",
            "description": "The trial's messages are used up.",
        },
    }
    assert await waiting(runtime.database, made) == 2
    runtime.database.shift += timedelta(days=32)
    assert await tell()
    assert not await tell()


async def _until(condition: Any) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


async def test_who_waits_is_woken_by_a_notification_and_nobody_else_is(runtime: Runtime) -> None:
    made, other = await make_line(runtime.database), await make_line(runtime.database)
    polls = [asyncio.create_task(runtime.waiters.wait(made.tenant_id, made.instance_id, 30)) for _ in range(3)]
    still = asyncio.create_task(runtime.waiters.wait(other.tenant_id, other.instance_id, 30))
    await asyncio.sleep(0)
    await keep(runtime.database, made, incoming())
    async with asyncio.timeout(60):
        await asyncio.gather(*polls)
    assert not still.done()
    still.cancel()
    assert isinstance((await asyncio.gather(still, return_exceptions=True))[0], asyncio.CancelledError)
    assert not runtime.waiters._waiting


async def test_a_wait_ends_with_its_time_and_when_the_line_is_pushed_to(runtime: Runtime) -> None:
    made = await make_line(runtime.database)
    await runtime.waiters.wait(made.tenant_id, made.instance_id, 0.05)
    poll = asyncio.create_task(runtime.waiters.wait(made.tenant_id, made.instance_id, 30))
    async with runtime.database.begin(made.tenant_id) as uow:
        await lines.change(uow, made.line, {"webhookUrl": "https://hooks.example.org/"})
    async with asyncio.timeout(60):
        await poll


async def test_many_polls_share_one_query(runtime: Runtime) -> None:
    """Two hundred that wait ask no more often than one does, and hold no connection meanwhile."""
    made = await make_line(runtime.database)
    waiters, asked = Waiters(runtime.database, tick_seconds=0.05), 0

    def count(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        nonlocal asked
        asked += "unnest" in statement

    engine = runtime.database.system_engine.sync_engine
    event.listen(engine, "before_cursor_execute", count)
    try:
        polls = [asyncio.create_task(waiters.wait(made.tenant_id, made.instance_id, 30)) for _ in range(200)]
        await _until(lambda: asked >= 3)
        assert asked < 10
        assert not any(poll.done() for poll in polls)
        await keep(runtime.database, made, incoming())
        async with asyncio.timeout(60):
            await asyncio.gather(*polls)
    finally:
        event.remove(engine, "before_cursor_execute", count)
    assert not waiters._waiting
    assert asked < 200


async def test_polls_outlive_a_database_that_is_away(runtime: Runtime) -> None:
    made = await make_line(runtime.database)
    waiters = Waiters(runtime.database, tick_seconds=0.02)
    poll = asyncio.create_task(waiters.wait(made.tenant_id, made.instance_id, 30))
    engine = runtime.database.system_engine
    held = [await engine.connect() for _ in range(runtime.settings.pool_size)]
    await asyncio.sleep(0.1)
    for connection in held:
        await connection.close()
    await keep(runtime.database, made, incoming())
    async with asyncio.timeout(20):
        await poll


async def test_closing_ends_every_wait(runtime: Runtime) -> None:
    made = await make_line(runtime.database)
    waiters = Waiters(runtime.database)
    polls = [asyncio.create_task(waiters.wait(made.tenant_id, made.instance_id, 30)) for _ in range(3)]
    await asyncio.sleep(0)
    await waiters.close()
    async with asyncio.timeout(60):
        await asyncio.gather(*polls)
        await waiters.wait(made.tenant_id, made.instance_id, 30)
