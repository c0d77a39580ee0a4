"""The pairing socket."""

import asyncio
import base64
import hashlib
import json

import pytest

from app.providers.errors import NotReady, NotThere, OutcomeUnknown, ProviderError, Unreachable
from app.providers.port import Credentials, Provider
from tests.providers.conftest import (
    CREDENTIALS,
    Play,
    RawServer,
    Upstream,
    account,
    answering,
    assert_silent,
    green_api,
    linked,
    raw_server,
    reply,
)


async def _frames(wing: Provider, credentials: Credentials) -> list[str]:
    async with asyncio.timeout(10):
        return [frame async for frame in wing.scan(credentials)]


async def test_frames_come_until_the_phone_is_linked(wing: Provider, upstream: Upstream) -> None:
    credentials = await account(wing)
    seen = []
    async for frame in wing.scan(credentials):
        seen.append(json.loads(frame)["type"])
        if seen == ["qrCode"]:
            await upstream.phone(credentials, "scan")
    assert seen[0] == "qrCode"
    assert "accountData" in seen


async def test_a_linked_account_says_so_and_ends(wing: Provider, upstream: Upstream) -> None:
    credentials = await linked(wing, upstream)
    (frame,) = await _frames(wing, credentials)
    assert json.loads(frame)["type"] == "alreadyLogged"


async def test_a_watcher_that_leaves_closes_the_socket(wing: Provider) -> None:
    credentials = await account(wing)
    for _ in range(3):
        frames = wing.scan(credentials)
        assert json.loads(await anext(frames))["type"] == "qrCode"
        await frames.aclose()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("status", "error"), [(401, NotReady), (403, NotThere), (502, OutcomeUnknown), (200, OutcomeUnknown)]
)
async def test_a_socket_that_is_not_opened_tells_why(status: int, error: type[ProviderError]) -> None:
    async with raw_server(answering(reply(b"", status))) as server:
        wing = green_api(server.url)
        with pytest.raises(error) as caught:
            await _frames(wing, CREDENTIALS)
        await wing.close()
        assert_silent(caught.value)


async def test_nobody_listening_is_unreachable() -> None:
    wing = green_api("http://127.0.0.1:1")
    with pytest.raises(Unreachable) as caught:
        await _frames(wing, CREDENTIALS)
    assert_silent(caught.value)
    await wing.close()
    with pytest.raises(Unreachable):
        await _frames(wing, CREDENTIALS)


async def test_frames_that_are_no_text_are_not_passed_on() -> None:
    def script(server: RawServer) -> Play:
        async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = await server.request(reader)
            key = next(
                line.split(b": ")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key")
            )
            digest = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()  # noqa: S324
            writer.write(
                b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
                + base64.b64encode(digest)
                + b"\r\n\r\n\x82\x01x"
            )
            await writer.drain()
            await asyncio.sleep(0.2)

        return play

    async with raw_server(script) as server:
        wing = green_api(server.url, 2)
        with pytest.raises(OutcomeUnknown) as caught:
            await _frames(wing, CREDENTIALS)
        await wing.close()
        assert_silent(caught.value)
