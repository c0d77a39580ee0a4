"""Ways to take more than is due, or to stay where one has been put out."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from app.accounts.models import Tenant
from app.accounts.scopes import Scope
from app.compat.own import POLLS_OF_LINE
from app.instances import service as instances
from app.kit import ids
from app.kit.db import SYSTEM
from app.plans.models import UsageCounter
from app.runtime import Runtime
from tests.conftest import Upstream
from tests.factories import make_key
from tests.routes.compat.conftest import LineClient
from tests.routes.compat.test_gates import use_up
from tests.routes.compat.test_passing import CHAT, HELLO, calls
from tests.routes.compat.test_receiving import ALL_ON, incoming

MANY = httpx2.Limits(max_connections=200)


def native(line: LineClient, method: str) -> str:
    """The path of a method of the gateway for a caller with a key."""
    return f"/v1/instances/{ids.to_wire(ids.INSTANCE, line.instance.id)}/gateway/{method}"


async def used(runtime: Runtime, line: LineClient, metric: str = "messages") -> int:
    """What the plan has counted in the present period."""
    async with runtime.database.begin(line.tenant.tenant_id) as uow:
        day = (uow.now + timedelta(hours=3)).date()
        row = await uow.session.get(UsageCounter, (line.tenant.tenant_id, line.instance.id, metric, day))
        return 0 if row is None else row.used


async def test_a_forward_counts_every_message_that_it_passes_on(
    line: LineClient, runtime: Runtime, upstream: Upstream
) -> None:
    assert (await line.call("POST", "sendMessage", json=HELLO)).status_code == 200
    wish = {"chatId": CHAT, "chatIdFrom": CHAT, "messages": [f"BAE5{number:012X}" for number in range(20)]}
    assert (await line.call("POST", "forwardMessages", json=wish)).status_code == 200
    assert await used(runtime, line) == 21
    await use_up(runtime, line, "messages", 131)
    refused = await line.call("POST", "forwardMessages", json=wish)
    assert (refused.status_code, refused.json()["invokeStatus"]["method"]) == (466, "forwardmessages")
    by_key = await line.http.post(native(line, "forwardMessages"), headers=line.tenant.headers, json=wish)
    assert (by_key.status_code, by_key.json()["code"]) == (402, "plan_limit_reached")
    assert await used(runtime, line) == 131
    assert len(await calls(upstream, line, "forwardMessages")) == 1
    fits = wish | {"messages": wish["messages"][:19]}
    assert (await line.call("POST", "forwardMessages", json=fits)).status_code == 200
    assert (await line.call("POST", "sendMessage", json=HELLO)).status_code == 466


async def test_a_forward_that_was_refused_is_given_back_whole(
    line: LineClient, runtime: Runtime, upstream: Upstream
) -> None:
    assert (await line.call("POST", "sendMessage", json=HELLO)).status_code == 200
    wish = {"chatId": "nobody", "chatIdFrom": CHAT, "messages": ["A1", "A2", "A3"]}
    assert (await line.call("POST", "forwardMessages", json=wish)).status_code == 400
    assert await used(runtime, line) == 1


@pytest.mark.parametrize("end", ["rotated", "suspended", "deleted", "organization"])
async def test_what_ends_while_a_poll_is_held_ends_the_poll(
    line: LineClient, runtime: Runtime, upstream: Upstream, end: str
) -> None:
    await line.call("POST", "setSettings", json=ALL_ON)
    held = asyncio.ensure_future(line.call("GET", "receiveNotification", params={"receiveTimeout": 5}))
    await asyncio.sleep(0.3)
    async with runtime.database.begin(SYSTEM) as uow:
        instance = await instances.find(uow, line.instance.id)
        if end == "suspended":
            await instances.suspend(uow, instance)
        elif end == "deleted":
            await instances.request_deletion(uow, instance)
        elif end == "organization":
            tenant = await uow.session.get_one(Tenant, line.tenant.tenant_id)
            tenant.status = "suspended"
    if end == "rotated":
        path = f"/v1/instances/{ids.to_wire(ids.INSTANCE, line.instance.id)}/credentials/rotate"
        assert (await line.http.post(path, headers=line.tenant.headers)).status_code == 200
    await asyncio.sleep(1)  # what is tested: that nothing old is trusted for longer
    await incoming(line, upstream, "private")
    ended = await held
    assert "private" not in ended.text
    told = {"rotated": (401, ""), "deleted": (400, "Instance is deleted")}
    assert (ended.status_code, ended.text) == told.get(end, (200, "null"))


async def test_polls_with_a_key_have_the_same_bounds(line: LineClient) -> None:
    path = native(line, "receiveNotification")

    async def poll() -> httpx2.Response:
        return await line.http.get(path, headers=line.tenant.headers)

    async with httpx2.AsyncClient(base_url=line.http.base_url, timeout=30, limits=MANY) as wide:
        polls = [wide.get(path, headers=line.tenant.headers) for _ in range(POLLS_OF_LINE + 5)]
        replies = await asyncio.gather(*polls)
    refused = [reply for reply in replies if reply.status_code != 200]
    assert [reply.status_code for reply in refused] == [429] * 5
    assert refused[0].headers["retry-after"] == "1"
    assert (await poll()).status_code == 200, "places come free"


async def test_a_poll_with_a_key_ends_with_its_instance(line: LineClient, runtime: Runtime, upstream: Upstream) -> None:
    await line.call("POST", "setSettings", json=ALL_ON)
    held = asyncio.ensure_future(line.http.get(native(line, "receiveNotification"), headers=line.tenant.headers))
    await asyncio.sleep(0.3)
    async with runtime.database.begin(line.tenant.tenant_id) as uow:
        await instances.suspend(uow, await instances.find(uow, line.instance.id))
    await incoming(line, upstream, "private")
    ended = await held
    assert (ended.status_code, ended.json()["code"]) == (403, "instance_suspended")


async def test_our_own_methods_are_paced_for_keys_too(line: LineClient) -> None:
    replies = await asyncio.gather(
        *(line.http.get(native(line, "getWebhooksCount"), headers=line.tenant.headers) for _ in range(4))
    )
    assert {reply.status_code for reply in replies} == {200, 429}


async def test_no_time_to_wait_breaks_a_poll(line: LineClient) -> None:
    said = [b"1" * 400, b"-" + b"9" * 400, b'"' + b"9" * 400 + b'"', b"[]", b"{}", b"true"]
    polls = [
        asyncio.ensure_future(line.call("GET", "receiveNotification", content=b'{"receiveTimeout":' + each + b"}"))
        for each in said
    ]
    done, held = await asyncio.wait(polls, timeout=1)
    assert not done, "each is held, whatever was said"
    for poll in held:
        poll.cancel()
    await asyncio.gather(*held, return_exceptions=True)


async def test_a_receipt_is_found_wherever_it_stands(line: LineClient, upstream: Upstream) -> None:
    await line.call("POST", "setSettings", json=ALL_ON)
    ways: list[dict[str, Any]] = [{"content": b"{}"}, {"json": {}}, {"content": b""}, {"content": b"null"}]
    for way in ways:
        await incoming(line, upstream, "one")
        receipt = (await line.call("GET", "receiveNotification")).json()["receiptId"]
        reply = await line.call("DELETE", "deleteNotification", params={"receiptId": receipt}, **way)
        assert (reply.status_code, reply.text) == (200, '{"result":true,"reason":""}'), way
    for odd in (b"1.5", b"-1", b"1" * 4000, b"true", b"[1]", b'{"receiptId":null}'):
        reply = await line.call("DELETE", "deleteNotification", content=odd)
        assert reply.status_code == 400 or reply.json()["result"] is False, odd


async def test_a_key_is_not_told_a_token_that_does_more_than_itself(line: LineClient, runtime: Runtime) -> None:
    weak = await make_key(runtime, line.tenant, scopes=[Scope.KEYS_WRITE, Scope.GATEWAY_CALL])
    refused = await line.http.get(native(line, "updateApiToken"), headers=weak)
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope")
    assert (await line.call("GET", "getStateInstance")).status_code == 200, "nothing was changed"
