"""The fast client for small calls, over pyreqwest: each call is written to the wire once at most.

What it must not do was measured against servers of bytes (tests/providers/test_quick.py; docs/decisions/0017): it
repeats no request, follows no redirect, keeps no cookie and asks no proxy of the environment. Its exceptions hold the
URL, so they end inside `exchange`.

What failed is told apart by the cause that hyper names, since the library calls broken connections and slow answers
connect errors too. Only an error whose cause is exactly the making of the connection was surely before any writing,
and waiting in vain for a place; every other error, each timeout among them, leaves the outcome unknown.
"""

import asyncio
import atexit
import time
from datetime import timedelta
from typing import Any, Final

from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import BuilderError, ClientClosedError, ConnectError, PoolTimeoutError

from app.providers.errors import OutcomeUnknown, ProviderError, Refused, Unreachable
from app.providers.http import wire
from app.providers.http.wire import IDLE_SECONDS, TOO_LONG, UNWRITABLE, Answer, Ending, Request, Unwritable

BEFORE_WRITING: Final = "client error (Connect)"
EXIT_SECONDS: Final = 0.1


class _Exit:
    """Gives the library's thread a moment before the interpreter ends.

    A thread that still lets go of a request's objects then aborts the process (SIGABRT): without this every fifth
    short process did. After `close` there is only that much left to do.
    """

    def __init__(self) -> None:
        self._is_set = False

    def arrange(self) -> None:
        """Once a process."""
        if not self._is_set:
            self._is_set = True
            atexit.register(time.sleep, EXIT_SECONDS)


_EXIT: Final = _Exit()


class Quick:
    """Connections to whatever hosts are called, opened on first use, so that a process that forks first has its own."""

    def __init__(self, *, timeout_seconds: float, connect_seconds: float) -> None:
        self._timeout_seconds = timeout_seconds
        self._connect_seconds = connect_seconds
        self._client: Client | None = None
        self._is_closed = False

    async def exchange(self, request: Request) -> Ending:
        """What happened; returns the error to be raised, and itself raises none, cancellation included."""
        cancelled: tuple[Any, ...] | None = None
        failure: ProviderError | None = None
        try:
            client = self._client or self._opened()
            if client is None:
                return Unreachable("the gateway could not be reached (ClosedClient)")
            call = client.request(request.verb, request.address())
            if request.bearer is not None:
                call = call.header("Authorization", f"Bearer {request.bearer.reveal()}")
            if request.body is not None:
                if request.content_type:
                    call = call.header("Content-Type", request.content_type)
                call = call.body_bytes(request.body())
            async with call.build_streamed() as response:
                raw = b""
                while (chunk := await response.body_reader.read(request.most_bytes + 1 - len(raw))) is not None:
                    raw += bytes(chunk)
                    if len(raw) > request.most_bytes:
                        return OutcomeUnknown(TOO_LONG, status=response.status)
                status, said = response.status, response.get_header
                # When to come again is told by refusals.
                wait = "" if status == 200 else said("Retry-After") or ""
                return Answer(status, raw, wait, said("Content-Type") or "")
        except asyncio.CancelledError as error:
            cancelled = error.args
        except Exception as error:
            failure = _failure(error)
        return asyncio.CancelledError(*(cancelled or ())) if failure is None else failure

    async def close(self) -> None:
        """Let go of every connection; later calls are `Unreachable`."""
        self._is_closed = True
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    def _opened(self) -> Client | None:
        if self._client is None and not self._is_closed:
            _EXIT.arrange()
            # A call that waited long for a free connection is given up unwritten, not written too late to be answered.
            self._client = (
                ClientBuilder()
                .http1_only()
                .no_proxy()
                .follow_redirects(False)
                .referer(False)
                .default_cookie_store(False)
                .gzip(False)
                .brotli(False)
                .zstd(False)
                .deflate(False)
                .user_agent("sublet")
                .default_headers({"Accept": wire.JSON})
                .max_connections(wire.CONNECTIONS)
                .pool_timeout(timedelta(seconds=self._timeout_seconds / 2))
                .pool_idle_timeout(timedelta(seconds=IDLE_SECONDS))
                .connect_timeout(timedelta(seconds=self._connect_seconds))
                .timeout(timedelta(seconds=self._timeout_seconds))
                .build()
            )
        return self._client


def _failure(error: Exception) -> ProviderError:
    name = type(error).__name__
    if isinstance(error, Unwritable):
        return Refused(UNWRITABLE)
    if type(error) in (PoolTimeoutError, BuilderError, ClientClosedError) or _never_connected(error):
        return Unreachable(f"the gateway could not be reached ({name})")
    return OutcomeUnknown(f"the gateway gave no answer ({name})")


def _never_connected(error: Exception) -> bool:
    """Whether the connection could not be made: refused, no such host, no trust. No timeout counts."""
    if type(error) is not ConnectError:
        return False
    causes = error.details["causes"] or []
    return [cause["message"] for cause in causes[1:2]] == [BEFORE_WRITING]
