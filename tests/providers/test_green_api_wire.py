"""The GREEN-API wing against bytes that no well-meaning server sends, and its silence about tokens."""

import asyncio
import gc
import logging
import time
from collections.abc import Awaitable, Callable

import pytest

from app.kit.crypto import Secret
from app.providers.errors import (
    OutcomeUnknown,
    Refused,
    Unreachable,
)
from app.providers.green_api.adapter import GreenApi
from app.providers.http import wire
from tests.providers.conftest import (
    CREDENTIALS,
    SECRETS,
    WISH,
    Play,
    RawServer,
    answering,
    assert_silent,
    green_api,
    raw_server,
    reply,
    reset,
    text,
)

LINKED_STATE = b'{"stateInstance":"authorized"}'


def _then(act: Callable[[asyncio.StreamWriter], Awaitable[None]]) -> Callable[[RawServer], Play]:
    """Reads a request, then misbehaves."""

    def script(server: RawServer) -> Play:
        async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await server.request(reader)
            await act(writer)

        return play

    return script


async def _reset_at_once(writer: asyncio.StreamWriter) -> None:
    reset(writer)


async def _reset_after_head(writer: asyncio.StreamWriter) -> None:
    writer.write(reply(b"", length=100))
    await writer.drain()
    await asyncio.sleep(0.02)
    reset(writer)


async def _end_at_once(writer: asyncio.StreamWriter) -> None:
    writer.close()


async def _half_a_head(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Le")
    await writer.drain()
    writer.close()


async def _half_a_body(writer: asyncio.StreamWriter) -> None:
    writer.write(reply(b'{"idInstance":71', length=80))
    await writer.drain()
    writer.close()


async def _half_a_chunk(writer: asyncio.StreamWriter) -> None:
    writer.write(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n{"idInst')
    await writer.drain()
    writer.close()


async def _never(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(1)


async def _drip(writer: asyncio.StreamWriter) -> None:
    writer.write(reply(b"", length=1000))
    for _ in range(100):
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.01)


async def _huge(writer: asyncio.StreamWriter) -> None:
    writer.write(reply(b"", length=10**10))
    for _ in range(10_000):
        writer.write(b"[" * 65536)
        await writer.drain()


async def _not_http(writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-OpenSSH_9.6\r\n")
    await writer.drain()


def _always(raw: bytes) -> Callable[[asyncio.StreamWriter], Awaitable[None]]:
    async def act(writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        await writer.drain()

    return act


BROKEN = {
    "reset at once": _reset_at_once,
    "reset after head": _reset_after_head,
    "end at once": _end_at_once,
    "half a head": _half_a_head,
    "half a body": _half_a_body,
    "half a chunk": _half_a_chunk,
    "never answers": _never,
    "drips": _drip,
    "huge body": _huge,
    "not http": _not_http,
    "html as 200": _always(reply(b"<html>welcome</html>", head="Content-Type: text/html\r\n")),
    "deep json": _always(reply(b"[" * 100_000 + b"]" * 100_000)),
    "empty 200": _always(reply(b"")),
    "no fields": _always(reply(b"{}")),
    "a list": _always(reply(b"[]")),
    "wrong types": _always(reply(b'{"idInstance":"x","apiTokenInstance":7,"idMessage":{}}')),
    "bad utf-8": _always(reply(b'{"idInstance":1,"apiTokenInstance":"\xff\xfe"}')),
    "bad gzip": _always(reply(b"not gzip", head="Content-Encoding: gzip\r\n")),
    "redirect": _always(reply(b"", 307, head="Location: http://127.0.0.1:1/elsewhere\r\n")),
    "created": _always(reply(b"{}", 201)),
    "request timeout": _always(reply(b"", 408)),
    "unknown status": _always(reply(b"", 599)),
}

CALLS: dict[str, Callable[[GreenApi], Awaitable[object]]] = {
    "create": lambda wing: wing.create(WISH),
    "send": lambda wing: wing.send(CREDENTIALS, text("hello")),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("fault", BROKEN)
async def test_a_broken_answer_is_an_unknown_outcome_of_one_call(fault: str, call: str) -> None:
    async with raw_server(_then(BROKEN[fault])) as server:
        wing = green_api(server.url)
        with pytest.raises(OutcomeUnknown) as caught:
            await CALLS[call](wing)
        await wing.close()
        assert len(server.requests) == 1
        assert_silent(caught.value)


async def test_nobody_listening_is_surely_not_done() -> None:
    for url in ("http://127.0.0.1:1", "http://nowhere.invalid", "https://127.0.0.1:1", "gopher://x", "http://"):
        wing = green_api(url)
        with pytest.raises(Unreachable) as caught:
            await wing.create(WISH)
        await wing.close()
        assert_silent(caught.value)


async def test_a_failed_handshake_is_surely_not_done() -> None:
    async with raw_server(_then(_not_http)) as server:
        wing = green_api(server.url.replace("http:", "https:"))
        with pytest.raises(Unreachable) as caught:
            await wing.create(WISH)
        await wing.close()
        assert_silent(caught.value)


async def test_a_closed_wing_is_unreachable() -> None:
    wing = green_api("http://127.0.0.1:1")
    await wing.close()
    with pytest.raises(Unreachable):
        await wing.create(WISH)


async def test_waiting_in_vain_for_a_connection_is_surely_not_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "CONNECTIONS", 1)
    async with raw_server(_then(_never)) as server:
        wing = green_api(server.url)
        slow = asyncio.create_task(wing.link(CREDENTIALS))
        await asyncio.sleep(0.1)
        with pytest.raises(Unreachable):
            async with asyncio.timeout(5):
                await wing.send(CREDENTIALS, text("hello"))
        with pytest.raises(OutcomeUnknown):
            await slow
        await wing.close()
        assert len(server.requests) == 1


async def test_a_text_that_is_no_unicode_is_refused_here() -> None:
    wing = green_api("http://127.0.0.1:1")
    with pytest.raises(Refused) as caught:
        await wing.send(CREDENTIALS, text("\ud800"))
    await wing.close()
    assert_silent(caught.value)


async def test_a_connection_is_used_again_but_never_for_a_creation() -> None:
    made = reply(b'{"idInstance":1,"apiTokenInstance":"t"}')
    async with raw_server(answering(made)) as server:
        wing = green_api(server.url)
        await wing.configured(CREDENTIALS, WISH)
        await wing.configured(CREDENTIALS, WISH)
        assert server.connections == 1
        await wing.create(WISH)
        await wing.create(WISH)
        assert server.connections == 3
        await wing.close()


async def test_a_connection_that_the_server_closed_meanwhile_is_not_used() -> None:
    """Even when the loop was busy while its end arrived."""
    ended = asyncio.Semaphore(0)

    def script(server: RawServer) -> Play:
        async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await server.request(reader)
            writer.write(reply(b'{"idMessage":"A"}'))
            await writer.drain()
            writer.close()
            await writer.wait_closed()
            ended.release()

        return play

    async with raw_server(script) as server:
        wing = green_api(server.url)
        for _ in range(5):
            await wing.send(CREDENTIALS, text("hello"))
            await ended.acquire()
            time.sleep(0.05)  # noqa: ASYNC251  # it is this that keeps the loop busy
        await wing.close()
        assert len(server.requests) == server.connections == 5


@pytest.mark.parametrize("call", ["logout", "clear_queues", "link", "send"])
async def test_a_used_connection_that_breaks_is_not_tried_again(call: str) -> None:
    """aiohttp would repeat a GET or a DELETE by itself, and so log a phone out twice."""

    def script(server: RawServer) -> Play:
        async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await server.request(reader)
            writer.write(reply(b'{"isCleared":true}'))
            await writer.drain()
            await server.request(reader)
            reset(writer)

        return play

    async with raw_server(script) as server:
        wing = green_api(server.url)
        await wing.configured(CREDENTIALS, WISH)
        with pytest.raises(OutcomeUnknown):
            await (wing.send(CREDENTIALS, text("a")) if call == "send" else getattr(wing, call)(CREDENTIALS))
        await wing.close()
        assert len(server.requests) == 2
        assert server.connections == 1


async def test_tokens_and_numbers_are_encoded_into_the_address() -> None:
    async with raw_server(answering(reply(LINKED_STATE))) as server:
        wing = GreenApi(server.url + "/base/", Secret("a/b?c#d%e é"), timeout_seconds=1)
        with pytest.raises(OutcomeUnknown):
            await wing.listing()
        await wing.close()
    line = server.requests[0].split(b"\r\n")[0]
    assert line == b"GET /base/partner/getInstances/a%2Fb%3Fc%23d%25e%20%C3%A9 HTTP/1.1"


async def test_no_cookie_is_kept() -> None:
    async with raw_server(answering(reply(LINKED_STATE, head="Set-Cookie: a=b\r\n"))) as server:
        wing = green_api(server.url)
        await wing.link(CREDENTIALS)
        await wing.link(CREDENTIALS)
        await wing.close()
    assert b"ookie" not in server.requests[1]


async def test_no_log_shows_a_token(caplog: pytest.LogCaptureFixture) -> None:
    """Neither ours nor asyncio's nor aiohttp's, at the most talkative, through all kinds of failures."""
    caplog.set_level(logging.DEBUG)
    loop = asyncio.get_running_loop()
    said: list[str] = []
    loop.set_exception_handler(lambda _, context: said.append(repr(context)))
    try:
        for act in BROKEN.values():
            async with raw_server(_then(act)) as server:
                wing = green_api(server.url, 0.3)
                for call in CALLS.values():
                    with pytest.raises(OutcomeUnknown):
                        await call(wing)
                await wing.close()
        gc.collect()
        await asyncio.sleep(0.01)
    finally:
        loop.set_exception_handler(None)
    shown = caplog.text + "".join(said) + "".join(repr(vars(record)) for record in caplog.records)
    assert not [secret for secret in SECRETS if secret in shown]


async def test_a_cancellation_shows_no_token() -> None:
    async with raw_server(_then(_never)) as server:
        wing = green_api(server.url, 5)
        task = asyncio.create_task(wing.create(WISH))
        while not server.requests:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        await wing.close()
        assert_silent(caught.value)
