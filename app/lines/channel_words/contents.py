"""A message's kind and content as Whapi's type and the object that stands under the type's name.

Source: message schemas of the Whapi gate reference, 2025 and 2026 texts (read 2026-11-21).
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from app.lines.channel_words import values

Said = Mapping[str, Any]
Data = dict[str, Any]
Written = tuple[str, str, Data]
"""The type of a message, the name of its object, and the object."""

UNKNOWN_MIME: Final = "application/octet-stream"
BUTTON_TYPES: Final = {"reply": "quick_reply"}


def write(kind: str, content: Said, *, file: Data | None = None) -> Written:
    """A message's type and object; `unknown` for what has no word. `file` is the MediaFile of a kind that has one."""
    if kind in FILES:
        type_, about = FILES[kind], _file(kind, content, file or {})
        if kind == "audio" and about["mime_type"].startswith("audio/ogg"):
            type_ = "voice"  # what WhatsApp records; our words have one kind for all that is heard
        return type_, type_, about
    return WRITERS.get(kind, _unknown)(content)


def context(content: Said, *, forwarded: bool = False) -> Data:
    """What a message answers, and whether it was forwarded; empty for most."""
    quoted = content.get("quoted")
    found: Data = {}
    if isinstance(quoted, Mapping):
        found = _named(quoted, quoted_id="message_id")
        if _text(quoted, "sender"):
            found["quoted_author"] = values.person(_text(quoted, "sender"))
    elif content.get("message_id"):
        found = {"quoted_id": _text(content, "message_id")}
    return found | ({"forwarded": True} if forwarded else {})


def reaction(message_id: str, emoji: str | None) -> Data:
    """A reaction as an action; an empty one takes an earlier one back."""
    return {"target": message_id, "type": "reaction", "emoji": emoji or ""}


def edit(message_id: str, content: Said) -> Data:
    """New words as an action; of those of a file only the caption is known, not the type."""
    if _text(content, "caption"):
        return {"target": message_id, "type": "edit", "edited_content": {"caption": _text(content, "caption")}}
    about = {"body": _text(content, "text")}
    return {"target": message_id, "type": "edit", "edited_type": "text", "edited_content": about}


def delete(message_id: str) -> Data:
    """A message was taken back, as an action."""
    return {"target": message_id, "type": "delete"}


def vote(message_id: str, votes: list[Any], voter: str) -> Data:
    """What one person chose in a poll, as an action; nothing when the vote was taken back."""
    chosen = [_text(row, "option") for row in votes if voter in _list(row, "voters")]
    return {"target": message_id, "type": "vote", "votes": chosen}


def poll_state(question: str, votes: list[Any]) -> Data:
    """A poll as far as votes tell it: its options, and who chose which."""
    results: list[Data] = [
        {
            "id": hashlib.sha256(_text(row, "option").encode()).hexdigest(),
            "name": _text(row, "option"),
            "count": len(_list(row, "voters")),
            "voters": [values.person(voter) for voter in _list(row, "voters") if isinstance(voter, str)],
        }
        for row in votes
    ]
    voters = {voter for row in results for voter in row["voters"]}
    return {
        "title": question,
        "options": [row["name"] for row in results],
        "total": len(voters),
        "results": results,
    }


def _text(said: Any, name: str) -> str:
    value = said.get(name) if isinstance(said, Mapping) else None
    return value if isinstance(value, str) else ""


def _list(said: Any, name: str) -> list[Any]:
    value = said.get(name) if isinstance(said, Mapping) else None
    return list(value) if isinstance(value, list | tuple) else []


def _named(said: Any, **names: str) -> Data:
    return {theirs: _text(said, ours) for theirs, ours in names.items() if _text(said, ours)}


def _file(kind: str, content: Said, file: Data) -> Data:
    about = {**file, "mime_type": _text(content, "mime_type") or UNKNOWN_MIME, "file_size": 0}
    about |= _named(content, file_name="file_name", filename="file_name", caption="caption")
    return about | ({"animated": content.get("animated") is True} if kind == "sticker" else {})


def _plain(content: Said) -> Written:
    return "text", "text", {"body": _text(content, "text")}


def _location(content: Said) -> Written:
    place = {name: content.get(name, 0) for name in ("latitude", "longitude")}
    return "location", "location", {**place, **_named(content, name="name", address="address", caption="comment")}


def _card(content: Any) -> Data:
    return {"name": _text(content, "name"), "vcard": _text(content, "vcard")}


def _contact(content: Said) -> Written:
    return "contact", "contact", _card(content)


def _contacts(content: Said) -> Written:
    return "contact_list", "contact_list", {"list": [_card(card) for card in _list(content, "contacts")]}


def _poll(content: Said) -> Written:
    limit = 0 if content.get("multiple") is True else 1
    head = {"title": _text(content, "question"), "options": _list(content, "options"), "vote_limit": limit}
    return "poll", "poll", {**head, "total": 0, "results": []}


def _poll_vote(content: Said) -> Written:
    state = poll_state(_text(content, "question"), _list(content, "votes"))
    return "poll_update", "poll", {"target": _text(content, "message_id"), **state}


def _action(data: Data) -> Written:
    return "action", "action", data


def _group_invite(content: Said) -> Written:
    about = _named(content, group_id="group_id", invite_code="invite_code", title="group_name")
    return "group_invite", "group_invite", {"body": _text(content, "caption"), **about}


def _parts(content: Said) -> Data:
    names = {"header": "title", "body": "text", "footer": "footer"}
    return {theirs: {"text": _text(content, ours)} for theirs, ours in names.items() if _text(content, ours)}


def _buttons(content: Said) -> Written:
    buttons = [_button(button) for button in _list(content, "buttons")]
    return "interactive", "interactive", {"type": "button", **_parts(content), "action": {"buttons": buttons}}


def _button(button: Any) -> Data:
    kind = _text(button, "type") or "reply"
    about = _named(button, id="id", copy_code="code", phone_number="phone", url="url")
    return {"type": BUTTON_TYPES.get(kind, kind), **about, "title": _text(button, "text")}


def _menu(content: Said) -> Written:
    sections = [
        {
            **_named(section, title="title"),
            "rows": [_named(row, id="id", title="title", description="description") for row in _list(section, "rows")],
        }
        for section in _list(content, "sections")
    ]
    head = _named(content, header="title", body="text", footer="footer", label="button")
    return "list", "list", {**head, "sections": sections}


def _button_reply(content: Said) -> Written:
    chosen = _named(content, id="button_id", title="text")
    return "reply", "reply", {"type": "buttons_reply", "buttons_reply": chosen}


def _menu_reply(content: Said) -> Written:
    return "reply", "reply", {"type": "list_reply", "list_reply": _named(content, id="row_id", title="title")}


def _unknown(_: Said) -> Written:
    return "unknown", "unknown", {}


FILES: Final = {kind: kind for kind in ("image", "video", "audio", "document", "sticker")}
WRITERS: Final[Mapping[str, Callable[[Said], Written]]] = {
    "text": _plain,
    "location": _location,
    "contact": _contact,
    "contacts": _contacts,
    "poll": _poll,
    "poll_vote": _poll_vote,
    "reaction": lambda content: _action(reaction(_text(content, "message_id"), _text(content, "emoji"))),
    "edited": lambda content: _action(edit(_text(content, "message_id"), content)),
    "deleted": lambda content: _action(delete(_text(content, "message_id"))),
    "group_invite": _group_invite,
    "buttons": _buttons,
    "button_reply": _button_reply,
    "list": _menu,
    "list_reply": _menu_reply,
}
