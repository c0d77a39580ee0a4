"""A gateway dies in the middle of many sends; the operator moves its instance; each message is delivered once.

`SUBLET_FAILOVER_SENDS=10000` makes it as many; see docs/operating.md.
"""

import asyncio
import json
import os
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import httpx2
import pytest

from dev.stack import Options, Stack

SENDS = int(os.environ.get("SUBLET_FAILOVER_SENDS", "300"))
SENDERS, CHATS, LOST = 16, 40, 12
PAIRED_WITHIN = 30.0
MOST_SECONDS = 60.0 + SENDS / 20
WORLD = {
    "warmup_401_seconds": 0,
    "warmup_null_seconds": 0,
    "starting_seconds": 0,
    "min_delay_ms_override": 0,
    "rate_limits": False,
    "fetch_files": False,
    "whapi": {"init_seconds": 0, "launch_seconds": 0, "mode_change_seconds": 1, "pool_days": 1000},
}
APP = {
    "SUBLET_UPSTREAM_TIMEOUT_SECONDS": "5",
    "SUBLET_LEASE_SECONDS": "15",
    "SUBLET_QUIET_SECONDS": "12",
    "SUBLET_READY_POLL_SECONDS": "0.5",
    "SUBLET_RESOLVE_SECONDS": "1",
    "SUBLET_JOURNAL_SECONDS": "2",
}
DYING = [{"method": "sendMessage", "kind": "lose_answer", "times": LOST, "provider": "green"}]
DEAD = [{"method": "*", "kind": "lose_request", "provider": "green"}]


@pytest.fixture
def stack() -> Iterator[Stack]:
    """Both gateways, two workers."""
    options = Options(env=APP, workers=2, gateways=("green_api", "whapi"), simulator=("--config", json.dumps(WORLD)))
    with Stack(options) as running:
        yield running


class Shop:
    """A customer with one key, and an operator with another."""

    def __init__(self, stack: Stack, http: httpx2.AsyncClient) -> None:
        self.stack, self.http = stack, http
        self.headers: dict[str, str] = {}
        self.id = ""
        self.answers: Counter[str] = Counter()
        self.in_doubt: list[asyncio.Task[None]] = []
        self.held: list[tuple[int, str]] = []
        self.accepted = 0
        self.dead, self.moving = asyncio.Event(), asyncio.Event()

    async def operator(self, verb: str, path: str, body: Any = None) -> Any:
        """One call of the operator."""
        headers = {"Authorization": f"Bearer {self.stack.operator_key['secret']}"}
        reply = await self.http.request(verb, f"{self.stack.api_url}/operator/v1{path}", headers=headers, json=body)
        assert reply.status_code < 300, reply.text
        return reply.json()

    async def upstream(self, verb: str, path: str, body: Any = None) -> Any:
        """The simulator's own truth and its switches."""
        reply = await self.http.request(verb, f"{self.stack.simulator_url}/_sim/{path}", json=body)
        assert reply.status_code < 300, reply.text
        return reply.json()

    async def get(self, path: str) -> httpx2.Response:
        """One call of the customer, with the one key that there is."""
        return await self.http.get(f"{self.stack.api_url}/v1{path}", headers=self.headers)

    async def open(self) -> None:
        """Sign up, get an instance at the first gateway, pay, pair."""
        await self.operator("POST", "/providers/whapi/live/pause", {"reason": "the second gateway"})
        email, api = "owner@example.com", self.stack.api_url
        asked = {"email": email, "organization_name": "Shop", "accept_terms": True}
        assert (await self.http.post(f"{api}/v1/auth/sign_ups", json=asked)).status_code == 202
        code = await until(self._code)
        made = (await self.http.post(f"{api}/v1/auth/sessions", json={"email": email, "code": code})).json()
        self.headers, self.id = {"Authorization": f"Bearer {made['api_key']['secret']}"}, made["instance_id"]
        await until(self._is_ready)
        await self.operator("POST", f"/instances/{self.id}/go_live", {"days": 30, "reference": "one"})
        await self.operator("POST", "/providers/whapi/live/resume")
        account = (await self.operator("GET", f"/instances/{self.id}"))["upstream_account"]
        await self.upstream("POST", f"instances/{account}/scan", {"wid": "79990001122@c.us"})
        await until(self._is_connected)

    async def _code(self) -> str | None:
        for mail in (await self.http.get(f"{self.stack.mailbox_url}/messages")).json()["messages"]:
            if found := re.search(r"\b(\d{6})\b", mail["text"]):
                return found.group(1)
        return None

    async def _is_ready(self) -> bool:
        return bool((await self.get(f"/instances/{self.id}")).json()["status"] == "active")

    async def _is_connected(self) -> bool:
        reply = await self.get(f"/instances/{self.id}/state?refresh=true")
        return bool(reply.json()["connection"] == "connected")

    async def send(self, number: int) -> None:
        """Send one message under its own key until it is taken; one in doubt is put aside and asked after."""
        while not await self._try(number):
            await asyncio.sleep(0.3)

    async def _try(self, number: int) -> bool:
        headers = self.headers | {"Idempotency-Key": f"order-{number}"}
        body = {"to": f"+7999000{1000 + number % CHATS}", "type": "text", "text": {"body": f"order {number}"}}
        reply = await self.http.post(
            f"{self.stack.api_url}/v1/instances/{self.id}/messages", headers=headers, json=body
        )
        told = reply.json()
        self.answers[str(told.get("status") if reply.status_code == 202 else told["code"])] += 1
        if reply.status_code == 202 and told["status"] != "unknown":
            if told["status"] == "held":
                self.held.append((number, told["id"]))
            self.accepted += 1
            return True
        if reply.status_code in (202, 504):
            message_id = told.get("message_id") or told["id"]
            self.in_doubt.append(asyncio.create_task(self.ask_after(number, message_id)))
            return True
        assert told["retryable"] or reply.status_code == 409, told
        return False

    async def ask_after(self, number: int, message_id: str) -> None:
        """Look until it is known what became of a message; send it again only when it was surely never taken."""
        while True:
            status = (await self.get(f"/instances/{self.id}/messages/{message_id}")).json()["status"]
            if status == "not_sent":
                return await self.send(number)
            if status not in ("unknown", "sending", "held"):
                self.accepted += 1
                return None
            await asyncio.sleep(1)

    async def delivered(self) -> Counter[str]:
        """What the gateways took, each as often as they did."""
        green = (await self.upstream("GET", "messages"))["messages"]
        texts = [str(row["text"]) for row in green if row["direction"] == "outgoing"]
        for channel in (await self.upstream("GET", "whapi/channels"))["channels"]:
            rows = (await self.upstream("GET", f"whapi/messages?from_me=true&channel_id={channel['id']}"))["messages"]
            texts += [str(row["text"]["body"]) for row in rows]
        return Counter(texts)

    async def pair_anew(self) -> float:
        """Wait until the owner is told to pair and a QR code is there, then scan it; after how many seconds."""
        began = time.monotonic()

        async def is_told() -> bool:
            told = (await self.get("/events?types=instance.pairing_required")).json()["data"]
            return bool(told) and (await self.get(f"/instances/{self.id}/pairing")).status_code == 200

        await until(is_told)
        took = time.monotonic() - began
        await until(self._scan)
        return took

    async def _scan(self) -> bool:
        """Scan the code, unless the channel restarts just now, as it does when it goes live: then it shows another."""
        account = (await self.operator("GET", f"/instances/{self.id}"))["upstream_account"]
        address = f"{self.stack.simulator_url}/_sim/whapi/channels/{account}/scan"
        reply = await self.http.post(address, json={"phone": "79990001122"})
        assert reply.status_code in (200, 409), reply.text
        return reply.status_code == 200


async def until(found: Callable[[], Awaitable[Any]], seconds: float = 60) -> Any:
    """Ask again and again; the first answer that is one."""
    deadline = time.monotonic() + seconds
    while not (answer := await found()):
        assert time.monotonic() < deadline, f"{found.__name__} did not come true"
        await asyncio.sleep(0.2)
    return answer


async def sender(shop: Shop, numbers: Iterator[int]) -> None:
    """One of those who send; however quick they are, some is left for each part of the story."""
    for number in numbers:
        if number >= SENDS * 5 // 8:
            await shop.dead.wait()
        if number >= SENDS * 6 // 8:
            await shop.moving.wait()
        await shop.send(number)


@pytest.mark.timeout(300 + 3 * MOST_SECONDS)
async def test_a_gateway_dies_in_the_middle_and_every_message_is_delivered_once(stack: Stack) -> None:
    limits = httpx2.Limits(max_connections=100)
    async with httpx2.AsyncClient(timeout=60, limits=limits) as http:
        shop, began = Shop(stack, http), time.monotonic()
        await shop.open()
        numbers = iter(range(SENDS))
        crowd = [asyncio.create_task(sender(shop, numbers)) for _ in range(SENDERS)]
        await until(_reaches(shop, SENDS // 2), MOST_SECONDS)
        await shop.upstream("POST", "faults", {"rules": DYING + DEAD, "seed": 1})
        shop.dead.set()
        await until(_doubts(shop))
        died_at = shop.accepted
        asked = await shop.operator("POST", f"/instances/{shop.id}/move", {"provider": "whapi"})
        shop.moving.set()
        assert asked["type"] == "instance.move"
        paired_after = await shop.pair_anew()
        await asyncio.wait_for(asyncio.gather(*crowd), MOST_SECONDS)
        doubts = len(shop.in_doubt)
        assert max((await shop.delivered()).values()) == 1
        await shop.upstream("POST", "faults", {"rules": [], "seed": 1})
        while shop.in_doubt:
            await asyncio.wait_for(shop.in_doubt.pop(0), MOST_SECONDS)
        for number, message_id in shop.held:  # one that nobody knew the end of may be told as not sent by now
            await asyncio.wait_for(shop.ask_after(number, message_id), MOST_SECONDS)
        await until(lambda: _all_out(shop), MOST_SECONDS)
        assert await shop.delivered() == Counter(f"order {number}" for number in range(SENDS))
        assert paired_after < PAIRED_WITHIN
        assert shop.answers["held"] > 0
        assert doubts >= LOST
        await until(lambda: _is_cleared(shop), MOST_SECONDS)
        print(
            f"\n{SENDS} sends, {died_at} before it died, {doubts} in doubt, {dict(shop.answers)};"
            f" QR after {paired_after:.1f} s; {time.monotonic() - began:.0f} s in all"
        )


def _reaches(shop: Shop, count: int) -> Callable[[], Awaitable[bool]]:
    async def is_there() -> bool:
        return shop.accepted >= count

    return is_there


def _doubts(shop: Shop) -> Callable[[], Awaitable[bool]]:
    async def is_felt() -> bool:
        return len(shop.in_doubt) >= LOST + 4

    return is_felt


async def _all_out(shop: Shop) -> bool:
    return sum((await shop.delivered()).values()) >= SENDS


async def _is_cleared(shop: Shop) -> bool:
    """What was left at the gateway that died is gone, now that it is back."""
    return all(row["deleted_at"] for row in (await shop.upstream("GET", "instances"))["instances"])
