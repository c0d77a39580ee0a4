"""What we ask of any gateway. A wing (`green_api`, later others) implements `Provider` and nothing else knows it."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from msgspec import Struct

from app.kit.crypto import Secret
from app.providers.errors import ProviderError
from app.providers.events import Notification

if TYPE_CHECKING:
    from app.providers.asks import Ask, Send

A = TypeVar("A")


class Link(StrEnum):
    """The state of an account as upstream tells it; what we do not know counts as unusable."""

    NOT_READY = "not_ready"
    STARTING = "starting"
    UNPAIRED = "unpaired"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"


class Credentials(Struct, frozen=True):
    """How one upstream account is called."""

    upstream_id: int
    token: Secret


class AccountWish(Struct, frozen=True):
    """An account to be created: `tag` becomes its upstream name, notifications go to the hook with the token."""

    tag: str
    hook_url: str
    hook_token: Secret


class Created(Struct, frozen=True):
    """An account that was created."""

    upstream_id: int
    token: Secret


class Listed(Struct, frozen=True):
    """One living account of the partner's listing."""

    upstream_id: int
    tag: str
    token: Secret
    created_at: datetime | None


class QrImage(Struct, frozen=True):
    """A picture to be scanned. Source: GREEN-API QR page, the code changes about every 20 s (read 2026-11-21)."""

    png_base64: str
    valid_seconds: float = 20.0


class AlreadyLinked(Struct, frozen=True):
    """There is no QR because a phone is linked."""


class PhoneCode(Struct, frozen=True):
    """Eight characters to be typed on the phone. Source: GetAuthorizationCode page, valid about 2.5 minutes."""

    value: str
    valid_seconds: float = 150.0


class AccountProfile(Struct, frozen=True):
    """Who is linked; empty fields when nobody is."""

    phone: str | None
    name: str | None


class Sent(Struct, frozen=True):
    """The gateway has taken a message; a forward of several has more ids, in the order of the forwarded ones."""

    message_id: str
    more_ids: tuple[str, ...] = ()


class Seen(Struct, frozen=True):
    """An outgoing message found in the gateway's queue or journal; `sent_at` is None while it waits.

    `likeness` is compared with that of a message of ours (`app.providers.likeness`); None when nothing can be compared.
    """

    message_id: str
    chat_id: str
    kind: str
    likeness: str | None
    sent_at: datetime | None


class Upload(Struct, frozen=True):
    """A file on its way; `chunks` are read once. `size` is None when nobody told it."""

    chunks: AsyncIterator[bytes]
    size: int | None
    content_type: str
    file_name: str


class Native(Struct, frozen=True):
    """A call in the gateway's own words; `query` is already encoded."""

    method: str
    verb: str
    query: str = ""
    body: bytes = b""
    content_type: str = ""


class NativeReply(Struct, frozen=True):
    """What the gateway answered, as it is: it may hold ids, tokens and addresses that no tenant may see."""

    status: int
    body: bytes
    content_type: str
    retry_after: str = ""


class Drafted(Struct, frozen=True):
    """What a native send would send, in our words; `content` is as notices tell it, without addresses of files."""

    chat_id: str
    kind: str
    content: dict[str, Any]
    quoted: str | None


class Provider(Protocol):
    """A gateway. Every method may raise a `ProviderError`; its `outcome` says what may be concluded.

    `create` is the one call that costs money when repeated blindly; `send` the one that annoys a person.
    """

    name: str

    async def create(self, wish: AccountWish) -> Created: ...

    async def listing(self) -> list[Listed]:
        """Every living account of the partner, ours and foreign; may lag behind a creation."""
        ...

    async def delete(self, upstream_id: int) -> None:
        """Delete for good; an account that is not there counts as deleted."""
        ...

    async def link(self, credentials: Credentials) -> Link: ...

    async def profile(self, credentials: Credentials) -> AccountProfile: ...

    async def configured(self, credentials: Credentials, wish: AccountWish) -> bool:
        """Whether the account's settings are those we ask for."""
        ...

    async def configure(self, credentials: Credentials, wish: AccountWish) -> None:
        """Set them; the account restarts for a while."""
        ...

    async def qr(self, credentials: Credentials) -> QrImage | AlreadyLinked: ...

    async def phone_code(self, credentials: Credentials, phone: str) -> PhoneCode: ...

    async def logout(self, credentials: Credentials) -> None: ...

    async def reboot(self, credentials: Credentials) -> None: ...

    async def clear_queues(self, credentials: Credentials) -> None:
        """Drop messages that wait to be sent and notifications that wait to be fetched."""
        ...

    async def send(self, credentials: Credentials, send: "Send") -> Sent:
        """Send a message of any kind."""
        ...

    async def perform(self, credentials: Credentials, ask: "Ask[A]") -> A:
        """Do what is asked, once, and tell the answer."""
        ...

    async def upload(self, credentials: Credentials, upload: Upload) -> str:
        """Store a file with the gateway for some days; its link to it, which is a secret of ours."""
        ...

    async def native(self, credentials: Credentials, call: Native) -> NativeReply:
        """Any HTTP answer is a reply.

        Raises:
            Unreachable, OutcomeUnknown: there was no answer.
        """
        ...

    async def native_stream(
        self, credentials: Credentials, method: str, upload: Upload, *, headers: Mapping[str, str] = {}
    ) -> NativeReply:
        """Post a body as it is, of the upload's content type; else as `native`."""
        ...

    def conclude(self, method: str, reply: NativeReply) -> ProviderError | None:
        """What a native reply means; None is success."""
        ...

    def sent_by(self, method: str, reply: NativeReply) -> "Sent | ProviderError":
        """What a reply to a native send means: the message's ids, or how it ended."""
        ...

    def drafted(self, method: str, body: bytes) -> Drafted | None:
        """What a native call would send; None when it sends nothing or cannot be understood."""
        ...

    def likeness(self, kind: str, content: Mapping[str, Any]) -> str | None:
        """See `app.providers.likeness`."""
        ...

    def scan(self, credentials: Credentials) -> AsyncIterator[str]:
        """The frames of the pairing socket, until the gateway closes it."""
        ...

    def hosts(self) -> tuple[str, ...]:
        """Host names that must never reach a tenant."""
        ...

    async def waiting(self, credentials: Credentials) -> list[Seen]:
        """Messages in the gateway's queue."""
        ...

    async def sent_since(self, credentials: Credentials, minutes: int) -> list[Seen]:
        """Messages in the gateway's outgoing journal; it may lag by some minutes."""
        ...

    def read_notice(self, body: Any) -> Notification:
        """What a notification says, in our words; never raises for a well-formed JSON object."""
        ...

    async def close(self) -> None: ...
