"""A customer's server for webhooks: it keeps what it gets, verifies it, and answers as it is told."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from standardwebhooks import Webhook

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Got:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float
    verb: str = "POST"

    @property
    def event(self) -> dict[str, Any]:
        """The envelope."""
        event: dict[str, Any] = json.loads(self.body)
        return event

    def verify(self, secret: str) -> dict[str, Any]:
        """The envelope, if the signature is good."""
        event: dict[str, Any] = Webhook(secret).verify(self.body, self.headers)
        return event


@dataclass
class Receiver:
    """What came, and what the next requests are answered with; the last answer goes on."""

    url: str
    got: list[Got] = field(default_factory=list)
    connections: int = 0
    now: int = 0
    most: int = 0
    answers: list[int | Answer] = field(default_factory=lambda: [200])

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Take one request."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        now = asyncio.get_running_loop().time()
        self.got.append(Got(request.path, headers, await request.read(), now, request.method))
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            if isinstance(answer, int):
                return web.Response(status=answer, text="seen")
            return await answer(request)
        finally:
            self.now -= 1


@asynccontextmanager
async def receiving(tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """A server on a free loopback port."""
    receiver = Receiver("")

    async def handle(request: web.Request) -> web.StreamResponse:
        return await receiver.handle(request)

    app = web.Application(client_max_size=10 * 1024 * 1024)
    app.router.add_route("*", "/{tail:.*}", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    port = runner.addresses[0][1]
    receiver.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}/hook"
    try:
        yield receiver
    finally:
        await runner.cleanup()
