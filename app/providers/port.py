"""What we ask of any gateway. A wing (`green_api`, later others) implements `Provider` and nothing else knows it."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from msgspec import Struct

from app.kit.crypto import Secret
from app.providers.events import Notification


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
    """The gateway has taken a message."""

    message_id: str


class Seen(Struct, frozen=True):
    """An outgoing message found in the gateway's queue or journal; `sent_at` is None while it waits."""

    message_id: str
    chat_id: str
    text: str | None
    sent_at: datetime | None


class Provider(Protocol):
    """A gateway. Every method may raise a `ProviderError`; its `outcome` says what may be concluded.

    `create` is the one call that costs money when repeated blindly; `send_text` the one that annoys a person.
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

    async def send_text(
        self, credentials: Credentials, chat_id: str, text: str, quoted_message_id: str | None = None
    ) -> Sent: ...

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
