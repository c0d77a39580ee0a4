"""Files of messages: from an address, base64, a MediaID, a form or a raw body to a file the channel keeps."""

import asyncio
import base64
import binascii
import hashlib
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from simulator import kinds
from simulator.fetching import is_address
from simulator.storage import Blob, TooLarge
from simulator.whapi import ids
from simulator.whapi.channel import Channel
from simulator.whapi.errors import Problem
from simulator.whapi.partner import made_up
from simulator.whapi.state import talk_of
from simulator.whapi.talk import Media
from simulator.whapi.wire import Call
from simulator.whapi.world import Whapi

HEX = "0123456789abcdef"
BLOCK = 256 * 1024
ACCEPTED = {
    "image": ("image/",),
    "video": ("video/",),
    "short": ("video/",),
    "gif": ("video/", "image/gif"),
    "audio": ("audio/", "video/ogg"),
    "voice": ("audio/", "video/ogg"),
    "sticker": ("image/webp",),
    "document": ("",),
}
"""How the type of a file begins that each kind takes (choice; the reference only says that 415 exists)."""
TYPED = tuple(ACCEPTED)


@dataclass(frozen=True, slots=True)
class Found:
    """A file that is at hand, and not yet the channel's."""

    blob: Blob
    mime: str
    url: str = ""


async def obtain(whapi: Whapi, call: Call, value: Any, mime: str, *, fresh: bool = False) -> Found | Media:
    """The file that a field `media` means, or that came with the call.

    Raises:
        Problem: 400 it is none, or cannot be loaded; 404 the MediaID is unknown; 413 it is too large.
    """
    sent = call.files.get("media") or next(iter(call.files.values()), None)
    if sent is not None:
        return Found(sent, mime or _bare(sent.mime))
    if not isinstance(value, str) or not value:
        raise Problem(400, "media is required")
    if value.startswith(("http://", "https://")):
        return await _load(whapi, call, value, mime, fresh=fresh)
    if value.startswith("data:") or not ids.MEDIA.fullmatch(value):
        return _decoded(whapi, call, value, mime)
    return found(whapi, call.here, value)


def raw(whapi: Whapi, call: Call, name: str) -> Found:
    """The file that the body itself is.

    Raises:
        Problem: 400 there is none, 413 it is too large.
    """
    if not call.raw:
        raise Problem(400, "the body is empty")
    mime = _bare(call.headers.get("Content-Type", ""))
    return Found(_kept(whapi, call, name, mime, call.raw), mime or kinds.UNKNOWN_TYPE)


def found(whapi: Whapi, channel: Channel, media_id: str) -> Media:
    """A file the channel has.

    Raises:
        Problem: 404, there is none, or it is kept no longer.
    """
    talk = talk_of(channel)
    media = talk.media.get(media_id)
    if media is not None:
        if whapi.world.clock.now() - media.at < whapi.config.media_kept_seconds and media.blob.path.exists():
            return media
        forget(whapi, channel, media)
    raise Problem(404, "media not found")


def adopt(whapi: Whapi, channel: Channel, file: Found | Media, *, name: str = "") -> Media:
    """Make a file the channel's own; one that it has already stays as it is."""
    if isinstance(file, Media):
        return file
    blob = file.blob
    blob.is_used = True
    media = Media(
        id=f"{_ending(file.mime)}-{made_up(12, HEX)}-{made_up(4, HEX)}",
        blob=blob,
        mime=file.mime,
        name=name or blob.name,
        sha256=_digest(blob),
        at=whapi.world.clock.now(),
    )
    talk = talk_of(channel)
    talk.media[media.id] = media
    if file.url:
        talk.by_url[file.url] = media
    return media


def publish(whapi: Whapi, channel: Channel, media: Media, kind: str) -> None:
    """Put a link to it, when media.auto_download of the settings names its kind.

    Source: Whapi help desk, read 2026-11-21.
    """
    if kind in channel.settings["media"]["auto_download"] and not media.link:
        if whapi.config.files_at_gate:
            media.link = f"{whapi.gate_url}media/{media.id}"
            return
        kept, origin = whapi.config.media_kept_seconds, whapi.manager_url
        media.link = whapi.world.storage.link(channel.id, media.blob, kept, origin=origin)


def forget(whapi: Whapi, channel: Channel, media: Media) -> None:
    """The channel has it no more."""
    talk = talk_of(channel)
    talk.media.pop(media.id, None)
    for url in [url for url, other in talk.by_url.items() if other is media]:
        del talk.by_url[url]
    if all(other.blob is not media.blob for other in talk.media.values()):
        whapi.world.storage.drop(media.blob)


def accept(kind: str, file: Found | Media) -> None:
    """See that a kind of message takes such a file.

    Raises:
        Problem: 415.
    """
    if not file.mime.startswith(ACCEPTED[kind]):
        raise Problem(415, f"{file.mime} cannot be sent as {kind}")


def invented(whapi: Whapi, channel: Channel, name: str, mime: str, data: str, size: int) -> Media:
    """A file somebody else sent: the base64 given, or so many bytes of nothing.

    Raises:
        ValueError: data is no base64, or there is too much of it.
    """
    try:
        content = base64.b64decode(data, validate=True) if data else _blank(mime, size)
        blob = whapi.world.storage.keep(name, mime, [content])
    except (binascii.Error, TooLarge) as flaw:
        raise ValueError(f"data: {flaw or 'too large'}") from None
    return adopt(whapi, channel, Found(blob, mime), name=name)


async def _load(whapi: Whapi, call: Call, url: str, mime: str, *, fresh: bool) -> Found | Media:
    known = talk_of(call.here).by_url.get(url)
    if known is not None and not fresh and known.blob.path.exists():
        return known
    if not is_address(url):
        raise Problem(400, "media is no address")
    name = unquote(PurePosixPath(urlsplit(url).path).name)
    if not whapi.world.config.fetch_files:
        guess = mime or kinds.TYPES.guess_type(name)[0] or kinds.UNKNOWN_TYPE
        return Found(_kept(whapi, call, name, guess, b""), guess, url)
    done: asyncio.Future[tuple[Blob | None, str]] = asyncio.get_running_loop().create_future()

    def then(blob: Blob | None, why: str) -> None:
        if not done.done():
            done.set_result((blob, why))

    whapi.world.fetches.begin(url, name, then)
    blob, why = await done
    if blob is None:
        raise Problem(413 if "exceeded" in why else 400, why)
    if not blob.is_used:
        call.files["media"] = blob
    return Found(blob, mime or _bare(blob.mime), url)


def _decoded(whapi: Whapi, call: Call, value: str, mime: str) -> Found:
    head, _, data = value.rpartition(",")
    parts = head.removeprefix("data:").split(";")
    mime = mime or parts[0]
    if not mime:
        raise Problem(400, "mime_type is required with base64")
    name = next((unquote(part.removeprefix("name=")) for part in parts[1:] if part.startswith("name=")), "")
    try:
        content = base64.b64decode(data, validate=True)
    except binascii.Error:
        raise Problem(400, "media is neither an address nor a MediaID nor base64") from None
    return Found(_kept(whapi, call, name, mime, content), mime)


def _kept(whapi: Whapi, call: Call, name: str, mime: str, content: bytes) -> Blob:
    """A blob that goes when the call comes to nothing, as those of forms do."""
    try:
        blob = whapi.world.storage.keep(name, mime, [content])
    except TooLarge:
        raise Problem(413, "the file is too large") from None
    call.files["media"] = blob
    return blob


def _ending(mime: str) -> str:
    if mime in kinds.IMAGES:
        return mime.removeprefix("image/")
    return (kinds.TYPES.guess_extension(mime) or ".bin").removeprefix(".")


def _bare(mime: str) -> str:
    return mime.partition(";")[0].strip().lower()


def _digest(blob: Blob) -> str:
    found = hashlib.sha256()
    with blob.path.open("rb") as file:
        while chunk := file.read(BLOCK):
            found.update(chunk)
    return base64.b64encode(found.digest()).decode()


def _blank(mime: str, size: int) -> bytes:
    head = base64.b64decode(kinds.THUMBNAIL) if mime == "image/jpeg" else b""
    return head.ljust(size, b"\0")
