"""The tenant's own queue of notifications: polled, acknowledged, counted, cleared."""

import asyncio
from typing import Any

from app.instances import service as instances
from app.plans.models import Subscription
from app.runtime import Runtime
from tests.conftest import Upstream
from tests.routes.compat.conftest import LineClient, raw_request

CHAT = "79990003344@c.us"
ALL_ON = {"incomingWebhook": "yes", "stateWebhook": "yes", "outgoingWebhook": "yes"}


async def incoming(line: LineClient, upstream: Upstream, text: str) -> None:
    """Somebody writes to the phone."""
    await upstream.control("POST", f"instances/{line.upstream_id}/receive", {"chat_id": CHAT, "text": text})


async def poll(line: LineClient, **more: Any) -> Any:
    """One poll."""
    reply = await line.call("GET", "receiveNotification", **more)
    assert reply.status_code == 200, reply.text
    return reply.json()


def seconds() -> float:
    return asyncio.get_running_loop().time()


async def test_notifications_come_in_order_until_they_are_acknowledged(line: LineClient, upstream: Upstream) -> None:
    assert (await line.call("POST", "setSettings", json=ALL_ON)).json() == {"saveSettings": True}
    for text in ("one", "two", "three"):
        await incoming(line, upstream, text)
    first = await poll(line)
    assert type(first["receiptId"]) is int
    assert first["body"]["typeWebhook"] == "incomingMessageReceived"
    assert first["body"]["instanceData"]["idInstance"] == line.number
    assert first["body"]["messageData"]["textMessageData"]["textMessage"] == "one"
    assert await poll(line, params={"receiveTimeout": 60}) == first
    while (await line.call("GET", "getWebhooksCount")).json() != {"count": 3}:
        await asyncio.sleep(0.05)
    by_path = await line.call("DELETE", "deleteNotification", f"/{first['receiptId']}")
    assert (by_path.status_code, by_path.content) == (200, b'{"result":true,"reason":""}')
    second = await poll(line)
    assert second["body"]["messageData"]["textMessageData"]["textMessage"] == "two"
    by_body = await line.call("DELETE", "deleteNotification", "/", json=second["receiptId"])
    assert by_body.json() == {"result": True, "reason": ""}
    third = await poll(line)
    by_query = await line.call("DELETE", "deleteNotification", params={"receiptId": third["receiptId"]})
    assert by_query.json()["result"] is True
    again = await line.call("DELETE", "deleteNotification", f"/{third['receiptId']}")
    assert (again.status_code, again.json()["result"]) == (200, False)
    for tail in ("/x", "/-1", "/" + "9" * 30, ""):
        odd = await line.call("DELETE", "deleteNotification", tail)
        assert (odd.status_code, odd.text) == (400, "Parameter receiptId must be a Number!"), tail
    assert (await line.call("GET", "getWebhooksCount")).json() == {"count": 0}
    calls = (await upstream.control("GET", f"journal?id_instance={line.upstream_id}"))["entries"]
    assert not {"receiveNotification", "deleteNotification"} & {entry["method"] for entry in calls}


async def test_an_empty_poll_is_held_and_then_null(line: LineClient, upstream: Upstream) -> None:
    began = seconds()
    empty = await line.call("GET", "receiveNotification", params={"receiveTimeout": "5"})
    assert (empty.status_code, empty.content) == (200, b"null")
    assert 4.9 < seconds() - began < 19, "not as long as without the parameter"
    await line.call("POST", "setSettings", json=ALL_ON)
    waiting = asyncio.ensure_future(poll(line, params={"receiveTimeout": 60}))
    await asyncio.sleep(0.3)
    began = seconds()
    await incoming(line, upstream, "late")
    assert (await waiting)["body"]["messageData"]["textMessageData"]["textMessage"] == "late"
    assert seconds() - began < 30


async def test_refused_polls_are_held_as_long_as_others(line: LineClient, runtime: Runtime, upstream: Upstream) -> None:
    """With a URL of its own; unpaid; suspended; all at once would be shorter, but each is a state of its own."""
    hook = {"webhookUrl": "http://127.0.0.1:9999/hook"}
    await line.call("POST", "setSettings", json=hook)
    began = seconds()
    pushed = await line.call("GET", "receiveNotification")
    assert pushed.status_code == 400
    assert pushed.text.startswith("Message cannot be received because custom webhook url is set.")
    assert f"instance: {line.number} and wait" in pushed.text
    assert seconds() - began > 4.9
    refused = await line.call("DELETE", "clearWebhooksQueue")
    assert (refused.status_code, refused.text[:27]) == (400, "Webhooks cannot be cleared ")
    await line.call("POST", "setSettings", json=ALL_ON | {"webhookUrl": ""})
    await incoming(line, upstream, "kept")
    async with runtime.database.begin(line.tenant.tenant_id) as uow:
        terms = await uow.session.get_one(Subscription, (line.tenant.tenant_id, line.instance.id))
        terms.billing_mode, terms.plan, terms.paid_through_at = "live", "live", uow.now
    began = seconds()
    assert await poll(line) is None
    assert seconds() - began > 4.9
    async with runtime.database.begin(line.tenant.tenant_id) as uow:
        await instances.suspend(uow, await instances.find(uow, line.instance.id))
    await asyncio.sleep(0.6)  # what is tested: that a line is trusted no longer than half a second
    began = seconds()
    assert await poll(line) is None
    assert seconds() - began > 4.9


async def test_a_poll_whose_client_went_away_ends(line: LineClient, runtime: Runtime) -> None:
    waiters = runtime.waiters
    path = line.path("receiveNotification") + "?receiveTimeout=60"
    try:
        async with asyncio.timeout(0.7):
            await raw_request(line.http, f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")
    except TimeoutError:
        pass
    async with asyncio.timeout(30):
        while waiters._waiting:
            await asyncio.sleep(0.05)


async def test_the_queue_is_cleared_once_a_minute(line: LineClient, upstream: Upstream) -> None:
    await line.call("POST", "setSettings", json=ALL_ON)
    await incoming(line, upstream, "one")
    await poll(line)
    first = await line.call("DELETE", "clearWebhooksQueue")
    assert (first.status_code, first.content) == (200, b'{"isCleared":true,"reason":""}')
    assert (await line.call("GET", "getWebhooksCount")).json() == {"count": 0}
    second = (await line.call("DELETE", "clearWebhooksQueue")).json()
    assert (second["isCleared"], second["reason"]) == (False, "Too many requests")
    assert 0 < second["leftTime"] <= 60


async def test_another_lines_notifications_are_not_to_be_had(
    line: LineClient, runtime: Runtime, upstream: Upstream
) -> None:
    await line.call("POST", "setSettings", json=ALL_ON)
    await incoming(line, upstream, "private")
    mine = await poll(line)
    for receipt in (mine["receiptId"] + 1, mine["receiptId"] + 2**40, 2**62):
        reply = await line.call("DELETE", "deleteNotification", f"/{receipt}")
        assert reply.status_code == 400 or reply.json()["result"] is False
    assert await poll(line) == mine
