"""The GREEN-API wing against bytes that no well-meaning server sends, and its silence about tokens."""

import asyncio
import gc
import io
import logging
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import structlog

from app.kit.crypto import Secret
from app.providers.errors import (
    CredentialRefused,
    NotLinked,
    NotReady,
    NotThere,
    OutcomeUnknown,
    ProviderError,
    QuotaReached,
    Refused,
    TooFast,
    Unreachable,
)
from app.providers.green_api import client
from app.providers.green_api.adapter import GreenApi
from app.providers.port import Link
from tests.providers.conftest import (
    CHAT,
    CREDENTIALS,
    HOOK_TOKEN,
    INSTANCE_TOKEN,
    PARTNER_TOKEN,
    WISH,
    Play,
    RawServer,
    raw_server,
    reply,
    reset,
)

SECRETS = (PARTNER_TOKEN, INSTANCE_TOKEN, HOOK_TOKEN, PARTNER_TOKEN.encode().hex())
LINKED_STATE = b'{"stateInstance":"authorized"}'


def _wing(url: str, seconds: float = 0.3) -> GreenApi:
    return GreenApi(url, Secret(PARTNER_TOKEN), timeout_seconds=seconds, connect_seconds=0.2)


def _answering(raw: bytes) -> Callable[[RawServer], Play]:
    """Answers every request of a connection with these bytes."""

    def script(server: RawServer) -> Play:
        async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while True:
                await server.request(reader)
                writer.write(raw)
                await writer.drain()

        return play

    return script


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
    "send": lambda wing: wing.send_text(CREDENTIALS, CHAT, "hello"),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("fault", BROKEN)
async def test_a_broken_answer_is_an_unknown_outcome_of_one_call(fault: str, call: str) -> None:
    async with raw_server(_then(BROKEN[fault])) as server:
        wing = _wing(server.url)
        with pytest.raises(OutcomeUnknown) as caught:
            await CALLS[call](wing)
        await wing.close()
        assert len(server.requests) == 1
        _assert_silent(caught.value)


async def test_nobody_listening_is_surely_not_done() -> None:
    for url in ("http://127.0.0.1:1", "http://nowhere.invalid", "https://127.0.0.1:1", "gopher://x", "http://"):
        wing = _wing(url)
        with pytest.raises(Unreachable) as caught:
            await wing.create(WISH)
        await wing.close()
        _assert_silent(caught.value)


async def test_a_failed_handshake_is_surely_not_done() -> None:
    async with raw_server(_then(_not_http)) as server:
        wing = _wing(server.url.replace("http:", "https:"))
        with pytest.raises(Unreachable) as caught:
            await wing.create(WISH)
        await wing.close()
        _assert_silent(caught.value)


async def test_a_closed_wing_is_unreachable() -> None:
    wing = _wing("http://127.0.0.1:1")
    await wing.close()
    with pytest.raises(Unreachable):
        await wing.create(WISH)


async def test_waiting_in_vain_for_a_connection_is_surely_not_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "CONNECTIONS", 1)
    async with raw_server(_then(_never)) as server:
        wing = _wing(server.url)
        slow = asyncio.create_task(wing.link(CREDENTIALS))
        await asyncio.sleep(0.1)
        with pytest.raises(Unreachable):
            async with asyncio.timeout(5):
                await wing.send_text(CREDENTIALS, CHAT, "hello")
        with pytest.raises(OutcomeUnknown):
            await slow
        await wing.close()
        assert len(server.requests) == 1


async def test_a_text_that_is_no_unicode_is_refused_here() -> None:
    wing = _wing("http://127.0.0.1:1")
    with pytest.raises(Refused) as caught:
        await wing.send_text(CREDENTIALS, CHAT, "\ud800")
    await wing.close()
    _assert_silent(caught.value)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (401, b"", NotReady),
        (401, b'{"message":"Unauthorized"}', CredentialRefused),
        (403, b"Forbidden", NotThere),
        (403, b" <html>blocked by a firewall</html>", Refused),
        (404, b"Not Found", Refused),
        (400, b"Instance is deleted", NotThere),
        (400, b'{"message":"Instance is deleted"}', NotThere),
        (400, b'"Instance is deleted"', NotThere),
        (400, b"Instance account is expired. Renew your instance from personal area", NotReady),
        (400, b"instance in starting process try later", NotReady),
        (400, b"instance is starting or not authorized", NotLinked),
        (400, b"instance account not authorized", NotLinked),
        (400, b'{"message":"Validation failed. Details: instance is deleted"}', Refused),
        (400, b"\xff\xfe", Refused),
        (413, b"<html>", Refused),
        (429, b"", TooFast),
        (466, b'{"invokeStatus":{}}', QuotaReached),
        (200, b"null", OutcomeUnknown),
    ],
)
async def test_refusals_of_a_send(status: int, body: bytes, error: type[ProviderError]) -> None:
    async with raw_server(_answering(reply(body, status))) as server:
        wing = _wing(server.url)
        with pytest.raises(ProviderError) as caught:
            await wing.send_text(CREDENTIALS, CHAT, "hello")
        await wing.close()
        assert type(caught.value) is error
        assert len(server.requests) == 1
        _assert_silent(caught.value)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, b'{"code":401,"description":"Unauthorized"}', CredentialRefused),
        (200, b'{"code":404,"description":"Not found"}', NotThere),
        (200, b'{"code":100}', Refused),
        (200, b'{"code":500}', OutcomeUnknown),
        (200, b'{"code":"odd"}', OutcomeUnknown),
        (200, b'{"code":200}', OutcomeUnknown),
        (200, b"null", OutcomeUnknown),
        (400, b'{"code":100}', Refused),
        (400, b'{"code":200}', OutcomeUnknown),
        (401, b"", CredentialRefused),
        (403, b"", Refused),
        (502, b"Bad Gateway", OutcomeUnknown),
    ],
)
async def test_refusals_of_a_creation(status: int, body: bytes, error: type[ProviderError]) -> None:
    async with raw_server(_answering(reply(body, status))) as server:
        wing = _wing(server.url)
        with pytest.raises(ProviderError) as caught:
            await wing.create(WISH)
        await wing.close()
        assert type(caught.value) is error
        _assert_silent(caught.value)


@pytest.mark.parametrize("body", [b'{"deleteInstanceAccount":true}', b'{"code":200}', b'{"code":404}'])
async def test_what_counts_as_deleted(body: bytes) -> None:
    async with raw_server(_answering(reply(body))) as server:
        wing = _wing(server.url)
        await wing.delete(1)
        await wing.close()


async def test_the_time_to_wait_is_passed_on() -> None:
    async with raw_server(_answering(reply(b"", 429, head="Retry-After: 7\r\n"))) as server:
        wing = _wing(server.url)
        with pytest.raises(TooFast) as caught:
            await wing.link(CREDENTIALS)
        await wing.close()
        assert caught.value.retry_after_seconds == 7.0


@pytest.mark.parametrize(
    ("state", "link"),
    [
        ("notAuthorized", Link.UNPAIRED),
        ("authorized", Link.CONNECTED),
        ("yellowCard", Link.CONNECTED),
        ("starting", Link.STARTING),
        ("blocked", Link.BLOCKED),
        ("sleepMode", Link.DISCONNECTED),
        ("suspended", Link.DISCONNECTED),
        ("pendingCode", Link.UNKNOWN),
        ("", Link.UNKNOWN),
    ],
)
async def test_states(state: str, link: Link) -> None:
    async with raw_server(_answering(reply(f'{{"stateInstance":"{state}"}}'.encode()))) as server:
        wing = _wing(server.url)
        assert await wing.link(CREDENTIALS) is link
        await wing.close()


async def test_a_large_listing_is_read_and_deleted_rows_are_not_ours() -> None:
    row = b'{"idInstance":%d,"name":"n","apiTokenInstance":"t","deleted":%s,"timeCreated":"2022-06-15T08:05:37"}'
    rows = b",".join(row % (number, b"true" if number % 2 else b"false") for number in range(40_000))
    async with raw_server(_answering(reply(b"[" + rows + b"]"))) as server:
        wing = _wing(server.url, 5)
        listed = await wing.listing()
        await wing.close()
    assert len(listed) == 20_000
    assert {row.upstream_id % 2 for row in listed} == {0}


@pytest.mark.parametrize("body", [b'[{"name":"a"}]', b"[1]", b"{}", b'{"code":200}'])
async def test_a_listing_with_an_unreadable_row_concludes_nothing(body: bytes) -> None:
    async with raw_server(_answering(reply(body))) as server:
        wing = _wing(server.url)
        with pytest.raises(OutcomeUnknown):
            await wing.listing()
        await wing.close()


async def test_a_connection_is_used_again_but_never_for_a_creation() -> None:
    made = reply(b'{"idInstance":1,"apiTokenInstance":"t"}')
    async with raw_server(_answering(made)) as server:
        wing = _wing(server.url)
        await wing.configured(CREDENTIALS, WISH)
        await wing.configured(CREDENTIALS, WISH)
        assert server.connections == 1
        await wing.create(WISH)
        await wing.create(WISH)
        assert server.connections == 3
        await wing.close()


async def test_a_connection_that_the_server_closed_meanwhile_is_not_used() -> None:
    """Even when the end arrived while the loop was busy and nobody has looked at it yet."""

    def script(server: RawServer) -> Play:
        async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await server.request(reader)
            writer.write(reply(b'{"idMessage":"A"}'))
            await writer.drain()

        return play

    async with raw_server(script) as server:
        wing = _wing(server.url)
        for _ in range(20):
            await wing.send_text(CREDENTIALS, CHAT, "hello")
        await wing.close()
        assert len(server.requests) == server.connections == 20


@pytest.mark.parametrize("call", ["logout", "clear_queues", "link", "send_text"])
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
        wing = _wing(server.url)
        await wing.configured(CREDENTIALS, WISH)
        with pytest.raises(OutcomeUnknown):
            await (wing.send_text(CREDENTIALS, CHAT, "a") if call == "send_text" else getattr(wing, call)(CREDENTIALS))
        await wing.close()
        assert len(server.requests) == 2
        assert server.connections == 1


async def test_tokens_and_numbers_are_encoded_into_the_address() -> None:
    async with raw_server(_answering(reply(LINKED_STATE))) as server:
        wing = GreenApi(server.url + "/base/", Secret("a/b?c#d%e é"), timeout_seconds=1)
        with pytest.raises(OutcomeUnknown):
            await wing.listing()
        await wing.close()
    line = server.requests[0].split(b"\r\n")[0]
    assert line == b"GET /base/partner/getInstances/a%2Fb%3Fc%23d%25e%20%C3%A9 HTTP/1.1"


async def test_no_cookie_is_kept() -> None:
    async with raw_server(_answering(reply(LINKED_STATE, head="Set-Cookie: a=b\r\n"))) as server:
        wing = _wing(server.url)
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
                wing = _wing(server.url, 0.1)
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
        wing = _wing(server.url, 5)
        task = asyncio.create_task(wing.create(WISH))
        while not server.requests:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        await wing.close()
        _assert_silent(caught.value)


def _assert_silent(error: BaseException) -> None:
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
