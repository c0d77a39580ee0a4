"""Each wing beside the upstream that is played for it, on free ports; a wing adds itself to `wing`."""

import asyncio
import io
import socket
import struct
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
import structlog

from app.kit.crypto import Secret
from app.providers.asks import Send, Text
from app.providers.green_api.adapter import GreenApi
from app.providers.port import AccountWish, Credentials, Link, Provider
from simulator.main import Running, start

PARTNER_TOKEN = "gac.canary0partner0token0canary"
INSTANCE_TOKEN = "cafe" * 12 + "42"
HOOK_TOKEN = "canary-hook-token-7f3a"
WISH = AccountWish("slt1-test-one", "https://hooks.example.org/in/1", Secret(HOOK_TOKEN))
CREDENTIALS = Credentials("7103000123", Secret(INSTANCE_TOKEN))
CHAT = "79990003344@c.us"
SECRETS = (PARTNER_TOKEN, INSTANCE_TOKEN, HOOK_TOKEN, PARTNER_TOKEN.encode().hex())
QUICK = {
    "warmup_401_seconds": 0,
    "warmup_null_seconds": 0,
    "starting_seconds": 0,
    "restart_seconds": 0.02,
    "min_delay_ms_override": 0,
    "rate_limits": False,
    "stall_seconds": 2.0,
    "hold_seconds": 2.0,
    "jump_settle_seconds": 0.1,
}


def text(words: str) -> Send:
    """A text to the chat."""
    return Send(CHAT, Text(words))


class Upstream:
    """The simulator's control face and what its journal saw."""

    def __init__(self, running: Running, session: aiohttp.ClientSession) -> None:
        self.url = running.url
        self._session = session

    async def sim(self, path: str, body: Any = None) -> Any:
        verb = "GET" if body is None else "POST"
        async with self._session.request(verb, f"{self.url}/_sim/{path}", json=body) as response:
            assert response.status == 200, await response.text()
            return await response.json()

    async def fault(self, method: str, kind: str, **more: Any) -> None:
        await self.sim("faults", {"rules": [{"method": method, "kind": kind, **more}]})

    async def calls(self, method: str) -> list[dict[str, Any]]:
        """Calls of a method that reached the upstream; what was only asked, not what the phone did."""
        found: list[dict[str, Any]] = (await self.sim(f"journal?method={method}&kind=call"))["entries"]
        return found

    async def phone(self, credentials: Credentials, act: str, **body: Any) -> Any:
        return await self.sim(f"instances/{credentials.account}/{act}", body)

    async def truth(self, upstream_id: int) -> dict[str, Any]:
        found: dict[str, Any] = (await self.sim(f"instances?id_instance={upstream_id}"))["instances"][0]
        return found

    async def advance(self, seconds: float) -> None:
        await self.sim("clock", {"advance_seconds": seconds})


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    running = await start([PARTNER_TOKEN], QUICK)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session:
        yield Upstream(running, session)
    await running.close()


@pytest.fixture(params=["green_api"])
async def wing(request: pytest.FixtureRequest, upstream: Upstream) -> AsyncIterator[Provider]:
    """The gateway under test, whichever it is."""
    assert request.param == "green_api"
    provider = GreenApi(upstream.url, Secret(PARTNER_TOKEN), timeout_seconds=0.6, connect_seconds=0.4)
    yield provider
    await provider.close()


async def until(check: Callable[[], Awaitable[bool]], seconds: float = 3.0) -> None:
    """Wait until a check holds."""
    async with asyncio.timeout(seconds):
        while not await check():
            await asyncio.sleep(0.01)


async def account(wing: Provider) -> Credentials:
    """A fresh account that waits for a phone."""
    made = await wing.create(WISH)
    credentials = Credentials(made.account, made.token)

    async def unpaired() -> bool:
        return await wing.link(credentials) is Link.UNPAIRED

    await until(unpaired)
    return credentials


async def linked(wing: Provider, upstream: Upstream) -> Credentials:
    """A fresh account with a phone."""
    credentials = await account(wing)
    await upstream.phone(credentials, "scan")
    return credentials


Play = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class RawServer:
    """A server of bytes: plays one script per connection and counts connections and requests."""

    def __init__(self, play: Play) -> None:
        self.play = play
        self.connections = 0
        self.requests: list[bytes] = []
        self.url = ""

    async def request(self, reader: asyncio.StreamReader) -> bytes:
        """One request, head and body."""
        head = await reader.readuntil(b"\r\n\r\n")
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        whole = head + await reader.readexactly(length)
        self.requests.append(whole)
        return whole

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self.play(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def raw_server(play: Callable[[RawServer], Play]) -> AsyncIterator[RawServer]:
    """A `RawServer` on a free port; `play` gets it, to read requests with."""
    server = RawServer(_nothing)
    server.play = play(server)
    listening = await asyncio.start_server(server._serve, "127.0.0.1", 0, limit=2**20)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listening.close()


def reply(body: bytes, status: int = 200, head: str = "", length: int | None = None) -> bytes:
    """The bytes of an answer."""
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status} Because\r\nContent-Length: {size}\r\n{head}\r\n".encode() + body


def reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST, so that the other side sees a reset and not an end."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _nothing(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    return None


def green_api(url: str, seconds: float = 0.3) -> GreenApi:
    return GreenApi(url, Secret(PARTNER_TOKEN), timeout_seconds=seconds, connect_seconds=0.2)


def answering(raw: bytes) -> Callable[[RawServer], Play]:
    """Answers every request of a connection with these bytes."""

    def script(server: RawServer) -> Play:
        async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while True:
                await server.request(reader)
                writer.write(raw)
                await writer.drain()

        return play

    return script


def assert_silent(error: BaseException) -> None:
    """No secret in the error, in what it is chained to, in its frames' locals, or in a log of it."""
    chain: list[BaseException] = []
    rest: list[BaseException | None] = [error]
    while rest:
        one = rest.pop()
        if one is not None and one not in chain:
            chain.append(one)
            rest += [one.__cause__, one.__context__]
    assert chain == [error]
    shown = [repr(error), str(error), repr(error.args), repr(vars(error))]
    shown += traceback.format_exception(error, chain=True)
    shown += traceback.TracebackException.from_exception(error, capture_locals=True).format()
    shown.append(_logged(error))
    assert not [secret for secret in SECRETS if any(secret in text for text in shown)]
    assert "request_info" not in vars(error)


def _logged(error: BaseException) -> str:
    out = io.StringIO()
    frames: Any = structlog.tracebacks.ExceptionDictTransformer(show_locals=True)
    log = structlog.wrap_logger(
        structlog.PrintLogger(out),
        processors=[structlog.processors.ExceptionRenderer(frames), structlog.processors.JSONRenderer()],
    )
    log.error("failed", exc_info=error)
    assert "failed" in out.getvalue()
    return out.getvalue()
