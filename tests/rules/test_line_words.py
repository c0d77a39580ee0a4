"""What lines make of our words, beside what GREEN-API itself sends: equal, but for what is listed."""

from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import pytest

from app.lines import rewriting
from app.lines.words import contents, notices
from app.lines.words.values import STATES
from app.providers import events
from app.providers.answers import MessageKind
from app.providers.green_api.contents import READERS
from app.providers.green_api.notices import read_notice
from app.providers.port import Link
from simulator import kinds
from tests.routes.compat.speaking.differences import MESSAGES
from tests.routes.compat.speaking.stage import unlike

NUMBER: Final = 7_700_000_042
ACCOUNT: Final = 7103000001
NOW: Final = datetime(2026, 11, 22, tzinfo=UTC)
OWN, ANN = "79990001122@c.us", "79990003344@c.us"
FILE: Final = f"https://files.example/{ACCOUNT}/a.jpg"
QUOTE: Final = {"stanzaId": "Q1", "participant": ANN}
BUTTON: Final = {"type": "reply", "buttonId": "1", "buttonText": "Yes"}
PRESSED: Final = {"stanzaId": "B1", "selectedIndex": 1, "selectedId": "1", "selectedDisplayText": "Yes"}
ROWS: Final = [{"title": "S", "rows": [{"rowId": "1", "title": "One", "description": "first"}]}]
POLL: Final = kinds.poll("When?", ["now", "then"], multiple=False)["pollMessageData"]

DIFFERENCES: Final[dict[str, str]] = {
    ".idMessage": "a change of a message has no id of its own in our words: it gets one, the same for the same",
    ".typeWebhook": "of a change on the account's side our words do not tell whether a call made it or the phone",
    ".senderData.chatName": "what the account calls a chat is not told; a person's chat is called by the person's name",
    ".senderData.senderName": "the account's own name is not told with its own messages",
    ".senderData.senderContactName": "how the account's book has a person is not told",
    ".messageData.quotedMessage.participant": "of a reaction our words do not tell who wrote what it is about",
    ".sendByApi": "our words do not tell of a status whether a call sent the message; most are",
    ".description": "the reason is a code of ours and is told by the status",
    ".messageData.typeMessage": MESSAGES["typeMessage"],
    ".messageData.textMessageData": MESSAGES["typeMessage"],
    ".messageData.extendedTextMessageData": MESSAGES["typeMessage"],
    ".messageData.quotedMessage.typeMessage": MESSAGES["quotedMessage.typeMessage"],
    ".messageData.quotedMessage.textMessage": MESSAGES["quotedMessage.typeMessage"],
    ".messageData.fileMessageData.jpegThumbnail": MESSAGES["jpegThumbnail"],
    ".messageData.groupInviteMessageData.inviteExpiration": MESSAGES["groupInviteMessageData.inviteExpiration"],
}
"""By place, of any notification."""


class Line:
    """All that is asked of a line."""

    number = NUMBER


def links(url: str, name: str) -> str:
    """A link of ours."""
    return f"https://ours.example/files/{len(url)}-{name}"


def sender(who: str = ANN, chat: str = ANN, **more: str) -> dict[str, str]:
    """A senderData as GREEN-API has it."""
    names = {"chatName": "Ann", "senderName": "Ann", "senderContactName": "", **more}
    return {"chatId": chat, "chatName": names["chatName"], "sender": who, **{k: names[k] for k in list(names)[1:]}}


def body(kind: str, **fields: Any) -> dict[str, Any]:
    """A notification as GREEN-API sends it."""
    about = {"idInstance": ACCOUNT, "wid": OWN, "typeInstance": "whatsapp"}
    return {"typeWebhook": kind, "instanceData": about, "timestamp": 1795000000, **fields}


def message(data: dict[str, Any], kind: str = "incomingMessageReceived") -> dict[str, Any]:
    """A message of one kind of content."""
    who = ANN if kind == "incomingMessageReceived" else OWN
    return body(kind, idMessage="A1", senderData=sender(who), messageData=data)


IN: Final[dict[str, dict[str, Any]]] = {
    "text": kinds.text("Hi"),
    "text with a preview": kinds.extended("Hi", title="T"),
    "a citing text": kinds.quoting("So", {**QUOTE, "typeMessage": "textMessage", "textMessage": "Hi"}),
    "image": kinds.file("imageMessage", FILE, "a.jpg", "image/jpeg", "Look"),
    "video": kinds.file("videoMessage", FILE, "a.mp4", "video/mp4"),
    "audio": kinds.file("audioMessage", FILE, "a.ogg", "audio/ogg"),
    "document": kinds.file("documentMessage", FILE, "a.pdf", "application/pdf"),
    "sticker": kinds.file("stickerMessage", FILE, "a.webp", "image/webp"),
    "a file too large": kinds.file("videoMessage", "{{SWE002}}", "a.mp4", "video/mp4"),
    "a citing image": {**kinds.file("imageMessage", FILE, "a.jpg", "image/jpeg"), "quotedMessage": QUOTE},
    "location": kinds.location(1.5, 2, "Here", "There 1"),
    "contact": kinds.contact("Zoe", "BEGIN:VCARD"),
    "contacts": kinds.contacts([{"displayName": "Zoe", "vcard": "BEGIN:VCARD"}]),
    "poll": kinds.poll("When?", ["now", "then"], multiple=True),
    "poll vote": kinds.poll_update("P1", POLL, {ANN: ["now"]}),
    "reaction": kinds.reaction("👍", "M1", OWN),
    "reaction taken back": kinds.reaction("", "M1", OWN),
    "edited": kinds.edited("Hi!", "M1"),
    "deleted": kinds.deleted("M1"),
    "group invite": kinds.data("groupInviteMessage", {"groupJid": "1@g.us", "inviteCode": "c", "inviteExpiration": {},
                                                      "groupName": "crew", "caption": "", "jpegThumbnail": ""}),
    "buttons": kinds.buttons("interactiveButtons", "H", "B", "F", [{**BUTTON, "type": "copy", "copyCode": "x"}]),
    "reply buttons": kinds.buttons("interactiveButtonsReply", "H", "B", "F", [BUTTON]),
    "button pressed": kinds.data("templateButtonsReplyMessage", PRESSED),
    "list": kinds.data("listMessage", {"contentText": "T", "title": "H", "footer": "F", "buttonText": "B",
                                       "sections": ROWS}),
    "list reply": kinds.data("listResponseMessage", {"stanzaId": "L1", "title": "One",
                                                     "singleSelectReply": {"selectedRowId": "1"}}),
    "unreadable": kinds.text("{{SWE003}}"),
}  # fmt: skip
OUT: Final = {
    "text by API": ("outgoingAPIMessageReceived", kinds.extended("Hi")),
    "text from the phone": ("outgoingMessageReceived", kinds.text("Hi")),
    "image by API": ("outgoingAPIMessageReceived", kinds.file("imageMessage", FILE, "a.jpg", "image/jpeg")),
    "poll by API": ("outgoingAPIMessageReceived", kinds.poll("When?", ["now", "then"], multiple=False)),
    "button pressed": ("outgoingMessageReceived", kinds.data("interactiveButtonsResponse", PRESSED)),
    "edited by API": ("outgoingAPIMessageReceived", kinds.edited("Hi!", "M1")),
    "edited": ("outgoingMessageReceived", kinds.edited("Hi!", "M1")),
    "deleted": ("outgoingMessageReceived", kinds.deleted("M1")),
    "reaction": ("outgoingMessageReceived", kinds.reaction("👍", "M1", ANN)),
    "poll vote": ("outgoingMessageReceived", kinds.poll_update("P1", POLL, {OWN: ["now"]})),
}
STATUS: Final = {"chatId": ANN, "idMessage": "A1", "sendByApi": True}
OTHERS: Final = {
    **{f"state {state}": body("stateInstanceChanged", stateInstance=state)
       for state in ("authorized", "notAuthorized", "starting", "blocked", "sleepMode")},
    **{f"status {status}": body("outgoingMessageStatus", chatId=ANN, idMessage="A1", status=status, sendByApi=True)
       for status in ("sent", "delivered", "read", "failed", "noAccount", "notInGroup", "yellowCard")},
    "status with a description": body("outgoingMessageStatus", chatId=ANN, idMessage="A1", status="noAccount",
                                      sendByApi=False, description="the number has no account"),
    **{f"call {status}": body("incomingCall", **{"from": ANN}, idMessage="C1", status=status, isVideo=False)
       for status in ("offer", "pickUp", "hungUp", "declined", "missed")},
    "outgoing call": body("outgoingCall", **{"from": OWN}, idMessage="C1", status="declined", isVideo=True, duration=0,
                          participants=[{"id": ANN, "status": "declined"}]),
}  # fmt: skip
ALL: Final = {
    **{f"in: {name}": message(data) for name, data in IN.items()},
    **{f"out: {name}": message(data, kind) for name, (kind, data) in OUT.items()},
    "in a group": body(
        "incomingMessageReceived",
        idMessage="A1",
        senderData=sender(ANN, "1203630001@g.us", chatName="crew", senderContactName="Ann K"),
        messageData=kinds.text("Hi"),
    ),
    **OTHERS,
}


def ours(sent: dict[str, Any]) -> dict[str, Any] | None:
    """What is made of our words for a notification."""
    return notices.body_of(read_notice(sent), number=NUMBER, phone="79990001122", now=NOW, links=links)


def native(sent: dict[str, Any]) -> dict[str, Any]:
    """The same as a line of GREEN-API's is told it."""
    return rewriting.public(msgspec.json.decode(msgspec.json.encode(sent)), Line(), links=links, account=str(ACCOUNT))


@pytest.mark.parametrize("sent", ALL.values(), ids=ALL.keys())
def test_our_words_say_what_green_api_says(sent: dict[str, Any]) -> None:
    made = ours(sent)
    assert made is not None
    assert unlike(native(sent), made) <= DIFFERENCES.keys(), f"{native(sent)}\n{made}"


def test_every_listed_difference_is_one() -> None:
    assert set().union(*(unlike(native(sent), ours(sent)) for sent in ALL.values())) == DIFFERENCES.keys()


def test_every_kind_of_content_has_a_shape() -> None:
    known = {kind for kind, _ in READERS.values()}
    documented = set(msgspec.json.schema(MessageKind)["description"].split("`")[1::2])
    for kind in known | documented:
        data = contents.data_of(kind, {})
        assert len(data) >= 2
        assert isinstance(contents.flat(data), dict)
        assert contents.WRITERS.get(kind) or kind in {*contents.FILES, "unreadable", "other"}, kind


def test_every_state_has_a_word() -> None:
    assert STATES.keys() == {link.value for link in Link}


def test_what_green_api_has_no_kind_for_is_not_told() -> None:
    assert ours(body("somethingNew", foo=1)) is None


@pytest.mark.parametrize("chat_id", ["", ANN])
def test_a_change_in_a_chat_that_nobody_knows_is_left_out(chat_id: str) -> None:
    gone = events.MessageDeleted("BAE5", chat_id, "", own=False)
    said = events.Notification("RAVENX-7Q2LM", "message_deleted", b"1", NOW, gone)
    made = notices.body_of(said, number=NUMBER, phone=None, now=NOW, links=lambda _, __: "")
    assert (made is not None) == bool(chat_id)


def test_a_change_has_one_lasting_id() -> None:
    first, again = ours(message(IN["edited"])), ours(message(IN["edited"]))
    other = ours(message(kinds.edited("Bye", "M1")))
    assert first is not None
    assert again is not None
    assert other is not None
    assert first["idMessage"] == again["idMessage"] != other["idMessage"]


def test_a_file_is_told_by_a_link_of_ours_alone() -> None:
    made = ours(message(IN["image"]))
    assert made is not None
    assert made["messageData"]["fileMessageData"]["downloadUrl"] == links(FILE, "a.jpg")
    assert "files.example" not in str(made)


def test_a_group_that_is_too_large_is_told_as_documented() -> None:
    what = events.MessageProgressed("A1", "1@g.us", "failed", "group_too_large")
    said = events.Notification(str(ACCOUNT), "message_progressed", b"x", None, what)
    made = notices.body_of(said, number=NUMBER, phone=None, now=NOW, links=links)
    assert made is not None
    assert (made["status"], made["description"]) == ("failed", "SWE004")
    assert (made["timestamp"], made["instanceData"]["wid"]) == (int(NOW.timestamp()), "")


CITED: Final[list[tuple[str, dict[str, Any], dict[str, Any]]]] = [
    ("text", {"text": "when?"}, {"typeMessage": "textMessage", "textMessage": "when?"}),
    ("location", {"latitude": 1.5, "longitude": 2.5}, {"typeMessage": "locationMessage"}),
    ("image", {"caption": "look"}, {"typeMessage": "imageMessage", "caption": "look", "downloadUrl": ""}),
    ("poll", {"question": "When?", "options": ["now"]}, {"typeMessage": "pollMessage"}),
]


@pytest.mark.parametrize(("kind", "content", "flat"), CITED)
def test_what_is_cited_is_told_beside_its_kind(kind: str, content: dict[str, Any], flat: dict[str, Any]) -> None:
    quoted = {"message_id": "Q1", "sender": ANN, "kind": kind, "content": content}
    data = contents.data_of("text", {"text": "So", "quoted": quoted})
    assert data["extendedTextMessageData"] == {"text": "So", **QUOTE}
    assert data["quotedMessage"].items() >= {**QUOTE, **flat}.items()
    place = {"location": "location", "poll": "pollMessageData"}.get(kind)
    assert place is None or place in data["quotedMessage"]
