"""The channel itself: how it is, logging in and out, who is linked, what it may still do."""

import base64
import binascii
from typing import Any, Final

from app.channels import files
from app.channels.answer import NOTHING, SUCCESS, Answer, refused, told
from app.channels.asking import Asking
from app.channels.parts import Call
from app.instances.service import InstanceNotReady
from app.kit.errors import InvalidRequest
from app.lines.channel_words import people, values
from app.plans import service as plans
from app.plans.refusals import TrialNotStarted
from app.providers import asks
from app.providers.asks import SetProfilePicture
from app.providers.errors import NotReady
from app.providers.port import AlreadyLinked, Credentials, Link, PhoneCode, Provider, QrImage

LINKED: Final = refused(409, "the channel is authorized already")
UNLINKED: Final = refused(409, "the channel is logged out already")
NO_CODE: Final = refused(422, "there is no code at the moment; ask again in some seconds")
PNG: Final = "image/png"
UNLIMITED: Final = 1_000_000
"""Told of what has no limit where another has one: the field must be a number."""


async def health(asking: Asking, call: Call) -> Answer:
    """The state of the channel; `wakeup` is passed over, for a channel is never left asleep here."""
    channel = call.channel
    try:
        link = await asking.do(channel, "getStateInstance", lambda provider, credentials: provider.link(credentials))
    except (InstanceNotReady, TrialNotStarted, NotReady):
        link = Link.NOT_READY
    instance = channel.instance
    found = people.health(
        link,
        number=channel.line.number,
        phone=instance.phone,
        name=instance.profile_name,
        since=values.seconds(instance.ready_at or instance.created_at),
        now=values.seconds(channel.now),
    )
    return told(found)


async def login(asking: Asking, call: Call) -> Answer:
    """The code of the moment as a picture; WAITING while there is none."""
    found = await _qr(asking, call)
    if isinstance(found, AlreadyLinked):
        return LINKED
    if found is None:
        return told({"status": "WAITING"})
    picture = f"data:{PNG};base64,{found.png_base64}"
    return told({"status": "OK", "base64": picture, "expire": max(1, int(found.valid_seconds))})


async def login_image(asking: Asking, call: Call) -> Answer:
    """The same as PNG."""
    found = await _qr(asking, call)
    if isinstance(found, AlreadyLinked):
        return LINKED
    if found is None:
        return NO_CODE
    try:
        return Answer(200, base64.b64decode(found.png_base64, validate=True), PNG)
    except binascii.Error:
        return NO_CODE


async def login_code(asking: Asking, call: Call) -> Answer:
    """A code to be typed on the phone of a number."""
    phone = call.params.text("PhoneNumber")
    if not (phone.isascii() and phone.isdecimal() and 7 <= len(phone) <= 15):
        raise InvalidRequest("the phone number must have 7 to 15 digits")

    async def do(provider: Provider, credentials: Credentials) -> PhoneCode | None:
        if await provider.link(credentials) is Link.CONNECTED:
            return None
        return await provider.phone_code(credentials, phone)

    try:
        code = await asking.do(call.channel, "getAuthorizationCode", do)
    except NotReady:
        return NO_CODE
    if code is None:
        return LINKED
    return told({"code": code.value})


async def logout(asking: Asking, call: Call) -> Answer:
    """Unlink the phone; 409 when none is linked."""

    async def do(provider: Provider, credentials: Credentials) -> bool:
        if await provider.link(credentials) is Link.UNPAIRED:
            return False
        await provider.logout(credentials)
        return True

    return SUCCESS if await asking.do(call.channel, "logout", do) else UNLINKED


async def profile(asking: Asking, call: Call) -> Answer:
    """Name and picture of the linked account; its words about itself are not told by every gateway."""
    found = await asking.ask(call.channel, asks.ReadAccount())
    icon = found.picture_link or ""
    shown = {"name": call.channel.instance.profile_name or "", "about": "", "icon": icon, "icon_full": icon}
    return told(shown)


async def change_profile(asking: Asking, call: Call) -> Answer:
    """Another picture; name and words only where the gateway has Whapi's words."""
    fields = call.said
    if fields.has("name") or fields.has("about"):
        return await asking.natively(call)
    ask = SetProfilePicture(await files.picture(asking, call, "icon"))
    await asking.do(
        call.channel, ask.method, lambda provider, credentials: provider.perform(credentials, ask), streams=True
    )
    return SUCCESS


async def limits(asking: Asking, call: Call) -> Answer:
    """What is left of the plan: messages of this day, calls of this month; 204 when nothing is limited."""
    channel = call.channel
    async with asking.parts.database.begin(channel.tenant_id) as uow:
        row, used = await plans.usage(uow, channel.tenant_id, channel.instance.id)
        left: dict[str, int] = {}
        for metric in ("messages", "calls"):
            limit = plans.limit_of(row, metric)
            if limit is not None:
                left[metric] = max(0, limit.amount - used.get(metric, 0))
    if not left:
        return NOTHING
    calls = left.get("calls", UNLIMITED)
    shown: dict[str, Any] = {"messages": left.get("messages", UNLIMITED), "chats": []}
    return told(shown | {"checks": calls, "requests": calls})


async def _qr(asking: Asking, call: Call) -> QrImage | AlreadyLinked | None:
    try:
        return await asking.do(call.channel, "qr", lambda provider, credentials: provider.qr(credentials))
    except (NotReady, InstanceNotReady):
        return None
