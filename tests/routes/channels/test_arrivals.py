"""What a customer meets who came from Whapi with working code: pages, paces, bodies, heads, a token in the address."""

from typing import Any

import httpx2
import pytest

from tests.conftest import Upstream
from tests.routes.channels.conftest import ANN, Client, Opened
from tests.routes.compat.speaking.stage import Stage

JPEG = b"\xff\xd8\xff\xe0" + b"picture" * 40_000
"""Larger than a server reads at once."""
TEXT: dict[str, Any] = {"content": b"Tulips: 3", "headers": {"Content-Type": "text/plain; charset=utf-8"}}


@pytest.fixture
def client_of(client: httpx2.AsyncClient, stage: Stage) -> Client:
    """Ada's channel over GREEN-API."""
    return Client(client, stage.line, stage)


async def test_a_chat_is_read_to_its_end_by_its_pages(opened: Opened) -> None:
    async with opened() as client:
        ids = [await client.receive(f"number {number}") for number in range(5)]
        found: list[str] = []
        more = True
        while more:
            page = await client.ok("GET", f"/messages/list/{ANN}?count=2&offset={len(found)}")
            found += [row["id"] for row in page["messages"]]
            more = page["messages"] and page["offset"] + page["count"] < page["total"]
        assert found == ids[::-1]


async def test_a_refusal_of_the_gateways_pace_is_asked_once_more(client_of: Client, upstream: Upstream) -> None:
    slow = {"method": "getStateInstance", "kind": "status", "status": 429, "body": ""}
    await upstream.faults(slow | {"times": 1})
    assert (await client_of.ok("GET", "/health"))["status"]["text"] == "AUTH"
    await upstream.faults(slow | {"times": 2})
    refused = await client_of.call("GET", "/health")
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, 429)
    assert refused.headers["retry-after"]
    assert (await client_of.ok("GET", "/health"))["status"]["text"] == "AUTH"


async def test_a_text_is_a_file_where_the_body_may_be_one(opened: Opened) -> None:
    async with opened() as client:
        stored = await client.ok("POST", "/media", **TEXT)
        assert stored["media"][0]["id"].startswith("upload-")
        sent = await client.ok("POST", f"/messages/media/document?to={ANN}&filename=order.txt", **TEXT)
        about = sent["message"]["document"]
        assert (about["mime_type"], about["file_name"]) == ("text/plain", "order.txt")
        plain = {"content": b'{"to": "%s", "body": "typed"}' % ANN.encode(), "headers": TEXT["headers"]}
        assert (await client.ok("POST", "/messages/text", **plain))["message"]["text"] == {"body": "typed"}


async def test_what_was_sent_tells_its_media_type(opened: Opened) -> None:
    async with opened() as client:
        for kind, ending, media_type in (
            ("image", "png", "image/png"),
            ("voice", "ogg", "audio/ogg"),
            ("document", "pdf", "application/pdf"),
        ):
            media = f"data:{media_type};base64,AAAA" if kind == "image" else "data:;base64,AAAA"
            sent = await client.ok(
                "POST", f"/messages/{kind}", json={"to": ANN, "media": media, "filename": f"a.{ending}"}
            )
            assert sent["message"]["type"] == kind
            assert sent["message"][kind]["mime_type"] == media_type
        named = {"media": "https://files.example.org/get?id=7", "mime_type": "application/pdf"}
        sent = await client.ok("POST", "/messages/document", json={"to": ANN, **named})
        about = sent["message"]["document"]
        assert (about["file_name"], about["mime_type"]) == ("document.pdf", "application/pdf")


async def test_what_can_be_got_has_a_head_and_a_wrong_verb_is_told_the_right_ones(client_of: Client) -> None:
    head = await client_of.call("HEAD", "/health")
    got = await client_of.call("GET", "/settings")
    head_of = await client_of.call("HEAD", "/settings")
    assert (head.status_code, head.content) == (200, b"")
    assert (head_of.content, head_of.headers["content-length"]) == (b"", str(len(got.content)))
    asked_first = await client_of.call("OPTIONS", "/settings")
    assert (asked_first.status_code, "content-length" in asked_first.headers) == (204, False)
    wrong = await client_of.call("POST", "/health")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET, HEAD")
    for verb, path, allowed in (
        ("GET", "/settings/webhook_test", "POST"),
        ("GET", "/messages/text", "POST"),
        ("DELETE", "/messages/list", "GET, HEAD"),
        ("DELETE", "/newsletters/find", "GET, HEAD"),
    ):
        wrong = await client_of.call(verb, path)
        assert (wrong.status_code, wrong.headers["allow"]) == (405, allowed), path


async def test_a_token_in_the_address_is_refused_with_its_right_place(client_of: Client) -> None:
    reply = await client_of.http.get(f"/whapi/health?token={client_of.line.token}")
    assert reply.status_code == 401
    assert "Authorization: Bearer" in reply.json()["error"]["details"]


def behind(name: str, /, **fields: str) -> dict[str, Any]:
    """A form whose fields stand behind its file."""
    parts: list[Any] = [(name, ("a.jpg", JPEG, "image/jpeg")), *((key, (None, text)) for key, text in fields.items())]
    return {"files": parts}


async def test_what_decides_about_a_file_is_heard_where_it_stands_behind_it(opened: Opened) -> None:
    async with opened() as client:
        to_few = await client.call("POST", "/stories/send/media", **behind("media", contacts="79990003344"))
        assert (to_few.status_code, "contacts" in to_few.text) == (400, True)
        edited = await client.call("POST", "/messages/image", **behind("media", to=ANN, edit="ABCDEF"))
        assert edited.status_code == 400
        assert await client.ok("GET", "/stories") == {"messages": [], "count": 0, "total": 0, "offset": 0}
        assert (await client.ok("GET", "/messages/list"))["messages"] == []
        renamed = await client.call("PATCH", "/users/profile", **behind("icon", name="New name"))
        assert renamed.status_code == (501 if client.away is None else 200)
        if client.away is not None:
            upstream = client.away.channel.upstream
            asked = await upstream.asked("updateUserProfile")
            assert asked.startswith('{"name":"New name","icon":"data:image/jpeg;base64,')
            sticker = await client.ok("POST", "/messages/sticker", **behind("media", to=ANN, mime_type="image/webp"))
            assert sticker["message"]["chat_id"] == ANN
            assert '"mime_type":"image/webp"' in (await upstream.asked("sendMessageSticker"))[:200]


async def test_a_type_that_is_none_is_passed_over(opened: Opened) -> None:
    async with opened() as client:
        for odd in ("a\x00b", "image/png\r\nX: y", "é" * 50, "x" * 4000):
            body = {"media": "/9j/4AAA", "mime_type": odd}
            assert (await client.ok("POST", "/media", json=body))["media"]
            sent = await client.ok("POST", "/messages/image", json=body | {"to": ANN})
            assert sent["message"]["image"]["mime_type"] == "image/jpeg"
