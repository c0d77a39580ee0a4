"""What a message of each kind says, read from the fields of a send or of an act and checked.

Source: sending pages of the Whapi gate reference, 2025 and 2026 texts, read 2026-11-21.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from simulator.whapi.errors import Problem
from simulator.whapi.wire import flag_of, text_of

Fields = Mapping[str, Any]
Content = dict[str, Any]

MENTION = re.compile(r"\d{7,15}(@s\.whatsapp\.net)?|\d{10,31}@g\.us", re.ASCII)
COLOUR = re.compile(r"#[0-9a-fA-F]{6,8}")
NUMBERS = frozenset(
    (
        "typing_time",
        "recording_time",
        "latitude",
        "longitude",
        "accuracy",
        "speed",
        "degrees",
        "width",
        "height",
        "seconds",
        "count",
        "delay",
    )
)
FLAGS = frozenset(
    ("no_link_preview", "wide_link_preview", "view_once", "no_encode", "no_cache", "animated", "autoplay", "force")
)
LISTS = frozenset(
    ("options", "mentions", "list", "contacts", "exclude_contacts", "participants", "action", "header", "footer")
)
LONGEST_TEXT = 65_536
"""Characters of a text, WhatsApp's own limit (choice; the reference names only the 413)."""
BUTTONS = 3
OPTIONS = (2, 12)
"""Least and most options of a poll."""


def typed(fields: Fields) -> dict[str, Any]:
    """The fields of a form or a query, which are all texts, as JSON would have them.

    Raises:
        Problem: 400, a number or a list is none.
    """
    return {name: _typed(name, value) for name, value in fields.items()}


def built(kind: str, fields: Fields) -> Content:
    """What stands under the key of this kind; files come beside it.

    Raises:
        Problem: 400, a field is missing or does not fit.
    """
    return BUILDERS[kind](fields)


def context(fields: Fields) -> dict[str, Any]:
    """Mentions, as the context of a message.

    Raises:
        Problem: 400, they are no list of ids.
    """
    mentions = fields.get("mentions")
    if mentions is None:
        return {}
    if not isinstance(mentions, list) or not all(isinstance(one, str) and MENTION.fullmatch(one) for one in mentions):
        raise Problem(400, "mentions must be an array of contact ids")
    return {"mentions": mentions} if mentions else {}


def seconds_of(fields: Fields, name: str, most: float | None = None) -> float:
    """A time to wait.

    Raises:
        Problem: 400, it is no number or out of its range.
    """
    value = fields.get(name, 0)
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or value < 0
        or (most is not None and value > most)
    ):
        raise Problem(400, f"{name} must be a number from 0" + ("" if most is None else f" to {most:g}"))
    return float(value)


def colour_of(fields: Fields, name: str, default: str) -> str:
    """A colour as #AARRGGBB or #RRGGBB.

    Raises:
        Problem: 400.
    """
    value = fields.get(name, default)
    if not isinstance(value, str) or not COLOUR.fullmatch(value):
        raise Problem(400, f"{name} must be a colour such as #FF112233")
    return value


def _typed(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if name in NUMBERS:
        try:
            number = float(value)
        except ValueError:
            raise Problem(400, f"{name} must be a number") from None
        return int(number) if number.is_integer() else number
    if name in FLAGS:
        return flag_of({name: value}, name, default=False)
    if name in LISTS:
        return _list(value)
    return value


def _list(value: str) -> Any:
    """JSON, or the parts between commas."""
    try:
        found = msgspec.json.decode(value)
    except msgspec.DecodeError:
        found = None
    return found if isinstance(found, list | dict) else [part.strip() for part in value.split(",")]


def _text(fields: Fields) -> Content:
    body = text_of(fields, "body")
    if len(body) > LONGEST_TEXT:
        raise Problem(413, f"body must be at most {LONGEST_TEXT} characters long")
    return {"body": body, **_some(fields, str, "preview")}


def _link_preview(fields: Fields) -> Content:
    said = {"body": text_of(fields, "body"), "title": text_of(fields, "title")}
    return {**said, **_some(fields, str, "description", "canonical", "preview")}


def _file(fields: Fields) -> Content:
    found = _some(fields, str, "caption", "preview", "waveform", "background_color")
    if "background_color" in found:
        colour_of(fields, "background_color", "")
    filename = fields.get("filename")
    if filename is not None:
        found["filename"] = found["file_name"] = text_of(fields, "filename")
    return {
        **found,
        **_some(fields, int, "width", "height", "seconds"),
        **_flags(fields, "view_once", "animated", "autoplay"),
    }


def _location(fields: Fields) -> Content:
    found: Content = {}
    for name, most in (("latitude", 90), ("longitude", 180)):
        value = fields.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not -most <= value <= most:
            raise Problem(400, f"{name} must be a number from {-most} to {most}")
        found[name] = value
    found |= _some(fields, str, "address", "name", "url", "preview", "comment")
    return {**found, **_some(fields, int, "accuracy", "speed", "degrees"), **_flags(fields, "view_once")}


def _contact(fields: Fields) -> Content:
    vcard = text_of(fields, "vcard")
    if not vcard.lstrip().upper().startswith("BEGIN:VCARD"):
        raise Problem(400, "vcard must be a vCard")
    return {"name": text_of(fields, "name"), "vcard": vcard}


def _contact_list(fields: Fields) -> Content:
    rows = fields.get("list")
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise Problem(400, "list must be an array of contacts")
    return {"list": [_contact(row) for row in rows]}


def _poll(fields: Fields) -> Content:
    options, least, most = fields.get("options"), *OPTIONS
    if not isinstance(options, list) or not all(isinstance(option, str) and option for option in options):
        raise Problem(400, "options must be an array of strings")
    if not least <= len(options) <= most or len(set(options)) != len(options):
        raise Problem(400, f"options must be {least} to {most} different strings")
    count = fields.get("count", 0)
    if isinstance(count, bool) or count not in (0, 1):
        raise Problem(400, "count must be 0 or 1")
    return {"title": text_of(fields, "title"), "options": options, "vote_limit": count}


def _interactive(fields: Fields) -> Content:
    action, kind = fields.get("action"), fields.get("type", "button")
    if not isinstance(action, dict):
        raise Problem(400, "action is required and must be an object")
    if kind not in ("list", "button", "product"):
        raise Problem(400, "type must be list, button or product")
    if kind == "button":
        buttons = action.get("buttons")
        if not isinstance(buttons, list) or not 0 < len(buttons) <= BUTTONS:
            raise Problem(400, f"action must have 1 to {BUTTONS} buttons")
    found: Content = {"type": kind, "action": action}
    for name in ("header", "body", "footer"):
        value = fields.get(name)
        if isinstance(value, str):
            value = _list(value)  # a form has objects as text
        if value is not None and not isinstance(value, dict):
            raise Problem(400, f"{name} must be an object")
        if value is not None:
            found[name] = value
    return found


def _group_invite(fields: Fields) -> Content:
    return {"body": text_of(fields, "body"), **_some(fields, str, "title", "url")}


def _some(fields: Fields, kind: type, *names: str) -> Content:
    found: Content = {}
    for name in names:
        value = fields.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, kind):
            raise Problem(400, f"{name} must be {'a string' if kind is str else 'a whole number'}")
        found[name] = value
    return found


def _flags(fields: Fields, *names: str) -> Content:
    return {name: True for name in names if flag_of(fields, name, default=False)}


BUILDERS: dict[str, Callable[[Fields], Content]] = {
    "text": _text,
    "link_preview": _link_preview,
    **dict.fromkeys(("image", "video", "short", "gif", "audio", "voice", "document", "sticker"), _file),
    "location": _location,
    "live_location": _location,
    "contact": _contact,
    "contact_list": _contact_list,
    "poll": _poll,
    "interactive": _interactive,
    "group_invite": _group_invite,
}
"""By kind, which is also the type of the message."""
