"""The door of the wing."""

from typing import Any

from app.kit.crypto import Secret
from app.providers.events import Notification
from app.providers.green_api import account, messaging, notices, partner
from app.providers.green_api.client import Client
from app.providers.port import (
    AccountProfile,
    AccountWish,
    AlreadyLinked,
    Created,
    Credentials,
    Link,
    Listed,
    PhoneCode,
    QrImage,
    Seen,
    Sent,
)


class GreenApi:
    """GREEN-API as a `Provider`: one partner account at one base URL, such as `https://api.green-api.com`.

    A call ends within `timeout_seconds`, of which connecting takes `connect_seconds` at most. What each method
    promises and raises stands in `port.Provider` and in the module that it calls.
    """

    name = "green_api"

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

    async def delete(self, upstream_id: int) -> None:
        """See `partner.delete`."""
        await partner.delete(self._client, self._partner_token, upstream_id)

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

    async def send_text(
        self, credentials: Credentials, chat_id: str, text: str, quoted_message_id: str | None = None
    ) -> Sent:
        """See `messaging.send_text`."""
        return await messaging.send_text(self._client, credentials, chat_id, text, quoted_message_id)

    async def waiting(self, credentials: Credentials) -> list[Seen]:
        """See `messaging.waiting`."""
        return await messaging.waiting(self._client, credentials)

    async def sent_since(self, credentials: Credentials, minutes: int) -> list[Seen]:
        """See `messaging.sent_since`."""
        return await messaging.sent_since(self._client, credentials, minutes)

    def read_notice(self, body: Any) -> Notification:
        """See `notices.read_notice`."""
        return notices.read_notice(body)

    async def close(self) -> None:
        """Let go of every connection."""
        await self._client.close()
