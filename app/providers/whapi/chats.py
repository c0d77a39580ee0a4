"""Chats and their messages. Calls are in no list: they are told by notifications only."""

from typing import Any, Final

from app.providers import asks
from app.providers.answers import Chat, Disappearing, Edited, Message, StoredFile
from app.providers.errors import NoSuchThing, Refused, Unsupported
from app.providers.port import Credentials
from app.providers.reading import number_in, object_of, text_in
from app.providers.whapi.client import Client, path_of
from app.providers.whapi.contents import file_of, link_of
from app.providers.whapi.ids import HIDDEN, contact, ours, theirs
from app.providers.whapi.journal import message_of
from app.providers.whapi.sending import MOST_TYPING_SECONDS, since
from app.providers.whapi.shapes import Filters, do, listed
from app.providers.whapi.verdicts import message_id

EPHEMERAL: Final = {0: "none", 86_400: "day", 604_800: "week", 7_776_000: "quarter"}
KINDS: Final = {"contact": "user", "": "user"}
MOST: Final = 10_000


async def chats(client: Client, credentials: Credentials, ask: asks.ListChats) -> list[Chat]:
    """Chats, newest activity first, without how long their messages live. Source: getChats page."""
    rows = await listed(client, credentials, "/chats", "chats", count=ask.count)
    return [
        Chat(
            chat_id=ours(text_in(row, "id")),
            kind=_kind(row),
            name=text_in(row, "name") or None,
            is_archived=row.get("archive") is True,
            disappearing_seconds=max(0, number_in(row, "ephemeral") or 0),
            unread=number_in(row, "unread"),
        )
        for row in rows
    ]


async def history(client: Client, credentials: Credentials, ask: asks.ChatHistory) -> list[Message]:
    """Messages of a chat that the channel keeps, newest first. Source: getMessagesByChatID page.

    Raises:
        NoSuchThing: there is no such chat.
        ProviderError: any other ending.
    """
    path = path_of("messages", "list", theirs(ask.chat_id))
    rows = await listed(client, credentials, path, "messages", count=ask.count, query={"sort": "desc"})
    return [found for row in rows if (found := message_of(row)) is not None]


async def message(client: Client, credentials: Credentials, ask: asks.ReadMessage) -> Message:
    """One message of a chat; a hidden number's chat may be named otherwise in it. Source: getMessage page.

    Raises:
        NoSuchThing: the channel does not know it, or it is of another chat.
        ProviderError: any other ending.
    """
    found = message_of(object_of(await client.call(credentials, "GET", path_of("messages", ask.message_id))))
    if found is None or not _is_of(ask.chat_id, found.chat_id):
        raise NoSuchThing("the chat has no such message")
    return found


async def recent(client: Client, credentials: Credentials, ask: asks.RecentMessages) -> list[Message]:
    """Messages of all chats, newest first, 10,000 at most. Source: getMessages page."""
    query: Filters = {"from_me": not ask.incoming, "time_from": since(ask.minutes), "sort": "desc"}
    rows = await listed(client, credentials, "/messages/list", "messages", count=MOST, query=query)
    return [found for row in rows if (found := message_of(row)) is not None]


async def read(client: Client, credentials: Credentials, ask: asks.MarkRead) -> None:
    """A whole chat, or a message and those before it. Source: patchChat and markMessageAsRead pages."""
    if ask.message_id is None:
        await do(client, credentials, "PATCH", path_of("chats", theirs(ask.chat_id)), body={"mark_unread": False})
    else:
        await do(client, credentials, "PUT", path_of("messages", ask.message_id))


async def archive(client: Client, credentials: Credentials, ask: asks.Archive) -> None:
    """Source: archiveChat page.

    Raises:
        NoSuchThing: there is no such chat.
        ProviderError: any other ending.
    """
    await do(client, credentials, "POST", path_of("chats", theirs(ask.chat_id)), body={"archive": True})


async def unarchive(client: Client, credentials: Credentials, ask: asks.Unarchive) -> None:
    """As `archive`."""
    await do(client, credentials, "POST", path_of("chats", theirs(ask.chat_id)), body={"archive": False})


async def disappear(client: Client, credentials: Credentials, ask: asks.SetDisappearing) -> Disappearing:
    """Seconds are 0, 86400, 604800 or 7776000. Source: patchChat page.

    Raises:
        Refused: WhatsApp has no such time.
        ProviderError: any other ending.
    """
    word = EPHEMERAL.get(ask.seconds)
    if word is None:
        raise Refused("messages live a day, a week, a quarter or for ever")
    await do(client, credentials, "PATCH", path_of("chats", theirs(ask.chat_id)), body={"ephemeral": word})
    return Disappearing(chat_id=ask.chat_id, seconds=ask.seconds)


async def typing(client: Client, credentials: Credentials, ask: asks.ShowTyping) -> None:
    """Seen by the other side for so long. Source: sendPresence page; it names no limits, those are WhatsApp's.

    Raises:
        Refused: it is not for 1 to 20 seconds.
        ProviderError: any other ending.
    """
    if not 1 <= ask.seconds <= MOST_TYPING_SECONDS:
        raise Refused("typing is shown for 1 to 20 seconds")
    presence = "recording" if ask.recording else "typing"
    path = path_of("presences", theirs(ask.chat_id))
    await do(client, credentials, "PUT", path, body={"presence": presence, "delay": ask.seconds})


async def edit(client: Client, credentials: Credentials, ask: asks.EditMessage) -> Edited:
    """An own text: a send that names it. Source: sendMessageText page.

    Raises:
        NotAllowed: it is too old, or not the account's own.
        ProviderError: any other ending.
    """
    body = {"to": theirs(ask.chat_id), "body": ask.text, "edit": ask.message_id}
    value = await client.call(credentials, "POST", "/messages/text", body=body)
    return Edited(message_id=message_id(value) or ask.message_id)


async def delete(client: Client, credentials: Credentials, ask: asks.DeleteMessage) -> None:
    """For everybody. Source: deleteMessage page, which lets nobody choose.

    Raises:
        Unsupported: it is to be deleted on the own side only.
        ProviderError: any other ending.
    """
    if ask.only_for_sender:
        raise Unsupported("the gateway deletes messages for everybody")
    await do(client, credentials, "DELETE", path_of("messages", ask.message_id))


async def file(client: Client, credentials: Credentials, ask: asks.FileOf) -> StoredFile:
    """The link in the message, which is there for files that are downloaded by themselves; kept for 30 days.

    Source: getMessage page, help desk on auto download (read 2026-11-21).

    Raises:
        NoSuchThing: the channel does not know the message, or it has no file with a link.
        ProviderError: any other ending.
    """
    row = object_of(await client.call(credentials, "GET", path_of("messages", ask.message_id)))
    link = link_of(file_of(row))
    if link is None or not _is_of(ask.chat_id, ours(text_in(row, "chat_id"))):
        raise NoSuchThing("the message has no file that can be fetched")
    return StoredFile(file_link=link)


def _kind(row: Any) -> str:
    told = text_in(row, "type")
    return "user" if text_in(row, "id").endswith(HIDDEN) else KINDS.get(told, told)


def _is_of(wanted: str, found: str) -> bool:
    """Whether both may be the same chat; a number and its hidden id cannot be compared."""
    one, other = contact(wanted), contact(found)
    return one == other or (one.endswith(HIDDEN) != other.endswith(HIDDEN))
