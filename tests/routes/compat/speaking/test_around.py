"""What stands around the calls: the pairing socket, our records, plans, and the native face."""

import asyncio
import json
from typing import Any

from sqlalchemy import text
from websockets.asyncio.client import connect

from app.kit.db import SYSTEM
from tests.routes.compat.speaking.stage import CHAT, Stage


async def frames(stage: Stage) -> list[dict[str, Any]]:
    """Every frame of the pairing socket, a phone scanning the first code."""
    found: list[dict[str, Any]] = []
    url = str(stage.line.http.base_url).rstrip("/").replace("http", "ws") + stage.line.path("scanqrcode")
    async with asyncio.timeout(60), connect(url) as socket:
        async for frame in socket:
            found.append(json.loads(frame))
            if len(found) == 1 and found[0]["type"] == "qrCode":
                await stage.act("scan", wid="79990001122@c.us")
    return found


async def test_codes_are_shown_by_a_gateway_without_a_socket(stage: Stage) -> None:
    with stage.other(has_scan_socket=False):
        linked = await frames(stage)
        assert linked == [{"type": "alreadyLogged", "message": "instance account already authorized"}]
        assert (await stage.line.call("GET", "logout")).json() == {"isLogout": True}
        shown = await frames(stage)
    assert {frame["type"] for frame in shown[:-1]} == {"qrCode"}
    assert len(shown[0]["message"]) > 100
    assert shown[-1]["type"] == "accountData"
    assert shown[-1]["message"]["wid"] == "79990001122@c.us"
    assert "/hooks/" not in json.dumps(shown)


async def kept(stage: Stage) -> list[tuple[str, str, str, int]]:
    """Our records of calls."""
    await stage.runtime.records.settle()
    async with stage.runtime.database.begin(SYSTEM) as uow:
        rows = await uow.session.execute(
            text("select method, face, outcome, status from gateway_calls order by called_at, id")
        )
        return [(row.method, row.face, row.outcome, row.status) for row in rows]


async def test_calls_are_recorded_the_same(stage: Stage) -> None:
    await stage.native("GET", "getChats")
    await stage.native("POST", "uploadFile", content=b"x", headers={"Content-Type": "text/plain"})
    native = await kept(stage)
    await stage.spoken("GET", "getChats")
    await stage.spoken("POST", "uploadFile", content=b"x", headers={"Content-Type": "text/plain"})
    assert (await kept(stage))[len(native) :] == native[-2:]


async def test_what_is_sent_is_counted_and_what_is_refused_is_given_back(stage: Stage) -> None:
    headers, http = stage.line.tenant.headers, stage.line.http
    body = {"chatId": CHAT, "message": "Hello"}

    async def used() -> int:
        await stage.runtime.records.settle()
        async with stage.runtime.database.begin(SYSTEM) as uow:
            found = await uow.session.scalar(
                text("select coalesce(sum(used), 0) from usage_counters where metric = 'messages'")
            )
        return int(found or 0)

    before = await used()
    assert (await stage.spoken("POST", "sendMessage", json=body)).status_code == 200
    assert await used() == before + 1
    await stage.upstream.faults({"method": "sendMessage", "kind": "status", "status": 400, "body": "bad request data"})
    refused = await stage.spoken("POST", "sendMessage", json=body)
    assert (refused.status_code, refused.text) == (400, "bad request data")
    assert await used() == before + 1
    assert (await http.get("/v1/instances", headers=headers)).status_code == 200


async def test_the_native_face_speaks_the_same(stage: Stage) -> None:
    headers, http = stage.line.tenant.headers, stage.line.http
    instance_id = (await http.get("/v1/instances", headers=headers)).json()["data"][0]["id"]
    path = f"/v1/instances/{instance_id}/gateway"
    with stage.other():
        state = await http.get(f"{path}/getStateInstance", headers=headers)
        sent = await http.post(f"{path}/sendMessage", headers=headers, json={"chatId": CHAT, "message": "Hello"})
    assert (state.status_code, state.json()) == (200, {"stateInstance": "authorized"})
    assert (sent.status_code, list(sent.json())) == (200, ["idMessage"])
    assert [row[1] for row in await kept(stage) if row[0] == "getStateInstance"] == ["native"]
