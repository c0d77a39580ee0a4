"""Which texts of upstream pass, and what is said in place of the rest. Pure."""

import json
from typing import Any

import pytest

from app.compat import replies, wording
from app.compat.address import read, takes
from app.compat.answer import Answer
from app.compat.replies import Cleaner
from app.compat.wording import Scene
from app.gateway.catalogue import METHODS

SEND = METHODS["sendmessage"]
SCENE = Scene(SEND, "/waInstance7700000001/sendMessage/***", "2026-11-21T18:24:03.120Z", "https://wa.brand.test")
UPSTREAM = 7103000123
HOST = "media.green-api.com"
LEAK = f"Go to console.green-api.com and look at waInstance{UPSTREAM}"


def told(status: int, body: object, method: str = "sendMessage") -> Answer:
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    scene = Scene(METHODS[method.lower()], SCENE.path, SCENE.time, SCENE.url)
    return wording.of_reply(scene, status, raw)


@pytest.mark.parametrize(
    "details",
    [
        "'chatId' is required",
        "'message' length must be less than or equal to 20000 characters long",
        "'options' must contain at least 2 items",
        "'typingTime' must be larger than or equal to 1000",
        "'chatId' is required, 'message' must be a string",
        "'contact.phoneContact' must be a number",
        "'linkPreview' must be one of [yes, no]",
        "'chatId' must be in the format phone@c.us, group@g.us or id@lid",
    ],
)
def test_a_documented_validation_passes_with_our_path_and_time(details: str) -> None:
    text = f"Validation failed. Details: {details}"
    theirs = {"statusCode": 400, "timestamp": "x", "path": f"/waInstance{UPSTREAM}/sendMessage/0a1b", "message": text}
    answer = told(400, theirs)
    assert answer.status == 400
    assert json.loads(answer.body) == {
        "statusCode": 400,
        "timestamp": SCENE.time,
        "path": SCENE.path,
        "message": text,
    }
    assert list(json.loads(answer.body)) == list(theirs)
    assert told(400, text).body == text.encode()


@pytest.mark.parametrize(
    "text",
    [
        "Bad phone number",
        "XOR Validation failed",
        "bad request data",
        "instance is starting or not authorized",
        "Unexpected token x in JSON at position 12",
        "ArchiveChatError: cannot archive chat cause last message not found in chat",
    ],
)
def test_a_literal_of_the_protocol_passes(text: str) -> None:
    assert told(400, text).body == text.encode()


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405, 409, 413, 418, 422, 429, 469, 499, 500, 502, 503])
@pytest.mark.parametrize(
    "body",
    [
        LEAK,
        {"message": LEAK, "statusCode": 400, "path": f"/waInstance{UPSTREAM}/x/0a1b"},
        {"message": f"Validation failed. Details: '{LEAK}' is required"},
        {"message": f"Validation failed. Details: 'chatId' is required at https://{HOST}/{UPSTREAM}"},
        {"error": LEAK},
        [LEAK],
        f'"{LEAK}"',
        f"<html>{LEAK}</html>",
    ],
)
def test_an_unknown_text_never_passes(status: int, body: object) -> None:
    answer = told(status, body)
    for trace in (b"green", str(UPSTREAM).encode(), b"console", b"html", b"0a1b"):
        assert trace not in answer.body.lower()
    assert answer.status >= 400
    assert answer.status != 401


def test_each_status_is_told_as_documented() -> None:
    assert (told(401, "").status, told(401, "").body) == (502, b"Bad Gateway")
    assert told(429, "").headers == ((b"retry-after", b"1"),)
    assert (told(429, "").status, told(429, "").body) == (429, b"")
    for status in (499, 500, 502, 503, 504):
        assert told(status, "x").status == 504
        assert told(status, "x").headers == ()
    assert told(500, "request entity too large") == wording.TOO_LARGE
    oversize = told(500, f"File from url exceeded max upload size. Size: 120mb Limit: 100mb Url:https://{HOST}/a")
    assert oversize.body == b"File from url exceeded max upload size. Size: 120mb Limit: 100mb"
    assert told(403, "Forbidden", "sendButtons").status == 403
    assert told(403, "Forbidden").status == 502
    assert told(400, "Instance is deleted").status == 502
    expired = "Instance account is expired. Renew your instance from personal area"
    assert told(400, expired).body == b"instance in starting process try later"


def test_a_quota_has_the_same_keys_and_our_words() -> None:
    theirs = {
        "invokeStatus": {"method": "sendmessage", "used": 12, "total": 0, "status": "QUOTE_ALLOWED"},
        "correspondentsStatus": {
            "method": "correspondents",
            "used": 3,
            "total": 3,
            "status": "CORRESPONDENTS_QUOTE_EXCEEDED",
            "description": LEAK,
        },
    }
    answer = told(466, theirs)
    ours = json.loads(answer.body)
    assert answer.status == 466
    assert "brand.test" in ours["correspondentsStatus"].pop("description")
    del theirs["correspondentsStatus"]["description"]
    assert ours == theirs
    for odd in ("", [], {"invokeStatus": 3}, {"invokeStatus": {"used": LEAK, "status": LEAK, "description": LEAK}}):
        text = told(466, odd).body.decode()
        assert json.loads(text)["invokeStatus"]["method"] == "sendmessage"
        assert "green" not in text


def cleaner() -> Cleaner:
    return Cleaner(7700000001, str(UPSTREAM), ("127.0.0.1:9099",), lambda url, name: f"https://ours.test/files/{name}")


def cleaned(method: str, raw: bytes) -> bytes:
    return replies.of_success(METHODS[method.lower()], raw, cleaner()).body


@pytest.mark.parametrize(
    ("method", "raw"),
    [
        ("sendMessage", b'{"idMessage":"BAE5F00D00000001"}'),
        ("getStateInstance", b'{ "stateInstance": "authorized" }'),
        ("deleteMessage", b""),
        ("getStateInstance", b"null"),
        ("getGroupData", b'"Error: item-not-found"'),
        ("getChatHistory", b'[{"textMessage":"see https://api.green-api.com and \\u0041","timestamp":1.50}]'),
        ("getContacts", b'[{"id":"79990003344@c.us","name":"console.green-api.com"}]'),
    ],
)
def test_what_needs_no_change_leaves_byte_by_byte(method: str, raw: bytes) -> None:
    assert cleaned(method, raw) == raw


def test_ids_links_and_reasons_become_ours() -> None:
    body: dict[str, Any] = {
        "idInstance": UPSTREAM,
        "urlFile": f"https://{HOST}/{UPSTREAM}/a.jpg",
        "fileName": "a.jpg",
        "urlAvatar": "http://127.0.0.1:9099/avatars/1.jpg",
        "avatar": "https://pps.whatsapp.net/v/1.jpg",
        "apiTokenInstance": "0a1b",
        "nested": [{"downloadUrl": f"https://{HOST}/x", "webhookUrl": f"https://{HOST}/hook"}],
        "reason": LEAK,
    }
    assert json.loads(cleaned("sendFileByUpload", json.dumps(body).encode())) == {
        "idInstance": 7700000001,
        "urlFile": "https://ours.test/files/a.jpg",
        "fileName": "a.jpg",
        "urlAvatar": "https://ours.test/files/a.jpg",
        "avatar": "https://pps.whatsapp.net/v/1.jpg",
        "nested": [{"downloadUrl": "https://ours.test/files/", "webhookUrl": ""}],
        "reason": "bad request data",
    }
    assert cleaned("getGroupData", json.dumps(LEAK).encode()) == b'"Error: bad-request"'
    assert b"green" not in cleaned("qr", json.dumps({"type": "error", "message": LEAK}).encode())


def test_what_the_machine_says_is_searched_and_what_people_say_is_not() -> None:
    planted = {"isReboot": True, "note": LEAK, "more": [{"at": "http://127.0.0.1:9099/x"}], "id": f"{UPSTREAM}@c.us"}
    assert json.loads(cleaned("reboot", json.dumps(planted).encode())) == {
        "isReboot": True,
        "note": "",
        "more": [{"at": ""}],
        "id": f"{UPSTREAM}@c.us",
    }
    said = [{"textMessage": LEAK, "buttons": [{"url": "https://green-api.com"}], "caption": "greenapi.com"}]
    for method in ("getChatHistory", "showMessagesQueue", "getIncomingStatuses"):
        assert cleaned(method, json.dumps(said).encode()) == json.dumps(said).encode()


@pytest.mark.parametrize("raw", [b"<html>", b'{"idMessage":"BAE5', b"\xff\xfe", b"[" * 100_000])
def test_an_answer_that_cannot_be_read_is_an_outcome_that_is_not_known(raw: bytes) -> None:
    answer = replies.of_success(SEND, raw, cleaner())
    assert (answer.status, answer.body) == (504, b"Gateway Timeout")


@pytest.mark.parametrize(
    "path",
    [
        "/waInstance7700000001/sendMessage/tok",
        "//waInstance7700000001//sendMessage//tok//",
        "/WAINSTANCE7700000001/SENDMESSAGE/tok",
        "/green/waInstance7700000001/SendMessage/tok/",
        "/Green//wainstance7700000001/sendmessage/tok",
    ],
)
def test_an_address_is_read_in_every_spelling(path: str) -> None:
    found = read(path)
    assert found is not None
    assert (found.number, found.token, found.tail, found.method) == (7700000001, "tok", "", SEND)
    assert found.pattern == "/waInstance{id}/sendMessage/{token}"
    assert "tok" not in found.shown
    assert "tok" not in repr(found)


def test_what_is_no_address_of_this_face_is_not_taken() -> None:
    for path in ("/", "/v1/instances/x/messages", "/green", "/greenish/waInstance1/qr/t", "/a/b/c", "/instance1/qr/t"):
        assert read(path) is None
    for path in (
        "/waInstance1/nothing/tok",
        "/waInstance1/qr",
        "/waInstance1/a/b/c/d",
        "/waInstance1/getInstances/tok",
    ):
        found = read(path)
        assert found is not None
        assert found.method is None
        assert found.pattern == "/waInstance{id}/{method}/{token}"
    assert read("/partner/sendMessage/gac.x").method is None  # type: ignore[union-attr]
    odd = [read(f"/waInstance{text}/qr/tok") for text in ("", "x", "-1", "٣", "1" * 19)]
    assert [found.number for found in odd if found is not None] == [-1] * 5
    assert read("/partner/GetInstances/gac.x").method is METHODS["getinstances"]  # type: ignore[union-attr]


def test_only_the_verbs_of_a_method_are_taken() -> None:
    assert takes(SEND, "POST")
    assert not takes(SEND, "GET")
    assert takes(METHODS["getinstances"], "POST")
    assert takes(METHODS["deletenotification"], "DELETE")
    assert not takes(METHODS["scanqrcode"], "GET")
