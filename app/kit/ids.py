"""Typed ids: `inst_01m7…` on the wire, a native UUIDv7 in the database."""

from typing import Final
from uuid import UUID

import uuid_utils
from typeid import TypeID
from typeid.errors import TypeIDException

from app.kit.errors import NotFound

ORGANIZATION: Final = "org"
USER: Final = "usr"
SESSION: Final = "ses"
API_KEY: Final = "key"
INSTANCE: Final = "inst"
OPERATION: Final = "op"
PAIRING: Final = "pair"
MESSAGE: Final = "msg"
EVENT: Final = "evt"
WEBHOOK_ENDPOINT: Final = "whe"
DELIVERY: Final = "dlv"
LEDGER_TRANSACTION: Final = "ltx"
UPLOAD: Final = "upl"
PARTNER_TOKEN: Final = "ptk"  # noqa: S105  # a prefix


# Two characters of Crockford's base 32 for each ten bits: a send shows two ids, and the library takes 5 µs for one.
DIGITS: Final = "0123456789abcdefghjkmnpqrstvwxyz"
PAIRS: Final = tuple(first + second for first in DIGITS for second in DIGITS)


def new_id() -> UUID:
    """A UUIDv7: random in 74 bits and ordered by the millisecond of its making."""
    return UUID(int=uuid_utils.uuid7().int)


def to_wire(prefix: str, value: UUID) -> str:
    """The public form of an id, a TypeID."""
    return f"{prefix}_{_encoded(value.int)}"


def new_wire(prefix: str) -> str:
    """The public form of a new id that is stored nowhere."""
    return f"{prefix}_{_encoded(uuid_utils.uuid7().int)}"


def from_wire(prefix: str, text: str) -> UUID:
    """The UUID behind a public id.

    Raises:
        NotFound: the text is no id of this kind; the detail names the expected prefix.
    """
    try:
        parsed = TypeID.from_string(text)
    except (TypeIDException, ValueError, KeyError, IndexError, AttributeError):
        parsed = None
    if parsed is None or parsed.prefix != prefix:
        raise NotFound(f"An id of this kind looks like `{prefix}_` and 26 characters.")
    return UUID(bytes=parsed.uuid_bytes)


def _encoded(number: int) -> str:
    pairs = PAIRS
    return (
        f"{pairs[number >> 120]}{pairs[number >> 110 & 1023]}{pairs[number >> 100 & 1023]}{pairs[number >> 90 & 1023]}"
        f"{pairs[number >> 80 & 1023]}{pairs[number >> 70 & 1023]}{pairs[number >> 60 & 1023]}"
        f"{pairs[number >> 50 & 1023]}{pairs[number >> 40 & 1023]}{pairs[number >> 30 & 1023]}"
        f"{pairs[number >> 20 & 1023]}{pairs[number >> 10 & 1023]}{pairs[number & 1023]}"
    )


def pattern(prefix: str) -> str:
    """The regular expression that every public id of a kind matches."""
    return f"^{prefix}_[0-7][0-9a-hjkmnp-tv-z]{{25}}$"
