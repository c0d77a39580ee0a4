"""Bodies that carry a file, multipart or raw: streamed to disk, never held in memory."""

from urllib.parse import unquote

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.multipart import MultipartReader

from simulator import wire
from simulator.storage import LARGEST_FILE, TooLarge
from simulator.wire import Call, Reply
from simulator.world import World

CHUNK = 256 * 1024
LONGEST_FIELDS = 100 * 1024
"""Bytes of all other fields of a form together."""
SLACK = 64 * 1024
TOO_LARGE = wire.plain(413, "Request Entity Too Large")
BROKEN = wire.plain(400, "bad request data")


async def take(world: World, request: web.Request, call: Call) -> Reply | None:
    """Read the body into `call.upload` and the fields beside it into `call.body`; a reply says why not.

    A raw body is the file itself, named by GA-Filename; an official SDK leaves that header out.
    """
    call.body = {}
    if (request.content_length or 0) > LARGEST_FILE + SLACK + LONGEST_FIELDS:
        return TOO_LARGE
    world.storage.make_room()
    try:
        if request.content_type.startswith("multipart/"):
            await _form(world, request, call)
        elif request.can_read_body:
            await _raw(world, request, call)
    except TooLarge:
        return TOO_LARGE
    except (ValueError, RuntimeError, AssertionError, LookupError, HttpProcessingError, web.HTTPException):
        # aiohttp's form reader tells of broken forms in all these ways.
        return BROKEN
    return None


async def _raw(world: World, request: web.Request, call: Call) -> None:
    name = unquote(request.headers.get("GA-Filename", ""))
    mime = request.content_type if "Content-Type" in request.headers else ""
    blob = call.upload = world.storage.open(name, mime)
    async for chunk in request.content.iter_chunked(CHUNK):
        blob.write(chunk)
    blob.close()


async def _form(world: World, request: web.Request, call: Call) -> None:
    left = LONGEST_FIELDS
    reader = await request.multipart()
    while (part := await reader.next()) is not None:
        if isinstance(part, MultipartReader):
            raise ValueError("a form within a form")
        if part.name == "file" or (part.filename is not None and call.upload is None):
            if call.upload is not None:
                world.storage.drop(call.upload)
            await _file(world, part, call)
            continue
        found = bytearray()
        while chunk := await part.read_chunk():
            found += chunk
            left -= len(chunk)
            if left < 0:
                raise TooLarge
        call.body[part.name or ""] = found.decode()


async def _file(world: World, part: BodyPartReader, call: Call) -> None:
    mime = part.headers.get("Content-Type", "").partition(";")[0]
    blob = call.upload = world.storage.open(part.filename or "", mime)
    while chunk := await part.read_chunk(CHUNK):
        blob.write(chunk)
    blob.close()
