"""Chats and messages: lists, reading, changing. Pages are cut here: gateways do not tell how many there are."""

from collections.abc import Sequence
from typing import Any, Final

from app.channels import files
from app.channels.answer import SUCCESS, Answer, leading, told
from app.channels.asking import Asking
from app.channels.auth import Channel
from app.channels.fields import Fields
from app.channels.parts import Call
from app.kit.errors import NotFound
from app.lines.channel_words import messages as words
from app.lines.channel_words import people, values
from app.providers import asks
from app.providers.answers import Message
from app.providers.errors import Refused, Unsupported

MOST_ROWS: Final = 500
ROWS: Final = 100
LOOKED_AT: Final = 2000
DAY_MINUTES: Final = 1440
MOST_MINUTES: Final = 30 * DAY_MINUTES
EPHEMERAL: Final = {"none": 0, "day": 86_400, "week": 604_800, "quarter": 7_776_000}
TYPING: Final = (1.0, 20.0)


async def messages(asking: Asking, call: Call) -> Answer:
    """Messages of all chats that came and went lately, newest first unless asked otherwise."""
    minutes = _minutes(call)
    found: list[Message] = []
    wanted = call.query.flag("from_me")
    for incoming in (True, False):
        if wanted is None or wanted is not incoming:
            rows = await asking.ask(call.channel, asks.RecentMessages(incoming=incoming, minutes=minutes))
            found += rows
    return _listed(call, found)


async def history(asking: Asking, call: Call) -> Answer:
    """Messages of one chat; one more than the page is looked for, so that `total` tells whether there is a next."""
    count, offset = page_of(call.query)
    narrowed = any(call.query.has(name) for name in ("from_me", "time_from", "time_to", "author", "sort"))
    wanted = LOOKED_AT if narrowed else min(LOOKED_AT, count + offset + 1)
    found = await asking.ask(call.channel, asks.ChatHistory(call.params.chat("ChatID"), wanted))
    return _listed(call, found)


async def message(asking: Asking, call: Call) -> Answer:
    """One message."""
    found = await asking.message(call.channel, call.params.message_id("MessageID"))
    return told(shown(call.channel, found))


async def read(asking: Asking, call: Call) -> Answer:
    """Mark a message as read."""
    message_id = call.params.message_id("MessageID")
    chat_id = await asking.chat_of(call.channel, message_id)
    await asking.ask(call.channel, asks.MarkRead(chat_id, message_id))
    return SUCCESS


async def delete(asking: Asking, call: Call) -> Answer:
    """Take a message back, for everybody."""
    message_id = call.params.message_id("MessageID")
    chat_id = await asking.chat_of(call.channel, message_id)
    await asking.ask(call.channel, asks.DeleteMessage(chat_id, message_id))
    return SUCCESS


async def chats(asking: Asking, call: Call) -> Answer:
    """The chats, newest activity first."""
    found = await asking.ask(call.channel, asks.ListChats())
    return paged(call.query, "chats", [people.chat(row) for row in found])


async def chat(asking: Asking, call: Call) -> Answer:
    """One chat of the list."""
    wanted = call.params.chat("ChatID")
    found = await asking.ask(call.channel, asks.ListChats())
    row = next((each for each in found if wanted in (each.chat_id, each.hidden_id)), None)
    if row is None:
        raise NotFound("chat not found")
    return told(people.chat(row))


async def archive(asking: Asking, call: Call) -> Answer:
    """Into the archive, or out of it."""
    chat_id = call.params.chat("ChatID")
    if call.fields.flag("archive") is False:
        await asking.ask(call.channel, asks.Unarchive(chat_id))
    else:
        await asking.ask(call.channel, asks.Archive(chat_id))
    return SUCCESS


async def change(asking: Asking, call: Call) -> Answer:
    """Mark as read, or let messages disappear; the rest only where the gateway has Whapi's words."""
    chat_id, fields = call.params.chat("ChatID"), call.fields
    ephemeral = fields.choice("ephemeral", tuple(EPHEMERAL))
    is_unread = fields.flag("mark_unread")
    if is_unread or fields.has("pin") or fields.has("mute_until"):
        return await asking.natively(call)
    if is_unread is None and not ephemeral:
        raise fields.wrong("body", "must name what to change")
    if is_unread is False:
        await asking.ask(call.channel, asks.MarkRead(chat_id))
    if ephemeral:
        await asking.ask(call.channel, asks.SetDisappearing(chat_id, EPHEMERAL[ephemeral]))
    return SUCCESS


async def presence(asking: Asking, call: Call) -> Answer:
    """Seem to type or to record; to stop only where the gateway has Whapi's words."""
    chat_id, kind = call.params.chat("EntryID"), call.fields.text("presence")
    call.fields.choice("presence", ("typing", "recording", "pause"))
    if kind == "pause":
        return await asking.natively(call)
    seconds = min(max(call.fields.number("delay"), TYPING[0]), TYPING[1])
    await asking.ask(call.channel, asks.ShowTyping(chat_id, seconds, kind == "recording"))
    return SUCCESS


async def upload(asking: Asking, call: Call) -> Answer:
    """Store a file with the gateway; its id goes into sends for two weeks."""
    media = await files.needed(asking, call)
    return told({"media": [{"id": await files.keep(asking, call, media)}]})


async def media(asking: Asking, call: Call) -> Answer:
    """Where the file of a message, or one that was uploaded, is: a link of ours."""
    media_id = call.params.text("MediaID", longest=600)
    of_message = values.message_of(media_id)
    if of_message is None:
        return leading(await files.link_of(asking, call, media_id))
    try:
        found = await asking.ask(call.channel, asks.FileOf(*of_message))
    except Refused as error:
        if type(error) is not Refused:
            raise
        link = None  # gateways have many words for a file that is not there
    else:
        link = found.file_link
    if not link:
        raise NotFound("media not found")
    return leading(link)


async def absent(asking: Asking, call: Call) -> Answer:
    """Not offered.

    Raises:
        Unsupported: always.
    """
    raise Unsupported()


def shown(channel: Channel, row: Message) -> dict[str, Any]:
    """A message of a journal."""
    return words.of_journal(row, channel.own_id, link=row.file_link or "")


def page_of(query: Fields) -> tuple[int, int]:
    """How many rows are asked for, and how many are passed over."""
    return int(query.number("count", ROWS, least=1, most=MOST_ROWS)), int(query.number("offset"))


def paged(query: Fields, key: str, rows: Sequence[dict[str, Any]]) -> Answer:
    """The wanted page of all rows."""
    count, offset = page_of(query)
    page = rows[offset : offset + count]
    return told({key: page, "count": len(page), "total": len(rows), "offset": offset})


def _listed(call: Call, found: list[Message]) -> Answer:
    query = call.query
    since, until = query.number("time_from"), query.number("time_to", 2**53)
    own, author = query.flag("from_me"), values.ours(query.maybe("author"))
    rows = [
        row
        for row in found
        if since <= values.seconds(row.at) <= until
        and (own is None or own is (row.direction == "outgoing"))
        and (not author or author == row.sender)
    ]
    is_oldest_first = query.choice("sort", ("asc", "desc")) == "asc"
    rows.sort(key=lambda row: values.seconds(row.at), reverse=not is_oldest_first)
    return paged(query, "messages", [shown(call.channel, row) for row in rows])


def _minutes(call: Call) -> int:
    since = call.query.number("time_from")
    if not since:
        return DAY_MINUTES
    passed = int(call.channel.now.timestamp() - since) // 60 + 1
    return min(max(1, passed), MOST_MINUTES)
