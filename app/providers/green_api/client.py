"""Calls to GREEN-API over HTTP: each is written to the wire once at most, and no error lets a token out.

The token is part of the URL, and aiohttp puts URLs into its exceptions, so they end inside `_exchange`, which
returns what happened as a value. The errors that callers see are made outside of any `except`.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import msgspec
from aiohttp import (
    ClientHandlerType,
    ClientOSError,
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
from app.providers.errors import OutcomeUnknown, ProviderError, Refused, Unreachable
from app.providers.green_api import outcomes
from app.providers.green_api.outcomes import Answer
from app.providers.port import Credentials

ANSWER_BYTES: Final = 1024 * 1024
LISTING_BYTES: Final = 32 * 1024 * 1024
CONNECTIONS: Final = 100
IDLE_SECONDS: Final = 3.0  # below the idle limits that servers have, so that it is us who close

Body = Callable[[], dict[str, Any]]
Ending = Answer | ProviderError | asyncio.CancelledError


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


class Client:
    """Both faces of GREEN-API, partner and instance, at one base URL; opens its connections on first use."""

    def __init__(self, base_url: str, *, timeout_seconds: float, connect_seconds: float) -> None:
        self._base_url = base_url.rstrip("/")
        # A call that waited long for a free connection is given up unwritten, not written too late to be answered.
        self._timeout = ClientTimeout(total=timeout_seconds, connect=timeout_seconds / 2, sock_connect=connect_seconds)
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
        if not isinstance(ending, Answer):
            raise ending
        verdict = outcomes.of_partner_call(ending)
        if isinstance(verdict, ProviderError):
            raise verdict
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
        if not isinstance(ending, Answer):
            raise ending
        verdict = outcomes.of_instance_call(ending, reads=reads)
        if isinstance(verdict, ProviderError):
            raise verdict
        return verdict.value

    async def close(self) -> None:
        """Let go of every connection; later calls are `Unreachable`."""
        self._is_closed = True
        sessions, self._sessions = self._sessions or (), None
        for session in sessions:
            await session.close()

    async def _exchange(self, ask: Ask) -> Ending:
        """What happened; returns the error to be raised, and itself raises none, cancellation included."""
        trail = _Trail()
        cancelled: tuple[Any, ...] | None = None
        fault = "ClosedClient"
        try:
            session = self._session(fresh=ask.fresh)
            payload = None if ask.body is None else _encoded(ask.body)
            if session is not None:
                async with session.request(
                    ask.verb,
                    self._address(ask),
                    data=payload,
                    headers=None if payload is None else {"Content-Type": "application/json"},
                    allow_redirects=False,
                    trace_request_ctx=trail,
                ) as response:
                    return await _read(response, ask.most_bytes)
        except asyncio.CancelledError as error:
            cancelled = error.args
        except Exception as error:
            fault = type(error).__name__
        if cancelled is not None:
            return asyncio.CancelledError(*cancelled)
        if trail.written:
            return OutcomeUnknown(f"the gateway gave no answer ({fault})")
        if fault == _Unwritable.__name__:
            return Refused("the request cannot be written as JSON")
        return Unreachable(f"the gateway could not be reached ({fault})")

    def _session(self, *, fresh: bool) -> ClientSession | None:
        if self._is_closed:
            return None
        if self._sessions is None:
            self._sessions = self._open(force_close=False), self._open(force_close=True)
        return self._sessions[fresh]

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


class _Unwritable(Exception):
    """A body that is no JSON, such as a text with a lone surrogate."""


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


async def _read(response: ClientResponse, most_bytes: int) -> Answer | ProviderError:
    raw = bytearray()
    async for chunk in response.content.iter_any():
        raw += chunk
        if len(raw) > most_bytes:
            response.close()
            return OutcomeUnknown("the gateway's answer was too long", status=response.status)
    return Answer(response.status, bytes(raw), response.headers.get("Retry-After", ""))


def _encoded(body: Body) -> bytes:
    try:
        return msgspec.json.encode(body())
    except (UnicodeEncodeError, TypeError, ValueError):
        pass
    raise _Unwritable
