"""One account: its link, its settings, its phone, its queues."""

from functools import partial
from typing import Final

from app.providers.errors import NotReady, OutcomeUnknown, Refused
from app.providers.green_api import settings
from app.providers.green_api.client import Client
from app.providers.http.wire import UNREADABLE
from app.providers.port import AccountProfile, AccountWish, AlreadyLinked, Credentials, Link, PhoneCode, QrImage
from app.providers.reading import phone_of, text_in

LINKS: Final = {
    "notAuthorized": Link.UNPAIRED,
    "authorized": Link.CONNECTED,
    "yellowCard": Link.CONNECTED,
    "starting": Link.STARTING,
    "blocked": Link.BLOCKED,
    "sleepMode": Link.DISCONNECTED,
    "suspended": Link.DISCONNECTED,
}


def link_of(state: str) -> Link:
    """Our word for a stateInstance. Source: GREEN-API GetStateInstance page (read 2026-11-21)."""
    return LINKS.get(state, Link.UNKNOWN)


async def link(client: Client, credentials: Credentials) -> Link:
    """The account's link; `NOT_READY` while it is being created, when the gateway answers 401 or null.

    A wrong token looks the same, so an account that stays `NOT_READY` beyond five minutes wants a look.
    Source: GREEN-API GetStateInstance page, issue 306 (read 2026-11-21).

    Raises:
        NotThere: the account was deleted.
        ProviderError: any other ending but `NotReady`.
    """
    try:
        value = await client.instance("GET", "getStateInstance", credentials)
    except NotReady:
        return Link.NOT_READY
    return link_of(text_in(value, "stateInstance"))


async def profile(client: Client, credentials: Credentials) -> AccountProfile:
    """The linked number; GREEN-API tells no name here. Source: GetWaSettings page (read 2026-11-21).

    Raises:
        ProviderError: see `Client.instance`.
    """
    value = await client.instance("GET", "getWaSettings", credentials)
    return AccountProfile(phone=phone_of(text_in(value, "phone")), name=None)


async def configured(client: Client, credentials: Credentials, wish: AccountWish) -> bool:
    """Whether notifications of every kind we need go to our hook with our token.

    Raises:
        ProviderError: see `Client.instance`.
    """
    return settings.fit(await client.instance("GET", "getSettings", credentials), wish)


async def configure(client: Client, credentials: Credentials, wish: AccountWish) -> None:
    """Set what `configured` looks for; the account restarts, and it may take five minutes to work.

    Source: GREEN-API SetSettings page (read 2026-11-21).

    Raises:
        ProviderError: see `Client.instance`.
    """
    await client.instance("POST", "setSettings", credentials, partial(settings.wanted, wish))


async def qr(client: Client, credentials: Credentials) -> QrImage | AlreadyLinked:
    """The picture to scan now; ask again every one or two seconds.

    Source: GREEN-API QR page; older servers say `error` in place of `alreadyLogged` (read 2026-11-21).

    Raises:
        NotReady: there is no code yet.
        ProviderError: any other ending.
    """
    value = await client.instance("GET", "qr", credentials)
    kind, message = text_in(value, "type"), text_in(value, "message")
    if kind == "qrCode" and message:
        return QrImage(message.removeprefix("data:image/png;base64,"))
    if kind == "alreadyLogged" or (kind == "error" and message.lower().startswith("instance has auth")):
        return AlreadyLinked()
    raise NotReady("the gateway has no code yet")


async def phone_code(client: Client, credentials: Credentials, phone: str) -> PhoneCode:
    """The code to be typed on the phone of that number (digits with country code, no plus sign).

    Source: GREEN-API GetAuthorizationCode page, issues 518 and 821 (read 2026-11-21).

    Raises:
        Refused: the number is not digits, a phone is linked already, or a wrong code was typed before (a reboot helps).
        ProviderError: any other ending.
    """
    if not (phone.isascii() and phone.isdecimal() and len(phone) <= 18):
        raise Refused("the phone number is not digits")
    value = await client.instance("POST", "getAuthorizationCode", credentials, lambda: {"phoneNumber": int(phone)})
    code = text_in(value, "code")
    if not code:
        raise OutcomeUnknown(UNREADABLE)
    return PhoneCode(code)


async def logout(client: Client, credentials: Credentials) -> None:
    """Unlink the phone; queued messages wait for the next one. Source: Logout page (read 2026-11-21).

    Raises:
        ProviderError: see `Client.instance`.
    """
    await client.instance("GET", "logout", credentials)


async def reboot(client: Client, credentials: Credentials) -> None:
    """Restart, which takes up to five minutes. Source: GREEN-API Reboot page (read 2026-11-21).

    Raises:
        ProviderError: see `Client.instance`.
    """
    await client.instance("GET", "reboot", credentials)


async def clear_queues(client: Client, credentials: Credentials) -> None:
    """Drop what waits to be sent, then what waits to be fetched.

    The latter is refused with 400 while notifications are pushed, as ours are; then nothing waits to be fetched.
    Source: GREEN-API ClearMessagesQueue and ClearWebhooksQueue pages, issue 1107 (read 2026-11-21).

    Raises:
        TooFast: notifications were cleared less than a minute ago; the messages are gone.
        ProviderError: any other ending.
    """
    await client.instance("GET", "clearMessagesQueue", credentials)
    try:
        await client.instance("DELETE", "clearWebhooksQueue", credentials)
    except Refused as refusal:
        if type(refusal) is not Refused or refusal.status != 400:
            raise
