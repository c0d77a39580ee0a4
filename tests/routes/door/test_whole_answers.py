"""An answer that is written in one piece is the answer that uvicorn would write, whatever connection it is on."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvicorn

from app.kit import asgi
from app.kit.listening import Listening
from tests.conftest import free_socket

POST = b"POST /%s HTTP/1.1\r\nHost: here\r\nContent-Length: 4\r\n\r\nbody"


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer with the path; in one piece, or as servers without it are answered."""
    if scope["type"] != "http":
        return
    body, _ = await asgi.read(receive, 100)
    assert body == b"body"
    if "plain" in scope["path"]:
        scope = {**scope, "extensions": {}}
    if "slow" in scope["path"]:
        await asyncio.sleep(0.2)
    await asgi.answer(scope, send, 202, [(b"x-which", b"one")], scope["path"].encode())


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """A server of its own."""
    listening = free_socket()
    config = uvicorn.Config(
        app, http=Listening, loop="none", lifespan="off", log_config=None, access_log=False, server_header=False
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve([listening]))
    while not server.started:
        await asyncio.sleep(0.01)
    yield listening.getsockname()[1]
    server.should_exit = True
    await serving


async def exchanged(port: int, sent: bytes, answers: int) -> list[tuple[bytes, list[bytes], bytes]]:
    """Status line, headers without their date, and body of each answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    found = []
    async with asyncio.timeout(30):
        for _ in range(answers):
            head = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
            length = next(int(line.split(b":")[1]) for line in head if line.lower().startswith(b"content-length"))
            shown = sorted(line for line in head[1:] if line and not line.startswith(b"date: "))
            assert len(shown) == len([line for line in head[1:] if line]) - 1
            found.append((head[0], shown, await reader.readexactly(length)))
    writer.close()
    return found


async def test_it_differs_in_nothing_from_the_usual_answer(port: int) -> None:
    [whole] = await exchanged(port, POST % b"a", 1)
    [usual] = await exchanged(port, POST % b"plain", 1)
    assert whole == (b"HTTP/1.1 202 Accepted", [b"content-length: 2", b"x-which: one"], b"/a")
    assert usual[:2] == (whole[0], [b"content-length: 6", b"x-which: one"])


async def test_a_connection_takes_one_after_another_and_several_at_once(port: int) -> None:
    paths = [b"slow", b"b", b"plain", b"slow2", b"c"]
    answers = await exchanged(port, b"".join(POST % path for path in paths), len(paths))
    assert [body for _, _, body in answers] == [b"/" + path for path in paths]


async def test_one_that_is_to_be_closed_is_closed(port: int) -> None:
    sent = (POST % b"a").replace(b"Host: here", b"Host: here\r\nConnection: close")
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    async with asyncio.timeout(30):
        told = await reader.read()
    assert b"connection: close" in told
    assert told.endswith(b"\r\n\r\n/a")
    writer.close()
