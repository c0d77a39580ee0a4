"""The careful client, over aiohttp: each call has a connection of its own, and bodies may be passed on as they come.

Clients put URLs and headers into their exceptions, so these end inside `exchange`, which returns what happened.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

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

from app.providers.errors import BrokenOff, OutcomeUnknown, ProviderError, Refused, Unreachable
from app.providers.http import wire
from app.providers.http.bodies import Source
from app.providers.http.wire import JSON, TOO_LONG, UNWRITABLE, Answer, Ending, Request, Unwritable
from app.providers.port import Upload

STREAM_SECONDS: Final = 900.0
REASONS: Final = {
    "ClientConnectorDNSError": "the gateway's host name is not known",
    "ClientConnectorCertificateError": "the gateway's certificate is not trusted",
    "ClientConnectorSSLError": "the gateway's address answers without TLS, or with none that can be spoken",
    "ConnectionTimeoutError": "the gateway's address does not answer",
}
"""What kept a connection from being made, by the client's own names."""


class Single:
    """Calls to whatever hosts; it opens its session on first use."""

    def __init__(self, *, timeout_seconds: float, connect_seconds: float) -> None:
        # A call that waited long for a free connection is given up unwritten, not written too late to be answered.
        self._timeout = ClientTimeout(total=timeout_seconds, connect=timeout_seconds / 2, sock_connect=connect_seconds)
        self._streaming = ClientTimeout(
            total=STREAM_SECONDS, connect=timeout_seconds, sock_connect=connect_seconds, sock_read=timeout_seconds
        )
        self._session: ClientSession | None = None
        self._is_closed = False

    async def exchange(self, request: Request) -> Ending:
        """What happened; returns the error to be raised, and itself raises none, cancellation included."""
        return await self._exchange(request, None, {})

    async def stream(self, request: Request, upload: Upload, headers: Mapping[str, str]) -> Ending:
        """As `exchange`, with a body that is passed on as it comes, of the upload's type.

        `BrokenOff`: the body ended early, was longer than told, or its source failed.
        """
        source = Source(upload)
        sent = {**headers, "Content-Type": upload.content_type}
        if upload.size is not None:
            sent["Content-Length"] = str(upload.size)
        ending = await self._exchange(request, source, sent)
        is_cut = source.is_broken or (source.is_cut and isinstance(ending, ProviderError))
        if is_cut and not isinstance(ending, asyncio.CancelledError):
            return BrokenOff()
        return ending

    async def close(self) -> None:
        """Let go of every connection; later calls are `Unreachable`."""
        self._is_closed = True
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _exchange(self, request: Request, source: Source | None, headers: Mapping[str, str]) -> Ending:
        trail = _Trail()
        cancelled: tuple[Any, ...] | None = None
        fault = "ClosedClient"
        try:
            session = self.opened()
            if session is not None:
                async with session.request(
                    request.verb,
                    URL(request.address(), encoded=True),
                    data=_payload(request, source),
                    headers={**request.headers(), **headers},
                    timeout=self._timeout if source is None else self._streaming,
                    allow_redirects=False,
                    trace_request_ctx=trail,
                ) as response:
                    return await _read(response, request.most_bytes)
        except asyncio.CancelledError as error:
            cancelled = error.args
        except Exception as error:
            fault = str(error) if isinstance(error, _Lost) else type(error).__name__
        if cancelled is not None:
            return asyncio.CancelledError(*cancelled)
        return _missing(fault, trail)

    def opened(self) -> ClientSession | None:
        """The session, for sockets; None when it was closed. What it raises may hold addresses and headers."""
        if self._session is None and not self._is_closed:
            traces = TraceConfig()
            traces.on_connection_create_end.append(_on_connection)
            traces.on_connection_reuseconn.append(_on_connection)
            self._session = ClientSession(
                connector=TCPConnector(limit=0, limit_per_host=wire.CONNECTIONS, force_close=True),
                timeout=self._timeout,
                cookie_jar=DummyCookieJar(),
                trace_configs=[traces],
                middlewares=(_write_once,),
                headers={"Accept": JSON, "User-Agent": "sublet"},
            )
        return self._session


class _Trail:
    """Whether a call has got its connection; from then on bytes may have left."""

    __slots__ = ("written",)

    def __init__(self) -> None:
        self.written = False


class _Lost(Exception):
    """The connection broke, as the client's type of that name says; not a type that aiohttp would try again."""


def _payload(request: Request, source: Source | None) -> bytes | AsyncIterator[bytes] | None:
    if source is not None:
        return source.read()
    return None if request.body is None else request.body()


def _missing(fault: str, trail: _Trail) -> ProviderError:
    if fault == Unwritable.__name__:
        return Refused(UNWRITABLE)
    if trail.written:
        return OutcomeUnknown(f"the gateway gave no answer ({fault})")
    return Unreachable(f"{REASONS.get(fault, 'the gateway could not be reached')} ({fault})")


async def _on_connection(_: ClientSession, context: Any, __: Any) -> None:
    if context.trace_request_ctx is not None:  # sockets have no trail
        context.trace_request_ctx.written = True


async def _write_once(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    """Keep aiohttp from repeating a call by itself, which it does for GET and DELETE when a connection breaks."""
    try:
        return await handler(request)
    except (ClientOSError, ServerDisconnectedError) as error:
        fault = type(error).__name__
    raise _Lost(fault)


async def _read(response: ClientResponse, most_bytes: int) -> Answer | ProviderError:
    raw = bytearray()
    async for chunk in response.content.iter_any():
        raw += chunk
        if len(raw) > most_bytes:
            response.close()
            return OutcomeUnknown(TOO_LONG, status=response.status)
    said = response.headers.get
    return Answer(response.status, bytes(raw), said("Retry-After", ""), said("Content-Type", ""))
