"""Health, pairing by QR or by a code for the keyboard, and the way out."""

import re
import secrets

from simulator.whapi import life, qr
from simulator.whapi.channel import Channel
from simulator.whapi.errors import Problem
from simulator.whapi.wire import Call, answer, flag_of, number_of, success
from simulator.whapi.world import Whapi
from simulator.wire import Reply

CODE_LETTERS = "123456789ABCDEFGHJKLMNPQRSTVWXYZ"
PNG = "image/png"


def check_health(whapi: Whapi, call: Call) -> Reply:
    """The state; launches a sleeping channel unless wakeup is false (reference, read 2026-11-21)."""
    channel = call.here
    kind = call.query.get("channel_type", "web")
    if kind not in ("web", "mobile"):
        raise Problem(400, "channel_type must be web or mobile")
    if flag_of(call.query, "wakeup", True):
        if channel.state == "NOT_INIT":
            channel.is_mobile = kind == "mobile"
        life.wake(whapi, channel)
    return answer(life.health(whapi, channel))


def login(whapi: Whapi, call: Call) -> Reply:
    """The code of the moment as a picture and as text: OK, or WAITING, TIMEOUT, ERROR."""
    size = _scale(call)
    return answer(_code(whapi, call, with_picture=True, size=size))


def login_rowdata(whapi: Whapi, call: Call) -> Reply:
    """The code of the moment as text only."""
    return answer(_code(whapi, call, with_picture=False))


def login_image(whapi: Whapi, call: Call) -> Reply:
    """The code of the moment as PNG; 422 while there is none (choice)."""
    told = _code(whapi, call, with_picture=False)
    if told["status"] != "OK":
        raise Problem(422, "there is no code at the moment")
    return Reply(qr.picture(whapi, call.here, _scale(call)), 200, PNG)


def login_by_code(whapi: Whapi, call: Call) -> Reply:
    """A fresh code for the phone's keyboard that replaces the one before."""
    phone = call.params["PhoneNumber"]
    if not re.fullmatch(r"[0-9]{7,15}", phone):
        raise Problem(400, "the phone number must have 7 to 15 digits")
    channel = call.here
    _may_pair(channel)
    if channel.is_linked:
        raise Problem(409, "the channel is authorized already")
    life.wake(whapi, channel)
    if channel.state != "QR":
        raise Problem(422, "a code cannot be made at the moment")
    pairing = channel.pairing
    fixed = channel.settings.get("mock_pairing_code", "")
    pairing.code = fixed or _made_up(whapi.config.code_form)
    pairing.phone = phone
    pairing.code_until = whapi.world.clock.now() + whapi.config.code_seconds
    return answer({"code": pairing.code})


def logout(whapi: Whapi, call: Call) -> Reply:
    """Unlink the phone; 409 when none is linked. It cures SYNC_ERROR as well."""
    if call.here.user is None:
        raise Problem(409, "the channel is logged out already")
    life.unlink(whapi, call.here)
    return success()


def _code(whapi: Whapi, call: Call, *, with_picture: bool, size: int = 4) -> dict[str, object]:
    channel = call.here
    _may_pair(channel)
    if channel.is_linked:
        if whapi.config.login_409:
            raise Problem(409, "the channel is authorized already")
        return {"status": "TIMEOUT"}
    if flag_of(call.query, "wakeup", True):
        life.wake(whapi, channel)
    if channel.state == "QR":
        return qr.shown(whapi, channel, with_picture=with_picture, size=size)
    return {"status": "ERROR" if channel.state in ("ERROR", "STOP") else "WAITING"}


def _may_pair(channel: Channel) -> None:
    if channel.is_mobile:
        raise Problem(406, "the channel is of the mobile type")


def _scale(call: Call) -> int:
    wanted = number_of(call.query, "size", 0, 0, 10_000) or number_of(call.query, "width", 0, 0, 10_000)
    return max(1, min(16, wanted // 50)) if wanted else 4


def _made_up(form: str) -> str:
    letters = "".join(secrets.choice(CODE_LETTERS) for _ in range(8))
    if form == "8":
        return letters
    return f"{letters[:3]}-{letters[3:6]}" if form == "3+3" else f"{letters[:4]}-{letters[4:]}"
