"""Everything at once: the truth must add up whatever went wrong, and no input may break the server."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import aiohttp

from simulator.main import Running

from .conftest import PARTNER, Caller, Receiver, eventually

KINDS = (
    "lose_request",
    "lose_answer",
    "late",
    "slow_answer",
    "refuse",
    "status",
    "done_then_status",
    "plain_text_400",
    "half_body",
    "garbage",
    "wrong_content_type",
    "stall",
)


async def _outcome(sim: Caller, name: str) -> str:
    """What a caller sees of one create."""
    address = f"{sim.url}/partner/createInstance/{PARTNER}"
    timeout = aiohttp.ClientTimeout(total=None, sock_read=3)  # from when it was sent: a hundred may be at once
    try:
        async with sim.session.post(address, json={"name": name}, timeout=timeout) as answer:
            if answer.status != 200:
                return f"status:{answer.status}"
            try:
                body = await answer.json(content_type=None)
            except ValueError:
                return "garbage"
            return "ok" if "idInstance" in body else "refused"
    except TimeoutError:
        return "nothing"
    except aiohttp.ClientPayloadError:
        return "garbage"
    except (aiohttp.ClientConnectionError, ConnectionError):
        return "reset"


async def test_the_journal_tells_of_each_create_what_its_caller_saw_and_what_was_made(sim: Caller) -> None:
    rules = [{"method": "createInstance", "kind": kind, "probability": 0.12, "delay_seconds": 30} for kind in KINDS]
    await sim.faults(*rules, seed=3)
    names = [f"storm-{number}" for number in range(150)]
    seen = dict(zip(names, await asyncio.gather(*(_outcome(sim, name) for name in names)), strict=True))
    await sim.advance(60)
    calls = {entry["name"]: entry for entry in await sim.journal(kind="call", limit=9999)}
    assert {name: calls[name]["told"] for name in names} == seen
    effects = await sim.journal(kind="effect", method="createInstance", limit=9999)
    made = Counter(entry["name"] for entry in effects if entry["real"] == "done")
    truly = Counter(row["name"] for row in (await sim.sim("instances"))["instances"])
    assert made == truly
    assert {name for name in names if calls[name]["real"] in ("done", "late")} == set(truly)
    assert Counter(bill["name"] for bill in (await sim.sim("bills"))["bills"]) == truly
    assert set(truly.values()) == {1}
    assert len(set(seen.values())) >= 6


async def test_every_notification_reaches_a_stumbling_receiver_in_order_once_acknowledged(
    sim: Caller, receiver: Receiver
) -> None:
    await sim.sim("config", {"push_pause_seconds": 0.01})
    instance = await sim.linked(webhookUrl=receiver.url, incomingWebhook="yes")
    draw = random.Random(5)
    for number in range(60):
        receiver.status = draw.choice((200, 200, 500, 204))
        await instance.phone("receive", {"chat_id": "7@c.us", "text": str(number)})
    receiver.status = 200

    async def empty() -> bool:
        return not (await instance.truth())["notification_queue"]

    await eventually(empty)
    lines = await sim.journal(kind="notification", limit=9999)
    done = [
        entry["request"]["messageData"]["textMessageData"]["textMessage"]
        for entry in lines
        if entry["event"] == "acknowledged"
    ]
    assert done == [str(number) for number in range(60)]


async def _spoken(running: Running, raw: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(running.host, running.port)
    writer.write(raw)
    try:
        return await asyncio.wait_for(reader.readline(), 30)
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def test_no_input_breaks_the_server(sim: Caller, running: Running) -> None:
    instance = await sim.linked()
    draw = random.Random(11)
    here = f"/waInstance{instance.id}"
    addresses = [
        f"/partner/createInstance/{PARTNER}",
        f"/partner/deleteInstanceAccount/{PARTNER}",
        *(
            instance.path(name)
            for name in ("setSettings", "sendMessage", "getAuthorizationCode", "getChatHistory", "getMessage")
        ),
    ]
    bodies = [
        b"5",
        b"null",
        b"[]",
        b"[1]",
        b'"x"',
        b"{}",
        b"1e400",
        b"{" * 50000,
        b'{"name":' + b"[" * 40000,
        b'{"idInstance":' + b"9" * 400 + b"}",
        b'{"idInstance":1e30,"phoneNumber":1e300,"chatId":[],"count":-1}',
        b'{"name":"\\ud800"}',
        b'{"name":{"a":1},"webhookUrl":null,"stateWebhook":["yes"],"autoTyping":1.5}',
        b'{"chatId":"7@c.us","idMessage":{},"count":"x","message":"\\u0000"}',
        b'{"phoneNumber":true}',
        bytes(draw.randrange(256) for _ in range(3000)),
    ]
    for address in addresses:
        for body in bodies:
            status, text, _ = await sim.raw("POST", address, data=body)
            assert status < 500, (address, body[:40], text)
    for path in (
        f"{here}/deleteNotification/{instance.token}/{'9' * 300}",
        f"{here}/deleteNotification/{instance.token}/%00%ff",
        f"{here}/receiveNotification/{instance.token}?receiveTimeout=abc",
        f"{here}/lastIncomingMessages/{instance.token}?minutes=-1&minutes={'9' * 30}",
        f"/waInstance{'9' * 50}/getSettings/x",
        "/waInstance²/getSettings/x",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/" * 500,
        "/_sim/journal?after=x",
        "/_sim/instances?id_instance=" + "9" * 50,
        "/_sim/nothing/here",
    ):
        for verb in ("GET", "POST", "DELETE", "PUT"):
            status, _, _ = await sim.raw(verb, path)
            assert status < 500, (verb, path)
    for raw in (b"\x00\x01\x02\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"POST /x HTTP/1.1\r\nContent-Length: -1\r\n\r\n"):
        assert b" 500 " not in await _spoken(running, raw)
    assert await sim.sim("health") == {"ok": True}
    await sim.journal(limit=9999)
    assert await instance.call("getStateInstance") == {"stateInstance": "authorized"}


async def test_a_huge_body_without_a_length_is_cut_off(sim: Caller) -> None:
    instance = await sim.linked()

    async def flood() -> object:
        for _ in range(2000):
            yield b"x" * 65536

    with_status = None
    try:
        async with sim.session.post(sim.url + instance.path("sendMessage"), data=flood()) as answer:
            with_status = answer.status
    except (aiohttp.ClientConnectionError, ConnectionError):
        with_status = 500
    assert with_status == 500
    assert await sim.sim("health") == {"ok": True}


async def test_time_may_jump_and_race_while_everything_happens(sim: Caller, receiver: Receiver) -> None:
    await sim.sim("config", {"deliver_after_seconds": 30, "read_after_seconds": 30})
    made = await asyncio.gather(
        *(
            sim.linked(f"n{number}", webhookUrl=receiver.url, outgoingWebhook="yes", stateWebhook="yes")
            for number in range(10)
        )
    )

    async def busy(number: int) -> None:
        for turn in range(5):
            await made[number].send(f"{number}-{turn}")
            await sim.advance(number * 7)

    await asyncio.gather(*(busy(number) for number in range(10)))
    await sim.sim("clock", {"speed": 500})
    await sim.advance(3600)

    async def settled() -> bool:
        return not any(row["notification_queue"] for row in (await sim.sim("instances"))["instances"])

    await eventually(settled)
    messages = (await sim.sim("messages"))["messages"]
    assert Counter(message["status"] for message in messages) == {"read": 50}
    entries = await sim.journal(kind="notification", limit=99999)
    queued = [(entry["id_instance"], entry["receipt_id"]) for entry in entries if entry["event"] == "queued"]
    done = [(entry["id_instance"], entry["receipt_id"]) for entry in entries if entry["event"] == "acknowledged"]
    assert sorted(queued) == sorted(done)
