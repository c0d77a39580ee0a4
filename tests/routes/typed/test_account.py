"""The account behind an instance, its settings and its queue."""

import httpx2

from tests.routes.typed.phone import JPEG, Phone


async def test_the_account_tells_of_itself(phone: Phone) -> None:
    account = await phone.good("GET", "account")
    assert (account["object"], account["phone"], account["connection"]) == ("account", "79990001122", "connected")
    assert account["chat_id"] == "79990001122@c.us"
    device = await phone.good("GET", "account/device")
    assert (device["object"], device["platform"]) == ("device", "android")
    history = (await phone.good("GET", "account/history?limit=1"))["data"]
    assert [record["connection"] for record in history] == ["connected"]
    assert len((await phone.good("GET", "account/history"))["data"]) >= 2


async def test_settings_are_changed_and_notifications_stay_ours(phone: Phone) -> None:
    upstream_id = phone.sender.instance.upstream_id
    path = f"instances?id_instance={upstream_id}"
    [before] = (await phone.sender.upstream.control("GET", path))["instances"]
    change = {"send_delay_ms": 1500, "mark_incoming_read": True, "typing_speed": 2, "keep_online": True}
    assert await phone.good("PATCH", "settings", change) is None

    async def restarted() -> bool:
        return (await phone.call("GET", "settings")).status_code == 200

    await phone.sender.drain(until=restarted)
    settings = await phone.good("GET", "settings")
    assert settings["object"] == "settings"
    assert {name: settings[name] for name in change} == change
    [after] = (await phone.sender.upstream.control("GET", path))["instances"]
    for name in ("webhookUrl", "webhookUrlToken", "incomingWebhook"):
        assert before["settings"][name] == after["settings"][name]
        assert name not in settings


async def test_the_account_gets_a_picture(phone: Phone, http: httpx2.AsyncClient) -> None:
    picture = await phone.good("PUT", "account/picture", content=JPEG, kind="image/jpeg")
    assert picture["object"] == "account_picture"
    assert (await http.get(picture["picture_link"])).content == JPEG
    soon = await phone.call("PUT", "account/picture", content=JPEG, kind="image/jpeg")
    assert (soon.status_code, soon.json()["code"]) == (429, "rate_limited")


async def test_the_queue_is_told_counted_and_cleared(phone: Phone) -> None:
    await phone.act("yellow_card")
    assert (await phone.sender.send("Held")).status_code == 202
    [queued] = (await phone.good("GET", "queue"))["data"]
    assert (queued["object"], queued["kind"], queued["content"]["text"]) == ("queued_message", "text", "Held")
    assert (await phone.good("GET", "queue/count"))["count"] == 1
    assert await phone.good("DELETE", "queue") is None
    assert (await phone.good("GET", "queue"))["data"] == []
