"""Notifications of every kind: what people and phones do, and which settings let it be told."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Caller, Rented

CHAT = "79990003344@c.us"
GROUP = "120363000000000001@g.us"
ALL = {
    "incomingWebhook": "yes",
    "outgoingMessageWebhook": "yes",
    "outgoingAPIMessageWebhook": "yes",
    "pollMessageWebhook": "yes",
    "editedMessageWebhook": "yes",
    "deletedMessageWebhook": "yes",
    "incomingCallWebhook": "yes",
    "outgoingCallWebhook": "yes",
    "incomingBlockWebhook": "yes",
    "deviceWebhook": "yes",
    "statusInstanceWebhook": "yes",
}
CARD = {"display_name": "Ann", "phone": "79991112233"}
BUTTONS = [{"type": "reply", "buttonId": "1", "buttonText": "yes"}]
SAID: list[tuple[dict[str, Any], str, str]] = [
    ({"text": "hi"}, "textMessageData", "textMessage"),
    ({"kind": "extendedTextMessage", "text": "hi", "title": "t"}, "extendedTextMessageData", "extendedTextMessage"),
    ({"kind": "quotedMessage", "text": "hi", "quoted_message_id": "X"}, "extendedTextMessageData", "quotedMessage"),
    ({"kind": "imageMessage", "caption": "c"}, "fileMessageData", "downloadUrl"),
    ({"kind": "videoMessage"}, "fileMessageData", "downloadUrl"),
    ({"kind": "audioMessage"}, "fileMessageData", "downloadUrl"),
    ({"kind": "documentMessage"}, "fileMessageData", "downloadUrl"),
    ({"kind": "stickerMessage", "is_animated": True}, "fileMessageData", "isAnimated"),
    ({"kind": "locationMessage", "latitude": 1.5, "longitude": 2}, "locationMessageData", "location"),
    ({"kind": "contactMessage", **CARD}, "contactMessageData", "contact"),
    ({"kind": "contactsArrayMessage", "contacts": [CARD]}, "messageData", "contacts"),
    ({"kind": "pollMessage", "name": "?", "options": ["a", "b"]}, "pollMessageData", "pollMessageData"),
    ({"kind": "reactionMessage", "text": "+", "stanza_id": "X"}, "extendedTextMessageData", "extendedTextMessageData"),
    ({"kind": "groupInviteMessage"}, "groupInviteMessageData", "groupInviteMessageData"),
    ({"kind": "editedMessage", "text": "new", "stanza_id": "X"}, "editedMessageData", "editedMessageId"),
    ({"kind": "deletedMessage", "stanza_id": "X"}, "deletedMessageData", "deletedMessageId"),
    ({"kind": "interactiveButtons", "text": "b", "buttons": BUTTONS}, "interactiveButtons", "interactiveButtons"),
    (
        {"kind": "interactiveButtonsReply", "text": "b", "buttons": BUTTONS},
        "interactiveButtonsReply",
        "interactiveButtonsReply",
    ),
    ({"kind": "templateMessage", "object": {"contentText": "t"}}, "templateMessage", "templateMessage"),
    ({"kind": "buttonsMessage", "object": {"contentText": "t"}}, "buttonsMessage", "buttonsMessage"),
    (
        {"kind": "buttonsResponseMessage", "object": {"stanzaId": "X"}},
        "buttonsResponseMessage",
        "buttonsResponseMessage",
    ),
    ({"kind": "listMessage", "object": {"title": "t"}}, "listMessage", "listMessage"),
    ({"kind": "listResponseMessage", "object": {"title": "t"}}, "listResponseMessage", "listResponseMessage"),
]


async def _talker(sim: Caller, **settings: str) -> Rented:
    return await sim.linked(**{**ALL, **settings})


@pytest.mark.parametrize(("said", "nested", "flat"), SAID, ids=[row[0].get("kind", "text") for row in SAID])
@pytest.mark.parametrize(
    ("act", "hook"), [("receive", "incomingMessageReceived"), ("send_from_phone", "outgoingMessageReceived")]
)
async def test_a_kind_is_told_nested_and_kept_flat(
    sim: Caller, act: str, hook: str, said: dict[str, Any], nested: str, flat: str
) -> None:
    instance = await _talker(sim)
    made = await instance.phone(act, {"chat_id": CHAT, **said})
    (told,) = await instance.pull_all()
    assert (told["typeWebhook"], told["idMessage"]) == (hook, made["id_message"])
    data = told["messageData"]
    assert data["typeMessage"] == said.get("kind", "textMessage")
    assert isinstance(data[nested], dict)
    row = await instance.call("getMessage", {"chatId": CHAT, "idMessage": made["id_message"]})
    assert row["typeMessage"] == data["typeMessage"]
    assert flat in row
    assert "messageData" not in row
    assert ("statusMessage" in row) == (act == "send_from_phone")


async def test_a_poll_counts_the_last_vote_of_each_voter_under_every_option(sim: Caller) -> None:
    instance = await _talker(sim)
    body = {"chatId": GROUP, "message": "?", "options": [{"optionName": "a"}, {"optionName": "b"}]}
    await instance.phone("receive", {"chat_id": GROUP, "sender": CHAT, "text": "we are a group"})
    poll = (await instance.call("sendPoll", body))["idMessage"]
    await sim.advance(1)
    vote = {"chat_id": GROUP, "kind": "pollUpdateMessage", "stanza_id": poll}
    await instance.phone("receive", {**vote, "sender": "7001@c.us", "options": ["a"]})
    await instance.phone("receive", {**vote, "sender": "7002@c.us", "options": ["a"]})
    await instance.phone("receive", {**vote, "sender": "7001@c.us", "options": ["b"]})
    await instance.phone("receive", {**vote, "sender": "7002@c.us", "options": []})
    told = [b["messageData"] for b in await instance.pull_all()]
    tallies = [data["pollMessageData"] for data in told if data["typeMessage"] == "pollUpdateMessage"]
    assert tallies[1] == {
        "stanzaId": poll,
        "name": "?",
        "votes": [
            {"optionName": "a", "optionVoters": ["7001@c.us", "7002@c.us"]},
            {"optionName": "b", "optionVoters": []},
        ],
        "multipleAnswers": False,
    }
    assert [option["optionVoters"] for option in tallies[3]["votes"]] == [[], ["7001@c.us"]]


@pytest.mark.parametrize("options", [["c"], ["a", "b"], "a"])
async def test_a_vote_that_does_not_fit_the_poll_is_none(sim: Caller, options: object) -> None:
    instance = await _talker(sim)
    poll = await instance.phone("receive", {"chat_id": CHAT, "kind": "pollMessage", "name": "?", "options": ["a", "b"]})
    vote = {"chat_id": CHAT, "kind": "pollUpdateMessage", "stanza_id": poll["id_message"], "options": options}
    path = f"/_sim/instances/{instance.id}/receive"
    assert (await sim.raw("POST", path, json=vote))[0] == 400
    assert len(await instance.pull_all()) == 1


async def test_reactions_are_put_and_taken_back(sim: Caller) -> None:
    instance = await _talker(sim)
    sent = await instance.send("hello")
    await sim.advance(1)
    await instance.pull_all()
    for emoji in ("+", ""):
        await instance.phone("receive", {"chat_id": CHAT, "kind": "reactionMessage", "stanza_id": sent, "text": emoji})
    first, second = [body["messageData"] for body in await instance.pull_all()]
    wid = (await instance.truth())["wid"]
    assert first["extendedTextMessageData"] == {"text": "+"}
    assert first["quotedMessage"] == {"stanzaId": sent, "participant": wid}
    assert second["extendedTextMessageData"] == {"text": ""}
    assert (await sim.sim("messages"))["messages"][0]["reactions"] == {}


async def test_people_edit_and_delete_what_they_wrote_and_nothing_else(sim: Caller) -> None:
    instance = await _talker(sim)
    theirs = (await instance.phone("receive", {"chat_id": CHAT, "text": "helo"}))["id_message"]
    ours = await instance.send("mine")
    await instance.phone("receive", {"chat_id": CHAT, "kind": "editedMessage", "stanza_id": theirs, "text": "hello"})
    path = f"/_sim/instances/{instance.id}/receive"
    body = {"chat_id": CHAT, "kind": "deletedMessage", "stanza_id": ours}
    assert (await sim.raw("POST", path, json=body))[0] == 400
    await instance.phone("receive", {**body, "stanza_id": theirs})
    row = await instance.call("getMessage", {"chatId": CHAT, "idMessage": theirs})
    assert (row["isEdited"], row["isDeleted"], row["textMessage"]) == (True, True, "helo")


@pytest.mark.parametrize(
    ("act", "kind"),
    [("receive", "templateButtonsReplyMessage"), ("send_from_phone", "interactiveButtonsResponse")],
)
async def test_a_reply_button_is_pressed_on_either_side(sim: Caller, act: str, kind: str) -> None:
    instance = await _talker(sim)
    buttons = [{"buttonId": "y", "buttonText": "yes"}, {"buttonId": "n", "buttonText": "no"}]
    sent = await instance.call("sendInteractiveButtonsReply", {"chatId": CHAT, "body": "?", "buttons": buttons})
    await sim.advance(1)
    await instance.pull_all()
    press = {"chat_id": CHAT, "kind": kind, "stanza_id": sent["idMessage"], "button_id": "n"}
    await instance.phone(act, press)
    (told,) = await instance.pull_all()
    name = "templateButtonReplyMessage" if act == "receive" else kind
    assert told["messageData"][name] == {
        "stanzaId": sent["idMessage"],
        "selectedIndex": 1,
        "selectedId": "n",
        "selectedDisplayText": "no",
    }


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("incomingWebhook", {"text": "hi"}),
        ("pollMessageWebhook", {"kind": "pollMessage", "name": "?", "options": ["a"]}),
        ("editedMessageWebhook", {"kind": "editedMessage", "stanza_id": "X", "text": "n"}),
        ("deletedMessageWebhook", {"kind": "deletedMessage", "stanza_id": "X"}),
    ],
)
async def test_a_kind_whose_switch_is_off_is_neither_told_nor_kept(
    sim: Caller, setting: str, said: dict[str, Any]
) -> None:
    instance = await _talker(sim, **{setting: "no"})
    made = await instance.phone("receive", {"chat_id": CHAT, **said})
    assert await instance.pull_all() == []
    body = {"chatId": CHAT, "idMessage": made["id_message"]}
    assert (await instance.raw("getMessage", body))[0] == 400


HAPPENINGS: list[tuple[str, dict[str, Any], str, str, dict[str, Any]]] = [
    (
        "call",
        {"chat_id": CHAT},
        "incomingCall",
        "incomingCallWebhook",
        {"from": CHAT, "status": "offer", "isVideo": False},
    ),
    (
        "blocked_by",
        {"chat_id": CHAT},
        "incomingBlock",
        "incomingBlockWebhook",
        {"chatId": CHAT, "chatState": "blocked"},
    ),
    (
        "device_info",
        {"battery": 7},
        "deviceInfo",
        "deviceWebhook",
        {
            "deviceData": {
                "platform": "android",
                "deviceManufacturer": "Maker",
                "deviceModel": "Model",
                "osVersion": "14",
                "waVersion": "2.26.1",
                "battery": 7,
            }
        },
    ),
    (
        "socket_status",
        {"status": "offline"},
        "statusInstanceChanged",
        "statusInstanceWebhook",
        {"statusInstance": "offline"},
    ),
]


@pytest.mark.parametrize(("act", "body", "hook", "setting", "fields"), HAPPENINGS, ids=[h[0] for h in HAPPENINGS])
async def test_a_happening_is_told_when_its_switch_is_on_and_not_when_it_is_off(
    sim: Caller, act: str, body: dict[str, Any], hook: str, setting: str, fields: dict[str, Any]
) -> None:
    wanting, deaf = await _talker(sim), await _talker(sim, **{setting: "no"})
    await wanting.phone(act, body)
    await deaf.phone(act, body)
    (told,) = await wanting.pull_all()
    assert told["typeWebhook"] == hook
    assert {name: told[name] for name in fields} == fields
    assert await deaf.pull_all() == []


async def test_a_call_goes_through_its_statuses_under_one_id(sim: Caller) -> None:
    instance = await _talker(sim)
    rung = await instance.phone("call", {"chat_id": CHAT, "is_video": True, "statuses": ["offer", "pickUp"]})
    await instance.phone("call", {"id_message": rung["id_message"], "statuses": ["hungUp"], "duration": 9})
    told = [(body["idMessage"], body["status"], body["isVideo"]) for body in await instance.pull_all()]
    assert told == [(rung["id_message"], status, True) for status in ("offer", "pickUp", "hungUp")]
    (row,) = await instance.call("lastIncomingCalls")
    assert (row["idMessage"], row["status"], row["duration"]) == (rung["id_message"], "hungUp", 9)


async def test_an_outgoing_call_tells_its_participants(sim: Caller) -> None:
    instance = await _talker(sim)
    await instance.phone("call", {"chat_id": CHAT, "direction": "outgoing", "statuses": ["declined"]})
    (told,) = await instance.pull_all()
    assert (told["typeWebhook"], told["participants"]) == ("outgoingCall", [{"id": CHAT, "status": "declined"}])


async def test_calls_and_blocks_need_incoming_webhook_too(sim: Caller) -> None:
    instance = await _talker(sim, incomingWebhook="no")
    await instance.phone("call", {"chat_id": CHAT})
    await instance.phone("blocked_by", {"chat_id": CHAT})
    assert await instance.pull_all() == []


async def test_avatar_info_and_any_other_kind_can_be_told(sim: Caller) -> None:
    instance = await sim.linked()
    await instance.phone("avatar_info", {"chat_id": CHAT, "url_avatar": "http://x/"})
    await instance.phone("notify", {"type_webhook": "somethingNew", "fields": {"news": 1}})
    await instance.phone("notify", {"type_webhook": "incomingMessageReceived", "fields": {}})
    first, second = await instance.pull_all()
    assert first["avatarInfo"]["chatId"] == CHAT
    assert (second["typeWebhook"], second["news"]) == ("somethingNew", 1)


async def test_a_sent_message_takes_any_status_with_its_description(sim: Caller) -> None:
    instance = await sim.create()
    await instance.until("notAuthorized")
    sent = await instance.send()
    await instance.phone(
        "status", {"id_message": sent, "status": "failed", "description": "SWE004: too many participants"}
    )
    (told,) = await instance.pull_all()
    assert (told["status"], told["description"]) == ("failed", "SWE004: too many participants")
    assert await instance.call("showMessagesQueue") == []


async def test_an_unknown_kind_is_refused(sim: Caller) -> None:
    instance = await _talker(sim)
    path = f"/_sim/instances/{instance.id}/receive"
    assert (await sim.raw("POST", path, json={"chat_id": CHAT, "kind": "nonsense"}))[0] == 400
