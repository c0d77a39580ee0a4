"""Pure rules: what a callback of Whapi says, in our words.

What it says is known by the key of its payload; `event` tells the verb, under two names. Sources: webhook payloads of
the Whapi gate reference, help desk on tracked events (read 2026-11-21).
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

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
from app.providers.port import Link
from app.providers.reading import instant, list_in, object_in, phone_of, text_in
from app.providers.whapi.account import link_of
from app.providers.whapi.client import state_of
from app.providers.whapi.contents import FILES, file_of, read_content, results_of
from app.providers.whapi.contents import link_of as file_link
from app.providers.whapi.ids import is_number, ours

PROGRESS: Final = {"pending": "pending", "sent": "sent", "delivered": "delivered", "read": "read", "played": "read"}
CALLS: Final = {
    "initiated": "ringing",
    "ringing": "ringing",
    "answered": "answered",
    "missed": "missed",
    "canceled": "missed",
}
NO_ACCOUNT: Final = ("not on whatsapp", "not registered", "no account", "invalid wa")
WORDED: Final = ("text", "link_preview", *FILES)
NOBODYS: Final = frozenset({"system", "call", "pin"})
"""Types of messages that nobody wrote."""


class Read(Struct, frozen=True):
    """What one entry says; None when we have no word for it. `key` is the same when it comes twice."""

    what: Happening | None
    key: list[Any]
    at: datetime | None = None


def read_notice(body: Any) -> Notification:
    """What a callback says, of several entries the first (see `apart`).

    Never raises; what has no word of ours yet comes as `Unmapped`, whose type is such as `groups.put`.
    """
    type_, verb = event_of(body)
    name = f"{type_}.{verb}"
    read = _read(body, _verb(body))
    what = read.what or Unmapped(name)
    account = text_in(body, "channel_id") or None
    return Notification(
        account=account,
        kind=str(type(what).__struct_config__.tag),
        dedupe=_digest([account, *read.key], body),
        happened_at=read.at,
        what=what,
        file_link=_file_link(body),
    )


def apart(body: Any) -> list[Any]:
    """A callback as callbacks of one entry each, in their order: a list of messages or statuses may hold several."""
    if not isinstance(body, dict):
        return [body]
    frame = {name: body[name] for name in ("event", "channel_id") if name in body}
    found = [{key: [row], **frame} for key in ENTRIES for row in list_in(body, key)]
    return found if len(found) > 1 else [body]


def event_of(body: Any) -> tuple[str, str]:
    """Type and verb of a callback, `post` where none is told."""
    return text_in(object_in(body, "event"), "type") or "unknown", _verb(body) or "post"


def _verb(body: Any) -> str:
    """The verb, which is `event` in samples and `method` in the reference; empty when none is told."""
    event = object_in(body, "event")
    return (text_in(event, "event") or text_in(event, "method")).lower()


def _read(body: Any, verb: str) -> Read:
    for key, read in ENTRIES.items():
        rows = list_in(body, key)
        if rows:
            return read(rows[0])
    if state := state_of(object_in(body, "health")):
        phone = phone_of(text_in(object_in(body["health"], "user"), "id"))
        link = link_of(state)
        return Read(StateChanged(link.value, phone if link is Link.CONNECTED else None), ["", body])
    if user := object_in(body, "user"):
        if verb == "delete":
            return Read(StateChanged(Link.UNPAIRED.value, None), ["", body])
        if verb == "post":
            return Read(StateChanged(Link.CONNECTED.value, phone_of(text_in(user, "id"))), ["", body])
    return Read(None, ["", body])


def _message(row: Any) -> Read:
    return Read(_said(row), _message_key(row), _at(row))


def _message_key(row: Any) -> list[Any]:
    """The same for a message told as `post` and as `put`, and for an action told as a change as well."""
    action = object_in(row, "action")
    if text_in(action, "type") == "delete" and text_in(action, "target"):
        return ["deleted", text_in(action, "target")]
    return ["message", text_in(row, "id")] if text_in(row, "id") else ["", row]


def _said(row: Any) -> Happening | None:
    message_id, chat_id = text_in(row, "id"), ours(text_in(row, "chat_id"))
    upstream_kind = text_in(row, "type")
    if not message_id or not chat_id or upstream_kind in NOBODYS:
        return None
    kind, content = read_content(row)
    sender, own = ours(text_in(row, "from")) or chat_id, row.get("from_me") is True
    if kind in ("edited", "deleted", "poll_vote", "reaction") or upstream_kind == "action":
        if not content.get("message_id"):
            return None
        if kind == "edited":
            return MessageEdited(content["message_id"], chat_id, sender, _words(content), own)
        if kind == "deleted":
            return MessageDeleted(content["message_id"], chat_id, sender, own)
        if kind == "poll_vote":
            return _voted(row, content, chat_id, sender)
        if kind != "reaction":
            return None
        if not own:
            return ReactionReceived(content["message_id"], chat_id, sender, _name(row), content.get("emoji") or None)
    if own:
        return MessageEchoed(message_id, chat_id, kind, content, text_in(row, "source") == "api")
    return MessageReceived(message_id, chat_id, sender, _name(row), kind, content)


def _voted(row: Any, content: dict[str, Any], chat_id: str, sender: str) -> PollVoted | None:
    """A vote as an action tells one voter's choice; the poll's whole state comes as a change of the poll."""
    if text_in(row, "type") == "action":
        return None
    return PollVoted(content["message_id"], chat_id, sender, content.get("question"), content["votes"])


def _update(row: Any) -> Read:
    """A changed message. `trigger` is the action that changed it, which is told by itself as well."""
    trigger, after = object_in(row, "trigger"), object_in(row, "after_update")
    before = object_in(row, "before_update")
    message_id = text_in(row, "id") or text_in(after, "id")
    at = _at(trigger)
    if trigger and read_content(trigger)[0] != "poll_vote":
        return _message(trigger)
    if not message_id:
        return Read(None, ["", row])
    if list_in(object_in(after, "poll"), "results"):
        return Read(_poll_changed(message_id, before, after, trigger), _update_key(row, after, trigger), at)
    known = {**before, **after}
    words = _worded(after)
    if words and words != _worded(before):
        chat_id, own = ours(text_in(known, "chat_id")), known.get("from_me") is True
        sender = ours(text_in(known, "from")) or chat_id
        return Read(MessageEdited(message_id, chat_id, sender, words, own), ["edited", message_id, words], at)
    return Read(None, ["", row])


def _update_key(row: Any, after: dict[str, Any], trigger: dict[str, Any]) -> list[Any]:
    """A poll that is back in an earlier state is another vote, if the vote is told."""
    if text_in(trigger, "type") == "poll_update":
        return _message_key(trigger)
    return ["poll", text_in(row, "id"), text_in(trigger, "id"), results_of(object_in(after, "poll"))]


def _poll_changed(message_id: str, before: dict[str, Any], after: dict[str, Any], trigger: dict[str, Any]) -> PollVoted:
    known = {**before, **after}
    votes = results_of(object_in(after, "poll"))
    sender = ours(text_in(trigger, "from")) or _changed_voter(results_of(object_in(before, "poll")), votes)
    chat_id = ours(text_in(known, "chat_id")) or ours(text_in(trigger, "chat_id"))
    question = text_in(object_in(known, "poll"), "title") or None
    return PollVoted(message_id, chat_id, sender or chat_id, question, votes)


def _changed_voter(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> str:
    """Who chose anew, when it is one only."""
    pairs = [{(row["option"], voter) for row in rows for voter in row["voters"]} for rows in (before, after)]
    changed = {voter for _, voter in pairs[0] ^ pairs[1]}
    return changed.pop() if len(changed) == 1 else ""


def _removed(row: Any) -> Read:
    """Only the id is told, neither the chat nor who did it."""
    if not isinstance(row, str) or not row:
        return Read(None, ["", row])
    message_id = text_in({"id": row}, "id")
    return Read(MessageDeleted(message_id, "", "", own=False), ["deleted", message_id])


def _status(row: Any) -> Read:
    message_id, chat_id = text_in(row, "id"), ours(text_in(row, "recipient_id"))
    told = text_in(row, "status")
    key = ["status", message_id, told, text_in(row, "viewer_id"), text_in(row, "recipient_id")]
    at = _at(row)
    if message_id and told in PROGRESS:
        return Read(MessageProgressed(message_id, chat_id, PROGRESS[told], None), key, at)
    if message_id and told == "failed":
        return Read(MessageProgressed(message_id, chat_id, "failed", _reason(row)), key, at)
    return Read(None, key if message_id else ["", row], at)


def _reason(row: Any) -> str:
    told = " ".join(text_in(error, name) for error in list_in(row, "errors") for name in ("message", "details"))
    return "recipient_not_on_whatsapp" if any(mark in told.lower() for mark in NO_ACCOUNT) else "rejected_by_whatsapp"


def _call(row: Any) -> Read:
    """Who called is `from`; of a call to somebody else than the chat's person it is the account itself (choice)."""
    call_id, caller = text_in(row, "id"), ours(text_in(row, "from"))
    chat_id = ours(text_in(row, "chat_id")) or caller
    if not call_id or not chat_id:
        return Read(None, ["", row])
    told = text_in(row, "status")
    of_persons = is_number(chat_id.partition("@")[0]) and chat_id.endswith("@c.us") and caller.endswith("@c.us")
    direction = "outgoing" if of_persons and caller != chat_id else "incoming"
    what = CallChanged(call_id, chat_id, direction, CALLS.get(told, "unknown"), row.get("video_call") is True, None)
    return Read(what, ["call", call_id, told], _at(row))


def _file_link(body: Any) -> str | None:
    """Where the file of a message is; only kinds that are downloaded by themselves have an address."""
    rows = list_in(body, "messages")
    return file_link(file_of(rows[0])) if rows else None


def _worded(part: dict[str, Any]) -> dict[str, Any]:
    """The words of a message of which only the changed fields are told, perhaps without its type."""
    type_ = text_in(part, "type") or next((name for name in WORDED if name in part), "")
    return _words(read_content({**part, "type": type_})[1])


def _words(content: dict[str, Any]) -> dict[str, Any]:
    return {name: content[name] for name in ("text", "caption") if name in content}


def _at(row: Any) -> datetime | None:
    return instant(row.get("timestamp")) if isinstance(row, dict) else None


def _name(row: Any) -> str | None:
    return text_in(row, "from_name") or None


ENTRIES: Final[Mapping[str, Callable[[Any], Read]]] = {
    "messages": _message,
    "messages_updates": _update,
    "messages_removed": _removed,
    "statuses": _status,
    "calls": _call,
}
"""Keys under which a callback holds a list of what happened, and how an entry is read."""


def _digest(key: list[Any], body: Any) -> bytes:
    try:
        canonical = json.dumps(key, sort_keys=True, separators=(",", ":"))
    except RecursionError:
        canonical = json.dumps(sorted(body) if isinstance(body, dict) else "")
    return hashlib.sha256(canonical.encode()).digest()
