"""Settings of a channel, its profile, and the sample that webhook_test sends."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from tests.simulator.whapi.conftest import Receiver, Whapi

HOOK = {"url": "http://127.0.0.1:9/hook", "mode": "body"}


async def test_a_patch_replaces_the_webhooks_as_a_whole_and_leaves_the_rest(whapi: Whapi) -> None:
    channel = await whapi.create()
    first = {**HOOK, "headers": {"X-Route": "1"}, "events": [{"type": "messages", "method": "post"}]}
    told = await channel.set(webhooks=[first, HOOK], callback_persist=True)
    assert told["changes"] == ["webhooks", "callback_persist"]
    assert told["before_update"] == {"webhooks": [], "callback_persist": False}
    assert told["after_update"]["webhooks"] == [first, HOOK]
    told = await channel.set(webhooks=[HOOK])
    assert told["before_update"] == {"webhooks": [first, HOOK]}
    settings = (await channel.gate("GET", "settings")).ok()
    assert settings["webhooks"] == [HOOK]
    assert settings["callback_persist"]
    assert (await channel.set(callback_persist=True))["changes"] == []


@pytest.mark.parametrize(
    "body",
    [
        {"callback_backoff_delay_ms": 2999},
        {"callback_backoff_delay_ms": 15001},
        {"max_callback_backoff_delay_ms": 599_999},
        {"callback_persist": 1},
        {"proxy": "http://a:b@c:1"},
        {"webhooks": {}},
        {"webhooks": [{"mode": "body"}]},
        {"webhooks": [{**HOOK, "mode": "loud"}]},
        {"webhooks": [{**HOOK, "headers": {str(n): "x" for n in range(6)}}]},
        {"webhooks": [{**HOOK, "headers": {"X": "a\r\nb"}}]},
        {"webhooks": [{**HOOK, "events": [{"type": "gossip"}]}]},
        {"webhooks": [{**HOOK, "events": [{"type": "messages", "method": "get"}]}]},
        {"webhooks": [{**HOOK, "webhook_max_age_seconds": 14}]},
        {"media": {"auto_download": ["hologram"]}},
        {"mock_pairing_code": "SHORT"},
    ],
)
async def test_what_does_not_fit_is_400_and_changes_nothing(whapi: Whapi, body: dict[str, Any]) -> None:
    channel = await whapi.create()
    before = (await channel.gate("GET", "settings")).ok()
    assert (await channel.gate("PATCH", "settings", {**body, "offline_mode": True})).status == 400
    assert (await channel.gate("GET", "settings")).ok() == before


async def test_old_names_of_events_and_unknown_settings_pass(whapi: Whapi) -> None:
    channel = await whapi.create()
    await channel.set(webhooks=[{**HOOK, "events": [{"type": "ack", "method": "post"}]}], no_such_setting=1)
    await channel.set(proxy="socks5h://ada:secret@10.0.0.1:1080")
    await channel.set(proxy="", media={"auto_download": ["image"]}, callback_backoff_delay_ms=15000)


async def test_a_reset_is_done_once(whapi: Whapi) -> None:
    channel = await whapi.create()
    assert (await channel.gate("DELETE", "settings")).status == 409
    await channel.set(offline_mode=True)
    assert (await channel.gate("DELETE", "settings")).ok() == {"success": True}
    assert not (await channel.gate("GET", "settings")).ok()["offline_mode"]


async def test_the_events_that_may_be_asked_for_are_listed(whapi: Whapi) -> None:
    channel = await whapi.create()
    events = (await channel.gate("GET", "settings/events")).ok()
    assert {"type": "channel", "method": "patch"} in events
    await channel.set(webhooks=[{**HOOK, "events": events}])


async def test_the_test_sends_a_sample_where_it_is_told_to(whapi: Whapi, receiver: Receiver) -> None:
    channel = await whapi.create()
    body = {"type": "messages", "url": receiver.url, "mode": "body", "headers": {"X-Key": "k"}}
    assert (await channel.gate("POST", "settings/webhook_test", body)).ok() == {"success": True}
    await receiver.has(1)
    assert receiver.events() == ["messages.post"]
    assert receiver.requests[0][2]["X-Key"] == "k"
    for missing in ("type", "url", "mode"):
        short = {name: value for name, value in body.items() if name != missing}
        assert (await channel.gate("POST", "settings/webhook_test", short)).status == 400


async def test_the_profile_is_the_linked_accounts(whapi: Whapi) -> None:
    channel = await whapi.create()
    assert (await channel.gate("GET", "users/profile")).status == 401
    await channel.up()
    await channel.act("scan", {"name": "Shop"})
    assert (await channel.gate("GET", "users/profile")).ok() == {"name": "Shop", "about": ""}
    assert (await channel.gate("PATCH", "users/profile", {"about": "Hi", "icon": "aGk="})).ok() == {"success": True}
    profile = (await channel.gate("GET", "users/profile")).ok()
    assert profile["about"] == "Hi"
    assert (await whapi.call(profile["icon_full"], "GET", None)).raw == b"hi"
    for body in ({"about": "x" * 140}, {"name": "x"}, {"icon": "no base64!"}, {"icon": 5}):
        assert (await channel.gate("PATCH", "users/profile", body)).status == 400, body


async def test_a_picture_may_come_as_a_file(whapi: Whapi) -> None:
    channel = await whapi.linked()
    form = aiohttp.FormData()
    form.add_field("icon", b"picture", filename="me.jpg", content_type="image/jpeg")
    form.add_field("name", "Shop 2")
    assert (await channel.gate("PATCH", "users/profile", data=form)).ok() == {"success": True}
    profile = (await channel.gate("GET", "users/profile")).ok()
    assert (await whapi.call(profile["icon"], "GET", None)).raw == b"picture"
    assert (await channel.gate("GET", "health")).ok()["user"]["name"] == "Shop 2"


async def test_a_fixed_pairing_code_is_the_one_given(whapi: Whapi) -> None:
    channel = await whapi.create()
    await channel.set(mock_pairing_code="ABCD1234")
    await channel.up()
    assert (await channel.gate("GET", "users/login/15550000001")).ok() == {"code": "ABCD1234"}
