"""What goes back to a client of the compatible face."""

from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

JSON: Final = "application/json; charset=utf-8"
TEXT: Final = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; success is always 200, for that is all that the clients know."""

    status: int = 200
    body: bytes = field(default=b"", repr=False)
    content_type: str = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


def told(value: Any) -> Answer:
    """A value as JSON, compact and in the order of its keys."""
    return Answer(200, msgspec.json.encode(value))


def plain(status: int, text: str) -> Answer:
    """A refusal in plain text, which most of the upstream's are."""
    return Answer(status, text.encode(), TEXT)


def worded(status: int, value: Any) -> Answer:
    """A refusal in JSON."""
    return Answer(status, msgspec.json.encode(value))


def empty(status: int) -> Answer:
    """A refusal without a body: 401, and 429 with the longest wait that clients may be told."""
    headers = ((b"retry-after", b"1"),) if status == 429 else ()
    return Answer(status, b"", TEXT, headers)


NOTHING: Final = Answer(200, b"null")
"""A poll to which nothing came: an empty body would end the clients' loops."""
NOT_FOUND: Final = plain(404, "Not Found")
FORBIDDEN: Final = plain(403, "Forbidden")
UNAUTHORIZED: Final = empty(401)
TOO_FAST: Final = empty(429)
BAD_GATEWAY: Final = plain(502, "Bad Gateway")
"""Nothing was asked of the gateway."""
NO_ANSWER: Final = plain(504, "Gateway Timeout")
"""It was asked, and what became of it is not known: the clients must not ask again by themselves."""
CRASHED: Final = plain(500, "Internal Server Error")
DELETED: Final = plain(400, "Instance is deleted")
STARTING: Final = plain(400, "instance in starting process try later")
UNLINKED: Final = plain(400, "instance is starting or not authorized")
TOO_LARGE: Final = plain(500, "request entity too large")
BAD_DATA: Final = plain(400, "bad request data")
