"""Plans: the 466 of used-up months, quotaExceeded, and the rates of each method."""

from __future__ import annotations

import json

import pytest

from simulator.methods.table import INSTANCE_METHODS

from .conftest import Caller, Rented

CHATS = ["7001@c.us", "7002@c.us", "7003@c.us"]


async def _developer(sim: Caller, **settings: str) -> Rented:
    instance = await sim.linked(**settings)
    await instance.phone("plan", {"plan": "developer"})
    return instance


async def test_a_fourth_chat_is_refused_and_the_three_go_on(sim: Caller) -> None:
    instance = await _developer(sim)
    for chat in (*CHATS, *CHATS):
        await instance.send(chat=chat)
    status, text, _ = await instance.raw("sendMessage", {"chatId": "7004@c.us", "message": "x"})
    body = json.loads(text)
    assert status == 466
    assert body["invokeStatus"] == {"method": "sendmessage", "used": 6, "total": 0, "status": "QUOTE_ALLOWED"}
    description = body["correspondentsStatus"].pop("description")
    assert body["correspondentsStatus"] == {
        "method": "correspondents",
        "used": 3,
        "total": 3,
        "status": "CORRESPONDENTS_QUOTE_EXCEEDED",
    }
    assert all(chat in description for chat in CHATS)
    await instance.send(chat=CHATS[0])


async def test_used_up_calls_of_a_method_are_refused_until_the_first_of_the_month(sim: Caller) -> None:
    instance = await _developer(sim)
    await instance.phone("plan", {"plan": "developer", "used": {"checkWhatsapp": 99}})
    await instance.call("checkWhatsapp", {"phoneNumber": 79990003344})
    status, text, _ = await instance.raw("checkWhatsapp", {"phoneNumber": 79990003344})
    told = json.loads(text)["invokeStatus"]
    assert (status, list(json.loads(text))) == (466, ["invokeStatus"])
    assert told.pop("description")
    assert told == {"method": "checkwhatsapp", "used": 100, "total": 100, "status": "QUOTE_EXCEEDED"}
    await sim.advance(32 * 86400)
    await instance.call("checkWhatsapp", {"phoneNumber": 79990003344})


async def test_a_refused_call_costs_nothing(sim: Caller) -> None:
    instance = await _developer(sim)
    for chat in ("7001", "", 5):
        assert (await instance.raw("sendMessage", {"chatId": chat, "message": "x"}))[0] == 400
    for chat in CHATS:
        await instance.send(chat=chat)


async def test_incoming_chats_count_and_one_too_many_is_told_instead_of_its_message(sim: Caller) -> None:
    instance = await _developer(sim, incomingWebhook="yes")
    for chat in (*CHATS, "7004@c.us"):
        await instance.phone("receive", {"chat_id": chat, "text": "hi"})
    told = await instance.pull_all()
    assert [body["typeWebhook"] for body in told] == ["incomingMessageReceived"] * 3 + ["quotaExceeded"]
    assert "timestamp" not in told[3]
    assert told[3]["quotaData"]["status"] == "CORRESPONDENTS_QUOTA_EXCEEDED"
    assert (told[3]["quotaData"]["used"], told[3]["quotaData"]["total"]) == (3, 3)
    assert (await instance.raw("sendMessage", {"chatId": "7004@c.us", "message": "x"}))[0] == 466
    assert len(await instance.call("lastIncomingMessages")) == 3


async def test_other_instances_and_other_plans_are_not_touched(sim: Caller) -> None:
    developer, partner = await _developer(sim), await sim.linked("other")
    for number in range(5):
        await partner.send(chat=f"700{number}@c.us")
    await developer.phone("plan", {"plan": "business"})
    for number in range(5):
        await developer.send(chat=f"700{number}@c.us")


async def test_a_knob_puts_every_instance_on_a_plan(sim: Caller) -> None:
    await sim.sim("config", {"plan": "developer"})
    instance = await sim.linked()
    for chat in CHATS:
        await instance.send(chat=chat)
    assert (await instance.raw("sendMessage", {"chatId": "7004@c.us", "message": "x"}))[0] == 466


@pytest.mark.parametrize(
    ("method", "rate"), [("sendPoll", 50), ("downloadFile", 5), ("editMessage", 1), ("getMessage", 10)]
)
async def test_each_method_has_its_rate_and_tells_it_even_to_a_wrong_token(sim: Caller, method: str, rate: int) -> None:
    await sim.sim("config", {"rate_limits": True})
    await sim.sim("clock", {"speed": 0})
    instance = await sim.create()
    path = f"/waInstance{instance.id}/{method}/wrong"
    for left in reversed(range(rate)):
        status, _, headers = await sim.raw("POST", path, json={})
        assert (status, headers["X-RateLimit-Remaining"]) == (401, str(left))
        assert headers["X-RateLimit-Replenish-Rate"] == str(rate)
    status, text, headers = await sim.raw("POST", path, json={})
    assert (status, text, headers["Content-Length"]) == (429, "", "0")


def test_no_method_is_without_a_rate() -> None:
    assert [method.name for method in INSTANCE_METHODS.values() if method.rate is None] == []
