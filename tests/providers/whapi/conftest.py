"""Whapi as it is played on free ports, and channels of it that are called through the wing."""

import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from app.kit.crypto import Secret
from app.providers.asks import Ask
from app.providers.port import Credentials, Native, Seen
from app.providers.whapi.adapter import WhapiCloud
from simulator.main import Running, start

WHAPI_TOKEN = "canary.whapi0partner0token"
ANN = "79990003344@c.us"
BOB = "79990005566@c.us"
OWN = "79990001122"
WORLD = {"fetch_files": False, "jump_settle_seconds": 0.1, "stall_seconds": 2.0, "hold_seconds": 2.0}
QUICK = {"init_seconds": 0, "launch_seconds": 0}


class Upstream:
    """The simulator's control face and what its journal saw."""

    def __init__(self, running: Running, session: aiohttp.ClientSession) -> None:
        self.url = running.url
        self.manager_url = running.whapi_manager_url
        self.session = session

    async def sim(self, path: str, body: Any = None) -> Any:
        verb = "GET" if body is None else "POST"
        async with self.session.request(verb, f"{self.url}/_sim/{path}", json=body) as response:
            assert response.status == 200, await response.text()
            return await response.json()

    async def manager(self, verb: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {WHAPI_TOKEN}"}
        async with self.session.request(verb, self.manager_url + path, json=body, headers=headers) as response:
            assert response.status == 200, await response.text()
            return await response.json()

    async def knobs(self, **knobs: Any) -> None:
        await self.sim("config", {"whapi": knobs})

    async def fault(self, method: str, kind: str, **more: Any) -> None:
        await self.sim("faults", {"rules": [{"method": method, "kind": kind, "provider": "whapi", **more}]})

    async def calls(self, method: str) -> list[dict[str, Any]]:
        """Calls of an operation that reached the upstream, in their order."""
        found: list[dict[str, Any]] = (await self.sim(f"journal?provider=whapi&method={method}&kind=call"))["entries"]
        return found

    async def asked(self, method: str) -> Any:
        """What the last call of an operation said."""
        return (await self.calls(method))[-1]["request"]

    async def advance(self, seconds: float) -> None:
        await self.sim("clock", {"advance_seconds": seconds})


class Line:
    """One channel: what the wing does on it, and what happens on its phone."""

    def __init__(self, upstream: Upstream, wing: WhapiCloud, credentials: Credentials) -> None:
        self.upstream = upstream
        self.wing = wing
        self.credentials = credentials

    async def perform(self, ask: Ask[Any]) -> Any:
        return await self.wing.perform(self.credentials, ask)

    async def sent(self) -> list[Seen]:
        """Traces of what was sent of late."""
        return await self.wing.sent_since(self.credentials, 10)

    async def phone(self, act: str, **body: Any) -> Any:
        return await self.upstream.sim(f"whapi/channels/{self.credentials.account}/{act}", body)

    async def receive(self, words: str = "hi", **more: Any) -> str:
        """Ann, or whoever is named, writes; the message's id."""
        told = await self.phone("receive", **{"chat_id": "79990003344@s.whatsapp.net", "body": words, **more})
        return str(told["message_id"])


@asynccontextmanager
async def playing(**knobs: Any) -> AsyncIterator[Upstream]:
    running = await start(["gac.other"], {**WORLD, "whapi": {**QUICK, **knobs}}, whapi_tokens=[WHAPI_TOKEN])
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session:
        yield Upstream(running, session)
    await running.close()


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with playing() as upstream:
        yield upstream


@pytest.fixture
async def unpaired(upstream: Upstream) -> AsyncIterator[Line]:
    """A live channel that waits for a phone."""
    project = (await upstream.manager("GET", "/projects"))["projects"][0]["id"]
    made = await upstream.manager("PUT", "/channels", {"name": "slt1-one", "projectId": project})
    await upstream.manager("PATCH", f"/channels/{made['id']}/mode", {"mode": "live"})
    await upstream.advance(31)
    wing = WhapiCloud(upstream.manager_url, Secret(WHAPI_TOKEN), timeout_seconds=3.0, connect_seconds=1.0)
    credentials = Credentials(made["id"], Secret(made["token"]), made["apiUrl"])
    await wing.link(credentials)
    await upstream.advance(0.01)
    yield Line(upstream, wing, credentials)
    await wing.close()


@pytest.fixture
async def line(unpaired: Line) -> Line:
    """A live channel with a phone; files of its messages are linked."""
    await unpaired.phone("scan", phone=OWN, name="Shop")
    body = b'{"media": {"auto_download": ["image", "audio", "voice", "video", "document", "sticker"]}}'
    call = Native("/settings", "PATCH", body=body, content_type="application/json")
    assert (await unpaired.wing.native(unpaired.credentials, call)).status == 200
    return unpaired


def assert_silent(error: BaseException, *secrets: str) -> None:
    """No secret in the error, in what it is chained to, or in its frames' locals."""
    assert error.__cause__ is None
    assert error.__context__ is None
    shown = [repr(error), repr(vars(error))]
    shown += traceback.TracebackException.from_exception(error, capture_locals=True).format()
    assert not [secret for secret in secrets if any(secret in text for text in shown)]


@pytest.fixture
async def wing(upstream: Upstream) -> AsyncIterator[WhapiCloud]:
    """The whole wing; short times, so that what never answers is soon given up."""
    provider = WhapiCloud(upstream.manager_url, Secret(WHAPI_TOKEN), timeout_seconds=0.85, connect_seconds=0.5)
    yield provider
    await provider.close()
