"""What goes back to a client of the channel face."""

from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from app.kit.asgi import Header

JSON: Final = "application/json"
WORDS: Final = {
    400: "bad request",
    401: "need channel authorization",
    402: "trial version limit exceeded",
    403: "forbidden",
    404: "not found",
    405: "method not allowed",
    406: "not acceptable for this channel",
    408: "request timeout",
    409: "conflict",
    413: "payload too large",
    415: "unsupported media type",
    422: "unprocessable",
    429: "too many requests",
    500: "internal error",
    501: "not available here",
    502: "bad gateway",
    503: "service unavailable",
    504: "no answer in time",
}
"""What a refusal of each status is headed; who knows the details finds them beside it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer."""

    status: int = 200
    body: bytes = field(default=b"", repr=False)
    content_type: str = JSON
    headers: tuple[Header, ...] = ()


def told(value: Any, status: int = 200) -> Answer:
    """A value as JSON."""
    return Answer(status, msgspec.json.encode(value))


def refused(status: int, details: str = "", *, headers: tuple[Header, ...] = ()) -> Answer:
    """A refusal in the nested shape. Source: error schema of the Whapi gate reference (read 2026-11-21)."""
    about: dict[str, Any] = {"code": status, "message": WORDS.get(status, "error")}
    if details:
        about["details"] = details
    return Answer(status, msgspec.json.encode({"error": about}), JSON, headers)


def leading(address: str) -> Answer:
    """The file is elsewhere, under a link of ours."""
    return Answer(302, headers=((b"location", address.encode("ascii", "ignore")),))


SUCCESS: Final = told({"success": True})
NOTHING: Final = Answer(204)
UNAUTHORIZED: Final = refused(
    401, "the token is missing or wrong; send it as `Authorization: Bearer`, not in the address"
)
GONE: Final = refused(404, "channel not found")
NO_ROUTE: Final = refused(404, "there is no such path")
CRASHED: Final = refused(500)
