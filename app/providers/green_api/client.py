"""Calls to GREEN-API over HTTP: each is written to the wire once at most, and no error lets a token out.

The token is part of the URL, and aiohttp puts URLs into its exceptions, so they end inside `_exchange`, which
returns what happened as a value. The errors that callers see are made outside of any `except`.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NoReturn
from urllib.parse import quote

import msgspec
from aiohttp import (
    ClientHandlerType,
    ClientOSError,
    ClientPayloadError,
    ClientRequest,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    ServerDisconnectedError,
    TCPConnector,
    TraceConfig,
)
from yarl import URL

from app.kit.crypto import Secret
from app.providers.errors import OutcomeUnknown, ProviderError, Unreachable
from app.providers.green_api import outcomes
from app.providers.green_api.outcomes import Answer
from app.providers.port import Credentials

ANSWER_BYTES: Final = 1024 * 1024
LISTING_BYTES: Final = 32 * 1024 * 1024
CONNECTIONS: Final = 100
IDLE_SECONDS: Final = 3.0  # below the idle limits that servers have, so that it is us who close

Body = Callable[[], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Ask:
    """One call. `body` is made at the last moment, so that secrets in it stand in no frame that can fail."""

    verb: str
    prefix: str
    method: str
    token: Secret
    body: Body | None = None
    query: str = ""
    most_bytes: int = ANSWER_BYTES
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Broken:
    """No answer: `written` tells whether a byte may have left, `cancelled` holds what a cancellation carried."""

    written: bool
    cancelled: tuple[Any, ...] | None = None


class Client:
    """Both faces of GREEN-API, partner and instance, at one base URL; opens its connections on first use."""

    def __init__(self, base_url: str, *, timeout_seconds: float, connect_seconds: float) -> None:
        self._base_url = base_url.rstrip("/")
        self._timeout = ClientTimeout(total=timeout_seconds, sock_connect=connect_seconds)
        self._sessions: tuple[ClientSession, ClientSession] | None = None
        self._is_closed = False

    async def partner(
        self, verb: str, method: str, token: Secret, body: Body | None = None, *, listing: bool = False
    ) -> Any:
        """The JSON value of a partner call, never None. A POST goes over a connection of its own.

        Raises:
            ProviderError: classified as `outcomes.of_partner_call` and the module say.
            asyncio.CancelledError: the caller gave up; the outcome is unknown.
        """
        most = LISTING_BYTES if listing else ANSWER_BYTES
        ask = Ask(verb, "partner", method, token, body, most_bytes=most, fresh=verb == "POST")
        ending = await self._exchange(ask)
        if isinstance(ending, Broken):
            _fail(ending)
        verdict = outcomes.of_partner_call(ending)
        if isinstance(verdict, ProviderError):
            raise verdict from None
        return verdict.value

    async def instance(
        self,
        verb: str,
        method: str,
        credentials: Credentials,
        body: Body | None = None,
        *,
        query: str = "",
        listing: bool = False,
        reads: bool = False,
    ) -> Any:
        """The JSON value of a call on an instance, never None; `query` is already encoded.

        Raises:
            ProviderError: classified as `outcomes.of_instance_call` and the module say.
            asyncio.CancelledError: the caller gave up; the outcome is unknown.
        """
        most = LISTING_BYTES if listing else ANSWER_BYTES
        prefix = f"waInstance{credentials.upstream_id}"
        ending = await self._exchange(Ask(verb, prefix, method, credentials.token, body, query, most))
        if isinstance(ending, Broken):
            _fail(ending)
        verdict = outcomes.of_instance_call(ending, reads=reads)
        if isinstance(verdict, ProviderError):
            raise verdict from None
        return verdict.value

    async def close(self) -> None:
        """Let go of every connection; later calls are `Unreachable`."""
        self._is_closed = True
        sessions, self._sessions = self._sessions or (), None
        for session in sessions:
            await session.close()

    async def _exchange(self, ask: Ask) -> Answer | Broken:
        """What happened; raises nothing, cancellation included."""
        trail = _Trail()
        cancelled: tuple[Any, ...] | None = None
        try:
            if self._is_closed:
                return Broken(written=False)
            if self._sessions is None:
                self._sessions = self._open(force_close=False), self._open(force_close=True)
            async with self._sessions[ask.fresh].request(
                ask.verb,
                self._address(ask),
                data=None if ask.body is None else msgspec.json.encode(ask.body()),
                headers={"Content-Type": "application/json"} if ask.body is not None else None,
                allow_redirects=False,
                trace_request_ctx=trail,
            ) as response:
                return await _read(response, ask.most_bytes)
        except asyncio.CancelledError as error:
            cancelled = error.args
        except Exception:  # noqa: S110  # whatever it was holds the URL; the trail says what may be concluded
            pass
        return Broken(trail.written, cancelled)

    def _address(self, ask: Ask) -> URL:
        parts = (ask.prefix, ask.method, ask.token.reveal())
        path = "/".join(quote(part, safe="") for part in parts)
        return URL(f"{self._base_url}/{path}{'?' if ask.query else ''}{ask.query}", encoded=True)

    def _open(self, *, force_close: bool) -> ClientSession:
        connector = (
            TCPConnector(limit=0, limit_per_host=CONNECTIONS, force_close=True)
            if force_close
            else TCPConnector(limit=0, limit_per_host=CONNECTIONS, keepalive_timeout=IDLE_SECONDS)
        )
        traces = TraceConfig()
        traces.on_connection_create_end.append(_on_connection)
        traces.on_connection_reuseconn.append(_on_connection)
        return ClientSession(
            connector=connector,
            timeout=self._timeout,
            cookie_jar=DummyCookieJar(),
            trace_configs=[traces],
            middlewares=(_write_once,),
            headers={"Accept": "application/json"},
        )


class _Trail:
    """Whether a call has got its connection; from then on bytes may have left."""

    __slots__ = ("written",)

    def __init__(self) -> None:
        self.written = False


class _Lost(Exception):
    """The connection broke; not a type that aiohttp would try again."""


async def _on_connection(_: ClientSession, context: Any, __: Any) -> None:
    context.trace_request_ctx.written = True


async def _write_once(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    """Keep aiohttp from repeating a call by itself, which it does for GET and DELETE when a connection breaks.

    Two turns of the loop let it see first which idle connections the server has closed meanwhile.
    """
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    try:
        return await handler(request)
    except (ClientOSError, ServerDisconnectedError):
        pass
    raise _Lost


async def _read(response: ClientResponse, most_bytes: int) -> Answer:
    """The answer, with `whole` false when its body broke off or is longer than allowed."""
    raw, whole = bytearray(), True
    try:
        async for chunk in response.content.iter_any():
            raw += chunk
            if len(raw) > most_bytes:
                whole = False
                break
    except (ClientPayloadError, ClientOSError, ServerDisconnectedError):
        whole = False
    if not whole:
        response.close()
        raw.clear()
    return Answer(response.status, bytes(raw), whole, response.headers.get("Retry-After", ""))


def _fail(ending: Broken) -> NoReturn:
    if ending.cancelled is not None:
        raise asyncio.CancelledError(*ending.cancelled)
    if ending.written:
        raise OutcomeUnknown("the gateway gave no answer")
    raise Unreachable("the gateway could not be reached")
