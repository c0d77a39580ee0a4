"""One call as it goes over the wire, whichever client carries it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import msgspec

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


@dataclass(frozen=True, slots=True)
class Request:
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
        path = "/".join(quote(part, safe="") for part in (self.prefix, self.method, self.token.reveal()))
        return f"{base_url}/{path}{'?' if self.query else ''}{self.query}"


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
