"""A minimal valid call of every method, for each face that has it. What is missing here fails the matrix."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from app.gateway.catalogue import METHODS, Method, Takes
from tests.house.methods_seats import CHAT, FILE, GROUP, OTHER, OWN_TEXT, STORY, Seat
from tests.routes.typed.cases import CASES, MESSAGE
from tests.routes.typed.cases import GROUP as GROUP_OF_CASES

JPEG = b"\xff\xd8\xff\xe0" + b"picture" * 100
PICTURE = {"file": ("a.jpg", JPEG, "image/jpeg")}
URL = "https://files.example/a.jpg"
assert GROUP_OF_CASES == GROUP
Facts = dict[str, str]
BODIES: dict[str, Callable[[Facts], dict[str, Any]]] = {
    "setSettings": lambda _: {"delaySendMessagesMilliseconds": 600},
    "getAuthorizationCode": lambda _: {"phoneNumber": 79990001122},
    "setProfilePicture": lambda _: {},
    "sendMessage": lambda f: {"chatId": f["to"], "message": "Hello"},
    "sendPoll": lambda f: {
        "chatId": f["to"],
        "message": "When?",
        "options": [{"optionName": "Now"}, {"optionName": "Later"}],
    },
    "sendFileByUpload": lambda f: {"chatId": f["to"]},
    "sendFileByUrl": lambda f: {"chatId": f["to"], "urlFile": URL, "fileName": "a.jpg"},
    "sendLocation": lambda f: {"chatId": f["to"], "latitude": 52.5, "longitude": 13.4},
    "sendContact": lambda f: {"chatId": f["to"], "contact": {"phoneContact": 79990000002, "firstName": "Ann"}},
    "forwardMessages": lambda f: {"chatId": f["to"], "chatIdFrom": CHAT, "messages": [OWN_TEXT]},
    "sendInteractiveButtons": lambda f: {
        "chatId": f["to"],
        "body": "Choose",
        "buttons": [{"type": "copy", "buttonId": "1", "buttonText": "Copy", "copyCode": "3333"}],
    },
    "sendInteractiveButtonsReply": lambda f: {
        "chatId": f["to"],
        "body": "Choose",
        "buttons": [{"buttonId": "1", "buttonText": "Yes"}],
    },
    "sendButtons": lambda f: {
        "chatId": f["to"],
        "message": "Old",
        "buttons": [{"buttonId": "1", "buttonText": "Yes"}],
    },
    "sendTemplateButtons": lambda f: {
        "chatId": f["to"],
        "message": "Old",
        "templateButtons": [{"index": 1, "quickReplyButton": {"displayText": "Yes", "id": "1"}}],
    },
    "sendListMessage": lambda f: {
        "chatId": f["to"],
        "message": "Old",
        "buttonText": "Open",
        "sections": [{"title": "One", "rows": [{"title": "First", "rowId": "1"}]}],
    },
    "sendLink": lambda f: {"chatId": f["to"], "urlLink": "https://example.com"},
    "downloadFile": lambda _: {"chatId": CHAT, "idMessage": FILE},
    "getChatHistory": lambda _: {"chatId": CHAT},
    "getMessage": lambda _: {"chatId": CHAT, "idMessage": OWN_TEXT},
    "createGroup": lambda _: {"groupName": "Family", "chatIds": [CHAT]},
    "updateGroupName": lambda _: {"groupId": GROUP, "groupName": "Team"},
    "getGroupData": lambda _: {"groupId": GROUP},
    "addGroupParticipant": lambda _: {"groupId": GROUP, "participantChatId": CHAT},
    "removeGroupParticipant": lambda _: {"groupId": GROUP, "participantChatId": CHAT},
    "setGroupAdmin": lambda _: {"groupId": GROUP, "participantChatId": OTHER},
    "removeAdmin": lambda _: {"groupId": GROUP, "participantChatId": OTHER},
    "setGroupPicture": lambda _: {"groupId": GROUP},
    "leaveGroup": lambda _: {"groupId": GROUP},
    "updateGroupSettings": lambda _: {"groupId": GROUP, "allowParticipantsSendMessages": False},
    "sendTextStatus": lambda _: {"message": "Hello all"},
    "sendVoiceStatus": lambda _: {"urlFile": "https://files.example/a.mp3", "fileName": "a.mp3"},
    "sendMediaStatus": lambda _: {"urlFile": URL, "fileName": "a.jpg"},
    "deleteStatus": lambda f: {"idMessage": f.get("story", STORY)},
    "readChat": lambda _: {"chatId": CHAT},
    "checkWhatsapp": lambda _: {"phoneNumber": 79990005544},
    "getAvatar": lambda _: {"chatId": CHAT},
    "getContactInfo": lambda _: {"chatId": CHAT},
    "editMessage": lambda _: {"chatId": CHAT, "idMessage": OWN_TEXT, "message": "New"},
    "deleteMessage": lambda _: {"chatId": CHAT, "idMessage": OWN_TEXT},
    "archiveChat": lambda _: {"chatId": CHAT},
    "unarchiveChat": lambda _: {"chatId": CHAT},
    "setDisappearingChat": lambda _: {"chatId": CHAT, "ephemeralExpiration": 86400},
    "sendTyping": lambda _: {"chatId": CHAT, "typingTime": 1000},
    "addContact": lambda _: {"chatId": OTHER, "firstName": "Bo"},
    "editContact": lambda _: {"chatId": OTHER, "firstName": "Bob"},
    "deleteContact": lambda _: {"chatId": OTHER},
}
QUERIES: dict[str, Callable[[Facts], dict[str, Any]]] = {
    "getStatusStatistic": lambda f: {"idMessage": f.get("story", STORY)},
    "receiveNotification": lambda _: {"receiveTimeout": 5},
}
NEVER_WORK = frozenset({"sendButtons", "sendTemplateButtons", "sendListMessage"})
"""Upstream answers them with 403 whoever asks. Source: GREEN-API Common errors page (read 2026-11-21)."""
SOCKET = "scanqrcode"
LATE = (
    "removeGroupParticipant",
    "leaveGroup",
    "setSettings",
    "reboot",
    "updateApiToken",
    "logout",
    "getAuthorizationCode",
)
"""Those that take something away from the ones after them."""


@dataclass(frozen=True)
class Attempt:
    """One way to call one method."""

    face: str
    label: str
    method: Method
    verb: str
    tail: str = ""
    body: Any = None
    more: dict[str, Any] = field(default_factory=dict)
    bad: tuple[tuple[str, Any, str], ...] = ()
    needs: str = ""
    """The name of a fact that stands for `{}` in the tail."""

    def __str__(self) -> str:
        return f"{self.face}-{self.label}"

    @property
    def takes_file(self) -> bool:
        """Whether its body is passed on as it comes."""
        return self.method.takes in (Takes.MULTIPART, Takes.RAW)

    @property
    def by_us(self) -> bool:
        """Whether upstream is never asked for it."""
        return self.method.served == "us"

    def request(self, seat: Seat, token: str | None = None) -> tuple[str, str, dict[str, Any]]:
        """Verb, address, and what else a client of ours is given."""
        if self.face == "typed":
            tail = self.tail.replace("{}", seat.facts.get(self.needs, ""))
            more = dict(self.more)
            if self.body is not None:
                more["json"] = _filled(self.body, seat.facts)
            return self.verb, f"{seat.path}/{tail}", more
        facts = {**seat.facts, "to": self.to}
        more = _native(self.method, facts)
        if self.face == "native":
            if self.method.name == "deleteNotification":
                more["params"] = {"receiptId": "1"}
            return self.verb, f"{seat.path}/gateway/{self.method.name}", more
        path = seat.line(self.method.name)
        if token is not None:
            path = path.replace(seat.token, token)
        return self.verb, f"{path}/1" if self.method.name == "deleteNotification" else path, more

    @property
    def to(self) -> str:
        """A chat for each method, so that no send waits for another's turn."""
        return f"7999000{1000 + list(METHODS).index(self.method.name.lower())}@c.us"


def _native(method: Method, facts: Facts) -> dict[str, Any]:
    name = method.name
    if method.takes is Takes.RAW:
        return {"content": JPEG, "headers": {"Content-Type": "image/jpeg", "GA-Filename": "a.jpg"}}
    if method.takes is Takes.MULTIPART:
        return {"data": BODIES[name](facts), "files": PICTURE}
    if name in QUERIES:
        return {"params": QUERIES[name](facts)}
    return {"json": BODIES[name](facts)} if name in BODIES else {}


def _filled(body: Any, facts: Facts) -> Any:
    if isinstance(body, str) and body.startswith("$"):
        return facts[body[1:]]
    if isinstance(body, dict):
        return {key: _filled(value, facts) for key, value in body.items()}
    if isinstance(body, list):
        return [_filled(value, facts) for value in body]
    return body


def _send(label: str, method: str, number: int, content: Any, *bad: tuple[Any, str]) -> Attempt:
    body = {"to": f"+7999000{2000 + number}", "type": label, **content}
    refused = tuple(("messages", {**body, **change}, pointer) for change, pointer in bad)
    return Attempt("typed", f"sendMessage:{label}", METHODS[method.lower()], "POST", "messages", body, bad=refused)


MESSAGE_TAIL = "messages/{}"
TYPED_SENDS = (
    _send("text", "sendMessage", 0, {"text": {"body": "Hello"}},
          ({"text": {"body": ""}}, "#/text/body"), ({"to": "x"}, "#/to"), ({"type": "song"}, "#/type"),
          ({"surprise": 1}, "#/surprise"), ({"reply_to": "x"}, "#/reply_to")),
    _send("image", "sendFileByUrl", 1, {"media": {"url": URL}}, ({"media": {}}, "#/media"),
          ({"media": {"url": "ftp://a"}}, "#/media/url")),
    _send("location", "sendLocation", 2, {"location": {"latitude": 52.5, "longitude": 13.4}},
          ({"location": {"latitude": 91, "longitude": 0}}, "#/location/latitude")),
    _send("contact", "sendContact", 3, {"contact": {"phone": "+79990000002", "first_name": "Ann"}},
          ({"contact": {"phone": "+79990000002"}}, "#/contact")),
    _send("poll", "sendPoll", 4, {"poll": {"question": "When?", "options": ["Now", "Later"]}},
          ({"poll": {"question": "When?", "options": ["Now", "Now"]}}, "#/poll/options")),
    _send("buttons", "sendInteractiveButtons", 5,
          {"buttons": {"body": "Choose", "buttons": [{"id": "1", "text": "Copy", "code": "3"}]}},
          ({"buttons": {"body": "Choose", "buttons": [{"id": "1", "text": "Copy"}]}}, "#/buttons/buttons/0")),
    _send("reply_buttons", "sendInteractiveButtonsReply", 6,
          {"reply_buttons": {"body": "Choose", "buttons": [{"id": "1", "text": "Yes"}]}},
          ({"reply_buttons": {"body": "Choose", "buttons": []}}, "#/reply_buttons/buttons")),
    _send("forward", "forwardMessages", 7, {"forward": {"message_ids": ["$sent"]}},
          ({"forward": {"message_ids": []}}, "#/forward/message_ids")),
    Attempt("typed", "createUpload", METHODS["uploadfile"], "POST", "uploads?filename=a.jpg",
            more={"content": JPEG, "headers": {"Content-Type": "image/jpeg"}}),
    Attempt("typed", "getMessageFile", METHODS["downloadfile"], "GET", f"{MESSAGE_TAIL}/file", needs="sent_file"),
    Attempt("typed", "editMessage", METHODS["editmessage"], "PATCH", MESSAGE_TAIL, {"text": {"body": "New"}},
            needs="sent", bad=((MESSAGE_TAIL, {"text": {}}, "#/text/body"),)),
    Attempt("typed", "deleteMessage", METHODS["deletemessage"], "DELETE", MESSAGE_TAIL, needs="sent"),
)  # fmt: skip


def _typed_cases() -> list[Attempt]:
    found = []
    known: dict[str, int] = {}
    for case in CASES:
        known[case.operation] = known.get(case.operation, 0) + 1
        label = case.operation if known[case.operation] == 1 else f"{case.operation}:{case.method}"
        own = {"getChatMessageFile": FILE, "deleteStatus": "{}", "listStatusViews": "{}"}.get(case.operation, OWN_TEXT)
        more = {"content": JPEG, "headers": {"Content-Type": "image/jpeg"}} if case.picture else {}
        tail = case.tail.replace(MESSAGE, own)
        needs = "story" if "{}" in tail else ""
        bad = tuple(case.bad)
        found.append(Attempt("typed", label, case.asked, case.verb, tail, case.body, more, bad, needs))
    return found


TYPED = (*TYPED_SENDS, *_typed_cases())
OF_INSTANCE = [method for method in METHODS.values() if method.group != "partner" and method.name != SOCKET]
NATIVE = tuple(Attempt("native", method.name, method, method.verb) for method in OF_INSTANCE)
COMPATIBLE = tuple(Attempt("compatible", method.name, method, method.verb) for method in OF_INSTANCE)
ALL = (*COMPATIBLE, *NATIVE, *TYPED)
ELSEWHERE: dict[str, tuple[str, ...]] = {
    "getStateInstance": ("getInstanceState",),
    "reboot": ("rebootInstance",),
    "logout": ("logoutInstance",),
    "qr": ("getPairing", "startPairing", "getPairingQrPng"),
    "scanqrcode": ("streamPairing",),
    "getAuthorizationCode": ("startPairing",),
}
"""Methods whose typed routes are not asks of the gateway room: they belong to instances and have tests of their own."""
NOT_TYPED = {
    "getStatusInstance": "deprecated: the state says more",
    "sendFileByUpload": "a file is uploaded first and then sent by its id",
    "sendButtons": "never works",
    "sendTemplateButtons": "never works",
    "sendListMessage": "never works",
    "sendLink": "deprecated: a text with a link preview",
}
