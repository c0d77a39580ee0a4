"""Acts of the phone about messages: what its owner and other people write, read and do on their own phones."""

from collections.abc import Callable
from typing import Any

from simulator.phone import NotNow
from simulator.whapi import content, files, ids, posting, state
from simulator.whapi.channel import Channel
from simulator.whapi.errors import Problem
from simulator.whapi.state import talk_of
from simulator.whapi.talk import BROADCAST, GROUP, PERSON, Message
from simulator.whapi.world import Whapi

Act = Callable[[Whapi, Channel, dict[str, Any]], dict[str, Any]]
"""Raises ValueError (400, unfit body) or `simulator.phone.NotNow` (409, not in this state)."""

SAMPLES: dict[str, dict[str, Any]] = {
    "text": {"body": "hello"},
    "link_preview": {"body": "see https://example.test", "title": "Example"},
    "location": {"latitude": 50.45, "longitude": 30.52},
    "live_location": {"latitude": 50.45, "longitude": 30.52},
    "contact": {"name": "Ada", "vcard": "BEGIN:VCARD\nVERSION:3.0\nFN:Ada\nEND:VCARD"},
    "contact_list": {"list": [{"name": "Ada", "vcard": "BEGIN:VCARD\nVERSION:3.0\nFN:Ada\nEND:VCARD"}]},
    "poll": {"title": "Which?", "options": ["one", "two"]},
    "interactive": {"action": {"buttons": [{"type": "quick_reply", "title": "Yes", "id": "y"}]}},
    "group_invite": {"body": "Join us"},
}
"""What a kind says when the body of an act leaves it open."""
MIMES = {
    "image": ("picture.jpg", "image/jpeg"),
    "video": ("film.mp4", "video/mp4"),
    "short": ("film.mp4", "video/mp4"),
    "gif": ("film.mp4", "video/mp4"),
    "audio": ("sound.mp3", "audio/mpeg"),
    "voice": ("voice.ogg", "audio/ogg"),
    "document": ("document.pdf", "application/pdf"),
    "sticker": ("sticker.webp", "image/webp"),
}
PLAIN_SIZE = 1000
"""Bytes of a file whose size nobody says."""
RAW = ("order", "product", "system", "event", "hsm", "unknown", "reply")
"""Kinds whose content the act gives as it is, in `content`."""


def receive(whapi: Whapi, channel: Channel, body: dict[str, Any]) -> dict[str, Any]:
    """Somebody writes: `{chat_id, kind?, sender?, sender_name?, quoted?, forwarded?, as_lid?, message_id?, …}`.

    The other fields are those of a send of this kind; files: `data` (base64) or `size`, `mime_type`, `file_name`.
    """
    need_linked(channel)
    talk, chat_id = talk_of(channel), _chat(channel, body)
    sender = _sender(channel, body, chat_id)
    if sender in talk.blocked and not chat_id.endswith(GROUP):
        return {"message_id": None}
    person = state.person(whapi, channel, sender, said(body, "sender_name", ""))
    message = _written(whapi, channel, body, chat_id)
    message.from_me, message.author, message.author_name = False, sender, person.row()["name"]
    message.source, message.status, message.device_id = said(body, "source", "mobile"), "", None
    message.id = said(body, "message_id", ids.new_message_id(from_me=False, chat_id=chat_id))
    message.lid = ids.lid_of(sender) if body.get("as_lid") else ""
    posting.post(whapi, channel, message)
    return {"message_id": message.id, "message": message.row()}


def send_from_phone(whapi: Whapi, channel: Channel, body: dict[str, Any]) -> dict[str, Any]:
    """The owner writes on the phone itself, or in a browser when `source` is `web`."""
    need_linked(channel)
    message = _written(whapi, channel, body, _chat(channel, body))
    message.source = said(body, "source", "mobile")
    message.id = said(body, "message_id", message.id)
    posting.post(whapi, channel, message)
    return {"message_id": message.id, "message": message.row()}


def story(whapi: Whapi, channel: Channel, body: dict[str, Any]) -> dict[str, Any]:
    """Somebody posts a story: `{sender, kind?, …}`, or the owner does on his phone: `{from_me: true}`."""
    if body.get("from_me"):
        return send_from_phone(whapi, channel, {**body, "chat_id": BROADCAST})
    return receive(whapi, channel, {**body, "chat_id": BROADCAST})


def deliver(whapi: Whapi, channel: Channel, body: dict[str, Any]) -> dict[str, Any]:
    """An own message reaches its recipients, or one of them: `{message_id, by?}`."""
    return _move(whapi, channel, body, "delivered")


def read(whapi: Whapi, channel: Channel, body: dict[str, Any]) -> dict[str, Any]:
    """An own message is read, a story seen; by all or by one: `{message_id, by?}`."""
    return _move(whapi, channel, body, "read")


def play(whapi: Whapi, channel: Channel, body: dict[str, Any]) -> dict[str, Any]:
    """An own voice note is listened to."""
    return _move(whapi, channel, body, "played")


def sent(whapi: Whapi, channel: Channel, body: dict[str, Any]) -> dict[str, Any]:
    """An own message leaves for WhatsApp; for when the knob leaves it to this act."""
    return _move(whapi, channel, body, "sent")


def fail(whapi: Whapi, channel: Channel, body: dict[str, Any]) -> dict[str, Any]:
    """An own message that was not delivered yet fails."""
    need_linked(channel)
    message = _message(channel, body)
    if not message.from_me or message.status not in ("pending", "sent"):
        raise NotNow("no own message on its way")
    posting.fail(whapi, channel, message)
    return {}


def read_on_phone(whapi: Whapi, channel: Channel, body: dict[str, Any]) -> dict[str, Any]:
    """The owner reads an incoming message on the phone."""
    need_linked(channel)
    posting.mark_read(whapi, channel, _message(channel, body))
    return {}


def react(whapi: Whapi, channel: Channel, body: dict[str, Any]) -> dict[str, Any]:
    """Somebody reacts: `{message_id, emoji, by?, from_me?}`; an empty emoji takes it back."""
    need_linked(channel)
    message = _message(channel, body)
    by = _doer(whapi, channel, body, message)
    posting.react(whapi, channel, message, said(body, "emoji"), by=by)
    return {"action_id": by.id}


def vote(whapi: Whapi, channel: Channel, body: dict[str, Any]) -> dict[str, Any]:
    """Somebody votes on a poll: `{message_id, options: [name], by?, from_me?}`."""
    need_linked(channel)
    message, chosen = _message(channel, body), body.get("options")
    if message.type != "poll":
        raise NotNow("the message is no poll")
    names = message.content["options"]
    if not isinstance(chosen, list) or not all(option in names for option in chosen):
        raise ValueError("options are names of the poll's options")
    if message.content["vote_limit"] == 1 and len(chosen) > 1:
        raise ValueError("the poll takes one answer")
    by = _doer(whapi, channel, body, message)
    posting.vote(whapi, channel, message, chosen, by=by)
    return {"action_id": by.id}


def edit(whapi: Whapi, channel: Channel, body: dict[str, Any]) -> dict[str, Any]:
    """The author edits a message on his phone: `{message_id, body}` or `{message_id, caption}`."""
    need_linked(channel)
    message = _message(channel, body)
    changed = {name: body[name] for name in ("body", "caption") if isinstance(body.get(name), str)}
    if not changed:
        raise ValueError("body or caption is required")
    by = _doer(whapi, channel, {"from_me": message.from_me, "by": message.author}, message)
    posting.edit(whapi, channel, message, message.type, {**message.content, **changed}, by=by)
    return {"action_id": by.id}


def revoke(whapi: Whapi, channel: Channel, body: dict[str, Any]) -> dict[str, Any]:
    """The author deletes a message for everybody."""
    need_linked(channel)
    posting.remove(whapi, channel, _message(channel, body))
    return {}


def _written(whapi: Whapi, channel: Channel, body: dict[str, Any], chat_id: str) -> Message:
    kind = said(body, "kind", "text")
    try:
        if kind in RAW:
            words = body.get("content") or {}
        elif kind in content.BUILDERS:
            words = content.built(kind, {**SAMPLES.get(kind, {}), **body})
        else:
            raise ValueError(f"kind is one of {', '.join((*content.BUILDERS, *RAW))}")
        context = content.context(body)
        quoted = body.get("quoted")
        if quoted is not None:
            other = state.message_of(channel, str(quoted))
            context |= {"quoted_id": other.id, "quoted_type": other.type, "quoted_author": other.author}
            context["quoted_content"] = other.said()
    except Problem as problem:
        raise ValueError(problem.details) from None
    if body.get("forwarded"):
        context |= {"forwarded": True, "forwarding_score": 1}
    message = posting.own(whapi, channel, kind, chat_id, words, source="mobile", context=context)
    if kind in MIMES:
        name, mime = MIMES[kind]
        size = body.get("size", PLAIN_SIZE)
        if isinstance(size, bool) or not isinstance(size, int) or not 0 <= size <= 10**8:
            raise ValueError("size is a number of bytes")
        name, mime = said(body, "file_name", name), said(body, "mime_type", mime)
        message.media = files.invented(whapi, channel, name, mime, said(body, "data", ""), size)
        files.publish(whapi, channel, message.media, kind)
    return message


def _doer(whapi: Whapi, channel: Channel, body: dict[str, Any], message: Message) -> Message:
    """An action message of the person who does something to a message."""
    by = posting.own(whapi, channel, "action", message.chat_id, {}, source="mobile")
    if body.get("from_me"):
        return by
    default = message.chat_id.removesuffix(PERSON) if message.chat_id.endswith(PERSON) else None
    who = said(body, "by", default)
    person = state.person(whapi, channel, who, said(body, "by_name", ""))
    by.from_me, by.author, by.author_name, by.status = False, who, person.row()["name"], ""
    by.id, by.lid = ids.new_message_id(from_me=False, chat_id=message.chat_id), message.lid
    return by


def _move(whapi: Whapi, channel: Channel, body: dict[str, Any], status: str) -> dict[str, Any]:
    need_linked(channel)
    message = _message(channel, body)
    by = said(body, "by", "")
    if not message.from_me or message.status == "failed":
        raise NotNow("no own message on its way")
    if not posting.advance(whapi, channel, message, status, by):
        raise NotNow(f"the message is {message.status}")
    return {}


def _chat(channel: Channel, body: dict[str, Any]) -> str:
    chat_id = said(body, "chat_id")
    if chat_id == BROADCAST:
        return chat_id
    try:
        found = ids.chat_of(talk_of(channel), chat_id, "chat_id")
    except Problem as problem:
        raise ValueError(problem.details) from None
    group = talk_of(channel).groups.get(found)
    if found.endswith(GROUP) and (group is None or talk_of(channel).owner not in group.ranks):
        raise NotNow("the phone is not in this group: see the act group_made")
    return found


def _sender(channel: Channel, body: dict[str, Any], chat_id: str) -> str:
    default = chat_id.removesuffix(PERSON) if chat_id.endswith(PERSON) else None
    return said(body, "sender", default).partition("@")[0]


def _message(channel: Channel, body: dict[str, Any]) -> Message:
    found = talk_of(channel).messages.get(said(body, "message_id"))
    if found is None:
        raise NotNow("no such message")
    return found


def need_linked(channel: Channel) -> None:
    """See that a phone is linked.

    Raises:
        NotNow: none is, or the channel is down.
    """
    if not channel.is_linked:
        raise NotNow(f"the channel is in {channel.state}")


def said(body: dict[str, Any], name: str, default: str | None = None) -> str:
    """A text of an act's body.

    Raises:
        ValueError: it is missing without a default, or something else.
    """
    value = body.get(name)
    if value is None:
        if default is None:
            raise ValueError(f"{name} is required")
        return default
    if not isinstance(value, str):
        raise ValueError(f"{name} is a text")
    return value


ACTS: dict[str, Act] = {
    "receive": receive,
    "send_from_phone": send_from_phone,
    "story": story,
    "sent": sent,
    "deliver": deliver,
    "read": read,
    "play": play,
    "fail": fail,
    "read_on_phone": read_on_phone,
    "react": react,
    "vote": vote,
    "edit": edit,
    "revoke": revoke,
}
"""By the name in the address; those about people and groups are in `people_acts.py`."""
