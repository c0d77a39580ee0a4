"""What a message says, in the three shapes of the upstream: messageData, the flat journal row, the quote.

Source: GREEN-API notification and journal pages and its Postman collection, read 2026-11-21.
"""

import mimetypes
from collections.abc import Mapping, Sequence
from typing import Any

Data = dict[str, Any]

THUMBNAIL = (
    "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////////////"
    "////////////////wgALCAABAAEBAREA/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQABPxA="
)
UNKNOWN_TYPE = "application/octet-stream"
TYPES = mimetypes.MimeTypes()
# What Python's own table leaves to the machine it runs on.
for _mime, _suffix in (("image/webp", ".webp"), ("audio/ogg", ".ogg"), ("audio/ogg", ".opus"), ("audio/mp4", ".m4a")):
    TYPES.add_type(_mime, _suffix)
IMAGES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
FILES = frozenset({"imageMessage", "videoMessage", "documentMessage", "audioMessage", "stickerMessage"})
SWITCHES = {
    "pollMessage": "pollMessageWebhook",
    "pollUpdateMessage": "pollMessageWebhook",
    "editedMessage": "editedMessageWebhook",
    "deletedMessage": "deletedMessageWebhook",
}
"""Setting that a typeMessage needs besides that of its notification."""

OBJECTS = {
    "textMessage": "textMessageData",
    "extendedTextMessage": "extendedTextMessageData",
    "quotedMessage": "extendedTextMessageData",
    "reactionMessage": "extendedTextMessageData",
    **dict.fromkeys(FILES, "fileMessageData"),
    "locationMessage": "locationMessageData",
    "contactMessage": "contactMessageData",
    "contactsArrayMessage": "messageData",
    "pollMessage": "pollMessageData",
    "pollUpdateMessage": "pollMessageData",
    "groupInviteMessage": "groupInviteMessageData",
    "editedMessage": "editedMessageData",
    "deletedMessage": "deletedMessageData",
    "interactiveButtons": "interactiveButtons",
    "interactiveButtonsReply": "interactiveButtonsReply",
    "interactiveButtonsResponse": "interactiveButtonsResponse",
    "templateButtonsReplyMessage": "templateButtonReplyMessage",
    "templateMessage": "templateMessage",
    "buttonsMessage": "buttonsMessage",
    "buttonsResponseMessage": "buttonsResponseMessage",
    "listMessage": "listMessage",
    "listResponseMessage": "listResponseMessage",
}
"""The object of messageData that tells of each typeMessage."""

FLAT_OBJECTS = {
    "locationMessageData": "location",
    "contactMessageData": "contact",
}
"""Objects that journals and quotes call by another name; all others keep theirs."""


def data(kind: str, said: Mapping[str, Any], **more: Any) -> Data:
    """A messageData of one kind."""
    return {"typeMessage": kind, OBJECTS[kind]: dict(said), **more}


def text(said: str) -> Data:
    """A plain text."""
    return data("textMessage", {"textMessage": said})


def extended(said: str, *, title: str = "", description: str = "", thumbnail: str = "") -> Data:
    """A text as the API sends it, with its preview."""
    about = {
        "text": said,
        "description": description,
        "title": title,
        "previewType": "None",
        "jpegThumbnail": thumbnail,
        "forwardingScore": 0,
        "isForwarded": False,
    }
    return data("extendedTextMessage", about)


def file(kind: str, url: str, name: str, mime: str, caption: str = "") -> Data:
    """A file message; stickers tell besides whether they move."""
    about: Data = {
        "downloadUrl": url,
        "caption": caption,
        "fileName": name,
        "jpegThumbnail": THUMBNAIL if kind in ("imageMessage", "videoMessage") else "",
        "mimeType": mime,
        "isForwarded": False,
        "forwardingScore": 0,
    }
    if kind == "stickerMessage":
        about["isAnimated"] = False
    return data(kind, about)


def location(latitude: float, longitude: float, name: str = "", address: str = "") -> Data:
    """A place."""
    about = {
        "nameLocation": name,
        "address": address,
        "latitude": latitude,
        "longitude": longitude,
        "jpegThumbnail": "",
        "isForwarded": False,
        "forwardingScore": 0,
    }
    return data("locationMessage", about)


def vcard(name: str, phone: str, company: str = "") -> str:
    """A contact card with one number."""
    lines = ["BEGIN:VCARD", "VERSION:3.0", f"N:;{name};;;", f"FN:{name}"]
    if company:
        lines.append(f"ORG:{company};")
    return "\n".join([*lines, f"TEL;type=CELL;waid={phone}:+{phone}", "END:VCARD"])


def contact(name: str, card: str) -> Data:
    """One contact card."""
    about = {"displayName": name, "vcard": card, "isForwarded": False, "forwardingScore": 0}
    return data("contactMessage", about)


def contacts(cards: Sequence[Mapping[str, Any]]) -> Data:
    """Several contact cards at once."""
    about = {"contacts": list(cards), "isForwarded": False, "forwardingScore": 0}
    return data("contactsArrayMessage", about)


def poll(question: str, options: Sequence[str], *, multiple: bool) -> Data:
    """A poll."""
    shown = [{"optionName": name} for name in options]
    return data("pollMessage", {"name": question, "options": shown, "multipleAnswers": multiple})


def poll_update(id_message: str, asked: Mapping[str, Any], votes: Mapping[str, Sequence[str]]) -> Data:
    """Where a poll stands after a vote: every option with everybody who chose it."""
    tally = [
        {
            "optionName": option["optionName"],
            "optionVoters": [voter for voter, chosen in votes.items() if option["optionName"] in chosen],
        }
        for option in asked["options"]
    ]
    about = {
        "stanzaId": id_message,
        "name": asked["name"],
        "votes": tally,
        "multipleAnswers": asked["multipleAnswers"],
    }
    return data("pollUpdateMessage", about)


def quoting(said: str, quote: Data) -> Data:
    """A text that answers another message."""
    about = {"text": said, "stanzaId": quote["stanzaId"], "participant": quote["participant"]}
    return data("quotedMessage", about, quotedMessage=quote)


def reaction(emoji: str, id_message: str, participant: str) -> Data:
    """A reaction; an empty text takes it back."""
    quote = {"stanzaId": id_message, "participant": participant}
    return data("reactionMessage", {"text": emoji}, quotedMessage=quote)


def edited(said: str, id_message: str) -> Data:
    """The new words of an earlier message."""
    return data("editedMessage", {"textMessage": said, "stanzaId": id_message})


def deleted(id_message: str) -> Data:
    """An earlier message was taken back."""
    return data("deletedMessage", {"stanzaId": id_message})


def buttons(kind: str, header: str, body: str, footer: str, pressed: Sequence[Mapping[str, Any]]) -> Data:
    """A message with buttons."""
    about = {"titleText": header, "contentText": body, "footerText": footer, "buttons": list(pressed)}
    return data(kind, about)


def with_file(message: Data, url: str, mime: str) -> Data:
    """The same file message with the address and the type under which it can be had now."""
    return {**message, "fileMessageData": {**message["fileMessageData"], "downloadUrl": url, "mimeType": mime}}


def with_quote(message: Data, quote: Data | None) -> Data:
    """The same message as an answer to another one; a text becomes a kind of its own."""
    if quote is None:
        return message
    kind = message["typeMessage"]
    if kind in ("textMessage", "extendedTextMessage"):
        return quoting(text_of(message), quote)
    return {**message, "quotedMessage": quote}


def forwarded(message: Data) -> Data:
    """The same message as it is handed on."""
    kind = str(message["typeMessage"])
    if kind in ("textMessage", "quotedMessage"):
        message = extended(text_of(message))
        kind = "extendedTextMessage"
    name = OBJECTS.get(kind, kind)
    about = dict(message.get(name) or {})
    about["forwardingScore"] = int(about.get("forwardingScore") or 0) + 1
    about["isForwarded"] = True
    return {"typeMessage": kind, name: about}


def kind_of_file(name: str, mime: str = "") -> str:
    """What a file is sent as: its extension decides, and its type when the extension says nothing."""
    mime = TYPES.guess_type(name)[0] or mime
    if mime in IMAGES:
        return "imageMessage"
    first = mime.partition("/")[0]
    return {"video": "videoMessage", "audio": "audioMessage"}.get(first, "documentMessage")


def mime_of(name: str) -> str:
    """The type that a file's name promises."""
    return TYPES.guess_type(name)[0] or UNKNOWN_TYPE


def text_of(message: Data) -> str:
    """The words of a message: its text, its caption, its question."""
    about = message.get(OBJECTS.get(str(message.get("typeMessage")), ""))
    if not isinstance(about, dict):
        return ""
    for name in ("textMessage", "text", "caption", "name", "contentText"):
        if isinstance(about.get(name), str):
            return str(about[name])
    return ""


def flat(message: Data) -> Data:
    """A message as the journals tell it, beside what they tell of every message."""
    kind = str(message.get("typeMessage", "textMessage"))
    name = OBJECTS.get(kind, kind)
    about = message.get(name, {})
    found: Data
    if kind in FILES:
        found = dict(about)
    elif kind == "textMessage":
        found = {"textMessage": about.get("textMessage", "")}
    elif kind in ("extendedTextMessage", "quotedMessage"):
        found = {"textMessage": about.get("text", ""), "extendedTextMessage": about}
    elif kind == "editedMessage":
        found = {"textMessage": about.get("textMessage", "")}
    elif kind == "contactsArrayMessage":
        found = {"contacts": about.get("contacts", [])}
    elif kind == "deletedMessage":
        found = {}
    else:
        found = {FLAT_OBJECTS.get(name, name): about}
    if "quotedMessage" in message:
        found["quotedMessage"] = message["quotedMessage"]
    if isinstance(about, dict) and about.get("isForwarded"):
        found |= {"isForwarded": True, "forwardingScore": about.get("forwardingScore", 1)}
    return found


def quote(message: Data, id_message: str, participant: str) -> Data:
    """A message as others quote it."""
    found = flat(message)
    # A quote of a quote tells the words alone.
    found.pop("extendedTextMessage", None)
    found.pop("quotedMessage", None)
    kind = message.get("typeMessage", "textMessage")
    kind = "extendedTextMessage" if kind == "quotedMessage" else kind
    return {"stanzaId": id_message, "participant": participant, "typeMessage": kind, **found}
