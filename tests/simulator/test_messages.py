"""Sending, the outgoing queue, statuses and the journals."""

from __future__ import annotations

import pytest

from .conftest import Caller

CHAT = "79990003344@c.us"


async def test_messages_leave_in_order_one_per_pause(sim: Caller) -> None:
    await sim.sim("clock", {"speed": 0})
    await sim.sim("config", {"min_delay_ms_override": None})
    instance = await sim.create(delaySendMessagesMilliseconds=1000)
    await sim.advance(1)
    await instance.phone("scan", {})
    ids = [await instance.send(f"m{number}") for number in range(4)]
    await sim.advance(0)
    queue = await instance.call("showMessagesQueue")
    assert [item["messageID"] for item in queue] == ids
    assert queue[0]["type"] == "sendMessage"
    assert queue[0]["body"] == {"chatId": CHAT, "message": "m0", "linkPreview": True}
    await sim.advance(0.001)
    assert await instance.call("getMessagesCount") == {"count": 3}
    await sim.advance(2.5)
    assert [item["messageID"] for item in await instance.call("showMessagesQueue")] == ids[3:]
    await sim.advance(1)
    sent = (await sim.sim(f"messages?id_instance={instance.id}"))["messages"]
    assert [message["id_message"] for message in sent] == ids
    moments = [message["sent_at"] for message in sent]
    assert moments == sorted(moments)
    assert len(set(moments)) == 4


async def test_sends_wait_for_the_phone_and_a_day_at_most(sim: Caller) -> None:
    instance = await sim.create()
    await instance.until("notAuthorized")
    old = await instance.send("old")
    await sim.advance(80000)
    young = await instance.send("young")
    await sim.advance(10000)
    assert [item["messageID"] for item in await instance.call("showMessagesQueue")] == [young]
    await instance.phone("scan", {})
    await sim.advance(1)
    status = {m["id_message"]: m["status"] for m in (await sim.sim("messages"))["messages"]}
    assert status == {old: "expired", young: "sent"}


async def test_clearing_the_queue_sends_nothing_of_it(sim: Caller) -> None:
    instance = await sim.create()
    await instance.until("notAuthorized")
    await instance.send()
    assert await instance.call("clearMessagesQueue") == {"isCleared": True}
    await instance.phone("scan", {})
    await sim.advance(10)
    assert [m["status"] for m in (await sim.sim("messages"))["messages"]] == ["cleared"]


async def test_statuses_come_by_themselves_after_their_delays(sim: Caller) -> None:
    await sim.sim("config", {"deliver_after_seconds": 5, "read_after_seconds": 10})
    instance = await sim.linked(outgoingWebhook="yes")
    sent = await instance.send()
    await sim.advance(4)
    await sim.advance(20)
    told = [(body["idMessage"], body["status"]) for body in await instance.pull_all()]
    assert told == [(sent, "sent"), (sent, "delivered"), (sent, "read")]


async def test_statuses_come_from_the_control_face_alone_when_delays_are_null(sim: Caller) -> None:
    instance = await sim.linked(outgoingWebhook="yes")
    sent = await instance.send()
    await sim.advance(3600)
    assert [body["status"] for body in await instance.pull_all()] == ["sent"]
    await instance.phone("deliver", {"id_message": sent})
    await instance.phone("read", {"id_message": sent})
    assert [body["status"] for body in await instance.pull_all()] == ["delivered", "read"]
    async with sim.session.post(f"{sim.url}/_sim/instances/{instance.id}/read", json={"id_message": sent}) as again:
        assert again.status == 409


async def test_a_number_without_account_is_told_even_with_all_switches_off(sim: Caller) -> None:
    await sim.sim("config", {"no_account": ["79990003344"]})
    instance = await sim.linked()
    sent = await instance.send()
    await sim.advance(1)
    (told,) = await instance.pull_all()
    assert (told["typeWebhook"], told["idMessage"], told["status"]) == (
        "outgoingMessageStatus",
        sent,
        "noAccount",
    )


async def test_no_account_gets_no_echo(sim: Caller) -> None:
    await sim.sim("config", {"no_account": ["79990003344"]})
    instance = await sim.linked(outgoingAPIMessageWebhook="yes")
    await instance.send()
    await instance.send(chat="79995556677@c.us")
    await sim.advance(1)
    told = [(body["typeWebhook"], body.get("status")) for body in await instance.pull_all()]
    assert told == [("outgoingMessageStatus", "noAccount"), ("outgoingAPIMessageReceived", None)]


async def test_the_echo_of_a_sent_message_names_the_own_number(sim: Caller) -> None:
    instance = await sim.create(outgoingAPIMessageWebhook="yes")
    await instance.until("notAuthorized")
    await instance.phone("scan", {"wid": "79990001122@c.us"})
    sent = await instance.send("hi there")
    await sim.advance(1)
    (echo,) = await instance.pull_all()
    assert echo["typeWebhook"] == "outgoingAPIMessageReceived"
    assert echo["idMessage"] == sent
    assert echo["senderData"]["sender"] == "79990001122@c.us"
    assert echo["senderData"]["chatId"] == CHAT
    assert echo["messageData"]["extendedTextMessageData"]["text"] == "hi there"


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({"message": "x"}, "'chatId' is required"),
        ({"chatId": CHAT}, "'message' is required"),
        ({"chatId": "79990003344", "message": "x"}, "'chatId'"),
        ({"chatId": CHAT, "message": 5}, "'message' must be a string"),
        (
            {"chatId": CHAT, "message": "x" * 20001},
            "'message' length must be less than or equal to 20000 characters long",
        ),
        ({"chatId": CHAT, "message": "x", "typingTime": 5}, "'typingTime' must be larger than or equal to 1000"),
    ],
)
async def test_an_unfit_message_is_refused_and_not_accepted(
    sim: Caller, body: dict[str, object], complaint: str
) -> None:
    instance = await sim.linked()
    status, text, _ = await instance.raw("sendMessage", body)
    assert status == 400
    assert f"Validation failed. Details: {complaint}" in text
    assert (await sim.sim("messages"))["messages"] == []


async def test_what_is_not_json_is_refused_in_plain_text(sim: Caller) -> None:
    instance = await sim.linked()
    path = instance.path("sendMessage")
    assert (await sim.raw("POST", path, data=b'{"a" b}'))[:2] == (
        400,
        "Unexpected token b in JSON at position 5",
    )
    assert (await sim.raw("POST", path, data=b'{"a":'))[:2] == (400, "Unexpected end of JSON input")
    assert (await sim.raw("POST", path, data=b"[" * 90000))[0] == 400
    assert (await sim.raw("POST", path, data=b"\xff\xfe"))[0] == 400


async def test_a_body_over_100_kilobytes_is_refused_without_being_read(sim: Caller) -> None:
    instance = await sim.linked()
    status, text, _ = await instance.raw("sendMessage", {"chatId": CHAT, "message": "x" * 200_000})
    assert (status, text) == (500, "request entity too large")
    assert (await sim.sim("messages"))["messages"] == []


async def test_journals_are_flat_newest_first_and_hold_only_what_was_switched_on(sim: Caller) -> None:
    instance = await sim.linked(incomingWebhook="yes", outgoingWebhook="yes")
    first = (await instance.phone("receive", {"chat_id": CHAT, "text": "hi", "sender_name": "Ann"}))["id_message"]
    sent = await instance.send("hello")
    await instance.phone("send_from_phone", {"chat_id": CHAT, "text": "unseen"})
    await sim.advance(60)
    second = (await instance.phone("receive", {"chat_id": CHAT, "text": "again"}))["id_message"]
    history = await instance.call("getChatHistory", {"chatId": CHAT})
    assert [row["idMessage"] for row in history] == [second, sent, first]
    assert [row["idMessage"] for row in await instance.call("lastIncomingMessages")] == [second, first]
    (row,) = await instance.call("lastOutgoingMessages")
    assert (row["textMessage"], row["statusMessage"], row["sendByApi"]) == ("hello", "sent", True)
    assert "messageData" not in row
    one = await instance.call("getMessage", {"chatId": CHAT, "idMessage": first})
    assert (one["type"], one["textMessage"], one["senderName"]) == ("incoming", "hi", "Ann")
    assert (await instance.raw("getMessage", {"chatId": CHAT, "idMessage": "none"}))[0] == 400
    assert len(await instance.call("getChatHistory", {"chatId": CHAT, "count": 1})) == 1


async def test_minutes_are_taken_from_the_query_or_from_a_body_on_get(sim: Caller) -> None:
    instance = await sim.linked(incomingWebhook="yes")
    await instance.phone("receive", {"chat_id": CHAT, "text": "old"})
    await sim.advance(600)
    await instance.phone("receive", {"chat_id": CHAT, "text": "new"})
    path = instance.path("lastIncomingMessages")
    async with sim.session.get(f"{sim.url}{path}?minutes=5") as answer:
        assert [row["textMessage"] for row in await answer.json()] == ["new"]
    async with sim.session.get(f"{sim.url}{path}", json={"minutes": 5}) as answer:
        assert [row["textMessage"] for row in await answer.json()] == ["new"]
    assert len(await instance.call("lastIncomingMessages")) == 2
