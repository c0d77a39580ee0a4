"""Each kind of fault: what truly happened, what the caller saw, and that the journal tells both."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from simulator.main import Running

from .conftest import PARTNER, Caller, eventually

CREATE = f"/partner/createInstance/{PARTNER}"


async def _made(sim: Caller, name: str = "one") -> int:
    return len((await sim.sim(f"instances?name={name}"))["instances"])


async def _the_call(sim: Caller, method: str = "createInstance") -> dict[str, Any]:
    (entry,) = await sim.journal(kind="call", method=method)
    return entry


async def _effects(sim: Caller, method: str = "createInstance") -> int:
    return len(await sim.journal(kind="effect", method=method))


async def _create(sim: Caller, seconds: float = 30.0) -> Any:
    timeout = aiohttp.ClientTimeout(total=seconds)
    return await sim.raw("POST", CREATE, json={"name": "one"}, timeout=timeout)


async def test_lose_request_does_nothing_and_resets(sim: Caller) -> None:
    await sim.faults({"method": "createInstance", "kind": "lose_request"})
    with pytest.raises((aiohttp.ClientConnectionError, ConnectionError)):
        await _create(sim)
    assert await _made(sim) == 0
    entry = await _the_call(sim)
    assert (entry["real"], entry["told"], entry["name"]) == ("lost", "reset", "one")
    assert await _effects(sim) == 0


async def test_lose_answer_does_it_charges_it_and_resets(sim: Caller) -> None:
    await sim.faults({"method": "createInstance", "kind": "lose_answer"})
    with pytest.raises((aiohttp.ClientConnectionError, ConnectionError)):
        await _create(sim)
    assert await _made(sim) == 1
    assert len((await sim.sim("bills"))["bills"]) == 1
    entry = await _the_call(sim)
    assert (entry["real"], entry["told"]) == ("done", "reset")
    assert await _effects(sim) == 1
    assert [row["name"] for row in await sim.partner("getInstances")] == ["one"]


async def test_late_happens_after_the_caller_gave_up(sim: Caller) -> None:
    await sim.faults({"method": "createInstance", "kind": "late", "delay_seconds": 90})
    with pytest.raises(TimeoutError):
        await _create(sim, 0.5)
    assert await _made(sim) == 0
    await sim.advance(89)
    assert await _made(sim) == 0
    await sim.advance(2)
    assert await _made(sim) == 1
    entry = await _the_call(sim)
    assert (entry["real"], entry["told"]) == ("late", "nothing")
    (effect,) = await sim.journal(kind="effect", method="createInstance")
    assert (effect["call"], effect["name"], effect["real"]) == (entry["seq"], "one", "done")


async def test_late_happens_also_while_the_caller_still_holds_and_never_twice(sim: Caller) -> None:
    await sim.faults({"method": "createInstance", "kind": "late", "delay_seconds": 0.02, "times": 1})
    with pytest.raises(TimeoutError):
        await _create(sim, 0.6)
    assert await _made(sim) == 1
    await sim.advance(3600)
    assert await _made(sim) == 1


async def test_slow_answer_has_done_it_before_it_answers(sim: Caller) -> None:
    await sim.faults({"method": "createInstance", "kind": "slow_answer", "delay_seconds": 60})
    call = asyncio.create_task(_create(sim))

    async def made() -> bool:
        return await _made(sim) == 1

    await eventually(made)
    assert not call.done()
    assert (await _the_call(sim))["told"] == "nothing"
    await sim.advance(61)
    assert (await call)[0] == 200
    assert (await _the_call(sim))["told"] == "ok"


async def test_slow_answer_to_a_caller_who_left_told_nothing(sim: Caller) -> None:
    await sim.faults({"method": "createInstance", "kind": "slow_answer", "delay_seconds": 60})
    with pytest.raises(TimeoutError):
        await _create(sim, 0.5)
    await sim.advance(61)
    entry = await _the_call(sim)
    assert (entry["real"], entry["told"]) == ("done", "nothing")


async def test_refuse_is_http_200_with_a_code_for_partners_and_400_for_instances(sim: Caller) -> None:
    instance = await sim.linked("two")
    await sim.faults({"kind": "refuse"})
    status, text, _ = await _create(sim)
    assert (status, '"code"' in text) == (200, True)
    deleted = await sim.partner("deleteInstanceAccount", {"idInstance": instance.id})
    assert deleted == {"code": 404, "description": "Not found"}
    assert (await instance.raw("sendMessage", {"chatId": "7@c.us", "message": "x"}))[0] == 400
    assert await _made(sim) == 0
    assert (await instance.truth())["deleted_at"] is None
    entry = (await sim.journal(kind="call", method="createInstance", name="one"))[0]
    assert (entry["real"], entry["told"]) == ("refused", "refused")


@pytest.mark.parametrize("status", [400, 401, 429, 466, 500, 502])
async def test_status_does_nothing_and_tells_that_status(sim: Caller, status: int) -> None:
    await sim.faults({"method": "createInstance", "kind": "status", "status": status})
    answer = await _create(sim)
    assert answer[0] == status
    if status in (401, 429):
        assert answer[1] == ""
    assert await _made(sim) == 0
    entry = await _the_call(sim)
    assert (entry["real"], entry["told"], entry["http_status"]) == ("refused", f"status:{status}", status)


async def test_a_status_may_carry_a_body_of_its_own(sim: Caller) -> None:
    await sim.faults({"kind": "status", "status": 500, "body": {"message": "boom"}})
    assert (await _create(sim))[:2] == (500, '{"message":"boom"}')


async def test_done_then_status_is_done_though_told_a_failure(sim: Caller) -> None:
    await sim.faults({"method": "createInstance", "kind": "done_then_status", "status": 502})
    assert (await _create(sim))[0] == 502
    assert await _made(sim) == 1
    entry = await _the_call(sim)
    assert (entry["real"], entry["told"]) == ("done", "status:502")


async def test_plain_text_400_is_no_json(sim: Caller) -> None:
    await sim.faults({"method": "createInstance", "kind": "plain_text_400"})
    status, text, headers = await _create(sim)
    assert status == 400
    assert text == "Instance account is expired. Renew your instance from personal area"
    assert headers["Content-Type"].startswith("text/plain")
    assert await _made(sim) == 0


async def test_half_body_is_done_and_breaks_off(sim: Caller) -> None:
    await sim.faults({"method": "createInstance", "kind": "half_body"})
    with pytest.raises(aiohttp.ClientPayloadError):
        await _create(sim)
    assert await _made(sim) == 1
    entry = await _the_call(sim)
    assert (entry["real"], entry["told"]) == ("done", "garbage")


async def test_garbage_is_done_and_no_json(sim: Caller) -> None:
    await sim.faults({"method": "createInstance", "kind": "garbage"})
    status, text, _ = await _create(sim)
    assert (status, text[:6]) == (200, "<html>")
    assert await _made(sim) == 1
    assert (await _the_call(sim))["told"] == "garbage"


async def test_wrong_content_type_is_done_and_right_but_for_its_header(sim: Caller) -> None:
    await sim.faults({"method": "createInstance", "kind": "wrong_content_type"})
    status, text, headers = await _create(sim)
    assert (status, headers["Content-Type"].split(";")[0]) == (200, "text/html")
    assert '"idInstance"' in text
    entry = await _the_call(sim)
    assert (entry["real"], entry["told"]) == ("done", "ok")


async def test_the_free_plan_answers_466_with_its_quota(sim: Caller) -> None:
    instance = await sim.linked()
    await sim.faults({"kind": "status", "status": 466, "id_instance": instance.id})
    status, text, _ = await instance.raw("sendMessage", {"chatId": "7@c.us", "message": "x"})
    assert (status, "CORRESPONDENTS_QUOTE_EXCEEDED" in text) == (466, True)
    status, text, _ = await instance.raw("lastIncomingMessages")
    assert (status, '"status":"QUOTE_EXCEEDED"' in text) == (466, True)


async def test_stall_does_nothing_for_thirty_seconds_then_resets(sim: Caller) -> None:
    await sim.faults({"method": "createInstance", "kind": "stall"})
    call = asyncio.create_task(_create(sim))

    async def held() -> bool:
        return len(await sim.journal(kind="call", method="createInstance")) == 1

    await eventually(held)
    await sim.advance(29)
    assert not call.done()
    await sim.advance(2)
    with pytest.raises((aiohttp.ClientConnectionError, ConnectionError)):
        await call
    assert await _made(sim) == 0
    assert (await _the_call(sim))["real"] == "lost"


async def test_a_rule_strikes_only_as_often_as_it_says(sim: Caller) -> None:
    await sim.faults({"method": "CREATEinstance", "kind": "status", "status": 502, "times": 2})
    assert [(await _create(sim))[0] for _ in range(4)] == [502, 502, 200, 200]
    shown = await sim.sim("faults")
    assert shown["rules"][0]["fired"] == 2


async def test_a_rule_may_name_one_instance_or_one_name(sim: Caller) -> None:
    first, second = await sim.create("first"), await sim.create("second")
    await sim.faults({"kind": "garbage", "id_instance": first.id}, {"kind": "status", "status": 502, "name": "cursed"})
    assert "<html>" in (await first.raw("getSettings"))[1]
    assert (await second.raw("getSettings"))[0] == 200
    assert (await sim.raw("POST", CREATE, json={"name": "cursed"}))[0] == 502
    assert (await sim.raw("POST", CREATE, json={"name": "blessed"}))[0] == 200
    path = f"/partner/deleteInstanceAccount/{PARTNER}"
    assert "<html>" in (await sim.raw("POST", path, json={"idInstance": first.id}))[1]


async def test_a_script_gives_each_call_its_fate_and_then_ends(sim: Caller) -> None:
    await sim.faults(
        {
            "method": "createInstance",
            "status": 502,
            "script": ["ok", "status", {"kind": "status", "status": 500}, "done_then_status"],
        }
    )
    assert [(await _create(sim))[0] for _ in range(6)] == [200, 502, 500, 502, 200, 200]
    assert await _made(sim) == 4


async def test_the_same_seed_draws_the_same_run(sim: Caller) -> None:
    runs = []
    for seed in (7, 7, 8):
        await sim.faults({"kind": "status", "status": 502, "probability": 0.5}, seed=seed)
        runs.append([(await _create(sim))[0] for _ in range(40)])
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]
    assert {200, 502} == set(runs[0])


async def test_deleting_the_rules_brings_peace(sim: Caller) -> None:
    await sim.faults({"kind": "garbage"})
    assert (await sim.sim("faults", verb="DELETE"))["rules"] == []
    assert (await _create(sim))[0] == 200


@pytest.mark.parametrize(
    "rule", [{"kind": "no such kind"}, {}, {"kind": "stall", "probability": 2}, {"kind": "stall", "typo": 1}]
)
async def test_an_unfit_rule_is_refused_and_the_old_ones_stay(sim: Caller, rule: dict[str, Any]) -> None:
    await sim.faults({"kind": "garbage"})
    async with sim.session.post(f"{sim.url}/_sim/faults", json={"rules": [rule]}) as answer:
        assert answer.status == 400
    assert len((await sim.sim("faults"))["rules"]) == 1


async def test_a_late_send_to_an_instance_deleted_meanwhile_is_refused_in_truth(sim: Caller) -> None:
    instance = await sim.linked()
    await sim.faults({"method": "sendMessage", "kind": "late", "delay_seconds": 60})
    timeout = aiohttp.ClientTimeout(total=0.5)
    with pytest.raises(TimeoutError):
        await sim.raw("POST", instance.path("sendMessage"), json={"chatId": "7@c.us", "message": "x"}, timeout=timeout)
    await sim.partner("deleteInstanceAccount", {"idInstance": instance.id})
    await sim.advance(61)
    assert (await sim.sim("messages"))["messages"] == []
    (effect,) = await sim.journal(kind="effect", method="sendMessage")
    assert effect["real"] == "refused"


async def test_the_pairing_socket_meets_faults_too(sim: Caller) -> None:
    instance = await sim.create()
    await instance.until("notAuthorized")
    for kind in ("lose_request", "lose_answer", "garbage", "half_body", "done_then_status", "slow_answer"):
        await sim.faults({"method": "scanqrcode", "kind": kind, "delay_seconds": 0})
        with pytest.raises((aiohttp.ClientConnectionError, ConnectionError)):
            await sim.session.ws_connect(sim.url + instance.path("scanqrcode"))
    await sim.faults({"method": "scanqrcode", "kind": "status", "status": 502})
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await sim.session.ws_connect(sim.url + instance.path("scanqrcode"))
    assert refused.value.status == 502
    await sim.faults()
    async with sim.session.ws_connect(sim.url + instance.path("scanqrcode")) as socket:
        assert (await socket.receive_json(timeout=20))["type"] == "qrCode"


async def test_a_caller_who_dies_in_the_middle_of_its_body_changes_nothing(sim: Caller, running: Running) -> None:
    _, writer = await asyncio.open_connection(running.host, running.port)
    head = f"POST {CREATE} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n"
    writer.write(head.encode() + b'{"name":')
    await writer.drain()
    await asyncio.sleep(0.02)
    writer.transport.abort()

    async def journaled() -> bool:
        return len(await sim.journal(kind="call", method="createInstance")) == 1

    await eventually(journaled)
    entry = await _the_call(sim)
    assert (entry["real"], entry["told"]) == ("lost", "nothing")
    assert (await sim.sim("instances"))["instances"] == []
