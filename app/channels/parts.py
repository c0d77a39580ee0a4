"""What the channel face works with, and one call of it."""

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from app.channels.answer import Answer
from app.channels.auth import Channel, ChannelAuthenticator
from app.channels.fields import Fields
from app.files.fetching import Fetcher
from app.files.incoming import Incoming
from app.gateway.calls import Gateway
from app.gateway.catalogue import Method
from app.kit.db import Database
from app.kit.egress import Egress
from app.providers.registry import Registry

if TYPE_CHECKING:
    from app.channels.asking import Asking

Takes = Literal["nothing", "fields", "file"]


@dataclass(frozen=True)
class Parts:
    """The house below this room; `public_url` is where customers reach it."""

    database: Database
    gateway: Gateway
    registry: Registry
    egress: Egress
    fetcher: Fetcher
    authenticator: ChannelAuthenticator
    public_url: str


@dataclass(frozen=True)
class Route:
    """One route of Whapi's: `serve` answers it over any gateway; without it only one of Whapi's words can.

    `method` is what it is admitted and recorded as when it is passed on. `is_open`: also to whom is suspended.
    """

    name: str
    verb: str
    path: str
    method: Method
    serve: "Serve | None" = None
    takes: Takes = "nothing"
    is_open: bool = False


@dataclass
class Call:
    """One call. `fields` are the parameters of its body, or of its form's texts; `file` is a file that comes with it.

    `raw` is the body as it came, where it is JSON.
    """

    route: Route
    channel: Channel
    params: Fields
    query: Fields
    headers: Mapping[str, str] = field(repr=False)
    query_string: bytes = field(default=b"", repr=False)
    fields: Fields = field(default_factory=lambda: Fields({}), repr=False)
    raw: bytes = field(default=b"", repr=False)
    file: Incoming | None = None

    @property
    def said(self) -> Fields:
        """The parameters of a send: those of the body, or of the query where the body is the file alone."""
        return self.fields if self.fields.given else self.query


Serve = Callable[["Asking", Call], Coroutine[Any, Any, Answer]]
