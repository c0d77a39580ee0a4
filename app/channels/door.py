"""The door of the channel face, before the application's own routes: one place where a request is read and served.

Not routes of the framework, since bodies, refusals and unknown fields are in another company's manner here.
"""

from typing import Final
from urllib.parse import parse_qsl

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from app.channels import bodies, refusals, table
from app.channels.answer import CRASHED, GONE, NO_ROUTE, UNAUTHORIZED, Answer, refused
from app.channels.asking import ANSWER_SECONDS, Asking
from app.channels.auth import Channel
from app.channels.bodies import ClientGone
from app.channels.fields import Fields
from app.channels.once import once
from app.channels.parts import Call, Parts, Route
from app.gateway.calls import STREAM_SECONDS
from app.kit import asgi
from app.kit.errors import AppError
from app.providers.errors import ProviderError

log = structlog.get_logger()

PREFIX: Final = "/whapi"
CORS: Final = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
    (b"access-control-allow-headers", b"authorization, content-type, *"),
    (b"access-control-max-age", b"86400"),
)
"""Browsers may call: there is no cookie here."""
PREFLIGHT: Final = Answer(204, headers=CORS[1:])
LEAVING: Final = ("deleting", "deleted")
SUSPENDED: Final = refused(403, "the channel is suspended; ask your provider of this service")
CLOSED: Final = refused(400, "the body did not come")
MOST_PARAMETERS: Final = 100
LONGEST_HEADER: Final = 300


class ChannelDoor:
    """ASGI middleware: serves the channel face, and passes everything else on."""

    def __init__(self, app: ASGIApp, parts: Parts) -> None:
        self.app = app
        self._parts = parts
        self._asking = Asking(parts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == ScopeType.HTTP and _is_ours(scope["path"]):
            await self._serve(scope, receive, send)
        elif scope["type"] in (ScopeType.HTTP, ScopeType.WEBSOCKET):
            await self.app(scope, receive, send)
        else:
            await self._lifespan(scope, receive, send)

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self.app(scope, receive, send)
        finally:
            await self._asking.close()

    async def _serve(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        path, verb = scope["path"].removeprefix(PREFIX), scope["method"]
        route, params = table.find(verb, path)
        scope["path_template"] = PREFIX + ("/*" if route is None else route.path)
        if verb == "OPTIONS":
            answer = PREFLIGHT
        elif route is None or isinstance(params, tuple):
            allowed = ", ".join(params).encode()
            answer = refused(405, headers=((b"allow", allowed),)) if params else NO_ROUTE
        else:
            answer = await self._answer(route, params, scope, receive)
        headers = [*CORS[:1], *answer.headers]
        if answer.body:
            headers.append((b"content-type", answer.content_type.encode("latin-1", "ignore")))
        await asgi.answer(scope, send, answer.status, headers, answer.body)

    async def _answer(self, route: Route, params: dict[str, str], scope: HTTPScope, receive: Receive) -> Answer:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        token, client = headers.get("authorization", "")[:LONGEST_HEADER], scope.get("client")
        try:
            channel = await self._parts.authenticator.channel(token, "" if client is None else str(client[0]))
            if channel is None:
                return UNAUTHORIZED
            closed = _closed(route, channel)
            if closed is not None:
                return closed
            query = Fields(_query(scope["query_string"]))
            call = Call(route, channel, Fields(params), query, headers, scope["query_string"])
            async with bodies.read(call, receive) as whole:
                return await once(self._parts.database, whole, lambda: self._performed(whole))
        except AppError as error:
            return refusals.of_error(error)
        except ClientGone:
            return CLOSED
        except Exception as error:
            log.error("channel_crashed", route=route.name, error=type(error).__name__, exc_info=error)
            return CRASHED

    async def _performed(self, call: Call) -> Answer:
        serve = call.route.serve
        work = self._asking.natively(call) if serve is None else serve(self._asking, call)
        seconds = ANSWER_SECONDS if call.file is None else STREAM_SECONDS
        try:
            return await self._asking.within(work, seconds)
        except AppError as error:
            if error.status >= 500:
                log.warning("channel_not_asked", route=call.route.name, code=error.code, **error.facts)
            return refusals.of_error(error)
        except ProviderError as error:
            return refusals.of_ending(error)


def _is_ours(path: str) -> bool:
    return path == PREFIX or path.startswith(PREFIX + "/")


def _closed(route: Route, channel: Channel) -> Answer | None:
    """Why nothing of a channel may be used, whatever is asked."""
    instance = channel.instance
    if instance.status in LEAVING or not instance.wanted:
        return GONE
    is_suspended = channel.tenant_status != "active" or instance.suspended_by is not None
    return SUSPENDED if is_suspended and not route.is_open else None


def _query(query_string: bytes) -> dict[str, str]:
    """The parameters of the address; of several with one name the last, and none of far too many."""
    try:
        text = query_string.decode("utf-8", "replace")
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_PARAMETERS))
    except ValueError:
        return {}
