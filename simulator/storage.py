"""Files the upstream keeps: on disk, behind links that end, served with Range."""

import contextlib
import secrets
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import urlsplit

from aiohttp import web

from simulator import kinds

if TYPE_CHECKING:
    from simulator.world import World

LARGEST_FILE = 100 * 1024 * 1024
"""Bytes of one file at most. Source: GREEN-API sending pages, read 2026-11-21."""
PREFIX = "_files"


class TooLarge(Exception):
    """The file is larger than the upstream takes."""


@dataclass(slots=True, eq=False)
class Blob:
    """Bytes on disk, with the name and the type they came with."""

    path: Path
    name: str
    mime: str
    total: list[int]
    """Bytes of all blobs together, shared by them."""
    size: int = 0
    file: BinaryIO | None = None
    is_used: bool = False

    def write(self, chunk: bytes) -> None:
        """Append bytes.

        Raises:
            TooLarge: there would be more than the upstream takes.
        """
        assert self.file is not None
        self.size += len(chunk)
        self.total[0] += len(chunk)
        if self.size > LARGEST_FILE:
            raise TooLarge
        self.file.write(chunk)

    def close(self) -> None:
        """No more bytes come."""
        if self.file is not None:
            self.file.close()
            self.file = None


@dataclass(frozen=True, slots=True)
class Link:
    """An address at which a blob can be had until its time is over."""

    blob: Blob
    until: float


class Storage:
    """Everything uploaded, fetched or received; nothing is left on disk when it is closed."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._blobs: dict[Blob, None] = {}
        self._links: dict[str, Link] = {}
        self._total = [0]
        self.origin = "http://127.0.0.1"
        """Where the simulator was last called at; links begin with it unless a knob says otherwise."""

    def open(self, name: str, mime: str) -> Blob:
        """An empty blob to write to; the name decides the type when none is given."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="simulator-")
        path = Path(self._folder.name) / secrets.token_hex(16)
        if not mime or mime == kinds.UNKNOWN_TYPE:
            mime = kinds.TYPES.guess_type(name)[0] or mime or kinds.UNKNOWN_TYPE
        blob = Blob(path, name, mime, self._total, file=path.open("wb"))
        self._blobs[blob] = None
        return blob

    def keep(self, name: str, mime: str, chunks: Iterable[bytes]) -> Blob:
        """A blob of bytes that are at hand.

        Raises:
            TooLarge: there are more than the upstream takes.
        """
        self.make_room()
        blob = self.open(name, mime)
        try:
            for chunk in chunks:
                blob.write(chunk)
        except TooLarge:
            self.drop(blob)
            raise
        blob.close()
        return blob

    def link(self, owner: int | str, blob: Blob, seconds: float, *, origin: str = "") -> str:
        """A new address of the blob that nobody can guess; `owner` is an idInstance or a channel's id."""
        blob.is_used = True
        suffix = Path(blob.name).suffix if blob.name.isascii() else ""
        if not suffix[1:].isalnum() or len(suffix) > 10:
            suffix = kinds.TYPES.guess_extension(blob.mime) or ""
        place = f"{owner}/{secrets.token_hex(16)}{suffix}"
        self._links[place] = Link(blob, self._world.clock.now() + seconds)
        origin = self._world.config.public_url or origin or self.origin
        return f"{origin.rstrip('/')}/{PREFIX}/{place}"

    def stored(self, owner: int | str, blob: Blob) -> str:
        """An address that lives as long as those of uploads do."""
        return self.link(owner, blob, self._world.config.file_link_seconds)

    def download(self, owner: int | str, blob: Blob) -> str:
        """An address that lives as long as those in notifications do."""
        return self.link(owner, blob, self._world.config.download_link_seconds)

    def find(self, place: str) -> Blob | None:
        """The blob behind `idInstance/name`; None when there is none or its time is over."""
        found = self._links.get(place)
        if found is None:
            return None
        if found.until <= self._world.clock.now() or found.blob not in self._blobs:
            del self._links[place]
            return None
        return found.blob

    def of_url(self, url: str) -> Blob | None:
        """The blob that an address of ours points at, whatever host it names."""
        _, marked, place = urlsplit(url).path.partition(f"/{PREFIX}/")
        return self.find(place) if marked else None

    def drop(self, blob: Blob) -> None:
        """Take it off the disk; its links end."""
        blob.close()
        if self._blobs.pop(blob, 0) is None:
            self._total[0] -= blob.size
        blob.path.unlink(missing_ok=True)

    def drop_unused(self, blob: Blob) -> None:
        """Take it off the disk unless something links to it: its call was refused."""
        if not blob.is_used:
            self.drop(blob)

    def make_room(self) -> None:
        """Drop the oldest while more is kept than the knob allows."""
        most = self._world.config.files_kept_bytes
        if self._total[0] <= most:
            return
        for blob in [blob for blob in self._blobs if blob.file is None]:
            self.drop(blob)
            if self._total[0] <= most:
                return

    def clear(self) -> None:
        """Forget and delete everything."""
        for blob in self._blobs:
            blob.close()
        self._blobs.clear()
        self._total = [0]
        self._links.clear()
        if self._folder is not None:
            with contextlib.suppress(OSError):
                self._folder.cleanup()
            self._folder = None


def routes(world: "World") -> list[web.RouteDef]:
    """The address of the files."""

    async def serve(request: web.Request) -> web.StreamResponse:
        """A stored file, whole or a range of it; a fault named `_files` may befall it."""
        owner, name = request.match_info["owner"], request.match_info["name"]
        id_instance = int(owner) if owner.isdecimal() and len(owner) < 20 else None
        entry = world.journal.add("call", PREFIX, id_instance, None, {"range": request.headers.get("Range")})
        entry.more["verb"] = request.method
        blob = world.storage.find(f"{owner}/{name}")
        fault = world.faults.for_call(PREFIX, id_instance, None)
        if fault is not None:
            entry.more["fault"] = fault.kind
            said = fault.body if isinstance(fault.body, str) else ""
            return await _spoiled(world, request, blob, fault.kind, fault.status or 502, said)
        if blob is None:
            entry.real, entry.told, entry.http_status = "refused", "status:404", 404
            return web.Response(status=404, text="Not Found")
        entry.told, entry.http_status = "ok", 200
        return web.FileResponse(blob.path, headers={"Content-Type": blob.mime})

    return [web.get(f"/{PREFIX}/{{owner}}/{{name}}", serve)]


async def _spoiled(
    world: "World", request: web.Request, blob: Blob | None, kind: str, status: int, said: str
) -> web.StreamResponse:
    if kind == "stall":
        await world.clock.sleep(world.config.stall_seconds)
    if kind != "half_body" or blob is None:
        if kind != "status" and request.transport is not None:
            request.transport.abort()
        return web.Response(status=status, text=said, headers={"Location": said} if 300 < status < 400 else {})
    response = web.StreamResponse(headers={"Content-Type": blob.mime, "Content-Length": str(blob.size)})
    response.force_close()
    await response.prepare(request)
    with blob.path.open("rb") as file:
        for _ in range(blob.size // 2 // 65536):
            await response.write(file.read(65536))
        await response.write(file.read(blob.size // 2 % 65536))
    if request.transport is not None:
        request.transport.close()
    return response
