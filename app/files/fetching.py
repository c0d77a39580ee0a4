"""Reading a gateway's file. The address was told by a gateway, so it is treated as any stranger's.

Each address, redirects included, must be https and is checked when it is dialled (`app.kit.egress`). The exceptions
are the origin at which the operator told us to reach the gateway itself, in development on this machine, and that at
which the account is called. To the latter alone goes the account's token, where files are read with it.
"""

import ipaddress
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urldefrag, urljoin, urlsplit
from uuid import UUID

import aiohttp

from app.files.links import FileGone, FileLink
from app.kit.egress import AddressBlocked, Egress, Network, UrlRefused
from app.kit.errors import AppError, RateLimited, UpstreamError
from app.providers.port import Credentials

MOST_BYTES: Final = 100 * 1024 * 1024
"""Source: GREEN-API sending pages, no file is larger (read 2026-11-21)."""
TOTAL_SECONDS: Final = 1800.0
IDLE_SECONDS: Final = 30.0
CONNECT_SECONDS: Final = 5.0
AT_ONCE: Final = 32
"""Readers of one tenant in one process."""
MOST_AT_ONCE: Final = 400
"""Of all tenants; beyond it a reader waits a few seconds, and is told to come again."""
WAIT_SECONDS: Final = 10.0
PIECE_BYTES: Final = 64 * 1024
MOST_HOPS: Final = 3
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
GONE: Final = frozenset({400, 401, 403, 404, 410})
"""Signed addresses that have expired are answered in all these ways."""
CONTENT_RANGE: Final = re.compile(r"bytes (\d{1,12}-\d{1,12}|\*)/(\d{1,12}|\*)")
Origin = tuple[str, str | None, int | None]
Keys = Callable[[FileLink], Awaitable[Credentials | None]]
"""Whose token reads a file; None when it is free."""
ANYWHERE: Final = (ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0"))


async def no_keys(_: FileLink) -> None:
    """Every file is free."""


class RangeNotThere(AppError):
    """The file has no such range."""

    status = 416
    code = "range_not_satisfiable"


class TooManyDownloads(RateLimited):
    """Too many files of this organization are being read."""


class FileTooLarge(UpstreamError):
    """The file is larger than can be passed on."""

    code = "upstream_error"


@dataclass
class Fetched:
    """A file whose first bytes are there: 200 or 206. It must be closed."""

    status: int
    media_type: str
    size: int | None
    content_range: str | None
    takes_ranges: bool
    _answer: aiohttp.ClientResponse = field(repr=False)

    async def pieces(self) -> AsyncIterator[bytes]:
        """The bytes, at most `size` of them, and never more than 100 MB.

        Raises:
            UpstreamError: they ended early, or never end.
        """
        most, come = self.size if self.size is not None else MOST_BYTES, 0
        try:
            async for piece in self._answer.content.iter_chunked(PIECE_BYTES):
                come += len(piece)
                if come > most:
                    raise FileTooLarge()
                yield piece
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            fault = type(error).__name__
        else:
            return
        raise UpstreamError("The file ended early.", fault=fault)

    def close(self) -> None:
        """Let go of the connection; what has not come is not waited for."""
        self._answer.close()


class Fetcher:
    """Opens files; lives as long as the process. `bases` are the configured gateways by (provider, environment)."""

    def __init__(
        self,
        allowed: tuple[Network, ...],
        bases: Mapping[tuple[str, str], str],
        keys: Keys = no_keys,
        *,
        most: int = MOST_AT_ONCE,
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        self._times = aiohttp.ClientTimeout(
            total=TOTAL_SECONDS, connect=wait_seconds, sock_connect=CONNECT_SECONDS, sock_read=IDLE_SECONDS
        )
        self._bases = {place: _origin(base) for place, base in bases.items()}
        self._keys = keys
        self._readers: Counter[UUID] = Counter()
        self._guarded = Egress(allowed, per_host=0, most=most, agent="Sublet/1")
        self._direct = Egress(ANYWHERE, per_host=0, most=most, agent="Sublet/1")

    async def open(self, link: FileLink, wanted_range: str | None = None) -> Fetched:
        """Begin to read a file, or the part that a Range header asks for.

        Raises:
            FileGone: the gateway no longer has it. RangeNotThere: it is not that long.
            UpstreamError: it cannot be read now.
        """
        url, key = urldefrag(link.url).url, await self._keys(link)
        for _ in range(MOST_HOPS + 1):
            answer = await self._begin(link, url, wanted_range, key)
            if answer.status not in REDIRECTS:
                return _understood(answer)
            url = urljoin(url, answer.headers.get("Location", ""))
            answer.close()
        raise UpstreamError("The file is not where the gateway said.", fault="redirects")

    @contextmanager
    def turn(self, tenant_id: UUID) -> Iterator[None]:
        """Hold one of the tenant's places among the readers.

        Raises:
            TooManyDownloads: all of them are held, so that slow readers of one tenant take nothing from others.
        """
        if self._readers[tenant_id] >= AT_ONCE:
            raise TooManyDownloads(headers={"Retry-After": "2"})
        self._readers[tenant_id] += 1
        try:
            yield
        finally:
            self._readers[tenant_id] -= 1
            if not self._readers[tenant_id]:
                del self._readers[tenant_id]

    async def close(self) -> None:
        """Close every connection."""
        await self._guarded.close()
        await self._direct.close()

    async def _begin(
        self, link: FileLink, url: str, wanted_range: str | None, key: Credentials | None
    ) -> aiohttp.ClientResponse:
        headers = {} if wanted_range is None else {"Range": wanted_range}
        try:
            origin = _origin(url)
            is_account = key is not None and origin == _origin(key.base_url)
            if is_account and key is not None:
                headers["Authorization"] = f"Bearer {key.token.reveal()}"
            is_base = is_account or origin == self._bases.get((link.provider, link.environment))
            return await (self._direct if is_base else self._guarded).get(url, headers, self._times)
        except (UrlRefused, AddressBlocked):
            fault = "blocked"
        except aiohttp.ClientConnectorError as error:
            fault = "blocked" if isinstance(error.os_error, AddressBlocked) else "connect_failed"
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            fault = type(error).__name__
        raise UpstreamError("The file cannot be read now.", fault=fault)


def _understood(answer: aiohttp.ClientResponse) -> Fetched:
    encoding = answer.headers.get("Content-Encoding", "identity").lower()
    size, status = _length(answer), answer.status
    if status in (200, 206) and encoding == "identity" and (size or 0) <= MOST_BYTES:
        content_range = answer.headers.get("Content-Range", "")
        if status == 200 or CONTENT_RANGE.fullmatch(content_range):
            return Fetched(
                status,
                answer.headers.get("Content-Type", ""),
                size,
                content_range if status == 206 else None,
                status == 206 or answer.headers.get("Accept-Ranges", "").lower() == "bytes",
                answer,
            )
    content_range = answer.headers.get("Content-Range", "")
    answer.close()
    if status in GONE:
        raise FileGone()
    if status == 416:
        told = {"Content-Range": content_range} if CONTENT_RANGE.fullmatch(content_range) else {}
        raise RangeNotThere(headers=told)
    if status == 200 and (size or 0) > MOST_BYTES:
        raise FileTooLarge()
    raise UpstreamError("The file cannot be read now.", upstream_status=status)


def _length(answer: aiohttp.ClientResponse) -> int | None:
    text = answer.headers.get("Content-Length", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else None


def _origin(url: str) -> Origin:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)
