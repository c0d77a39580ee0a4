"""The queue of messages to be sent, and looking for what was sent."""

from typing import Any

from app.providers import asks
from app.providers.answers import Count, Queued
from app.providers.errors import OutcomeUnknown
from app.providers.green_api.client import Client
from app.providers.green_api.drafts import drafted_from
from app.providers.green_api.journal import link_in, seen_of
from app.providers.http.wire import UNREADABLE
from app.providers.likeness import likeness
from app.providers.port import Credentials, Seen
from app.providers.reading import number_in, object_in, text_in, texts_in


async def waiting(client: Client, credentials: Credentials) -> list[Seen]:
    """What waits in the account's queue, of every kind.

    Source: GREEN-API ShowMessagesQueue page, one call a second (read 2026-11-21).

    Raises:
        OutcomeUnknown: the queue cannot be read; nothing may be concluded.
        ProviderError: any other ending.
    """
    return [seen for row in await _rows(client, credentials) for seen in _queued(row)]


async def sent_since(client: Client, credentials: Credentials, minutes: int) -> list[Seen]:
    """What was sent by API within so many minutes, newest first; the journal lags by up to two minutes.

    Messages typed on the phone are left out: they are no trace of a call of ours.
    Source: GREEN-API LastOutgoingMessages page, one call a second (read 2026-11-21).

    Raises:
        OutcomeUnknown: the journal cannot be read; nothing may be concluded.
        ProviderError: any other ending.
    """
    rows = await client.get(credentials, "lastOutgoingMessages", minutes=int(minutes))
    if not isinstance(rows, list):
        raise OutcomeUnknown(UNREADABLE)
    return [seen_of(row) for row in rows if text_in(row, "idMessage") and row.get("sendByApi") is not False]


async def listed(client: Client, credentials: Credentials, _: asks.ListQueue) -> list[Queued]:
    """What waits; a file that was uploaded shows as one sent by link. Source: ShowMessagesQueue page."""
    return [shown for row in await _rows(client, credentials) if (shown := _shown(row)) is not None]


async def cleared(client: Client, credentials: Credentials, _: asks.ClearQueue) -> None:
    """Drop what waits. Source: ClearMessagesQueue page."""
    await client.instance("GET", "clearMessagesQueue", credentials)


async def counted(client: Client, credentials: Credentials, _: asks.CountQueue) -> Count:
    """How much waits, counted every ten seconds. Source: GetMessagesCount page."""
    count = number_in(await client.get(credentials, "getMessagesCount"), "count")
    if count is None:
        raise OutcomeUnknown(UNREADABLE)
    return Count(count=max(0, count))


async def _rows(client: Client, credentials: Credentials) -> list[Any]:
    rows = await client.get(credentials, "showMessagesQueue")
    if not isinstance(rows, list):
        raise OutcomeUnknown(UNREADABLE)
    return rows


def _queued(row: Any) -> list[Seen]:
    body = object_in(row, "body")
    draft = drafted_from(text_in(row, "type"), body)
    kind = "other" if draft is None else draft.kind
    alike = None if draft is None else likeness(draft.kind, draft.content)
    return [Seen(each, text_in(body, "chatId"), kind, alike, None) for each in _ids(row)]


def _shown(row: Any) -> Queued | None:
    ids, body, upstream_type = _ids(row), object_in(row, "body"), text_in(row, "type")
    if not ids:
        return None
    draft = drafted_from(upstream_type, body)
    kind, content = ("other", {}) if draft is None else (draft.kind, draft.content)
    if draft is None and upstream_type.lower().endswith("status"):
        kind = "status"
    elif draft is None and upstream_type.lower() == "sendtyping":
        kind = "typing"
    file_link = link_in(body, "urlFile")
    return Queued(message_ids=ids, chat_id=text_in(body, "chatId"), kind=kind, content=content, file_link=file_link)


def _ids(row: Any) -> list[str]:
    return [each for each in (text_in(row, "messageID"), *texts_in(row, "messagesIDs")) if each]
