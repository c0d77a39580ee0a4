"""How each fault is played on a connection, and the journal of what the caller saw of it."""

import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import msgspec
from aiohttp import web

from simulator import quota, wire
from simulator.dispatch import Headers
from simulator.faults import Fault
from simulator.journal import Entry
from simulator.wire import Reply
from simulator.world import World

GARBAGE = b"<html><body><h1>nginx</h1></body></html>"
AFTER_THE_ACT = frozenset(
    {"lose_answer", "slow_answer", "done_then_status", "half_body", "garbage", "wrong_content_type"}
)
RESET_NOW = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Scene:
    """One call that is going to go wrong, of either upstream.

    `perform` does what was asked and writes it into the call's line, `late` does it when nobody is told any
    more, `refusal` is the status and the body of a refusal when the rule names none.
    """

    world: World
    request: web.Request
    entry: Entry
    fault: Fault
    headers: Headers
    perform: Callable[[], Awaitable[Reply]]
    late: Callable[[], None]
    refusal: tuple[int, object]
    is_socket: bool = False
    of_status: Callable[[int], object] | None = None
    """The usual body of a refusal with this status."""


async def play(scene: Scene) -> web.StreamResponse:
    """Let the fault happen; whoever hangs up meanwhile was told nothing."""
    kind: str = scene.fault.kind
    scene.entry.more["fault"] = kind
    if scene.is_socket and kind in AFTER_THE_ACT:
        # Opening a socket does nothing to the world: all that can go wrong is that it does not open.
        kind = "lose_request"
    return await PLAYS[kind](scene)


def respond(reply: Reply, headers: Headers) -> web.Response:
    """A reply as the HTTP library wants it."""
    if not reply.body:
        return web.Response(status=reply.status, headers=headers)
    return web.Response(
        body=reply.body,
        status=reply.status,
        headers=headers,
        content_type=reply.content_type,
        charset=None if reply.content_type.startswith("image/") else "utf-8",
    )


def abort(request: web.Request) -> web.Response:
    """Reset the connection without an answer; what is returned goes nowhere."""
    transport = request.transport
    if transport is not None:
        raw = transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_NOW)
        transport.abort()
    return web.Response(status=500)


async def _lose_request(scene: Scene) -> web.StreamResponse:
    scene.entry.told = "reset"
    return abort(scene.request)


async def _lose_answer(scene: Scene) -> web.StreamResponse:
    await scene.perform()
    scene.entry.told = "reset"
    scene.entry.http_status = None
    return abort(scene.request)


async def _late(scene: Scene) -> web.StreamResponse:
    world, entry = scene.world, scene.entry
    entry.real = "late"
    world.clock.after(scene.fault.delay_seconds, scene.late)
    await world.clock.sleep(world.config.hold_seconds)
    entry.told = "reset"
    return abort(scene.request)


async def _slow_answer(scene: Scene) -> web.StreamResponse:
    reply = await scene.perform()
    told, scene.entry.told = scene.entry.told, "nothing"
    await scene.world.clock.sleep(scene.fault.delay_seconds)
    scene.entry.told = told
    return respond(reply, scene.headers)


async def _refuse(scene: Scene) -> web.StreamResponse:
    return _refused(scene, _chosen(scene.fault, *scene.refusal))


async def _status(scene: Scene) -> web.StreamResponse:
    quota = _quota(scene.entry.method) if scene.fault.status == 466 else None
    return _refused(scene, _chosen(scene.fault, 502, quota or _usual(scene)))


async def _done_then_status(scene: Scene) -> web.StreamResponse:
    await scene.perform()
    real = scene.entry.real
    response = _refused(scene, _chosen(scene.fault, 502, _usual(scene)))
    scene.entry.real = real
    return response


async def _plain_text_400(scene: Scene) -> web.StreamResponse:
    return _refused(scene, _chosen(scene.fault, 400, wire.EXPIRED_TEXT))


async def _half_body(scene: Scene) -> web.StreamResponse:
    reply = await scene.perform()
    scene.entry.told = "garbage"
    response = web.StreamResponse(status=reply.status, headers=scene.headers)
    response.content_type = reply.content_type
    # An empty body has no half: promise one byte and keep it back.
    response.content_length = max(1, len(reply.body))
    response.force_close()
    await response.prepare(scene.request)
    if len(reply.body) > 1:
        await response.write(reply.body[: len(reply.body) // 2])
    if scene.request.transport is not None:
        scene.request.transport.close()
    return response


async def _garbage(scene: Scene) -> web.StreamResponse:
    await scene.perform()
    scene.entry.told = "garbage"
    scene.entry.http_status = 200
    return respond(Reply(GARBAGE, 200, "text/html"), scene.headers)


async def _wrong_content_type(scene: Scene) -> web.StreamResponse:
    reply = await scene.perform()
    return respond(replace(reply, content_type="text/html"), scene.headers)


async def _stall(scene: Scene) -> web.StreamResponse:
    await scene.world.clock.sleep(scene.world.config.stall_seconds)
    scene.entry.told = "reset"
    return abort(scene.request)


def _usual(scene: Scene) -> object:
    return None if scene.of_status is None else scene.of_status(scene.fault.status or 502)


def _chosen(fault: Fault, status: int, body: object) -> Reply:
    """The reply the rule asks for, else the one that fits the fault."""
    status = fault.status or status
    body = fault.body if fault.body is not None else body
    if body is None:
        body = {500: "Internal Server Error", 502: "Bad Gateway"}.get(status, "")
    if isinstance(body, str):
        return Reply(body.encode(), status, fault.content_type or wire.TEXT, "refused")
    return Reply(msgspec.json.encode(body), status, fault.content_type or wire.JSON, "refused")


def _quota(method: str) -> dict[str, object]:
    """What the free plan answers when the month's calls, or for sends the month's chats, are used up."""
    name = method.lower()
    if name not in quota.TO_CHATS:
        total = quota.DEVELOPER.get(name, 100)
        return {"invokeStatus": quota.calls_used_up(name, total, total)}
    known = [f"7999000000{number}@c.us" for number in range(quota.CHATS)]
    chats = quota.chats_used_up("CORRESPONDENTS_QUOTE_EXCEEDED", known)
    allowed = {"method": name, "used": 12, "total": 0, "status": "QUOTE_ALLOWED"}
    return {"invokeStatus": allowed, "correspondentsStatus": chats}


def _refused(scene: Scene, reply: Reply) -> web.Response:
    scene.entry.real = reply.real
    scene.entry.http_status = reply.status
    scene.entry.told = "refused" if reply.status == 200 else f"status:{reply.status}"
    return respond(reply, scene.headers)


PLAYS: dict[str, Callable[[Scene], Awaitable[web.StreamResponse]]] = {
    "lose_request": _lose_request,
    "lose_answer": _lose_answer,
    "late": _late,
    "slow_answer": _slow_answer,
    "refuse": _refuse,
    "status": _status,
    "done_then_status": _done_then_status,
    "plain_text_400": _plain_text_400,
    "half_body": _half_body,
    "garbage": _garbage,
    "wrong_content_type": _wrong_content_type,
    "stall": _stall,
}
