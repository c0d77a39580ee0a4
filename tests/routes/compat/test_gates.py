"""Limits, trials and payment, as clients of GREEN-API know refusals, in our words."""

import asyncio
from datetime import timedelta
from typing import Any

from app.kit.db import SYSTEM
from app.plans import service as plans
from app.plans.models import Subscription, UsageCounter
from app.runtime import Runtime
from tests.conftest import Upstream
from tests.routes.compat.conftest import LineClient
from tests.routes.compat.test_passing import CHAT, HELLO, calls


async def use_up(runtime: Runtime, line: LineClient, metric: str, used: int) -> None:
    """Set what is used of a metric in the present period, by the row that a send has made."""
    async with runtime.database.begin(line.tenant.tenant_id) as uow:
        for day in {uow.now.date(), (uow.now + timedelta(hours=3)).date()}:
            key = (line.tenant.tenant_id, line.instance.id, metric, day)
            row = await uow.session.get(UsageCounter, key)
            if row is not None:
                row.used = used


async def poll(line: LineClient) -> Any:
    return (await line.call("GET", "receiveNotification")).json()


async def test_a_limit_that_is_used_up_is_466_and_told_by_a_notification(
    line: LineClient, runtime: Runtime, upstream: Upstream
) -> None:
    assert (await line.call("POST", "sendMessage", json=HELLO)).status_code == 200
    await use_up(runtime, line, "messages", 150)
    asked = len(await calls(upstream, line, "sendMessage"))
    for name in ("SendMessage", "sendmessage"):
        reply = await line.call("POST", name, json=HELLO)
        assert reply.status_code == 466
        told = reply.json()["invokeStatus"]
        assert list(told) == ["method", "used", "total", "status", "description"]
        assert (told["method"], told["used"], told["total"]) == ("sendmessage", 150, 150)
        assert told["status"] == "QUOTE_EXCEEDED"
        assert str(line.http.base_url).rstrip("/") in told["description"]
        assert "retry-after" not in reply.headers
    assert len(await calls(upstream, line, "sendMessage")) == asked
    notice = await poll(line)
    assert notice["body"]["typeWebhook"] == "quotaExceeded"
    assert notice["body"]["quotaData"]["method"] == "sendmessage"
    assert (notice["body"]["quotaData"]["used"], notice["body"]["quotaData"]["status"]) == (150, "QUOTA_EXCEEDED")
    assert (await line.call("GET", "getWebhooksCount")).json() == {"count": 1}
    for method in ("getStateInstance", "getSettings"):
        assert (await line.call("GET", method)).status_code == 200


async def test_a_chat_too_many_is_466_with_both_parts(line: LineClient, runtime: Runtime, upstream: Upstream) -> None:
    for number in range(5):
        reply = await line.call("POST", "sendMessage", json=HELLO | {"chatId": f"7999000334{number}@c.us"})
        assert reply.status_code == 200, reply.text
    refused = await line.call("POST", "sendMessage", json=HELLO | {"chatId": "79990003399@c.us"})
    assert refused.status_code == 466
    told = refused.json()
    assert told["invokeStatus"]["status"] == "QUOTE_ALLOWED"
    chats = told["correspondentsStatus"]
    assert (chats["method"], chats["used"], chats["total"]) == ("correspondents", 5, 5)
    assert chats["status"] == "CORRESPONDENTS_QUOTE_EXCEEDED"
    known = await line.call("POST", "sendMessage", json=HELLO | {"chatId": "79990003340@c.us"})
    assert known.status_code == 200
    assert (await poll(line))["body"]["quotaData"]["status"] == "CORRESPONDENTS_QUOTA_EXCEEDED"


async def test_the_end_of_a_trial_is_466_and_what_is_there_can_be_read(
    line: LineClient, runtime: Runtime, upstream: Upstream
) -> None:
    runtime.database.shift += timedelta(days=6)
    reply = await line.call("POST", "sendMessage", json=HELLO)
    assert reply.status_code == 466, reply.text
    assert reply.json()["invokeStatus"]["method"] == "sendmessage"
    assert reply.json()["invokeStatus"]["status"] == "QUOTE_EXCEEDED"
    assert (await line.call("POST", "checkWhatsapp", json={"phoneNumber": 79990003344})).status_code == 466
    for method in ("getStateInstance", "getSettings", "getWaSettings"):
        assert (await line.call("GET", method)).status_code == 200, method
    assert (await poll(line))["body"]["typeWebhook"] == "quotaExceeded"
    assert await calls(upstream, line, "sendMessage") == []


async def test_what_is_not_paid_for_is_400_in_our_words(line: LineClient, runtime: Runtime) -> None:
    async with runtime.database.begin(SYSTEM) as uow:
        await plans.go_live(uow, line.tenant.tenant_id, line.instance.id, days=1, source="test", note=None)
    assert (await line.call("POST", "sendMessage", json=HELLO)).status_code == 200
    async with runtime.database.begin(line.tenant.tenant_id) as uow:
        terms = await uow.session.get_one(Subscription, (line.tenant.tenant_id, line.instance.id))
        terms.paid_through_at = uow.now
    await _eventually_refused(line)
    reply = await line.call("GET", "getChats")
    assert reply.status_code == 400
    assert reply.json()["statusCode"] == 400
    assert reply.json()["message"].startswith("Instance account is expired. ")
    assert "personal area" not in reply.text
    assert (await line.call("GET", "getStateInstance")).json() == {"stateInstance": "authorized"}


async def _eventually_refused(line: LineClient) -> None:
    """Within the second for which terms may be trusted."""
    for _ in range(30):
        reply = await line.call("POST", "sendMessage", json={"chatId": CHAT, "message": "unpaid"})
        if reply.status_code != 200:
            break
        await asyncio.sleep(0.1)
    assert reply.status_code == 400
    assert reply.json()["message"].startswith("Instance account is expired. ")
