"""Calls of the Whapi half as they come in, and the rows of its method table."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from simulator.storage import Blob
from simulator.whapi.channel import Channel
from simulator.whapi.errors import Problem
from simulator.wire import JSON, Reply

if TYPE_CHECKING:
    from simulator.whapi.partner import Partner
    from simulator.whapi.world import Whapi

Host = Literal["manager", "gate"]
Counts = Literal["", "message", "check"]
SMALL = 1024 * 1024
LARGE = 150 * 1024 * 1024


class Needs(Enum):
    """What a channel must be for a method of the gate to answer."""

    TOKEN = 0  # answers in every state
    SESSION = 1  # a linked phone, else 401; SYNC_ERROR will do
    SYNC = 2  # a linked phone that is in step; SYNC_ERROR is refused


@dataclass(slots=True)
class Call:
    """One call whose address was understood and whose token is good."""

    method: "Method"
    path: str
    params: dict[str, str]
    """The variable parts of the path, by the names of the pattern."""
    query: dict[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    partner: "Partner | None" = None
    channel: Channel | None = None
    """Of the gate: the token's; of the manager: the one the call turned out to be about."""
    raw: bytes = b""
    body: Any = None
    """The JSON, or the fields of a form."""
    files: dict[str, Blob] = field(default_factory=dict)
    """Files that came in a form, by the name of the field."""
    flaw: str = ""
    """Why the body could not be read; told after token and state were looked at."""
    kept: dict[str, Any] = field(default_factory=dict)
    """Whatever `first` hands to `handler`."""
    refusal: Problem | None = None
    """Why `first` refused; told by the order of all refusals."""

    @property
    def here(self) -> Channel:
        """The channel the call is for; only methods of the gate may ask."""
        assert self.channel is not None
        return self.channel

    @property
    def account(self) -> "Partner":
        """The partner who calls; only methods of the manager may ask."""
        assert self.partner is not None
        return self.partner

    @property
    def fields(self) -> dict[str, Any]:
        """The body as an object; an empty one when there is none.

        Raises:
            Problem: 400, it is something else.
        """
        if self.body is None:
            return {}
        if not isinstance(self.body, dict):
            raise Problem(400, "an object is expected")
        return self.body


Handler = Callable[["Whapi", Call], Reply]
First = Callable[["Whapi", Call], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Method:
    """One row of the method table.

    `path` is a pattern such as `/chats/{ChatID}`; `effect` marks what changes the world and is journaled
    when it truly happened; `counts` is the quota of trial and sandbox it takes from besides the requests;
    `first` may take its time before `handler`, and raise a `Problem`; `raw` leaves the body unread.
    """

    name: str
    host: Host
    verb: str
    path: str
    handler: Handler
    needs: Needs = Needs.TOKEN
    effect: bool = False
    counts: Counts = ""
    first: First | None = None
    raw: bool = False
    max_bytes: int = SMALL


def answer(value: Any, status: int = 200) -> Reply:
    """A JSON answer; what was asked is done."""
    return Reply(msgspec.json.encode(value), status, JSON)


def success() -> Reply:
    """The answer of methods that have nothing to tell."""
    return answer({"success": True})


def text_of(fields: Mapping[str, Any], name: str, *, longest: int | None = None) -> str:
    """A required, non-empty text.

    Raises:
        Problem: 400, it is missing, something else or too long.
    """
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise Problem(400, f"{name} is required and must be a string")
    if longest is not None and len(value) > longest:
        raise Problem(400, f"{name} must be at most {longest} characters long")
    return value


def flag_of(fields: Mapping[str, Any], name: str, default: bool) -> bool:
    """A flag, in a query as the word true or false (other spellings are refused, as clients report).

    Raises:
        Problem: 400, it is no flag.
    """
    value = fields.get(name)
    if value is None:
        return default
    if isinstance(value, str) and value in ("true", "false"):
        return value == "true"
    if isinstance(value, bool):
        return value
    raise Problem(400, f"{name} must be a boolean")


def number_of(fields: Mapping[str, Any], name: str, default: int, least: int, most: int | None = None) -> int:
    """A whole number, in a query as digits.

    Raises:
        Problem: 400, it is no number or out of its range.
    """
    value = fields.get(name)
    if value is None or value == "":
        return default
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 16:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < least or (most is not None and value > most):
        raise Problem(400, f"{name} must be a whole number from {least}" + ("" if most is None else f" to {most}"))
    return value


def page(call: Call, rows: list[Any]) -> tuple[list[Any], dict[str, int]]:
    """The rows that count and offset of the query ask for, and the figures that go with them.

    Raises:
        Problem: 400, count is not within 1 to 500 or offset is negative.
    """
    count = number_of(call.query, "count", 100, 1, 500)
    offset = number_of(call.query, "offset", 0, 0)
    found = rows[offset : offset + count]
    return found, {"count": len(found), "total": len(rows), "offset": offset}
