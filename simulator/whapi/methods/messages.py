"""Messages that are there: lists, one of them, read, delete, reactions, stars, and how far they came."""

from typing import Any

from simulator.whapi import ids, posting, state
from simulator.whapi.errors import Problem
from simulator.whapi.state import talk_of
from simulator.whapi.talk import BROADCAST, Message
from simulator.whapi.wire import Call, answer, flag_of, number_of, page, success
from simulator.whapi.world import Whapi
from simulator.wire import Reply

ABNORMAL = frozenset({"system", "action", "poll_update"})
"""Types that only `normal_types=false` lists (choice: it is true when nothing is said)."""


def get_messages(whapi: Whapi, call: Call) -> Reply:
    """Messages of every chat, newest first unless asked otherwise."""
    found = [message for message in talk_of(call.here).messages.values() if message.chat_id != BROADCAST]
    return listed(whapi, call, found)


def get_messages_of_chat(whapi: Whapi, call: Call) -> Reply:
    """Messages of one chat."""
    talk = talk_of(call.here)
    chat_id = ids.chat_of(talk, call.params["ChatID"], "ChatID")
    if "@" not in call.params["ChatID"]:
        raise Problem(400, "ChatID is not a chat id")
    if chat_id not in talk.chats:
        raise Problem(404, "chat not found")
    return listed(whapi, call, [message for message in talk.messages.values() if message.chat_id == chat_id])


def get_message(whapi: Whapi, call: Call) -> Reply:
    """One message."""
    flag_of(call.query, "resync", default=False)
    return answer(state.message_of(call.here, call.params["MessageID"]).row())


def mark_read(whapi: Whapi, call: Call) -> Reply:
    """A message and those before it are read; an own one is left alone (choice)."""
    message = state.message_of(call.here, call.params["MessageID"])
    if not message.from_me:
        posting.mark_read(whapi, call.here, message)
    return success()


def delete_message(whapi: Whapi, call: Call) -> Reply:
    """An own message is gone for everybody, another's for the own phone (choice). Stories: a knob."""
    message = state.message_of(call.here, call.params["MessageID"])
    if message.chat_id == BROADCAST and not whapi.config.stories_deletable:
        raise Problem(404, "message not found")
    posting.remove(whapi, call.here, message)
    return success()


def react(whapi: Whapi, call: Call) -> Reply:
    """An emoji on a message, in place of the one before; an empty one takes it back."""
    emoji = call.fields.get("emoji", "")
    if not isinstance(emoji, str) or len(emoji) > 16:
        raise Problem(400, "emoji must be a string")
    return _react(whapi, call, emoji)


def remove_reaction(whapi: Whapi, call: Call) -> Reply:
    """The own reaction is taken back; no harm when there is none."""
    return _react(whapi, call, "")


def star(whapi: Whapi, call: Call) -> Reply:
    """A star on a message, or off it."""
    message = state.message_of(call.here, call.params["MessageID"])
    message.is_starred = flag_of(call.fields, "star", default=True)
    return success()


def get_views(whapi: Whapi, call: Call) -> Reply:
    """How far an own message or story came with each recipient; 403 for those of others."""
    message = state.message_of(call.here, call.params["MessageID"])
    if not message.from_me:
        raise Problem(403, "not your message")
    return answer({"statuses": posting.view_rows(whapi, message)})


def listed(whapi: Whapi, call: Call, messages: list[Message], **more: Any) -> Reply:
    """A page of those that the query asks for: times in seconds, author, from_me, order.

    Raises:
        Problem: 400, the query does not fit.
    """
    query, talk = call.query, talk_of(call.here)
    oldest, newest = moment_of(query, "time_from", 0), moment_of(query, "time_to", 10**12)
    author = ids.number_of_contact(talk, query["author"], "author") if query.get("author") else None
    own = flag_of(query, "from_me", default=False) if query.get("from_me") else None
    normal = flag_of(query, "normal_types", default=True)
    if call.here.state != "AUTH" and whapi.config.reads_without_phone == "none":
        messages = []
    found = [
        message
        for message in messages
        if oldest <= int(message.at) <= newest
        and author in (None, message.author)
        and own in (None, message.from_me)
        and not (normal and message.type in ABNORMAL)
    ]
    order(query, found)
    rows, figures = page(call, found)
    first = figures["offset"] + 1 if rows else 0
    figures |= {"first": first, "last": first + len(rows) - 1 if rows else 0}
    return answer({"messages": [message.row() for message in rows], **figures, **more})


def order(query: dict[str, str], rows: list[Any]) -> None:
    """Newest first, or oldest first when `sort` says so; the order of arrival decides between equals.

    Raises:
        Problem: 400, sort is neither.
    """
    sort = query.get("sort", "desc")
    if sort not in ("asc", "desc"):
        raise Problem(400, "sort must be asc or desc")
    rows.sort(key=lambda row: float(row.at))
    if sort == "desc":
        rows.reverse()


def moment_of(query: dict[str, str], name: str, default: int) -> int:
    """A moment in whole seconds.

    Raises:
        Problem: 400, it is none.
    """
    return number_of(query, name, default, 0)


def _react(whapi: Whapi, call: Call, emoji: str) -> Reply:
    message = state.message_of(call.here, call.params["MessageID"])
    by = posting.own(whapi, call.here, "action", message.chat_id, {})
    posting.react(whapi, call.here, message, emoji, by=by)
    return success()
