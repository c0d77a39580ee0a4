"""What the fault run is made of: those who sign up, what they do then, and what kills workers meanwhile."""

import asyncio
import os
import re
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

import httpx2

from dev.stack import Stack

KILL_SECONDS = float(os.environ.get("FAULT_RUN_KILL_SECONDS", "5"))


@dataclass(frozen=True)
class Newcomer:
    """A tenant that has signed up, and its instance."""

    number: int
    key: str
    instance_id: str


class Newcomers:
    """All who sign up: they read their own mail and nobody helps them."""

    def __init__(self, stack: Stack, http: httpx2.AsyncClient) -> None:
        self.stack, self.http = stack, http
        self.codes: dict[str, str] = {}
        self.secrets: list[str] = []
        self.all: list[Newcomer] = []

    async def sign_up(self, count: int, seconds: float) -> None:
        """So many, evenly over the time."""
        postman = asyncio.create_task(self._read_mail())
        await asyncio.gather(*(self._one(number, seconds * number / count) for number in range(count)))
        postman.cancel()

    async def _one(self, number: int, after_seconds: float) -> None:
        await asyncio.sleep(after_seconds)
        email = f"person{number}@example.com"
        asked = {"email": email, "organization_name": f"Shop {number}", "accept_terms": True}
        reply = await self.http.post(f"{self.stack.api_url}/v1/auth/sign_ups", json=asked)
        assert reply.status_code == 202, reply.text
        while email not in self.codes:
            await asyncio.sleep(0.1)
        proof = {"email": email, "code": self.codes[email]}
        reply = await self.http.post(f"{self.stack.api_url}/v1/auth/sessions", json=proof)
        assert reply.status_code == 201, reply.text
        made = reply.json()
        self.secrets += [made["token"], made["api_key"]["secret"]]
        self.all.append(Newcomer(number, made["api_key"]["secret"], made["instance_id"]))

    async def _read_mail(self) -> None:
        while True:
            reply = await self.http.get(f"{self.stack.mailbox_url}/messages")
            for mail in reply.json()["messages"]:
                found = re.search(r"\b(\d{6})\b", mail["text"])
                if found:
                    to = mail["to"]
                    self.codes[to if isinstance(to, str) else to[0]] = found.group(1)
            await asyncio.sleep(0.3)


@dataclass(frozen=True)
class House:
    """The house from outside, and the truth of its upstreams."""

    stack: Stack
    http: httpx2.AsyncClient

    async def truth(self, path: str) -> Any:
        """What the simulator knows."""
        return (await self.http.get(f"{self.stack.simulator_url}/_sim/{path}")).json()

    async def control(self, path: str, body: dict[str, Any]) -> Any:
        """An act of the simulator: a fault, a phone."""
        reply = await self.http.post(f"{self.stack.simulator_url}/_sim/{path}", json=body)
        assert reply.status_code == 200, reply.text
        return reply.json()

    async def operator(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """One request of the operator."""
        headers = {"Authorization": f"Bearer {self.stack.operator_key['secret']}"}
        url = f"{self.stack.api_url}/operator/v1{path}"
        reply = await self.http.request(method, url, json=body, headers=headers)
        assert reply.status_code == 200, reply.text
        return reply.json()

    async def ask(self, who: Newcomer, method: str, path: str, body: Any = None, **headers: str) -> httpx2.Response:
        """One request of a tenant about its instance."""
        url = f"{self.stack.api_url}/v1/instances/{who.instance_id}{path}"
        sent = {"Authorization": f"Bearer {who.key}", **headers}
        return await self.http.request(method, url, json=body, headers=sent)

    async def seen(self, who: Newcomer, path: str = "") -> Any:
        """What a tenant sees of its instance."""
        reply = await self.ask(who, "GET", path)
        assert reply.status_code == 200, reply.text
        return reply.json()


class Chat:
    """A tenant with a linked phone that sends some messages, each asked for twice with one key."""

    def __init__(self, house: House, who: Newcomer, account: str, *, is_green: bool) -> None:
        self.house, self.who, self.account, self.is_green = house, who, account, is_green
        self.ids: dict[str, str] = {}

    async def link(self) -> None:
        """The phone scans, and upstream's word of it comes to us."""
        number = f"7999{self.who.number:07d}"
        if self.is_green:
            await self.house.control(f"instances/{self.account}/scan", {"wid": f"{number}@c.us"})
        else:
            await self.house.control(f"whapi/channels/{self.account}/scan", {"phone": number})
        while (await self.house.seen(self.who))["connection"] != "connected":
            await asyncio.sleep(0.3)

    async def send(self, count: int) -> None:
        """Each is one message, whatever becomes of answers."""
        for number in range(count):
            text = f"parcel {self.who.number}-{number}"
            body = {"to": "+79995550000", "type": "text", "text": {"body": text}}
            for _ in range(2):
                reply = await self.house.ask(self.who, "POST", "/messages", body, **{"Idempotency-Key": text})
                assert reply.status_code in (202, 504), reply.text  # 504: taken or not, that is being found out
                named = reply.json()["id" if reply.status_code == 202 else "message_id"]
                assert self.ids.setdefault(text, named) == named

    async def statuses(self) -> dict[str, str]:
        """How each ended, as the tenant sees it."""
        rows = (await self.house.seen(self.who, "/messages?limit=100"))["data"]
        return {row["text"]["body"]: row["status"] for row in rows if row["direction"] == "outbound"}

    async def given(self) -> Counter[str]:
        """What upstream was given to send, how often each."""
        if self.is_green:
            rows = (await self.house.truth(f"messages?id_instance={self.account}"))["messages"]
            return Counter(row["text"] for row in rows if row["direction"] == "outgoing")
        rows = (await self.house.truth(f"whapi/messages?channel_id={self.account}&from_me=true"))["messages"]
        return Counter(row["text"]["body"] for row in rows)


async def kill_workers(stack: Stack) -> None:
    """SIGKILL one worker after the other, every few seconds; the supervisor starts it again."""
    turn = 0
    while True:
        await asyncio.sleep(KILL_SECONDS)
        await asyncio.to_thread(stack.workers[turn % len(stack.workers)].kill)
        turn += 1


async def wait_until(condition: Any, seconds: float) -> bool:
    """Ask again and again."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if await condition():
            return True
        await asyncio.sleep(0.5)
    return False
