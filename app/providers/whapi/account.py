"""One channel: its link, its settings, its phone. It has no queues: messages leave at once, callbacks are pushed."""

from contextlib import suppress
from functools import partial
from typing import Final

from app.providers.errors import NotReady, OutcomeUnknown, ProviderError, Refused
from app.providers.http.wire import UNREADABLE
from app.providers.port import AccountProfile, AccountWish, AlreadyLinked, Credentials, Link, PhoneCode, QrImage
from app.providers.reading import number_in, object_in, phone_of, text_in
from app.providers.whapi import partner, settings
from app.providers.whapi.client import Client, path_of, state_of
from app.providers.whapi.ids import is_number

ASLEEP: Final = "NOT_INIT"
BROKEN: Final = "ERROR"
LINKS: Final = {
    ASLEEP: Link.NOT_READY,
    "INIT": Link.STARTING,
    "LAUNCH": Link.STARTING,
    "QR": Link.UNPAIRED,
    "AUTH": Link.CONNECTED,
    "SYNC_ERROR": Link.CONNECTED,
    BROKEN: Link.DISCONNECTED,
    "STOP": Link.DISCONNECTED,
}
PICTURE: Final = "base64,"
LONGEST_CODE: Final = 16
CHANGES: Final = 3
"""How often settings are changed in a row because somebody else changes them as well."""


def link_of(state: str) -> Link:
    """Our word for a channel's state. Source: Whapi health reference; STOP from its text of 2026 (read 2026-11-21)."""
    return LINKS.get(state, Link.UNKNOWN)


async def link(client: Client, credentials: Credentials) -> Link:
    """The channel's link. A channel that sleeps, as every new one does, is woken; any other is only looked at.

    `BLOCKED` is told apart from other failures by the manager's flag.

    Raises:
        CredentialRefused: the channel's token is wrong.
        NotThere: the channel was deleted.
        ProviderError: any other ending.
    """
    state = state_of(await client.health(credentials, wakeup=False))
    if state == ASLEEP:
        await client.health(credentials, wakeup=True)
    if state == BROKEN and await partner.is_blocked(client, credentials.account):
        return Link.BLOCKED
    return link_of(state)


async def profile(client: Client, credentials: Credentials) -> AccountProfile:
    """Number and name of the linked phone; empty when none is linked.

    Raises:
        ProviderError: see `Client.health`.
    """
    user = object_in(await client.health(credentials, wakeup=False), "user")
    name = text_in(user, "name") or text_in(user, "pushname")
    return AccountProfile(phone=phone_of(text_in(user, "id")), name=name or None)


async def configured(client: Client, credentials: Credentials, wish: AccountWish) -> bool:
    """Whether our webhook is told what we need, and callbacks are kept until we have taken them.

    Raises:
        ProviderError: see `Client.call`.
    """
    return settings.fit(await client.call(credentials, "GET", "/settings"), wish)


async def configure(client: Client, credentials: Credentials, wish: AccountWish) -> None:
    """Set what `configured` looks for. The channel is restarted when that is what keeping callbacks waits for.

    The list of webhooks is replaced as a whole, so it is read before; one that was set in between is told as
    what was there before ours, and is set again. A restart that is refused is left out: the next launch does the same.

    Raises:
        ProviderError: see `Client.call`; to try again is safe.
    """
    others = settings.others(await client.call(credentials, "GET", "/settings"), wish)
    persists = False
    for _ in range(CHANGES):
        told = settings.changed(
            await client.call(credentials, "PATCH", "/settings", body=partial(settings.wanted, wish, others)), wish
        )
        persists = persists or told.began_to_persist
        known, others = others, others.and_(told.before)
        if others == known:
            break
    if persists:
        with suppress(ProviderError):
            await partner.restart(client, credentials.account)


async def qr(client: Client, credentials: Credentials) -> QrImage | AlreadyLinked:
    """The picture to scan now, with the time it is good for, about 20 s; asking wakes a channel that sleeps.

    Source: Whapi login reference; whether the picture comes as a data URI is not settled (read 2026-11-21).

    Raises:
        NotReady: there is no code yet, or it has just run out.
        Refused: the channel is in error and wants a restart.
        ProviderError: any other ending.
    """
    try:
        value = await client.call(credentials, "GET", "/users/login")
    except Refused as refusal:
        if refusal.status == 409:
            return AlreadyLinked()
        if refusal.status != 422:
            raise
        value = None
    status, told = text_in(value, "status"), text_in(value, "base64")
    picture = told.rpartition(PICTURE)[2] if told.startswith("data:") else told
    if picture and status in ("OK", ""):
        seconds = number_in(value, "expire")
        return QrImage(picture) if not seconds or seconds < 0 else QrImage(picture, float(seconds))
    if status == "ERROR":
        raise Refused("the channel is in error")
    raise NotReady("the gateway has no code yet")


async def phone_code(client: Client, credentials: Credentials, phone: str) -> PhoneCode:
    """The code to be typed on the phone of that number (7 to 15 digits with country code, no plus sign).

    Source: Whapi login reference: shown with a hyphen, its length is not settled (read 2026-11-21).

    Raises:
        Refused: the number is not digits, or a phone is linked already.
        NotReady: no code can be made at the moment.
        ProviderError: any other ending.
    """
    if not (is_number(phone) and 7 <= len(phone) <= 15):
        raise Refused("the phone number is not digits")
    try:
        value = await client.call(credentials, "GET", path_of("users", "login", phone))
    except Refused as refusal:
        if refusal.status != 422:
            raise
        value = {}
    code = text_in(value, "code").replace("-", "").strip()
    if not value:
        raise NotReady("the gateway has no code at the moment")
    if not code or len(code) > LONGEST_CODE:
        raise OutcomeUnknown(UNREADABLE)
    return PhoneCode(code)


async def logout(client: Client, credentials: Credentials) -> None:
    """Unlink the phone; when none is linked it is done already. Source: Whapi logout reference (read 2026-11-21).

    Raises:
        ProviderError: see `Client.call`.
    """
    try:
        await client.call(credentials, "POST", "/users/logout")
    except Refused as refusal:
        if refusal.status != 409:
            raise
