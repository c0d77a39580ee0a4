"""One call as it goes over the wire, whichever client carries it."""

import asyncio
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote

import msgspec
from msgspec import Struct

from app.kit.crypto import Secret
from app.providers.errors import ProviderError
from app.providers.green_api.outcomes import Answer

ANSWER_BYTES: Final = 1024 * 1024
LISTING_BYTES: Final = 32 * 1024 * 1024
CONNECTIONS: Final = 100
IDLE_SECONDS: Final = 3.0  # below the idle limits that servers have, so that it is us who close
JSON: Final = "application/json"
TOO_LONG: Final = "the gateway's answer was too long"
UNWRITABLE: Final = "the request cannot be written as JSON"

Body = Callable[[], bytes]
Ending = Answer | ProviderError | asyncio.CancelledError


class Request(Struct, frozen=True):
    """What is asked; `query` is already encoded.

    `body` is made at the last moment, so that secrets in it stand in no frame that can fail.
    """

    verb: str
    prefix: str
    method: str
    token: Secret
    body: Body | None = None
    content_type: str = JSON
    query: str = ""
    most_bytes: int = ANSWER_BYTES

    def address(self, base_url: str) -> str:
        """Where it goes. Holds the token: keep it in no frame that may fail."""
        path = f"{base_url}/{self.prefix}/{_quoted(self.method)}/{_quoted(self.token.reveal())}"
        return f"{path}?{self.query}" if self.query else path


def _quoted(part: str) -> str:
    return part if part.isascii() and part.isalnum() else quote(part, safe="")


class Unwritable(Exception):
    """A body that is no JSON, such as a text with a lone surrogate."""


def json_of(fields: Callable[[], dict[str, Any]]) -> Body:
    """The body that says these fields; making it raises `Unwritable`."""

    def encoded() -> bytes:
        try:
            return msgspec.json.encode(fields())
        except (UnicodeEncodeError, TypeError, ValueError):
            pass
        raise Unwritable

    return encoded
