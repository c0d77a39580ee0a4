"""Chats: their list, archive, disappearing messages, typing, and what is marked read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .conftest import Caller, Rented

ANN = "79990003344@c.us"
BEN = "79990005566@c.us"
CREW = "120363000000000009@g.us"
SESSION = "instance is starting or not authorized"
NO_LAST = "ArchiveChatError: cannot archive chat cause last message not found in chat"


async def _receive(instance: Rented, chat: str = ANN, text: str = "hi", **more: str) -> str:
    return str((await instance.phone("receive", {"chat_id": chat, "text": text, **more}))["id_message"])


async def _chats(instance: Rented) -> dict[str, dict[str, Any]]:
    return {chat["id"]: chat for chat in await instance.call("getChats")}


async def test_chats_are_listed_newest_activity_first_with_names_and_kinds(sim: Caller) -> None:
    instance = await sim.linked(incomingWebhook="yes")
    await _receive(instance, ANN, sender_name="Ann")
    await sim.advance(10)
    await instance.phone("group", {"subject": "crew", "group_id": CREW, "owner": ANN})
    await sim.advance(10)
    await instance.send(chat=BEN)
    await instance.phone("contact", {"chat_id": BEN, "contact_name": "Ben B", "lid": "555000111@lid"})
    rows = await instance.call("getChats")
    assert [(row["id"], row["name"], row["type"]) for row in rows] == [
        (BEN, "Ben B", "user"),
        (CREW, "crew", "group"),
        (ANN, "Ann", "user"),
    ]
    assert rows[0]["newChatId"] == "555000111@lid"
    assert {key: rows[2][key] for key in ("archive", "ephemeralExpiration", "ephemeralSettingTimestamp")} == {
        "archive": False,
        "ephemeralExpiration": 0,
        "ephemeralSettingTimestamp": 0,
    }
    assert [row["id"] for row in await instance.call("getChats", verb="GET", body={"count": 1})] == [BEN]
    async with sim.session.get(f"{sim.url}{instance.path('getChats')}?count=2") as answer:
        assert [row["id"] for row in await answer.json()] == [BEN, CREW]
    assert (await sim.raw("GET", f"{instance.path('getChats')}?count=some"))[0] == 400


async def test_a_list_of_chats_may_be_a_minute_old(sim: Caller) -> None:
    await sim.sim("clock", {"speed": 0})
    await sim.sim("config", {"chats_refresh_seconds": 60})
    instance = await sim.create()
    await sim.advance(1)
    await instance.phone("scan", {})
    await _receive(instance, ANN)
    assert list(await _chats(instance)) == [ANN]
    await _receive(instance, BEN)
    await sim.advance(59)
    assert list(await _chats(instance)) == [ANN]
    await sim.advance(1)
    assert set(await _chats(instance)) == {ANN, BEN}


async def test_archiving_needs_a_message_that_came_in(sim: Caller) -> None:
    instance = await sim.linked()
    await instance.send(chat=BEN)
    assert (await instance.raw("archiveChat", {"chatId": BEN}))[:2] == (400, NO_LAST)
    assert (await instance.raw("unarchiveChat", {"chatId": BEN}))[:2] == (400, NO_LAST)
    await _receive(instance, ANN)
    assert (await instance.raw("archiveChat", {"chatId": ANN}))[:2] == (200, "")
    assert (await _chats(instance))[ANN]["archive"] is True
    assert (await instance.raw("unarchiveChat", {"chatId": ANN}))[:2] == (200, "")
    assert (await _chats(instance))[ANN]["archive"] is False
    assert (await instance.raw("archiveChat", {}, "POST"))[0] == 400


@pytest.mark.parametrize("seconds", [86400, 604800, 7776000, 0])
async def test_messages_of_a_chat_disappear_after_known_times_only(sim: Caller, seconds: int) -> None:
    instance = await sim.linked()
    told = await instance.call("setDisappearingChat", {"chatId": ANN, "ephemeralExpiration": seconds})
    assert told == {"chatId": ANN, "disappearingMessagesInChat": seconds > 0, "ephemeralExpiration": seconds}
    row = (await _chats(instance))[ANN]
    assert row["ephemeralExpiration"] == seconds
    assert (row["ephemeralSettingTimestamp"] > 0) == (seconds > 0)
    for wrong in (seconds + 1, "soon", -1):
        body = {"chatId": ANN, "ephemeralExpiration": wrong}
        status, text, _ = await instance.raw("setDisappearingChat", body)
        assert (status, "'ephemeralExpiration' must be" in text) == (400, True)
    info = await instance.call("getContactInfo", {"chatId": ANN})
    assert (info["isDisappearing"], info["messageExpiration"]) == (seconds > 0, seconds)


async def test_typing_waits_in_the_queue_and_its_time_holds_what_comes_after(sim: Caller) -> None:
    await sim.sim("clock", {"speed": 0})
    instance = await sim.create()
    await sim.advance(1)
    assert (await instance.raw("sendTyping", {"chatId": ANN, "typingTime": 5000, "typingType": "recording"}))[:2] == (
        200,
        "",
    )
    await instance.send()
    first, second = await instance.call("showMessagesQueue")
    assert (first["type"], first["body"]["typingTime"], second["type"]) == ("sendTyping", 5000, "sendMessage")
    await instance.phone("scan", {})
    await sim.advance(4)
    assert await instance.call("getMessagesCount") == {"count": 2}
    await sim.advance(2)
    assert await instance.call("getMessagesCount") == {"count": 0}
    (typed,) = await sim.journal(kind="typing")
    assert typed["request"]["typingType"] == "recording"
    assert len((await sim.sim("messages"))["messages"]) == 1


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({}, "'chatId' is required"),
        ({"chatId": "79990003344"}, "'chatId' must be in the format"),
        ({"chatId": ANN, "typingTime": "long"}, "'typingTime' must be a number"),
        ({"chatId": ANN, "typingTime": 999}, "'typingTime' must be larger than or equal to 1000"),
        ({"chatId": ANN, "typingTime": 20001}, "'typingTime' must be less than or equal to 20000"),
        ({"chatId": ANN, "typingType": "dancing"}, "'typingType' must be one of [recording]"),
    ],
)
async def test_unfit_typing_is_refused_and_not_queued(sim: Caller, body: dict[str, object], complaint: str) -> None:
    instance = await sim.linked()
    status, text, _ = await instance.raw("sendTyping", body, "POST")
    assert (status, f"Validation failed. Details: {complaint}" in text) == (400, True)
    assert await instance.call("showMessagesQueue") == []


async def test_a_chat_is_read_message_by_message_or_as_a_whole(sim: Caller) -> None:
    instance = await sim.linked(incomingWebhook="yes")
    first = await _receive(instance)
    await _receive(instance)
    other = await _receive(instance, BEN)
    assert (await _chats(instance))[ANN]["unreadCount"] == 2
    assert await instance.call("readChat", {"chatId": ANN, "idMessage": first}) == {"setRead": True}
    assert (await _chats(instance))[ANN]["unreadCount"] == 1
    assert await instance.call("readChat", {"chatId": ANN, "idMessage": other}) == {"setRead": False}
    assert await instance.call("readChat", {"chatId": ANN}) == {"setRead": True}
    chats = await _chats(instance)
    assert (chats[ANN]["unreadCount"], chats[BEN]["unreadCount"]) == (0, 1)
    assert (await instance.raw("readChat", {"chatId": ANN, "idMessage": 5}))[0] == 400


async def test_what_came_before_the_switch_was_on_stays_unread(sim: Caller) -> None:
    instance = await sim.linked()
    await _receive(instance)
    assert await instance.call("readChat", {"chatId": ANN}) == {"setRead": True}
    assert (await _chats(instance))[ANN]["unreadCount"] == 1


@pytest.mark.parametrize(
    ("settings", "after_receipt", "after_reply"),
    [
        ({"markIncomingMessagesReaded": "yes"}, 0, 0),
        ({"markIncomingMessagesReadedOnReply": "yes"}, 1, 0),
        ({"markIncomingMessagesReaded": "yes", "markIncomingMessagesReadedOnReply": "yes"}, 1, 0),
        ({}, 1, 1),
    ],
)
async def test_settings_mark_messages_read(
    sim: Caller, settings: dict[str, str], after_receipt: int, after_reply: int
) -> None:
    instance = await sim.linked(**settings)
    await _receive(instance)
    assert (await _chats(instance))[ANN]["unreadCount"] == after_receipt
    await instance.send(chat=ANN)
    assert (await _chats(instance))[ANN]["unreadCount"] == after_reply


async def test_the_owner_archives_on_the_phone_and_the_truth_is_told(sim: Caller) -> None:
    instance = await sim.linked()
    await instance.phone("chat", {"chat_id": ANN, "archived": True, "ephemeral_expiration": 86400})
    row = (await _chats(instance))[ANN]
    assert (row["archive"], row["ephemeralExpiration"]) == (True, 86400)
    (chat,) = (await sim.sim(f"instances/{instance.id}/people"))["chats"]
    assert chat == {"chat_id": ANN, "name": "", "unread": 0, "archived": True, "ephemeral_expiration": 86400}
    address = f"{sim.url}/_sim/instances/{instance.id}/chat"
    async with sim.session.post(address, json={"chat_id": "x"}) as refused:
        assert refused.status == 400
    async with sim.session.get(f"{sim.url}/_sim/instances/1/people") as unknown:
        assert unknown.status == 404


@pytest.mark.parametrize(
    ("method", "verb"),
    [
        ("getChats", "GET"),
        ("archiveChat", "POST"),
        ("unarchiveChat", "POST"),
        ("setDisappearingChat", "POST"),
        ("readChat", "POST"),
    ],
)
async def test_chats_need_a_session(sim: Caller, method: str, verb: str) -> None:
    instance = await sim.create()
    await instance.until("notAuthorized")
    assert (await instance.raw(method, None, verb))[:2] == (400, SESSION)


async def test_another_instance_has_chats_of_its_own(sim: Caller) -> None:
    first, second = await sim.linked("first"), await sim.linked("second")
    await _receive(first)
    assert json.loads((await second.raw("getChats"))[1]) == []
