"""A simulator of its own for each test, on a free port, and a client that speaks real HTTP to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from simulator.main import Running, start

PARTNER = "gac.aaa"
OTHER_PARTNER = "gac.bbb"
QUICK = {
    "warmup_401_seconds": 0,
    "warmup_null_seconds": 0,
    "starting_seconds": 0,
    "restart_seconds": 0.02,
    "min_delay_ms_override": 0,
    "deliver_after_seconds": None,
    "rate_limits": False,
    "jump_settle_seconds": 0.3,
}


class Caller:
    """Speaks to one simulator as the partner, as an instance, and as the control face."""

    def __init__(self, running: Running, session: aiohttp.ClientSession) -> None:
        self.running = running
        self.session = session
        self.url = running.url

    async def raw(self, verb: str, path: str, **options: Any) -> tuple[int, str, Any]:
        async with self.session.request(verb, self.url + path, **options) as response:
            return response.status, await response.text(), response.headers

    async def sim(self, path: str, body: Any = None, verb: str | None = None) -> Any:
        verb = verb or ("GET" if body is None else "POST")
        async with self.session.request(verb, f"{self.url}/_sim/{path}", json=body) as response:
            assert response.status == 200, await response.text()
            return await response.json()

    async def partner(self, method: str, body: Any = None, token: str = PARTNER) -> Any:
        verb = "GET" if method == "getInstances" else "POST"
        async with self.session.request(verb, f"{self.url}/partner/{method}/{token}", json=body) as response:
            assert response.status == 200, await response.text()
            return await response.json()

    async def create(self, name: str = "one", **settings: Any) -> Rented:
        made = await self.partner("createInstance", {"name": name, **settings})
        return Rented(self, made["idInstance"], made["apiTokenInstance"])

    async def linked(self, name: str = "one", **settings: Any) -> Rented:
        instance = await self.create(name, **settings)
        await instance.until("notAuthorized")
        await instance.phone("scan", {})
        return instance

    async def journal(self, **filters: Any) -> list[dict[str, Any]]:
        query = "&".join(f"{key}={value}" for key, value in filters.items())
        return (await self.sim(f"journal?{query}"))["entries"]

    async def advance(self, seconds: float) -> None:
        await self.sim("clock", {"advance_seconds": seconds})

    async def faults(self, *rules: dict[str, Any], seed: int = 1) -> None:
        await self.sim("faults", {"rules": list(rules), "seed": seed})


class Rented:
    """One instance as its renter sees it."""

    def __init__(self, caller: Caller, id_instance: int, token: str) -> None:
        self.caller = caller
        self.id = id_instance
        self.token = token

    def path(self, method: str) -> str:
        return f"/waInstance{self.id}/{method}/{self.token}"

    async def raw(self, method: str, body: Any = None, verb: str | None = None) -> tuple[int, str, Any]:
        verb = verb or ("GET" if body is None else "POST")
        return await self.caller.raw(verb, self.path(method), json=body)

    async def call(self, method: str, body: Any = None, verb: str | None = None, tail: str = "") -> Any:
        verb = verb or ("GET" if body is None else "POST")
        address = self.caller.url + self.path(method) + tail
        async with self.caller.session.request(verb, address, json=body) as response:
            assert response.status == 200, (response.status, await response.text())
            return await response.json(content_type=None)

    async def phone(self, act: str, body: dict[str, Any]) -> Any:
        return await self.caller.sim(f"instances/{self.id}/{act}", body)

    async def truth(self) -> dict[str, Any]:
        return (await self.caller.sim(f"instances?id_instance={self.id}"))["instances"][0]

    async def until(self, state: str) -> None:
        await eventually(lambda: self._is(state))

    async def _is(self, state: str) -> bool:
        return (await self.truth())["state"] == state

    async def send(self, text: str = "hello", chat: str = "79990003344@c.us") -> str:
        return (await self.call("sendMessage", {"chatId": chat, "message": text}))["idMessage"]

    async def pull(self) -> dict[str, Any] | None:
        """The next notification, taken out; None when nothing waits."""
        if not (await self.call("getWebhooksCount"))["count"]:
            return None
        got = await self.call("receiveNotification")
        await self.call("deleteNotification", verb="DELETE", tail=f"/{got['receiptId']}")
        return got["body"]

    async def pull_all(self) -> list[dict[str, Any]]:
        found = []
        while (body := await self.pull()) is not None:
            found.append(body)
        return found


async def eventually(check: Callable[[], Awaitable[bool]], seconds: float = 3.0) -> None:
    """Wait until a check holds, looking again every few milliseconds."""
    limit = asyncio.get_running_loop().time() + seconds
    while not await check():
        assert asyncio.get_running_loop().time() < limit, "it never came true"
        await asyncio.sleep(0.005)


class Receiver:
    """A webhook endpoint that keeps what it got and answers as told."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.headers: list[Any] = []
        self.status = 200
        self.hang = False
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        self.got.append(await request.json())
        self.headers.append(request.headers)
        if self.hang:
            await asyncio.sleep(60)
        return web.Response(status=self.status)

    async def has(self, count: int) -> None:
        async def enough() -> bool:
            return len(self.got) >= count

        await eventually(enough)

    def texts(self) -> list[str]:
        return [body["messageData"]["textMessageData"]["textMessage"] for body in self.got]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with _listening() as receiver:
        yield receiver


@pytest.fixture
async def silent() -> AsyncIterator[Receiver]:
    async with _listening() as receiver:
        yield receiver


@asynccontextmanager
async def _listening() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/hook", receiver.take)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.05, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield receiver
    await runner.cleanup()


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    running = await start([PARTNER, OTHER_PARTNER], QUICK)
    yield running
    await running.close()


@pytest.fixture
async def sim(running: Running) -> AsyncIterator[Caller]:
    connector = aiohttp.TCPConnector(force_close=False)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield Caller(running, session)
