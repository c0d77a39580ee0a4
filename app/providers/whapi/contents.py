"""Pure rules: a message of Whapi as a kind and a content of ours, and when two of them are alike.

No content holds a link to upstream: of a file only its name, type and caption are told.
Source: message schemas of the Whapi gate reference, 2025 and 2026 texts (read 2026-11-21).
"""

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from app.providers import likeness as common
from app.providers.reading import link_in, list_in, number_in, object_in, text_in, texts_in
from app.providers.whapi.ids import ours

Content = dict[str, Any]
CONTENTLESS: Final = frozenset({"action", "reply", "poll_update"})
FILES: Final = {
    **{kind: kind for kind in ("image", "video", "short", "gif", "audio", "voice", "document", "sticker")},
    "documentWithCaption": "document",
}
"""Under which key a message of a type has its file."""
STORED: Final = "#stored"
"""Ends an address of ours for a file that the channel keeps: it may be sent by the id before it."""


def read_content(message: Any) -> tuple[str, Content]:
    """The canonical kind and content of a message; kind `other` when we have no word for it.

    A reply to a message carries `quoted` with that message's id, and its kind and content as far as they are told.
    Fields that upstream left out are left out.
    """
    upstream_kind = text_in(message, "type")
    if upstream_kind == "action":
        kind, read = ACTIONS.get(text_in(object_in(message, "action"), "type"), ("other", _nothing))
    elif upstream_kind == "reply":
        kind, read = REPLIES.get(text_in(object_in(message, "reply"), "type"), ("other", _nothing))
    elif upstream_kind == "interactive" and text_in(object_in(message, "interactive"), "type") == "list":
        kind, read = "list", _interactive_list
    else:
        kind, read = READERS.get(upstream_kind, ("other", _nothing))
    content = {name: value for name, value in read(message).items() if value is not None and value != ""}
    if kind == "text":
        content.setdefault("text", "")
    context = object_in(message, "context")
    if upstream_kind not in CONTENTLESS and text_in(context, "quoted_id"):
        content["quoted"] = _quoted(context)
    return kind, content


def _quoted(context: Content) -> Content:
    author, upstream_kind = ours(text_in(context, "quoted_author")), text_in(context, "quoted_type")
    found: Content = {"message_id": text_in(context, "quoted_id"), **({"sender": author} if author else {})}
    kind, content = read_content({"type": upstream_kind, upstream_kind: object_in(context, "quoted_content")})
    return found if kind == "other" else {**found, "kind": kind, "content": content}


def likeness(kind: str, content: Mapping[str, Any]) -> str | None:
    """See `app.providers.likeness`; equal for a content of ours, the journal's and the echo's.

    Whapi takes a name for documents only, and no caption for sounds: what it cannot carry is not compared.
    """
    if kind in ("image", "video"):
        content = {"caption": content.get("caption")}
    elif kind in ("audio", "sticker"):
        content = {}
    return common.likeness(kind, content)


def file_of(message: Any) -> Content:
    """The file of a message; empty when it has none."""
    return object_in(message, FILES.get(text_in(message, "type"), ""))


def link_of(file: Any) -> str | None:
    """Where a file is; None when it is not told.

    An address of the gate's own, which is read with the channel's token, is marked: none but we can fetch from it.
    """
    link, file_id = link_in(file, "link"), text_in(file, "id")
    is_at_gate = link is not None and file_id and urlsplit(link).path.endswith(f"/media/{file_id}")
    return f"{link}{STORED}" if is_at_gate else link


def _named(source: Any, **names: str) -> Content:
    """Texts of an object under names of ours, without those that are missing."""
    return {mine: text_in(source, theirs) for mine, theirs in names.items() if text_in(source, theirs)}


def _text(message: Content) -> Content:
    return {"text": text_in(object_in(message, text_in(message, "type")), "body")}


def _file(message: Content) -> Content:
    file = file_of(message)
    name = text_in(file, "filename") or text_in(file, "file_name")
    return {"file_name": name, **_named(file, mime_type="mime_type", caption="caption")}


def _sticker(message: Content) -> Content:
    return {**_file(message), "animated": file_of(message).get("animated") is True}


def _location(message: Content) -> Content:
    place = object_in(message, text_in(message, "type"))
    content = _named(place, name="name", address="address", comment="caption")
    for name in ("latitude", "longitude"):
        value = place.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            content[name] = value
    return content


def _contact(message: Content) -> Content:
    return _named(object_in(message, "contact"), name="name", vcard="vcard")


def _contacts(message: Content) -> Content:
    cards = list_in(object_in(message, "contact_list"), "list")
    return {"contacts": [_named(card, name="name", vcard="vcard") for card in cards]}


def _poll(message: Content) -> Content:
    poll = object_in(message, "poll")
    return {
        "question": text_in(poll, "title"),
        "options": texts_in(poll, "options"),
        "multiple": number_in(poll, "vote_limit") == 0,
    }


def results_of(holder: Any) -> list[Content]:
    """The state of a poll: who chose which option."""
    return [
        {"option": text_in(row, "name"), "voters": [ours(voter) for voter in texts_in(row, "voters")]}
        for row in list_in(holder, "results")
    ]


def _poll_update(message: Content) -> Content:
    told = object_in(message, "poll_update") or object_in(message, "poll")
    return {**_named(told, message_id="target", question="title"), "votes": results_of(told)}


def _vote(message: Content) -> Content:
    """Of one voter only: what the others chose is not told."""
    action, voter = object_in(message, "action"), ours(text_in(message, "from"))
    votes = [{"option": option, "voters": [voter]} for option in texts_in(action, "votes")]
    return {**_named(action, message_id="target"), "votes": votes}


def _reaction(message: Content) -> Content:
    action = object_in(message, "action")
    emoji = text_in(action, "emoji")
    return {**_named(action, message_id="target"), "emoji": emoji, "removed": not emoji}


def _edited(message: Content) -> Content:
    action = object_in(message, "action")
    told = object_in(action, "edited_content")
    return {**_named(action, message_id="target"), **_named(told, text="body", caption="caption")}


def _deleted(message: Content) -> Content:
    return _named(object_in(message, "action"), message_id="target")


def _group_invite(message: Content) -> Content:
    invite = object_in(message, "group_invite")
    return _named(invite, group_id="group_id", invite_code="invite_code", group_name="title", caption="body")


def _interactive(message: Content) -> Content:
    told = object_in(message, "interactive")
    buttons = list_in(object_in(told, "action"), "buttons")
    return {**_frame(told), "buttons": [_button(button) for button in buttons]}


def _interactive_list(message: Content) -> Content:
    told = object_in(message, "interactive")
    menu = object_in(object_in(told, "action"), "list")
    return {**_frame(told), "button": text_in(menu, "label"), "sections": _sections(menu)}


def _frame(told: Content) -> Content:
    parts = {"title": "header", "text": "body", "footer": "footer"}
    return {mine: text_in(object_in(told, theirs), "text") for mine, theirs in parts.items()}


def _button(button: Any) -> Content:
    kinds = {"quick_reply": "reply"}
    kind = text_in(button, "type")
    about = _named(button, id="id", code="copy_code", phone="phone_number", url="url")
    return {"type": kinds.get(kind, kind), **about, "text": text_in(button, "title") or text_in(button, "text")}


def _buttons(message: Content) -> Content:
    told = object_in(message, "buttons")
    rows = [{"type": "reply", **_named(row, id="id", text="text")} for row in list_in(told, "buttons")]
    return {**_named(told, text="text", footer="footer"), "buttons": rows}


def _template(message: Content) -> Content:
    told = object_in(message, "hsm")
    title = text_in(object_in(object_in(told, "header"), "text"), "body")
    names = {"simple": "reply", "phone_number": "call", "copy_code": "copy"}
    buttons = [
        {
            "type": names.get(text_in(row, "type"), text_in(row, "type")),
            **_named(row, id="id", text="text", url="url", phone="phone_number", code="copy_code"),
        }
        for row in list_in(told, "buttons")
    ]
    return {"title": title, **_named(told, text="body", footer="footer"), "buttons": buttons}


def _list(message: Content) -> Content:
    menu = object_in(message, "list")
    head = _named(menu, title="header", text="body", footer="footer", button="label")
    return {**head, "sections": _sections(menu)}


def _sections(menu: Content) -> list[Content]:
    return [
        {
            **_named(section, title="title"),
            "rows": [
                _named(row, id="id", title="title", description="description") for row in list_in(section, "rows")
            ],
        }
        for section in list_in(menu, "sections")
    ]


def _button_reply(message: Content) -> Content:
    chosen = object_in(object_in(message, "reply"), "buttons_reply")
    return {**_target(message), **_named(chosen, button_id="id", text="title")}


def _list_reply(message: Content) -> Content:
    chosen = object_in(object_in(message, "reply"), "list_reply")
    return {**_target(message), **_named(chosen, row_id="id", title="title")}


def _target(message: Content) -> Content:
    return _named(object_in(message, "context"), message_id="quoted_id")


def _nothing(_: Content) -> Content:
    return {}


Reader = tuple[str, Callable[[Content], Content]]
READERS: Final[Mapping[str, Reader]] = {
    "text": ("text", _text),
    "link_preview": ("text", _text),
    "image": ("image", _file),
    "video": ("video", _file),
    "short": ("video", _file),
    "gif": ("video", _file),
    "audio": ("audio", _file),
    "voice": ("audio", _file),
    "document": ("document", _file),
    "documentWithCaption": ("document", _file),
    "sticker": ("sticker", _sticker),
    "location": ("location", _location),
    "live_location": ("location", _location),
    "contact": ("contact", _contact),
    "contact_list": ("contacts", _contacts),
    "poll": ("poll", _poll),
    "poll_update": ("poll_vote", _poll_update),
    "group_invite": ("group_invite", _group_invite),
    "interactive": ("buttons", _interactive),
    "buttons": ("buttons", _buttons),
    "hsm": ("buttons", _template),
    "list": ("list", _list),
}
ACTIONS: Final[Mapping[str, Reader]] = {
    "edit": ("edited", _edited),
    "edited": ("edited", _edited),
    "delete": ("deleted", _deleted),
    "reaction": ("reaction", _reaction),
    "vote": ("poll_vote", _vote),
}
REPLIES: Final[Mapping[str, Reader]] = {
    "buttons_reply": ("button_reply", _button_reply),
    "list_reply": ("list_reply", _list_reply),
}
