"""What the compatible face works with, and one call of it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

from app.compat import wording
from app.compat.address import Address
from app.compat.answer import BAD_DATA, Answer
from app.compat.auth import Known, LineAuthenticator
from app.compat.wording import Scene
from app.gateway.calls import Gateway
from app.gateway.catalogue import Method
from app.instances.options import Options
from app.kit.db import Database
from app.kit.egress import Egress
from app.lines.waiting import Waiters
from app.providers.registry import Registry

MOST_PARAMETERS: Final = 100


@dataclass(frozen=True)
class Parts:
    """The house below this room; `public_url` is where customers reach it."""

    database: Database
    gateway: Gateway
    registry: Registry
    egress: Egress
    waiters: Waiters
    instance_options: Options
    authenticator: LineAuthenticator
    public_url: str


@dataclass
class Asked:
    """What is asked: a method and its parameters, from the address and from the body."""

    method: Method
    query_string: bytes = field(repr=False)
    raw: bytes = field(default=b"", repr=False, kw_only=True)
    value: Any = field(default=None, repr=False, kw_only=True)

    @cached_property
    def query(self) -> dict[str, str]:
        """The parameters of the address; of several with one name the last, and none of far too many."""
        try:
            text = self.query_string.decode("utf-8", "replace")
            return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_PARAMETERS))
        except ValueError:
            return {}

    @property
    def params(self) -> dict[str, Any]:
        """Parameters from both places they may come in; the body's win."""
        return {**self.query, **self.value} if isinstance(self.value, dict) else dict(self.query)

    def read(self, raw: bytes) -> Answer | None:
        """Take the body; the refusal when it is none that upstream would read."""
        self.raw = raw
        if not raw.strip():
            return None
        try:
            self.value = msgspec.json.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return wording.complaint(raw)
        except RecursionError:
            return BAD_DATA
        if self.method.verb == "POST" and not isinstance(self.value, dict):
            return BAD_DATA
        return None


@dataclass
class Call(Asked):
    """One call whose line is known. `gone` is set when the client has hung up."""

    address: Address
    known: Known
    scene: Scene
    headers: Mapping[str, str] = field(repr=False)
    gone: asyncio.Event
