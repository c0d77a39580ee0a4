"""What a channel is and how it behaves, as its tenant sees it."""

from typing import Final

from app.providers import asks
from app.providers.answers import Account, Picture, Settings
from app.providers.errors import ProviderError, Unsupported
from app.providers.http import multipart
from app.providers.port import Credentials
from app.providers.reading import flag_in, link_in, number_in, object_in, object_of, phone_of, text_in
from app.providers.whapi.account import link_of
from app.providers.whapi.client import Client, state_of
from app.providers.whapi.ids import ours
from app.providers.whapi.shapes import do

PROFILE: Final = "/users/profile"
ANYWAY: Final = {
    "mark_incoming_read_on_reply": False,
    "typing_speed": 0,
    "link_preview": True,
    "hidden_ids": False,
}
"""How a channel behaves in what it has no settings for."""


async def read_settings(client: Client, credentials: Credentials, _: asks.ReadSettings) -> Settings:
    """What Whapi has no setting for is null. Source: getChannelSettings page."""
    value = object_of(await client.call(credentials, "GET", "/settings"))
    offline = flag_in(value, "offline_mode")
    return Settings(
        mark_incoming_read=flag_in(value, "auto_read_messages"),
        keep_online=None if offline is None else not offline,
    )


async def write_settings(client: Client, credentials: Credentials, ask: asks.WriteSettings) -> None:
    """Only what is named changes. Being online or not takes effect when the phone connects anew.

    To ask for what Whapi does anyway changes nothing. Source: updateChannelSettings page, and its text of 2026 for
    what is read by itself.

    Raises:
        Unsupported: Whapi has no such setting; nothing was changed.
        ProviderError: any other ending.
    """
    if ask.send_delay_ms or any(getattr(ask, name) not in (None, value) for name, value in ANYWAY.items()):
        raise Unsupported("the gateway has no such setting")
    offline = None if ask.keep_online is None else not ask.keep_online
    wanted = {"auto_read_messages": ask.mark_incoming_read, "offline_mode": offline}
    if any(each is not None for each in wanted.values()):
        await do(client, credentials, "PATCH", "/settings", body=wanted)


async def read_account(client: Client, credentials: Credentials, _: asks.ReadAccount) -> Account:
    """State and number by health, the picture by the profile, which costs a call more when a phone is linked.

    Source: checkHealth and getUserProfile pages.
    """
    health = object_of(await client.health(credentials, wakeup=False))
    link, user = link_of(state_of(health)), object_in(health, "user")
    phone, device = phone_of(text_in(user, "id")), number_in(health, "device_id")
    if phone is None:
        return Account(connection=link.value)
    picture = link_in(user, "profile_pic_full") or link_in(user, "profile_pic")
    return Account(
        phone=phone,
        chat_id=ours(phone),
        connection=link.value,
        device_id=None if device is None else f"{phone}:{device}@s.whatsapp.net",
        picture_link=picture or await _picture(client, credentials),
    )


async def set_picture(client: Client, credentials: Credentials, ask: asks.SetProfilePicture) -> Picture:
    """A form with the picture; where it is then is asked for, and left out if that fails.

    Source: updateUserProfile and getUserProfile pages.
    """
    value = await client.streamed(credentials, "PATCH", PROFILE, multipart.form(ask.upload, "icon"))
    if value is not None:
        object_of(value)
    return Picture(picture_link=await _picture(client, credentials))


async def _picture(client: Client, credentials: Credentials) -> str | None:
    try:
        row = await client.call(credentials, "GET", PROFILE)
    except ProviderError:
        return None
    return link_in(row, "icon_full") or link_in(row, "icon")
