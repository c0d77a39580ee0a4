"""The pairing socket of a gateway that has none: codes that were asked for one by one, as frames."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

import msgspec

from app.compat.auth import Known
from app.compat.parts import Parts
from app.gateway.calls import Place
from app.instances.link import Asker
from app.instances.trips import Tools
from app.instances.viewing import HUB
from app.lines.words.values import wid

MOST_SECONDS: Final = 100.0
"""Source: GREEN-API ScanQrCode page, the server closes after 100 s without a scan (read 2026-11-21)."""
LINKED: Final = "instance account already authorized"


async def frames(parts: Parts, known: Known, place: Place) -> AsyncIterator[str]:
    """Frames as GREEN-API's socket sends them; who watches the same instance shares one question to the gateway."""
    ends, is_shown = asyncio.get_running_loop().time() + MOST_SECONDS, False
    async for told in HUB.events(_asker(parts, known, place)):
        data: Any = msgspec.json.decode(told["data"]) if told.get("event") and told["data"] else {}
        if told.get("event") == "qr":
            is_shown = True
            yield _frame("qrCode", data["data"])
        elif told.get("event") == "connected":
            yield _frame("accountData", _account(data)) if is_shown else _frame("alreadyLogged", LINKED)
            return
        if asyncio.get_running_loop().time() > ends:
            yield _frame("timeout", "timeout")
            return


def _asker(parts: Parts, known: Known, place: Place) -> Asker:
    return Asker(
        tools=Tools(parts.database, parts.instance_options),
        registry=parts.registry,
        provider=place.provider,
        credentials=place.credentials,
        tenant_id=place.tenant_id,
        instance_id=place.instance_id,
        now=known.read_at,
        read=known.read_mark,
    )


def _account(data: dict[str, Any]) -> dict[str, str]:
    """Who was linked; the address of notifications is put in where the frame leaves the house."""
    phone = str(data.get("phone_number") or "").removeprefix("+")
    return {"wid": wid(phone), "pushname": data.get("profile_name") or "", "webhookUrl": "", "webhookUrlToken": ""}


def _frame(kind: str, message: Any) -> str:
    return msgspec.json.encode({"type": kind, "message": message}).decode()
