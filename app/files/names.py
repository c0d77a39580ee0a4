"""Names and media types of files, as they come in headers and as they may go out in them. Pure."""

import contextlib
import mimetypes
import re
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from typing import Final
from urllib.parse import quote, unquote_to_bytes

LONGEST_BYTES: Final = 240
UNKNOWN_TYPE: Final = "application/octet-stream"
MEDIA_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")
CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
NOT_IN_A_NAME: Final = re.compile(r'[/\\:*?"<>|]')
SHOWN: Final = ("image/", "audio/", "video/")
KNOWN: Final = {
    "image/jpeg": ".jpg",
    "audio/mpeg": ".mp3",
    "audio/ogg": ".ogg",
    "video/mp4": ".mp4",
    "text/plain": ".txt",
    "image/webp": ".webp",
}


def one_line(text: str) -> str:
    """The text without control characters and without those that turn the direction of writing."""
    return CONTROL.sub("", text).strip()


def safe(name: str, media_type: str = "") -> str:
    """A name that no file system and no header mistakes; one from the media type when nothing is left of it."""
    name = NOT_IN_A_NAME.sub("_", one_line(re.split(r"[/\\]", name)[-1])).strip(". ")
    stem, dot, ending = name.rpartition(".")
    while len(name.encode()) > LONGEST_BYTES:
        stem, name = (stem[:-1], f"{stem[:-1]}{dot}{ending}") if len(stem) > 1 else ("", name[:-1])
    return name or "file" + extension(media_type)


def extension(media_type: str) -> str:
    """The usual extension of a media type, with its dot."""
    plain = plain_type(media_type)
    return KNOWN.get(plain) or mimetypes.guess_extension(plain, strict=False) or ".bin"


def plain_type(content_type: str, name: str = "") -> str:
    """The media type of a header without its parameters; by the name when there is none that says anything."""
    plain = content_type.partition(";")[0].strip().lower()
    if MEDIA_TYPE.fullmatch(plain) and plain != UNKNOWN_TYPE:
        return plain
    return mimetypes.guess_type("x" + name, strict=False)[0] or UNKNOWN_TYPE


def from_header(value: str) -> str:
    """The name that a client wrote into a header: plain, as UTF-8 bytes, percent-encoded or by RFC 2047.

    `value` is what a server makes of the header's bytes, Latin-1.
    """
    with contextlib.suppress(UnicodeEncodeError, UnicodeDecodeError):
        value = value.encode("latin-1").decode("utf-8")
    if "=?" in value:
        try:
            return str(make_header(decode_header(value)))
        except (HeaderParseError, LookupError, ValueError):
            return value
    if re.search("%[0-9A-Fa-f]{2}", value):
        try:
            return unquote_to_bytes(value).decode("utf-8")
        except UnicodeDecodeError:
            return value
    return value


def disposition(name: str, media_type: str) -> str:
    """Content-Disposition (RFC 6266): pictures, sound and films are shown, all else is saved."""
    kind = "inline" if media_type.startswith(SHOWN) and "svg" not in media_type else "attachment"
    plain = name.encode("ascii", "replace").decode().replace("?", "_")
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
