"""Bodies that carry a file into the house: passed on as they come, with a few pieces in memory.

A body ends too long, too slow or cut; each is an error of the request. The error is raised where the piece was wanted,
which is inside a call to the gateway that knows nothing of it: so it is kept, and raised again when `taking` ends.
"""

import asyncio
import re
import tempfile
from collections.abc import AsyncIterator, Collection, Hashable, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import IO, ClassVar, Final

from litestar.types import Receive

from app.files import names
from app.files.forms import Form, boundary_of
from app.kit.errors import AppError, BodyTooLarge, FieldError, InvalidRequest, UnsupportedMediaType
from app.kit.places import Places

MOST_BYTES: Final = 100 * 1024 * 1024
"""Source: GREEN-API sending pages, no file is larger (read 2026-11-21)."""
FORM_BYTES: Final = 1024 * 1024
"""What a form may have around the file."""
IDLE_SECONDS: Final = 30.0
TOTAL_SECONDS: Final = 1800.0
BEFORE_BYTES: Final = 512 * 1024
PIECE_BYTES: Final = 64 * 1024
TOKEN: Final = re.compile(r"[0-9A-Za-z!#$%&'*+.^_`|~-]+")
SPOOLS: Final = 16
SPOOLS_OF_OWNER: Final = 4
AT_ONCE: Final = 16
"""Bodies of one owner in one process: each holds a connection to a gateway, of which there are a hundred for all."""
_COMING: Final = Places(AT_ONCE)
_SPOOLED: Final = Places(SPOOLS_OF_OWNER)


class BodyTooSlow(AppError):
    """The request body did not come in time."""

    status = 408
    code = "request_timeout"


class BodyCut(InvalidRequest):
    """The request body ended early."""


class NoFile(InvalidRequest):
    """There is no file in the request."""


class NoRoom(AppError):
    """The service is busy; try again shortly."""

    status = 503
    code = "maintenance"
    retryable = True


@dataclass(frozen=True)
class Limits:
    """Of one body."""

    most_bytes: int = MOST_BYTES
    idle_seconds: float = IDLE_SECONDS
    total_seconds: float = TOTAL_SECONDS


class Body:
    """A request's body, piece by piece, within its limits."""

    def __init__(self, receive: Receive, most_bytes: int, limits: Limits) -> None:
        self._receive = receive
        self._most = most_bytes
        self._limits = limits
        self.come = 0

    async def pieces(self) -> AsyncIterator[bytes]:
        """Every piece, once.

        Raises:
            BodyTooLarge, BodyTooSlow, BodyCut: it is not usable.
        """
        ends = asyncio.get_running_loop().time() + self._limits.total_seconds
        more = True
        while more:
            left = min(self._limits.idle_seconds, ends - asyncio.get_running_loop().time())
            try:
                async with asyncio.timeout(max(0.0, left)):
                    message = await self._receive()
            except TimeoutError:
                raise BodyTooSlow() from None
            if message["type"] != "http.request":
                raise BodyCut()
            piece, more = message["body"], message["more_body"]
            self.come += len(piece)
            if self.come > self._most:
                raise BodyTooLarge()
            for start in range(0, len(piece), PIECE_BYTES):
                yield piece[start : start + PIECE_BYTES]


class Incoming:
    """A file that is coming in. Exactly one of `whole` and `file` may be read, once.

    `fields` are the texts of a form: those before the file, all of them once the file has been read or was spooled.
    """

    def __init__(
        self, body: Body, form: Form | None, content_type: str, size: int | None, owner: Hashable = None
    ) -> None:
        self._owner = owner
        self._held = ExitStack()
        self._body = body
        self._form = form
        self._rest = body.pieces()
        self._seen: list[bytes] = []
        self._first: list[bytes] = []
        self._spool: IO[bytes] | None = None
        self._named = ""
        self.content_type = content_type
        """Of the whole body."""
        self.size = size
        """Bytes of the whole body; None when nobody told."""
        self.file_bytes = 0
        """Bytes of the file that have been read."""
        self.failure: AppError | None = None

    @property
    def is_form(self) -> bool:
        """Whether the file is a part of a form, not the whole body."""
        return self._form is not None

    @property
    def fields(self) -> dict[str, str]:
        """The texts that stand beside the file."""
        return {} if self._form is None else self._form.fields

    @property
    def media_type(self) -> str:
        """The file's own media type, without parameters."""
        told = self.content_type if self._form is None else self._form.file_type
        return names.plain_type(told, self._told_name())

    @property
    def file_name(self) -> str:
        """The file's name; one by its media type when it has none."""
        return names.safe(self._told_name(), self.media_type)

    @property
    def file_size(self) -> int | None:
        """Bytes of the file, when they are known before it is read."""
        if self._form is None:
            return self.size
        return None if self._spool is None else self._form.file_bytes

    async def whole(self) -> AsyncIterator[bytes]:
        """The body as it came, to be passed on unchanged; the last piece is held back until the form proved whole."""
        try:
            if self._spool is not None:
                async for piece in _replay(self._spool):
                    yield piece
                return
            held = b"".join(self._seen)
            self._seen.clear()
            async for piece in self._rest:
                if self._form is not None:
                    self._form.feed(piece)
                if held:
                    yield held
                held = piece
            if self._form is not None:
                self._form.end()
                self.file_bytes = self._form.file_bytes
            else:
                self.file_bytes = self._body.come
            if held:
                yield held
        except AppError as error:
            self.failure = error
            raise

    async def file(self) -> AsyncIterator[bytes]:
        """The bytes of the file alone."""
        try:
            if self._form is None:
                async for piece in self.whole():
                    yield piece
                return
            form, source = self._form, self._rest
            if self._spool is not None:
                form, source = form.afresh(), _replay(self._spool)
            while self._first:
                yield self._first.pop(0)
            async for raw in source:
                for piece in form.feed(raw):
                    yield piece
            form.end()
            self.file_bytes = form.file_bytes
        except AppError as error:
            self.failure = error
            raise

    async def _begin(self, named: str, needed: frozenset[str]) -> None:
        self._named = named
        if self._form is None:
            return
        async for piece in self._rest:
            self._seen.append(piece)
            self._first = self._form.feed(piece)
            if self._form.has_file:
                break
            if self._body.come > BEFORE_BYTES:
                raise BodyTooLarge("The fields before the file are too long.")
        if not self._form.has_file:
            self._form.end()
            raise NoFile(errors=(FieldError("#/file", "required", "A part `file` is required."),))
        if not needed <= {name.lower() for name in self._form.fields}:
            await self._keep()

    async def _keep(self) -> None:
        """All of it on disk: what is to be known before the file stands behind it."""
        assert self._form is not None
        if self._owner is not None:
            self._held.enter_context(_SPOOLED.hold(self._owner))
        self._spool = _Spools.take()
        self._first.clear()
        for piece in self._seen:
            await asyncio.to_thread(self._spool.write, piece)
        self._seen.clear()
        async for piece in self._rest:
            self._form.feed(piece)
            await asyncio.to_thread(self._spool.write, piece)
        self._form.end()
        self.size = self._body.come

    def _told_name(self) -> str:
        return self._named or ("" if self._form is None else self._form.file_name)

    def _close(self) -> None:
        self._held.close()
        if self._spool is not None:
            _Spools.give_back(self._spool)


class _Spools:
    """Files on disk for bodies that must be kept; they have no name there, so that no end of ours leaves one behind."""

    taken: ClassVar[int] = 0

    @classmethod
    def take(cls) -> IO[bytes]:
        if cls.taken >= SPOOLS:
            raise NoRoom(headers={"Retry-After": "2"})
        cls.taken += 1
        return tempfile.TemporaryFile(buffering=0)

    @classmethod
    def give_back(cls, spool: IO[bytes]) -> None:
        cls.taken -= 1
        spool.close()


@asynccontextmanager
async def taking(
    receive: Receive,
    headers: Mapping[str, str],
    *,
    named: str = "",
    needed: Collection[str] = (),
    limits: Limits | None = None,
    owner: Hashable = None,
) -> AsyncIterator[Incoming]:
    """Take the file of a request: a form's part `file`, or the whole body.

    `headers` are looked up in lower case. `named` is the file's name if something beside the body told it. `needed` are
    the form's fields that must be known before the file is read, in any case; a form that has one of them behind the
    file is kept on disk first. While the file streams, a second part of any of the names before it ends the body with
    an error: what was looked at is what the gateway gets. Of one `owner` a few bodies come in at once.

    Raises:
        BodyTooLarge 413, BodyTooSlow 408, BodyCut, InvalidForm, NoFile 400, UnsupportedMediaType 415, NoRoom 503,
        TooManyAtOnce 429; also in place of what the body of the `with` raised on account of them.
    """
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("Send the body without a content encoding.")
    limits = limits or Limits()
    content_type = headers.get("content-type", "")
    boundary = boundary_of(content_type)
    most = limits.most_bytes + (0 if boundary is None else FORM_BYTES)
    size = _length(headers.get("content-length", ""))
    if size is not None and size > most:
        raise BodyTooLarge()
    form = None if boundary is None else Form(boundary, limits.most_bytes)
    incoming = Incoming(Body(receive, most, limits), form, _canonical(content_type, boundary), size, owner)
    if owner is not None:
        incoming._held.enter_context(_COMING.hold(owner))
    try:
        await incoming._begin(named, frozenset(name.lower() for name in needed))
        try:
            yield incoming
        except Exception as error:
            if incoming.failure is None or error is incoming.failure:
                raise
        if incoming.failure is not None:
            raise incoming.failure
    finally:
        incoming._close()


async def _replay(spool: IO[bytes]) -> AsyncIterator[bytes]:
    spool.seek(0)
    while piece := await asyncio.to_thread(spool.read, PIECE_BYTES):
        yield piece


def _canonical(content_type: str, boundary: str | None) -> str:
    """A form's type with the one boundary that we read it by: of two, another reader might take the other."""
    if boundary is None:
        return content_type
    if not TOKEN.fullmatch(boundary):
        boundary = '"' + boundary.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"multipart/form-data; boundary={boundary}"


def _length(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else None
