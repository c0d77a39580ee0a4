"""Sending every kind: what is checked, what is answered, what is told and kept."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Caller, Rented

CHAT = "79990003344@c.us"
OTHER = "79995556677@c.us"
FORM = {"chatId": CHAT}
POLL = {**FORM, "message": "which?", "options": [{"optionName": "a"}, {"optionName": "b"}]}
BUTTON = {"type": "url", "buttonId": "1", "buttonText": "open", "url": "https://example.com"}
SENDS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (
        "sendPoll",
        POLL,
        {
            "typeMessage": "pollMessage",
            "pollMessageData": {
                "name": "which?",
                "options": [{"optionName": "a"}, {"optionName": "b"}],
                "multipleAnswers": False,
            },
        },
    ),
    (
        "sendLocation",
        {**FORM, "latitude": 12.5, "longitude": -7, "nameLocation": "Home", "address": "Street"},
        {
            "typeMessage": "locationMessage",
            "locationMessageData": {
                "nameLocation": "Home",
                "address": "Street",
                "latitude": 12.5,
                "longitude": -7,
                "jpegThumbnail": "",
                "isForwarded": False,
                "forwardingScore": 0,
            },
        },
    ),
    (
        "sendInteractiveButtons",
        {**FORM, "header": "h", "body": "b", "footer": "f", "buttons": [BUTTON]},
        {
            "typeMessage": "interactiveButtons",
            "interactiveButtons": {
                "titleText": "h",
                "contentText": "b",
                "footerText": "f",
                "buttons": [BUTTON],
            },
        },
    ),
    (
        "sendInteractiveButtonsReply",
        {**FORM, "body": "b", "buttons": [{"buttonId": "1", "buttonText": "yes"}]},
        {
            "typeMessage": "interactiveButtonsReply",
            "interactiveButtonsReply": {
                "titleText": "",
                "contentText": "b",
                "footerText": "",
                "buttons": [{"type": "reply", "buttonId": "1", "buttonText": "yes"}],
            },
        },
    ),
]


async def _talker(sim: Caller, **settings: str) -> Rented:
    return await sim.linked(
        outgoingAPIMessageWebhook="yes", pollMessageWebhook="yes", incomingWebhook="yes", **settings
    )


async def _echoes(sim: Caller, instance: Rented) -> list[dict[str, Any]]:
    await sim.advance(5)
    return [body for body in await instance.pull_all() if body["typeWebhook"] == "outgoingAPIMessageReceived"]


@pytest.mark.parametrize(("method", "body", "told"), SENDS, ids=[row[0] for row in SENDS])
async def test_a_kind_is_queued_then_echoed_and_kept_in_the_journal(
    sim: Caller, method: str, body: dict[str, Any], told: dict[str, Any]
) -> None:
    instance = await _talker(sim)
    sent = (await instance.call(method, body))["idMessage"]
    (echo,) = await _echoes(sim, instance)
    assert (echo["idMessage"], echo["messageData"]) == (sent, told)
    row = await instance.call("getMessage", {"chatId": CHAT, "idMessage": sent})
    assert (row["type"], row["typeMessage"], row["statusMessage"]) == ("outgoing", told["typeMessage"], "sent")
    assert row["sendByApi"] is True
    assert "messageData" not in row


async def test_a_kind_stands_in_the_queue_as_it_was_asked_for(sim: Caller) -> None:
    instance = await sim.create()
    await instance.until("notAuthorized")
    for method, body, _ in SENDS:
        await instance.call(method, body)
    shown = await instance.call("showMessagesQueue")
    assert [(item["type"], item["body"]) for item in shown] == [(method, body) for method, body, _ in SENDS]
    assert await instance.call("getMessagesCount") == {"count": len(SENDS)}


async def test_a_contact_becomes_a_card_and_a_link_a_text(sim: Caller) -> None:
    instance = await _talker(sim)
    contact = {"phoneContact": 79991112233, "firstName": "Ann", "lastName": "Lee", "company": "Shop"}
    await instance.call("sendContact", {**FORM, "contact": contact})
    await instance.call("sendContact", {**FORM, "contact": {"phoneContact": 79991112233, "company": "Shop"}})
    await instance.call("sendLink", {**FORM, "urlLink": "https://example.com"})
    card, firm, link = await _echoes(sim, instance)
    data = card["messageData"]["contactMessageData"]
    assert data["displayName"] == "Ann Lee"
    assert "TEL;type=CELL;waid=79991112233:+79991112233" in data["vcard"]
    assert "ORG:Shop;" in data["vcard"]
    assert firm["messageData"]["contactMessageData"]["displayName"] == "Shop"
    assert link["messageData"]["extendedTextMessageData"]["text"] == "https://example.com"


@pytest.mark.parametrize("method", ["sendButtons", "sendTemplateButtons", "sendListMessage"])
async def test_the_dead_methods_are_forbidden_after_the_token_was_looked_at(sim: Caller, method: str) -> None:
    instance = await sim.linked()
    assert (await instance.raw(method, {}))[:2] == (403, "Forbidden")
    wrong = f"/waInstance{instance.id}/{method}/wrong"
    assert (await sim.raw("POST", wrong, json={}))[:2] == (401, "")


OPTIONS = [{"optionName": str(number)} for number in range(13)]
UNFIT: list[tuple[str, dict[str, Any], str]] = [
    ("sendPoll", {**POLL, "message": "x" * 256}, "'message' length must be less than or equal to 255 characters long"),
    ("sendPoll", {**POLL, "options": OPTIONS[:1]}, "'options' must contain at least 2 items"),
    ("sendPoll", {**POLL, "options": OPTIONS}, "'options' must contain less than or equal to 12 items"),
    ("sendPoll", {**POLL, "options": [OPTIONS[0]] * 2}, "'options[1]' contains a duplicate value"),
    ("sendPoll", {**POLL, "options": ["a", "b"]}, "'options[0]' must be of type object"),
    (
        "sendPoll",
        {**POLL, "options": [{"optionName": "x" * 101}, OPTIONS[0]]},
        "'options[0].optionName' length must be less than or equal to 100 characters long",
    ),
    ("sendPoll", {**POLL, "multipleAnswers": 1}, "'multipleAnswers' must be a boolean"),
    ("sendLocation", {**FORM, "longitude": 1}, "'latitude' is required"),
    ("sendLocation", {**FORM, "latitude": "x", "longitude": 1}, "'latitude' must be a number"),
    ("sendContact", FORM, "'contact' is required"),
    ("sendContact", {**FORM, "contact": {"firstName": "A"}}, "'contact.phoneContact' is required"),
    ("sendContact", {**FORM, "contact": {"phoneContact": 7999}}, "'contact' must contain at least one of"),
    ("sendInteractiveButtons", {**FORM, "body": "b", "buttons": []}, "'buttons' must contain at least 1 items"),
    (
        "sendInteractiveButtons",
        {**FORM, "body": "b", "buttons": [BUTTON] * 4},
        "'buttons' must contain less than or equal to 3 items",
    ),
    (
        "sendInteractiveButtons",
        {**FORM, "body": "b", "buttons": [{**BUTTON, "buttonText": "x" * 26}]},
        "'buttons[0].buttonText' length must be less than or equal to 25 characters long",
    ),
    (
        "sendInteractiveButtons",
        {**FORM, "body": "b", "buttons": [{**BUTTON, "type": "reply"}]},
        "'buttons[0].type' must be one of [copy, call, url]",
    ),
    (
        "sendInteractiveButtons",
        {**FORM, "body": "b", "buttons": [{**BUTTON, "type": "copy"}]},
        "'buttons[0].copyCode' is required",
    ),
    ("forwardMessages", {**FORM, "messages": ["x"]}, "'chatIdFrom' is required"),
    ("forwardMessages", {**FORM, "chatIdFrom": CHAT, "messages": []}, "'messages' must contain at least 1 items"),
    ("sendFileByUrl", {**FORM, "urlFile": "nowhere", "fileName": "a.png"}, "'urlFile' must be a valid uri"),
    ("sendFileByUrl", {**FORM, "urlFile": "http://127.0.0.1:1/a"}, "'fileName' is required"),
    ("sendMessage", {**FORM, "message": "x", "typingTime": 20001}, "'typingTime' must be less than or equal to 20000"),
    ("sendMessage", {**FORM, "message": "x", "typePreview": "huge"}, "'typePreview' must be one of [small, large]"),
    ("sendMessage", {**FORM, "message": "x", "customPreview": {}}, "'customPreview.title' is required"),
    ("sendMessage", {**FORM, "message": "x", "quotedMessageId": 5}, "'quotedMessageId' must be a string"),
]


@pytest.mark.parametrize(("method", "body", "complaint"), UNFIT)
async def test_an_unfit_send_is_refused_and_nothing_of_it_is_queued(
    sim: Caller, method: str, body: dict[str, Any], complaint: str
) -> None:
    instance = await sim.linked()
    status, text, _ = await instance.raw(method, body)
    assert status == 400
    assert f"Validation failed. Details: {complaint}" in text
    assert (await instance.truth())["outgoing_queue"] == []
    assert (await sim.sim("messages"))["messages"] == []


async def test_an_answer_quotes_a_message_of_the_same_chat_and_no_other(sim: Caller) -> None:
    instance = await _talker(sim)
    asked = (await instance.phone("receive", {"chat_id": CHAT, "text": "how much?"}))["id_message"]
    await instance.call("sendMessage", {**FORM, "message": "ten", "quotedMessageId": asked})
    await instance.call("sendMessage", {"chatId": OTHER, "message": "ten", "quotedMessageId": asked})
    await instance.call("sendLocation", {**FORM, "latitude": 1, "longitude": 2, "quotedMessageId": asked})
    text, stray, place = [echo["messageData"] for echo in await _echoes(sim, instance)]
    quote = {"stanzaId": asked, "participant": CHAT, "typeMessage": "textMessage", "textMessage": "how much?"}
    assert text == {
        "typeMessage": "quotedMessage",
        "extendedTextMessageData": {"text": "ten", "stanzaId": asked, "participant": CHAT},
        "quotedMessage": quote,
    }
    assert stray["typeMessage"] == "extendedTextMessage"
    assert (place["typeMessage"], place["quotedMessage"]) == ("locationMessage", quote)


async def test_forwarded_messages_are_one_item_of_the_queue_and_unknown_ids_come_to_nothing(sim: Caller) -> None:
    instance = await _talker(sim)
    first = (await instance.phone("receive", {"chat_id": CHAT, "text": "one"}))["id_message"]
    second = (await instance.phone("receive", {"chat_id": CHAT, "text": "two"}))["id_message"]
    await sim.sim("clock", {"speed": 0})
    await sim.sim("config", {"min_delay_ms_override": 60_000})
    await instance.send("before")
    body = {"chatId": OTHER, "chatIdFrom": CHAT, "messages": [first, "NONE", second]}
    ids = (await instance.call("forwardMessages", body))["messages"]
    assert len(set(ids)) == 3
    shown = (await instance.call("showMessagesQueue"))[-1]
    assert shown == {"messagesIDs": [ids[0], ids[2]], "type": "ForwardMessages", "body": body}
    await sim.advance(300)
    echoes = await _echoes(sim, instance)
    assert [echo["idMessage"] for echo in echoes][1:] == [ids[0], ids[2]]
    data = echoes[1]["messageData"]["extendedTextMessageData"]
    assert (data["text"], data["isForwarded"], data["forwardingScore"]) == ("one", True, 1)
    assert echoes[1]["senderData"]["chatId"] == OTHER


async def test_what_no_switch_let_the_upstream_see_cannot_be_forwarded(sim: Caller) -> None:
    instance = await sim.linked(outgoingAPIMessageWebhook="yes")
    unseen = (await instance.phone("receive", {"chat_id": CHAT, "text": "one"}))["id_message"]
    body = {"chatId": OTHER, "chatIdFrom": CHAT, "messages": [unseen]}
    assert len((await instance.call("forwardMessages", body))["messages"]) == 1
    assert await _echoes(sim, instance) == []


async def test_an_own_text_is_edited_within_a_quarter_of_an_hour(sim: Caller) -> None:
    instance = await _talker(sim, editedMessageWebhook="yes")
    sent = await instance.send("helo")
    await _echoes(sim, instance)
    edit = {**FORM, "idMessage": sent, "message": "hello"}
    event = (await instance.call("editMessage", edit))["idMessage"]
    assert event != sent
    (echo,) = await _echoes(sim, instance)
    assert (echo["idMessage"], echo["messageData"]) == (
        event,
        {"typeMessage": "editedMessage", "editedMessageData": {"textMessage": "hello", "stanzaId": sent}},
    )
    row = await instance.call("getMessage", {"chatId": CHAT, "idMessage": event})
    assert (row["typeMessage"], row["textMessage"], row["editedMessageId"]) == ("editedMessage", "hello", sent)
    assert (await instance.call("getMessage", {"chatId": CHAT, "idMessage": sent}))["isEdited"] is True
    await sim.advance(15 * 60)
    assert (await instance.raw("editMessage", edit))[0] == 400


async def test_neither_foreign_words_nor_other_kinds_are_edited(sim: Caller) -> None:
    instance = await _talker(sim)
    theirs = (await instance.phone("receive", {"chat_id": CHAT, "text": "hi"}))["id_message"]
    poll = (await instance.call("sendPoll", POLL))["idMessage"]
    for id_message in (theirs, poll, "NONE"):
        answer = await instance.raw("editMessage", {**FORM, "idMessage": id_message, "message": "x"})
        assert answer[0] == 400
    own = await instance.send("mine")
    assert (await instance.raw("editMessage", {"chatId": OTHER, "idMessage": own, "message": "x"}))[0] == 400


@pytest.mark.parametrize(("only_here", "told"), [(False, 1), (True, 0)])
async def test_a_message_is_deleted_with_an_empty_answer(sim: Caller, only_here: bool, told: int) -> None:
    instance = await _talker(sim, deletedMessageWebhook="yes")
    sent = await instance.send("oops")
    await _echoes(sim, instance)
    body = {**FORM, "idMessage": sent, "onlySenderDelete": only_here}
    assert (await instance.raw("deleteMessage", body))[:2] == (200, "")
    assert (await instance.raw("deleteMessage", body))[:2] == (200, "")
    echoes = await _echoes(sim, instance)
    assert [echo["messageData"] for echo in echoes] == [
        {"typeMessage": "deletedMessage", "deletedMessageData": {"stanzaId": sent}}
    ] * told
    row = await instance.call("getMessage", {"chatId": CHAT, "idMessage": sent})
    assert (row["isDeleted"], row["textMessage"]) == (True, "oops")


async def test_a_message_deleted_in_the_queue_is_never_sent(sim: Caller) -> None:
    instance = await _talker(sim)
    await sim.sim("clock", {"speed": 0})
    await sim.sim("config", {"min_delay_ms_override": 60_000})
    await instance.send("first")
    second = await instance.send("second")
    await sim.advance(1)
    await instance.call("deleteMessage", {**FORM, "idMessage": second})
    assert [e["messageData"]["extendedTextMessageData"]["text"] for e in await _echoes(sim, instance)] == ["first"]
    await sim.advance(600)
    assert await instance.pull_all() == []


async def test_a_group_the_account_is_not_in_gets_nothing(sim: Caller) -> None:
    instance = await sim.linked(outgoingWebhook="yes")
    made = await instance.call("createGroup", {"groupName": "club", "chatIds": [CHAT]})
    await instance.call("leaveGroup", {"groupId": made["chatId"]})
    await instance.send(chat=made["chatId"])
    await sim.advance(1)
    told = [body for body in await instance.pull_all() if body["typeWebhook"] == "outgoingMessageStatus"]
    assert [body["status"] for body in told] == ["notInGroup"]
