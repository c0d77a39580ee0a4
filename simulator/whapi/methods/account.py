"""The linked account's profile, and what trial and sandbox have left."""

import base64
import binascii
from typing import Any

from simulator.storage import TooLarge
from simulator.whapi import limits
from simulator.whapi.errors import Problem
from simulator.whapi.wire import Call, answer, success
from simulator.whapi.world import Whapi
from simulator.wire import Reply

LONGEST = {"name": (3, 25), "about": (1, 139)}
"""Characters, least and most. Source: 2026 text of the gate reference, read 2026-11-21."""


def get_profile(whapi: Whapi, call: Call) -> Reply:
    """Name, about and pictures of the linked account."""
    return answer(call.here.profile)


def update_profile(whapi: Whapi, call: Call) -> Reply:
    """Change what is named; a picture comes as an address, as base64 or as a file."""
    channel, fields = call.here, call.fields
    changes: dict[str, str] = {}
    for name, (least, most) in LONGEST.items():
        value = fields.get(name)
        if value is None:
            continue
        if not isinstance(value, str) or not least <= len(value) <= most:
            raise Problem(400, f"{name} must have {least} to {most} characters")
        changes[name] = value
    icon = _icon(whapi, call, fields.get("icon"))
    if icon:
        changes |= {"icon": icon, "icon_full": icon}
    channel.profile |= changes
    if "name" in changes and channel.user is not None:
        channel.user |= {"name": changes["name"], "pushname": changes["name"]}
    return success()


def get_limits(whapi: Whapi, call: Call) -> Reply:
    """The figures of trial and sandbox; 204 without a body for a channel without limits."""
    if not limits.is_limited(whapi, call.here):
        return Reply(status=204)
    return answer(limits.shown(whapi, call.here))


def _icon(whapi: Whapi, call: Call, value: Any) -> str:
    storage = whapi.world.storage
    if "icon" in call.files:
        return storage.stored(call.here.id, call.files["icon"])
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Problem(400, "icon must be an address or base64")
    if value.startswith(("http://", "https://")):
        return value
    head, _, data = value.rpartition(",")
    mime = head.removeprefix("data:").partition(";")[0] or "image/jpeg"
    try:
        return storage.stored(call.here.id, storage.keep("icon", mime, [base64.b64decode(data, validate=True)]))
    except (binascii.Error, TooLarge):
        raise Problem(400, "icon must be an address or base64") from None
