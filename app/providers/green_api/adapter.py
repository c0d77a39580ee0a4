"""The door of the wing."""

from collections.abc import AsyncIterator, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeVar

from app.kit.crypto import Secret
from app.providers.asks import Ask, Send
from app.providers.errors import ProviderError, Unsupported
from app.providers.events import Notification
from app.providers.green_api import account, drafts, notices, partner, queue, sending
from app.providers.green_api.client import Client
from app.providers.green_api.handlers import HANDLERS
from app.providers.likeness import likeness
from app.providers.port import (
    AccountProfile,
    AccountWish,
    AlreadyLinked,
    Balance,
    Created,
    Credentials,
    Drafted,
    Link,
    Listed,
    Native,
    NativeReply,
    PhoneCode,
    QrImage,
    Seen,
    Sent,
    Traits,
    Upload,
)

A = TypeVar("A")
KNOWN_HOSTS: Final = ("green-api.com", "greenapi.com")
NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


class GreenApi:
    """GREEN-API as a `Provider`: one partner account at one base URL, such as `https://api.green-api.com`.

    A call ends within `timeout_seconds`, of which connecting takes `connect_seconds` at most. What each method
    promises and raises stands in `port.Provider` and in the module that it calls.
    """

    name = "green_api"
    traits = Traits(
        words="green_api",
        hook="green",
        billing="by_existence",
        marks=("green-api", "greenapi", "wainstance"),
        own_keys=frozenset(
            {"instanceData", "idInstance", "apiTokenInstance", "apiUrl", "mediaUrl", "webhookUrl", "webhookUrlToken"}
        ),
    )

    def __init__(
        self, base_url: str, partner_token: Secret, *, timeout_seconds: float = 30.0, connect_seconds: float = 5.0
    ) -> None:
        self._partner_token = partner_token
        self._client = Client(base_url, timeout_seconds=timeout_seconds, connect_seconds=connect_seconds)

    async def create(self, wish: AccountWish) -> Created:
        """See `partner.create`."""
        return await partner.create(self._client, self._partner_token, wish)

    async def listing(self) -> list[Listed]:
        """See `partner.listing`."""
        return await partner.listing(self._client, self._partner_token)

    async def one(self, account: str) -> Listed | None:
        """The account's row of the listing: there is no call for one."""
        return next((listed for listed in await self.listing() if listed.account == account), None)

    async def delete(self, account: str) -> None:
        """See `partner.delete`."""
        await partner.delete(self._client, self._partner_token, account)

    async def fund(self, account: str, days: int, comment: str) -> None:
        """An account costs its days by existing."""
        raise Unsupported()

    async def go_live(self, account: str) -> None:
        """Every account is live."""

    async def balance(self) -> Balance | None:
        """No call tells it. Source: GREEN-API partner pages, it is shown in the console only (read 2026-11-21)."""
        return None

    async def obstacles(self) -> list[str]:
        """An address and a token are all it takes."""
        return []

    async def link(self, credentials: Credentials) -> Link:
        """See `account.link`."""
        return await account.link(self._client, credentials)

    async def profile(self, credentials: Credentials) -> AccountProfile:
        """See `account.profile`."""
        return await account.profile(self._client, credentials)

    async def configured(self, credentials: Credentials, wish: AccountWish) -> bool:
        """See `account.configured`."""
        return await account.configured(self._client, credentials, wish)

    async def configure(self, credentials: Credentials, wish: AccountWish) -> None:
        """See `account.configure`."""
        await account.configure(self._client, credentials, wish)

    async def qr(self, credentials: Credentials) -> QrImage | AlreadyLinked:
        """See `account.qr`."""
        return await account.qr(self._client, credentials)

    async def phone_code(self, credentials: Credentials, phone: str) -> PhoneCode:
        """See `account.phone_code`."""
        return await account.phone_code(self._client, credentials, phone)

    async def logout(self, credentials: Credentials) -> None:
        """See `account.logout`."""
        await account.logout(self._client, credentials)

    async def reboot(self, credentials: Credentials) -> None:
        """See `account.reboot`."""
        await account.reboot(self._client, credentials)

    async def clear_queues(self, credentials: Credentials) -> None:
        """See `account.clear_queues`."""
        await account.clear_queues(self._client, credentials)

    async def send(self, credentials: Credentials, send: Send) -> Sent:
        """See `sending.send`."""
        return await sending.send(self._client, credentials, send)

    async def perform(self, credentials: Credentials, ask: Ask[A]) -> A:
        """See the ask's function in `handlers`."""
        answer: A = await HANDLERS[type(ask)](self._client, credentials, ask)
        return answer

    async def upload(self, credentials: Credentials, upload: Upload) -> str:
        """See `sending.upload`."""
        return await sending.upload(self._client, credentials, upload)

    async def native(self, credentials: Credentials, call: Native) -> NativeReply:
        """See `sending.native`."""
        return await sending.native(self._client, credentials, call)

    async def native_stream(
        self, credentials: Credentials, method: str, upload: Upload, *, headers: Mapping[str, str] = NO_HEADERS
    ) -> NativeReply:
        """See `sending.native_stream`."""
        return await sending.native_stream(self._client, credentials, method, upload, headers)

    def conclude(self, method: str, reply: NativeReply) -> ProviderError | None:
        """See `sending.conclude`."""
        return sending.conclude(method, reply)

    def sent_by(self, method: str, reply: NativeReply) -> Sent | ProviderError:
        """See `sending.sent_by`."""
        return sending.sent_by(method, reply)

    def drafted(self, method: str, body: bytes) -> Drafted | None:
        """See `drafts.drafted`."""
        return drafts.drafted(method, body)

    def likeness(self, kind: str, content: Mapping[str, Any]) -> str | None:
        """See `app.providers.likeness`."""
        return likeness(kind, content)

    def scan(self, credentials: Credentials) -> AsyncIterator[str]:
        """See `Client.frames`. Source: Scanqrcode page: one viewer per account, ended after 100 s."""
        return self._client.frames(credentials, "scanqrcode")

    def hosts(self) -> tuple[str, ...]:
        """Hosts of calls, files and pages. Source: Hosts page; each also with a number before it."""
        return tuple(dict.fromkeys((*self._client.hosts, *KNOWN_HOSTS)))

    async def waiting(self, credentials: Credentials) -> list[Seen]:
        """See `queue.waiting`."""
        return await queue.waiting(self._client, credentials)

    async def sent_since(self, credentials: Credentials, minutes: int) -> list[Seen]:
        """See `queue.sent_since`."""
        return await queue.sent_since(self._client, credentials, minutes)

    def apart(self, body: Any) -> list[Any]:
        """A body tells of one thing."""
        return [body]

    def read_notice(self, body: Any) -> Notification:
        """See `notices.read_notice`."""
        return notices.read_notice(body)

    async def close(self) -> None:
        """Let go of every connection."""
        await self._client.close()
