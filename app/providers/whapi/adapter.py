"""The door of the wing."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from app.kit.crypto import Secret
from app.providers.asks import Ask, Send
from app.providers.errors import ProviderError, Unsupported
from app.providers.events import Notification
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
from app.providers.whapi import account, contents, native, notices, partner, sending
from app.providers.whapi.client import Client
from app.providers.whapi.handlers import HANDLERS, UNSUPPORTED
from app.providers.whapi.native import NO_HEADERS

A = TypeVar("A")
# Files are kept with a host of storage; seen in callbacks that users of Whapi have published (read 2026-11-22).
KNOWN_HOSTS: Final = ("whapi.cloud", "wasabisys.com")


class WhapiCloud:
    """Whapi.Cloud as a `Provider`: one partner account at the manager's URL, such as `https://manager.whapi.cloud`.

    Channels are called at the gate that each is told with. Without `project`, the id of one, new channels lie in the
    partner's default one, and one is made when there is none. A call ends within `timeout_seconds`, of which connecting
    takes `connect_seconds` at most. What each method promises and raises stands in `port.Provider` and in the module
    that it calls.
    """

    name = "whapi"
    # Source: help desk on trials, creation and change of mode (read 2026-11-21).
    traits = Traits(
        words="whapi",
        hook="whapi",
        billing="prepaid_days",
        trial_days=5,
        reclaims=True,
        creations=20,
        creation_seconds=1800.0,
        restart_seconds=30.0,
        # A trial has 1,000 calls a month, looks at its state among them; its changes are told by callbacks.
        watch_seconds=3600.0,
        has_queue=False,
        has_pull=False,
        has_scan_socket=False,
        files_behind_token=True,
        unsupported=UNSUPPORTED,
        marks=("whapi",),
        own_keys=frozenset({"channel_id"}),
    )

    def __init__(
        self,
        manager_url: str,
        partner_token: Secret,
        *,
        project: str = "",
        timeout_seconds: float = 30.0,
        connect_seconds: float = 5.0,
    ) -> None:
        self._client = Client(
            manager_url, partner_token, timeout_seconds=timeout_seconds, connect_seconds=connect_seconds
        )
        self._project = partner.Project(project)

    async def create(self, wish: AccountWish) -> Created:
        """See `partner.create`."""
        return await partner.create(self._client, self._project, wish)

    async def listing(self) -> list[Listed]:
        """See `partner.listing`."""
        return await partner.listing(self._client)

    async def one(self, account: str) -> Listed | None:
        """See `partner.one`."""
        return await partner.one(self._client, account)

    async def delete(self, account: str) -> None:
        """See `partner.delete`."""
        await partner.delete(self._client, account)

    async def fund(self, account: str, days: int, comment: str) -> None:
        """See `partner.fund`."""
        await partner.fund(self._client, account, days, comment)

    async def go_live(self, account: str) -> None:
        """See `partner.go_live`."""
        await partner.go_live(self._client, account)

    async def balance(self) -> Balance | None:
        """See `partner.balance`."""
        return await partner.balance(self._client)

    async def obstacles(self) -> list[str]:
        """See `partner.obstacles`."""
        return await partner.obstacles(self._client, self._project)

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
        """See `partner.restart`."""
        await partner.restart(self._client, credentials.account)

    async def clear_queues(self, credentials: Credentials) -> None:
        """There are none: messages leave at once, and callbacks end with the channel."""

    async def send(self, credentials: Credentials, send: Send) -> Sent:
        """See `sending.send`."""
        return await sending.send(self._client, credentials, send)

    async def perform(self, credentials: Credentials, ask: Ask[A]) -> A:
        """See the ask's function in `handlers`.

        Raises:
            Unsupported: the ask is one of `traits.unsupported`.
            ProviderError: any other ending.
        """
        handler = HANDLERS.get(type(ask))
        if handler is None or ask.method in UNSUPPORTED:
            raise Unsupported()
        answer: A = await handler(self._client, credentials, ask)
        return answer

    async def upload(self, credentials: Credentials, upload: Upload) -> str:
        """See `native.upload`."""
        return await native.upload(self._client, credentials, upload)

    async def native(self, credentials: Credentials, call: Native) -> NativeReply:
        """See `native.native`."""
        return await native.native(self._client, credentials, call)

    async def native_stream(
        self, credentials: Credentials, method: str, upload: Upload, *, headers: Mapping[str, str] = NO_HEADERS
    ) -> NativeReply:
        """See `native.native_stream`."""
        return await native.native_stream(self._client, credentials, method, upload, headers)

    def conclude(self, method: str, reply: NativeReply) -> ProviderError | None:
        """See `native.conclude`."""
        return native.conclude(method, reply)

    def sent_by(self, method: str, reply: NativeReply) -> Sent | ProviderError:
        """See `native.sent_by`."""
        return native.sent_by(method, reply)

    def drafted(self, method: str, body: bytes) -> Drafted | None:
        """See `native.drafted`."""
        return native.drafted(method, body)

    def likeness(self, kind: str, content: Mapping[str, Any]) -> str | None:
        """See `contents.likeness`."""
        return contents.likeness(kind, content)

    async def scan(self, credentials: Credentials) -> AsyncIterator[str]:
        """There is no pairing socket: codes are asked for with `qr`.

        Raises:
            Unsupported: always.
        """
        raise Unsupported()
        yield ""

    def hosts(self) -> tuple[str, ...]:
        """The manager's host, with its port, those of the gates seen by this process, and Whapi's own."""
        manager = urlsplit(self._client.manager_url).netloc
        return tuple(dict.fromkeys((manager, *sorted(self._client.gates), *KNOWN_HOSTS)))

    async def waiting(self, credentials: Credentials) -> list[Seen]:
        """See `sending.waiting`."""
        return await sending.waiting(self._client, credentials)

    async def sent_since(self, credentials: Credentials, minutes: int) -> list[Seen]:
        """See `sending.sent_since`."""
        return await sending.sent_since(self._client, credentials, minutes)

    def read_notice(self, body: Any) -> Notification:
        """See `notices.read_notice`."""
        return notices.read_notice(body)

    def apart(self, body: Any) -> list[Any]:
        """See `notices.apart`."""
        return notices.apart(body)

    async def close(self) -> None:
        """Let go of every connection."""
        await self._client.close()
