"""Statuses (stories): all beta upstream, queued like messages, kept for 30 days."""

from app.providers import asks
from app.providers.answers import Posted, Status, StatusView
from app.providers.green_api.client import Client
from app.providers.green_api.journal import status_of
from app.providers.port import Credentials
from app.providers.reading import rows_of, text_in, told_at


async def post_text(client: Client, credentials: Credentials, ask: asks.PostTextStatus) -> Posted:
    """Only people who have each other in their contacts get it, 1024 at most. Source: SendTextStatus page."""
    value = await client.post(
        credentials,
        "sendTextStatus",
        message=ask.text,
        backgroundColor=ask.background,
        font=ask.font,
        participants=list(ask.audience) or None,
    )
    return Posted(message_id=text_in(value, "idMessage"))


async def post_voice(client: Client, credentials: Credentials, ask: asks.PostVoiceStatus) -> Posted:
    """Cut to a minute; a link that makes browsers download is taken and shows nothing. Source: SendVoiceStatus page."""
    value = await client.post(
        credentials,
        "sendVoiceStatus",
        urlFile=ask.url,
        fileName=ask.file_name,
        backgroundColor=ask.background,
        participants=list(ask.audience) or None,
    )
    return Posted(message_id=text_in(value, "idMessage"))


async def post_media(client: Client, credentials: Credentials, ask: asks.PostMediaStatus) -> Posted:
    """Source: SendMediaStatus page, caption up to 1024 characters."""
    value = await client.post(
        credentials,
        "sendMediaStatus",
        urlFile=ask.url,
        fileName=ask.file_name,
        caption=ask.caption or None,
        participants=list(ask.audience) or None,
    )
    return Posted(message_id=text_in(value, "idMessage"))


async def delete(client: Client, credentials: Credentials, ask: asks.DeleteStatus) -> None:
    """Empty 200 is yes. Source: DeleteStatus page."""
    await client.post(credentials, "deleteStatus", idMessage=ask.message_id)


async def views(client: Client, credentials: Credentials, ask: asks.StatusViews) -> list[StatusView]:
    """Whom it reached. Source: GetStatusStatistic page."""
    rows = rows_of(await client.get(credentials, "getStatusStatistic", idMessage=ask.message_id))
    return [
        StatusView(
            chat_id=text_in(row, "participant"),
            status=text_in(row, "status") or "sent",
            at=told_at(row.get("timestamp")),
        )
        for row in rows
        if text_in(row, "participant")
    ]


async def listed(client: Client, credentials: Credentials, ask: asks.ListStatuses) -> list[Status]:
    """Of contacts, or of the account. Source: GetIncomingStatuses and GetOutgoingStatuses pages."""
    rows = rows_of(await client.get(credentials, ask.method, minutes=ask.minutes))
    return [found for row in rows if (found := status_of(row)) is not None]
