"""A notification of ours in GREEN-API's shape."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from app.lines.words import contents
from app.lines.words.values import CALLS, STATES, TOO_LARGE_GROUP, made_id, progress, wid
from app.providers.events import (
    CallChanged,
    MessageDeleted,
    MessageEchoed,
    MessageEdited,
    MessageProgressed,
    MessageReceived,
    Notification,
    PollVoted,
    ReactionReceived,
    StateChanged,
)

Links = Callable[[str, str], str]
Told = tuple[str, dict[str, Any]]


def body_of(
    said: Notification, *, number: int, phone: str | None, now: datetime, links: Links
) -> dict[str, Any] | None:
    """The body as a line is told it, our number and our links in it; None for what GREEN-API has no kind for.

    `phone` is the linked number. Changes of a message, which have no id of their own in our words, get a lasting one.
    """
    told = _told(said, wid(phone), links)
    if told is None:
        return None
    kind, fields = told
    if isinstance(said.what, StateChanged) and said.what.phone:
        phone = said.what.phone
    return {
        "typeWebhook": kind,
        "instanceData": {"idInstance": number, "wid": wid(phone), "typeInstance": "whatsapp"},
        "timestamp": int((said.happened_at or now).timestamp()),
        **fields,
    }


def _told(said: Notification, own: str, links: Links) -> Told | None:
    match said.what:
        case StateChanged() as what:
            return "stateInstanceChanged", {"stateInstance": STATES.get(what.link, "starting")}
        case MessageProgressed() as what:
            if what.status == "pending":  # journals have it, notifications begin with `sent`
                return None
            return "outgoingMessageStatus", _progressed(what)
        case CallChanged() as what:
            return f"{what.direction}Call", _called(what, own)
        case MessageReceived() as what:
            data = contents.data_of(what.kind, what.content, link=_link(said, what.content, links))
            sender = _sender(what.chat_id, what.sender, what.sender_name)
            return "incomingMessageReceived", _message(what.message_id, sender, data)
        case MessageEchoed() as what:
            link = _link(said, what.content, links)
            data = contents.data_of(what.kind, what.content, link=link, by_api=what.by_api, own=True)
            kind = "outgoingAPIMessageReceived" if what.by_api else "outgoingMessageReceived"
            return kind, _message(what.message_id, _sender(what.chat_id, own, None), data)
        case MessageEdited() | MessageDeleted() | PollVoted() | ReactionReceived() as what:
            if not what.chat_id:  # of a message that nobody here knows; a notification without a chat breaks clients
                return None
            return _changed(what, made_id(said.dedupe), own)
    return None


def _changed(what: MessageEdited | MessageDeleted | PollVoted | ReactionReceived, event_id: str, own: str) -> Told:
    name = None
    if isinstance(what, MessageEdited):
        data, is_own = contents.edited(what.message_id, what.content), what.own
    elif isinstance(what, MessageDeleted):
        data, is_own = contents.deleted(what.message_id), what.own
    elif isinstance(what, PollVoted):
        data = contents.votes(what.message_id, what.question or "", what.votes, multiple=False)
        is_own = bool(own) and what.sender == own
    else:
        data, is_own, name = contents.reaction(what.emoji or "", what.message_id, ""), False, what.sender_name
    kind = "outgoingMessageReceived" if is_own else "incomingMessageReceived"
    sender = own or what.sender if is_own else what.sender
    return kind, _message(event_id, _sender(what.chat_id, sender, name), data)


def _message(message_id: str, sender: dict[str, str], data: dict[str, Any]) -> dict[str, Any]:
    return {"idMessage": message_id, "senderData": sender, "messageData": data}


def _sender(chat_id: str, sender: str, name: str | None) -> dict[str, str]:
    """The chat's own name is known where the chat is the person who wrote."""
    return {
        "chatId": chat_id,
        "chatName": name or "" if sender == chat_id else "",
        "sender": sender,
        "senderName": name or "",
        "senderContactName": "",
    }


def _progressed(what: MessageProgressed) -> dict[str, Any]:
    status = progress(what.status, what.reason)
    fields = {"chatId": what.chat_id, "idMessage": what.message_id, "status": status, "sendByApi": True}
    return {**fields, "description": TOO_LARGE_GROUP} if what.reason == "group_too_large" else fields


def _called(what: CallChanged, own: str) -> dict[str, Any]:
    status = CALLS.get(what.status, "invalid")
    fields = {"idMessage": what.call_id, "status": status, "isVideo": what.is_video}
    if what.direction == "incoming":
        return {"from": what.chat_id, **fields}
    others = [{"id": what.chat_id, "status": status}]
    return {"from": own, **fields, "duration": what.duration_seconds or 0, "participants": others}


def _link(said: Notification, content: dict[str, Any], links: Links) -> str:
    name = content.get("file_name")
    return links(said.file_link, name if isinstance(name, str) else "") if said.file_link else ""
