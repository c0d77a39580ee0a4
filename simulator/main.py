"""Starting and stopping the simulator inside a running event loop."""

from collections.abc import Iterable
from typing import Any

import msgspec
from aiohttp import web

from simulator import circle, control, phone, storage
from simulator.config import Config
from simulator.server import Upstream
from simulator.world import World

DEFAULT_PARTNER_TOKEN = "gac.simulated"  # noqa: S105 - it opens a world of make-believe


class Running:
    """A simulator that listens; `world` may be looked at, `close` ends it without a trace."""

    def __init__(self, world: World, runner: web.AppRunner, host: str, port: int) -> None:
        self.world = world
        self.host = host
        self.port = port
        self._runner = runner

    @property
    def url(self) -> str:
        """Where the upstream and the control face are."""
        return f"http://{self.host}:{self.port}"

    async def close(self) -> None:
        """Stop listening, drop every connection, end every task."""
        await self.world.close()
        await self._runner.cleanup()


async def start(
    partner_tokens: Iterable[str] = (DEFAULT_PARTNER_TOKEN,),
    config: dict[str, Any] | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
) -> Running:
    """Listen on a port (0: any free one) with a fresh world.

    Raises:
        msgspec.ValidationError: the configuration has an unknown knob or one out of its range.
        OSError: the port cannot be had.
    """
    world = World(partner_tokens, msgspec.convert(config or {}, Config))
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_routes([*control.routes(world), *phone.routes(world), *circle.routes(world), *storage.routes(world)])
    app.router.add_route("*", "/{path:.*}", Upstream(world).handle)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.2, handle_signals=False)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, backlog=1024).start()
    except OSError:
        await runner.cleanup()
        raise
    running = Running(world, runner, host, int(runner.addresses[0][1]))
    world.storage.origin = running.url
    return running
