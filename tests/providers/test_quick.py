"""The fast client against servers of bytes: what its library is not trusted with. See docs/decisions/0017."""

import asyncio
import random
import resource
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from app.providers.errors import OutcomeUnknown, ProviderError, Unreachable
from app.providers.green_api.adapter import GreenApi
from app.providers.http import quick, wire
from app.providers.port import Native, NativeReply
from tests.providers.conftest import (
    CREDENTIALS,
    Play,
    RawServer,
    answering,
    assert_silent,
    green_api,
    raw_server,
    reply,
    reset,
)

MADE = reply(b'{"idMessage":"A"}')


def _send(number: int = 0) -> Native:
    return Native("sendMessage", "POST", "", b'{"n":"%06d"}' % number, "application/json")


async def _ending(wing: GreenApi, number: int = 0) -> NativeReply | ProviderError:
    try:
        return await wing.native(CREDENTIALS, _send(number))
    except ProviderError as error:
        assert_silent(error)
        return error


@asynccontextmanager
async def _wing(script: Callable[[RawServer], Play], seconds: float = 0.3) -> AsyncIterator[tuple[GreenApi, RawServer]]:
    async with raw_server(script) as server:
        wing = green_api(server.url, seconds)
        yield wing, server
        await wing.close()


def _moody(server: RawServer) -> Play:
    """Closes, resets, answers and goes silent at random, also between and in the middle of requests."""
    dice = random.Random(7)

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            if dice.random() < 0.1:
                await asyncio.sleep(0.002)
                return
            await server.request(reader)
            mood = dice.random()
            if mood < 0.1:
                return
            if mood < 0.2:
                reset(writer)
                return
            if mood < 0.3:
                writer.write(MADE[:30])
                return
            writer.write(MADE)
            await writer.drain()
            if mood < 0.5:
                return

    return play


async def test_no_request_is_ever_written_twice_and_none_that_is_surely_undone_was_written() -> None:
    async with _wing(_moody, 2) as (wing, server):
        numbers = iter(range(600))
        undone: list[int] = []

        async def work() -> None:
            for number in numbers:
                ending = await _ending(wing, number)
                if isinstance(ending, Unreachable):
                    undone.append(number)

        await asyncio.gather(*(work() for _ in range(12)))
        bodies = [request.rpartition(b"\r\n\r\n")[2] for request in server.requests]
    assert len(bodies) == len(set(bodies))
    assert not {b'{"n":"%06d"}' % number for number in undone} & set(bodies)


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("http://127.0.0.1:1", Unreachable),
        ("https://127.0.0.1:1", Unreachable),
        ("http://nowhere.invalid", Unreachable),
        ("gopher://x", Unreachable),
    ],
)
async def test_nobody_listening_is_surely_not_done(url: str, error: type[ProviderError]) -> None:
    wing = green_api(url, 5)
    assert type(await _ending(wing)) is error
    await wing.close()
    assert type(await _ending(wing)) is Unreachable


def _resets(server: RawServer) -> Play:
    async def play(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reset(writer)

    return play


def _silent(server: RawServer) -> Play:
    async def play(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await server.request(reader)
        await asyncio.sleep(1)

    return play


@pytest.mark.parametrize("script", [_resets, _silent])
async def test_what_the_library_calls_a_connect_error_after_connecting_is_unknown(
    script: Callable[[RawServer], Play],
) -> None:
    async with _wing(script) as (wing, server):
        assert type(await _ending(wing)) is OutcomeUnknown
        assert len(server.requests) <= 1


async def test_a_connection_that_is_never_made_in_time_is_unknown_too() -> None:
    """A TLS handshake that nobody answers ends as a timeout, and a timeout proves nothing here."""
    async with raw_server(_silent) as server:
        wing = green_api(server.url.replace("http:", "https:"))
        assert type(await _ending(wing)) is OutcomeUnknown
        await wing.close()
        assert server.requests == []


async def test_waiting_in_vain_for_a_place_is_surely_not_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "CONNECTIONS", 1)
    async with _wing(_silent) as (wing, server):
        first, second = await asyncio.gather(_ending(wing, 1), _ending(wing, 2))
        assert {type(first), type(second)} == {OutcomeUnknown, Unreachable}
        assert len(server.requests) == 1


async def test_no_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with _wing(answering(MADE)) as (wing, server):
        assert isinstance(await _ending(wing), NativeReply)
        assert server.requests[0].startswith(b"POST /waInstance7103000123/sendMessage/")


async def test_no_redirect_is_followed_and_no_cookie_kept() -> None:
    head = "Location: /elsewhere\r\nSet-Cookie: a=b\r\n"
    async with _wing(answering(reply(b"", 307, head))) as (wing, server):
        for _ in range(2):
            ending = await _ending(wing)
            assert isinstance(ending, NativeReply)
            assert ending.status == 307
        assert len(server.requests) == 2
        assert b"elsewhere" not in b"".join(server.requests)
        assert b"ookie" not in b"".join(server.requests)
        assert b"eferer" not in b"".join(server.requests)


async def test_an_endless_answer_is_cut_off_with_bounded_memory() -> None:
    def script(server: RawServer) -> Play:
        async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await server.request(reader)
            writer.write(reply(b"", length=10**10))
            while True:
                writer.write(b" " * 65536)
                await writer.drain()

        return play

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with _wing(script, 5) as (wing, _):
        for _ in range(5):
            assert type(await _ending(wing)) is OutcomeUnknown
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024


async def test_an_answer_in_pieces_is_put_together() -> None:
    def script(server: RawServer) -> Play:
        async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await server.request(reader)
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for piece in (b'{"idM', b'essage"', b':"A"}'):
                writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                await writer.drain()
                await asyncio.sleep(0.01)
            writer.write(b"0\r\n\r\n")
            await writer.drain()

        return play

    async with _wing(script, 2) as (wing, _):
        ending = await _ending(wing)
        assert isinstance(ending, NativeReply)
        assert ending.body == b'{"idMessage":"A"}'


async def test_an_idle_connection_is_given_up_before_servers_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quick, "IDLE_SECONDS", 0.5)
    async with _wing(answering(MADE)) as (wing, server):
        await _ending(wing)
        await _ending(wing)
        assert server.connections == 1
        await asyncio.sleep(0.9)
        await _ending(wing)
        assert server.connections == 2


async def test_a_cancelled_call_stays_a_cancellation_and_is_not_repeated() -> None:
    async with _wing(_silent, 5) as (wing, server):
        task = asyncio.create_task(wing.native(CREDENTIALS, _send()))
        while not server.requests:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        assert_silent(caught.value)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await wing.native(CREDENTIALS, _send())
        await asyncio.sleep(0.1)
        assert len(server.requests) == 2


async def test_token_and_query_arrive_as_written() -> None:
    async with _wing(answering(reply(b"[]"))) as (wing, server):
        await wing.native(CREDENTIALS, Native("lastOutgoingMessages", "GET", "minutes=5&x=%2F%25"))
    line = server.requests[0].split(b"\r\n")[0].decode()
    path = f"/waInstance{CREDENTIALS.account}/lastOutgoingMessages/{CREDENTIALS.token.reveal()}"
    assert line == f"GET {path}?minutes=5&x=%2F%25 HTTP/1.1"


SHORT_LIFE = """
import asyncio, sys
from app.kit.crypto import Secret
from app.providers.errors import ProviderError
from app.providers.green_api.adapter import GreenApi
from app.providers.port import Credentials, Native

async def live():
    wing = GreenApi("http://127.0.0.1:1", Secret("p"))
    for _ in range(3):
        try:
            await wing.native(Credentials("1", Secret("t")), Native("getSettings", "GET"))
        except ProviderError:
            pass
    if sys.argv[1] == "closed":
        await wing.close()

asyncio.run(live())
"""


@pytest.mark.parametrize("end", ["closed", "left"])
async def test_a_short_process_ends_well(end: str) -> None:
    """The library's thread may abort an interpreter that ends at once after a call; see the decision record."""

    async def run() -> int:
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", SHORT_LIFE, end)
        return await process.wait()

    assert await asyncio.gather(*(run() for _ in range(4))) == [0, 0, 0, 0]
