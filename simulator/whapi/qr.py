"""QR codes that rotate, computed when somebody looks, and told by webhook a few times after each launch."""

import base64
import hashlib
import io
from typing import TYPE_CHECKING, Any

import segno

from simulator.whapi.channel import Channel

if TYPE_CHECKING:
    from simulator.whapi.world import Whapi

DATA_URI = "data:image/png;base64,"


def begin(whapi: "Whapi", channel: Channel) -> None:
    """Show a new row of codes from now on."""
    end(channel)
    channel.pairing.since = whapi.world.clock.now()
    channel.pairing.told = 0
    _tell(whapi, channel)


def end(channel: Channel) -> None:
    """Show no code any more; one for the keyboard ends as well."""
    pairing = channel.pairing
    pairing.code = ""
    if pairing.timer is not None:
        pairing.timer.cancel()
        pairing.timer = None


def shown(whapi: "Whapi", channel: Channel, *, with_picture: bool = True, size: int = 4) -> dict[str, Any]:
    """What a call for the code answers in the state QR: OK with the code, or TIMEOUT after the last of the row."""
    number = _number(whapi, channel)
    most = whapi.config.qr_codes
    if most is not None and number >= most:
        begin(whapi, channel)
        return {"status": "TIMEOUT"}
    ends = channel.pairing.since + (number + 1) * whapi.config.qr_seconds
    told: dict[str, Any] = {"status": "OK"}
    if with_picture:
        prefix = DATA_URI if whapi.config.qr_data_uri else ""
        told["base64"] = prefix + base64.b64encode(picture(whapi, channel, size)).decode()
    told["rowdata"] = rowdata(whapi, channel)
    # Never 0, which a client could take for a code that does not end.
    told["expire"] = max(1, int(ends - whapi.world.clock.now()))
    return told


def rowdata(whapi: "Whapi", channel: Channel) -> str:
    """The text inside the code of the moment."""
    seed = f"{channel.token}:{channel.pairing.since}:{_number(whapi, channel)}".encode()
    secret = base64.b64encode(hashlib.sha256(seed).digest()).decode()
    return f"2@{secret},{secret[::-1]},{secret[:20]}"


def picture(whapi: "Whapi", channel: Channel, scale: int = 4) -> bytes:
    """The code of the moment as PNG, drawn once per rotation."""
    pairing = channel.pairing
    wanted = (_number(whapi, channel) * 100 + scale, pairing.since)
    if pairing.drawn[0] != wanted:
        drawn = io.BytesIO()
        segno.make(rowdata(whapi, channel), error="l", micro=False).save(drawn, kind="png", scale=scale, border=2)
        pairing.drawn = (wanted, drawn.getvalue())
    return pairing.drawn[1]


def _number(whapi: "Whapi", channel: Channel) -> int:
    return int((whapi.world.clock.now() - channel.pairing.since) / whapi.config.qr_seconds + 1e-9)


def _tell(whapi: "Whapi", channel: Channel) -> None:
    config, pairing = whapi.config, channel.pairing
    pairing.timer = None
    if pairing.told >= min(config.qr_told, config.qr_codes or config.qr_told):
        return
    pairing.told += 1
    if whapi.is_wanted(channel, "channel", "patch"):
        whapi.tell(channel, "channel", "patch", {"qr": shown(whapi, channel)})
    due = pairing.since + pairing.told * config.qr_seconds
    pairing.timer = whapi.world.clock.at(due, lambda: _tell(whapi, channel))
