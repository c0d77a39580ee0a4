"""The HTTP face of the upstream: addresses as lenient as the real ones, every call journaled."""

import asyncio

from aiohttp import web

from simulator import uploads, wire
from simulator.dispatch import admit, close, decode, gate, open_entry, perform_late, perform_waiting
from simulator.faults import Fault
from simulator.journal import Entry
from simulator.methods.table import INSTANCE_METHODS, PARTNER_METHODS
from simulator.mischief import Scene, play, respond
from simulator.scanning import watch
from simulator.wire import Call, Method, Reply
from simulator.world import World

TAG = "X-Sim-Tag"
"""A header a test may add to find its own calls in the journal."""
PREFIX = "wainstance"
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS, DELETE, HEAD",
    "Access-Control-Max-Age": "1728000",
}
TOO_LARGE = wire.plain(500, "request entity too large")


class Upstream:
    """Answers every address that is not the control face's."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One call from its address to its answer, or to its accident."""
        if request.method == "OPTIONS":
            return web.Response(headers=CORS)
        call = self._understand(request)
        if isinstance(call, Reply):
            self._journal_stray(request, call)
            return respond(call, {})
        world = self._world
        if call.instance is not None:
            world.storage.origin = f"http://{request.host}"
        try:
            reply = await _take(world, request, call)
        except (asyncio.CancelledError, ConnectionError):
            open_entry(world, call)
            if call.upload is not None:
                world.storage.drop(call.upload)
            raise
        entry = open_entry(world, call)
        if call.upload is not None:
            entry.more["file"] = {"name": call.upload.name, "size": call.upload.size, "type": call.upload.mime}
        try:
            return await self._answer(request, call, entry, reply)
        finally:
            # What a late call brought must stay until its time has come.
            if call.upload is not None and entry.more.get("fault") != "late":
                world.storage.drop_unused(call.upload)

    async def _answer(self, request: web.Request, call: Call, entry: Entry, unread: Reply | None) -> web.StreamResponse:
        world = self._world
        if tag := request.headers.get(TAG):
            entry.more["tag"] = tag
        reply, headers = gate(world, call)
        reply = reply or unread
        if reply is not None:
            close(entry, reply)
            return respond(reply, headers)
        fault = world.faults.for_call(call.method.name, entry.id_instance, entry.name)
        if fault is not None:
            return await play(_scene(world, request, call, entry, fault, headers))
        if call.method.handler is None and call.method.waits is None:
            return await self._open_socket(request, call, entry, headers)
        return respond(await perform_waiting(world, call, entry), headers)

    async def _open_socket(
        self, request: web.Request, call: Call, entry: Entry, headers: dict[str, str]
    ) -> web.StreamResponse:
        refused = admit(self._world, call)
        if refused is None and not web.WebSocketResponse().can_prepare(request):
            refused = wire.plain(400, "bad request data")
        if refused is not None:
            close(entry, refused)
            return respond(refused, headers)
        return await watch(self._world, request, call, entry)

    def _understand(self, request: web.Request) -> Call | Reply:
        parts = [part for part in request.path.split("/") if part]
        if len(parts) < 3:
            return wire.plain(404, "Not Found")
        first = parts[0].lower()
        method: Method | None
        id_instance: int | None = None
        if first == "partner":
            method = PARTNER_METHODS.get(parts[1].lower())
        elif first.startswith(PREFIX):
            method = INSTANCE_METHODS.get(parts[1].lower())
            digits = first[len(PREFIX) :]
            if not (digits.isascii() and digits.isdecimal() and len(digits) < 20):
                return wire.plain(403, "Forbidden")
            id_instance = int(digits)
        else:
            return wire.plain(404, "Not Found")
        if method is None or request.method not in method.verbs:
            return wire.plain(404, "Not Found")
        return Call(
            method=method,
            path=request.path,
            verb=request.method,
            token=parts[2],
            tail=parts[3] if len(parts) > 3 else "",
            instance=None if id_instance is None else self._world.instances.get(id_instance),
            id_instance=id_instance,
            query=dict(request.query),
            headers=request.headers,
        )

    def _journal_stray(self, request: web.Request, reply: Reply) -> None:
        parts = [part for part in request.path.split("/") if part]
        name = parts[1] if len(parts) > 1 else ""
        entry = self._world.journal.add("call", name, None, None)
        entry.more["verb"] = request.method
        close(entry, reply)


def _scene(
    world: World, request: web.Request, call: Call, entry: Entry, fault: Fault, headers: dict[str, str]
) -> Scene:
    refusal: tuple[int, object] = (200, {"code": 100, "description": "No free instances"})
    if call.id_instance is not None:
        refusal = (400, "bad request data")
    elif call.method.name == "deleteInstanceAccount":
        refusal = (200, {"code": 404, "description": "Not found"})
    return Scene(
        world,
        request,
        entry,
        fault,
        headers,
        perform=lambda: perform_waiting(world, call, entry),
        late=lambda: perform_late(world, call, entry),
        refusal=refusal,
        is_socket=call.method.handler is None and call.method.waits is None,
    )


async def _take(world: World, request: web.Request, call: Call) -> Reply | None:
    """Read the body into the call; a reply says that it was more than the method takes, or broken."""
    if call.method.upload:
        return await uploads.take(world, request, call)
    raw = await _read(request, call.method.max_bytes)
    if raw is None:
        return TOO_LARGE
    call.raw = raw
    call.flaw = decode(call)
    return None


async def _read(request: web.Request, most: int) -> bytes | None:
    """The whole body, or None when it is larger than the method takes; never holds more than that."""
    if not request.can_read_body:
        return b""
    if (request.content_length or 0) > most:
        return None
    found = bytearray()
    async for chunk in request.content.iter_any():
        found += chunk
        if len(found) > most:
            return None
    return bytes(found)
