"""Sending, and looking for what was sent."""

from typing import Any, Final

from app.providers.errors import OutcomeUnknown
from app.providers.green_api.client import Client
from app.providers.green_api.outcomes import UNREADABLE
from app.providers.green_api.reading import instant, list_in, object_in, text_in
from app.providers.port import Credentials, Seen, Sent

TEXT_TYPES: Final = frozenset({"textMessage", "extendedTextMessage", "quotedMessage"})


async def send_text(
    client: Client, credentials: Credentials, chat_id: str, text: str, quoted_message_id: str | None = None
) -> Sent:
    """Put a text of up to 20,000 characters into the account's queue, where it waits 24 hours for a linked phone.

    Whether the recipient has WhatsApp shows later, as a status. Source: SendMessage page (read 2026-11-21).

    Raises:
        OutcomeUnknown: it may be sent; look with `waiting` and `sent_since` before the next try.
        ProviderError: any other ending.
    """
    body = {"chatId": chat_id, "message": text}
    if quoted_message_id is not None:
        body["quotedMessageId"] = quoted_message_id
    message_id = text_in(await client.instance("POST", "sendMessage", credentials, lambda: body), "idMessage")
    if not message_id:
        raise OutcomeUnknown(UNREADABLE)
    return Sent(message_id)


async def waiting(client: Client, credentials: Credentials) -> list[Seen]:
    """What waits in the account's queue, of every kind; `text` is None for what is no text.

    Source: GREEN-API ShowMessagesQueue page, one call a second (read 2026-11-21).

    Raises:
        OutcomeUnknown: the queue cannot be read; nothing may be concluded.
        ProviderError: any other ending.
    """
    rows = await client.instance("GET", "showMessagesQueue", credentials)
    if not isinstance(rows, list):
        raise OutcomeUnknown(UNREADABLE)
    return [seen for row in rows for seen in _queued(row)]


async def sent_since(client: Client, credentials: Credentials, minutes: int) -> list[Seen]:
    """What was sent by API within so many minutes, newest first; the journal lags by up to two minutes.

    Messages typed on the phone are left out: they are no trace of a call of ours.
    Source: GREEN-API LastOutgoingMessages page, one call a second (read 2026-11-21).

    Raises:
        OutcomeUnknown: the journal cannot be read; nothing may be concluded.
        ProviderError: any other ending.
    """
    query = f"minutes={int(minutes)}"
    rows = await client.instance("GET", "lastOutgoingMessages", credentials, query=query)
    if not isinstance(rows, list):
        raise OutcomeUnknown(UNREADABLE)
    return [_journaled(row) for row in rows if text_in(row, "idMessage") and row.get("sendByApi") is not False]


def _queued(row: Any) -> list[Seen]:
    body = object_in(row, "body")
    text = text_in(body, "message") if text_in(row, "type").lower() == "sendmessage" else None
    ids = [text_in(row, "messageID"), *(each for each in list_in(row, "messagesIDs") if isinstance(each, str))]
    kind = "other" if text is None else "text"
    return [Seen(each, text_in(body, "chatId"), kind, text, None) for each in ids if each]


def _journaled(row: Any) -> Seen:
    text = None
    if text_in(row, "typeMessage") in TEXT_TYPES:
        text = text_in(row, "textMessage") or text_in(object_in(row, "extendedTextMessage"), "text") or None
    sent_at = None if text_in(row, "statusMessage") == "pending" else instant(row.get("timestamp"))
    kind = "other" if text is None else "text"
    return Seen(text_in(row, "idMessage"), text_in(row, "chatId"), kind, text, sent_at)
