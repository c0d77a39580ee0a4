"""Single values: states, progress, calls and moments."""

import hashlib
from datetime import datetime
from typing import Final

STATES: Final = {
    "not_ready": "starting",
    "starting": "starting",
    "unpaired": "notAuthorized",
    "connected": "authorized",
    "disconnected": "sleepMode",
    "blocked": "blocked",
    "unknown": "starting",
}
"""A `port.Link` as a stateInstance; clients take all but `authorized` for unusable, and `starting` for passing."""
REASONS: Final = {
    "rejected_by_whatsapp": "failed",
    "recipient_not_on_whatsapp": "noAccount",
    "recipient_not_in_group": "notInGroup",
    "account_limited": "yellowCard",
    "group_too_large": "failed",
}
TOO_LARGE_GROUP: Final = "SWE004"
"""How the description of a message to a group that is too large begins."""
CALLS: Final = {
    "ringing": "offer",
    "answered": "pickUp",
    "ended": "hungUp",
    "declined": "declined",
    "missed": "missed",
    "unknown": "invalid",
}


def progress(status: str, reason: str | None) -> str:
    """How far a message came; one that failed, by why."""
    return REASONS.get(reason or "", "failed") if status == "failed" else status


def seconds(at: str | None) -> int:
    """A moment as tenants see it, in seconds since 1970; 0 when it is not known."""
    return 0 if at is None else int(datetime.fromisoformat(at).timestamp())


def made_id(source: bytes) -> str:
    """An id for something that has none of its own in our words, such as an edit; the same for the same."""
    return "3EB0" + hashlib.sha256(source).hexdigest()[:16].upper()


def word(flag: bool | None) -> str:
    """A switch; one that nobody tells is off."""
    return "yes" if flag else "no"


def wid(phone: str | None) -> str:
    """The account's own id; empty when nobody is linked."""
    return f"{phone}@c.us" if phone else ""
