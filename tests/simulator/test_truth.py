"""The control face: the clock, the bills, the journal, the knobs, and starting over."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from datetime import datetime, timedelta, timezone

import aiohttp
import pytest

from simulator.main import Running, start

from .conftest import PARTNER, QUICK, Caller, Receiver

MOSCOW = timezone(timedelta(hours=3))


async def _now(sim: Caller) -> datetime:
    return datetime.fromisoformat((await sim.sim("clock"))["now"])


async def test_three_midnights_are_three_charges_besides_that_of_the_creation(sim: Caller) -> None:
    instance = await sim.create("paid")
    await sim.advance(3 * 86400)
    bills = (await sim.sim(f"bills?id_instance={instance.id}"))["bills"]
    assert [bill["reason"] for bill in bills] == ["creation", "daily", "daily", "daily"]
    assert len({bill["day"] for bill in bills}) == 4
    for bill in bills[1:]:
        moment = datetime.fromisoformat(bill["at"]).astimezone(MOSCOW)
        assert (moment.hour, moment.minute, moment.second) == (0, 0, 0)
        assert moment.date().isoformat() == bill["day"]
    assert {bill["name"] for bill in bills} == {"paid"}
    assert (await instance.truth())["charges"] == 4


async def test_a_deleted_instance_is_charged_no_more(sim: Caller) -> None:
    instance = await sim.create()
    await sim.partner("deleteInstanceAccount", {"idInstance": instance.id})
    await sim.advance(5 * 86400)
    assert len((await sim.sim("bills"))["bills"]) == 1


async def test_create_delete_create_on_one_day_pays_twice(sim: Caller) -> None:
    first = await sim.create()
    await sim.partner("deleteInstanceAccount", {"idInstance": first.id})
    await sim.create()
    assert [bill["reason"] for bill in (await sim.sim("bills"))["bills"]] == ["creation", "creation"]


async def test_an_unpaired_instance_costs_the_same(sim: Caller) -> None:
    await sim.create("unpaired")
    await sim.linked("paired")
    await sim.advance(86400)
    assert len((await sim.sim("bills"))["bills"]) == 4


async def test_time_runs_at_the_speed_that_is_asked_and_stands_still_at_zero(sim: Caller) -> None:
    await sim.sim("clock", {"speed": 0})
    held = await _now(sim)
    await asyncio.sleep(0.02)
    assert await _now(sim) == held
    await sim.sim("clock", {"speed": 1000})
    await asyncio.sleep(0.05)
    assert timedelta(seconds=40) < await _now(sim) - held < timedelta(seconds=60_000)


async def test_fast_time_wakes_what_is_due(sim: Caller) -> None:
    await sim.sim("config", {"starting_seconds": 300})
    await sim.sim("clock", {"speed": 10000})
    instance = await sim.create()
    await instance.until("notAuthorized")


async def test_two_jumps_at_once_add_up(sim: Caller) -> None:
    await sim.sim("clock", {"speed": 0})
    before = await _now(sim)
    await asyncio.gather(*(sim.advance(1000) for _ in range(5)))
    assert await _now(sim) - before == timedelta(seconds=5000)


@pytest.mark.parametrize("body", [{"speed": -1}, {"advance_seconds": -5}, {"speed": "fast"}])
async def test_time_never_runs_backwards(sim: Caller, body: dict[str, object]) -> None:
    async with sim.session.post(f"{sim.url}/_sim/clock", json=body) as answer:
        assert answer.status == 400


async def test_events_on_the_way_of_a_jump_happen_in_order_at_their_own_moments(sim: Caller) -> None:
    await sim.sim("clock", {"speed": 0})
    await sim.sim("config", {"warmup_401_seconds": 10, "warmup_null_seconds": 10, "starting_seconds": 10})
    began = await _now(sim)
    instance = await sim.create(stateWebhook="yes")
    await sim.advance(5 * 86400)
    entries = [
        entry for entry in await sim.journal(id_instance=instance.id) if entry["kind"] in ("notification", "charge")
    ]
    moments = [entry["at"] for entry in entries]
    assert moments == sorted(moments)
    states = [entry for entry in entries if entry["kind"] == "notification"]
    told = [
        (entry["request"]["stateInstance"], round((datetime.fromisoformat(entry["at"]) - began).total_seconds()))
        for entry in states
        if entry["event"] == "queued"
    ]
    assert told == [("starting", 20), ("notAuthorized", 30)]


async def test_the_journal_is_read_in_pieces_without_gap_or_double(sim: Caller) -> None:
    for number in range(10):
        await sim.create(f"n{number}")
    seen, after = [], 0
    while True:
        page = await sim.sim(f"journal?after={after}&limit=4&method=createInstance&kind=effect")
        if not page["entries"]:
            break
        seen += [entry["name"] for entry in page["entries"]]
        after = page["next"]
    assert seen == [f"n{number}" for number in range(10)]
    assert [entry["name"] for entry in await sim.journal(name="n3", kind="effect")] == ["n3"]


async def test_every_call_is_journaled_also_the_refused_ones(sim: Caller) -> None:
    instance = await sim.create()
    await sim.raw("GET", f"/waInstance{instance.id}/getSettings/wrong")
    await sim.raw("GET", "/waInstance5/getSettings/x")
    await sim.raw("GET", "/nowhere/at/all")
    await sim.partner("getInstances", token="gac.nobody")
    calls = await sim.journal(kind="call")
    assert [(entry["method"], entry["real"], entry["told"]) for entry in calls] == [
        ("createInstance", "done", "ok"),
        ("getSettings", "refused", "status:401"),
        ("getSettings", "refused", "status:403"),
        ("at", "refused", "status:404"),
        ("getInstances", "refused", "refused"),
    ]
    assert all(entry["at"].endswith("Z") for entry in calls)


async def test_a_tagged_call_is_found_by_its_tag(sim: Caller) -> None:
    instance = await sim.linked()
    await sim.raw("GET", instance.path("getSettings"), headers={"X-Sim-Tag": "tenant-7"})
    (entry,) = await sim.journal(method="getSettings")
    assert (entry["tag"], entry["verb"], entry["id_instance"]) == ("tenant-7", "GET", instance.id)


async def test_an_effect_is_journaled_once_for_each_create_that_happened(sim: Caller) -> None:
    await sim.create("done")
    await sim.raw("POST", f"/partner/createInstance/{PARTNER}", json={"name": "bad", "stateWebhook": "?"})
    (effect,) = await sim.journal(kind="effect", method="createInstance")
    (call,) = await sim.journal(kind="call", method="createInstance", name="done")
    assert (effect["name"], effect["call"]) == ("done", call["seq"])
    assert effect["id_instance"] == call["id_instance"]


async def test_the_journal_forgets_its_oldest_half_when_full(sim: Caller) -> None:
    await sim.sim("config", {"journal_limit": 100})
    for _ in range(80):
        await sim.create()
    page = await sim.sim("journal?after=0&limit=100000")
    assert len(page["entries"]) <= 100
    assert page["entries"][-1]["seq"] == page["next"] == 240


async def test_knobs_are_merged_and_unknown_or_unfit_ones_refused(sim: Caller) -> None:
    await sim.sim("config", {"starting_seconds": 7})
    shown = await sim.sim("config")
    assert (shown["starting_seconds"], shown["push_pause_seconds"]) == (7, 60)
    for body in ({"starting_secs": 1}, {"starting_seconds": -1}, {"listing_lag_seconds": [1]}, {"rate_limits": 5}):
        async with sim.session.post(f"{sim.url}/_sim/config", json=body) as answer:
            assert answer.status == 400, body
    assert await sim.sim("config") == shown


async def test_reset_forgets_everything_but_never_gives_an_id_again(sim: Caller) -> None:
    first = await sim.linked(incomingWebhook="yes")
    await sim.faults({"kind": "garbage"})
    await sim.sim("config", {"starting_seconds": 900})
    await sim.advance(86400)
    await sim.sim("reset", {})
    assert (await sim.sim("instances"))["instances"] == []
    assert (await sim.sim("bills"))["bills"] == []
    assert (await sim.sim("messages"))["messages"] == []
    assert await sim.sim("journal") == {"entries": [], "next": 0}
    assert (await sim.sim("faults"))["rules"] == []
    assert (await sim.sim("config"))["starting_seconds"] == 0
    assert abs((await _now(sim)) - datetime.now(MOSCOW)) < timedelta(seconds=60)
    second = await sim.create()
    assert second.id != first.id
    await sim.advance(86400)
    assert len((await sim.sim("bills"))["bills"]) == 2


async def test_reset_lets_everybody_go_who_waits(sim: Caller) -> None:
    instance = await sim.linked()
    viewed = await sim.create("viewed")
    await viewed.until("notAuthorized")
    await sim.faults({"method": "createInstance", "kind": "stall"})
    async with sim.session.ws_connect(sim.url + viewed.path("scanqrcode")) as socket:
        await socket.receive_json(timeout=20)
        held = asyncio.create_task(sim.raw("POST", f"/partner/createInstance/{PARTNER}", json={"name": "x"}))
        poll = asyncio.create_task(instance.raw("receiveNotification"))
        await asyncio.sleep(0.5)
        await sim.sim("reset", {})
        assert (await asyncio.wait_for(poll, 20))[:2] == (200, "null")
        with pytest.raises((aiohttp.ClientConnectionError, ConnectionError)):
            await asyncio.wait_for(held, 20)
        assert (await socket.receive(timeout=20)).type is aiohttp.WSMsgType.CLOSE
    assert (await sim.sim("instances"))["instances"] == []


async def test_reset_in_the_middle_of_a_jump_wins(sim: Caller, receiver: Receiver) -> None:
    receiver.hang = True
    instance = await sim.linked(webhookUrl=receiver.url, incomingWebhook="yes")
    await instance.phone("receive", {"chat_id": "7@c.us", "text": "x"})
    jump = asyncio.create_task(sim.advance(30 * 86400))
    await receiver.has(1)
    await sim.sim("reset", {})
    await jump
    assert abs((await _now(sim)) - datetime.now(MOSCOW)) < timedelta(seconds=60)
    await sim.create()
    assert len((await sim.sim("bills"))["bills"]) == 1


async def test_a_failing_receiver_does_not_make_long_jumps_slow(sim: Caller, receiver: Receiver) -> None:
    receiver.status = 500
    instance = await sim.linked(webhookUrl=receiver.url, incomingWebhook="yes")
    await instance.phone("receive", {"chat_id": "7@c.us", "text": "x"})
    began = asyncio.get_running_loop().time()
    await sim.advance(30 * 86400)
    assert asyncio.get_running_loop().time() - began < 60
    assert (await instance.truth())["notification_queue"] == []


async def test_unknown_instances_and_wrong_bodies_are_told_apart_on_the_phone(sim: Caller) -> None:
    instance = await sim.linked()
    for path, body, expected in (
        ("instances/5/scan", {}, 404),
        ("instances/x/scan", {}, 404),
        (f"instances/{instance.id}/receive", {"text": "no chat"}, 400),
        (f"instances/{instance.id}/receive", {"chat_id": 5, "text": "x"}, 400),
        (f"instances/{instance.id}/deliver", {"id_message": "none"}, 409),
        (f"instances/{instance.id}/stick_starting", {"seconds": "long"}, 400),
    ):
        async with sim.session.post(f"{sim.url}/_sim/{path}", json=body) as answer:
            assert answer.status == expected, path


async def test_calls_at_once_are_all_done_once(sim: Caller) -> None:
    names = [f"c{number}" for number in range(100)]
    made = await asyncio.gather(*(sim.create(name) for name in names))
    assert len({instance.id for instance in made}) == 100
    assert sorted(row["name"] for row in await sim.partner("getInstances")) == sorted(names)
    assert len(await sim.journal(kind="effect", method="createInstance")) == 100
    await made[0].until("notAuthorized")
    sent = await asyncio.gather(*(made[0].send(str(number)) for number in range(100)))
    assert len(set(sent)) == 100
    assert await made[0].call("getMessagesCount") == {"count": 100}


async def test_closing_leaves_no_task_behind() -> None:
    before = asyncio.all_tasks()
    running = await start([PARTNER], {**QUICK, "push_timeout_seconds": 100})
    async with aiohttp.ClientSession() as session:
        sim = Caller(running, session)
        instance = await sim.linked(webhookUrl="http://127.0.0.1:1/x", incomingWebhook="yes")
        await instance.phone("receive", {"chat_id": "7@c.us", "text": "x"})
        viewed = await sim.create("viewed")
        await viewed.until("notAuthorized")
        socket = await session.ws_connect(sim.url + viewed.path("scanqrcode"))
        await sim.faults({"method": "createInstance", "kind": "stall"})
        held = asyncio.create_task(sim.raw("POST", f"/partner/createInstance/{PARTNER}", json={"name": "x"}))
        await asyncio.sleep(0.5)
        await asyncio.wait_for(running.close(), 30)
        await asyncio.wait({held}, timeout=20)
        assert held.done()
        held.exception()
        await socket.close()
    await asyncio.sleep(0)
    assert asyncio.all_tasks() <= before | {asyncio.current_task()}


async def test_a_wrong_knob_at_the_start_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown field"):
        await start([PARTNER], {"no_such_knob": 1})


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_the_program_prints_one_line_serves_and_ends_at_a_signal(number: signal.Signals) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "simulator", "--port", "0", "--partner-token", "gac.one", "--partner-token", "gac.two"),
        *("--config", '{"warmup_401_seconds": 0}'),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        url = json.loads(await asyncio.wait_for(process.stdout.readline(), 60))["url"]
        async with aiohttp.ClientSession() as session:
            for token in ("gac.one", "gac.two"):
                async with session.get(f"{url}/partner/getInstances/{token}") as answer:
                    assert await answer.json() == []
            async with session.get(f"{url}/_sim/health") as answer:
                assert await answer.json() == {"ok": True}
        process.send_signal(number)
        assert await asyncio.wait_for(process.wait(), 30) == 0
        assert await process.stdout.read() == b""
    finally:
        if process.returncode is None:
            process.kill()


def test_the_simulator_knows_nothing_of_the_house(running: Running) -> None:
    assert not any(name == "app" or name.startswith("app.") for name in _loaded_by_simulator())


def _loaded_by_simulator() -> list[str]:
    import subprocess

    script = "import sys, simulator.__main__; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return done.stdout.split()
