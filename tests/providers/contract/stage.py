"""What the contract must know of a wing's other side: how it is opened, what its phone does, what is truly there."""

import traceback
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import aiohttp

from app.kit.crypto import Secret
from app.providers.port import AccountWish, Credentials, Link, Native, Provider, Traits
from simulator.main import Running
from tests.providers.conftest import HOOK_TOKEN, until

WISH = AccountWish("slt1-test-one", "https://hooks.example.org/in/1", Secret(HOOK_TOKEN))
OWN = "79990001122"
ANN = "79990003344@c.us"
BOB = "79990005566@c.us"
SECONDS = 0.6


class Stage(ABC):
    """A gateway as it is played. `theirs` is its word in the simulator, `named` its names of what we ask of it.

    `an_account` and `a_token` have the form of an account's, for servers that do not look at them.
    """

    theirs: ClassVar[str]
    partner_token: ClassVar[str]
    named: ClassVar[Mapping[str, str]]
    an_account: ClassVar[str]
    a_token = Secret("canaryACCOUNTtoken00000000000001")

    def __init__(self, running: Running, session: aiohttp.ClientSession) -> None:
        self.running = running
        self._session = session
        self.wing = self.opened()

    @property
    def traits(self) -> Traits:
        """What the wing says of itself."""
        return self.wing.traits

    async def sim(self, path: str, body: Any = None) -> Any:
        """The control face of the simulator."""
        verb = "GET" if body is None else "POST"
        async with self._session.request(verb, f"{self.running.url}/_sim/{path}", json=body) as response:
            assert response.status == 200, await response.text()
            return await response.json()

    async def fault(self, operation: str, kind: str, **more: Any) -> None:
        """From now on calls of an operation, or of all (`*`), go wrong."""
        rule = {"method": self.named.get(operation, "*"), "kind": kind, "provider": self.theirs, **more}
        await self.sim("faults", {"rules": [rule]})

    async def mend(self) -> None:
        """Nothing goes wrong any more."""
        await self.sim("faults", {"rules": []})

    async def count(self, operation: str = "*") -> int:
        """Calls of an operation, or of all, that reached the upstream."""
        method = "" if operation == "*" else f"&method={self.named[operation]}"
        return len((await self.sim(f"journal?provider={self.theirs}&kind=call&limit=10000{method}"))["entries"])

    async def advance(self, seconds: float) -> None:
        """Let time pass there."""
        await self.sim("clock", {"advance_seconds": seconds})

    async def account(self, wish: AccountWish = WISH) -> Credentials:
        """A fresh account that waits for a phone."""
        made = await self.wing.create(wish)
        credentials = Credentials(made.account, made.token, made.base_url)
        await self.comes_to(credentials, Link.UNPAIRED)
        return credentials

    async def linked(self, wish: AccountWish = WISH) -> Credentials:
        """A fresh account with a phone."""
        credentials = await self.account(wish)
        await self.scan(credentials)
        return credentials

    async def comes_to(self, credentials: Credentials, link: Link) -> None:
        """Wait until the account has this link."""

        async def there() -> bool:
            return await self.wing.link(credentials) is link

        await until(there)

    def silent(self, error: BaseException, credentials: Credentials | None = None) -> None:
        """No token in the error, in what it is chained to, or in the locals of its frames."""
        assert error.__cause__ is None
        assert error.__context__ is None
        secrets = [self.partner_token, HOOK_TOKEN, *([credentials.token.reveal()] if credentials else [])]
        shown = [repr(error), repr(vars(error))]
        shown += traceback.TracebackException.from_exception(error, capture_locals=True).format()
        assert not [secret for secret in secrets if any(secret in text for text in shown)]

    @abstractmethod
    def opened(self, url: str = "", token: str = "", seconds: float = SECONDS) -> Provider:
        """The wing, at this upstream or at another address, with the partner's token or another."""

    @abstractmethod
    async def living(self) -> list[str]:
        """The accounts that are truly there."""

    @abstractmethod
    async def sent(self, credentials: Credentials) -> list[str]:
        """The texts that truly left, or wait to."""

    @abstractmethod
    async def slow_start(self) -> None:
        """New accounts take their time, at most a minute."""

    @abstractmethod
    async def fill(self, days: int) -> None:
        """So many days are in the partner's pool."""

    @abstractmethod
    async def scan(self, credentials: Credentials) -> None:
        """The owner, of the number `OWN`, scans the code."""

    @abstractmethod
    async def enter(self, credentials: Credentials, code: str) -> None:
        """The owner types the code."""

    @abstractmethod
    async def act(self, credentials: Credentials, what: str) -> None:
        """What befalls an account: `block`, `unlink`, `vanish`."""

    @abstractmethod
    async def receive(self, credentials: Credentials, words: str = "hi") -> str:
        """Ann writes; the message's id."""

    @abstractmethod
    async def receive_file(self, credentials: Credentials, name: str) -> str:
        """Ann sends a picture; the message's id."""

    @abstractmethod
    async def type(self, credentials: Credentials, words: str) -> str:
        """The owner writes to Ann by hand; the message's id."""

    @abstractmethod
    async def move(self, credentials: Credentials, message_id: str, status: str) -> None:
        """An own message is `delivered`, then `read`."""

    @abstractmethod
    async def edit(self, credentials: Credentials, message_id: str, words: str) -> None:
        """Ann changes a text of hers."""

    @abstractmethod
    async def revoke(self, credentials: Credentials, message_id: str) -> None:
        """Ann takes a message back."""

    @abstractmethod
    async def react(self, credentials: Credentials, message_id: str, emoji: str) -> None:
        """Ann reacts."""

    @abstractmethod
    async def vote(self, credentials: Credentials, poll_id: str, option: str) -> None:
        """Ann votes."""

    @abstractmethod
    async def ring(self, credentials: Credentials) -> str:
        """Ann calls, and nobody answers; the call's id."""

    @abstractmethod
    async def view(self, credentials: Credentials, status_id: str) -> None:
        """Ann sees a status of ours."""

    @abstractmethod
    async def post(self, credentials: Credentials, words: str) -> None:
        """Ann posts a status."""

    @abstractmethod
    def native_text(self, words: str) -> Native:
        """A text to Ann in the gateway's own words."""
