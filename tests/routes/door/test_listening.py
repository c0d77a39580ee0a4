"""A connection that only takes room is ended."""

import asyncio
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
    body_seconds = 0.6


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Tell how long the body was, after a while."""
    size, more = 0, True
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


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """A server of its own."""
    listening = free_socket()
    server = uvicorn.Server(uvicorn.Config(echo, http=Hurried, lifespan="off", log_config=None, access_log=False))
    task = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started:
        await asyncio.sleep(0.01)
    yield listening.getsockname()[1]
    server.should_exit = True
    await task


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """One connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(10):
            yield reader, writer
    finally:
        writer.close()


@pytest.mark.parametrize(
    "begun",
    [b"", b"GET / HT", GET + b"X-A: ", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab"],
    ids=["nothing", "line", "head", "body"],
)
async def test_what_does_not_come_in_time_is_not_waited_for(port: int, begun: bytes) -> None:
    async with connected(port) as (reader, writer):
        writer.write(begun)
        assert await reader.read() == b""


async def test_a_head_that_never_ends_is_refused(port: int) -> None:
    async with connected(port) as (reader, writer):
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
