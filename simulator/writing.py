"""What people write, in every kind: a body of the control face becomes a messageData and changes what it is about."""

import base64
import binascii
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from simulator import kinds
from simulator.instance import Instance, Message
from simulator.outgoing import author
from simulator.storage import LARGEST_FILE, Blob
from simulator.world import World

TOO_LARGE_MARK = "{{SWE002}}"
"""Stands in downloadUrl of a file that is larger than the upstream hands on."""
BLOCK = 64 * 1024
DAY = 86_400
NAMES = {
    "imageMessage": "picture.jpg",
    "videoMessage": "film.mp4",
    "audioMessage": "voice.ogg",
    "stickerMessage": "sticker.webp",
    "documentMessage": "document.pdf",
}
LEGACY = ("templateMessage", "buttonsMessage", "buttonsResponseMessage", "listMessage", "listResponseMessage")
RESPONSES = ("interactiveButtonsResponse", "templateButtonsReplyMessage")


@dataclass(slots=True)
class Pen:
    """Who writes what on which instance."""

    world: World
    instance: Instance
    chat_id: str
    writer: str
    body: dict[str, Any]
    blob: Blob | None = None

    def text(self, name: str, default: str | None = None) -> str:
        """A text of the body.

        Raises:
            ValueError: it is missing without a default, or no text.
        """
        value = self.body.get(name, default)
        if not isinstance(value, str):
            raise ValueError(f"{name} is a text")
        return value

    def flag(self, name: str) -> bool:
        """A flag of the body."""
        return bool(self.body.get(name, False))

    def list(self, name: str) -> list[Any]:
        """A list of the body.

        Raises:
            ValueError: it is missing or something else.
        """
        value = self.body.get(name)
        if not isinstance(value, list):
            raise ValueError(f"{name} is a list")
        return value

    def target(self) -> Message | None:
        """The message that `stanza_id` names; strangers are not known."""
        return self.instance.messages.get(self.text("stanza_id"))


def written(pen: Pen) -> dict[str, Any]:
    """The messageData of what the body says.

    Raises:
        ValueError: the kind is unknown, or the body does not fit it.
    """
    body = pen.body
    if body.get("message_data"):
        given = body["message_data"]
        if not isinstance(given, dict):
            raise ValueError("message_data is an object")
        return given
    kind = pen.text("kind", "textMessage")
    writer = WRITERS.get(kind)
    if writer is None:
        raise ValueError(f"kind is one of file, {', '.join(sorted(kinds.OBJECTS))}")
    data = writer(pen, kind)
    if pen.flag("is_forwarded"):
        data = kinds.forwarded(data)
    answered = body.get("quoted_message_id")
    return kinds.with_quote(data, _quote(pen, answered)) if answered else data


def _quote(pen: Pen, id_message: object) -> dict[str, Any]:
    if not isinstance(id_message, str):
        raise ValueError("quoted_message_id is a text")
    original = pen.instance.messages.get(id_message)
    if original is None:
        # Its like is answered though the phone has forgotten it.
        return {"stanzaId": id_message, "participant": pen.chat_id}
    return kinds.quote(original.message_data, id_message, author(pen.instance, original))


def _text(pen: Pen, kind: str) -> dict[str, Any]:
    if kind == "textMessage":
        return kinds.text(pen.text("text", ""))
    data = kinds.extended(pen.text("text", ""), title=pen.text("title", ""), description=pen.text("description", ""))
    data["extendedTextMessageData"] |= pen.body.get("more") or {}
    return data


def _quoted(pen: Pen, kind: str) -> dict[str, Any]:
    return kinds.quoting(pen.text("text", ""), _quote(pen, pen.text("quoted_message_id")))


def _file(pen: Pen, kind: str) -> dict[str, Any]:
    name = pen.text("file_name", NAMES.get(kind, "file.bin"))
    mime = pen.text("mime_type", "") or kinds.mime_of(name)
    if kind == "file":
        kind = kinds.kind_of_file(name, mime)
        # A sound that comes as a file is a document; a voice note is asked for by its kind.
        kind = "documentMessage" if kind == "audioMessage" else kind
    size = pen.body.get("size")
    if isinstance(size, int) and size > LARGEST_FILE:
        url = TOO_LARGE_MARK
    else:
        pen.blob = pen.world.storage.keep(name, mime, _bytes(pen, name))
        url = pen.world.storage.download(pen.instance.id_instance, pen.blob)
    data = kinds.file(kind, url, name, mime, pen.text("caption", ""))
    if kind == "stickerMessage":
        data["fileMessageData"]["isAnimated"] = pen.flag("is_animated")
    return data


def _bytes(pen: Pen, name: str) -> Iterator[bytes]:
    given, size = pen.body.get("base64"), pen.body.get("size", 1024)
    if given is not None:
        try:
            yield base64.b64decode(given, validate=True)
        except (binascii.Error, TypeError, ValueError):
            raise ValueError("base64 is base64") from None
        return
    if isinstance(size, bool) or not isinstance(size, int) or size < 0:
        raise ValueError("size is a number from 0 up")
    block = (f"{name} ".encode() * (BLOCK // len(name) + 1))[:BLOCK]
    for start in range(0, size, BLOCK):
        yield block[: min(BLOCK, size - start)]


def _location(pen: Pen, kind: str) -> dict[str, Any]:
    places = [pen.body.get("latitude", 0), pen.body.get("longitude", 0)]
    if any(isinstance(place, bool) or not isinstance(place, int | float) for place in places):
        raise ValueError("latitude and longitude are numbers")
    return kinds.location(places[0], places[1], pen.text("name", ""), pen.text("address", ""))


def _card(given: object) -> dict[str, Any]:
    if not isinstance(given, dict) or not isinstance(given.get("display_name", ""), str):
        raise ValueError("a contact has a display_name, and a phone or a vcard")
    name = given.get("display_name") or "Somebody"
    card = given.get("vcard") or kinds.vcard(name, str(given.get("phone") or "79990000000"))
    return {"displayName": name, "vcard": card}


def _contact(pen: Pen, kind: str) -> dict[str, Any]:
    card = _card(pen.body)
    return kinds.contact(card["displayName"], card["vcard"])


def _contacts(pen: Pen, kind: str) -> dict[str, Any]:
    return kinds.contacts([_card(given) for given in pen.list("contacts")])


def _poll(pen: Pen, kind: str) -> dict[str, Any]:
    options = pen.list("options")
    if not options or any(not isinstance(option, str) for option in options):
        raise ValueError("options are texts")
    return kinds.poll(pen.text("name", pen.text("text", "")), options, multiple=pen.flag("multiple"))


def _vote(pen: Pen, kind: str) -> dict[str, Any]:
    target = pen.target()
    asked = None if target is None else target.message_data.get("pollMessageData")
    if target is None or asked is None or target.chat_id != pen.chat_id:
        raise ValueError("stanza_id is a poll of this chat")
    chosen = pen.list("options")
    known = [option["optionName"] for option in asked["options"]]
    if any(option not in known for option in chosen):
        raise ValueError(f"options are of {known}")
    if len(chosen) > 1 and not asked["multipleAnswers"]:
        raise ValueError("the poll takes one answer")
    target.votes[pen.writer] = chosen
    return kinds.poll_update(target.id_message, asked, target.votes)


def _reaction(pen: Pen, kind: str) -> dict[str, Any]:
    target, emoji = pen.target(), pen.text("text", "")
    if target is None:
        return kinds.reaction(emoji, pen.text("stanza_id"), pen.chat_id)
    if emoji:
        target.reactions[pen.writer] = emoji
    else:
        target.reactions.pop(pen.writer, None)
    return kinds.reaction(emoji, target.id_message, author(pen.instance, target))


def _edited(pen: Pen, kind: str) -> dict[str, Any]:
    target, text = pen.target(), pen.text("text")
    if target is not None:
        _need_own(pen, target)
        target.is_edited, target.text = True, text
    return kinds.edited(text, pen.text("stanza_id"))


def _deleted(pen: Pen, kind: str) -> dict[str, Any]:
    target = pen.target()
    if target is not None:
        _need_own(pen, target)
        target.is_deleted = True
    return kinds.deleted(pen.text("stanza_id"))


def _need_own(pen: Pen, target: Message) -> None:
    if target.chat_id != pen.chat_id or author(pen.instance, target) != pen.writer:
        raise ValueError("stanza_id is a message of the writer in this chat")


def _invite(pen: Pen, kind: str) -> dict[str, Any]:
    until = int(pen.world.clock.now()) + 3 * DAY
    about = {
        "groupJid": pen.text("group_jid", "120363000000000000@g.us"),
        "inviteCode": pen.text("invite_code", "AbCdEfGhIjKl"),
        "inviteExpiration": {"low": until, "high": 0, "unsigned": False},
        "groupName": pen.text("group_name", "Group"),
        "caption": pen.text("caption", ""),
        "jpegThumbnail": "",
    }
    return kinds.data(kind, about)


def _buttons(pen: Pen, kind: str) -> dict[str, Any]:
    texts = (pen.text("header", ""), pen.text("text", ""), pen.text("footer", ""))
    return kinds.buttons(kind, *texts, pen.list("buttons"))


def _press(pen: Pen, kind: str) -> dict[str, Any]:
    target, wanted = pen.target(), pen.text("button_id")
    if target is None:
        raise ValueError("stanza_id is a message with buttons")
    name = kinds.OBJECTS.get(str(target.message_data.get("typeMessage")), "")
    shown = (target.message_data.get(name) or {}).get("buttons") or []
    for place, button in enumerate(shown):
        if button.get("buttonId") == wanted:
            about = {
                "stanzaId": target.id_message,
                "selectedIndex": place,
                "selectedId": wanted,
                "selectedDisplayText": button.get("buttonText", ""),
            }
            return kinds.data(kind, about)
    raise ValueError("button_id is a button of the message")


def _legacy(pen: Pen, kind: str) -> dict[str, Any]:
    """Kinds that nobody sends any more: the object is given as it is."""
    given = pen.body.get("object") or {}
    if not isinstance(given, dict):
        raise ValueError("object is an object")
    return kinds.data(kind, given)


Writer = Callable[[Pen, str], dict[str, Any]]
WRITERS: dict[str, Writer] = {
    "textMessage": _text,
    "extendedTextMessage": _text,
    "quotedMessage": _quoted,
    "file": _file,
    **dict.fromkeys(kinds.FILES, _file),
    "locationMessage": _location,
    "contactMessage": _contact,
    "contactsArrayMessage": _contacts,
    "pollMessage": _poll,
    "pollUpdateMessage": _vote,
    "reactionMessage": _reaction,
    "groupInviteMessage": _invite,
    "editedMessage": _edited,
    "deletedMessage": _deleted,
    "interactiveButtons": _buttons,
    "interactiveButtonsReply": _buttons,
    **dict.fromkeys(RESPONSES, _press),
    **dict.fromkeys(LEGACY, _legacy),
}
