"""A reverse proxy between a client and its gateway that keeps every request and what was answered."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, web
from yarl import URL

HOP_BY_HOP = frozenset(
    ("connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "host", "content-length", "expect")
)
NOT_ADDED = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")


@dataclass
class Exchange:
    """One request as the client sent it; `status` is None while, or when, no answer reached it."""

    verb: str
    target: str
    headers: dict[str, str]
    body: bytes
    status: int | None = None
    reply_headers: dict[str, str] = field(default_factory=dict)
    reply: bytes = b""


class Recorder:
    """Listens on a port of its own and passes everything on, untouched but for the connection's own headers."""

    def __init__(self, base: str, session: ClientSession, files: dict[str, Path]) -> None:
        self.base = base
        self._files = files
        self.exchanges: list[Exchange] = []
        self.url = ""
        self._session = session

    async def shop(self, request: web.Request) -> web.FileResponse:
        """A file of the customer's own web server, which a gateway fetches; not recorded."""
        return web.FileResponse(self._files[request.match_info["name"]])

    async def handle(self, request: web.Request) -> web.Response:
        """One exchange."""
        kept = Exchange(request.method, request.raw_path, _lowered(request.headers), await request.read())
        self.exchanges.append(kept)
        passed = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP}
        async with self._session.request(
            request.method,
            URL(self.base + request.raw_path, encoded=True),
            data=kept.body or None,
            headers=passed,
            allow_redirects=False,
            skip_auto_headers=NOT_ADDED,
        ) as answer:
            body = await answer.read()
        kept.status, kept.reply, kept.reply_headers = answer.status, body, _lowered(answer.headers)
        back = {name: value for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP}
        return web.Response(status=answer.status, body=body, headers=back)


def _lowered(headers: object) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}  # type: ignore[attr-defined]


@asynccontextmanager
async def recording(base: str, files: dict[str, Path]) -> AsyncIterator[Recorder]:
    """A recorder in front of `base`, while the block runs."""
    timeout = ClientTimeout(total=90)
    jar = DummyCookieJar()
    async with ClientSession(timeout=timeout, auto_decompress=False, cookie_jar=jar) as session:
        recorder = Recorder(base, session, files)
        app = web.Application(client_max_size=16 * 1024 * 1024)
        app.router.add_get("/shop/{name}", recorder.shop)
        app.router.add_route("*", "/{path:.*}", recorder.handle)
        runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=0.2, handle_signals=False
        )
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        recorder.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield recorder
        finally:
            await runner.cleanup()
