"""Reading the body of a call: JSON, a form of texts, a form with a file, or a file alone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Final

import msgspec
from litestar.types import Receive

from app.channels.fields import Fields
from app.channels.parts import Call
from app.files import incoming
from app.files.forms import Form, boundary_of
from app.kit import asgi
from app.kit.errors import BodyTooLarge, InvalidJson, InvalidRequest
from app.kit.places import Places

JSON_BYTES: Final = 256 * 1024
LARGE_JSON_BYTES: Final = 12 * 1024 * 1024
"""A file of 8 MiB as base64, and what stands beside it."""
FORM_BYTES: Final = 512 * 1024
AT_ONCE: Final = 4
"""Large bodies of one tenant that one process holds in memory."""
NEEDED: Final = {"/messages/": ("to",), "/stories": ("contacts",), "/users/profile": ("name",)}
"""What of a form decides what is done with its file: it is known before, wherever it stands."""
WHOLE_FILES: Final = ("/media", "/messages/media/{MediaMessageType}")
"""Where a text is a file. Source: body types of the Whapi gate reference (read 2026-11-21)."""
_LARGE: Final = Places(AT_ONCE)


class ClientGone(Exception):
    """The client went away before its request had come; nothing is to be asked for it."""


@asynccontextmanager
async def read(call: Call, receive: Receive) -> AsyncIterator[Call]:
    """The call with its body.

    Raises:
        InvalidRequest, InvalidJson, BodyTooLarge, UnsupportedMediaType, BodyTooSlow, TooManyAtOnce: it cannot be read.
        ClientGone: it did not come.
    """
    kind = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    takes_file = call.route.takes == "file"
    if kind.startswith("multipart/"):
        async with _form(call, receive, takes_file=takes_file) as found:
            yield found
    elif takes_file and kind and not _is_json(kind, call.route.path) and "urlencoded" not in kind:
        async with incoming.taking(receive, call.headers, owner=call.channel.tenant_id) as file:
            yield replace(call, file=file)
    elif not takes_file or _length(call) <= JSON_BYTES:
        yield _understood(call, await _whole(receive, JSON_BYTES))
    else:
        with _LARGE.hold(call.channel.tenant_id):
            yield _understood(call, await _whole(receive, LARGE_JSON_BYTES))


@asynccontextmanager
async def _form(call: Call, receive: Receive, *, takes_file: bool) -> AsyncIterator[Call]:
    begun, seen = await asgi.read(receive, FORM_BYTES)
    if begun:
        form = Form(boundary_of(call.headers["content-type"]) or "", FORM_BYTES)
        form.feed(begun)
        form.end()
        if not form.has_file:
            yield replace(call, fields=Fields(form.fields), raw=msgspec.json.encode(form.fields))
            return
    if not takes_file:
        raise InvalidRequest("This call takes no file.")
    again: Any = asgi.replaying(seen, receive)
    owner = call.channel.tenant_id
    needed = next((names for path, names in NEEDED.items() if call.route.path.startswith(path)), ())
    async with incoming.taking(again, call.headers, needed=needed, owner=owner) as file:
        yield replace(call, fields=Fields(file.fields), file=file)


def _understood(call: Call, raw: bytes) -> Call:
    if not raw.strip():
        return call
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise InvalidJson("The body must be a JSON object.")
    return replace(call, fields=Fields(value), raw=raw)


async def _whole(receive: Receive, most_bytes: int) -> bytes:
    found = bytearray()
    while True:
        message: Any = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        found += message.get("body", b"")
        if len(found) > most_bytes:
            raise BodyTooLarge(f"At most {most_bytes // 1024} KiB; send files in a form, or as the body.")
        if not message.get("more_body", False):
            return bytes(found)


def _is_json(kind: str, path: str) -> bool:
    """Programs that name no type are made to say `text/plain`."""
    return kind.endswith("json") or (kind == "text/plain" and path not in WHOLE_FILES)


def _length(call: Call) -> int:
    told = call.headers.get("content-length", "")
    return int(told) if told.isascii() and told.isdecimal() and len(told) < 16 else LARGE_JSON_BYTES
