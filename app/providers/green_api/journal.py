"""Pure rules: a row of a journal as a message, a status or a call of ours.

Journals are flat where notifications nest. Source: GREEN-API's journal and status pages (read 2026-11-21).
"""

from typing import Any, Final

from app.providers.answers import Call, Message, Status
from app.providers.green_api.contents import read_content
from app.providers.likeness import likeness
from app.providers.port import Seen
from app.providers.reading import flag_in, instant, list_in, number_in, object_in, text_in, texts_in, told_at

PROGRESS: Final = {"pending": "pending", "sent": "sent", "delivered": "delivered", "read": "read"}
FAILURES: Final = {
    "failed": "rejected_by_whatsapp",
    "noAccount": "recipient_not_on_whatsapp",
    "notInGroup": "recipient_not_in_group",
    "yellowCard": "account_limited",
    "suspended": "account_limited",
}
CALLS: Final = {
    "offer": "ringing",
    "pickUp": "answered",
    "hungUp": "ended",
    "hangUp": "ended",
    "declined": "declined",
    "missed": "missed",
}
FILE_FIELDS: Final = ("downloadUrl", "caption", "fileName", "mimeType", "isAnimated")


def message_of(row: Any) -> Message | None:
    """A message of a journal; None for a row without an id or a chat."""
    message_id, chat_id = text_in(row, "idMessage"), text_in(row, "chatId")
    if not message_id or not chat_id:
        return None
    kind, content = _content(row)
    said = text_in(row, "statusMessage")
    is_incoming = text_in(row, "type") != "outgoing"
    return Message(
        message_id=message_id,
        chat_id=chat_id,
        direction="incoming" if is_incoming else "outgoing",
        kind=kind,
        content=content,
        sender=text_in(row, "senderId") or None,
        sender_name=text_in(row, "senderName") or None,
        sender_contact_name=text_in(row, "senderContactName") or None,
        status="failed" if said in FAILURES else PROGRESS.get(said),
        reason=FAILURES.get(said),
        by_api=flag_in(row, "sendByApi"),
        is_edited=row.get("isEdited") is True,
        is_deleted=row.get("isDeleted") is True,
        is_forwarded=_forwarded(row),
        file_link=link_in(row, "downloadUrl"),
        at=told_at(row.get("timestamp")),
    )


def seen_of(row: Any) -> Seen:
    """A row of the outgoing journal as a trace of a message."""
    kind, content = _content(row)
    sent_at = None if text_in(row, "statusMessage") == "pending" else instant(row.get("timestamp"))
    return Seen(text_in(row, "idMessage"), text_in(row, "chatId"), kind, likeness(kind, content), sent_at)


def status_of(row: Any) -> Status | None:
    """A status of a journal; None for a row without an id."""
    message_id = text_in(row, "idMessage")
    if not message_id:
        return None
    look = object_in(row, "extendedTextMessage")
    kind, content = _content(row)
    said = text_in(row, "statusMessage")
    return Status(
        message_id=message_id,
        chat_id=text_in(row, "chatId"),
        direction="outgoing" if text_in(row, "type") == "outgoing" else "incoming",
        kind=kind,
        text=content.get("text"),
        caption=content.get("caption"),
        background=text_in(look, "backgroundColor") or text_in(row, "backgroundColor") or None,
        font=text_in(look, "font") or None,
        file_name=content.get("file_name"),
        mime_type=content.get("mime_type"),
        file_link=link_in(row, "downloadUrl"),
        sender=text_in(row, "senderId") or None,
        sender_name=text_in(row, "senderName") or None,
        audience=texts_in(look, "participants") or texts_in(row, "participants"),
        progress="failed" if said in FAILURES else PROGRESS.get(said),
        at=told_at(row.get("timestamp")),
    )


def call_of(row: Any) -> Call | None:
    """A call of a journal; None for a row without an id."""
    call_id = text_in(row, "idMessage")
    if not call_id:
        return None
    return Call(
        call_id=call_id,
        chat_id=text_in(row, "chatId"),
        direction="outgoing" if text_in(row, "type") == "outgoing" else "incoming",
        status=CALLS.get(text_in(row, "status"), "unknown"),
        is_video=row.get("isVideo") is True,
        duration_seconds=max(0, number_in(row, "duration") or 0),
        at=told_at(row.get("timestamp")),
    )


def link_in(row: Any, name: str) -> str | None:
    """An address of a file; None when there is none, or a mark stands in its place."""
    link = text_in(row, name)
    return link if link.startswith(("http://", "https://")) else None


def _content(row: Any) -> tuple[str, dict[str, Any]]:
    """The canonical kind and content: the row's flat fields nested as a notification has them."""
    if not isinstance(row, dict):
        return "other", {}
    look = object_in(row, "extendedTextMessage") or object_in(row, "extendedTextMessageData")
    nested = {
        "textMessageData": {"textMessage": text_in(row, "textMessage")},
        "extendedTextMessageData": look,
        "fileMessageData": {name: row[name] for name in FILE_FIELDS if name in row},
        "locationMessageData": object_in(row, "location"),
        "contactMessageData": object_in(row, "contact"),
        "messageData": {"contacts": list_in(row, "contacts")},
        "editedMessageData": {"stanzaId": text_in(row, "editedMessageId"), "textMessage": text_in(row, "textMessage")},
        "deletedMessageData": {"stanzaId": text_in(row, "deletedMessageId")},
    }
    told = {name: value for name, value in row.items() if name not in nested or value}
    return read_content({**nested, **told})


def _forwarded(row: Any) -> bool:
    return row.get("isForwarded") is True or object_in(row, "extendedTextMessage").get("isForwarded") is True
