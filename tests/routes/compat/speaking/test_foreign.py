"""GREEN-API's face over Whapi, method by method: what comes has GREEN-API's shape and no trace of Whapi."""

from typing import Any

from app.gateway.catalogue import ALL
from tests.routes.compat.speaking.foreign import Abroad, abroad
from tests.routes.compat.speaking.stage import CHAT, Stage
from tests.routes.compat.speaking.test_methods import SENDS

BOB = "79990005566@c.us"
JPEG = b"\xff\xd8\xff\xe0" + b"picture" * 2000
PICTURE = {"file": ("x.jpg", JPEG, "image/jpeg")}
TO: dict[str, Any] = {"chatId": CHAT}
MESSAGE = ["type", "idMessage", "timestamp", "typeMessage", "chatId"]
INCOMING = ["senderId", "senderName", "senderContactName"]
LAST = ["deletedMessageId", "editedMessageId", "isEdited", "isDeleted"]
INFO = ["avatar", "name", "contactName", "email", "category", "description", "products", "chatId", "lastSeen",
        "isArchive", "isDisappearing", "isMute", "messageExpiration", "muteExpiration", "isBusiness"]  # fmt: skip
GROUP = ["groupId", "owner", "subject", "creation", "participants", "subjectTime", "subjectOwner", "groupInviteLink",
         "allowParticipantsEditGroupSettings", "allowParticipantsSendMessages"]  # fmt: skip


def keys(value: Any) -> Any:
    """The keys of an object, or of the first of a list."""
    if isinstance(value, list):
        return [keys(value[0])] if value else []
    return list(value) if isinstance(value, dict) else value


class Guest:
    """A client that expects 200 and shapes."""

    def __init__(self, abroad: Abroad) -> None:
        self._abroad = abroad
        self.asked: set[str] = set()

    async def get(self, method: str, **query: Any) -> Any:
        return await self._json("GET", method, params=query)

    async def post(self, method: str, body: dict[str, Any] | None = None, **more: Any) -> Any:
        return await self._json("POST", method, **({"json": body} if body is not None else {}), **more)

    async def _json(self, verb: str, method: str, **more: Any) -> Any:
        self.asked.add(method)
        reply = await self._abroad.call(verb, method, **more)
        assert reply.status_code == 200, f"{method} {reply.status_code} {reply.text}"
        return reply.json() if reply.content else None


async def test_a_tenant_does_not_see_whose_gateway_it_is(stage: Stage) -> None:
    async with abroad(stage) as away:
        guest = Guest(away)
        await _paired(away, guest)
        message_id = await away.channel.receive("Hello there")
        await _sends(guest, message_id)
        await _files(guest)
        await _journals(guest, message_id)
        await _people(guest, message_id)
        await _changes(guest)
        await _groups(guest)
        await _statuses(guest)
        assert await guest.get("reboot") == {"isReboot": True}
        assert await guest.get("logout") == {"isLogout": True}
        forbidden = away.channel.wing.traits.unsupported - {
            "showMessagesQueue",
            "getMessagesCount",
            "clearMessagesQueue",
        }
        for method in sorted(forbidden | {"sendButtons"}):
            verb = "POST" if method == "sendButtons" else "GET"
            reply = await away.call(verb, method, **({"json": TO} if verb == "POST" else {}))
            assert (reply.status_code, reply.text) == (403, "Forbidden"), method
        offline = await away.call("GET", "getChats")
        assert (offline.status_code, offline.text) == (400, "instance is starting or not authorized")
        for said in away.said:
            assert not [each for each in away.secrets if each in said], said
        never = {"sendButtons", "sendTemplateButtons", "sendListMessage", "scanqrcode"}
        assert guest.asked >= {each.name for each in ALL if each.served == "upstream"} - forbidden - never


async def _paired(away: Abroad, guest: Guest) -> None:
    assert await guest.get("getStateInstance") == {"stateInstance": "notAuthorized"}
    assert (await guest.get("qr"))["type"] == "qrCode"
    code = await guest.post("getAuthorizationCode", {"phoneNumber": 79990001122})
    assert (keys(code), code["status"]) == (["status", "code"], True)
    unlinked = await away.call("POST", "sendMessage", json={**TO, "message": "x"})
    assert (unlinked.status_code, unlinked.text) == (400, "instance is starting or not authorized")
    await away.channel.phone("scan", phone="79990001122", name="Shop")
    assert await guest.get("getStateInstance") == {"stateInstance": "authorized"}
    assert await guest.get("getStatusInstance") == {"statusInstance": "online"}
    assert (await guest.get("qr"))["type"] == "alreadyLogged"
    changes = {"delaySendMessagesMilliseconds": 700, "incomingWebhook": "yes", "markIncomingMessagesReaded": "yes"}
    assert await guest.post("setSettings", changes) == {"saveSettings": True}
    settings = await guest.get("getSettings")
    assert settings["wid"] == "79990001122@c.us"
    assert settings["incomingWebhook"] == settings["markIncomingMessagesReaded"] == "yes"
    assert settings["delaySendMessagesMilliseconds"] == 700, "kept by us where the gateway has no queue"
    assert (await guest.get("getWaSettings"))["phone"] == "79990001122"


async def _sends(guest: Guest, message_id: str) -> None:
    for method, body in SENDS:
        wanted = {**TO, **body}
        if "quotedMessageId" in wanted:
            wanted["quotedMessageId"] = message_id
        if method == "forwardMessages":
            wanted |= {"messages": [message_id], "chatIdFrom": CHAT}
        sent = await guest.post(method, wanted)
        assert keys(sent) == (["messages"] if method == "forwardMessages" else ["idMessage"])


async def _files(guest: Guest) -> None:
    sent = await guest.post("sendFileByUpload", data={**TO, "caption": "Look"}, files=PICTURE)
    assert keys(sent) == ["idMessage", "urlFile"]
    stored = await guest.post("uploadFile", content=JPEG, headers={"Content-Type": "image/jpeg"})
    assert "/files/" in stored["urlFile"]
    assert keys(await guest.post("sendFileByUrl", {**TO, **stored, "fileName": "a.jpg"})) == ["idMessage"]
    picture = await guest.post("setProfilePicture", files=PICTURE)
    assert keys(picture) == ["setProfilePicture", "urlAvatar", "reason"]


async def _journals(guest: Guest, message_id: str) -> None:
    one = await guest.post("getMessage", {**TO, "idMessage": message_id})
    assert keys(one) == [*MESSAGE, "textMessage", *INCOMING, *LAST]
    history = await guest.post("getChatHistory", TO)
    assert len(history) >= len(SENDS)
    assert {row["type"] for row in history} == {"incoming", "outgoing"}
    assert keys(history)[0][:5] == MESSAGE
    assert {row["type"] for row in await guest.get("lastIncomingMessages", minutes=60)} == {"incoming"}
    assert {row["type"] for row in await guest.get("lastOutgoingMessages")} == {"outgoing"}
    assert await guest.get("showMessagesQueue") == []
    assert await guest.get("getMessagesCount") == {"count": 0}
    assert await guest.get("clearMessagesQueue") == {"isCleared": True}
    for method in ("getMessage", "downloadFile"):
        guest.asked.add(method)
        unknown = await guest._abroad.call("POST", method, json={**TO, "idMessage": "NONE"})
        assert (unknown.status_code, unknown.text) == (400, "message not found"), method


async def _people(guest: Guest, message_id: str) -> None:
    assert keys(await guest.get("getContacts")) == [["id", "name", "contactName", "type"]]
    assert {"archive", "id", "name", "type"} <= set(keys(await guest.get("getChats"))[0])
    assert keys(await guest.post("getContactInfo", TO)) == INFO
    assert keys(await guest.post("getAvatar", TO)) == ["urlAvatar", "available"]
    found = await guest.post("checkWhatsapp", {"phoneNumber": 79990003344})
    assert (found["existsWhatsapp"], found["chatId"]) == (True, CHAT)
    for body in (TO, {**TO, "idMessage": message_id}):
        assert await guest.post("readChat", body) == {"setRead": True}
    for method in ("archiveChat", "unarchiveChat", "sendTyping"):
        assert await guest.post(method, TO) is None
    gone = await guest.post("setDisappearingChat", {**TO, "ephemeralExpiration": 86400})
    assert gone == {**TO, "disappearingMessagesInChat": True, "ephemeralExpiration": 86400}
    for method in ("addContact", "editContact", "deleteContact"):
        assert await guest.post(method, {**TO, "firstName": "Ann"}) == {method: True}


async def _changes(guest: Guest) -> None:
    sent = (await guest.post("sendMessage", {**TO, "message": "Hello"}))["idMessage"]
    assert keys(await guest.post("editMessage", {**TO, "idMessage": sent, "message": "Bye"})) == ["idMessage"]
    assert await guest.post("deleteMessage", {**TO, "idMessage": sent}) is None


async def _groups(guest: Guest) -> None:
    made = await guest.post("createGroup", {"groupName": "crew", "chatIds": [CHAT]})
    assert keys(made) == ["created", "chatId", "groupInviteLink"]
    group = {"groupId": made["chatId"]}
    assert keys(await guest.post("getGroupData", group)) == GROUP
    assert await guest.post("updateGroupName", {**group, "groupName": "team"}) == {"updateGroupName": True}
    for method, flag in (
        ("addGroupParticipant", "addParticipant"), ("setGroupAdmin", "setGroupAdmin"), ("removeAdmin", "removeAdmin"),
        ("removeGroupParticipant", "removeParticipant"),
    ):  # fmt: skip
        assert await guest.post(method, {**group, "participantChatId": BOB}) == {flag: True}
    rules = {**group, "allowParticipantsSendMessages": False}
    assert await guest.post("updateGroupSettings", rules) == {"updateGroupSettings": True, "reason": ""}
    picture = await guest.post("setGroupPicture", data=group, files=PICTURE)
    assert keys(picture) == ["setGroupPicture", "urlAvatar", "reason"]
    assert await guest.post("leaveGroup", group) == {"leaveGroup": True}
    assert await guest.post("getGroupData", {"groupId": "120363999@g.us"}) == "Error: item-not-found"


async def _statuses(guest: Guest) -> None:
    file = {"urlFile": "https://files.example.org/a.jpg", "fileName": "a.jpg"}
    posted = await guest.post("sendTextStatus", {"message": "sale", "backgroundColor": "#112233"})
    assert keys(posted) == ["idMessage"]
    assert keys(await guest.post("sendMediaStatus", file)) == ["idMessage"]
    voice = {"urlFile": "https://files.example.org/a.mp3", "fileName": "a.mp3"}
    assert keys(await guest.post("sendVoiceStatus", voice)) == ["idMessage"]
    rows = await guest.get("getOutgoingStatuses")
    assert len(rows) == 3
    assert keys(rows)[0][:5] == MESSAGE
    assert await guest.get("getIncomingStatuses") == []
    assert isinstance(await guest.get("getStatusStatistic", **posted), list)
    assert await guest.post("deleteStatus", posted) is None
