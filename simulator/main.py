"""Starting and stopping the simulator inside a running event loop."""

from collections.abc import Iterable
from typing import Any

import msgspec
from aiohttp import web

from simulator import circle, control, phone, storage
from simulator.config import Config
from simulator.server import Upstream
from simulator.whapi import control as whapi_control
from simulator.whapi.server import Face
from simulator.world import World

DEFAULT_PARTNER_TOKEN = "gac.simulated"  # noqa: S105 - it opens a world of make-believe


class Running:
    """A simulator that listens; `world` may be looked at, `close` ends it without a trace."""

    def __init__(self, world: World, host: str) -> None:
        self.world = world
        self.host = host
        self.port = 0
        self.runners: list[web.AppRunner] = []

    @property
    def url(self) -> str:
        """Where the upstream and the control face are."""
        return f"http://{self.host}:{self.port}"

    @property
    def whapi_manager_url(self) -> str:
        """Where Whapi's manager host is; empty when no Whapi account was asked for."""
        return self.world.whapi.manager_url

    @property
    def whapi_gate_url(self) -> str:
        """Where Whapi's gate is, with a slash at its end; empty when no Whapi account was asked for."""
        return self.world.whapi.gate_url

    async def close(self) -> None:
        """Stop listening, drop every connection, end every task."""
        await self.world.close()
        for runner in self.runners:
            await runner.cleanup()


async def start(
    partner_tokens: Iterable[str] = (DEFAULT_PARTNER_TOKEN,),
    config: dict[str, Any] | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    whapi_tokens: Iterable[str] = (),
    whapi_manager_port: int = 0,
    whapi_gate_port: int = 0,
) -> Running:
    """Listen on a port (0: any free one) with a fresh world; with Whapi accounts, on two ports more.

    Raises:
        msgspec.ValidationError: the configuration has an unknown knob or one out of its range.
        OSError: the port cannot be had.
    """
    whapi_tokens = tuple(whapi_tokens)
    world = World(partner_tokens, msgspec.convert(config or {}, Config), whapi_tokens)
    app = _application()
    app.router.add_routes([*control.routes(world), *phone.routes(world), *circle.routes(world), *storage.routes(world)])
    app.router.add_routes(whapi_control.routes(world))
    app.router.add_route("*", "/{path:.*}", Upstream(world).handle)
    running = Running(world, host)
    try:
        running.port = await _listen(running, app, port)
        world.storage.origin = running.url
        if whapi_tokens:
            manager, gate = _application(), _application()
            manager.router.add_routes(storage.routes(world))
            manager.router.add_route("*", "/{path:.*}", Face(world, "manager").handle)
            gate.router.add_route("*", "/{path:.*}", Face(world, "gate").handle)
            world.whapi.manager_url = f"http://{host}:{await _listen(running, manager, whapi_manager_port)}"
            world.whapi.gate_url = f"http://{host}:{await _listen(running, gate, whapi_gate_port)}/"
    except OSError:
        await running.close()
        raise
    return running


def _application() -> web.Application:
    return web.Application(client_max_size=64 * 1024 * 1024)


async def _listen(running: Running, app: web.Application, port: int) -> int:
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.2, handle_signals=False)
    running.runners.append(runner)
    await runner.setup()
    await web.TCPSite(runner, running.host, port, backlog=1024).start()
    return int(runner.addresses[0][1])
