"""What happened, as the events that Whapi's webhooks are told: for one thing often two, of which a hook takes its own.

A message is `messages.post`; a change of one is an action, `messages.post`, and the changed message, `messages.patch`,
or for one that was taken back `messages.delete`. A link is `channel.post`, and who it is `users.post` and
`users.delete`. Sources: webhook payloads of the Whapi gate reference, help desk on tracked events (read 2026-11-21).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from app.lines.channel_words import contents, messages, people, values
from app.lines.channel_words.messages import Spoken
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
    Unmapped,
)

Links = Callable[[str, str], str]
Changed = MessageEdited | MessageDeleted | PollVoted | ReactionReceived
CALLS: Final = {
    "ringing": "ringing",
    "answered": "answered",
    "missed": "missed",
    "declined": "canceled",
    "unknown": "initiated",
}
NATIVE: Final = (
    "chats",
    "chats_updates",
    "chats_removed",
    "contacts",
    "contacts_updates",
    "groups",
    "groups_participants",
    "groups_updates",
    "presences",
    "labels",
    "labels_removed",
)
"""Payloads that we have no word for, and that a gateway of the same words may have told."""
WORDS: Final = "whapi"
"""What `Traits.words` calls this language."""
VERBS: Final = ("post", "put", "patch", "delete")
DROPPED: Final = "link"
"""The gateway's own address of a file; of a last message we have no link of ours to put in its place."""
OF_THE_GATEWAY: Final = re.compile(r"(?i)https?://[^/]*whapi")


@dataclass(frozen=True)
class Told:
    """One event: its type, its verb, and its payload without the frame."""

    type: str
    verb: str
    payload: Mapping[str, Any]


def told(
    said: Notification,
    *,
    number: int,
    phone: str | None,
    since: datetime | None,
    now: datetime,
    links: Links,
    name: str | None = None,
    parsed: Mapping[str, Any] | None = None,
) -> list[Told]:
    """The events of a notification, none for what Whapi has no event for.

    `phone` is the linked number, `name` its owner's, `since` when the instance was made. `parsed` is what a gateway of
    Whapi's words sent: of what we have no word for, such as changes of groups, it is passed on.
    """
    at = values.seconds(said.happened_at or now)
    own = f"{phone}@c.us" if phone else ""
    match said.what:
        case StateChanged() as what:
            return _state(what, number, (phone, name), since, at)
        case MessageProgressed() as what:
            row = messages.status(what.message_id, what.chat_id, what.status, at, reason=what.reason)
            return [Told("statuses", "post", {"statuses": [row]})]
        case CallChanged() as what:
            return [Told("calls", "post", {"calls": [_call(what, own, at)]})]
        case MessageReceived() | MessageEchoed() as what:
            spoken = _spoken(what, own, at, _link(said, what.content, links))
            return [Told("messages", "post", {"messages": [messages.message(spoken)]})]
        case MessageEdited() | MessageDeleted() | PollVoted() | ReactionReceived() as what:
            return _changed(what, values.made_id(said.dedupe), own, at)
        case Unmapped() if parsed is not None:
            return _native(parsed)
    return []


def framed(event: Told, *, mode: str, channel_id: str) -> dict[str, Any]:
    """The body of a call to a hook; in the mode `method` the verb of the call tells what happened, not the body."""
    frame = {} if mode == "method" else {"event": {"type": event.type, "event": event.verb}}
    return {**event.payload, **frame, "channel_id": channel_id}


def sample(type_: str, *, number: int, now: datetime) -> Told:
    """An event to try a hook with; a type whose events we have no sample of has an empty list."""
    at, own, ann = values.seconds(now), "15550000000@c.us", "15550001234@c.us"
    if type_ == "messages":
        row = messages.message(Spoken("SAMPLE0MESSAGE-01", ann, "text", {"text": "Hi"}, sender=ann, at=at))
        return Told(type_, "post", {"messages": [row]})
    if type_ == "statuses":
        return Told(type_, "post", {"statuses": [messages.status("SAMPLE0MESSAGE-01", ann, "delivered", at)]})
    if type_ == "calls":
        call = CallChanged("SAMPLE0CALL", ann, "incoming", "ringing", is_video=False, duration_seconds=None)
        return Told(type_, "post", {"calls": [_call(call, own, at)]})
    if type_ == "channel":
        return Told(type_, "post", {"health": people.health("connected", number=number, since=at, now=at)})
    if type_ == "users":
        return Told(type_, "post", {"user": people.user(values.person(own))})
    return Told(type_, "post", {type_: []})


def _state(
    what: StateChanged, number: int, known: tuple[str | None, str | None], since: datetime | None, at: int
) -> list[Told]:
    phone, name = known
    linked = what.phone or phone
    started = values.seconds(since) or at
    health = people.health(what.link, number=number, phone=linked, name=name, since=started, now=at)
    found = [Told("channel", "post", {"health": health})]
    if what.link == "connected":
        found.append(Told("users", "post", {"user": people.user(linked, name)}))
    elif what.link == "unpaired" and phone:
        found.append(Told("users", "delete", {"user": people.user(phone)}))
    return found


def _spoken(what: MessageReceived | MessageEchoed, own: str, at: int, link: str) -> Spoken:
    if isinstance(what, MessageReceived):
        return Spoken(
            what.message_id,
            what.chat_id,
            what.kind,
            what.content,
            sender=what.sender,
            sender_name=what.sender_name,
            at=at,
            link=link,
        )
    return Spoken(
        what.message_id,
        what.chat_id,
        what.kind,
        what.content,
        own=True,
        sender=own,
        by_api=what.by_api,
        at=at,
        link=link,
    )


def _changed(what: Changed, action_id: str, own: str, at: int) -> list[Told]:
    is_own = what.own if isinstance(what, MessageEdited | MessageDeleted) else bool(own) and what.sender == own
    name = what.sender_name if isinstance(what, ReactionReceived) else None
    sender = own or what.sender if is_own else what.sender
    by = Spoken(action_id, what.chat_id, "action", own=is_own, sender=sender, sender_name=name, at=at)
    about, after = _change(what)
    if not what.chat_id:  # somebody took it back, and neither who nor where is told
        return [Told("messages", "delete", {"messages_removed": [what.message_id]})]
    action = messages.action(by, about)
    found = [Told("messages", "post", {"messages": [action]})]
    if isinstance(what, MessageDeleted):
        return [*found, Told("messages", "delete", {"messages_removed": [what.message_id]})]
    update = {
        "id": what.message_id,
        "trigger": action,
        "before_update": {},  # our words tell what became of it, not what it was
        "after_update": after,
        "changes": list(after),
    }
    return [*found, Told("messages", "patch", {"messages_updates": [update]})]


def _change(what: Changed) -> tuple[dict[str, Any], dict[str, Any]]:
    """The action, and the fields of the changed message as they are after it."""
    if isinstance(what, MessageDeleted):
        return contents.delete(what.message_id), {}
    if isinstance(what, ReactionReceived):
        rows = [{"emoji": what.emoji, "id": values.person(what.sender)}] if what.emoji else []
        return contents.reaction(what.message_id, what.emoji), {"reactions": rows}
    if isinstance(what, PollVoted):
        about = contents.vote(what.message_id, what.votes, what.sender)
        return about, {"poll": contents.poll_state(what.question or "", what.votes)}
    about = contents.edit(what.message_id, what.content)
    return about, {"text": about["edited_content"]} if "edited_type" in about else about["edited_content"]


def _call(what: CallChanged, own: str, at: int) -> dict[str, Any]:
    ended = "answered" if what.duration_seconds else "canceled"
    return {
        "id": what.call_id,
        "chat_id": values.chat(what.chat_id),
        "from": values.person(what.chat_id if what.direction == "incoming" else own),
        "status": CALLS.get(what.status, ended),
        "timestamp": at,
        "video_call": what.is_video,
        "group_call": what.chat_id.endswith("@g.us"),
    }


def _native(parsed: Mapping[str, Any]) -> list[Told]:
    event = parsed.get("event")
    if not isinstance(event, Mapping):
        return []
    type_, verb = event.get("type"), event.get("event") or event.get("method")
    payload = {name: _without_links(parsed[name]) for name in NATIVE if name in parsed}
    return [Told(type_, verb, payload)] if payload and isinstance(type_, str) and verb in VERBS else []


def _without_links(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_links(item) for item in value]
    if isinstance(value, str):
        return "" if OF_THE_GATEWAY.match(value) else value
    if not isinstance(value, dict):
        return value
    return {name: _without_links(item) for name, item in value.items() if name != DROPPED}


def _link(said: Notification, content: Mapping[str, Any], links: Links) -> str:
    name = content.get("file_name")
    return links(said.file_link, name if isinstance(name, str) else "") if said.file_link else ""
