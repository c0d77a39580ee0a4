"""Every method of upstream, asked natively and in our words: the same status and the same JSON."""

import asyncio
from typing import Any

from app.compat.speaking.sends import READERS
from app.compat.speaking.table import OF_QUEUE, SPOKEN
from app.compat.wording import NEVER_WORKS
from app.gateway.catalogue import ALL, Takes
from tests.routes.compat.speaking.differences import allowed
from tests.routes.compat.speaking.stage import CHAT, Stage, shown, unlike

ANN, BOB, CARL = CHAT, "79990005566@c.us", "79990007788@c.us"
FILES = {"urlFile": "https://files.example.org/a.jpg", "fileName": "a.jpg"}
BUTTON = {"type": "url", "buttonId": "1", "buttonText": "Look", "url": "https://example.org"}


def check(method: str, one: Any, other: Any) -> None:
    """The same answer, but for what is listed."""
    found = unlike(shown(one), shown(other)) - allowed(method)
    assert not found, f"{method} {sorted(found)}\n{one.text}\n{other.text}"
    assert one.status_code == other.status_code == 200, f"{method}: {one.text} {other.text}"
    assert one.headers.get("content-type") == other.headers.get("content-type"), method


async def both(stage: Stage, verb: str, method: str, **more: Any) -> Any:
    """One call both ways; its answer."""
    one, other = await stage.native(verb, method, **more), await stage.spoken(verb, method, **more)
    check(method, one, other)
    return shown(one)


def test_every_method_that_upstream_serves_is_spoken() -> None:
    files = {method.name for method in ALL if method.takes in (Takes.MULTIPART, Takes.RAW)}
    spoken = SPOKEN.keys() | READERS.keys() | files | NEVER_WORKS | {"scanqrcode"}
    assert spoken == {method.name for method in ALL if method.served == "upstream"}


async def test_the_account(stage: Stage) -> None:
    assert await both(stage, "GET", "getStateInstance") == {"stateInstance": "authorized"}
    assert await both(stage, "GET", "getStatusInstance") == {"statusInstance": "online"}
    for method in ("getSettings", "getWaSettings", "getStateInstanceHistory", "getDeviceInfo", "qr"):
        assert await both(stage, "GET", method), method
    changes = {"delaySendMessagesMilliseconds": 700, "linkPreview": "yes", "autoTyping": 2, "incomingWebhook": "yes"}
    native = await stage.native("POST", "setSettings", json=changes)
    changes["markIncomingMessagesReaded"] = "yes"
    check("setSettings", native, await stage.spoken("POST", "setSettings", json=changes))
    settings = await both(stage, "GET", "getSettings")
    assert settings["markIncomingMessagesReaded"] == settings["linkPreview"] == settings["incomingWebhook"] == "yes"
    assert settings["delaySendMessagesMilliseconds"] == 700
    await asyncio.sleep(0.3)  # it restarts
    refused = {"delaySendMessagesMilliseconds": 700_000}
    one, other = [await way("POST", "setSettings", json=refused) for way in (stage.native, stage.spoken)]
    assert (one.status_code, one.json()["message"]) == (other.status_code, other.json()["message"])
    await both(stage, "GET", "reboot")
    await asyncio.sleep(0.3)
    await both(stage, "GET", "logout")
    assert (await both(stage, "GET", "getStateInstance")) == {"stateInstance": "notAuthorized"}
    assert (await both(stage, "GET", "qr"))["type"] == "qrCode"
    one, other = [
        (await way("POST", "getAuthorizationCode", json={"phoneNumber": 79990001122})).json()
        for way in (stage.native, stage.spoken)
    ]
    assert [list(one), one["status"], len(one["code"])] == [list(other), True, len(other["code"])]
    await both(stage, "GET", "getWaSettings")


async def test_states_that_we_have_one_word_for(stage: Stage) -> None:
    for act, native, spoken in (
        ("yellow_card", "yellowCard", "authorized"),
        ("lift", "authorized", "authorized"),
        ("suspend", "suspended", "sleepMode"),
        ("lift", "authorized", "authorized"),
        ("block", "blocked", "blocked"),
    ):
        await stage.act(act)
        one, other = await stage.native("GET", "getStateInstance"), await stage.spoken("GET", "getStateInstance")
        assert (one.json(), other.json()) == ({"stateInstance": native}, {"stateInstance": spoken})
        check("getStateInstance", one, other)


SENDS: list[tuple[str, dict[str, Any]]] = [
    ("sendMessage", {"message": "Hello", "linkPreview": False}),
    ("sendMessage", {"message": "Hello again", "quotedMessageId": "3A01", "typingTime": 1000}),
    ("sendLink", {"urlLink": "https://example.org"}),
    ("sendPoll", {"message": "When?", "options": [{"optionName": "now"}, {"optionName": "then"}],
                  "multipleAnswers": True}),
    ("sendFileByUrl", {**FILES, "caption": "Look"}),
    ("sendLocation", {"latitude": 55.5, "longitude": 37, "nameLocation": "Here", "address": "There 1"}),
    ("sendContact", {"contact": {"phoneContact": 79990009900, "firstName": "Zoe", "company": "Acme"}}),
    ("sendInteractiveButtons", {"header": "H", "body": "B", "footer": "F", "buttons": [BUTTON]}),
    ("sendInteractiveButtonsReply", {"body": "B", "buttons": [{"buttonId": "1", "buttonText": "Yes"}]}),
    ("forwardMessages", {"chatIdFrom": BOB, "messages": ["3A02"]}),
]  # fmt: skip


async def test_sends_say_the_same_and_are_recorded_the_same(stage: Stage) -> None:
    await stage.act("receive", chat_id=ANN, text="Hi", id_message="3A01")
    await stage.act("receive", chat_id=BOB, text="Ho", id_message="3A02")
    for method, body in SENDS:
        one = (await stage.native("POST", method, json={"chatId": ANN, **body})).json()
        other = (await stage.spoken("POST", method, json={"chatId": ANN, **body})).json()
        assert list(one) == list(other), method
        assert {type(value) for value in one.values()} == {type(value) for value in other.values()}, method
    await stage.idle()
    sent = await stage.history()
    natives, spokens = sent[::2], sent[1::2]
    assert len(natives) == len(spokens) == len(SENDS)
    for (method, _), one, other in zip(SENDS, natives, spokens, strict=True):
        assert unlike(one, other) <= {".idMessage", ".timestamp", ".downloadUrl"}, f"{method} {one} {other}"
    rows = await records(stage)
    assert len(rows) == 2 * len(SENDS)
    for (method, _), one, other in zip(SENDS, rows[::2], rows[1::2], strict=True):
        unequal = unlike(one, other) - {".id", ".upstream_message_id", ".created_at", ".updated_at", ".status"}
        assert unequal <= allowed(f"record of {method}"), f"{method} {one} {other}"


async def records(stage: Stage) -> list[dict[str, Any]]:
    """Our own records of messages sent, oldest first."""
    await stage.runtime.records.settle()
    headers, http = stage.line.tenant.headers, stage.line.http
    instance_id = (await http.get("/v1/instances", headers=headers)).json()["data"][0]["id"]
    reply = await http.get(f"/v1/instances/{instance_id}/messages?limit=100", headers=headers)
    return [row for row in reversed(reply.json()["data"]) if row["direction"] == "outbound"]


RECEIVED: list[dict[str, Any]] = [
    {"text": "Hi"},
    {"kind": "extendedTextMessage", "text": "See https://example.org"},
    {"kind": "quotedMessage", "text": "So", "quoted_message_id": "3A10"},
    {"kind": "imageMessage", "caption": "A picture", "file_name": "a.jpg"},
    {"kind": "documentMessage", "file_name": "a.pdf"},
    {"kind": "stickerMessage"},
    {"kind": "videoMessage", "size": 200_000_000},
    {"kind": "locationMessage", "latitude": 1.5, "longitude": 2, "name": "Here"},
    {"kind": "contactMessage", "display_name": "Zoe"},
    {"kind": "contactsArrayMessage", "contacts": [{"display_name": "Zoe"}, {"display_name": "Yan"}]},
    {"kind": "pollMessage", "name": "When?", "options": ["now", "then"]},
    {"kind": "reactionMessage", "text": "👍", "stanza_id": "3A10"},
    {"kind": "editedMessage", "text": "Hi!", "stanza_id": "3A10"},
    {"kind": "deletedMessage", "stanza_id": "3A10"},
    {"kind": "groupInviteMessage"},
    {"kind": "interactiveButtonsReply", "text": "B", "buttons": [{"type": "reply", "buttonId": "1",
                                                                   "buttonText": "Yes"}]},
]  # fmt: skip


async def test_journals_tell_the_same(stage: Stage) -> None:
    for place, body in enumerate(RECEIVED):
        await stage.act("receive", chat_id=ANN, sender_name="Ann", id_message=f"3A{10 + place}", **body)
    await stage.act("send_from_phone", chat_id=ANN, text="From the phone")
    for method, body in SENDS:
        await stage.native("POST", method, json={"chatId": ANN, **body})
    await stage.idle()
    await stage.act("call", chat_id=ANN, statuses=["offer", "pickUp", "hungUp"], duration=7)
    await stage.act("call", chat_id=ANN, statuses=["declined"], direction="outgoing", is_video=True)
    history = await both(stage, "POST", "getChatHistory", json={"chatId": ANN})
    assert len(history) >= len(RECEIVED) + len(SENDS)
    assert len(await both(stage, "POST", "getChatHistory", json={"chatId": ANN, "count": 3})) == 3
    for method in ("lastIncomingMessages", "lastOutgoingMessages", "lastIncomingCalls", "lastOutgoingCalls"):
        assert await both(stage, "GET", method, params={"minutes": 60}), method
    for place in range(len(RECEIVED)):
        await both(stage, "POST", "getMessage", json={"chatId": ANN, "idMessage": f"3A{10 + place}"})
    link = await both(stage, "POST", "downloadFile", json={"chatId": ANN, "idMessage": "3A13"})
    assert "/files/~" in link["downloadUrl"]


async def test_chats_and_people_tell_the_same(stage: Stage) -> None:
    await stage.act("contact", chat_id=ANN, name="Ann", contact_name="Ann K", avatar=True, lid="5500@lid",
                    email="a@example.org", is_business=True, last_seen="2026-01-01")  # fmt: skip
    await stage.act("contact", chat_id=BOB, name="Bob")
    await stage.act("group", subject="crew", group_id="1203630001@g.us", members=[BOB], account="admin")
    await stage.act("receive", chat_id=ANN, text="Hi", id_message="3A01")
    await stage.act("chat", chat_id=ANN, ephemeral_expiration=86400, mute_expiration=1900000000)
    for chat_id in (ANN, BOB):
        await both(stage, "POST", "getContactInfo", json={"chatId": chat_id})
        await both(stage, "POST", "getAvatar", json={"chatId": chat_id})
    queries: list[dict[str, Any]] = [{}, {"group": "true"}, {"group": "false", "count": 1}]
    for query in queries:
        assert await both(stage, "GET", "getContacts", params=query)
    await both(stage, "GET", "getChats")
    await both(stage, "GET", "getChats", params={"count": 1})
    await stage.native("POST", "checkWhatsapp", json={"chatId": ANN})  # from then on it is told from memory
    checks: list[dict[str, Any]] = [{"phoneNumber": 79990003344}, {"chatId": ANN}, {"chatId": ANN, "force": True}]
    for body in checks:
        await both(stage, "POST", "checkWhatsapp", json=body)
    chat = {"chatId": ANN}
    for method, more in (
        ("readChat", {}), ("readChat", {"idMessage": "3A01"}), ("archiveChat", {}), ("unarchiveChat", {}),
        ("setDisappearingChat", {"ephemeralExpiration": 604800}), ("setDisappearingChat", {}),
        ("sendTyping", {}), ("sendTyping", {"typingTime": 2000, "typingType": "recording"}),
        ("addContact", {"firstName": "Ann", "lastName": "L"}), ("editContact", {"firstName": "Anna"}),
    ):  # fmt: skip
        await both(stage, "POST", method, json={**chat, **more})
    check("deleteContact", await stage.native("POST", "deleteContact", json={"chatId": ANN}), await added(stage))


async def added(stage: Stage) -> Any:
    """A contact that is deleted the second way, after it was written into the book again."""
    await stage.act("contact", chat_id=ANN, contact_name="Ann")
    return await stage.spoken("POST", "deleteContact", json={"chatId": ANN})


async def test_messages_are_changed_the_same(stage: Stage) -> None:
    for way in (stage.native, stage.spoken):
        sent = (await way("POST", "sendMessage", json={"chatId": ANN, "message": "Hello"})).json()["idMessage"]
        await stage.idle()
        edited = await way("POST", "editMessage", json={"chatId": ANN, "idMessage": sent, "message": "Bye"})
        assert (edited.status_code, list(edited.json())) == (200, ["idMessage"])
        gone = await way("POST", "deleteMessage", json={"chatId": ANN, "idMessage": sent})
        assert (gone.status_code, gone.content) == (200, b"")


async def test_groups_say_the_same(stage: Stage) -> None:
    for chat_id in (ANN, BOB):
        await stage.act("contact", chat_id=chat_id, contact_name="Known")
    answers: list[list[tuple[Any, Any]]] = []
    for way in (stage.native, stage.spoken):
        made = await way("POST", "createGroup", json={"groupName": "crew", "chatIds": [ANN]})
        group = {"groupId": made.json()["chatId"]}
        bob = {**group, "participantChatId": BOB}
        found = [(made.status_code, list(made.json()))]
        for method, body in (
            ("updateGroupName", {**group, "groupName": "team"}), ("addGroupParticipant", bob), ("setGroupAdmin", bob),
            ("removeAdmin", bob), ("removeGroupParticipant", bob), ("removeAdmin", bob),
            ("updateGroupSettings", {**group, "allowParticipantsSendMessages": False}),
        ):  # fmt: skip
            reply = await way("POST", method, json=body)
            found.append((reply.status_code, reply.json()))
        answers.append(found)
        await both(stage, "POST", "getGroupData", json=group)
        left = await way("POST", "leaveGroup", json=group)
        found.append((left.status_code, left.json()))
        again = await way("POST", "leaveGroup", json=group)
        found.append((again.status_code, again.json()))
        await both(stage, "POST", "getGroupData", json=group)
    await both(stage, "POST", "getGroupData", json={"groupId": "120363999@g.us"})
    assert answers[0] == answers[1]


async def test_statuses_say_the_same(stage: Stage) -> None:
    await stage.act("contact", chat_id=ANN, name="Ann", contact_name="Ann K")
    await stage.act("post_status", chat_id=ANN, text="good day", background_color="#223344")
    await stage.act("post_status", chat_id=ANN, download_url=True, file_name="a.jpg", mime_type="image/jpeg")
    for way in (stage.native, stage.spoken):
        for method, body in (
            ("sendTextStatus", {"message": "sale", "backgroundColor": "#112233", "font": "SERIF"}),
            ("sendTextStatus", {"message": "plain", "participants": [ANN]}),
            ("sendVoiceStatus", {**FILES, "fileName": "a.mp3", "backgroundColor": "#112233"}),
            ("sendMediaStatus", {**FILES, "caption": "Look"}),
        ):  # fmt: skip
            reply = await way("POST", method, json=body)
            assert (reply.status_code, list(reply.json())) == (200, ["idMessage"]), reply.text
    async with asyncio.timeout(60):
        while len((await stage.native("GET", "getOutgoingStatuses")).json()) < 8:
            await asyncio.sleep(0.05)
    rows = await both(stage, "GET", "getOutgoingStatuses")
    assert len(rows) == 8
    for one, other in zip(rows[:4], rows[4:], strict=True):  # what was posted is the same as well
        assert unlike(one, other) <= {".idMessage", ".timestamp"}
    await stage.act("view_status", id_message=rows[0]["idMessage"], chat_id=ANN)
    assert await both(stage, "GET", "getStatusStatistic", params={"idMessage": rows[0]["idMessage"]})
    await both(stage, "GET", "getIncomingStatuses", params={"minutes": 10})
    await both(stage, "POST", "deleteStatus", json={"idMessage": rows[0]["idMessage"]})


async def test_the_queue_says_the_same(stage: Stage) -> None:
    await stage.native("GET", "logout")
    for method, body in SENDS:
        if method not in ("sendLink",):
            await stage.native("POST", method, json={"chatId": ANN, **body})
    shown_queue = await both(stage, "GET", "showMessagesQueue")
    assert shown_queue
    assert (await both(stage, "GET", "getMessagesCount"))["count"] == len(shown_queue)
    assert (await stage.spoken("GET", "clearMessagesQueue")).json() == {"isCleared": True}
    await both(stage, "GET", "clearMessagesQueue")
    assert await both(stage, "GET", "showMessagesQueue") == []


async def test_a_gateway_without_a_queue_has_an_empty_one(stage: Stage) -> None:
    await stage.native("GET", "logout")
    await stage.native("POST", "sendMessage", json={"chatId": ANN, "message": "Hello"})
    found = [
        (await stage.spoken("GET", method, {"has_queue": False, "unsupported": OF_QUEUE})).json()
        for method in ("showMessagesQueue", "getMessagesCount", "clearMessagesQueue")
    ]
    assert found == [[], {"count": 0}, {"isCleared": True}]
    assert (await stage.native("GET", "getMessagesCount")).json() == {"count": 1}, "nothing was cleared there"
