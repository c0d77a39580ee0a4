"""The fast path when something goes wrong on the way, or changes while a message is on it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx2
import msgspec
import pytest
from sqlalchemy import func, select, update

from app.accounts.models import ApiKey
from app.gateway.turns import Turn
from app.instances import service as instances
from app.kit import ids
from app.kit.db import SYSTEM
from app.lines import service as lines
from app.main import create_server_app
from app.messages.models import Message
from app.plans import service as plans
from app.plans.models import Subscription
from app.runtime import Runtime
from tests.conftest import Drain, Upstream
from tests.routes.lane.test_lane import fast, rows, send, warm
from tests.senders import CHAT, Sender, make_sender


@pytest.fixture
async def live(runtime: Runtime, client: httpx2.AsyncClient, drain: Drain, upstream: Upstream) -> AsyncIterator[Sender]:
    """A sender whose instance is paid for, with a line."""
    made = await make_sender(runtime, client, drain, upstream)
    async with runtime.database.begin(SYSTEM) as uow:
        await plans.go_live(uow, made.tenant.tenant_id, made.instance.id, days=30, source="test", note=None)
        await lines.ensure(uow, await instances.find(uow, made.instance.id))
    yield made
    await runtime.records.settle()


async def _revoke(sender: Sender) -> None:
    key = ids.from_wire(ids.API_KEY, sender.tenant.key_id)
    async with sender.runtime.database.begin(SYSTEM) as uow:
        await uow.session.execute(update(ApiKey).where(ApiKey.id == key).values(revoked_at=func.now()))


async def _end_payment(sender: Sender) -> None:
    async with sender.runtime.database.begin(SYSTEM) as uow:
        await uow.session.execute(update(Subscription).values(paid_through_at=uow.now - timedelta(seconds=1)))


CHANGES = [(_revoke, 401), (_end_payment, 402)]


@pytest.mark.parametrize(("change", "status"), CHANGES, ids=["key", "payment"])
async def test_a_body_that_comes_late_finds_the_gate_as_it_is_then(live: Sender, change: Any, status: int) -> None:
    await warm(live)
    body, came = live.body("late body", to=CHAT), asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield body[:10]
        await came.wait()
        yield body[10:]

    headers = {**live.tenant.headers, "Content-Type": "application/json", "Content-Length": str(len(body))}
    sending = asyncio.create_task(live.client.post(live.path, headers=headers, content=slowly()))
    await asyncio.sleep(0.1)
    await change(live)
    await asyncio.sleep(1.0)
    came.set()
    assert (await sending).status_code == status
    assert [row for row in await live.accepted() if row["text"] == "late body"] == []


@pytest.mark.parametrize(("change", "status"), CHANGES, ids=["key", "payment"])
async def test_who_stood_in_a_row_finds_the_gate_as_it_is_then(live: Sender, change: Any, status: int) -> None:
    """A key that is revoked meanwhile may end what has begun or not; what is not paid for is never sent."""
    await warm(live)
    first = live.runtime.gateway.turns.enter(live.instance.id, CHAT)
    sending = asyncio.create_task(send(live, "typed", "stood in a row"))
    while first._after is None:
        await asyncio.sleep(0.01)
    await change(live)
    await asyncio.sleep(1.0)
    first.leave()
    assert (await sending).status_code == status
    assert [row for row in await live.accepted() if row["text"] == "stood in a row"] == []


async def test_what_is_cancelled_while_the_gateway_is_asked_is_found_out(live: Sender, upstream: Upstream) -> None:
    """The server's patience at its end: the message was accepted, and nobody heard the answer."""
    await warm(live)
    await upstream.faults({"method": "sendMessage", "kind": "slow_answer", "delay_seconds": 1.3, "times": 1})
    asking = asyncio.create_task(_ask(live, "cut off"))
    while not [row for row in await live.accepted() if row["text"] == "cut off"]:
        await asyncio.sleep(0.02)
    asking.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asking
    [row] = [row for row in await rows(live) if row["text"] == {"body": "cut off"}]
    settled = await live.settled(row["id"])
    assert settled["status"] in ("queued", "sent", "delivered")
    assert len([row for row in await live.accepted() if row["text"] == "cut off"]) == 1
    assert live.runtime.gateway.turns._last == {}


async def test_what_is_cancelled_in_a_row_leaves_nothing_behind(live: Sender) -> None:
    async with live.runtime.database.begin(SYSTEM) as uow:
        await uow.session.execute(update(Subscription).values(limits={"messages": 10_000}))
    live.runtime.snapshots.forget()
    await warm(live)
    [block] = live.runtime.leases._blocks.values()
    left, first = block.left, live.runtime.gateway.turns.enter(live.instance.id, CHAT)
    asking = asyncio.create_task(_ask(live, "gave up"))
    while first._after is None:
        await asyncio.sleep(0.01)
    asking.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asking
    first.leave()
    assert (block.left, live.runtime.gateway.turns._last) == (left, {})
    assert [row for row in await rows(live) if row["text"] == {"body": "gave up"}] == []
    await live.runtime.leases.close()


async def test_a_message_that_is_asked_again_keeps_its_place(live: Sender, upstream: Upstream) -> None:
    """Upstream has none of the first at first: it goes the ordinary way, and not behind those that came later."""
    await warm(live)
    await upstream.faults(
        {
            "method": "sendMessage",
            "script": [{"kind": "status", "status": 429}, {"kind": "slow_answer", "delay_seconds": 0.3}],
            "times": 2,
        }
    )
    first = live.runtime.gateway.turns.enter(live.instance.id, CHAT)
    sending = [asyncio.create_task(send(live, "typed", "order 0"))]
    while first._after is None:
        await asyncio.sleep(0.01)
    for number in range(1, 4):
        before = _last(live)
        sending.append(asyncio.create_task(send(live, "typed", f"order {number}")))
        while _last(live) is before:
            await asyncio.sleep(0.01)
    first.leave()
    assert [reply.status_code for reply in await asyncio.gather(*sending)] == [202] * 4
    texts = [row["text"] for row in await live.accepted() if row["text"].startswith("order")]
    assert texts == [f"order {number}" for number in range(4)]


def _last(sender: Sender) -> Turn:
    return sender.runtime.gateway.turns._last[sender.instance.id, CHAT]


@pytest.mark.parametrize("text", ["a\\u0000b", "a\\ud800b"], ids=["nul", "surrogate"])
@pytest.mark.parametrize("is_fast", [True, False])
async def test_text_that_no_database_holds_harms_nobody(live: Sender, text: str, is_fast: bool) -> None:
    await warm(live, "compatible")
    async with live.runtime.database.begin(SYSTEM) as uow:
        line = await lines.of(uow, live.tenant.tenant_id, live.instance.id)
        assert line is not None
        number, token = await lines.shown(uow, line)
    body, tail = f'{{"chatId":"{CHAT}","message":"{text}"}}', "" if is_fast else "?odd=1"
    reply = await live.client.post(f"/waInstance{number}/sendMessage/{token}{tail}", content=body)
    assert reply.status_code in (200, 400), reply.text
    assert (await send(live, "compatible", "next")).status_code == 200
    async with asyncio.timeout(30):
        texts = [row["text"]["body"] for row in await rows(live) if row["text"]]
    assert "next" in texts
    assert [each for each in texts if each.startswith("a")] == (["a\ufffdb"] if reply.status_code == 200 else [])


async def test_a_chat_id_of_any_length_harms_nobody(live: Sender) -> None:
    path = live.path.replace("/messages", "/gateway/sendMessage")
    for chat_id in ("".join(str(n) for n in range(3000)) + "@c.us", "x\x00y", "\x00"):
        body = msgspec.json.encode({"chatId": chat_id, "message": "odd chat"})
        headers = {**live.tenant.headers, "Content-Type": "application/json"}
        reply = await live.client.post(path, headers=headers, content=body)
        assert reply.status_code < 500, reply.text
    async with live.runtime.database.begin(SYSTEM) as uow:
        kept = (await uow.session.scalars(select(Message.chat_id))).all()
    assert max(len(each) for each in kept) <= 100


async def test_a_small_limit_of_a_live_plan_is_exact(live: Sender) -> None:
    async with live.runtime.database.begin(SYSTEM) as uow:
        await uow.session.execute(update(Subscription).values(limits={"messages": 20}))
    live.runtime.snapshots.forget()
    statuses = []
    for number in range(30):
        statuses.append((await send(live, "typed", f"limited {number}")).status_code)
        await asyncio.sleep(0.02)
    assert statuses == [202] * 20 + [402] * 10
    assert (await live.used())["messages"] == 20


async def _ask(sender: Sender, text: str) -> None:
    """The same request as `send`, in a task of our own, which can be cancelled as a server does at its end."""
    body = sender.body(text, to=CHAT)
    came: list[dict[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]
    headers = [(b"content-type", b"application/json")]
    headers += [(name.lower().encode(), value.encode()) for name, value in sender.tenant.headers.items()]

    async def receive() -> Any:
        if not came:
            await asyncio.Event().wait()
        return came.pop()

    async def tell(_: Any) -> None:
        """Nobody listens."""

    before = fast()
    scope: Any = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": sender.path,
        "raw_path": sender.path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "state": {},
    }
    await create_server_app(sender.runtime)(scope, receive, tell)
    assert fast() == before
