"""Delivery of notifications: pushed, pulled, repeated, blocked, aged."""

from __future__ import annotations

import asyncio

import pytest

from .conftest import Caller, Receiver, Rented, eventually

CHAT = "79990003344@c.us"


async def _hears(instance: Rented, *texts: str) -> None:
    for text in texts:
        await instance.phone("receive", {"chat_id": CHAT, "text": text})


async def _waiting(sim: Caller, instance: Rented, count: int) -> None:
    async def check() -> bool:
        return len((await instance.truth())["notification_queue"]) == count

    await eventually(check)


async def test_a_push_carries_the_notification_itself_and_the_bearer_token(sim: Caller, receiver: Receiver) -> None:
    instance = await sim.linked(webhookUrl=receiver.url, webhookUrlToken="secret", incomingWebhook="yes")
    sent = await instance.phone("receive", {"chat_id": CHAT, "text": "hi", "sender_name": "Ann"})
    await receiver.has(1)
    (body,) = receiver.got
    assert "receiptId" not in body
    assert (body["typeWebhook"], body["idMessage"]) == ("incomingMessageReceived", sent["id_message"])
    assert body["senderData"] == {
        "chatId": CHAT,
        "chatName": "Ann",
        "sender": CHAT,
        "senderName": "Ann",
        "senderContactName": "",
    }
    assert body["messageData"] == {
        "typeMessage": "textMessage",
        "textMessageData": {"textMessage": "hi"},
    }
    assert receiver.headers[0]["Authorization"] == "Bearer secret"
    assert receiver.headers[0]["Content-Type"] == "application/json"
    await _waiting(sim, instance, 0)


@pytest.mark.parametrize(("token", "header"), [("Basic dTpw", "Basic dTpw"), ("", None)])
async def test_a_basic_token_is_sent_as_it_is_and_none_when_empty(
    sim: Caller, receiver: Receiver, token: str, header: str | None
) -> None:
    instance = await sim.linked(webhookUrl=receiver.url, webhookUrlToken=token, incomingWebhook="yes")
    await _hears(instance, "hi")
    await receiver.has(1)
    assert receiver.headers[0].get("Authorization") == header


@pytest.mark.parametrize("status", [201, 204, 301, 401, 500])
async def test_only_200_counts_and_the_same_one_comes_again_after_the_pause(
    sim: Caller, receiver: Receiver, status: int
) -> None:
    receiver.status = status
    instance = await sim.linked(webhookUrl=receiver.url, incomingWebhook="yes")
    await _hears(instance, "first", "second")
    await receiver.has(1)
    await sim.advance(59)
    assert receiver.texts() == ["first"]
    await sim.advance(2)
    assert receiver.texts() == ["first", "first"]
    assert receiver.got[0] == receiver.got[1]
    receiver.status = 200
    await sim.advance(61)
    await receiver.has(4)
    assert receiver.texts() == ["first", "first", "first", "second"]


async def test_one_blocked_instance_does_not_hold_another(sim: Caller, receiver: Receiver) -> None:
    other = await sim.linked("other", webhookUrl="http://127.0.0.1:1/", incomingWebhook="yes")
    fine = await sim.linked("fine", webhookUrl=receiver.url, incomingWebhook="yes")
    await _hears(other, "lost in space")
    await _hears(fine, "hello")
    await receiver.has(1)
    assert receiver.texts() == ["hello"]
    assert len((await other.truth())["notification_queue"]) == 1


async def test_a_silent_receiver_is_given_180_seconds_then_a_pause_then_the_same_again(
    sim: Caller, receiver: Receiver
) -> None:
    receiver.hang = True
    instance = await sim.linked(webhookUrl=receiver.url, incomingWebhook="yes")
    await _hears(instance, "first", "second")
    await receiver.has(1)
    await sim.advance(179)
    await sim.advance(2)
    events = [entry["event"] for entry in await sim.journal(kind="notification")]
    assert events == ["queued", "queued", "timeout"]
    receiver.hang = False
    await sim.advance(58)
    assert receiver.texts() == ["first"]
    await sim.advance(2)
    await receiver.has(3)
    assert receiver.texts() == ["first", "first", "second"]


async def test_a_jump_over_hours_does_not_take_a_quick_receiver_for_a_dead_one(sim: Caller, receiver: Receiver) -> None:
    await sim.sim("config", {"deliver_after_seconds": 3600, "read_after_seconds": 3600})
    instance = await sim.linked(webhookUrl=receiver.url, outgoingWebhook="yes")
    await instance.send()
    await sim.advance(3 * 3600)
    await receiver.has(3)
    assert [body["status"] for body in receiver.got] == ["sent", "delivered", "read"]
    entries = await sim.journal(kind="notification")
    assert {entry["event"] for entry in entries} == {"queued", "acknowledged"}


async def test_a_dead_receiver_does_not_spoil_a_jump_for_a_living_one(
    sim: Caller, receiver: Receiver, silent: Receiver
) -> None:
    await sim.sim("config", {"deliver_after_seconds": 3600, "read_after_seconds": 3600})
    silent.hang = True
    dead = await sim.linked("dead", webhookUrl=silent.url, outgoingWebhook="yes")
    alive = await sim.linked("alive", webhookUrl=receiver.url, outgoingWebhook="yes")
    for instance in (dead, alive):
        await instance.send()
    await sim.advance(3 * 3600)
    assert [body["status"] for body in receiver.got] == ["sent", "delivered", "read"]
    entries = await sim.journal(kind="notification", limit=9999)
    of_alive = {entry["event"] for entry in entries if entry["id_instance"] == alive.id}
    assert of_alive == {"queued", "acknowledged"}
    assert len((await dead.truth())["notification_queue"]) == 3


async def test_a_jump_while_a_push_waits_for_an_answer_repeats_it_once_per_round(
    sim: Caller, receiver: Receiver
) -> None:
    receiver.hang = True
    instance = await sim.linked(webhookUrl=receiver.url, incomingWebhook="yes")
    await _hears(instance, "first")
    await receiver.has(1)
    await sim.advance(3 * 240 + 1)
    entries = await sim.journal(kind="notification")
    assert [entry["event"] for entry in entries] == ["queued", "timeout", "timeout", "timeout"]
    receiver.hang = False
    await sim.advance(240)
    await _waiting(sim, instance, 0)


async def test_a_notification_is_given_up_only_by_its_age(sim: Caller, receiver: Receiver) -> None:
    receiver.status = 500
    instance = await sim.linked(webhookUrl=receiver.url, incomingWebhook="yes")
    await _hears(instance, "old")
    await receiver.has(1)
    await sim.advance(12 * 3600)
    await _hears(instance, "young")
    await sim.advance(12 * 3600 + 120)
    receiver.status = 200
    receiver.got.clear()
    await sim.advance(61)
    await _waiting(sim, instance, 0)
    assert receiver.texts() == ["young"]
    assert [entry["event"] for entry in await sim.journal(kind="notification", limit=9999)].count("expired") == 1


async def test_pulling_gives_the_oldest_again_until_it_is_deleted(sim: Caller) -> None:
    instance = await sim.linked(incomingWebhook="yes")
    await _hears(instance, "first", "second")
    assert await instance.call("getWebhooksCount") == {"count": 2}
    got = await instance.call("receiveNotification")
    assert set(got) == {"receiptId", "body"}
    assert await instance.call("receiveNotification") == got
    gone = await instance.call("deleteNotification", verb="DELETE", tail=f"/{got['receiptId']}")
    assert gone == {"result": True, "reason": ""}
    again = await instance.call("deleteNotification", verb="DELETE", tail=f"/{got['receiptId']}")
    assert again["result"] is False
    assert again["reason"]
    following = await instance.call("receiveNotification")
    assert following["body"]["messageData"]["textMessageData"]["textMessage"] == "second"


async def test_a_receipt_may_come_as_the_whole_body(sim: Caller) -> None:
    instance = await sim.linked(incomingWebhook="yes")
    await _hears(instance, "first")
    got = await instance.call("receiveNotification")
    gone = await instance.call("deleteNotification", got["receiptId"], "DELETE", tail="/")
    assert gone == {"result": True, "reason": ""}
    status, text, _ = await sim.raw("DELETE", instance.path("deleteNotification") + "/soon")
    assert (status, text) == (400, "Parameter receiptId must be a Number!")


async def test_a_long_poll_ends_with_null_when_its_time_is_up(sim: Caller) -> None:
    instance = await sim.linked(incomingWebhook="yes")
    poll = asyncio.create_task(sim.raw("GET", instance.path("receiveNotification") + "?receiveTimeout=30"))
    await _polling(sim, instance)
    await sim.advance(29)
    assert not poll.done()
    await sim.advance(2)
    assert (await poll)[:2] == (200, "null")


async def test_a_long_poll_wakes_with_the_notification(sim: Caller) -> None:
    instance = await sim.linked(incomingWebhook="yes")
    poll = asyncio.create_task(instance.call("receiveNotification"))
    await _polling(sim, instance)
    await _hears(instance, "hi")
    assert (await poll)["body"]["typeWebhook"] == "incomingMessageReceived"


async def test_pushing_and_pulling_exclude_each_other(sim: Caller, receiver: Receiver) -> None:
    receiver.status = 500
    instance = await sim.linked(webhookUrl=receiver.url, incomingWebhook="yes")
    status, text, _ = await instance.raw("receiveNotification")
    assert status == 400
    assert text.startswith("Message cannot be received because custom webhook url is set.")
    assert f"instance: {instance.id} and wait" in text
    await _hears(instance, "kept")
    await receiver.has(1)
    await instance.call("setSettings", {"webhookUrl": ""})
    assert (await instance.pull())["typeWebhook"] == "incomingMessageReceived"
    await sim.advance(300)
    assert len(receiver.got) == 1


async def test_setting_an_address_ends_a_long_poll_and_begins_to_push(sim: Caller, receiver: Receiver) -> None:
    instance = await sim.linked(stateWebhook="yes")
    await instance.pull_all()
    poll = asyncio.create_task(instance.raw("receiveNotification"))
    await _polling(sim, instance)
    await instance.call("setSettings", {"webhookUrl": receiver.url})
    assert (await poll)[0] == 400
    await receiver.has(2)
    assert [body["stateInstance"] for body in receiver.got] == ["starting", "authorized"]


async def test_clearing_works_once_a_minute_and_not_while_pushing(sim: Caller) -> None:
    instance = await sim.linked(incomingWebhook="yes")
    await _hears(instance, "first")
    assert await instance.call("clearWebhooksQueue", verb="DELETE") == {"isCleared": True, "reason": ""}
    assert await instance.call("getWebhooksCount") == {"count": 0}
    soon = await instance.call("clearWebhooksQueue", verb="DELETE")
    assert (soon["isCleared"], soon["reason"]) == (False, "Too many requests")
    assert 0 < soon["leftTime"] <= 60
    await sim.advance(61)
    assert (await instance.call("clearWebhooksQueue", verb="DELETE"))["isCleared"] is True
    await instance.call("setSettings", {"webhookUrl": "http://127.0.0.1:1/"})
    assert (await instance.raw("clearWebhooksQueue", verb="DELETE"))[0] == 400


async def test_a_notification_may_come_twice(sim: Caller) -> None:
    instance = await sim.linked(incomingWebhook="yes")
    await sim.faults({"method": "incomingMessageReceived", "kind": "duplicate_notification", "times": 1})
    await _hears(instance, "a", "b")
    assert _texts(await instance.pull_all()) == ["a", "a", "b"]


async def test_a_notification_may_be_lost_and_the_journal_knows(sim: Caller) -> None:
    instance = await sim.linked(incomingWebhook="yes")
    await sim.faults({"kind": "drop_notification", "script": ["drop_notification", "ok"]})
    await _hears(instance, "a", "b", "c")
    assert _texts(await instance.pull_all()) == ["b", "c"]
    dropped = [entry for entry in await sim.journal(kind="notification") if entry["event"] == "dropped"]
    assert [entry["real"] for entry in dropped] == ["lost"]


async def test_a_notification_may_come_late(sim: Caller) -> None:
    instance = await sim.linked(incomingWebhook="yes")
    await sim.faults({"kind": "late_notification", "delay_seconds": 100, "times": 1})
    await _hears(instance, "a", "b")
    assert _texts(await instance.pull_all()) == ["b"]
    await sim.advance(101)
    assert _texts(await instance.pull_all()) == ["a"]


async def test_a_notification_may_be_overtaken_by_the_next(sim: Caller) -> None:
    instance = await sim.linked(incomingWebhook="yes")
    await sim.faults({"kind": "reorder_notification", "delay_seconds": 100, "times": 1})
    await _hears(instance, "a", "b", "c")
    assert _texts(await instance.pull_all()) == ["b", "a", "c"]
    await sim.faults({"kind": "reorder_notification", "delay_seconds": 100, "times": 1})
    await _hears(instance, "alone")
    assert await instance.pull() is None
    await sim.advance(101)
    assert _texts(await instance.pull_all()) == ["alone"]


async def test_faults_of_calls_and_of_notifications_do_not_mix(sim: Caller) -> None:
    instance = await sim.linked(incomingWebhook="yes")
    await sim.faults({"kind": "garbage"}, {"kind": "drop_notification"})
    async with sim.session.get(sim.url + instance.path("getSettings")) as answer:
        assert "<html>" in await answer.text()
    await _hears(instance, "a")
    await sim.faults()
    assert await instance.pull() is None


def _texts(bodies: list[dict[str, dict[str, dict[str, str]]]]) -> list[str]:
    return [body["messageData"]["textMessageData"]["textMessage"] for body in bodies]


async def _polling(sim: Caller, instance: Rented) -> None:
    async def check() -> bool:
        return bool(sim.running.world.instances[instance.id].waiters)

    await eventually(check)
