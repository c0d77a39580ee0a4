"""Pure rules: what a notification of GREEN-API says, in our words.

Sources: GREEN-API pages on the notifications format and its kinds, issues 541, 683 and 684 on duplicates
(all read 2026-11-21).
"""

import hashlib
import json
from typing import Any, Final

from app.providers.events import (
    Happening,
    MessageEchoed,
    MessageProgressed,
    MessageReceived,
    Notification,
    StateChanged,
    Unmapped,
)
from app.providers.green_api.account import link_of
from app.providers.green_api.contents import read_content
from app.providers.green_api.reading import instant, number_in, object_in, phone_of, text_in
from app.providers.port import Link

PASSED_ON: Final = frozenset({"sent", "delivered", "read"})
FAILURES: Final = {
    "failed": "rejected_by_whatsapp",
    "noAccount": "recipient_not_on_whatsapp",
    "notInGroup": "recipient_not_in_group",
    "yellowCard": "account_limited",
    "suspended": "account_limited",
}
GROUP_TOO_LARGE: Final = "SWE004"
TELLING_APART: Final = ("stateInstance", "statusInstance", "status", "chatId", "chatState", "from")


def read_notice(body: Any) -> Notification:
    """What a notification says. Never raises; what has no word of ours yet comes as `Unmapped`."""
    upstream_type = text_in(body, "typeWebhook")
    what = _happening(upstream_type, body) or Unmapped(upstream_type)
    return Notification(
        upstream_id=number_in(object_in(body, "instanceData"), "idInstance"),
        kind=str(type(what).__struct_config__.tag),
        dedupe=_dedupe(upstream_type, body),
        happened_at=instant(body.get("timestamp")) if isinstance(body, dict) else None,
        what=what,
    )


def _happening(upstream_type: str, body: Any) -> Happening | None:
    if upstream_type == "stateInstanceChanged":
        return _state_changed(body)
    if upstream_type == "outgoingMessageStatus":
        return _progressed(body)
    if upstream_type == "incomingMessageReceived":
        return _received(body)
    if upstream_type in ("outgoingMessageReceived", "outgoingAPIMessageReceived"):
        return _echoed(body, by_api=upstream_type == "outgoingAPIMessageReceived")
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


def _received(body: Any) -> MessageReceived | None:
    message_id, sender = text_in(body, "idMessage"), object_in(body, "senderData")
    chat_id = text_in(sender, "chatId")
    if not message_id or not chat_id:
        return None
    kind, content = read_content(object_in(body, "messageData"))
    name = text_in(sender, "senderName") or text_in(sender, "senderContactName")
    return MessageReceived(message_id, chat_id, text_in(sender, "sender") or chat_id, name or None, kind, content)


def _echoed(body: Any, *, by_api: bool) -> MessageEchoed | None:
    message_id, chat_id = text_in(body, "idMessage"), text_in(object_in(body, "senderData"), "chatId")
    if not message_id or not chat_id:
        return None
    kind, content = read_content(object_in(body, "messageData"))
    return MessageEchoed(message_id, chat_id, kind, content, by_api)


def _dedupe(upstream_type: str, body: Any) -> bytes:
    """SHA-256 over what stays the same when a notification comes twice, and differs between two."""
    message_id = text_in(body, "idMessage")
    if message_id:
        kind = text_in(object_in(body, "messageData"), "typeMessage")
        parts: list[Any] = [upstream_type, message_id, text_in(body, "status"), kind]
    elif number_in(body, "timestamp") is not None:
        # Two states can follow each other within the second that timestamps count in.
        parts = [upstream_type, number_in(body, "timestamp"), *(text_in(body, name) for name in TELLING_APART)]
    else:
        parts = [upstream_type, body]
    try:
        canonical = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    except RecursionError:
        canonical = json.dumps([upstream_type, sorted(body) if isinstance(body, dict) else ""])
    return hashlib.sha256(canonical.encode()).digest()
