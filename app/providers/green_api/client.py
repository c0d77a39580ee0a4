"""Calls to GREEN-API over HTTP: each is written to the wire once at most, and no error lets a token out.

The token is part of the URL, and clients put URLs into their exceptions, so they end inside `app.providers.http` and
`_socket`, which return what happened as a value. The errors that callers see are made outside of any `except`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from aiohttp import ClientWebSocketResponse, ClientWSTimeout, WSMsgType
from yarl import URL

from app.kit.crypto import Secret
from app.providers.errors import OutcomeUnknown, ProviderError, Unreachable
from app.providers.green_api import outcomes, verdicts
from app.providers.green_api.wire import PARTNER, request
from app.providers.http.quick import Quick
from app.providers.http.single import Single
from app.providers.http.wire import ANSWER_BYTES, JSON, LISTING_BYTES, Answer, Body, json_of
from app.providers.port import Credentials, Upload

SCAN_SECONDS: Final = 130.0  # the gateway ends a pairing socket after 100
FRAME_BYTES: Final = 1024 * 1024

Fields = Callable[[], dict[str, Any]]


class Client:
    """Both faces of GREEN-API, partner and instance, at one base URL; opens its connections on first use."""

    def __init__(self, base_url: str, *, timeout_seconds: float, connect_seconds: float) -> None:
        self._base_url = base_url.rstrip("/")
        self._media_url = _media_of(self._base_url)
        self._quick = Quick(timeout_seconds=timeout_seconds, connect_seconds=connect_seconds)
        self._single = Single(timeout_seconds=timeout_seconds, connect_seconds=connect_seconds)

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
        call = request(self._base_url, verb, PARTNER, method, token, body=payload, most_bytes=most)
        ending = await self._single.exchange(call)
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
        prefix = f"waInstance{credentials.account}"
        most = LISTING_BYTES if method.lower() in verdicts.LISTINGS else ANSWER_BYTES
        ending = await self._quick.exchange(
            request(
                self._base_url,
                verb,
                prefix,
                method,
                credentials.token,
                body=body,
                content_type=content_type,
                query=query,
                most_bytes=most,
            )
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
        base_url = self._media_url if media else self._base_url
        call = request(base_url, "POST", f"waInstance{credentials.account}", method, credentials.token)
        ending = await self._single.stream(call, upload, headers)
        if not isinstance(ending, Answer):
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
        await self._single.close()
        await self._quick.close()

    async def _socket(
        self, credentials: Credentials, method: str
    ) -> ClientWebSocketResponse | ProviderError | asyncio.CancelledError:
        call = request(self._base_url, "GET", f"waInstance{credentials.account}", method, credentials.token)
        cancelled: tuple[Any, ...] | None = None
        fault, status = "ClosedClient", None
        try:
            session = self._single.opened()
            if session is not None:
                return await session.ws_connect(
                    URL(call.address(), encoded=True),
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


def _value(method: str, answer: Answer) -> Any:
    verdict = verdicts.verdict(method, answer)
    if isinstance(verdict, ProviderError):
        raise verdict
    return verdict.value


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
