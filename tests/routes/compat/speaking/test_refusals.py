"""What is refused is refused in the same words both ways, by us or by the gateway."""

from typing import Any

import pytest

from tests.routes.compat.speaking.differences import allowed
from tests.routes.compat.speaking.stage import CHAT, Stage, shown, unlike
from tests.routes.compat.speaking.test_methods import BUTTON, FILES

GROUP = "120363999@g.us"
LONG = "a" * 20_001
TO: dict[str, Any] = {"chatId": CHAT}
OF: dict[str, Any] = {"groupId": GROUP}

MALFORMED: list[tuple[str, dict[str, Any]]] = [
    ("sendMessage", {}),
    ("sendMessage", {"chatId": 5, "message": "x"}),
    ("sendMessage", {"chatId": "79990003344", "message": "x"}),
    ("sendMessage", TO),
    ("sendMessage", {**TO, "message": 5}),
    ("sendMessage", {**TO, "message": LONG}),
    ("sendMessage", {**TO, "message": "x", "linkPreview": "maybe"}),
    ("sendMessage", {**TO, "message": "x", "typePreview": "huge"}),
    ("sendMessage", {**TO, "message": "x", "customPreview": {}}),
    ("sendMessage", {**TO, "message": "x", "customPreview": "x"}),
    ("sendMessage", {**TO, "message": "x", "typingTime": 10}),
    ("sendMessage", {**TO, "message": "x", "typingTime": 30000}),
    ("sendMessage", {**TO, "message": "x", "typingTime": "soon"}),
    ("sendMessage", {**TO, "message": "x", "quotedMessageId": 5}),
    ("sendLink", TO),
    ("sendPoll", {**TO, "message": "?"}),
    ("sendPoll", {**TO, "message": "?", "options": "x"}),
    ("sendPoll", {**TO, "message": "?", "options": [{"optionName": "a"}]}),
    ("sendPoll", {**TO, "message": "?", "options": [{"optionName": str(n)} for n in range(13)]}),
    ("sendPoll", {**TO, "message": "?", "options": ["a", "b"]}),
    ("sendPoll", {**TO, "message": "?", "options": [{"optionName": "a"}, {"optionName": "a"}]}),
    ("sendPoll", {**TO, "message": "?", "options": [{"optionName": "a"}, {"optionName": "b" * 101}]}),
    ("sendPoll", {**TO, "message": "?" * 256, "options": []}),
    ("sendFileByUrl", {**TO, "fileName": "a.jpg"}),
    ("sendFileByUrl", {**TO, **FILES, "urlFile": "no address"}),
    ("sendFileByUrl", {**TO, "urlFile": FILES["urlFile"]}),
    ("sendLocation", {**TO, "latitude": 1}),
    ("sendLocation", {**TO, "latitude": "x", "longitude": 1}),
    ("sendContact", TO),
    ("sendContact", {**TO, "contact": "x"}),
    ("sendContact", {**TO, "contact": {"firstName": "x"}}),
    ("sendContact", {**TO, "contact": {"phoneContact": "x"}}),
    ("sendContact", {**TO, "contact": {"phoneContact": 79990001122}}),
    ("sendContact", {**TO, "contact": {"phoneContact": 79990001122, "firstName": 5}}),
    ("sendInteractiveButtons", {**TO, "body": "x"}),
    ("sendInteractiveButtons", {**TO, "body": "x", "buttons": [BUTTON] * 4}),
    ("sendInteractiveButtons", {**TO, "body": "x", "buttons": [{**BUTTON, "type": "fly"}]}),
    ("sendInteractiveButtons", {**TO, "body": "x", "buttons": [{**BUTTON, "url": ""}]}),
    ("sendInteractiveButtonsReply", {**TO, "body": "x", "buttons": [{"buttonId": "1", "buttonText": "x" * 26}]}),
    ("forwardMessages", {**TO, "messages": ["x"]}),
    ("forwardMessages", {**TO, "chatIdFrom": CHAT, "messages": []}),
    ("forwardMessages", {**TO, "chatIdFrom": CHAT, "messages": [5]}),
    ("getChatHistory", {**TO, "count": 0}),
    ("getChatHistory", {}),
    ("getMessage", TO),
    ("downloadFile", TO),
    ("readChat", {}),
    ("readChat", {**TO, "idMessage": 5}),
    ("checkWhatsapp", {}),
    ("checkWhatsapp", {**TO, "phoneNumber": 79990003344}),
    ("checkWhatsapp", {"phoneNumber": 123}),
    ("checkWhatsapp", {"phoneNumber": "x"}),
    ("checkWhatsapp", {"chatId": GROUP}),
    ("getAvatar", {}),
    ("getAvatar", {"chatId": "nobody"}),
    ("getContactInfo", {"chatId": GROUP}),
    ("editMessage", {**TO, "idMessage": "x"}),
    ("deleteMessage", {**TO, "idMessage": "x", "onlySenderDelete": 5}),
    ("archiveChat", {}),
    ("setDisappearingChat", {**TO, "ephemeralExpiration": 5}),
    ("sendTyping", {**TO, "typingTime": 5}),
    ("sendTyping", {**TO, "typingType": "singing"}),
    ("addContact", TO),
    ("addContact", {**TO, "firstName": "x", "saveInAddressbook": 5}),
    ("editContact", {"chatId": GROUP, "firstName": "x"}),
    ("deleteContact", {}),
    ("createGroup", {}),
    ("createGroup", {"groupName": "x" * 101, "chatIds": [CHAT]}),
    ("createGroup", {"groupName": "x", "chatIds": []}),
    ("createGroup", {"groupName": "x", "chatIds": ["nobody"]}),
    ("updateGroupName", {"groupName": "x"}),
    ("updateGroupName", OF),
    ("getGroupData", {"groupId": CHAT}),
    ("addGroupParticipant", OF),
    ("setGroupAdmin", {**OF, "participantChatId": GROUP}),
    ("leaveGroup", {}),
    ("updateGroupSettings", {**OF, "allowParticipantsSendMessages": 5}),
    ("sendTextStatus", {}),
    ("sendTextStatus", {"message": "x" * 501}),
    ("sendTextStatus", {"message": "x", "backgroundColor": "#FFFFFF"}),
    ("sendTextStatus", {"message": "x", "font": "COMIC"}),
    ("sendTextStatus", {"message": "x", "participants": "x"}),
    ("sendTextStatus", {"message": "x", "participants": [GROUP]}),
    ("sendVoiceStatus", {"urlFile": "x", "fileName": "a.mp3"}),
    ("sendMediaStatus", {**FILES, "caption": "x" * 1025}),
    ("deleteStatus", {}),
    ("getAuthorizationCode", {}),
    ("getAuthorizationCode", {"phoneNumber": "x"}),
    ("sendButtons", {**TO, "message": "x", "buttons": []}),
    ("sendListMessage", {}),
]
REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("getMessage", {**TO, "idMessage": "NONE"}),
    ("downloadFile", {**TO, "idMessage": "NONE"}),
    ("editMessage", {**TO, "idMessage": "NONE", "message": "x"}),
    ("deleteMessage", {**TO, "idMessage": "NONE"}),
    ("deleteStatus", {"idMessage": "NONE"}),
    ("archiveChat", TO),
    ("unarchiveChat", TO),
    ("readChat", {**TO, "idMessage": "NONE"}),
    ("editContact", {**TO, "firstName": "x"}),
    ("deleteContact", TO),
    ("getAvatar", {"chatId": "79990000000@c.us"}),
    ("checkWhatsapp", {"chatId": "79990000000@c.us"}),
    ("getGroupData", OF),
    ("updateGroupName", {**OF, "groupName": "x"}),
    ("addGroupParticipant", {**OF, "participantChatId": CHAT}),
    ("removeGroupParticipant", {**OF, "participantChatId": CHAT}),
    ("setGroupAdmin", {**OF, "participantChatId": CHAT}),
    ("removeAdmin", {**OF, "participantChatId": CHAT}),
    ("leaveGroup", OF),
    ("updateGroupSettings", {**OF, "allowParticipantsSendMessages": True}),
    ("getAuthorizationCode", {"phoneNumber": 79990001122}),
]


async def same(stage: Stage, method: str, body: dict[str, Any]) -> str:
    """What both ways say, but for the time; it must be one."""
    one, other = [await way("POST", method, json=body) for way in (stage.native, stage.spoken)]
    may_differ = allowed(method) | ({".timestamp"} if one.status_code == 400 else set())
    assert unlike(shown(one), shown(other)) <= may_differ, f"{method} {one.text} {other.text}"
    assert _head(one) == _head(other), f"{method} {str(body)[:200]}"
    return other.text


def _head(reply: Any) -> tuple[int, str | None]:
    return reply.status_code, reply.headers.get("content-type")


async def test_what_is_malformed_is_refused_in_the_same_words(stage: Stage) -> None:
    before = await stage.messages()
    for method, body in MALFORMED:
        said = await same(stage, method, body)
        assert said, method
    assert await stage.messages() == before


async def test_queries_are_refused_in_the_same_words(stage: Stage) -> None:
    for method, query in (
        ("lastIncomingMessages", {"minutes": "0"}), ("lastOutgoingCalls", {"minutes": "x"}), ("getStatusStatistic", {}),
        ("getContacts", {"group": "x"}), ("getChats", {"count": "0"}), ("getStateInstanceHistory", {"count": "x"}),
    ):  # fmt: skip
        one = await stage.native("GET", method, params=query)
        other = await stage.spoken("GET", method, params=query)
        assert (one.status_code, one.json()["message"]) == (other.status_code, other.json()["message"]), method
        assert one.status_code == 400


async def test_what_the_gateway_refuses_is_told_in_the_same_words(stage: Stage) -> None:
    await stage.upstream.control("POST", "config", {"no_account": ["79990000000"]})
    await stage.native("POST", "checkWhatsapp", json={"chatId": "79990000000@c.us"})  # then told from memory
    for method, body in REFUSED:
        await same(stage, method, body)


async def test_without_a_phone_the_same_is_said(stage: Stage) -> None:
    await stage.native("GET", "logout")
    assert await same(stage, "getGroupData", OF) == "instance is starting or not authorized"
    for method in ("getContacts", "lastIncomingMessages"):
        one, other = await stage.native("GET", method), await stage.spoken("GET", method)
        assert (one.status_code, one.text) == (other.status_code, other.text)
    sent = await stage.spoken("POST", "sendMessage", json={**TO, "message": "Later"})
    assert sent.status_code == 200, "it waits at a gateway that has a queue"


FAULTS: list[tuple[str, dict[str, Any]]] = [
    ("too fast", {"kind": "status", "status": 429, "body": ""}),
    ("its own quota", {"kind": "status", "status": 466, "body": '{"invokeStatus":{"method":"sendmessage"}}'}),
    ("too large", {"kind": "status", "status": 500, "body": "request entity too large"}),
    ("starting", {"kind": "status", "status": 400, "body": "instance in starting process try later"}),
    ("a token of no use", {"kind": "status", "status": 401, "body": "no"}),
    ("its own failure", {"kind": "status", "status": 500, "body": "oops"}),
    ("deleted there", {"kind": "status", "status": 400, "body": "Instance is deleted"}),
]


@pytest.mark.parametrize(("name", "fault"), FAULTS, ids=[name for name, _ in FAULTS])
async def test_faults_are_told_in_the_same_status(stage: Stage, name: str, fault: dict[str, Any]) -> None:
    for method, body in (("sendMessage", {**TO, "message": name}), ("getContactInfo", TO)):
        await stage.upstream.faults({"method": method, **fault})
        one = await stage.native("POST", method, json={**body})
        other = await stage.spoken("POST", method, json={**body, "message": f"{name} again"})
        await stage.upstream.faults()
        assert (one.status_code, one.content if one.status_code != 466 else b"") == (
            other.status_code,
            other.content if other.status_code != 466 else b"",
        ), method


async def test_what_a_gateway_cannot_do_is_forbidden_and_not_asked(stage: Stage) -> None:
    traits = {"unsupported": frozenset({"sendTextStatus", "sendInteractiveButtons"})}
    for method in ("sendTextStatus", "sendInteractiveButtons"):
        reply = await stage.spoken("POST", method, traits, json={"chatId": CHAT, "message": "x"})
        assert (reply.status_code, reply.text) == (403, "Forbidden")
    assert (await stage.spoken("GET", "getChats", traits)).status_code == 200
