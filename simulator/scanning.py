"""The pairing socket: a frame for each new code, then the account, and one viewer per instance."""

import asyncio
import contextlib
from typing import Any

from aiohttp import web

from simulator.clock import Timer
from simulator.instance import LINKED, Instance, Phase
from simulator.journal import Entry
from simulator.methods.pairing import PAIRED_TEXT, image, rotates_at
from simulator.wire import Call
from simulator.world import World

LAST_FRAMES = frozenset({"accountData", "timeout", "timeoutExpired", "alreadyLogged", "error"})


async def watch(world: World, request: web.Request, call: Call, entry: Entry) -> web.WebSocketResponse:
    """Show codes until the phone is linked, the viewer leaves, or the upstream's patience ends."""
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    entry.real, entry.told, entry.http_status = "done", "ok", 101
    instance = call.here
    if instance.base in LINKED:
        await _refuse(socket, "alreadyLogged", PAIRED_TEXT)
    elif instance.base != "notAuthorized":
        await _refuse(socket, "error", f"instance is {instance.base}")
    elif instance.viewer is not None:
        await _refuse(socket, "error", "another viewer is connected")
    else:
        await _show(world, socket, instance)
    return socket


async def _refuse(socket: web.WebSocketResponse, kind: str, text: str) -> None:
    with contextlib.suppress(ConnectionError):
        await socket.send_json({"type": kind, "message": text})
        await socket.close()


async def _show(world: World, socket: web.WebSocketResponse, instance: Instance) -> None:
    frames: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    instance.viewer = frames
    timers: dict[str, Timer] = {}

    def rotate() -> None:
        if instance.phase is Phase.RUNNING and instance.base == "notAuthorized":
            frames.put_nowait({"type": "qrCode", "message": image(world, instance)})
        timers["rotate"] = world.clock.at(rotates_at(world, instance), rotate)

    def give_up() -> None:
        frame = world.config.qr_timeout_frame
        frames.put_nowait({"type": frame, "message": frame})

    rotate()
    timers["give_up"] = world.clock.after(world.config.qr_timeout_seconds, give_up)
    writer = asyncio.get_running_loop().create_task(_write(socket, frames))
    try:
        async for _ in socket:
            pass
    finally:
        instance.viewer = None
        for timer in timers.values():
            timer.cancel()
        writer.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await writer


async def _write(socket: web.WebSocketResponse, frames: asyncio.Queue[dict[str, Any]]) -> None:
    with contextlib.suppress(ConnectionError):
        while True:
            frame = await frames.get()
            if frame:
                await socket.send_json(frame)
            if not frame or frame["type"] in LAST_FRAMES:
                await socket.close()
                return
