"""Runs the API in this process until it is told to stop."""

from typing import Final

import structlog
import uvicorn

from app.kit.listening import Listening
from app.kit.log import configure
from app.main import create_server_app
from app.runtime import open_runtime
from app.settings import Settings

log = structlog.get_logger()

DRAIN_SECONDS: Final = 20
SOCKETS: Final = "websockets-sansio"
SOCKET_FRAME_BYTES: Final = 4096
"""Of a client's frames: the only socket of ours is one that tells."""


async def serve(settings: Settings) -> None:
    """Listen; on SIGTERM stop accepting, let requests finish for up to 20 s, then close everything."""
    configure(settings.log_level)
    async with open_runtime(settings) as runtime:
        server = uvicorn.Server(
            uvicorn.Config(
                create_server_app(runtime),
                host=settings.host,
                port=settings.port,
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
            )
        )
        log.info("api_started", host=settings.host, port=settings.port, deployment=settings.deployment)
        await server.serve()
