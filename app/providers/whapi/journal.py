"""Pure rules: a message of Whapi's lists as a message or a status of ours; and what people did with an own one.

Source: message, story and status schemas of the Whapi gate reference (read 2026-11-21).
"""

from typing import Any, Final

from app.providers.answers import Message, Status, StatusView
from app.providers.port import Seen
from app.providers.reading import instant, object_in, text_in, told_at
from app.providers.whapi.contents import file_of, likeness, link_of, read_content
from app.providers.whapi.ids import ours

PROGRESS: Final = {
    "pending": "pending",
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "played": "read",
    "failed": "failed",
}
STEPS: Final = ("sent", "delivered", "read")
REFUSED: Final = "rejected_by_whatsapp"
BY_HAND: Final = frozenset({"mobile", "web"})
FONTS: Final = {"SYSTEM": "SANS_SERIF", "SYSTEM_TEXT": "SERIF", "FB_SCRIPT": "NORICAN_REGULAR"}
"""WhatsApp's first three fonts had other names before; Whapi has no names for the two after them (choice)."""


def message_of(row: Any) -> Message | None:
    """A message of a list; None for a row without an id or a chat. Whether it was edited is not told."""
    message_id, chat_id = text_in(row, "id"), ours(text_in(row, "chat_id"))
    if not message_id or not chat_id:
        return None
    kind, content = read_content(row)
    is_incoming = row.get("from_me") is not True
    progress = None if is_incoming else PROGRESS.get(text_in(row, "status"))
    return Message(
        message_id=message_id,
        chat_id=chat_id,
        direction="incoming" if is_incoming else "outgoing",
        kind=kind,
        content=content,
        sender=ours(text_in(row, "from")) or None if is_incoming else None,
        sender_name=text_in(row, "from_name") or None if is_incoming else None,
        status=progress,
        reason=REFUSED if progress == "failed" else None,
        by_api=None if is_incoming else by_api(row),
        is_deleted=text_in(row, "status") == "deleted",
        is_forwarded=object_in(row, "context").get("forwarded") is True,
        file_link=link_of(file_of(row)),
        at=told_at(row.get("timestamp")),
    )


def by_api(row: Any) -> bool | None:
    """Whether an own message was sent by a call; None when it is not told."""
    source = text_in(row, "source")
    return source == "api" if source == "api" or source in BY_HAND else None


def seen_of(row: Any) -> Seen:
    """An own message of a list as a trace of one of ours: it left when it was taken, there is no queue."""
    kind, content = read_content(row)
    sent_at = instant(row.get("timestamp"))
    return Seen(text_in(row, "id"), ours(text_in(row, "chat_id")), kind, likeness(kind, content), sent_at)


def status_of(row: Any) -> Status | None:
    """A story of a list, in the chat of whoever posted it; None for a row without an id."""
    message_id = text_in(row, "id")
    if not message_id:
        return None
    is_incoming = row.get("from_me") is not True
    kind, content = read_content(row)
    look = object_in(row, text_in(row, "type"))
    font, sender = text_in(look, "font_type"), ours(text_in(row, "from"))
    return Status(
        message_id=message_id,
        chat_id=sender if is_incoming and sender else ours(text_in(row, "chat_id")),
        direction="incoming" if is_incoming else "outgoing",
        kind=kind,
        text=text_in(look, "body") or text_in(look, "caption") if kind == "text" else None,
        caption=content.get("caption"),
        background=_colour(text_in(look, "background_color")),
        font=FONTS.get(font, font) or None,
        file_name=content.get("file_name"),
        mime_type=content.get("mime_type"),
        file_link=link_of(look),
        sender=sender or None,
        sender_name=text_in(row, "from_name") or None,
        progress=None if is_incoming else PROGRESS.get(text_in(row, "status")),
        at=told_at(row.get("timestamp")),
    )


def views_of(rows: list[Any]) -> list[StatusView]:
    """How far an own message came with each person: of several rows about one, the furthest."""
    found: dict[str, StatusView] = {}
    for row in rows:
        viewer, step = ours(text_in(row, "viewer_id")), PROGRESS.get(text_in(row, "status"), "")
        if not viewer or step not in STEPS:
            continue
        known = found.get(viewer)
        if known is None or STEPS.index(known.status) < STEPS.index(step):
            found[viewer] = StatusView(chat_id=viewer, status=step, at=told_at(row.get("timestamp")))
    return list(found.values())


def _colour(argb: str) -> str | None:
    """#AARRGGBB without what is seen through; None for a colour that is wholly transparent, the default."""
    if len(argb) == 9:
        return None if argb[1:3] == "00" else f"#{argb[3:]}"
    return argb if len(argb) == 7 else None
