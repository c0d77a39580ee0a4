"""Calls as they come in and replies as they go out, free of any HTTP library."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

import msgspec

from simulator.clock import rfc3339
from simulator.instance import Instance
from simulator.storage import Blob

if TYPE_CHECKING:
    from simulator.world import World

JSON = "application/json"
TEXT = "text/plain"
DEAD_TEXT = "Instance is deleted"
STARTING_TEXT = "instance in starting process try later"
SESSION_TEXT = "instance is starting or not authorized"
EXPIRED_TEXT = "Instance account is expired. Renew your instance from personal area"


class Needs(Enum):
    """What an instance must be for a method to answer."""

    EXISTENCE = 0  # also answers while the instance is being created
    BOOT = 1  # also answers in `starting`
    READINESS = 2  # not in `starting`
    SESSION = 3  # a linked phone


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back; `real` tells whether the world changed as asked."""

    body: bytes = b""
    status: int = 200
    content_type: str = JSON
    real: str = "done"
    instance: Instance | None = None


class Refusal(Exception):
    """Raised by a method to answer at once with this reply."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


@dataclass(slots=True)
class Call:
    """One call whose address was understood."""

    method: "Method"
    path: str
    verb: str
    token: str
    tail: str = ""
    instance: Instance | None = None
    id_instance: int | None = None
    query: dict[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    """Of the request; names are found without case."""
    raw: bytes = b""
    body: Any = None
    flaw: "Reply | None" = None
    """What to answer when the body is no JSON; told only after token and state were looked at."""
    upload: Blob | None = None
    """The file that came with a call of a method that takes one."""

    @property
    def here(self) -> Instance:
        """The instance the call is for; only instance methods may ask."""
        assert self.instance is not None
        return self.instance

    @property
    def params(self) -> dict[str, Any]:
        """Parameters from either place they may come in; the body wins."""
        return {**self.query, **self.body} if isinstance(self.body, dict) else dict(self.query)


Handler = Callable[["World", Call], Reply]
Waiting = Callable[["World", Call], Awaitable[Reply]]
First = Callable[["World", Call], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Method:
    """One row of the method table.

    `rate` is calls per second and instance (None: not limited), `burst` the bucket's size when it is
    larger; `effect` marks what changes the world and must be journaled when it truly happened; `waits`
    replaces `handler` for a method that may take its time; `first` may take its time before `handler` and
    raise a `Refusal`; `upload` takes a file, as a form or as the whole body (`call.upload`).
    """

    name: str
    verbs: frozenset[str]
    handler: Handler | None
    rate: float | None
    needs: Needs = Needs.BOOT
    effect: bool = False
    burst: float = 0.0
    waits: Waiting | None = None
    first: First | None = None
    upload: bool = False
    max_bytes: int = 100 * 1024


def answer(value: Any, *, real: str = "done", instance: Instance | None = None) -> Reply:
    """JSON with HTTP 200, which also carries most refusals (`real="refused"`)."""
    return Reply(msgspec.json.encode(value), real=real, instance=instance)


def plain(status: int, text: str) -> Reply:
    """A refusal in plain text, which is what most 400s are."""
    return Reply(text.encode(), status, TEXT, "refused")


def empty(status: int) -> Reply:
    """A refusal without a body: 401 and 429."""
    return Reply(b"", status, TEXT, "refused")


def invalid(world: "World", call: Call, detail: str) -> Refusal:
    """The 400 of a failed validation, with the address and the time as the upstream words it."""
    body = {
        "statusCode": 400,
        "timestamp": rfc3339(world.clock.now()),
        "path": call.path,
        "message": f"Validation failed. Details: {detail}",
    }
    return Refusal(Reply(msgspec.json.encode(body), 400, JSON, "refused"))


def text_of(world: "World", call: Call, name: str, *, longest: int | None = None) -> str:
    """A required string parameter.

    Raises:
        Refusal: it is missing, of another type, or too long.
    """
    value = call.params.get(name)
    if value is None or value == "":
        raise invalid(world, call, f"'{name}' is required")
    if not isinstance(value, str):
        raise invalid(world, call, f"'{name}' must be a string")
    if longest is not None and len(value) > longest:
        raise invalid(world, call, f"'{name}' length must be less than or equal to {longest} characters long")
    return value


def number_of(
    world: "World",
    call: Call,
    name: str,
    *,
    default: int | None = None,
    least: int | None = None,
    most: int | None = None,
) -> int:
    """An integer parameter, also when it came as digits in the query.

    Raises:
        Refusal: it is missing without a default, not a number, or out of its range.
    """
    value = call.params.get(name)
    if value is None:
        if default is None:
            raise invalid(world, call, f"'{name}' is required")
        return default
    if isinstance(value, str) and value.lstrip("-").isdecimal() and len(value) < 20:
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise invalid(world, call, f"'{name}' must be a number")
    if least is not None and value < least:
        raise invalid(world, call, f"'{name}' must be larger than or equal to {least}")
    if most is not None and value > most:
        raise invalid(world, call, f"'{name}' must be less than or equal to {most}")
    return value
