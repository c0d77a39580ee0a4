"""What goes over the wire and what does not: tokens, repeats, paths that lead elsewhere; calls in Whapi's words."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from app.kit.crypto import Secret
from app.providers.asks import FileByUrl, Send, Text
from app.providers.errors import (
    BrokenOff,
    NotLinked,
    NotThere,
    OutcomeUnknown,
    ProviderError,
    Refused,
    TooFast,
    Unreachable,
)
from app.providers.http.wire import Answer, Done
from app.providers.port import Credentials, Drafted, Native, NativeReply, Sent, Upload
from app.providers.whapi import verdicts
from app.providers.whapi.adapter import WhapiCloud
from app.providers.whapi.client import GATE, Client, path_of
from app.providers.whapi.native import stored_in
from tests.providers.conftest import HOOK_TOKEN, Play, RawServer, answering, raw_server, reply, reset
from tests.providers.whapi.conftest import ANN, WHAPI_TOKEN, Upstream, assert_silent
from tests.providers.whapi.hooks import WISH, linked, whapi

CHANNEL_TOKEN = "canaryCHANNELtoken00000000000001"
SENT = reply(b'{"sent":true,"message":{"id":"PsqX-gAbC"}}')
HELLO = Send(ANN, Text("hello"))
TO = "79990003344@s.whatsapp.net"


def _at(url: str) -> Credentials:
    return Credentials("RAVENX-7Q2LM", Secret(CHANNEL_TOKEN), url)


@asynccontextmanager
async def _wing(
    script: Callable[[RawServer], Play], seconds: float = 0.3
) -> AsyncIterator[tuple[WhapiCloud, RawServer]]:
    async with raw_server(script) as server:
        wing = whapi(server.url, seconds)
        yield wing, server
        await wing.close()


async def _silent(call: object) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await call  # type: ignore[misc]
    assert_silent(caught.value, WHAPI_TOKEN, CHANNEL_TOKEN, HOOK_TOKEN)
    return caught.value


async def test_tokens_go_into_a_header_and_never_into_an_address() -> None:
    async with _wing(answering(SENT), 2) as (wing, server):
        await wing.send(_at(server.url), HELLO)
        await _silent(wing.listing())
        upload = Upload(_chunks(b"x"), 1, "image/png", "a.png")
        await wing.native_stream(_at(server.url), "/media", upload)
    for request, token in zip(server.requests, (CHANNEL_TOKEN, WHAPI_TOKEN, CHANNEL_TOKEN), strict=True):
        line, *headers = request.partition(b"\r\n\r\n")[0].decode().split("\r\n")
        assert token not in line
        found = [header.partition(": ") for header in headers if token in header]
        assert [(name.lower(), value) for name, _, value in found] == [("authorization", f"Bearer {token}")]


def _dies(server: RawServer) -> Play:
    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.request(reader)
        reset(writer)

    return play


@pytest.mark.parametrize(
    "script", [_dies, answering(reply(b"<p>no</p>", 500)), answering(b"x\r\n\r\n"), answering(reply(b"", 401))]
)
async def test_no_error_holds_a_token(script: Callable[[RawServer], Play]) -> None:
    async with _wing(script) as (wing, server):
        credentials = _at(server.url)
        await _silent(wing.create(WISH))
        await _silent(wing.listing())
        await _silent(wing.fund("RAVENX-7Q2LM", 1, "order"))
        await _silent(wing.delete("RAVENX-7Q2LM"))
        await _silent(wing.link(credentials))
        await _silent(wing.configure(credentials, WISH))
        await _silent(wing.send(credentials, HELLO))
        await _silent(wing.upload(credentials, Upload(_chunks(b"abc"), 3, "image/png", "a.png")))


async def test_nobody_listening_is_silent_and_surely_not_done() -> None:
    wing = whapi("http://127.0.0.1:1")
    for call in (
        wing.create(WISH),
        wing.send(_at("http://127.0.0.1:1"), HELLO),
        wing.send(_at("https://127.0.0.1:1"), HELLO),
        wing.upload(_at("http://127.0.0.1:1"), Upload(_chunks(b"x"), 1, "image/png", "")),
    ):
        assert type(await _silent(call)) is Unreachable
    await wing.close()


def _moody(server: RawServer) -> Play:
    """Closes, resets, answers and goes silent at random, also between and in the middle of requests."""
    dice = random.Random(7)

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            if dice.random() < 0.1:
                return
            await server.request(reader)
            mood = dice.random()
            if mood < 0.1:
                return
            if mood < 0.2:
                reset(writer)
                return
            if mood < 0.3:
                writer.write(SENT[:30])
                return
            writer.write(SENT)
            await writer.drain()
            if mood < 0.5:
                return

    return play


async def test_no_send_is_ever_written_twice_and_none_that_is_surely_undone_was_written() -> None:
    undone: set[int] = set()
    async with _wing(_moody, 2) as (wing, server):
        numbers = iter(range(300))

        async def work() -> None:
            for number in numbers:
                try:
                    await wing.send(_at(server.url), Send(ANN, Text(f"number {number:06d}")))
                except Unreachable:
                    undone.add(number)
                except ProviderError as error:
                    assert_silent(error, CHANNEL_TOKEN)

        await asyncio.gather(*(work() for _ in range(8)))
        written = [int(request.partition(b"number ")[2][:6]) for request in server.requests]
    assert len(written) == len(set(written))
    assert not undone & set(written)


@pytest.mark.parametrize(
    "path",
    [
        "/messages/../settings",
        "/messages/%2e%2e/settings",
        "/messages/%2E./settings",
        "/messages/./list",
        "/a\\b",
        "/a?b=c",
        "/a#b",
        "/a b",
        "/a\r\nb",
        "//evil.example.org/x",
        "@evil.example.org/x",
        "",
    ],
)
async def test_a_path_that_leads_elsewhere_is_not_called(path: str) -> None:
    async with raw_server(answering(SENT)) as server:
        client = Client(server.url, Secret(WHAPI_TOKEN), timeout_seconds=1, connect_seconds=1)
        with pytest.raises(Refused):
            await client.call(_at(server.url), "GET", path)
        assert server.requests == []
        await client.close()


async def test_parts_of_a_path_are_encoded_and_flags_are_words() -> None:
    assert path_of("chats", "1@s.whatsapp.net", "a/b?c#d ü") == "/chats/1@s.whatsapp.net/a%2Fb%3Fc%23d%20%C3%BC"
    async with raw_server(answering(SENT)) as server:
        client = Client(server.url, Secret(WHAPI_TOKEN), timeout_seconds=1, connect_seconds=1)
        query = {"wakeup": False, "count": 5, "none": None, "of": "a b"}
        await client.call(_at(server.url), "GET", path_of("chats", "1@g.us"), query=query)
        await client.close()
    assert server.requests[0].startswith(b"GET /chats/1@g.us?wakeup=false&count=5&of=a+b HTTP/1.1\r\n")


async def test_a_body_that_is_no_text_is_refused_unwritten() -> None:
    async with _wing(answering(SENT)) as (wing, server):
        assert type(await _silent(wing.send(_at(server.url), Send(ANN, Text("\ud800"))))) is Refused
        assert server.requests == []


@pytest.mark.parametrize(
    ("raw", "status", "error"),
    [
        (b'{"error":{"code":404,"message":"channel not found"}}', 404, "NotThere"),
        (b'{"error":{"code":404,"message":"not found","details":"Channel not found"}}', 404, "NotThere"),
        (b'{"error":"channel not found"}', 404, "NotThere"),
        (b'{"error":{"code":404,"message":"message not found"}}', 404, "NoSuchThing"),
        (b"<html>not found</html>", 404, "Refused"),
        (b"<html>forbidden</html>", 403, "Refused"),
        (b'{"error":{"code":403}}', 403, "NotAllowed"),
        (b'{"code":402,"error":"Trial version limit exceeded"}', 402, "QuotaReached"),
        (b'{"error":{"code":402,"message":"limit"}}', 402, "QuotaReached"),
        (b'{"error":"Need channel authorization"}', 401, "NotLinked"),
        (b'{"success":false}', 200, "Refused"),
        (b'{"sent":false}', 200, "OutcomeUnknown"),
        (b'{"error":"x"}', 200, "OutcomeUnknown"),
        (b"", 204, "OutcomeUnknown"),
        (b"", 302, "OutcomeUnknown"),
    ],
)
def test_all_shapes_of_a_refusal_are_read(raw: bytes, status: int, error: str) -> None:
    assert type(verdicts.of_gate("/messages/text", Answer(status, raw))).__name__ == error


@pytest.mark.parametrize("path", ["/chats", "/messages/list", "/messages/ABCD-EFGH", "/contacts"])
def test_an_answer_without_a_message_is_none_to_a_send_only(path: str) -> None:
    assert isinstance(verdicts.of_gate(path, Answer(200, b"{}")), Done)
    assert isinstance(verdicts.of_gate(path, Answer(204, b"")), Done)
    for sending in ("/messages/text", "/messages/media/image", "/stories/send/text", "/messages/story"):
        assert isinstance(verdicts.of_gate(sending, Answer(200, b"{}")), OutcomeUnknown)


async def test_a_native_call_is_answered_as_it_is(wing: WhapiCloud, upstream: Upstream) -> None:
    credentials = await linked(wing, upstream)
    body = b'{"to":"79990003344","body":"hi"}'
    told = await wing.native(credentials, Native("/messages/text", "POST", "", body, "application/json"))
    assert told.status == 200
    sent = wing.sent_by("/messages/text", told)
    assert isinstance(sent, Sent)
    assert wing.conclude("/messages/text", told) is None
    path = f"/messages/{sent.message_id}"
    assert (await wing.native(credentials, Native(path, "GET"))).status == 200
    forwarded = await wing.native(credentials, Native(path, "POST", "", b'{"to":"79990005566"}', "application/json"))
    assert isinstance(wing.sent_by(path, forwarded), Sent)
    missing = await wing.native(credentials, Native("/messages/NOSUCH-MESSAGE", "GET"))
    assert missing.status == 404
    assert isinstance(wing.conclude("/messages/NOSUCH-MESSAGE", missing), Refused)
    assert wing.conclude("/health", NativeReply(429, b"", "", "7")).__class__ is TooFast
    assert isinstance(wing.sent_by("/messages/text", NativeReply(401, b'{"error":"x"}', "")), NotLinked)
    assert isinstance(wing.sent_by("/messages/text", NativeReply(200, b"{}", "")), OutcomeUnknown)
    gone = NativeReply(404, b'{"error":{"message":"channel not found"}}', "")
    assert isinstance(wing.conclude("/health", gone), NotThere)


@pytest.mark.parametrize(
    ("method", "body", "content_type", "is_success"),
    [
        ("/media/jpeg-1", b"\xff\xd8", "image/jpeg", True),
        ("/contacts/79990003344", b"", "", True),
        ("/chats", b"{}", "application/json", True),
        ("/chats", b"{", "application/json", False),
        ("/chats", b"<html>", "text/html", False),
        ("/messages/text", b"", "", False),
    ],
)
def test_what_is_no_json_is_a_success_where_no_message_is_owed(
    method: str, body: bytes, content_type: str, is_success: bool
) -> None:
    concluded = whapi("http://127.0.0.1:1").conclude(method, NativeReply(200, body, content_type))
    assert (concluded is None) is is_success


async def test_a_token_in_a_native_query_is_left_out() -> None:
    async with _wing(answering(SENT)) as (wing, server):
        await wing.native(_at(server.url), Native("chats", "GET", "token=theirs&count=5&q=%2Fa"))
        await wing.native(_at(server.url), Native("chats?to%6Ben=theirs", "GET", "count=5"))
        await wing.native(_at(server.url), Native("chats", "GET", "q=%2Fa"))
    lines = [request.split(b"\r\n")[0] for request in server.requests]
    assert [line.split()[1] for line in lines] == [b"/chats?count=5&q=%2Fa", b"/chats?count=5", b"/chats?q=%2Fa"]


async def test_a_file_is_streamed_as_it_comes(wing: WhapiCloud, upstream: Upstream) -> None:
    credentials = await linked(wing, upstream)
    upload = Upload(_chunks(b"%PDF", b"-1.7"), None, "application/pdf", "")
    told = await wing.native_stream(credentials, f"/messages/media/document?to={TO}&filename=a.pdf", upload)
    assert isinstance(wing.sent_by("/messages/media/document", told), Sent)
    assert (await upstream.calls("sendMediaMessage"))[-1]["http_status"] == 200


async def test_a_stored_file_is_sent_by_its_address(wing: WhapiCloud, upstream: Upstream) -> None:
    credentials = await linked(wing, upstream)
    address = await wing.upload(credentials, Upload(_chunks(b"%PDF-1.7"), 8, "application/pdf", "a.pdf"))
    media = stored_in(address)
    assert media is not None
    assert address.startswith(f"{credentials.base_url}/media/")
    await wing.send(credentials, Send(ANN, FileByUrl(address, "a.pdf")))
    assert (await upstream.asked("sendMessageDocument"))["media"] == media
    for other in ("https://example.org/media/a-1", "https://example.org/a.pdf#stored", GATE, "", media):
        assert stored_in(other) is None


async def _chunks(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def _broken() -> AsyncIterator[bytes]:
    yield b"ab"
    raise OSError("gone")


@pytest.mark.parametrize(
    ("chunks", "size"),
    [(_chunks(b"ab"), 3), (_chunks(b"abcd"), 3), (_broken(), 3), (_broken(), None)],
    ids=["short", "long", "broken", "unsized"],
)
async def test_a_file_that_breaks_off_was_not_sent(chunks: AsyncIterator[bytes], size: int | None) -> None:
    def script(server: RawServer) -> Play:
        async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()

        return play

    async with _wing(script, 2) as (wing, server):
        ending = await _silent(wing.upload(_at(server.url), Upload(chunks, size, "image/png", "a.png")))
        assert type(ending) is BrokenOff


DRAFTS = [
    ("/messages/text", b'{"to":"79990003344","body":"hi"}', Drafted(ANN, "text", {"text": "hi"}, None)),
    (
        "messages/text",
        b'{"to":"1-2@g.us","body":"hi","quoted":"A-B"}',
        Drafted("1-2@g.us", "text", {"text": "hi"}, "A-B"),
    ),
    (
        "/messages/poll",
        f'{{"to":"{TO}","title":"Tea?","options":["a","b"],"count":1}}'.encode(),
        Drafted(ANN, "poll", {"question": "Tea?", "options": ["a", "b"], "multiple": False}, None),
    ),
    (
        "/messages/document",
        f'{{"to":"{TO}","media":"https://x.example/a.pdf","filename":"a.pdf","caption":"c"}}'.encode(),
        Drafted(ANN, "document", {"file_name": "a.pdf", "caption": "c"}, None),
    ),
    (
        "/messages/media/image",
        f'{{"to":"{TO}","media":"https://x.example/a.jpg","caption":"c"}}'.encode(),
        Drafted(ANN, "image", {"caption": "c"}, None),
    ),
    ("/messages/ABCD-EFGH", f'{{"to":"{TO}"}}'.encode(), Drafted(ANN, "forward", {"message_ids": ["ABCD-EFGH"]}, None)),
    ("/messages/text", b'{"to":"79990003344","body":"hi","edit":"A-B"}', None),
    ("/messages/text", b'{"body":"hi"}', None),
    ("/messages/text", b"[]", None),
    ("/messages/text", b"to=1&body=hi", None),
    ("/messages/ABCD-EFGH/reaction", b'{"to":"1","emoji":"x"}', None),
    ("/messages/ABCD-EFGH", b"", None),
    ("/messages/carousel", f'{{"to":"{TO}","cards":[]}}'.encode(), None),
    ("/messages/event", f'{{"to":"{TO}","name":"Tea"}}'.encode(), None),
    ("/messages/story", f'{{"to":"{TO}"}}'.encode(), None),
    ("/stories/send/text", b'{"caption":"x"}', None),
    ("/chats", b"{}", None),
]


@pytest.mark.parametrize(("method", "body", "draft"), DRAFTS)
def test_what_a_native_send_would_send(method: str, body: bytes, draft: Drafted | None) -> None:
    assert whapi("http://127.0.0.1:1").drafted(method, body) == draft
