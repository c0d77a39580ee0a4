"""What every request passes: an id, one log line without query or body, and the metrics."""

import re
import time
from typing import Final

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from prometheus_client import Counter, Histogram

from app.kit.ids import new_id, to_wire

log = structlog.get_logger()

REQUESTS: Final = Counter("sublet_http_requests", "Requests by route and status.", ["method", "route", "status"])
SECONDS: Final = Histogram(
    "sublet_http_request_seconds",
    "Time from the first byte of a request to the last of its answer.",
    ["method", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
QUIET: Final = frozenset({"/livez", "/readyz", "/metrics"})
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
CLIENT_ID: Final = re.compile(rb"[\x21-\x7e]{1,100}")


class Door:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; its path is logged as the route's pattern, so no id or token in a path reaches a log."""
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return
        request_id = to_wire("req", new_id())
        scope["state"]["request_id"] = request_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        client_id = next((value for name, value in scope["headers"] if name == b"x-request-id"), None)
        started, status = time.perf_counter(), 500

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = list(message.get("headers", []))
                headers.append((b"x-request-id", request_id.encode()))
                if client_id is not None and CLIENT_ID.fullmatch(client_id):
                    headers.append((b"x-client-request-id", client_id))
                if not any(name == b"cache-control" for name, _ in headers):
                    headers.append((b"cache-control", b"no-store"))
                headers.append((b"x-content-type-options", b"nosniff"))
                message["headers"] = headers
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        finally:
            seconds = time.perf_counter() - started
            route = str(scope.get("path_template") or "unmatched")
            method = scope["method"] if scope["method"] in METHODS else "other"
            if route not in QUIET:
                REQUESTS.labels(method, route, str(status)).inc()
                SECONDS.labels(method, route).observe(seconds)
                log.info("request", method=method, route=route, status=status, ms=round(seconds * 1000, 1))
