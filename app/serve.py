"""Runs the API, in this process or in several that share its port, until it is told to stop."""

import asyncio
import gc
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import structlog
import uvicorn
import uvloop
from litestar.types import ASGIApp

from app.kit.family import Family
from app.kit.listening import Listening
from app.kit.log import configure
from app.main import create_server_app
from app.runtime import open_runtime
from app.settings import Settings

log = structlog.get_logger()

DRAIN_SECONDS: Final = 20
CLOSE_SECONDS: Final = 20
"""For what is left to be written when the last request has been answered."""
SOCKETS: Final = "websockets-sansio"
SOCKET_FRAME_BYTES: Final = 4096
"""Of a client's frames: the only socket of ours is one that tells."""
BACKLOG: Final = 2048
COLLECT_AFTER: Final = 20_000
"""New objects between two looks for cycles; what a request leaves has none."""


class CannotListen(RuntimeError):
    """The address is taken, or not ours."""


class Server(uvicorn.Server):
    """Stops listening when it is told to stop, and leaves the rest to its caller: what it kept is to be closed."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals stay taken: uvicorn's own way dies of the signal as soon as the last request is answered."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.handle_exit)
        yield


def run(settings: Settings) -> int:
    """Serve in as many processes as the settings say; the exit code.

    Raises:
        CannotListen: the address is taken, or not ours.
    """
    if settings.processes == 1:
        uvloop.run(serve(settings))
        return 0
    configure(settings.log_level)
    with _listener(settings, shared=False):
        pass  # somebody else's listener is a fault, although the port could be shared with it
    held = _listener(settings, shared=True)

    def child(parent: int) -> None:
        uvloop.run(serve(settings, parent=parent, port=held.getsockname()[1]))

    with held:
        return Family(settings.processes, child, grace_seconds=DRAIN_SECONDS + CLOSE_SECONDS).run()


async def serve(settings: Settings, *, parent: int | None = None, port: int | None = None) -> None:
    """Listen; on SIGTERM stop accepting, let requests finish for up to 20 s, then close everything.

    A child stops as well when its `parent` does, and shares the port with the others.
    """
    configure(settings.log_level)
    async with open_runtime(settings) as runtime:
        server = Server(server_config(create_server_app(runtime), host=settings.host, port=settings.port))
        if parent is not None:
            _follow(parent, server)
        _rest_what_stays()
        log.info("api_started", host=settings.host, port=port or settings.port, deployment=settings.deployment)
        await server.serve(None if port is None else [_listener(settings, shared=True, port=port)])


def server_config(app: ASGIApp, **where: Any) -> uvicorn.Config:
    """How an application is served, here and in tests; `where` it listens."""
    return uvicorn.Config(
        app,
        backlog=BACKLOG,
        http=Listening,
        ws=SOCKETS,
        ws_max_size=SOCKET_FRAME_BYTES,
        ws_per_message_deflate=False,
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=DRAIN_SECONDS,
        **where,
    )


def _follow(parent: int, server: Server) -> None:
    loop = asyncio.get_running_loop()

    def orphaned() -> None:
        loop.remove_reader(parent)
        log.warning("parent_died")
        server.handle_exit(signal.SIGTERM, None)

    loop.add_reader(parent, orphaned)


def _listener(settings: Settings, *, shared: bool, port: int | None = None) -> socket.socket:
    """A socket at the address; where it is shared the kernel spreads connections over all who listen."""
    family, kind, _, _, address = socket.getaddrinfo(
        settings.host, settings.port if port is None else port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise CannotListen(f"{settings.host}:{settings.port}: {error.strerror}") from None
    return listener


def _rest_what_stays() -> None:
    """Leave out of each search for garbage what lives as long as the process: looking at it took 150 ms at a time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, 20, 20)
