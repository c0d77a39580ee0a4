"""Pure rules: when a message of ours and what a gateway shows of one are alike, whoever the gateway is.

`content` is canonical: as notices tell it, and as `describe` tells what is to be sent.
"""

from collections.abc import Mapping
from typing import Any, Final

from app.providers.asks import Button, Buttons, Contact, Content, FileByUrl, Forward, Location, Poll, ReplyButtons, Text

SEPARATOR: Final = "\x1f"
FILES: Final = frozenset({"file", "image", "video", "audio", "document", "sticker"})
EXTENSIONS: Final = {
    **dict.fromkeys(("jpg", "jpeg", "png", "gif", "webp"), "image"),
    **dict.fromkeys(("mp4", "avi", "mov", "mkv", "webm", "3gp"), "video"),
    **dict.fromkeys(("mp3", "ogg", "oga", "opus", "wav", "aac", "m4a", "amr"), "audio"),
}


def likeness(kind: str, content: Mapping[str, Any]) -> str | None:
    """One text that is equal for a message and for every trace of it; None when nothing can be compared.

    Files of all kinds are compared by name and caption, since a queue does not tell how they will be shown, places to
    five digits, which is a metre. A forward leaves no trace that could be known.
    """
    if kind == "text":
        return _text(content, "text")
    if kind in FILES:
        return _joined("file", _text(content, "file_name"), _text(content, "caption"))
    if kind == "location":
        return _place(content)
    if kind == "contact":
        return _joined("contact", _text(content, "name")) if _text(content, "name") else None
    if kind == "poll":
        options = content.get("options")
        named = [each for each in options if isinstance(each, str)] if isinstance(options, list | tuple) else []
        return _joined("poll", _text(content, "question"), *named)
    if kind == "buttons":
        buttons = content.get("buttons")
        shown = [_text(each, "text") for each in buttons] if isinstance(buttons, list | tuple) else []
        return _joined("buttons", _text(content, "title"), _text(content, "text"), _text(content, "footer"), *shown)
    return None


def describe(content: Content) -> tuple[str, dict[str, Any]]:
    """The canonical kind and content of what is to be sent; no address of a file is in it."""
    match content:
        case Text():
            return "text", {"text": content.text}
        case FileByUrl():
            return file_kind(content.file_name), _told(file_name=content.file_name, caption=content.caption)
        case Location():
            place = {"latitude": content.latitude, "longitude": content.longitude}
            return "location", {**_told(name=content.name, address=content.address), **place}
        case Contact():
            return "contact", _told(name=display_name(content), phone=content.phone)
        case Poll():
            return "poll", {
                "question": content.question,
                "options": list(content.options),
                "multiple": content.multiple,
            }
        case Buttons() | ReplyButtons():
            shown = _told(title=content.header, text=content.body, footer=content.footer)
            return "buttons", {**shown, "buttons": [_button(each) for each in content.buttons]}
        case Forward():
            return "forward", {"from_chat_id": content.from_chat_id, "message_ids": list(content.message_ids)}


def display_name(contact: Contact) -> str:
    """How a card is headed: the name, else the company."""
    name = " ".join(each for each in (contact.first_name, contact.middle_name, contact.last_name) if each)
    return name or contact.company


def file_kind(file_name: str) -> str:
    """How a file is shown, by the extension of its name: `image`, `video`, `audio`, else `document`."""
    _, dot, extension = file_name.rpartition(".")
    return EXTENSIONS.get(extension.lower(), "document") if dot else "document"


def _button(button: Any) -> dict[str, Any]:
    if not isinstance(button, Button):
        return _told(type="reply", id=button.id, text=button.text)
    kind = "copy" if button.code is not None else "call" if button.phone is not None else "url"
    return _told(
        type=kind,
        id=button.id,
        text=button.text,
        code=button.code or "",
        phone=button.phone or "",
        url=button.url or "",
    )


def _told(**fields: str) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value}


def _place(content: Mapping[str, Any]) -> str | None:
    latitude, longitude = _degrees(content, "latitude"), _degrees(content, "longitude")
    return None if latitude is None or longitude is None else _joined("location", latitude, longitude)


def _degrees(content: Mapping[str, Any], name: str) -> str | None:
    value = content.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return f"{round(float(value), 5) + 0.0:.5f}"  # adding zero makes -0.0 plain


def _text(content: Any, name: str) -> str:
    value = content.get(name) if isinstance(content, Mapping) else None
    return value if isinstance(value, str) else ""


def _joined(*parts: str) -> str:
    return SEPARATOR.join(parts)
