"""Pure rules: what a notification of GREEN-API says, in our words.

Sources: GREEN-API pages on the notifications format and its kinds, issues 541, 683 and 684 on duplicates
(all read 2026-11-21).
"""

import hashlib
import json
import re
from typing import Any, Final

from app.providers.events import (
    CallChanged,
    Happening,
    MessageDeleted,
    MessageEchoed,
    MessageEdited,
    MessageProgressed,
    MessageReceived,
    Notification,
    PollVoted,
    ReactionReceived,
    StateChanged,
    Unmapped,
)
from app.providers.green_api.account import link_of
from app.providers.green_api.contents import read_content
from app.providers.green_api.journal import CALLS, FAILURES, link_in
from app.providers.green_api.reading import account_in
from app.providers.port import Link
from app.providers.reading import instant, list_in, number_in, object_in, phone_of, text_in

PASSED_ON: Final = frozenset({"sent", "delivered", "read"})
GROUP_TOO_LARGE: Final = "SWE004"
CHAT: Final = re.compile(r"[0-9-]{1,40}@[a-z.]{1,20}")
TELLING_APART: Final = ("stateInstance", "statusInstance", "status", "chatId", "chatState", "from")
TELLING_MORE: Final = ("quotaData", "deviceData", "avatarInfo")
CHANGING: Final = frozenset({"editedMessage", "deletedMessage", "reactionMessage", "pollUpdateMessage"})


def read_notice(body: Any) -> Notification:
    """What a notification says. Never raises; what has no word of ours yet comes as `Unmapped`."""
    upstream_type = text_in(body, "typeWebhook")
    what = _happening(upstream_type, body) or Unmapped(upstream_type)
    return Notification(
        account=account_in(object_in(body, "instanceData")),
        kind=str(type(what).__struct_config__.tag),
        dedupe=_dedupe(upstream_type, body),
        happened_at=instant(body.get("timestamp")) if isinstance(body, dict) else None,
        what=what,
        file_link=_file_link(object_in(body, "messageData")),
    )


def _file_link(data: dict[str, Any]) -> str | None:
    """Where a file is; None when there is none, or a mark stands in its place."""
    return link_in(object_in(data, "fileMessageData"), "downloadUrl")


def _happening(upstream_type: str, body: Any) -> Happening | None:
    if upstream_type == "stateInstanceChanged":
        return _state_changed(body)
    if upstream_type == "outgoingMessageStatus":
        return _progressed(body)
    if upstream_type == "incomingMessageReceived":
        return _received(body)
    if upstream_type in ("outgoingMessageReceived", "outgoingAPIMessageReceived"):
        return _echoed(body, by_api=upstream_type == "outgoingAPIMessageReceived")
    if upstream_type in ("incomingCall", "outgoingCall"):
        return _called(body, incoming=upstream_type == "incomingCall")
    return None


def _state_changed(body: Any) -> StateChanged:
    link = link_of(text_in(body, "stateInstance"))
    phone = None if link is Link.UNPAIRED else phone_of(text_in(object_in(body, "instanceData"), "wid"))
    return StateChanged(link.value, phone)


def _progressed(body: Any) -> MessageProgressed | None:
    message_id, chat_id, said = text_in(body, "idMessage"), text_in(body, "chatId"), text_in(body, "status")
    if not message_id:
        return None
    if said in PASSED_ON:
        return MessageProgressed(message_id, chat_id, said, None)
    reason = FAILURES.get(said)
    if reason is None:
        return None
    if text_in(body, "description").startswith(GROUP_TOO_LARGE):
        reason = "group_too_large"
    return MessageProgressed(message_id, chat_id, "failed", reason)


def _received(body: Any) -> Happening | None:
    message_id, sender = text_in(body, "idMessage"), object_in(body, "senderData")
    chat_id = text_in(sender, "chatId")
    if not message_id or not chat_id:
        return None
    kind, content = read_content(object_in(body, "messageData"))
    who, name = text_in(sender, "sender") or chat_id, _name(sender)
    if kind == "reaction" and content.get("message_id"):
        return ReactionReceived(content["message_id"], chat_id, who, name, content.get("emoji"))
    changed = _changed(kind, content, chat_id, who, own=False)
    return changed or MessageReceived(message_id, chat_id, who, name, kind, content)


def _echoed(body: Any, *, by_api: bool) -> Happening | None:
    message_id, sender = text_in(body, "idMessage"), object_in(body, "senderData")
    chat_id = text_in(sender, "chatId")
    if not message_id or not chat_id:
        return None
    kind, content = read_content(object_in(body, "messageData"))
    changed = _changed(kind, content, chat_id, text_in(sender, "sender") or chat_id, own=True)
    return changed or MessageEchoed(message_id, chat_id, kind, content, by_api)


def _changed(kind: str, content: dict[str, Any], chat_id: str, sender: str, *, own: bool) -> Happening | None:
    """What changes an earlier message; None when it is a message of its own, or does not name the earlier one."""
    message_id = content.get("message_id")
    if not message_id:
        return None
    if kind == "edited":
        told: dict[str, Any] = {name: content[name] for name in ("text", "caption") if name in content}
        return MessageEdited(message_id, chat_id, sender, told, own)
    if kind == "deleted":
        return MessageDeleted(message_id, chat_id, sender, own)
    if kind == "poll_vote":
        return PollVoted(message_id, chat_id, sender, content.get("question"), content["votes"])
    return None


def _called(body: Any, *, incoming: bool) -> CallChanged | None:
    """Source: IncomingCall page; `outgoingCall` stands in the Postman collection only.

    An outgoing call is `from` the account itself: its chat is who was called, of several the first that is a chat.
    """
    call_id, caller = text_in(body, "idMessage"), text_in(body, "from")
    named = (text_in(each, "id") for each in list_in(body, "participants"))
    called = next((each for each in named if CHAT.fullmatch(each)), "")
    is_own = caller == text_in(object_in(body, "instanceData"), "wid")
    chat_id = caller if incoming or not (called or is_own) else called
    if not call_id or not chat_id:
        return None
    status = CALLS.get(text_in(body, "status"), "unknown")
    seconds, is_video = number_in(body, "duration"), body.get("isVideo") is True
    return CallChanged(call_id, chat_id, "incoming" if incoming else "outgoing", status, is_video, seconds)


def _name(sender: dict[str, Any]) -> str | None:
    return text_in(sender, "senderName") or text_in(sender, "senderContactName") or None


def _dedupe(upstream_type: str, body: Any) -> bytes:
    """SHA-256 over what stays the same when a notification comes twice, and differs between two.

    What changes an earlier message is known by what it says besides: a poll may tell each new vote under one id.
    """
    message_id = text_in(body, "idMessage")
    if message_id:
        data = object_in(body, "messageData")
        kind = text_in(data, "typeMessage")
        parts: list[Any] = [upstream_type, message_id, text_in(body, "status"), kind]
        if kind in CHANGING:
            parts.append(read_content(data)[1])
    elif number_in(body, "timestamp") is not None:
        # Two states can follow each other within the second that timestamps count in.
        parts = [upstream_type, number_in(body, "timestamp"), *(text_in(body, name) for name in TELLING_APART)]
        parts += [object_in(body, name) for name in TELLING_MORE if object_in(body, name)]
    else:
        parts = [upstream_type, body]
    try:
        canonical = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    except RecursionError:
        canonical = json.dumps([upstream_type, sorted(body) if isinstance(body, dict) else ""])
    return hashlib.sha256(canonical.encode()).digest()
