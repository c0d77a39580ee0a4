"""Chats, their messages and their calls."""

from app.providers import asks
from app.providers.answers import Call, Chat, Disappearing, Edited, Message, StoredFile
from app.providers.errors import NoSuchThing, OutcomeUnknown
from app.providers.green_api.client import Client
from app.providers.green_api.journal import call_of, link_in, message_of
from app.providers.http.wire import UNREADABLE
from app.providers.port import Credentials
from app.providers.reading import number_in, rows_of, text_in


async def listed(client: Client, credentials: Credentials, ask: asks.ListChats) -> list[Chat]:
    """Chats, newest activity first, refreshed once a minute. Source: GetChats page."""
    rows = rows_of(await client.get(credentials, "getChats", count=ask.count))
    return [
        Chat(
            chat_id=text_in(row, "id"),
            kind=text_in(row, "type") or "user",
            name=text_in(row, "name") or None,
            is_archived=row.get("archive") is True,
            disappearing_seconds=max(0, number_in(row, "ephemeralExpiration") or 0),
            unread=number_in(row, "unreadCount"),
            hidden_id=text_in(row, "newChatId") or None,
        )
        for row in rows
        if text_in(row, "id")
    ]


async def history(client: Client, credentials: Credentials, ask: asks.ChatHistory) -> list[Message]:
    """Messages of a chat that were seen while notifications were on; lags two minutes. Source: GetChatHistory page."""
    rows = rows_of(await client.post(credentials, "getChatHistory", chatId=ask.chat_id, count=ask.count))
    return [message for row in rows if (message := message_of(row)) is not None]


async def message(client: Client, credentials: Credentials, ask: asks.ReadMessage) -> Message:
    """One message. Source: GetMessage page; the wording of an unknown id is not told there.

    Raises:
        NoSuchThing: the journals do not have it.
        ProviderError: any other ending.
    """
    found = message_of(await client.post(credentials, "getMessage", chatId=ask.chat_id, idMessage=ask.message_id))
    if found is None:
        raise NoSuchThing("the journals have no such message")
    return found


async def recent(client: Client, credentials: Credentials, ask: asks.RecentMessages) -> list[Message]:
    """Messages of all chats. Source: LastIncomingMessages and LastOutgoingMessages pages, lag of two minutes."""
    rows = rows_of(await client.get(credentials, ask.method, minutes=ask.minutes))
    return [found for row in rows if (found := message_of(row)) is not None]


async def calls(client: Client, credentials: Credentials, ask: asks.RecentCalls) -> list[Call]:
    """Calls. Source: LastIncomingCalls and LastOutgoingCalls pages."""
    rows = rows_of(await client.get(credentials, ask.method, minutes=ask.minutes))
    return [found for row in rows if (found := call_of(row)) is not None]


async def read(client: Client, credentials: Credentials, ask: asks.MarkRead) -> None:
    """Only messages that came while incoming notifications were on can be marked. Source: ReadChat page."""
    await client.post(credentials, "readChat", chatId=ask.chat_id, idMessage=ask.message_id)


async def archive(client: Client, credentials: Credentials, ask: asks.Archive) -> None:
    """Empty 200 is yes; a chat without an incoming message is refused. Source: archiveChat page.

    Raises:
        NoSuchThing: there is no such chat, or nothing in it.
        ProviderError: any other ending.
    """
    await client.post(credentials, "archiveChat", chatId=ask.chat_id)


async def unarchive(client: Client, credentials: Credentials, ask: asks.Unarchive) -> None:
    """As `archive`. Source: unarchiveChat page."""
    await client.post(credentials, "unarchiveChat", chatId=ask.chat_id)


async def disappear(client: Client, credentials: Credentials, ask: asks.SetDisappearing) -> Disappearing:
    """Seconds are 0, 86400, 604800 or 7776000. Source: SetDisappearingChat page."""
    value = await client.post(
        credentials, "setDisappearingChat", chatId=ask.chat_id, ephemeralExpiration=int(ask.seconds)
    )
    seconds = number_in(value, "ephemeralExpiration")
    if seconds is None:
        raise OutcomeUnknown(UNREADABLE)
    return Disappearing(chat_id=text_in(value, "chatId") or ask.chat_id, seconds=max(0, seconds))


async def typing(client: Client, credentials: Credentials, ask: asks.ShowTyping) -> None:
    """It waits in the queue of messages; 1 to 20 seconds. Source: SendTyping page."""
    kind = "recording" if ask.recording else None
    milliseconds = round(ask.seconds * 1000)
    await client.post(credentials, "sendTyping", chatId=ask.chat_id, typingTime=milliseconds, typingType=kind)


async def edit(client: Client, credentials: Credentials, ask: asks.EditMessage) -> Edited:
    """An own text, up to 15 minutes old; the answer names the edit. Source: EditMessage page."""
    value = await client.post(
        credentials, "editMessage", chatId=ask.chat_id, idMessage=ask.message_id, message=ask.text
    )
    return Edited(message_id=text_in(value, "idMessage"))


async def delete(client: Client, credentials: Credentials, ask: asks.DeleteMessage) -> None:
    """Empty 200 is taken, not yet done: a notification tells later. Source: deleteMessage page."""
    only = True if ask.only_for_sender else None
    await client.post(credentials, "deleteMessage", chatId=ask.chat_id, idMessage=ask.message_id, onlySenderDelete=only)


async def file(client: Client, credentials: Credentials, ask: asks.FileOf) -> StoredFile:
    """A fresh link; typings of one client call the field urlFile. Source: DownloadFile page.

    Raises:
        NoSuchThing: the journals do not know the message, or it has no file.
        ProviderError: any other ending.
    """
    value = await client.post(credentials, "downloadFile", chatId=ask.chat_id, idMessage=ask.message_id)
    link = link_in(value, "downloadUrl") or link_in(value, "urlFile")
    if link is None:
        raise NoSuchThing("the message has no file")
    return StoredFile(file_link=link)
