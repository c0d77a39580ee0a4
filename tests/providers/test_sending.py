"""Sending every kind, what is seen of it afterwards, files, and calls in the gateway's own words."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.providers import asks
from app.providers.errors import (
    BrokenOff,
    NotAllowed,
    NotReady,
    OutcomeUnknown,
    ProviderError,
    Refused,
    TooFast,
    TooLarge,
    Unreachable,
)
from app.providers.likeness import describe, likeness
from app.providers.port import Native, NativeReply, Provider, Seen, Sent, Upload
from tests.providers.conftest import (
    CHAT,
    CREDENTIALS,
    INSTANCE_TOKEN,
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
    until,
)
from tests.providers.samples import JPEG, upload

BUTTONS = asks.Buttons(
    "Well?",
    (
        asks.Button("1", "Copy", code="A1"),
        asks.Button("2", "Call", phone="79990003344"),
        asks.Button("3", "Open", url="https://example.org"),
    ),
    header="T",
    footer="F",
)
CONTENTS: list[asks.Content] = [
    asks.Text("grüße 👋"),
    asks.Text("see https://example.org", link_preview=False),
    asks.Location(52.3702157, 4.8951679, "Home", "Dam 1"),
    asks.Location(-0.0000001, 0.0),
    asks.Contact("79990003344", "Ann", "M", "Karenina", "Trains"),
    asks.Contact("79990003344", company="Trains"),
    asks.Poll("Tea?", ("yes", "no"), multiple=True),
    BUTTONS,
    asks.ReplyButtons("Well?", (asks.ReplyButton("1", "ok"),)),
]


async def _contents(wing: Provider, credentials: Any) -> list[asks.Content]:
    files = []
    for name, kind in (
        ("a.jpg", "image/jpeg"),
        ("b.mp4", "video/mp4"),
        ("c.ogg", "audio/ogg"),
        ("d.pdf", "application/pdf"),
    ):
        link = await wing.upload(credentials, upload(JPEG, kind=kind, name=name))
        files.append(asks.FileByUrl(link, name, "see" if name != "c.ogg" else ""))
    return [*CONTENTS, *files]


async def test_a_message_of_each_kind_is_known_again_in_queue_and_journal(wing: Provider, upstream: Upstream) -> None:
    credentials = await account(wing)
    contents = await _contents(wing, credentials)
    sent = [await wing.send(credentials, asks.Send(CHAT, content)) for content in contents]
    alike = [likeness(*describe(content)) for content in contents]
    assert None not in alike

    def shown(seen: list[Seen]) -> list[tuple[str, str, str | None]]:
        return sorted((each.message_id, each.chat_id, each.likeness) for each in seen)

    expected = sorted((each.message_id, CHAT, like) for each, like in zip(sent, alike, strict=True))
    waiting = await wing.waiting(credentials)
    assert shown(waiting) == expected
    assert {each.sent_at for each in waiting} == {None}
    await upstream.phone(credentials, "scan")

    async def gone() -> bool:
        return not await wing.waiting(credentials)

    await until(gone, 5)
    await upstream.advance(200)
    journaled = await wing.sent_since(credentials, 60)
    assert shown(journaled) == expected
    assert None not in {each.sent_at for each in journaled}


async def test_what_is_asked_to_be_sent_is_what_the_upstream_is_told(wing: Provider, upstream: Upstream) -> None:
    credentials = await account(wing)
    first = await wing.send(credentials, asks.Send(CHAT, asks.Text("one", link_preview=False)))
    await wing.send(credentials, asks.Send(CHAT, asks.Text("two"), first.message_id, 1.5))
    one, two = (call["request"] for call in await upstream.calls("sendMessage"))
    assert one == {"chatId": CHAT, "message": "one", "linkPreview": False}
    assert two == {"chatId": CHAT, "message": "two", "quotedMessageId": first.message_id, "typingTime": 1500}


@pytest.mark.parametrize("content", CONTENTS, ids=lambda content: type(content).__name__)
async def test_a_native_send_is_understood_as_ours_would_be(
    wing: Provider, upstream: Upstream, content: asks.Content
) -> None:
    credentials = await account(wing)
    await wing.send(credentials, asks.Send(CHAT, content, "Q1"))
    (call,) = await upstream.calls(content.method)
    drafted = wing.drafted(content.method.upper(), json.dumps(call["request"]).encode())
    kind, told = describe(content)
    assert drafted is not None
    assert (drafted.chat_id, drafted.kind, drafted.content) == (CHAT, kind, told)
    assert wing.likeness(drafted.kind, drafted.content) == likeness(kind, told)


def test_native_files_and_forwards_are_understood() -> None:
    wing = green_api("http://127.0.0.1:1")
    body = {"chatId": CHAT, "urlFile": "https://secret.example.org/1", "fileName": "a.jpg", "caption": "see"}
    drafted = wing.drafted("sendFileByUrl", json.dumps(body).encode())
    assert drafted is not None
    assert (drafted.kind, drafted.content) == ("image", {"file_name": "a.jpg", "caption": "see"})
    assert "secret" not in repr(drafted)
    body = {"chatId": CHAT, "chatIdFrom": "1@c.us", "messages": ["A", "B"], "quotedMessageId": "Q1"}
    drafted = wing.drafted("ForwardMessages", json.dumps(body).encode())
    assert drafted is not None
    assert (drafted.kind, drafted.content) == ("forward", {"from_chat_id": "1@c.us", "message_ids": ["A", "B"]})
    assert drafted.quoted == "Q1"
    assert wing.likeness(drafted.kind, drafted.content) is None


@pytest.mark.parametrize(
    ("method", "body"),
    [
        ("sendMessage", b""),
        ("sendMessage", b"[]"),
        ("sendMessage", b"nonsense"),
        ("sendMessage", b'{"message":"x"}'),
        ("sendMessage", b'{"chatId":7}'),
        ("sendMessage", b"[" * 100_000),
        ("sendTextStatus", b'{"message":"x"}'),
        ("getSettings", b'{"chatId":"1@c.us","message":"x"}'),
        ("", b"{}"),
    ],
)
def test_what_is_no_send_is_not_drafted(method: str, body: bytes) -> None:
    assert green_api("http://127.0.0.1:1").drafted(method, body) is None


async def test_a_file_is_stored_raw_with_its_name(wing: Provider, upstream: Upstream) -> None:
    credentials = await account(wing)
    link = await wing.upload(credentials, upload(JPEG, name="grüße.jpg\r\nX: y"))
    assert link.startswith("http")
    assert (await wing.upload(credentials, upload(JPEG, size=None))).startswith("http")
    assert len(await upstream.calls("uploadFile")) == 2


async def test_an_upload_goes_out_in_pieces_with_its_length_and_name() -> None:
    async with raw_server(answering(reply(b'{"urlFile":"https://x/1"}'))) as server:
        wing = green_api(server.url, 2)
        assert await wing.upload(CREDENTIALS, upload(JPEG, name="a.jpg\r\nX-Evil: 1")) == "https://x/1"
        await wing.close()
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert body == JPEG
    lines = [line.lower() for line in head.split(b"\r\n")]
    assert f"content-length: {len(JPEG)}".encode() in lines
    assert b"content-type: image/jpeg" in lines
    assert b"ga-filename: a.jpgx-evil: 1" in lines


async def _ending(chunks: AsyncIterator[bytes], size: int | None) -> tuple[ProviderError, RawServer]:
    def script(server: RawServer) -> Play:
        async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            server.requests.append(await reader.read(-1))

        return play

    async with raw_server(script) as server:
        wing = green_api(server.url, 1)
        with pytest.raises(ProviderError) as caught:
            await wing.native_stream(CREDENTIALS, "sendFileByUpload", Upload(chunks, size, "x/y", "n"))
        await wing.close()
        await asyncio.sleep(0.05)
        return caught.value, server


async def _short() -> AsyncIterator[bytes]:
    yield b"a" * 10


async def _failing() -> AsyncIterator[bytes]:
    yield b"a" * 10
    raise ConnectionResetError("the tenant hung up: " + INSTANCE_TOKEN)


@pytest.mark.parametrize(
    ("source", "size"),
    [(_short, 20), (_short, 5), (_failing, 20), (_failing, None)],
    ids=["short", "long", "fail", "chunked"],
)
async def test_a_body_that_breaks_off_was_never_a_whole_call(source: Any, size: int | None) -> None:
    error, server = await _ending(source(), size)
    assert type(error) is BrokenOff
    assert error.outcome == "refused"
    assert_silent(error)
    told = b"".join(server.requests)
    assert not told.endswith(b"0\r\n\r\n")
    assert size is None or len(told.partition(b"\r\n\r\n")[2]) < size


async def test_an_answer_may_come_before_we_have_seen_the_end_of_the_body() -> None:
    """Such as when the end of a file is looked for on the disk: the message was sent, and is no refusal."""

    async def late_end() -> AsyncIterator[bytes]:
        yield JPEG
        await asyncio.sleep(0.1)

    async with raw_server(answering(reply(b'{"idMessage":"A1","urlFile":"https://x/1"}'))) as server:
        wing = green_api(server.url, 2)
        answer = await wing.native_stream(CREDENTIALS, "sendFileByUpload", Upload(late_end(), len(JPEG), "x/y", "n"))
        await wing.close()
    assert wing.sent_by("sendFileByUpload", answer) == Sent("A1")


async def test_a_refusal_that_comes_before_the_end_of_the_body_is_told() -> None:
    ended = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield b"a" * 10
        yield b"a" * 10
        await ended.wait()

    def script(_: RawServer) -> Play:
        async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"a" * 10)
            writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()

        return play

    async with raw_server(script) as server:
        wing = green_api(server.url, 2)
        answer = await wing.native_stream(CREDENTIALS, "sendFileByUpload", Upload(endless(), 1000, "x/y", "n"))
        await wing.close()
    assert answer.status == 413


async def test_a_stream_that_gets_no_answer_is_unknown_and_nobody_there_is_not() -> None:
    async with raw_server(lambda _: _hang) as server:
        wing = green_api(server.url, 0.2)
        with pytest.raises(OutcomeUnknown) as caught:
            await wing.native_stream(CREDENTIALS, "uploadFile", upload(JPEG))
        await wing.close()
        assert_silent(caught.value)
    wing = green_api("http://127.0.0.1:1")
    with pytest.raises(Unreachable) as unreachable:
        await wing.native_stream(CREDENTIALS, "uploadFile", upload(JPEG))
    await wing.close()
    assert_silent(unreachable.value)


async def _hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read(10**6)
    await asyncio.sleep(1)


async def test_a_native_form_passes_as_it_came(wing: Provider, upstream: Upstream) -> None:
    credentials = await linked(wing, upstream)
    form = (
        b'--B\r\nContent-Disposition: form-data; name="chatId"\r\n\r\n' + CHAT.encode() + b"\r\n"
        b'--B\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
        + JPEG
        + b"\r\n--B--\r\n"
    )
    body = upload(form, kind="multipart/form-data; boundary=B")
    answer = await wing.native_stream(credentials, "sendFileByUpload", body, headers={"X-Sim-Tag": "tagged"})
    sent = wing.sent_by("sendFileByUpload", answer)
    assert isinstance(sent, Sent)
    assert (await upstream.calls("sendFileByUpload"))[0]["tag"] == "tagged"


async def test_native_calls_pass_as_they_are(wing: Provider, upstream: Upstream) -> None:
    credentials = await account(wing)
    body = json.dumps({"chatId": CHAT, "message": "hi"}).encode()
    answer = await wing.native(credentials, Native("SendMessage", "POST", "", body, "application/json"))
    assert answer.status == 200
    assert answer.content_type.startswith("application/json")
    assert wing.sent_by("sendMessage", answer) == Sent(json.loads(answer.body)["idMessage"])
    refused = await wing.native(credentials, Native("sendMessage", "POST", "", b"{}", "application/json"))
    assert refused.status == 400
    assert b"chatId" in refused.body
    assert isinstance(wing.conclude("sendMessage", refused), Refused)
    journal = await wing.native(credentials, Native("lastOutgoingMessages", "GET", "minutes=60"))
    assert isinstance(json.loads(journal.body), list)
    assert wing.conclude("lastOutgoingMessages", journal) is None
    with_body = Native("getStateInstanceHistory", "GET", "", b'{"count":1}', "application/json")
    assert (await wing.native(credentials, with_body)).status == 200


async def test_a_native_answer_of_any_status_is_a_reply() -> None:
    for status in (301, 401, 403, 429, 466, 500, 502, 599):
        async with raw_server(answering(reply(b"x", status, "Retry-After: 7\r\nContent-Type: a/b\r\n"))) as server:
            wing = green_api(server.url)
            answer = await wing.native(CREDENTIALS, Native("sendMessage", "POST", "", b"{}", "application/json"))
            await wing.close()
            assert answer == NativeReply(status, b"x", "a/b", "7")


@pytest.mark.parametrize(
    ("method", "status", "body", "error"),
    [
        ("sendMessage", 200, b'{"idMessage":"A"}', None),
        ("sendMessage", 200, b"{}", OutcomeUnknown),
        ("sendMessage", 200, b"", OutcomeUnknown),
        ("sendFileByUrl", 500, b"File from url exceeded max upload size. Size: 200mb Limit: 100mb", TooLarge),
        ("sendMessage", 500, b'{"statusCode":500,"message":"request entity too large"}', TooLarge),
        ("sendMessage", 500, b"Internal Server Error", OutcomeUnknown),
        ("forwardMessages", 200, b'{"messages":["A"]}', None),
        ("forwardMessages", 200, b'{"messages":[]}', OutcomeUnknown),
        ("deleteMessage", 200, b"", None),
        ("archiveChat", 200, b" ", None),
        ("sendTyping", 200, b'{"idMessage":"A"}', None),
        ("deleteMessage", 200, b"null", OutcomeUnknown),
        ("getContacts", 200, b"null", NotReady),
        ("clearWebhooksQueue", 200, b'{"isCleared":false,"reason":"Too many requests","leftTime":41}', TooFast),
        ("clearMessagesQueue", 200, b'{"isCleared":false}', Refused),
        ("setProfilePicture", 200, b'{"setProfilePicture":false,"urlAvatar":null,"reason":"bad"}', Refused),
        ("updateGroupSettings", 200, b'{"updateGroupSettings":false,"reason":"NOT_ENOUGH_RIGHTS"}', NotAllowed),
        ("updateGroupSettings", 200, b'{"idMessage":"A"}', None),
        ("leaveGroup", 200, b'{"removeAdmin":false}', NotAllowed),
        ("leaveGroup", 200, b'{"leaveGroup":true}', None),
        ("addGroupParticipant", 200, b'{"addParticipant":false}', NotAllowed),
        ("getGroupData", 200, b'"Error: forbidden"', NotAllowed),
        ("getGroupData", 200, b'"Error: something"', Refused),
        ("someNewMethod", 200, b'{"any":1}', None),
    ],
)
def test_what_native_replies_mean(method: str, status: int, body: bytes, error: type[ProviderError] | None) -> None:
    found = green_api("http://127.0.0.1:1").conclude(method, NativeReply(status, body, "application/json"))
    assert type(found) is (error or type(None))


def test_hosts_name_what_no_tenant_may_see() -> None:
    hosts = green_api("https://7103.api.greenapi.com").hosts()
    assert set(hosts) == {"7103.api.greenapi.com", "7103.media.greenapi.com", "green-api.com", "greenapi.com"}
    assert "127.0.0.1:9099" in green_api("http://127.0.0.1:9099").hosts()
