"""The HTTP faces of the manager and the gate: addresses, tokens, bodies, faults; every call journaled."""

import asyncio
from typing import Any

import msgspec
from aiohttp import BodyPartReader, web

from simulator.faults import Fault
from simulator.journal import Entry
from simulator.mischief import Scene, play, respond
from simulator.storage import TooLarge
from simulator.whapi import dispatch, errors
from simulator.whapi.errors import Problem
from simulator.whapi.methods.table import find
from simulator.whapi.wire import Call, Host
from simulator.wire import Reply
from simulator.world import World

TAG = "X-Sim-Tag"
"""A header a test may add to find its own calls in the journal."""
CHUNK = 256 * 1024
BAD_GATEWAY = 502
"""Told by what stands before the service, not in its words."""


class Face:
    """Answers every address of one of the two hosts."""

    def __init__(self, world: World, host: Host) -> None:
        self._world = world
        self._host: Host = host

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One call from its address to its answer, or to its accident."""
        world, whapi = self._world, self._world.whapi
        try:
            call = self._understand(request)
        except Problem as problem:
            return self._stray(request, problem)
        unread: Problem | None = None
        try:
            await _take(world, request, call)
        except Problem as problem:
            unread = problem
        except (asyncio.CancelledError, ConnectionError):
            dispatch.open_entry(whapi, call, request.method)
            self._drop_files(call)
            raise
        entry = dispatch.open_entry(whapi, call, request.method)
        if tag := request.headers.get(TAG):
            entry.more["tag"] = tag
        try:
            return await self._answer(request, call, entry, unread)
        finally:
            if entry.more.get("fault") != "late":
                self._drop_files(call)

    async def _answer(
        self, request: web.Request, call: Call, entry: Entry, unread: Problem | None
    ) -> web.StreamResponse:
        world, whapi = self._world, self._world.whapi
        try:
            dispatch.gate(whapi, call)
            if unread is not None:
                raise unread
        except Problem as problem:
            reply = dispatch.refuse(whapi, entry, problem)
            dispatch.close(call, entry, reply)
            return _told(entry, reply)
        about = entry.more["channel_id"]
        fault = world.faults.for_call(call.method.name, None, entry.name, channel_id=about, provider="whapi")
        if fault is not None:
            if fault.kind == "late":
                await dispatch.prepare(whapi, call)  # the file is fetched now, the effect comes late
            return await play(self._scene(request, call, entry, fault))
        return _told(entry, await dispatch.perform_waiting(whapi, call, entry))

    def _scene(self, request: web.Request, call: Call, entry: Entry, fault: Fault) -> Scene:
        whapi = self._world.whapi
        return Scene(
            self._world,
            request,
            entry,
            fault,
            {},
            perform=lambda: dispatch.perform_waiting(whapi, call, entry),
            late=lambda: dispatch.perform_late(whapi, call, entry),
            refusal=(400, errors.body(whapi.config, 400)),
            of_status=lambda status: None if status == BAD_GATEWAY else errors.body(whapi.config, status),
        )

    def _understand(self, request: web.Request) -> Call:
        whapi = self._world.whapi
        found = find(self._host, request.method, request.path)
        if found is None:
            raise Problem(404, "no such operation")
        method, params = found
        call = Call(method, request.path, params, dict(request.query), request.headers)
        token = _token(request, in_query=whapi.config.query_token)
        if self._host == "manager":
            call.partner = whapi.partners.get(token)
            if call.partner is None:
                raise Problem(401, "wrong token")
            return call
        channel = whapi.by_token.get(token)
        if channel is None:
            raise Problem(whapi.config.unknown_token_status, "channel not found")
        if not channel.is_alive:
            raise Problem(whapi.config.dead_token_status, "channel not found")
        call.channel = channel
        return call

    def _drop_files(self, call: Call) -> None:
        for blob in call.files.values():
            self._world.storage.drop_unused(blob)

    def _stray(self, request: web.Request, problem: Problem) -> web.Response:
        whapi = self._world.whapi
        found = find(self._host, request.method, request.path)
        name = request.path if found is None else found[0].name
        entry = self._world.journal.add("call", name, None, None)
        reply = errors.reply(whapi.config, problem)
        entry.real, entry.told, entry.http_status = "refused", f"status:{reply.status}", reply.status
        entry.more |= {"provider": "whapi", "channel_id": None, "verb": request.method}
        return respond(reply, {})


def _told(entry: Entry, reply: Reply) -> web.Response:
    return respond(reply, entry.more.pop("headers", {}))


def _token(request: web.Request, *, in_query: bool) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return token.strip()
    return request.query.get("token", "") if in_query else ""


async def _take(world: World, request: web.Request, call: Call) -> None:
    """Read the body into the call.

    Raises:
        Problem: 413, it is more than the method takes.
    """
    if not request.can_read_body:
        return
    if (request.content_length or 0) > call.method.max_bytes:
        raise Problem(413, "the body is too large")
    kind = request.content_type
    if kind.startswith("multipart/"):
        await _take_form(world, request, call)
        return
    found = bytearray()
    async for chunk in request.content.iter_any():
        found += chunk
        if len(found) > call.method.max_bytes:
            raise Problem(413, "the body is too large")
    call.raw = bytes(found)
    if call.method.raw and kind != "application/json":
        return
    if kind == "application/x-www-form-urlencoded":
        call.flaw = "the body must be JSON"
    elif call.raw:
        try:
            call.body = msgspec.json.decode(call.raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            call.flaw = "the body is no JSON"


async def _take_form(world: World, request: web.Request, call: Call) -> None:
    fields: dict[str, Any] = {}
    call.body = fields
    try:
        async for part in await request.multipart():
            if not isinstance(part, BodyPartReader) or part.name is None:
                continue
            if part.filename is None:
                text = (await part.read()).decode("utf-8", "replace")
                # A field that is repeated is a list.
                before = fields.get(part.name, [])
                fields[part.name] = (
                    text if before == [] else [*(before if isinstance(before, list) else [before]), text]
                )
                continue
            world.storage.make_room()
            blob = world.storage.open(part.filename, part.headers.get("Content-Type", ""))
            call.files[part.name] = blob
            while chunk := await part.read_chunk(CHUNK):
                blob.write(chunk)
            blob.close()
    except TooLarge:
        raise Problem(413, "the file is too large") from None
    except ValueError:
        call.flaw = "the form is broken"
