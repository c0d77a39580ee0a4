"""A gateway in the memory of one process: enough of the port to be asked for, linked and sent with."""

import itertools
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final, TypeVar

from app.kit.crypto import Secret
from app.providers import likeness
from app.providers.asks import Ask, Send
from app.providers.errors import CredentialRefused, NotThere, ProviderError, Unsupported
from app.providers.events import Notification, Unmapped
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
from app.providers.wings import Setting, Values, Wing

A = TypeVar("A")


class House:
    """The other side: what a real gateway would keep. `refuses` is what every call of the partner ends with."""

    def __init__(self) -> None:
        self.accounts: dict[str, AccountWish] = {}
        self.phones: dict[str, str] = {}
        self.sent: list[tuple[str, Send]] = []
        self.refuses: ProviderError | None = None
        self._numbers = itertools.count(1)

    def next(self, prefix: str) -> str:
        return f"{prefix}-{next(self._numbers)}"


class Toy:
    """See `port.Provider`."""

    name = "toy"
    traits = Traits(
        words="toy",
        hook="toy",
        billing="by_existence",
        has_queue=False,
        has_pull=False,
        has_scan_socket=False,
        marks=("toyworks",),
        own_keys=frozenset({"toy_server"}),
    )

    def __init__(self, token: str, house: House) -> None:
        self._token, self.house = token, house

    def _known(self, account: str) -> None:
        if account not in self.house.accounts:
            raise NotThere()

    async def create(self, wish: AccountWish) -> Created:
        if self.house.refuses:
            raise self.house.refuses
        account = self.house.next("acc")
        self.house.accounts[account] = wish
        return Created(account, Secret(f"toy-token-of-{account}"))

    async def listing(self) -> list[Listed]:
        if self._token == "wrong":
            raise CredentialRefused()
        rows = self.house.accounts.items()
        return [Listed(each, wish.tag, Secret(f"toy-token-of-{each}"), None) for each, wish in rows]

    async def one(self, account: str) -> Listed | None:
        return next((row for row in await self.listing() if row.account == account), None)

    async def delete(self, account: str) -> None:
        self.house.accounts.pop(account, None)

    async def fund(self, account: str, days: int, comment: str) -> None:
        raise Unsupported()

    async def go_live(self, account: str) -> None:
        self._known(account)

    async def balance(self) -> Balance | None:
        return None

    async def obstacles(self) -> list[str]:
        return []

    async def link(self, credentials: Credentials) -> Link:
        self._known(credentials.account)
        return Link.CONNECTED if credentials.account in self.house.phones else Link.UNPAIRED

    async def profile(self, credentials: Credentials) -> AccountProfile:
        return AccountProfile(self.house.phones.get(credentials.account), None)

    async def configured(self, credentials: Credentials, wish: AccountWish) -> bool:
        return self.house.accounts[credentials.account] == wish

    async def configure(self, credentials: Credentials, wish: AccountWish) -> None:
        self.house.accounts[credentials.account] = wish

    async def qr(self, credentials: Credentials) -> QrImage | AlreadyLinked:
        return QrImage("iVBORw0KGgo=")

    async def phone_code(self, credentials: Credentials, phone: str) -> PhoneCode:
        return PhoneCode("TOYS1234")

    async def logout(self, credentials: Credentials) -> None:
        self.house.phones.pop(credentials.account, None)

    async def reboot(self, credentials: Credentials) -> None:
        self._known(credentials.account)

    async def clear_queues(self, credentials: Credentials) -> None:
        self._known(credentials.account)

    async def send(self, credentials: Credentials, send: Send) -> Sent:
        self._known(credentials.account)
        self.house.sent.append((credentials.account, send))
        return Sent(self.house.next("msg"))

    async def perform(self, credentials: Credentials, ask: Ask[A]) -> A:
        raise Unsupported()

    async def upload(self, credentials: Credentials, upload: Upload) -> str:
        raise Unsupported()

    async def native(self, credentials: Credentials, call: Native) -> NativeReply:
        raise Unsupported()

    async def native_stream(
        self, credentials: Credentials, method: str, upload: Upload, *, headers: Mapping[str, str] = {}
    ) -> NativeReply:
        raise Unsupported()

    def conclude(self, method: str, reply: NativeReply) -> ProviderError | None:
        return Unsupported()

    def sent_by(self, method: str, reply: NativeReply) -> Sent | ProviderError:
        return Unsupported()

    def drafted(self, method: str, body: bytes) -> Drafted | None:
        return None

    def likeness(self, kind: str, content: Mapping[str, Any]) -> str | None:
        return likeness.likeness(kind, content)

    async def scan(self, credentials: Credentials) -> AsyncIterator[str]:
        raise Unsupported()
        yield ""

    def hosts(self) -> tuple[str, ...]:
        return ("toy.invalid",)

    async def waiting(self, credentials: Credentials) -> list[Seen]:
        return []

    async def sent_since(self, credentials: Credentials, minutes: int) -> list[Seen]:
        return []

    def read_notice(self, body: Any) -> Notification:
        return Notification(str(body.get("account")), "toy", str(body).encode(), None, Unmapped("toy"))

    def apart(self, body: Any) -> list[Any]:
        return [body]

    async def close(self) -> None:
        return None


HOUSE: Final = House()


def _open(values: Values, environment: str, _: float) -> Toy | None:
    token = values["toy_token"]
    return Toy(token, HOUSE) if token and environment == "live" else None


WING: Final = Wing(
    name="toy",
    traits=Toy.traits,
    settings=(Setting("toy_token", "token of the toy; empty: none", is_secret=True),),
    open=_open,
)
