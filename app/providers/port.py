"""What we ask of any gateway. A wing (`green_api`, later others) implements `Provider` and nothing else knows it."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

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


class Traits(Struct, frozen=True, kw_only=True):
    """What a gateway is like. Callers decide by these, never by its name.

    `words` is the language of native calls: `green_api`, `whapi`, or another that no face speaks. `hook` is the word in
    the address that it notifies; a change restarts every account. `billing`: `by_existence`, a day is charged while an
    account exists, or `prepaid_days`, days are moved from the partner's pool to an account, which ends by itself. At
    most `creations` accounts may be created in `creation_seconds`; 0 is no such limit. After a change of mode an
    account is away for `restart_seconds`. Where calls are counted, an account's state is looked at no more often than
    every `watch_seconds`. `files_behind_token`: files that lie where the account is called are read with its token.
    `unsupported` are catalogue names of asks that it cannot do. No tenant is shown `marks`, words in lower case by
    which its texts tell whose they are, nor what its notifications have under `own_keys`: account, tokens, servers.
    """

    words: str
    hook: str
    billing: Literal["by_existence", "prepaid_days"]
    trial_days: int = 0
    reclaims: bool = False
    creations: int = 0
    creation_seconds: float = 0.0
    restart_seconds: float = 0.0
    watch_seconds: float = 0.0
    has_queue: bool = True
    has_pull: bool = True
    has_scan_socket: bool = True
    files_behind_token: bool = False
    unsupported: frozenset[str] = frozenset()
    marks: tuple[str, ...] = ()
    own_keys: frozenset[str] = frozenset()

    @property
    def is_prepaid(self) -> bool:
        """Whether an account ends by itself when its days are used up."""
        return self.billing == "prepaid_days"


class Credentials(Struct, frozen=True):
    """How one upstream account is called, and where, if accounts differ in that."""

    account: str
    token: Secret
    base_url: str = ""


class AccountWish(Struct, frozen=True):
    """An account to be created: `tag` becomes its upstream name, notifications go to the hook with the token."""

    tag: str
    hook_url: str
    hook_token: Secret


class Created(Struct, frozen=True):
    """An account that was created; `funded_until` is when it ends by itself."""

    account: str
    token: Secret
    base_url: str = ""
    funded_until: datetime | None = None


class Listed(Struct, frozen=True):
    """One living account of the partner's listing."""

    account: str
    tag: str
    token: Secret
    created_at: datetime | None
    base_url: str = ""
    funded_until: datetime | None = None
    mode: str = ""


class Balance(Struct, frozen=True):
    """The days in the partner's pool."""

    days: int


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
    traits: Traits

    async def create(self, wish: AccountWish) -> Created: ...

    async def listing(self) -> list[Listed]:
        """Every living account of the partner, ours and foreign; may lag behind a creation."""
        ...

    async def one(self, account: str) -> Listed | None:
        """An account as the partner's side has it; None when it is not there."""
        ...

    async def delete(self, account: str) -> None:
        """Delete for good; an account that is not there counts as deleted."""
        ...

    async def fund(self, account: str, days: int, comment: str) -> None:
        """Move days from the pool to an account; the comment is shown in the partner's billing history.

        Not to be repeated blindly: whether it was done shows in `one(account).funded_until`.

        Raises:
            Unsupported: the gateway charges by existence.
            PoolEmpty: there are not so many days in the pool.
        """
        ...

    async def go_live(self, account: str) -> None:
        """End an account's trial mode; it may be away for `traits.restart_seconds`. Twice is as once."""
        ...

    async def balance(self) -> Balance | None:
        """What is in the pool; None when the gateway does not tell."""
        ...

    async def obstacles(self) -> list[str]:
        """What in the settings keeps accounts from being created there, each in plain words for the operator."""
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

    def apart(self, body: Any) -> list[Any]:
        """A notification's body as bodies of one notification each, in their order."""
        ...

    def read_notice(self, body: Any) -> Notification:
        """What a notification says, in our words; never raises for a well-formed JSON object."""
        ...

    async def close(self) -> None: ...
