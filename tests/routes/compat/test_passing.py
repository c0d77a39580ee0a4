"""Methods that upstream serves, through the compatible face over real HTTP."""

import asyncio
import json
from typing import Any

from tests.conftest import Upstream
from tests.routes.compat.conftest import LineClient

CHAT = "79990003344@c.us"
HELLO = {"chatId": CHAT, "message": "Hello"}


async def calls(upstream: Upstream, line: LineClient, method: str) -> list[dict[str, Any]]:
    """What upstream was asked."""
    query = f"journal?id_instance={line.upstream_id}&method={method}&kind=call"
    entries: list[dict[str, Any]] = (await upstream.control("GET", query))["entries"]
    return entries


async def test_a_send_is_200_with_the_upstreams_body_and_a_message_of_ours(
    line: LineClient, upstream: Upstream
) -> None:
    reply = await line.call("POST", "sendMessage", json=HELLO)
    assert reply.status_code == 200, reply.text
    assert list(reply.json()) == ["idMessage"]
    sent = await upstream.control("GET", f"messages?id_instance={line.upstream_id}")
    assert [message["id_message"] for message in sent["messages"]] == [reply.json()["idMessage"]]
    instance_id = (await line.http.get("/v1/instances", headers=line.tenant.headers)).json()["data"][0]["id"]
    messages = await line.http.get(f"/v1/instances/{instance_id}/messages", headers=line.tenant.headers)
    assert [row["upstream_message_id"] for row in messages.json()["data"]] == [reply.json()["idMessage"]]


async def test_parameters_are_taken_from_both_places(line: LineClient, upstream: Upstream) -> None:
    await line.call("POST", "sendMessage", json=HELLO)
    by_query = await line.call("GET", "lastOutgoingMessages", params={"minutes": 5})
    by_body = await line.http.request("GET", line.path("lastOutgoingMessages"), json={"minutes": 5})
    assert by_query.status_code == by_body.status_code == 200
    assert [row["idMessage"] for row in by_query.json()] == [row["idMessage"] for row in by_body.json()]
    assert len(by_query.json()) == 1
    sent = await line.call("POST", "sendMessage", params={"chatId": CHAT}, json={"message": "By both"})
    assert sent.status_code == 200, sent.text
    queries = [entry["request"] for entry in await calls(upstream, line, "lastOutgoingMessages")]
    assert queries == [{"minutes": "5"}] * 2
    messages = (await upstream.control("GET", f"messages?id_instance={line.upstream_id}"))["messages"]
    assert len(messages) == 2


async def test_what_upstream_refuses_comes_in_its_shape_with_our_path(line: LineClient) -> None:
    reply = await line.call("POST", "sendMessage", json={"chatId": CHAT})
    assert reply.status_code == 400
    problem = reply.json()
    assert list(problem) == ["statusCode", "timestamp", "path", "message"]
    assert problem["message"] == "Validation failed. Details: 'message' is required"
    assert problem["path"] == f"/waInstance{line.number}/sendMessage/***"
    assert str(line.upstream_id) not in reply.text


UNREADABLE = [
    (b"{no json", 400, "Unexpected token n in JSON at position 1"),
    (b'{"chatId":', 400, "Unexpected end of JSON input"),
    (b"[1]", 400, "bad request data"),
    (b'"text"', 400, "bad request data"),
    (b"\xff\xfe{}", 400, "bad request data"),
    (b"[" * 50_000, 400, "bad request data"),
    (b'{"message":"' + b"a" * 103_000 + b'"}', 500, "request entity too large"),
]


async def test_a_body_that_cannot_be_read_never_goes_upstream(line: LineClient, upstream: Upstream) -> None:
    for body, status, text in UNREADABLE:
        reply = await line.call("POST", "sendMessage", content=body)
        assert (reply.status_code, reply.text) == (status, text), body[:20]
    assert await calls(upstream, line, "sendMessage") == []


FAULTS: list[tuple[dict[str, Any], int, str]] = [
    ({"kind": "status", "status": 401, "body": ""}, 502, "Bad Gateway"),
    ({"kind": "status", "status": 403, "body": "Forbidden"}, 502, "Bad Gateway"),
    ({"kind": "status", "status": 404, "body": "Not Found"}, 404, "Not Found"),
    ({"kind": "status", "status": 500}, 504, "Gateway Timeout"),
    ({"kind": "status", "status": 502}, 504, "Gateway Timeout"),
    ({"kind": "status", "status": 503, "body": "green-api.com is down"}, 504, "Gateway Timeout"),
    ({"kind": "lose_answer"}, 504, "Gateway Timeout"),
    ({"kind": "slow_answer", "delay_seconds": 3}, 504, "Gateway Timeout"),
    ({"kind": "half_body"}, 504, "Gateway Timeout"),
    ({"kind": "garbage"}, 504, "Gateway Timeout"),
    ({"kind": "plain_text_400"}, 400, "instance in starting process try later"),
    ({"kind": "status", "status": 400, "body": {"message": "ask console.green-api.com"}}, 400, "bad request data"),
    ({"kind": "status", "status": 400, "body": "Instance is deleted"}, 502, "Bad Gateway"),
]


async def test_what_goes_wrong_upstream_is_told_in_our_words_and_asked_once(
    line: LineClient, upstream: Upstream
) -> None:
    for number, (fault, status, text) in enumerate(FAULTS):
        await upstream.faults({"method": "sendMessage", **fault})
        before = len(await calls(upstream, line, "sendMessage"))
        reply = await line.call("POST", "sendMessage", json=HELLO | {"message": f"Number {number}"})
        assert (reply.status_code, reply.text) == (status, text), fault
        assert "retry-after" not in reply.headers
        assert len(await calls(upstream, line, "sendMessage")) == before + 1, fault
    await upstream.faults()
    assert (await line.call("POST", "sendMessage", json=HELLO)).status_code == 200


async def test_a_pace_that_is_too_fast_is_waited_for_before_it_is_refused(line: LineClient, upstream: Upstream) -> None:
    once = {"method": "sendMessage", "kind": "status", "status": 429, "body": "", "times": 1}
    await upstream.faults(once)
    assert (await line.call("POST", "sendMessage", json=HELLO)).status_code == 200
    await upstream.faults(once | {"times": None})
    refused = await line.call("POST", "sendMessage", json=HELLO)
    assert (refused.status_code, refused.content) == (429, b"")
    assert refused.headers["retry-after"] == "1"
    await upstream.faults()
    # Faster than one call a second, upstream's rate for this one: each waits, and what would wait too long is refused.
    replies = await asyncio.gather(*(line.call("GET", "getContacts") for _ in range(4)))
    assert sorted({reply.status_code for reply in replies}) == [200, 429]
    assert {reply.headers.get("retry-after") for reply in replies} == {None, "1"}


async def test_the_upstreams_own_quota_keeps_its_keys_and_loses_its_words(line: LineClient, upstream: Upstream) -> None:
    await upstream.faults({"method": "sendMessage", "kind": "status", "status": 466})
    reply = await line.call("POST", "sendMessage", json=HELLO)
    assert reply.status_code == 466
    told = reply.json()
    assert told["invokeStatus"] == {"method": "sendmessage", "used": 12, "total": 0, "status": "QUOTE_ALLOWED"}
    assert told["correspondentsStatus"]["status"] == "CORRESPONDENTS_QUOTE_EXCEEDED"
    assert "monthly quota" not in reply.text
    assert str(line.http.base_url).rstrip("/") in told["correspondentsStatus"]["description"]


async def test_methods_without_a_phone_say_so_as_upstream_does(line: LineClient, upstream: Upstream) -> None:
    await upstream.control("POST", f"instances/{line.upstream_id}/unlink", {})
    reply = await line.call("GET", "getContacts")
    assert (reply.status_code, reply.text) == (400, "instance is starting or not authorized")
    assert (await line.call("GET", "getStateInstance")).json() == {"stateInstance": "notAuthorized"}


async def test_a_message_without_a_phone_waits_upstream_as_it_does_there(line: LineClient, upstream: Upstream) -> None:
    await upstream.control("POST", f"instances/{line.upstream_id}/unlink", {})
    reply = await line.call("POST", "sendMessage", json=HELLO)
    assert reply.status_code == 200
    [item] = (await line.call("GET", "showMessagesQueue")).json()
    assert item["messageID"] == reply.json()["idMessage"]


async def test_a_text_whose_fate_is_not_known_is_not_sent_again(line: LineClient, upstream: Upstream) -> None:
    await upstream.faults({"method": "sendMessage", "kind": "status", "status": 502, "times": 1})
    assert (await line.call("POST", "sendMessage", json=HELLO)).status_code == 504
    again = await line.call("POST", "sendMessage", json=HELLO)
    assert (again.status_code, again.content, again.headers["retry-after"]) == (429, b"", "1")
    assert len(await calls(upstream, line, "sendMessage")) == 1


async def test_an_empty_success_stays_empty(line: LineClient) -> None:
    sent = (await line.call("POST", "sendMessage", json=HELLO)).json()["idMessage"]
    reply = await line.call("POST", "deleteMessage", json={"chatId": CHAT, "idMessage": sent})
    assert (reply.status_code, reply.content) == (200, b"")


async def test_links_to_files_are_ours_in_both_directions(line: LineClient, upstream: Upstream) -> None:
    stored = await line.call(
        "POST", "uploadFile", content=b"\x89PNG", headers={"Content-Type": "image/png", "GA-Filename": "a.png"}
    )
    assert stored.status_code == 200, stored.text
    link = stored.json()["urlFile"]
    assert link.startswith(f"{str(line.http.base_url).rstrip('/')}/files/")
    assert (await line.http.get(link)).content == b"\x89PNG"
    asked = {"chatId": CHAT, "urlFile": link, "fileName": "a.png"}
    assert (await line.call("POST", "sendFileByUrl", json=asked)).status_code == 200
    given = (await calls(upstream, line, "sendFileByUrl"))[-1]["request"]["urlFile"]
    assert given.startswith(upstream.url)
    told = json.dumps((await line.call("GET", "lastOutgoingMessages")).json())
    assert upstream.url not in told
    foreign = asked | {"urlFile": link[:-8] + "A" * 8}
    refused = await line.call("POST", "sendFileByUrl", json=foreign)
    assert refused.json()["message"] == "Validation failed. Details: 'urlFile' must be a valid uri"
