"""Statuses (stories): posted through the queue, seen by people, listed for thirty days."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from simulator.pictures import SMALLEST

from .conftest import Caller, Rented, eventually

ANN = "79990003344@c.us"
BEN = "79990005566@c.us"
SESSION = "instance is starting or not authorized"


@pytest.fixture
async def shelf() -> AsyncIterator[str]:
    """A place on the web with one file."""

    async def serve(request: web.Request) -> web.Response:
        return web.Response(body=b"sound", content_type="audio/mpeg")

    app = web.Application()
    app.router.add_get("/voice.mp3", serve)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def _post(instance: Rented, **more: Any) -> str:
    return str((await instance.call("sendTextStatus", {"message": "sale today", **more}))["idMessage"])


async def _has_left(instance: Rented) -> None:
    async def left() -> bool:
        return bool((await instance.call("getMessagesCount"))["count"] == 0)

    await eventually(left)


async def test_a_text_waits_in_the_queue_and_is_then_seen(sim: Caller) -> None:
    instance = await sim.create(outgoingWebhook="yes")
    await instance.until("notAuthorized")
    sent = await _post(instance, backgroundColor="#223344", font="OSWALD_HEAVY", participants=[ANN, BEN])
    (item,) = await instance.call("showMessagesQueue")
    assert (item["messageID"], item["type"]) == (sent, "sendTextStatus")
    assert (await instance.call("getOutgoingStatuses"))[0]["statusMessage"] == "pending"
    assert await instance.call("getStatusStatistic", verb="GET", body={"idMessage": sent}) == []
    await instance.phone("scan", {})
    await _has_left(instance)
    await instance.phone("view_status", {"id_message": sent, "chat_id": ANN})
    (row,) = await instance.call("getOutgoingStatuses")
    assert row.pop("timestamp") > 0
    own = (await instance.truth())["wid"]
    assert row == {
        "type": "outgoing",
        "idMessage": sent,
        "typeMessage": "extendedTextMessage",
        "chatId": own,
        "textMessage": "sale today",
        "extendedTextMessage": {
            "text": "sale today",
            "backgroundColor": "#223344",
            "font": "OSWALD_HEAVY",
            "participants": [ANN, BEN],
        },
        "statusMessage": "read",
        "sendByApi": True,
    }
    async with sim.session.get(f"{sim.url}{instance.path('getStatusStatistic')}?idMessage={sent}") as answer:
        rows = await answer.json()
    assert {row["participant"]: row["status"] for row in rows} == {ANN: "read", BEN: "sent"}


async def test_a_story_is_no_message_of_the_chats_and_tells_nothing(sim: Caller) -> None:
    instance = await sim.linked(outgoingWebhook="yes", outgoingAPIMessageWebhook="yes")
    await _post(instance)
    await _has_left(instance)
    assert await instance.call("lastOutgoingMessages") == []
    assert await instance.call("getChats") == []
    assert await instance.pull_all() == []
    assert (await sim.sim("messages"))["messages"] == []


async def test_a_story_for_everybody_reaches_the_address_book(sim: Caller) -> None:
    instance = await sim.linked()
    await instance.phone("contact", {"chat_id": ANN, "contact_name": "Ann"})
    await instance.phone("contact", {"chat_id": BEN, "name": "Ben"})
    sent = await _post(instance)
    await _has_left(instance)
    (story,) = (await sim.sim(f"instances/{instance.id}/statuses"))["statuses"]
    assert (story["id_message"], list(story["views"])) == (sent, [ANN])
    assert await instance.call("getOutgoingStatuses") == []


async def test_files_of_stories_are_fetched_and_can_be_had(sim: Caller, shelf: str) -> None:
    instance = await sim.linked(outgoingWebhook="yes")
    voice = {"urlFile": f"{shelf}/voice.mp3", "fileName": "voice.mp3", "backgroundColor": "#112233"}
    await instance.call("sendVoiceStatus", voice)
    await instance.call("sendMediaStatus", {"urlFile": f"{shelf}/gone.mp4", "fileName": "gone.mp4", "caption": "c"})
    await _has_left(instance)
    film, sound = await instance.call("getOutgoingStatuses")
    assert (film["typeMessage"], film["caption"], film["statusMessage"]) == ("videoMessage", "c", "failed")
    assert (sound["typeMessage"], sound["mimeType"], sound["statusMessage"]) == ("audioMessage", "audio/mpeg", "sent")
    assert (sound["backgroundColor"], sound["participants"]) == ("#112233", [])
    async with sim.session.get(sound["downloadUrl"]) as file:
        assert (file.status, await file.read()) == (200, b"sound")


@pytest.mark.parametrize(
    ("method", "body", "complaint"),
    [
        ("sendTextStatus", {}, "'message' is required"),
        (
            "sendTextStatus",
            {"message": "x" * 501},
            "'message' length must be less than or equal to 500 characters long",
        ),
        ("sendTextStatus", {"message": "x", "backgroundColor": "red"}, "'backgroundColor' must be"),
        ("sendTextStatus", {"message": "x", "backgroundColor": "#ffffff"}, "'backgroundColor' must be"),
        ("sendTextStatus", {"message": "x", "font": "COMIC"}, "'font' must be one of"),
        ("sendTextStatus", {"message": "x", "participants": ANN}, "'participants' must be an array"),
        ("sendTextStatus", {"message": "x", "participants": ["1@g.us"]}, "'participants[0]' must be"),
        ("sendVoiceStatus", {"fileName": "a.mp3"}, "'urlFile' is required"),
        ("sendVoiceStatus", {"urlFile": "a.mp3", "fileName": "a.mp3"}, "'urlFile' must be a valid uri"),
        ("sendMediaStatus", {"urlFile": "http://127.0.0.1:1/a"}, "'fileName' is required"),
        (
            "sendMediaStatus",
            {"urlFile": "http://127.0.0.1:1/a", "fileName": "a.jpg", "caption": "x" * 1025},
            "'caption' length must be less than or equal to 1024 characters long",
        ),
        ("deleteStatus", {}, "'idMessage' is required"),
    ],
)
async def test_an_unfit_story_is_refused_and_not_queued(
    sim: Caller, method: str, body: dict[str, object], complaint: str
) -> None:
    instance = await sim.linked(outgoingWebhook="yes")
    status, text, _ = await instance.raw(method, body, "POST")
    assert (status, f"Validation failed. Details: {complaint}" in text) == (400, True)
    assert await instance.call("getOutgoingStatuses") == []


async def test_a_story_is_taken_back_once_and_for_all(sim: Caller) -> None:
    instance = await sim.linked(outgoingWebhook="yes")
    sent = await _post(instance, participants=[ANN])
    await _has_left(instance)
    assert (await instance.raw("deleteStatus", {"idMessage": sent}))[:2] == (200, "")
    assert (await instance.raw("deleteStatus", {"idMessage": sent}))[:2] == (200, "")
    assert await instance.call("getOutgoingStatuses") == []
    assert await instance.call("getStatusStatistic", {"idMessage": sent}, "GET") == []
    assert (await instance.raw("deleteStatus", {"idMessage": "BAE5"}))[0] == 400
    address = f"{sim.url}/_sim/instances/{instance.id}/view_status"
    async with sim.session.post(address, json={"id_message": sent, "chat_id": ANN}) as refused:
        assert refused.status == 409


async def test_views_only_go_forward(sim: Caller) -> None:
    instance = await sim.linked(outgoingWebhook="yes")
    sent = await _post(instance)
    await _has_left(instance)
    seen = {"id_message": sent, "chat_id": ANN}
    await instance.phone("view_status", {**seen, "status": "delivered"})
    assert (await instance.call("getOutgoingStatuses"))[0]["statusMessage"] == "delivered"
    await instance.phone("view_status", {**seen, "status": "read"})
    address = f"{sim.url}/_sim/instances/{instance.id}/view_status"
    for body, status in (({**seen, "status": "delivered"}, 409), ({**seen, "status": "sent"}, 400)):
        async with sim.session.post(address, json=body) as refused:
            assert refused.status == status


async def test_stories_of_the_address_book_are_listed_newest_first_within_minutes(sim: Caller) -> None:
    instance = await sim.linked(incomingWebhook="yes")
    await instance.phone("contact", {"chat_id": ANN, "name": "Ann", "contact_name": "Ann K"})
    old = (await instance.phone("post_status", {"chat_id": ANN, "text": "good day"}))["id_message"]
    await instance.phone("post_status", {"chat_id": BEN, "text": "a stranger's"})
    await sim.advance(600)
    new = {"chat_id": ANN, "download_url": True, "file_name": "x.jpg", "mime_type": "image/jpeg"}
    await instance.phone("post_status", {**new, "caption": "look", "id_message": "3A01"})
    picture, text = await instance.call("getIncomingStatuses")
    assert text == {
        "type": "incoming",
        "idMessage": old,
        "timestamp": text["timestamp"],
        "typeMessage": "extendedTextMessage",
        "chatId": ANN,
        "textMessage": "good day",
        "extendedTextMessage": {"text": "good day", "backgroundColor": "#000000", "font": "SERIF"},
        "senderId": ANN,
        "senderName": "Ann",
        "senderContactName": "Ann K",
    }
    assert (picture["idMessage"], picture["typeMessage"], picture["caption"]) == ("3A01", "imageMessage", "look")
    async with sim.session.get(picture["downloadUrl"]) as file:
        assert (file.status, await file.read()) == (200, SMALLEST)
    for path, options in (("?minutes=5", {}), ("", {"json": {"minutes": 5}})):
        address = sim.url + instance.path("getIncomingStatuses") + path
        async with sim.session.get(address, **options) as answer:
            assert [row["idMessage"] for row in await answer.json()] == ["3A01"]
    assert (await sim.raw("GET", f"{instance.path('getIncomingStatuses')}?minutes=0"))[0] == 400
    assert await instance.call("getOutgoingStatuses") == []


async def test_stories_are_kept_thirty_days_and_seen_only_while_switched_on(sim: Caller) -> None:
    instance = await sim.linked()
    await instance.phone("contact", {"chat_id": ANN, "contact_name": "Ann"})
    await instance.phone("post_status", {"chat_id": ANN, "text": "unseen"})
    assert await instance.call("getIncomingStatuses") == []
    await instance.call("setSettings", {"incomingWebhook": "yes"})
    await instance.until("authorized")
    await instance.phone("post_status", {"chat_id": ANN, "text": "seen"})
    long_ago = {"minutes": 60 * 24 * 365}
    await sim.advance(29 * 86400)
    assert len(await instance.call("getIncomingStatuses", long_ago, "GET")) == 1
    await sim.advance(2 * 86400)
    assert await instance.call("getIncomingStatuses", long_ago, "GET") == []


async def test_lists_answer_without_a_session_and_taking_back_does_not(sim: Caller) -> None:
    instance = await sim.create()
    await instance.until("notAuthorized")
    for method in ("getIncomingStatuses", "getOutgoingStatuses"):
        assert await instance.call(method) == []
    assert (await instance.raw("getStatusStatistic"))[0] == 400
    assert (await instance.raw("deleteStatus", {"idMessage": "x"}))[:2] == (400, SESSION)


async def test_another_instance_has_stories_of_its_own(sim: Caller) -> None:
    first, second = await sim.linked("first", outgoingWebhook="yes"), await sim.linked("second", outgoingWebhook="yes")
    sent = await _post(first)
    assert await second.call("getOutgoingStatuses") == []
    assert (await second.raw("deleteStatus", {"idMessage": sent}))[0] == 400
    assert len(await first.call("getOutgoingStatuses")) == 1
