"""The door of the compatible face, before the application's own routes: one place where a request is read and served.

Not a route of the framework, since an address here has its verbs, bodies and errors in another company's manner, and
since the shortest way in is worth the most for sends.
"""

import asyncio
from typing import Any, Final

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send, WebSocketScope

from app.compat import address, gates, partner, socket, uploads, wording
from app.compat.address import SOCKET, Address
from app.compat.answer import (
    CRASHED,
    DELETED,
    FORBIDDEN,
    NOT_FOUND,
    NOTHING,
    TOO_LARGE,
    UNAUTHORIZED,
    Answer,
    plain,
)
from app.compat.asking import Asking
from app.compat.auth import Known
from app.compat.own import Own, hold, poll_seconds
from app.compat.parts import Asked, Call, Parts
from app.compat.wording import Scene
from app.gateway.catalogue import METHODS, Method, Takes
from app.kit.errors import AppError

log = structlog.get_logger()

JSON_BYTES: Final = 100 * 1024
"""Source: GREEN-API Common errors page, larger JSON is `request entity too large` (read 2026-11-21)."""
CORS: Final = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"GET, POST, OPTIONS, DELETE, HEAD"),
    (b"access-control-allow-headers", b"*"),
    (b"access-control-max-age", b"1728000"),
)
"""Browsers may call: there is no cookie here. Source: a probe of the upstream in October 2026."""
PREFLIGHT: Final = Answer(200, headers=CORS[1:])
READABLE: Final = frozenset({"getSettings", "getStateInstance", "getWaSettings", "getStatusInstance", "logout"})
"""What a suspended tenant may still do: clients read the first two when they start, and leaving is always possible."""
LEAVING: Final = ("deleting", "deleted")
POLL: Final = "receiveNotification"
CLOSED: Final = plain(499, "Client Closed Request")
REFUSED_POLLS: Final = 2000
"""With more polls than this held at once, refusals are told without delay."""


class ClientGone(Exception):
    """The client went away before its request had come."""


class CompatDoor:
    """ASGI middleware: serves the compatible face, and passes everything else on."""

    def __init__(self, app: ASGIApp, parts: Parts) -> None:
        self.app = app
        self._parts = parts
        self._asking = Asking(parts)
        self._own = Own(parts, self._asking)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] not in (ScopeType.HTTP, ScopeType.WEBSOCKET):
            await self._lifespan(scope, receive, send)
            return
        found = address.read(scope["path"])
        if found is None:
            await self.app(scope, receive, send)
        elif scope["type"] == ScopeType.WEBSOCKET:
            await self._watch(found, scope, receive, send)
        else:
            scope["path_template"] = found.pattern
            await _reply(send, await self._answer(found, scope, receive))

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self.app(scope, receive, send)
        finally:
            await self._asking.close()

    async def _answer(self, found: Address, scope: HTTPScope, receive: Receive) -> Answer:
        if scope["method"] == "OPTIONS":
            return PREFLIGHT
        try:
            return await self._serve(found, scope, receive)
        except AppError as error:
            method = found.method or METHODS["getsettings"]
            return gates.refusal(Scene(method, found.shown, "", self._parts.public_url), error)
        except ClientGone:
            return CLOSED
        except Exception as error:
            log.error("compat_crashed", error=type(error).__name__, exc_info=error)
            return CRASHED

    async def _serve(self, found: Address, scope: HTTPScope, receive: Receive) -> Answer:
        method = found.method
        if method is None or not address.takes(method, scope["method"]):
            return NOT_FOUND
        if found.face == "partner":
            return await self._serve_partner(found, method, scope, receive)
        if found.number == -1:
            return FORBIDDEN
        caller = _caller(scope)
        known = await self._parts.authenticator.line(found.number or 0, found.token, caller)
        gone = asyncio.Event()
        if known is None:
            return UNAUTHORIZED
        call = self._call(found, method, known, scope, gone)
        if method.takes in (Takes.MULTIPART, Takes.RAW):
            return _closed(call) or await uploads.serve(self._parts, self._asking, call, receive)
        raw = await _body(receive)
        if raw is None:
            return TOO_LARGE
        if method.name != POLL:
            return call.read(raw) or _closed(call) or await self._perform(call)
        call.read(raw)
        return await self._poll(call, caller, receive)

    async def _perform(self, call: Call) -> Answer:
        served = self._own.server(call)
        await self._own.keep_pace(call)
        return await (self._asking.serve(call) if served is None else served(call))

    async def _poll(self, call: Call, caller: str, receive: Receive) -> Answer:
        """A poll, and every refusal of one, takes as long as was asked for; it ends when its client goes."""
        await self._own.keep_pace(call)

        async def closed(call: Call) -> Answer | None:
            known = await self._parts.authenticator.line(call.address.number or 0, call.address.token, caller)
            if known is None:
                return UNAUTHORIZED
            call.known = known
            return _closed_to_polls(call)

        with self._own.polling(call):
            watching = asyncio.ensure_future(_watch_leaving(receive, call.gone))
            try:
                refused = _closed_to_polls(call)
                if refused is None:
                    return await self._own.poll(call, closed)
                if self._own.polls <= REFUSED_POLLS:
                    await hold(call, poll_seconds(call))
                return refused
            finally:
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)

    async def _serve_partner(self, found: Address, method: Method, scope: HTTPScope, receive: Receive) -> Answer:
        principal = await self._parts.authenticator.partner(found.token, _caller(scope))
        if principal is None:
            return partner.UNAUTHORIZED
        raw = await _body(receive)
        if raw is None:
            return TOO_LARGE
        asked = Asked(method, scope["query_string"])
        if (refused := asked.read(raw)) is not None:
            return refused
        scene = Scene(method, found.shown, "", self._parts.public_url)
        await self._parts.gateway.pace.wait(principal.id, method)
        return await partner.serve(self._parts, principal, method, scene, asked.params)

    async def _watch(self, found: Address, scope: WebSocketScope, receive: Receive, send: Send) -> None:
        extensions: Any = scope.get("extensions")
        await receive()  # websocket.connect
        method = found.method
        if method is None or method.name != SOCKET or found.face != "instance":
            await socket.refuse(extensions, send, NOT_FOUND)
            return
        known = await self._parts.authenticator.line(found.number or 0, found.token, _caller(scope))
        if known is None:
            await socket.refuse(extensions, send, UNAUTHORIZED)
            return
        call = self._call(found, method, known, scope, asyncio.Event())
        if (closed := _closed(call)) is not None:
            await socket.refuse(extensions, send, closed)
            return
        await socket.relay(self._parts, call, extensions, receive, send)

    def _call(
        self, found: Address, method: Method, known: Known, scope: HTTPScope | WebSocketScope, gone: asyncio.Event
    ) -> Call:
        scene = Scene(method, found.shown, known.time, self._parts.public_url, known.line.number)
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        return Call(method, scope["query_string"], found, known, scene, headers, gone)


def _closed(call: Call) -> Answer | None:
    """Why nothing of an instance may be used, whatever is asked."""
    known, instance = call.known, call.known.instance
    if instance.status in LEAVING or not instance.wanted:
        return DELETED
    if instance.upstream_account is None and instance.status != "failed":
        return UNAUTHORIZED  # as upstream says of an instance that it is making
    is_suspended = known.tenant_status != "active" or instance.suspended_by is not None
    if is_suspended and call.method.name not in READABLE:
        return wording.expired(call.scene, gates.SUSPENDED)
    return None


def _closed_to_polls(call: Call) -> Answer | None:
    closed = _closed(call)
    return closed if closed in (None, DELETED, UNAUTHORIZED) else NOTHING


async def _body(receive: Receive) -> bytes | None:
    """The whole body; None when it is larger than JSON may be.

    Raises:
        ClientGone: it will not come; nothing is to be asked for it.
    """
    found = bytearray()
    while True:
        message: Any = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        found += message.get("body", b"")
        if len(found) > JSON_BYTES:
            return None
        if not message.get("more_body", False):
            return bytes(found)


async def _watch_leaving(receive: Receive, gone: asyncio.Event) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    gone.set()


async def _reply(send: Send, answer: Answer) -> None:
    headers = [*CORS[:1], (b"content-length", str(len(answer.body)).encode())]
    if answer.body:
        headers.append((b"content-type", answer.content_type.encode()))
    start: Message = {"type": "http.response.start", "status": answer.status, "headers": [*headers, *answer.headers]}
    await send(start)
    await send({"type": "http.response.body", "body": answer.body, "more_body": False})


def _caller(scope: HTTPScope | WebSocketScope) -> str:
    client = scope.get("client")
    return "" if client is None else str(client[0])
