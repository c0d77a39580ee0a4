"""Where callbacks of a channel go, and channels made through the whole wing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from app.kit.crypto import Secret
from app.providers.port import AccountWish, Created, Credentials, Link
from app.providers.whapi.adapter import WhapiCloud
from tests.providers.conftest import HOOK_TOKEN, until
from tests.providers.whapi.conftest import OWN, WHAPI_TOKEN, Upstream

WISH = AccountWish("slt1-test-one", "https://hooks.example.org/in/1", Secret(HOOK_TOKEN))
SECRETS = (WHAPI_TOKEN, HOOK_TOKEN)


class Hook:
    """Keeps bodies and credentials of callbacks, and answers as told."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.authorizations: list[str | None] = []
        self.status = 200
        self.url = ""

    @property
    def wish(self) -> AccountWish:
        return AccountWish(WISH.tag, self.url, WISH.hook_token)

    async def take(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.json())
        self.authorizations.append(request.headers.get("Authorization"))
        return web.Response(status=self.status)

    def of(self, key: str) -> list[dict[str, Any]]:
        """Callbacks that hold this key."""
        return [body for body in self.bodies if key in body]

    async def has(self, key: str, count: int = 1) -> list[dict[str, Any]]:
        """Those callbacks, when there are so many."""

        async def enough() -> bool:
            return len(self.of(key)) >= count

        await until(enough)
        return self.of(key)


@asynccontextmanager
async def listening() -> AsyncIterator[Hook]:
    """A hook on a free port."""
    hook = Hook()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", hook.take)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.05, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    hook.url = f"http://127.0.0.1:{runner.addresses[0][1]}/in/1"
    yield hook
    await runner.cleanup()


def whapi(manager_url: str, seconds: float = 0.85, token: str = WHAPI_TOKEN, project: str = "") -> WhapiCloud:
    """The wing; short times, so that what never answers is soon given up."""
    return WhapiCloud(manager_url, Secret(token), project=project, timeout_seconds=seconds, connect_seconds=0.5)


def called(made: Created) -> Credentials:
    """How a channel that was made is called."""
    return Credentials(made.account, made.token, made.base_url)


async def account(wing: WhapiCloud, wish: AccountWish = WISH) -> Credentials:
    """A fresh channel that waits for a phone."""
    credentials = called(await wing.create(wish))

    async def unpaired() -> bool:
        return await wing.link(credentials) is Link.UNPAIRED

    await until(unpaired)
    return credentials


async def act(upstream: Upstream, credentials: Credentials, what: str, /, **body: Any) -> Any:
    """What the phone, WhatsApp or the provider does to a channel."""
    return await upstream.sim(f"whapi/channels/{credentials.account}/{what}", body)


async def linked(wing: WhapiCloud, upstream: Upstream, wish: AccountWish = WISH) -> Credentials:
    """A fresh channel with a phone."""
    credentials = await account(wing, wish)
    await act(upstream, credentials, "scan", phone=OWN, name="Shop")
    return credentials


async def truth(upstream: Upstream, channel: str) -> dict[str, Any]:
    """A channel as the simulator has it."""
    (found,) = (await upstream.sim(f"whapi/channels?channel_id={channel}"))["channels"]
    assert isinstance(found, dict)
    return found


async def pool(upstream: Upstream, days: float | None = None) -> float:
    """The days in the partner's pool; set before, when `days` are given."""
    if days is not None:
        await upstream.sim("whapi/partners", {"token": WHAPI_TOKEN, "days": days})
    books = await upstream.sim(f"whapi/books?partner={WHAPI_TOKEN}")
    found: float = books["balances"][WHAPI_TOKEN]["pool"]
    return found
