"""A connection that only takes room is ended."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn

from app.kit.listening import HEAD_BYTES, Listening
from tests.conftest import free_socket

GET = b"GET / HTTP/1.1\r\nHost: x\r\n"


class Hurried(Listening):
    """Waits less."""

    head_seconds = 0.3
    idle_seconds = 0.5
    body_seconds = 0.6
    look_seconds = 0.1
    take_seconds = 0.5
    linger_seconds = 0.3


LARGE = b"x" * 1_000_000


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Tell how long the body was, after a while; or tell much, or at once, or read slowly, as the path says."""
    size, more = 0, True
    if scope["path"] in ("/large", "/early"):
        body = LARGE if scope["path"] == "/large" else b"no"
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body[:500_000], "more_body": True})
        await send({"type": "http.response.body", "body": body[500_000:]})
        return
    if scope["path"] == "/slow":
        await receive()
        await asyncio.sleep(1.2)
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size, more = size + len(message["body"]), message["more_body"]
    await asyncio.sleep(1)
    body = str(size).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def served(how: type[Listening]) -> AsyncIterator[int]:
    """A server of its own; its port."""
    listening = free_socket()
    server = uvicorn.Server(uvicorn.Config(echo, http=how, lifespan="off", log_config=None, access_log=False))
    task = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started:
        await asyncio.sleep(0.01)
    yield listening.getsockname()[1]
    server.should_exit = True
    await task


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """Of one that waits less."""
    async with served(Hurried) as place:
        yield place


@pytest.fixture
async def patient() -> AsyncIterator[int]:
    """Of one that waits as long as it does in truth, for what is not about time."""
    async with served(Listening) as place:
        yield place


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """One connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(60):
            yield reader, writer
    finally:
        writer.close()


async def heard(reader: asyncio.StreamReader) -> bytes:
    """All that comes until the other side closes, however it does."""
    came = bytearray()
    with contextlib.suppress(ConnectionError):
        while piece := await reader.read(65536):
            came += piece
    return bytes(came)


@pytest.mark.parametrize(
    "begun",
    [b"", b"GET / HT", GET + b"X-A: ", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab"],
    ids=["nothing", "line", "head", "body"],
)
async def test_what_does_not_come_in_time_is_not_waited_for(port: int, begun: bytes) -> None:
    async with connected(port) as (reader, writer):
        writer.write(begun)
        assert await reader.read() == b""


async def test_a_head_that_never_ends_is_refused(patient: int) -> None:
    async with connected(patient) as (reader, writer):
        writer.write(GET)
        sent = 0
        while not reader.at_eof() and sent < 100 * HEAD_BYTES:
            writer.write(b"X-A: " + b"a" * 4000 + b"\r\n")
            sent += 4000
            try:
                await writer.drain()
            except ConnectionError:
                break
            await asyncio.sleep(0)
        assert sent < 100 * HEAD_BYTES


async def test_an_answer_may_take_its_time_and_the_connection_is_used_again(port: int) -> None:
    async with connected(port) as (reader, writer):
        for body in (b"", b"x" * 100_000):
            writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            head = await reader.readuntil(b"\r\n\r\n")
            assert b"200 OK" in head
            assert await reader.readexactly(len(str(len(body)))) == str(len(body)).encode()


async def test_a_body_that_drips_is_ended_and_one_that_comes_is_not(port: int) -> None:
    async with connected(port) as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n")
        sent = 0
        while not reader.at_eof():
            writer.write(b"x")
            await asyncio.sleep(0.05)
            sent += 1
        assert sent < 40
    async with connected(port) as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n")
        for _ in range(20):
            writer.write(b"x" * 10_000)
            await asyncio.sleep(0.1)
        assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")


async def test_a_client_does_not_pay_for_our_own_slowness(port: int) -> None:
    async with connected(port) as (reader, writer):
        writer.write(b"POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n\r\n" + b"x" * 4_000_000)
        assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")


async def test_who_does_not_take_the_answer_is_cut_off(port: int) -> None:
    async with connected(port) as (reader, writer):
        reader._limit = 1000  # type: ignore[attr-defined]  # the client reads nothing beyond
        writer.write(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n" * 5)
        await asyncio.sleep(1.5)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(5 * len(LARGE))


async def test_who_was_answered_early_may_finish_but_not_go_on(port: int) -> None:
    async with connected(port) as (reader, writer):
        writer.write(b"POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\n")
        assert (await reader.readuntil(b"\r\n\r\nno"))[:15] == b"HTTP/1.1 200 OK"
        writer.write(b"x" * 2000 + b"POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\n")
        assert (await reader.readuntil(b"\r\n\r\nno"))[:15] == b"HTTP/1.1 200 OK"
        writer.write(b"x")
        assert await reader.read() == b""


@pytest.mark.parametrize(
    "head",
    [
        b"".join(b"X-%d: a\r\n" % place for place in range(300)),
        b"X-A: " + b"a" * 40_000 + b"\r\n",
        b"".join(b"X-%d: " % place + b"a" * 1000 + b"\r\n" for place in range(40)),
    ],
    ids=["lines", "line", "bytes"],
)
@pytest.mark.parametrize("pieces", [1, 50])
async def test_a_head_has_bounds_however_it_comes(patient: int, head: bytes, pieces: int) -> None:
    async with connected(patient) as (reader, writer):
        whole = GET + head + b"\r\n"
        size = len(whole) // pieces + 1
        answer = asyncio.create_task(heard(reader))
        for start in range(0, len(whole), size):
            if answer.done():
                break
            writer.write(whole[start : start + size])
            await asyncio.sleep(0.001)
        assert (await answer).startswith(b"HTTP/1.1 400")


async def test_a_few_may_be_sent_together_and_not_thousands(patient: int) -> None:
    async with connected(patient) as (reader, writer):
        writer.write(b"GET /early HTTP/1.1\r\nHost: x\r\n\r\n" * 5)
        for _ in range(5):
            await reader.readuntil(b"\r\n\r\nno")
        writer.write((GET + b"\r\n") * 5000)
        assert len(await heard(reader)) < 5000


async def test_empty_lines_between_requests_keep_no_connection(port: int) -> None:
    async with connected(port) as (reader, writer):
        writer.write(b"GET /early HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"\r\n\r\nno")
        writer.write(b"\r\n")
        assert await reader.read() == b""


async def test_a_body_may_end_in_the_bytes_in_which_the_next_head_begins(port: int) -> None:
    async with connected(port) as (reader, writer):
        one = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n" + b"x" * 60_000
        writer.write(one + b"GET /early HTTP/1.1\r\nHo")
        await asyncio.sleep(0.1)
        writer.write(b"st: x\r\n\r\n")
        await reader.readuntil(b"60000")
        assert (await reader.readuntil(b"\r\n\r\nno"))[:15] == b"HTTP/1.1 200 OK"
