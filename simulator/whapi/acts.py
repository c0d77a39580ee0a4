"""Acts under /_sim/whapi/channels/{id}: what the phone's owner, WhatsApp and the provider do to a channel."""

import zlib
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from simulator.control import json_body, refused, told
from simulator.phone import NotNow
from simulator.whapi import life
from simulator.whapi.channel import Channel
from simulator.whapi.people_acts import ACTS as PEOPLE
from simulator.whapi.talk_acts import ACTS as TALK
from simulator.whapi.talk_acts import Act
from simulator.whapi.world import Whapi
from simulator.world import World


def routes(world: World) -> list[web.RouteDef]:
    """One address per act."""
    return [web.post(f"/_sim/whapi/channels/{{id}}/{name}", door(world, name, act)) for name, act in ACTS.items()]


def door(world: World, name: str, act: Act) -> Callable[[web.Request], Awaitable[web.Response]]:
    """The address of one act: 404 unknown channel, 409 not in this state, 400 unfit body."""

    async def handle(request: web.Request) -> web.Response:
        body = await json_body(request)
        channel = world.whapi.channels.get(request.match_info["id"])
        if channel is None:
            return refused(404, "no such channel")
        entry = world.journal.add("phone", name, None, channel.name, body)
        entry.more |= {"provider": "whapi", "channel_id": channel.id}
        try:
            if not channel.is_alive:
                raise NotNow("the channel is gone")
            result = act(world.whapi, channel, body)
        except (NotNow, ValueError) as reason:
            status = 409 if isinstance(reason, NotNow) else 400
            entry.real, entry.told, entry.http_status = "refused", "refused", status
            return refused(status, str(reason))
        entry.told, entry.http_status = "ok", 200
        return told({"ok": True, "state": channel.state, **result})

    return handle


def text_of(body: dict[str, Any], name: str, default: str | None = None) -> str:
    """A text of an act's body.

    Raises:
        ValueError: it is missing without a default, or something else.
    """
    value = body.get(name, default)
    if not isinstance(value, str):
        raise ValueError(f"{name} must be a text")
    return value


def scan(whapi: Whapi, channel: Channel, body: dict[str, Any]) -> dict[str, Any]:
    """The owner scans the QR that is shown: `{phone?, name?}`."""
    _shows_qr(channel)
    phone = text_of(body, "phone", channel.phone or f"1555{zlib.crc32(channel.id.encode()) % 10**7:07d}")
    life.link(whapi, channel, phone, text_of(body, "name", "Phone"))
    return {"phone": phone}


def enter_code(whapi: Whapi, channel: Channel, body: dict[str, Any]) -> dict[str, Any]:
    """The owner types the code he was given: `{code, name?}`."""
    _shows_qr(channel)
    pairing = channel.pairing
    if not pairing.code or whapi.world.clock.now() >= pairing.code_until:
        raise NotNow("there is no valid code")
    if _bare(text_of(body, "code")) != _bare(pairing.code):
        raise NotNow("wrong code")
    phone = pairing.phone
    life.link(whapi, channel, phone, text_of(body, "name", "Phone"))
    return {"phone": phone}


def unlink(whapi: Whapi, channel: Channel, body: dict[str, Any]) -> dict[str, Any]:
    """The owner takes the device off his list."""
    if channel.user is None:
        raise NotNow("no phone is linked")
    life.unlink(whapi, channel)
    return {}


def block(whapi: Whapi, channel: Channel, body: dict[str, Any]) -> dict[str, Any]:
    """The manager's flag: the channel is in ERROR and stays there."""
    channel.blocked = True
    if channel.state not in ("NOT_INIT", "STOP"):
        life.fail(whapi, channel, "ERROR")
    return {}


def unblock(whapi: Whapi, channel: Channel, body: dict[str, Any]) -> dict[str, Any]:
    """The flag is off; the channel launches again if it had been up."""
    if not channel.blocked:
        raise NotNow("the channel is not blocked")
    channel.blocked = False
    if channel.state == "ERROR":
        life.launch(whapi, channel)
    return {}


def break_(whapi: Whapi, channel: Channel, body: dict[str, Any]) -> dict[str, Any]:
    """The channel breaks: ERROR until it is restarted or mended."""
    _is_up(channel)
    life.fail(whapi, channel, "ERROR")
    return {}


def sync_error(whapi: Whapi, channel: Channel, body: dict[str, Any]) -> dict[str, Any]:
    """The session gets out of step: sends work, reads fail, until logout and login."""
    if not channel.is_linked:
        raise NotNow("no phone is linked")
    channel.session_broken = True
    life.fail(whapi, channel, "SYNC_ERROR")
    return {}


def mend(whapi: Whapi, channel: Channel, body: dict[str, Any]) -> dict[str, Any]:
    """ERROR and SYNC_ERROR end without anybody's doing."""
    if channel.state not in ("ERROR", "SYNC_ERROR"):
        raise NotNow(f"the channel is in {channel.state}")
    channel.session_broken = False
    life.connect(whapi, channel)
    return {}


def blink(whapi: Whapi, channel: Channel, body: dict[str, Any]) -> dict[str, Any]:
    """AUTH to LAUNCH and back, as happens on a normal day."""
    if not channel.is_linked:
        raise NotNow("no phone is linked")
    life.connect(whapi, channel)
    return {}


def vanish(whapi: Whapi, channel: Channel, body: dict[str, Any]) -> dict[str, Any]:
    """The upstream loses the channel and its days; the manager lists it no more."""
    life.vanish(whapi, channel)
    return {}


def _is_up(channel: Channel) -> None:
    if channel.state in ("NOT_INIT", "STOP"):
        raise NotNow(f"the channel is in {channel.state}")


def _shows_qr(channel: Channel) -> None:
    if channel.state != "QR":
        raise NotNow(f"the channel is in {channel.state}")


def _bare(code: str) -> str:
    return code.replace("-", "").upper()


ACTS: dict[str, Act] = {
    "scan": scan,
    "enter_code": enter_code,
    "unlink": unlink,
    "block": block,
    "unblock": unblock,
    "break": break_,
    "sync_error": sync_error,
    "mend": mend,
    "blink": blink,
    "vanish": vanish,
    **TALK,
    **PEOPLE,
}
