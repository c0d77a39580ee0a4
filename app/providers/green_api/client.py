"""Calls to GREEN-API over HTTP: each is written to the wire once at most, and no error lets a token out.

The token is part of the URL, and clients put URLs into their exceptions, so they end inside `_exchange` and
`Quick.exchange`, which return what happened as a value. The errors that callers see are made outside of any `except`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from aiohttp import (
    ClientHandlerType,
    ClientOSError,
    ClientRequest,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    ClientWebSocketResponse,
    ClientWSTimeout,
    DummyCookieJar,
    ServerDisconnectedError,
    TCPConnector,
    TraceConfig,
    WSMsgType,
)
from yarl import URL

from app.kit.crypto import Secret
from app.providers.errors import BrokenOff, OutcomeUnknown, ProviderError, Refused, Unreachable
from app.providers.green_api import outcomes, verdicts, wire
from app.providers.green_api.bodies import Source
from app.providers.green_api.outcomes import Answer
from app.providers.green_api.quick import Quick
from app.providers.green_api.wire import (
    ANSWER_BYTES,
    JSON,
    LISTING_BYTES,
    TOO_LONG,
    UNWRITABLE,
    Body,
    Ending,
    Request,
    Unwritable,
    json_of,
)
from app.providers.port import Credentials, Upload

STREAM_SECONDS: Final = 900.0
SCAN_SECONDS: Final = 130.0  # the gateway ends a pairing socket after 100
FRAME_BYTES: Final = 1024 * 1024

Fields = Callable[[], dict[str, Any]]


class Client:
    """Both faces of GREEN-API, partner and instance, at one base URL; opens its connections on first use."""

    def __init__(self, base_url: str, *, timeout_seconds: float, connect_seconds: float) -> None:
        self._base_url = base_url.rstrip("/")
        self._media_url = _media_of(self._base_url)
        # A call that waited long for a free connection is given up unwritten, not written too late to be answered.
        self._timeout = ClientTimeout(total=timeout_seconds, connect=timeout_seconds / 2, sock_connect=connect_seconds)
        self._streaming = ClientTimeout(
            total=STREAM_SECONDS, connect=timeout_seconds, sock_connect=connect_seconds, sock_read=timeout_seconds
        )
        self._quick = Quick(self._base_url, timeout_seconds=timeout_seconds, connect_seconds=connect_seconds)
        self._session: ClientSession | None = None
        self._is_closed = False

    @property
    def hosts(self) -> tuple[str, str]:
        """Where calls and files go, with the port."""
        return urlsplit(self._base_url).netloc, urlsplit(self._media_url).netloc

    async def partner(
        self, verb: str, method: str, token: Secret, body: Fields | None = None, *, listing: bool = False
    ) -> Any:
        """The JSON value of a partner call, never None. It goes over a connection of its own.

        Raises:
            ProviderError: classified as `outcomes.of_partner_call` and the module say.
            asyncio.CancelledError: the caller gave up; the outcome is unknown.
        """
        most = LISTING_BYTES if listing else ANSWER_BYTES
        payload = None if body is None else json_of(body)
        ending = await self._exchange(Request(verb, "partner", method, token, payload, most_bytes=most))
        if not isinstance(ending, Answer):
            raise ending
        verdict = outcomes.of_partner_call(ending)
        if isinstance(verdict, ProviderError):
            raise verdict
        return verdict.value

    async def get(self, credentials: Credentials, method: str, **query: str | int | None) -> Any:
        """The JSON value of a reading call; fields that are None are left out.

        Raises:
            ProviderError: classified as `verdicts.verdict` and the module say.
            asyncio.CancelledError: the caller gave up.
        """
        told = urlencode({name: value for name, value in query.items() if value is not None})
        return await self.instance("GET", method, credentials, query=told)

    async def post(self, credentials: Credentials, method: str, **fields: Any) -> Any:
        """The JSON value of a call with fields, None for an empty success; fields that are None are left out.

        Raises:
            ProviderError: classified as `verdicts.verdict` and the module say.
            asyncio.CancelledError: the caller gave up; the outcome is unknown.
        """
        told = {name: value for name, value in fields.items() if value is not None}
        return await self.instance("POST", method, credentials, lambda: told)

    async def instance(
        self, verb: str, method: str, credentials: Credentials, body: Fields | None = None, *, query: str = ""
    ) -> Any:
        """The JSON value of a call on an instance, None for an empty success; `query` is already encoded.

        Raises:
            ProviderError: classified as `verdicts.verdict` and the module say.
            asyncio.CancelledError: the caller gave up; the outcome is unknown.
        """
        payload = None if body is None else json_of(body)
        return _value(method, await self.answer(credentials, verb, method, payload, JSON, query))

    async def answer(
        self, credentials: Credentials, verb: str, method: str, body: Body | None, content_type: str, query: str
    ) -> Answer:
        """The answer to a call on an instance, whatever it says.

        Raises:
            Unreachable, OutcomeUnknown: there was none.
            asyncio.CancelledError: the caller gave up; the outcome is unknown.
        """
        prefix = f"waInstance{credentials.upstream_id}"
        most = LISTING_BYTES if method.lower() in verdicts.LISTINGS else ANSWER_BYTES
        ending = await self._quick.exchange(
            Request(verb, prefix, method, credentials.token, body, content_type, query, most)
        )
        if not isinstance(ending, Answer):
            raise ending
        return ending

    async def stream(
        self,
        credentials: Credentials,
        method: str,
        upload: Upload,
        headers: Mapping[str, str],
        *,
        media: bool = False,
    ) -> Answer:
        """The answer to a body that is passed on as it comes, over a connection of its own, to the host of files.

        Raises:
            BrokenOff: the body ended early, was longer than told, or its source failed.
            Unreachable, OutcomeUnknown: there was no answer.
            asyncio.CancelledError: the caller gave up; the outcome is unknown.
        """
        request = Request("POST", f"waInstance{credentials.upstream_id}", method, credentials.token)
        source = Source(upload)
        sent = {**headers, "Content-Type": upload.content_type}
        if upload.size is not None:
            sent["Content-Length"] = str(upload.size)
        ending = await self._exchange(request, source, sent, base_url=self._media_url if media else self._base_url)
        if isinstance(ending, asyncio.CancelledError):
            raise ending
        if source.is_broken or (source.is_cut and isinstance(ending, ProviderError)):
            raise BrokenOff
        if isinstance(ending, ProviderError):
            raise ending
        return ending

    async def streamed(
        self, credentials: Credentials, method: str, upload: Upload, headers: Mapping[str, str], *, media: bool = False
    ) -> Any:
        """The JSON value of a streamed call.

        Raises:
            ProviderError: as `stream`, and classified as `verdicts.verdict` says.
        """
        return _value(method, await self.stream(credentials, method, upload, headers, media=media))

    async def frames(self, credentials: Credentials, method: str) -> AsyncIterator[str]:
        """The text frames of a socket, until the gateway ends it or 130 seconds are over.

        Raises:
            ProviderError: it could not be opened, broke, or sent what is no text.
        """
        opened = await self._socket(credentials, method)
        if not isinstance(opened, ClientWebSocketResponse):
            raise opened
        try:
            while True:
                frame = await _frame(opened)
                if isinstance(frame, ProviderError | asyncio.CancelledError):
                    raise frame
                if frame is None:
                    return
                yield frame
        finally:
            await opened.close()

    async def close(self) -> None:
        """Let go of every connection; later calls are `Unreachable`."""
        self._is_closed = True
        session, self._session = self._session, None
        if session is not None:
            await session.close()
        await self._quick.close()

    async def _exchange(
        self,
        request: Request,
        source: Source | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        base_url: str = "",
    ) -> Ending:
        """What happened; returns the error to be raised, and itself raises none, cancellation included."""
        trail = _Trail()
        cancelled: tuple[Any, ...] | None = None
        fault = "ClosedClient"
        try:
            session = self._opened()
            if session is not None:
                async with session.request(
                    request.verb,
                    URL(request.address(base_url or self._base_url), encoded=True),
                    data=_payload(request, source),
                    headers=headers or (None if request.body is None else {"Content-Type": JSON}),
                    timeout=self._timeout if source is None else self._streaming,
                    allow_redirects=False,
                    trace_request_ctx=trail,
                ) as response:
                    return await _read(response, request.most_bytes)
        except asyncio.CancelledError as error:
            cancelled = error.args
        except Exception as error:
            fault = type(error).__name__
        if cancelled is not None:
            return asyncio.CancelledError(*cancelled)
        return _missing(fault, trail)

    async def _socket(
        self, credentials: Credentials, method: str
    ) -> ClientWebSocketResponse | ProviderError | asyncio.CancelledError:
        request = Request("GET", f"waInstance{credentials.upstream_id}", method, credentials.token)
        cancelled: tuple[Any, ...] | None = None
        fault, status = "ClosedClient", None
        try:
            session = self._opened()
            if session is not None:
                return await session.ws_connect(
                    URL(request.address(self._base_url), encoded=True),
                    timeout=ClientWSTimeout(ws_close=2.0),
                    max_msg_size=FRAME_BYTES,
                )
        except asyncio.CancelledError as error:
            cancelled = error.args
        except Exception as error:
            fault, status = type(error).__name__, getattr(error, "status", None)
        if cancelled is not None:
            return asyncio.CancelledError(*cancelled)
        if isinstance(status, int) and status > 0:
            verdict = outcomes.of_instance_call(Answer(status, b""), reads=True)
            if isinstance(verdict, ProviderError):
                return verdict
        return Unreachable(f"the gateway opened no socket ({fault})")

    def _opened(self) -> ClientSession | None:
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
    """The connection broke; not a type that aiohttp would try again."""


def _payload(request: Request, source: Source | None) -> bytes | AsyncIterator[bytes] | None:
    if source is not None:
        return source.read()
    return None if request.body is None else request.body()


def _missing(fault: str, trail: _Trail) -> ProviderError:
    if fault == Unwritable.__name__:
        return Refused(UNWRITABLE)
    if trail.written:
        return OutcomeUnknown(f"the gateway gave no answer ({fault})")
    return Unreachable(f"the gateway could not be reached ({fault})")


def _value(method: str, answer: Answer) -> Any:
    verdict = verdicts.verdict(method, answer)
    if isinstance(verdict, ProviderError):
        raise verdict
    return verdict.value


async def _on_connection(_: ClientSession, context: Any, __: Any) -> None:
    if context.trace_request_ctx is not None:  # sockets have no trail
        context.trace_request_ctx.written = True


async def _write_once(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    """Keep aiohttp from repeating a call by itself, which it does for GET and DELETE when a connection breaks."""
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
            return OutcomeUnknown(TOO_LONG, status=response.status)
    said = response.headers.get
    return Answer(response.status, bytes(raw), said("Retry-After", ""), said("Content-Type", ""))


async def _frame(socket: ClientWebSocketResponse) -> str | ProviderError | asyncio.CancelledError | None:
    """The next text, None at the end; returns the error to be raised."""
    try:
        async with asyncio.timeout(SCAN_SECONDS):
            message = await socket.receive()
    except asyncio.CancelledError as error:
        return asyncio.CancelledError(*error.args)
    except TimeoutError:
        return None
    except Exception as error:
        return OutcomeUnknown(f"the socket broke ({type(error).__name__})")
    if message.type is WSMsgType.TEXT:
        return str(message.data)
    if message.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED):
        return None
    return OutcomeUnknown("the socket broke")


def _media_of(base_url: str) -> str:
    """The host of files that belongs to the host of calls. Source: Hosts page, `7103.media…` beside `7103.api…`."""
    scheme, _, rest = base_url.partition("://")
    host, slash, path = rest.partition("/")
    names = host.split(".")
    if "green-api" in names or "greenapi" in names:
        names = ["media" if name == "api" else name for name in names]
    return f"{scheme}://{'.'.join(names)}{slash}{path}"
