"""A simulator with two Whapi partners for each test, and clients of its manager, its gate and its control face."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from simulator.main import Running, start
from tests.simulator.conftest import eventually

TOKEN = "partner.one"
OTHER = "partner.two"
DAY = 86400.0
WORLD = {"jump_settle_seconds": 0.3, "stall_seconds": 0.05}


class Told:
    """An answer: its status, its JSON (None when it is none), its text and its headers."""

    def __init__(self, status: int, body: Any, raw: bytes, headers: Any) -> None:
        self.status = status
        self.body = body
        self.raw = raw
        self.headers = headers

    def ok(self) -> Any:
        assert self.status == 200, (self.status, self.raw)
        return self.body

    @property
    def error(self) -> Any:
        return self.body["error"]


class Whapi:
    """Speaks to one simulator as a partner, as a channel's owner, and as the control face."""

    def __init__(self, running: Running, session: aiohttp.ClientSession) -> None:
        self.running = running
        self.session = session

    async def call(self, url: str, verb: str, token: str | None, **options: Any) -> Told:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        headers |= options.pop("headers", {})
        async with self.session.request(verb, url, headers=headers, **options) as response:
            raw = await response.read()
            is_json = response.content_type == "application/json" and raw
            return Told(response.status, await response.json() if is_json else None, raw, response.headers)

    async def manager(self, verb: str, path: str, body: Any = None, token: str = TOKEN, **options: Any) -> Told:
        return await self.call(self.running.whapi_manager_url + path, verb, token, json=body, **options)

    async def sim(self, path: str, body: Any = None, verb: str | None = None, status: int = 200) -> Any:
        verb = verb or ("GET" if body is None else "POST")
        told = await self.call(f"{self.running.url}/_sim/{path}", verb, None, json=body)
        assert told.status == status, told.raw
        return told.body

    async def knobs(self, **knobs: Any) -> None:
        await self.sim("config", {"whapi": knobs})

    async def advance(self, seconds: float) -> None:
        await self.sim("clock", {"advance_seconds": seconds})

    async def faults(self, *rules: dict[str, Any]) -> None:
        await self.sim("faults", {"rules": list(rules), "seed": 1})

    async def journal(self, **filters: Any) -> list[dict[str, Any]]:
        query = "&".join(f"{key}={value}" for key, value in filters.items())
        return (await self.sim(f"journal?provider=whapi&{query}"))["entries"]

    async def project(self, token: str = TOKEN) -> str:
        partners = (await self.sim("whapi/partners"))["partners"]
        return next(p["projects"][0]["id"] for p in partners if p["token"] == token)

    async def pool(self, token: str = TOKEN) -> float:
        return (await self.books(token))["balances"][token]["pool"]

    async def books(self, token: str = TOKEN) -> Any:
        return await self.sim(f"whapi/books?partner={token}")

    async def create(self, name: str = "one", token: str = TOKEN) -> Channel:
        body = {"name": name, "projectId": await self.project(token)}
        return Channel(self, (await self.manager("PUT", "/channels", body, token)).ok(), token)

    async def linked(self, name: str = "one", **settings: Any) -> Channel:
        channel = await self.create(name)
        if settings:
            await channel.set(**settings)
        await channel.up()
        await channel.act("scan", {})
        return channel


class Channel:
    """One channel as its owner sees it."""

    def __init__(self, whapi: Whapi, row: dict[str, Any], partner: str = TOKEN) -> None:
        self.whapi = whapi
        self.row = row
        self.id: str = row["id"]
        self.token: str = row["token"]
        self.partner = partner

    async def gate(self, verb: str, path: str, body: Any = None, **options: Any) -> Told:
        return await self.whapi.call(self.row["apiUrl"] + path, verb, self.token, json=body, **options)

    async def manage(self, verb: str, path: str = "", body: Any = None) -> Told:
        return await self.whapi.manager(verb, f"/channels/{self.id}{path}", body, self.partner)

    async def set(self, **settings: Any) -> Any:
        return (await self.gate("PATCH", "settings", settings)).ok()

    async def state(self) -> str:
        return (await self.gate("GET", "health?wakeup=false")).ok()["status"]["text"]

    async def up(self) -> None:
        """Wake it and let it come to QR or AUTH."""
        await self.gate("GET", "health")
        await self.whapi.advance(8)

    async def act(self, name: str, body: dict[str, Any] | None = None, status: int = 200) -> Any:
        return await self.whapi.sim(f"whapi/channels/{self.id}/{name}", body or {}, "POST", status)

    async def truth(self) -> dict[str, Any]:
        return (await self.whapi.sim(f"whapi/channels?channel_id={self.id}"))["channels"][0]

    async def extend(self, days: float, comment: str = "order") -> Told:
        return await self.manage("POST", "/extend", {"days": days, "comment": comment})


class Receiver:
    """A webhook endpoint that keeps what it got and answers as told."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.requests: list[tuple[str, str, Any]] = []
        self.status = 200
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        self.got.append(await request.json())
        self.requests.append((request.method, request.path, request.headers))
        return web.Response(status=self.status)

    def events(self) -> list[str]:
        """Such as `users.post`, in the order of arrival."""
        return [f"{body['event']['type']}.{body['event']['event']}" for body in self.got if "event" in body]

    async def has(self, count: int) -> None:
        async def enough() -> bool:
            return len(self.got) >= count

        await eventually(enough)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", receiver.take)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.05, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield receiver
    await runner.cleanup()


@asynccontextmanager
async def started(**knobs: Any) -> AsyncIterator[Whapi]:
    running = await start(["gac.aaa"], {**WORLD, "whapi": knobs}, whapi_tokens=[TOKEN, OTHER])
    async with aiohttp.ClientSession() as session:
        # The client would repeat a GET or a PUT by itself when the connection is reset.
        session._retry_connection = False
        yield Whapi(running, session)
    await running.close()


@pytest.fixture
async def whapi() -> AsyncIterator[Whapi]:
    async with started() as whapi:
        yield whapi
