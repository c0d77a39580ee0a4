"""Callbacks: modes, headers, filters, and what happens when the receiver fails."""

from __future__ import annotations

from typing import Any

from tests.simulator.whapi.conftest import DAY, Channel, Receiver, Whapi, started

USERS = [{"type": "users", "method": "post"}, {"type": "users", "method": "delete"}]


async def _listening(whapi: Whapi, receiver: Receiver, **settings: Any) -> Channel:
    hook = {"url": receiver.url, "mode": "body", "events": USERS}
    return await whapi.linked(webhooks=[hook], **settings)


async def test_a_login_is_told_from_the_first_qr_to_auth_and_a_logout_after_it(
    whapi: Whapi, receiver: Receiver
) -> None:
    channel = await whapi.create()
    await channel.set(webhooks=[{"url": receiver.url}])
    await channel.up()
    await channel.act("scan", {"phone": "15550000001", "name": "Ada"})
    await channel.gate("POST", "users/logout")
    await receiver.has(7)
    assert receiver.events()[:7] == [
        "channel.post",
        "channel.post",
        "channel.post",
        "channel.patch",
        "users.post",
        "channel.post",
        "users.delete",
    ]
    texts = [body["health"]["status"]["text"] for body in receiver.got if "health" in body]
    assert texts[:4] == ["INIT", "LAUNCH", "QR", "AUTH"]
    assert receiver.got[3]["qr"]["status"] == "OK"
    assert receiver.got[4]["user"]["id"] == "15550000001"
    assert {body["channel_id"] for body in receiver.got} == {channel.id}


async def test_each_new_code_is_told_but_no_more_than_the_knob_says(whapi: Whapi, receiver: Receiver) -> None:
    channel = await whapi.create()
    hook = {"url": receiver.url, "events": [{"type": "channel", "method": "patch"}]}
    await channel.set(webhooks=[hook])
    await channel.up()
    await whapi.advance(3 * DAY)
    assert len({body["qr"]["rowdata"] for body in receiver.got}) == 5
    assert len(receiver.got) == 5


async def test_three_modes_put_the_event_in_three_places(whapi: Whapi, receiver: Receiver) -> None:
    hooks = [{"url": f"{receiver.url}/{mode}", "mode": mode, "events": USERS} for mode in ("body", "path", "method")]
    hooks[0]["headers"] = {"X-Route": "7", "Authorization": "Bearer s"}
    channel = await whapi.linked(webhooks=hooks)
    await channel.act("unlink")
    await receiver.has(6)
    seen = {(verb, path): body for (verb, path, _), body in zip(receiver.requests, receiver.got, strict=True)}
    assert set(seen) == {
        ("POST", "/hook/body"),
        ("POST", "/hook/path/users/post"),
        ("POST", "/hook/path/users/delete"),
        ("POST", "/hook/method/users"),
        ("DELETE", "/hook/method/users"),
    }
    assert "event" not in seen["DELETE", "/hook/method/users"]
    assert seen["DELETE", "/hook/method/users"]["channel_id"] == channel.id
    assert seen["POST", "/hook/path/users/post"]["event"] == {"type": "users", "event": "post"}
    headers = next(headers for _, path, headers in receiver.requests if path == "/hook/body")
    assert (headers["X-Route"], headers["Authorization"]) == ("7", "Bearer s")


async def test_the_verb_has_the_name_that_the_knob_says(receiver: Receiver) -> None:
    async with started(event_key="both") as whapi:
        await _listening(whapi, receiver)
        await receiver.has(1)
        assert receiver.got[0]["event"] == {"type": "users", "event": "post", "method": "post"}


async def test_a_failed_callback_comes_again_after_pauses_that_grow_by_steps(whapi: Whapi, receiver: Receiver) -> None:
    receiver.status = 500
    channel = await _listening(whapi, receiver, callback_backoff_delay_ms=4000)
    await receiver.has(1)
    for pause, count in ((3.5, 1), (1, 2), (7, 2), (1.5, 3), (10, 3), (2, 4)):
        await whapi.advance(pause)
        assert len(receiver.got) == count
    receiver.status = 200
    await whapi.advance(20)
    await whapi.advance(DAY)
    assert len(receiver.got) == 5
    lines = await whapi.journal(kind="notification", channel_id=channel.id, method="users.post")
    assert [line["event"] for line in lines] == ["queued", *["refused"] * 4, "acknowledged"]


async def test_five_attempts_are_made_unless_it_was_persisted_before_the_launch(receiver: Receiver) -> None:
    receiver.status = 500
    async with started() as whapi:
        channel = await _listening(whapi, receiver)
        await channel.set(callback_persist=True)
        await whapi.advance(DAY)
        assert len(receiver.got) == 5
        receiver.got.clear()
        await channel.manage("POST", "/restart")
        await whapi.advance(8)
        await channel.act("unlink")
        await whapi.advance(600)
        assert len(receiver.got) > 5
        receiver.status = 200
        await whapi.advance(900)
        count = len(receiver.got)
        await whapi.advance(DAY)
        assert len(receiver.got) == count


async def test_a_dead_receiver_does_not_slow_a_long_jump(whapi: Whapi) -> None:
    hook = {"url": "http://127.0.0.1:9/hook", "events": USERS}
    channel = await whapi.linked(webhooks=[hook], callback_persist=True)
    await whapi.advance(30 * DAY)
    lines = await whapi.journal(kind="notification", channel_id=channel.id, method="users.post")
    assert len(lines) > 100


async def test_a_callback_too_old_for_its_webhook_is_given_up(whapi: Whapi, receiver: Receiver) -> None:
    receiver.status = 500
    hook = {"url": receiver.url, "events": USERS, "webhook_max_age_seconds": 15}
    channel = await whapi.linked(webhooks=[hook], callback_persist=True)
    await whapi.advance(600)
    lines = await whapi.journal(kind="notification", channel_id=channel.id, method="users.post")
    assert lines[-1]["event"] == "expired"


async def test_a_failed_callback_holds_up_the_next_only_when_the_knob_says_so(receiver: Receiver) -> None:
    for ordered, expected in ((False, ["users.post", "users.delete"]), (True, ["users.post"])):
        async with started(webhook_ordered=ordered) as whapi:
            receiver.got.clear()
            receiver.status = 500
            channel = await _listening(whapi, receiver)
            await receiver.has(1)
            receiver.status = 200
            await channel.act("unlink")
            await whapi.advance(0.5)
            assert receiver.events() == expected
            await whapi.advance(60)
            assert sorted(receiver.events()) == ["users.delete", "users.post", "users.post"]


async def test_callbacks_are_doubled_dropped_and_late_by_knob_and_fault(receiver: Receiver) -> None:
    async with started(webhook_duplicates=1.0) as whapi:
        channel = await _listening(whapi, receiver)
        await receiver.has(2)
        await whapi.knobs(webhook_duplicates=0)
        await whapi.faults(
            {"method": "users.delete", "kind": "drop_notification", "channel_id": channel.id},
            {"method": "users.post", "kind": "late_notification", "delay_seconds": 50, "provider": "whapi"},
        )
        await channel.act("unlink")
        await whapi.advance(3)
        await channel.act("scan")
        await whapi.advance(40)
        assert len(receiver.got) == 2
        await whapi.advance(11)
        assert receiver.events() == ["users.post"] * 3


async def test_a_deleted_channel_tells_nothing_any_more(whapi: Whapi, receiver: Receiver) -> None:
    receiver.status = 500
    channel = await _listening(whapi, receiver, callback_persist=True)
    await receiver.has(1)
    await channel.manage("DELETE")
    await whapi.advance(DAY)
    assert len(receiver.got) == 1
