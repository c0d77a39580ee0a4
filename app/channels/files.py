"""Files of a call: an address, base64, an upload of this face, a part of a form, or the body itself."""

import base64
import binascii
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final
from uuid import UUID

from app.channels.parts import Call
from app.files import links, names, uploads
from app.files.incoming import Incoming
from app.files.links import FileLink
from app.kit.errors import BodyTooLarge, NotFound, UnsupportedMediaType
from app.providers.errors import OutcomeUnknown, Unreachable
from app.providers.likeness import file_kind
from app.providers.port import Credentials, Provider, Upload

if TYPE_CHECKING:
    from app.channels.asking import Asking

INLINE_BYTES: Final = 8 * 1024 * 1024
"""What is held in memory of a file: base64 in a body, a picture, or one that Whapi alone can send."""
PICTURE_BYTES: Final = 5 * 1024 * 1024
JPEG: Final = "image/jpeg"
JPEG_START: Final = b"\xff\xd8\xff"
UPLOAD: Final = re.compile(r"upload-([0-9a-f]{32})")
MEDIA_ID: Final = re.compile(r"[a-zA-Z0-9]+-[0-9a-fA-F-]+")
DATA: Final = re.compile(r"data:([\w.+-]+/[\w.+-]+)?((?:;[\w.+-]+=[^;,]*)*);base64,", re.ASCII)
LONGEST_MEDIA: Final = 12 * 1024 * 1024
NAMES: Final = {
    "image": "image.jpg",
    "video": "video.mp4",
    "audio": "audio.mp3",
    "voice": "voice.ogg",
    "document": "document.bin",
}
"""How a file without a name is called, for gateways show a file by its name."""
SHOWN: Final = {"voice": "audio"}


@dataclass(frozen=True)
class Media:
    """A file that a call brings. Exactly one of `url`, `held` and `coming` is there."""

    url: str = field(default="", repr=False)
    held: bytes | None = field(default=None, repr=False)
    coming: Incoming | None = None
    name: str = ""
    media_type: str = ""
    is_kept: bool = False
    """Whether the address is one where the gateway keeps it."""

    def named(self, kind: str, wanted: str = "") -> str:
        """A name by which the file is shown as the kind it is sent as."""
        for name in (wanted, self.name):
            if name and _is_shown_as(kind, name):
                return name
        if not self.media_type:
            ending = links.extension_of(self.url)
            return f"{kind}{ending}" if _is_shown_as(kind, ending) and ending else NAMES[kind]
        made = f"{kind}{names.extension(self.media_type)}"
        return made if _is_shown_as(kind, made) else NAMES[kind]

    def upload(self, name: str) -> Upload:
        """The file on its way to the gateway; to be read once."""
        if self.coming is not None:
            return Upload(self.coming.file(), self.coming.file_size, self.coming.media_type, name)
        held = self.held or b""
        return Upload(_pieces(held), len(held), self.media_type or names.plain_type("", name), name)

    async def whole(self, most_bytes: int) -> bytes:
        """All of it, if it is not larger.

        Raises:
            BodyTooLarge: it is.
        """
        if self.held is not None:
            found = self.held
        else:
            taken = bytearray()
            async for piece in self.coming.file() if self.coming is not None else _pieces(b""):
                taken += piece
                if len(taken) > most_bytes:
                    break
            found = bytes(taken)
        if len(found) > most_bytes:
            raise BodyTooLarge()
        return found

    async def inline(self) -> str:
        """As a data URI."""
        held = await self.whole(INLINE_BYTES)
        told = self.coming.media_type if self.coming is not None else self.media_type
        return f"data:{told or names.UNKNOWN_TYPE};base64,{base64.b64encode(held).decode()}"


async def media_of(asking: "Asking", call: Call, name: str = "media") -> Media | None:
    """The file of a call; None when it brings none.

    Raises:
        InvalidRequest: it is none that can be read. NotFound: there is no such upload, or file of ours.
    """
    if call.file is not None:
        return Media(coming=call.file, name=call.file.file_name, media_type=call.file.media_type)
    told = call.said.maybe(name, longest=LONGEST_MEDIA)
    if not told:
        return None
    if told[:8].lower().startswith(("http://", "https://")):
        return await _at(asking, call, told)
    if (found := UPLOAD.fullmatch(told)) is not None:
        async with asking.parts.database.begin(call.channel.tenant_id) as uow:
            stored = await uploads.find(uow, call.channel.instance.id, UUID(found[1]))
        return Media(url=stored.link, name=stored.file_name, media_type=stored.row.media_type, is_kept=True)
    if len(told) < 200 and MEDIA_ID.fullmatch(told):
        raise NotFound("media not found")
    return _decoded(call, name, told)


async def needed(asking: "Asking", call: Call, name: str = "media") -> Media:
    """As `media_of`, and it must be there."""
    found = await media_of(asking, call, name)
    if found is None:
        raise call.said.wrong(name, "is required: an address, base64, or a file in the form")
    return found


async def stored(provider: Provider, credentials: Credentials, media: Media, name: str) -> str:
    """Where the gateway finds the file; one that comes with the call is stored there first.

    Raises:
        Unreachable: it is not known whether it was stored; nothing was done with it.
        ProviderError: any other ending.
    """
    if media.url:
        return media.url
    try:
        return await provider.upload(credentials, media.upload(name))
    except OutcomeUnknown as error:
        status = error.status
    raise Unreachable("the gateway did not say whether it has the file", status=status)


async def picture(asking: "Asking", call: Call, name: str) -> Upload:
    """A JPEG of at most 5 MB, fetched by us where an address is given.

    Raises:
        UnsupportedMediaType: it is another picture. BodyTooLarge, InvalidRequest, NotFound: see `media_of`.
        UpstreamError: it cannot be fetched.
    """
    media = await needed(asking, call, name)
    held = await _fetched(asking, call, media.url) if media.url else await media.whole(PICTURE_BYTES)
    if not held.startswith(JPEG_START):
        raise UnsupportedMediaType("Only JPEG pictures are taken.")
    return Upload(_pieces(held), len(held), JPEG, "picture.jpg")


async def _fetched(asking: "Asking", call: Call, url: str, most_bytes: int = PICTURE_BYTES) -> bytes:
    instance = call.channel.instance
    place = FileLink(call.channel.tenant_id, instance.id, "", instance.environment, "", url)
    with asking.parts.fetcher.turn(place.tenant_id):
        fetched = await asking.parts.fetcher.open(place)
        try:
            taken = bytearray()
            async for piece in fetched.pieces():
                taken += piece
                if len(taken) > most_bytes:
                    raise BodyTooLarge()
        finally:
            fetched.close()
    return bytes(taken)


async def _at(asking: "Asking", call: Call, url: str) -> Media:
    if not links.is_link(url):
        raise call.said.wrong("media", "must be an address of at most 2000 characters")
    if not links.is_ours(url, asking.parts.public_url):
        return Media(url=url, media_type=_named_type(call))
    async with asking.parts.database.begin(call.channel.tenant_id) as uow:
        found = await links.open_url(uow, url, call.channel.tenant_id)
    return Media(url=found.url, name=found.name, is_kept=True)


def _decoded(call: Call, name: str, told: str) -> Media:
    head = DATA.match(told)
    kind = _named_type(call)
    if head is not None:
        kind, told = head[1] or kind, told[head.end() :]
    try:
        held = base64.b64decode(told, validate=True)
    except (binascii.Error, ValueError):
        held = b""
    if not held:
        raise call.said.wrong(name, "must be an address, base64 or the id of an upload")
    if len(held) > INLINE_BYTES:
        raise BodyTooLarge("Send larger files in a form, or as the body.")
    given = re.search(r";name=([^;,]*)", head[2] or "") if head is not None else None
    return Media(held=held, media_type=kind, name=names.safe(given[1]) if given else "")


def _named_type(call: Call) -> str:
    """The type that a call names; empty for what is none."""
    found = names.plain_type(call.said.maybe("mime_type"))
    return "" if found == names.UNKNOWN_TYPE else found


def _is_shown_as(kind: str, name: str) -> bool:
    return kind == "document" or file_kind(name) == SHOWN.get(kind, kind)


async def _pieces(held: bytes) -> AsyncIterator[bytes]:
    yield held


async def keep(asking: "Asking", call: Call, media: Media) -> str:
    """Remember a file under an id of this face; one that comes with the call is stored with the gateway.

    Raises:
        AppError: it was not admitted. ProviderError: how it ended.
    """
    channel = call.channel
    if media.url and not media.is_kept:
        media = replace(media, url="", held=await _fetched(asking, call, media.url, INLINE_BYTES))
    name = media.name or media.named("document")

    async def do(provider: Provider, credentials: Credentials) -> str:
        return await provider.upload(credentials, media.upload(name))

    link = media.url or await asking.do(channel, "uploadFile", do, streams=True)
    size = media.coming.file_bytes if media.coming is not None else len(media.held or b"")
    async with asking.parts.database.begin(channel.tenant_id) as uow:
        row = await uploads.keep(
            uow,
            channel.tenant_id,
            channel.instance.id,
            link,
            file_name=name,
            media_type=media.media_type or names.plain_type("", name),
            size_bytes=size,
        )
    return f"upload-{row.id.hex}"


async def link_of(asking: "Asking", call: Call, media_id: str) -> str:
    """A link of ours to a file that was uploaded.

    Raises:
        NotFound: there is none, or it is another channel's.
    """
    found = UPLOAD.fullmatch(media_id)
    if found is None:
        raise NotFound("media not found")
    async with asking.parts.database.begin(call.channel.tenant_id) as uow:
        stored = await uploads.find(uow, call.channel.instance.id, UUID(found[1]))
    return (await asking.sealer(call.channel)).link(stored.link, stored.file_name)
