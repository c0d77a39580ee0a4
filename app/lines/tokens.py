"""The shape of a line's token: 50 hexadecimal characters, as GREEN-API's are, of which the last 8 check the rest."""

import secrets
import zlib
from typing import Final

RANDOM_BYTES: Final = 21
LENGTH: Final = 50
DIGITS: Final = frozenset("0123456789abcdef")


def new_token() -> str:
    """A token of 168 random bits and a CRC-32, so that a typo is refused without a query."""
    body = secrets.token_hex(RANDOM_BYTES)
    return body + _checksum(body)


def well_formed(token: str) -> bool:
    """Whether a text has the shape and checksum of a line's token."""
    return len(token) == LENGTH and DIGITS.issuperset(token) and _checksum(token[:-8]) == token[-8:]


def _checksum(body: str) -> str:
    return f"{zlib.crc32(body.encode()):08x}"
