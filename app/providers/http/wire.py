"""One call as it goes over the wire, and what came back, whichever client carries it."""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from app.kit.crypto import Secret
from app.providers.errors import ProviderError

ANSWER_BYTES: Final = 1024 * 1024
LISTING_BYTES: Final = 32 * 1024 * 1024
CONNECTIONS: Final = 100
IDLE_SECONDS: Final = 3.0  # below the idle limits that servers have, so that it is us who close
JSON: Final = "application/json"
TOO_LONG: Final = "the gateway's answer was too long"
UNREADABLE: Final = "the gateway's answer could not be read"
UNWRITABLE: Final = "the request cannot be written as JSON"
LONGEST_WAIT_SECONDS: Final = 3600.0

Body = Callable[[], bytes]


class Answer(Struct, frozen=True):
    """What came back, complete; its repr shows no body."""

    status: int
    raw: bytes
    retry_after: str = ""
    content_type: str = ""

    def __repr__(self) -> str:
        return f"Answer(status={self.status})"


class Done(Struct, frozen=True):
    """A success and its value; its repr shows no value."""

    value: Any

    def __repr__(self) -> str:
        return "Done()"


Ending = Answer | ProviderError | asyncio.CancelledError


class Request(Struct, frozen=True):
    """What is asked. `address` and `body` are made at the last moment, so that secrets stand in no frame that fails.

    `bearer` goes into the header Authorization; it must have no characters that end a header.
    """

    verb: str
    address: Callable[[], str]
    bearer: Secret | None = None
    body: Body | None = None
    content_type: str = JSON
    most_bytes: int = ANSWER_BYTES

    def headers(self) -> dict[str, str]:
        """Those that are not the client's own. Holds the token: keep it in no frame that may fail."""
        told = {} if self.body is None or not self.content_type else {"Content-Type": self.content_type}
        return told if self.bearer is None else {**told, "Authorization": f"Bearer {self.bearer.reveal()}"}


class Unwritable(Exception):
    """A body that is no JSON, such as a text with a lone surrogate."""


def json_of(fields: Callable[[], Mapping[str, Any]]) -> Body:
    """The body that says these fields; making it raises `Unwritable`."""

    def encoded() -> bytes:
        try:
            return msgspec.json.encode(fields())
        except (UnicodeEncodeError, TypeError, ValueError):
            pass
        raise Unwritable

    return encoded


def decode(raw: bytes) -> tuple[bool, Any]:
    """Whether a body is JSON, and its value; depth and odd numbers are no way to an exception."""
    try:
        return True, msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return True, json.loads(raw)  # lenient about lone surrogates, which phones do send
    except (ValueError, RecursionError):
        return False, None


def is_page(answer: Answer) -> bool:
    """Whether something before the gateway answered with a page."""
    return answer.raw.lstrip()[:1] == b"<"


def wait_seconds(header: str) -> float | None:
    """A Retry-After in seconds, an hour at most; None when it is a date or nothing."""
    if not (header.isascii() and header.isdecimal() and len(header) < 10):
        return None
    return min(float(header), LONGEST_WAIT_SECONDS)
