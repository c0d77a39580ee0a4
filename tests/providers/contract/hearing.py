"""A hook that keeps what a gateway tells, and reads it with the wing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from aiohttp import web

from app.providers.events import Happening, Notification
from app.providers.port import AccountWish, Credentials
from tests.providers.conftest import until
from tests.providers.contract.stage import WISH, Stage

T = TypeVar("T")


class Ear:
    """A linked account, and what was told of it so far."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.bodies: list[Any] = []
        self.authorizations: list[str | None] = []
        self.credentials: Credentials

    async def take(self, request: web.Request) -> web.Response:
        """One notification."""
        self.bodies.append(await request.json())
        self.authorizations.append(request.headers.get("Authorization"))
        return web.Response()

    def notices(self) -> list[Notification]:
        """Every notification in our words, one that came twice once."""
        found = [self.stage.wing.read_notice(each) for body in self.bodies for each in self.stage.wing.apart(body)]
        return list({read.dedupe: read for read in reversed(found)}.values())[::-1]

    def said(self, kind: type[T]) -> list[T]:
        """What was told of a kind, in its order."""
        return [read.what for read in self.notices() if isinstance(read.what, kind)]

    async def hears(self, kind: type[T], count: int = 1) -> list[T]:
        """What was told of a kind, as soon as it is so much."""

        async def enough() -> bool:
            return len(self.said(kind)) >= count

        await until(enough, 5)
        return self.said(kind)

    async def notice(self, what: Happening) -> Notification:
        """The notification that told this, as soon as there is one."""

        async def there() -> bool:
            return any(read.what == what for read in self.notices())

        await until(there, 5)
        return next(read for read in self.notices() if read.what == what)


@asynccontextmanager
async def hearing(stage: Stage) -> AsyncIterator[Ear]:
    """An account that is linked, and tells a hook on a free port."""
    ear = Ear(stage)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", ear.take)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.05, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/in/1"
    ear.credentials = await stage.linked(AccountWish(WISH.tag, url, WISH.hook_token))
    yield ear
    await runner.cleanup()
