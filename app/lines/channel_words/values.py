"""Single values in Whapi's spelling: ids, moments, states, progress.

Sources: Whapi gate reference, schemas and enumerations, help desk on channel states (read 2026-11-21). Codes that no
document gives are the simulator's (choice).
"""

import hashlib
from datetime import datetime
from typing import Final

THEIRS: Final = "@s.whatsapp.net"
STATES: Final = {
    "not_ready": "INIT",
    "starting": "LAUNCH",
    "unpaired": "QR",
    "connected": "AUTH",
    "disconnected": "ERROR",
    "blocked": "ERROR",
    "unknown": "LAUNCH",
}
"""A `port.Link` as the text of a channel's status; all but AUTH is unusable, and LAUNCH is passing."""
STATE_CODES: Final = {"NOT_INIT": 0, "INIT": 1, "LAUNCH": 2, "QR": 3, "AUTH": 4, "ERROR": 5, "SYNC_ERROR": 6, "STOP": 7}
PROGRESS_CODES: Final = {"failed": 0, "pending": 1, "sent": 2, "delivered": 3, "read": 4, "played": 5, "deleted": 6}
UNDELIVERABLE: Final = 131026
"""The code of a message that WhatsApp does not deliver, as its own platform has it."""
REASONS: Final = {
    "rejected_by_whatsapp": "WhatsApp rejected the message",
    "recipient_not_on_whatsapp": "the recipient is not on WhatsApp",
    "recipient_not_in_group": "the account is not in the group",
    "account_limited": "the account is limited by WhatsApp",
    "group_too_large": "the group is too large",
}


def channel_id(number: int) -> str:
    """A line as a channel: twelve capitals and digits, which is one of the two shapes of a channel's id."""
    return f"CH{number}"


def chat(chat_id: str) -> str:
    """A chat; persons are `digits@s.whatsapp.net`, all others as everywhere."""
    user, at, server = chat_id.partition("@")
    return user + THEIRS if server == "c.us" or (not at and _is_number(user)) else chat_id


def person(chat_id: str) -> str:
    """A person where no chat is meant: digits; a hidden number keeps its `@lid`."""
    user, _, server = chat_id.partition("@")
    return user if server in ("", "c.us", "s.whatsapp.net") else chat_id


def ours(told: str) -> str:
    """A chat or a person as a customer writes it, in our words: `digits@c.us`, `…@g.us`, `…@lid`."""
    user, at, server = told.strip().partition("@")
    if at and server not in ("s.whatsapp.net", "c.us"):
        return told.strip()
    number = user.partition(":")[0].lstrip("+")
    return f"{number}@c.us" if _is_number(number) else told.strip()


def chat_type(chat_id: str) -> str:
    """`group`, `contact`, `broadcast`, `newsletter` or `unknown`."""
    server = chat_id.partition("@")[2]
    known = {"g.us": "group", "broadcast": "broadcast", "newsletter": "newsletter"}
    return known.get(server, "contact" if server in ("c.us", "s.whatsapp.net", "lid", "") else "unknown")


def media_id(kind: str, chat_id: str, message_id: str) -> str:
    """The id of a message's file: it says which message that is, so nothing has to be kept for it."""
    return f"{kind}-{chat_id.encode().hex()}-{message_id.encode().hex()}"


def message_of(told: str) -> tuple[str, str] | None:
    """The chat and the message that `media_id` was made of; None for any other text."""
    try:
        _, chat_hex, message_hex = told.split("-")
        found = bytes.fromhex(chat_hex).decode(), bytes.fromhex(message_hex).decode()
    except ValueError:
        return None
    return found if all(found) else None


def made_id(source: bytes) -> str:
    """An id for something that has none of its own in our words, such as an edit; the same for the same."""
    text = hashlib.sha256(source).hexdigest().upper()
    return f"3EB0{text[:16]}-{text[16:24]}"


def seconds(at: datetime | str | None) -> int:
    """A moment, or one as tenants see it, in seconds since 1970; 0 when it is not known."""
    if at is None:
        return 0
    return int((datetime.fromisoformat(at) if isinstance(at, str) else at).timestamp())


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()
