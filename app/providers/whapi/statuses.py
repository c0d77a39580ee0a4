"""Statuses (stories): they leave at once, and live for a day."""

from typing import Final

from app.providers import asks
from app.providers.answers import Posted, Status, StatusView
from app.providers.errors import Unsupported
from app.providers.port import Credentials
from app.providers.reading import list_in, object_of
from app.providers.whapi.client import Client, path_of
from app.providers.whapi.ids import contact
from app.providers.whapi.journal import FONTS, status_of, views_of
from app.providers.whapi.sending import media_of, since
from app.providers.whapi.shapes import do, listed
from app.providers.whapi.verdicts import message_id

OPAQUE: Final = "#FF"
THEIR_FONTS: Final = {name: theirs for theirs, name in FONTS.items()}


async def post_text(client: Client, credentials: Credentials, ask: asks.PostTextStatus) -> Posted:
    """Source: createStoryText page.

    Raises:
        Unsupported: Whapi has no such font.
        ProviderError: any other ending.
    """
    font = None if ask.font is None else THEIR_FONTS.get(ask.font)
    if ask.font is not None and font is None:
        raise Unsupported("the gateway has no such font")
    body = {
        "caption": ask.text,
        "background_color": _argb(ask.background),
        "font_type": font,
        "contacts": _audience(ask.audience),
    }
    return Posted(message_id=message_id(await client.call(credentials, "POST", "/stories/send/text", body=body)))


async def post_voice(client: Client, credentials: Credentials, ask: asks.PostVoiceStatus) -> Posted:
    """Source: createStoryAudio page."""
    body = media_of(ask.url, background_color=_argb(ask.background), contacts=_audience(ask.audience))
    return Posted(message_id=message_id(await client.call(credentials, "POST", "/stories/send/audio", body=body)))


async def post_media(client: Client, credentials: Credentials, ask: asks.PostMediaStatus) -> Posted:
    """An image or a video, as the type of what is fetched says. Source: createStoryMedia page."""
    body = media_of(ask.url, caption=ask.caption or None, contacts=_audience(ask.audience))
    return Posted(message_id=message_id(await client.call(credentials, "POST", "/stories/send/media", body=body)))


async def delete(client: Client, credentials: Credentials, ask: asks.DeleteStatus) -> None:
    """As any message. Source: deleteMessage page; that it works for stories is probable, not written."""
    await do(client, credentials, "DELETE", path_of("messages", ask.message_id))


async def views(client: Client, credentials: Credentials, ask: asks.StatusViews) -> list[StatusView]:
    """Whom it reached. Source: getMessageViewStatuses page.

    Raises:
        NotAllowed: it is somebody else's.
        ProviderError: any other ending.
    """
    value = object_of(await client.call(credentials, "GET", path_of("statuses", ask.message_id)))
    return views_of(list_in(value, "statuses"))


async def stories(client: Client, credentials: Credentials, ask: asks.ListStatuses) -> list[Status]:
    """Of contacts, or of the account, as long as they live. Source: getStories page."""
    query = {"from_me": not ask.incoming, "time_from": since(ask.minutes)}
    rows = await listed(client, credentials, "/stories", "messages", query=query)
    return [found for row in rows if (found := status_of(row)) is not None]


def _argb(colour: str | None) -> str | None:
    return None if colour is None else f"{OPAQUE}{colour.removeprefix('#')}"


def _audience(chat_ids: tuple[str, ...]) -> list[str] | None:
    return [contact(each) for each in chat_ids] or None
