"""The pairing socket: the gateway's frames, shown as the tenant's own.

Source: GREEN-API ScanQrCode page (read 2026-11-21).
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack
from typing import Any, Final

import msgspec
import structlog
from litestar.types import Receive, Send

from app.compat import gates, wording
from app.compat.answer import Answer
from app.compat.parts import Call, Parts
from app.compat.speaking import scanning
from app.gateway.calls import Place
from app.kit.errors import AppError
from app.kit.places import Places
from app.lines import service as lines
from app.providers.errors import ProviderError

log = structlog.get_logger()

MOST_SECONDS: Final = 150.0
"""The gateway's own patience is 100 s."""
VIEWERS: Final = 3
"""Of one line in one process: the gateway takes one at a time, and each holds a connection to it."""
VIEWERS_OF_TENANT: Final = 12
LONGEST_FRAME: Final = 512 * 1024
KINDS: Final = frozenset({"qrCode", "alreadyLogged", "error", "accountData", "timeout", "timeoutExpired"})
LAST_KINDS: Final = KINDS - {"qrCode"}
ACCOUNT_KEYS: Final = frozenset({"wid", "pushname", "phone", "platform", "typeInstance", "stateInstance"})
UNKNOWN_ERROR: Final = "instance is starting or not authorized"
NORMAL, BROKEN = 1000, 1011
OF_LINE: Final = Places(VIEWERS)
OF_TENANT: Final = Places(VIEWERS_OF_TENANT)


async def refuse(scope_extensions: Any, send: Send, answer: Answer) -> None:
    """Answer the handshake with a status, where the server can; else it becomes 403."""
    if "websocket.http.response" not in (scope_extensions or {}):
        await send({"type": "websocket.close", "code": 1008, "reason": ""})
        return
    headers = [(b"content-type", answer.content_type.encode()), (b"content-length", str(len(answer.body)).encode())]
    await send({"type": "websocket.http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": answer.body, "more_body": False})


async def relay(parts: Parts, call: Call, extensions: Any, receive: Receive, send: Send) -> None:
    """Show codes until the phone is linked, the viewer leaves, or patience ends."""
    with ExitStack() as held:
        try:
            held.enter_context(OF_TENANT.hold(call.known.tenant_id))
            held.enter_context(OF_LINE.hold(call.known.line.number))
            place = await parts.gateway.admit(call.known.principal, call.known.instance.id, call.method)
        except AppError as error:
            has_account = call.known.instance.upstream_account is not None
            await refuse(extensions, send, gates.refusal(call.scene, error, has_account=has_account))
            return
        await _relayed(parts, call, place, receive, send)


async def _relayed(parts: Parts, call: Call, place: Place, receive: Receive, send: Send) -> None:
    await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
    if place.provider.traits.has_scan_socket:
        shown = place.provider.scan(place.credentials)
    else:
        shown = scanning.frames(parts, call.known, place)
    frames = asyncio.ensure_future(_show(parts, call, shown, send))
    leaving = asyncio.ensure_future(_left(receive))
    try:
        await asyncio.wait({frames, leaving}, timeout=MOST_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        is_gone, code = leaving.done(), NORMAL
        if not frames.done() and not is_gone:
            await _send(send, {"type": "timeout", "message": "timeout"})
        elif frames.done() and not is_gone:
            code = BROKEN if frames.exception() is not None else NORMAL
            if code == BROKEN:
                log.warning("pairing_socket_ended", error=type(frames.exception()).__name__)
    finally:
        for task in (frames, leaving):
            task.cancel()
        await asyncio.gather(frames, leaving, return_exceptions=True)
    if not is_gone:
        await send({"type": "websocket.close", "code": code, "reason": ""})


async def _show(parts: Parts, call: Call, frames: AsyncIterator[str], send: Send) -> None:
    try:
        async for text in frames:
            frame = await _own(parts, call, text)
            if frame is None:
                continue
            await _send(send, frame)
            if frame["type"] in LAST_KINDS:
                return
    except ProviderError:
        await _send(send, {"type": "error", "message": UNKNOWN_ERROR})
    finally:
        close = getattr(frames, "aclose", None)
        if close is not None:
            await close()


async def _own(parts: Parts, call: Call, text: str) -> dict[str, Any] | None:
    """The frame as the tenant's own; one that we do not know is not shown."""
    frame = _read(text)
    kind, message = frame.get("type"), frame.get("message")
    if kind not in KINDS:
        return None
    if kind == "qrCode":
        return {"type": kind, "message": message} if isinstance(message, str) else None
    if kind == "accountData":
        account = message if isinstance(message, dict) else {}
        told = {key: value for key, value in account.items() if key in ACCOUNT_KEYS and isinstance(value, str)}
        async with parts.database.begin(call.known.tenant_id) as uow:
            own = await lines.settings(uow, call.known.line)
        return {"type": kind, "message": {**told, **{key: own[key] for key in account if key in own}}}
    said = message if isinstance(message, str) else ""
    return {"type": kind, "message": said if wording.reason(said) == said else UNKNOWN_ERROR}


def _read(text: str) -> dict[str, Any]:
    if len(text) > LONGEST_FRAME:
        return {}
    try:
        frame = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return {}
    return frame if isinstance(frame, dict) else {}


async def _send(send: Send, frame: dict[str, Any]) -> None:
    await send({"type": "websocket.send", "bytes": None, "text": msgspec.json.encode(frame).decode()})


async def _left(receive: Receive) -> None:
    """Return when the viewer has gone; what it says is passed over."""
    while (await receive())["type"] != "websocket.disconnect":
        pass
