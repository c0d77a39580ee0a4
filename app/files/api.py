"""The public door to files: who has a link of ours has the file."""

import asyncio
import re
from collections.abc import Iterable
from typing import Annotated, Any, Final

import structlog
from litestar import Request, Response, get, head
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, HeaderParameter
from litestar.types import ASGIApp, Receive, Scope, Send

from app.files import links, names
from app.files.fetching import Fetched, Fetcher
from app.files.links import FileGone, FileLink
from app.kit.db import SYSTEM, Database
from app.kit.errors import AppError

log = structlog.get_logger()

RANGE: Final = re.compile(r"bytes=(\d{1,12}-\d{0,12}|-\d{1,12})")
HEADERS: Final = {
    "Content-Security-Policy": "sandbox; default-src 'none'; img-src 'self'; media-src 'self'",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, max-age=300",
}

RangeWanted = Annotated[
    str | None, HeaderParameter(name="Range", max_length=8000, description="One range of bytes, `bytes=0-1023`.")
]


class Piped(Response[Any]):
    """A file on its way from the gateway to the client, with a few pieces in memory."""

    def __init__(self, fetcher: Fetcher, link: FileLink, wanted: str | None, *, only_head: bool) -> None:
        super().__init__(None)
        self.pipe = Pipe(fetcher, link, wanted, only_head)

    def to_asgi_response(self, *_: Any, **__: Any) -> ASGIApp:  # type: ignore[override]
        """The pipe itself."""
        return self.pipe


class Pipe:
    """Asks the gateway, then passes on; a client that goes away ends the reading at once."""

    def __init__(self, fetcher: Fetcher, link: FileLink, wanted: str | None, only_head: bool) -> None:
        self._fetcher = fetcher
        self._link = link
        self._range = wanted
        self._only_head = only_head

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        """Answer one request.

        Raises:
            FileGone, RangeNotThere, UpstreamError, TooManyDownloads: nothing was sent yet.
        """
        with self._fetcher.turn(self._link.tenant_id):
            gone, pump = asyncio.ensure_future(_until_gone(receive)), asyncio.ensure_future(self._pump(send))
            try:
                await asyncio.wait((gone, pump), return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (gone, pump):
                    task.cancel()
                await asyncio.wait((gone, pump))
            if not pump.cancelled():
                pump.result()

    async def _pump(self, send: Send) -> None:
        fetched = await self._fetcher.open(self._link, self._range)
        try:
            await send(
                {"type": "http.response.start", "status": fetched.status, "headers": list(_head(self._link, fetched))}
            )
            if not self._only_head:
                async for piece in fetched.pieces():
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except AppError as error:  # the answer has begun: that it is not whole is told by cutting it
            log.warning("file_cut", code=error.code, **error.facts)
        finally:
            fetched.close()


def _spec(text: str) -> ResponseSpec:
    return ResponseSpec(bytes, description=text, media_type=names.UNKNOWN_TYPE, generate_examples=False)


@get(
    "/files/{token:str}",
    operation_id="downloadFile",
    summary="Read a file",
    tags=["Files"],
    opt={"public": True},
    media_type="application/octet-stream",
    responses={
        200: _spec("The file."),
        206: _spec("The range of it."),
    },
)
async def download_file(
    database: NamedDependency[Database],
    fetcher: NamedDependency[Fetcher],
    token: FromPath[str],
    wanted: RangeWanted = None,
) -> Response[Any]:
    """The file behind a link that an answer or an event of ours named; no credential is needed.

    It comes with its own media type, is shown in place when it is a picture, sound or film and saved otherwise.
    404: the link is not ours, the gateway no longer keeps the file, or its instance was deleted. 416: it has no such
    range. 502: it cannot be read now.
    """
    return Piped(fetcher, await _found(database, token), _one_range(wanted), only_head=False)


@head("/files/{token:str}", opt={"public": True}, include_in_schema=False)
async def probe_file(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    fetcher: NamedDependency[Fetcher],
    token: FromPath[str],
) -> Response[None]:
    """The headers that `downloadFile` would send."""
    wanted = _one_range(request.headers.get("range"))
    return Piped(fetcher, await _found(database, token), wanted, only_head=True)


async def _found(database: Database, token: str) -> FileLink:
    async with database.begin(SYSTEM) as uow:
        link = await links.read(uow, token)
    if link is None:
        raise FileGone()
    return link


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _one_range(wanted: str | None) -> str | None:
    """A Range header of one range; any other may be ignored (RFC 9110)."""
    plain = (wanted or "").replace(" ", "")
    return plain if RANGE.fullmatch(plain) else None


def _head(link: FileLink, fetched: Fetched) -> Iterable[tuple[bytes, bytes]]:
    plain = link.name or "file" + links.extension_of(link.url)
    media_type = names.plain_type(fetched.media_type, plain)
    told = {
        **HEADERS,
        "Content-Type": media_type,
        "Content-Disposition": names.disposition(names.safe(plain, media_type), media_type),
    }
    if fetched.size is not None:
        told["Content-Length"] = str(fetched.size)
    if fetched.content_range is not None:
        told["Content-Range"] = fetched.content_range
    if fetched.takes_ranges:
        told["Accept-Ranges"] = "bytes"
    return ((name.lower().encode(), value.encode("latin-1")) for name, value in told.items())
