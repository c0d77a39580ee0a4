"""Warm-up, restarts, settings, pairing and the accidents of an instance's life."""

from __future__ import annotations

import base64

import aiohttp
import pytest

from .conftest import Caller, Rented

STARTING = "instance in starting process try later"


async def test_a_new_instance_warms_up_401_then_null_then_starting_then_not_authorized(sim: Caller) -> None:
    await sim.sim("clock", {"speed": 0})
    await sim.sim("config", {"warmup_401_seconds": 20, "warmup_null_seconds": 5, "starting_seconds": 30})
    instance = await sim.create()
    status, text, headers = await instance.raw("getStateInstance")
    assert (status, text, headers["Content-Length"]) == (401, "", "0")
    assert (await instance.raw("setSettings", {"stateWebhook": "yes"}))[0] == 401
    await sim.advance(20)
    assert (await instance.raw("getStateInstance"))[:2] == (200, "null")
    assert (await instance.raw("getSettings"))[:2] == (400, STARTING)
    await sim.advance(5)
    assert await instance.call("getStateInstance") == {"stateInstance": "starting"}
    assert (await instance.raw("qr"))[:2] == (400, STARTING)
    assert (await instance.call("getSettings"))["wid"] == ""
    await sim.advance(29.9)
    assert await instance.call("getStateInstance") == {"stateInstance": "starting"}
    await sim.advance(0.2)
    assert await instance.call("getStateInstance") == {"stateInstance": "notAuthorized"}


async def test_settings_not_given_are_off_and_those_sent_later_change_alone(sim: Caller) -> None:
    instance = await sim.linked(incomingWebhook="yes", webhookUrlToken="t")
    assert await instance.call("setSettings", {"outgoingWebhook": "yes", "unknownKey": 1}) == {"saveSettings": True}
    settings = await instance.call("getSettings")
    assert settings["incomingWebhook"] == "yes"
    assert settings["outgoingWebhook"] == "yes"
    assert settings["stateWebhook"] == "no"
    assert settings["webhookUrlToken"] == "t"
    assert settings["wid"].endswith("@c.us")
    assert "unknownKey" not in settings


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({}, "at least one"),
        ({"stateWebhook": True}, "'stateWebhook' must be one of [yes, no]"),
        ({"delaySendMessagesMilliseconds": "soon"}, "must be a number"),
        ({"delaySendMessagesMilliseconds": 600001}, "must be less than or equal to 600000"),
    ],
)
async def test_unfit_settings_are_refused_and_change_nothing(
    sim: Caller, body: dict[str, object], complaint: str
) -> None:
    instance = await sim.linked()
    before = await instance.call("getSettings")
    status, text, _ = await instance.raw("setSettings", body, "POST")
    assert status == 400
    assert complaint in text
    assert (await instance.truth())["state"] == "authorized"
    assert await instance.call("getSettings") == before


async def _states(instance: Rented) -> list[str]:
    found = await instance.pull_all()
    return [body["stateInstance"] for body in found if body["typeWebhook"] == "stateInstanceChanged"]


@pytest.mark.parametrize("act", ["setSettings", "reboot"])
async def test_a_restart_goes_through_starting_and_back_and_tells_both(sim: Caller, act: str) -> None:
    await sim.sim("config", {"restart_seconds": 60})
    instance = await sim.linked(stateWebhook="yes")
    await _states(instance)
    await instance.call(act, {"keepOnlineStatus": "yes"} if act == "setSettings" else None)
    assert await instance.call("getStateInstance") == {"stateInstance": "starting"}
    await sim.advance(61)
    assert await instance.call("getStateInstance") == {"stateInstance": "authorized"}
    assert await _states(instance) == ["starting", "authorized"]


async def test_state_changes_are_not_told_when_the_switch_is_off(sim: Caller) -> None:
    instance = await sim.linked()
    await instance.call("logout")
    assert await instance.pull() is None


async def test_a_stuck_instance_is_freed_by_a_reboot(sim: Caller) -> None:
    instance = await sim.linked()
    await instance.phone("stick_starting", {"seconds": 3600})
    await sim.advance(1800)
    assert await instance.call("getStateInstance") == {"stateInstance": "starting"}
    assert await instance.call("reboot") == {"isReboot": True}
    await sim.advance(1)
    assert await instance.call("getStateInstance") == {"stateInstance": "authorized"}


async def test_a_stuck_instance_comes_back_by_itself_at_the_end(sim: Caller) -> None:
    instance = await sim.linked()
    await instance.phone("stick_starting", {"seconds": 3600})
    await sim.advance(3601)
    assert await instance.call("getStateInstance") == {"stateInstance": "authorized"}


async def test_the_code_is_a_png_that_changes_every_twenty_seconds(sim: Caller) -> None:
    await sim.sim("clock", {"speed": 0})
    instance = await sim.create()
    await sim.advance(1)
    first = await instance.call("qr")
    assert first["type"] == "qrCode"
    assert base64.b64decode(first["message"]).startswith(b"\x89PNG\r\n\x1a\n")
    await sim.advance(18)
    assert await instance.call("qr") == first
    await sim.advance(2)
    assert (await instance.call("qr"))["message"] != first["message"]


async def test_a_scan_links_the_phone_fills_the_wid_and_is_told(sim: Caller) -> None:
    instance = await sim.create(stateWebhook="yes")
    await instance.until("notAuthorized")
    await instance.phone("scan", {"wid": "79990001122@c.us"})
    assert await instance.call("getStateInstance") == {"stateInstance": "authorized"}
    assert (await instance.call("qr")) == {
        "type": "alreadyLogged",
        "message": "instance account already authorized",
    }
    account = await instance.call("getWaSettings")
    assert (account["phone"], account["stateInstance"]) == ("79990001122", "authorized")
    last = (await instance.pull_all())[-1]
    assert last["stateInstance"] == "authorized"
    assert last["instanceData"] == {
        "idInstance": instance.id,
        "wid": "79990001122@c.us",
        "typeInstance": "whatsapp",
    }


async def test_a_second_scan_is_a_conflict(sim: Caller) -> None:
    instance = await sim.linked()
    async with sim.session.post(f"{sim.url}/_sim/instances/{instance.id}/scan", json={}) as answer:
        assert answer.status == 409


async def test_logout_empties_the_wid_and_brings_codes_again(sim: Caller) -> None:
    instance = await sim.linked(stateWebhook="yes")
    await instance.pull_all()
    assert await instance.call("logout") == {"isLogout": True}
    (told,) = await instance.pull_all()
    assert (told["stateInstance"], told["instanceData"]["wid"]) == ("notAuthorized", "")
    assert (await instance.call("qr"))["type"] == "qrCode"
    assert (await instance.call("getWaSettings"))["phone"] == ""


async def test_a_phone_code_links_the_number_it_was_asked_for(sim: Caller) -> None:
    instance = await sim.create()
    await instance.until("notAuthorized")
    got = await instance.call("getAuthorizationCode", {"phoneNumber": 79991112233})
    assert got["status"] is True
    assert len(got["code"]) == 8
    async with sim.session.post(
        f"{sim.url}/_sim/instances/{instance.id}/enter_code", json={"code": "WRONG000"}
    ) as answer:
        assert answer.status == 409
    await instance.phone("enter_code", {"code": got["code"]})
    assert (await instance.truth())["wid"] == "79991112233@c.us"
    assert await instance.call("getAuthorizationCode", {"phoneNumber": 79991112233}) == {
        "status": False,
        "code": "",
    }


async def test_a_phone_code_dies_after_150_seconds_and_with_the_next_one(sim: Caller) -> None:
    instance = await sim.create()
    await instance.until("notAuthorized")
    asked = {"phoneNumber": 79991112233}
    first = await instance.call("getAuthorizationCode", asked)
    second = await instance.call("getAuthorizationCode", asked)
    assert first["code"] != second["code"]
    address = f"{sim.url}/_sim/instances/{instance.id}/enter_code"
    async with sim.session.post(address, json={"code": first["code"]}) as answer:
        assert answer.status == 409
    await sim.advance(151)
    async with sim.session.post(address, json={"code": second["code"]}) as answer:
        assert answer.status == 409
    assert (await instance.truth())["state"] == "notAuthorized"


async def test_too_many_phone_codes_in_a_row_send_it_to_starting(sim: Caller) -> None:
    await sim.sim("config", {"restart_seconds": 60})
    instance = await sim.create()
    await instance.until("notAuthorized")
    asked = {"phoneNumber": 79991112233}
    for _ in range(3):
        assert (await instance.call("getAuthorizationCode", asked))["status"] is True
    assert (await instance.call("getAuthorizationCode", asked)) == {"status": False, "code": ""}
    assert await instance.call("getStateInstance") == {"stateInstance": "starting"}
    await sim.advance(61)
    assert (await instance.call("getAuthorizationCode", asked))["status"] is True


async def test_after_a_wrong_code_the_older_upstream_refuses_until_a_reboot(sim: Caller) -> None:
    await sim.sim("config", {"wrong_code_sticks": True})
    instance = await sim.create()
    await instance.until("notAuthorized")
    asked = {"phoneNumber": "79991112233"}
    await instance.call("getAuthorizationCode", asked)
    await sim.session.post(f"{sim.url}/_sim/instances/{instance.id}/enter_code", json={"code": "NO"})
    assert (await instance.call("getAuthorizationCode", asked))["status"] is False
    await instance.call("reboot")
    await instance.until("notAuthorized")
    assert (await instance.call("getAuthorizationCode", asked))["status"] is True


async def test_the_socket_shows_each_new_code_and_then_the_account(sim: Caller) -> None:
    instance = await sim.create()
    await instance.until("notAuthorized")
    async with sim.session.ws_connect(sim.url + instance.path("scanqrcode")) as socket:
        first = await socket.receive_json(timeout=20)
        await sim.advance(20)
        second = await socket.receive_json(timeout=20)
        assert first["type"] == second["type"] == "qrCode"
        assert first["message"] != second["message"]
        await instance.phone("scan", {"wid": "79990001122@c.us", "push_name": "Ann"})
        last = await socket.receive_json(timeout=20)
        assert last["type"] == "accountData"
        assert (last["message"]["wid"], last["message"]["pushname"]) == ("79990001122@c.us", "Ann")
        assert (await socket.receive(timeout=20)).type is aiohttp.WSMsgType.CLOSE
    async with sim.session.ws_connect(sim.url + instance.path("scanqrcode")) as socket:
        assert (await socket.receive_json(timeout=20))["type"] == "alreadyLogged"


async def test_the_socket_gives_up_after_a_hundred_seconds(sim: Caller) -> None:
    instance = await sim.create()
    await instance.until("notAuthorized")
    async with sim.session.ws_connect(sim.url + instance.path("scanqrcode")) as socket:
        await sim.advance(101)
        kinds = []
        async for message in socket:
            kinds.append(message.json()["type"])
        assert kinds == ["qrCode"] * 6 + ["timeout"]


async def test_one_viewer_at_a_time_and_the_place_is_free_when_he_leaves(sim: Caller) -> None:
    instance = await sim.create()
    await instance.until("notAuthorized")
    address = sim.url + instance.path("scanqrcode")
    async with sim.session.ws_connect(address) as first:
        await first.receive_json(timeout=20)
        async with sim.session.ws_connect(address) as second:
            assert (await second.receive_json(timeout=20))["type"] == "error"
    async with sim.session.ws_connect(address) as third:
        assert (await third.receive_json(timeout=20))["type"] == "qrCode"


async def test_the_socket_asks_for_the_token_too(sim: Caller) -> None:
    instance = await sim.create()
    await instance.until("notAuthorized")
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await sim.session.ws_connect(f"{sim.url}/waInstance{instance.id}/scanqrcode/wrong")
    assert refused.value.status == 401


async def test_a_ban_and_a_yellow_card_show_and_hold_the_queue(sim: Caller) -> None:
    instance = await sim.linked(stateWebhook="yes")
    await instance.pull_all()
    await instance.phone("yellow_card", {})
    await instance.send()
    assert await instance.call("getMessagesCount") == {"count": 1}
    await instance.call("reboot")
    await instance.until("authorized")
    await instance.phone("block", {})
    assert await instance.call("getStateInstance") == {"stateInstance": "blocked"}
    assert await _states(instance) == ["yellowCard", "starting", "authorized", "blocked"]


async def test_a_vanished_instance_is_neither_listed_nor_charged_nor_known(sim: Caller) -> None:
    instance = await sim.linked()
    await instance.phone("vanish", {})
    assert await sim.partner("getInstances") == []
    assert (await instance.raw("getStateInstance"))[0] == 403
    refused = await sim.partner("deleteInstanceAccount", {"idInstance": instance.id})
    assert refused == {"code": 404, "description": "Not found"}
    await sim.advance(3 * 86400)
    truth = await instance.truth()
    assert (truth["state"], truth["charges"], truth["deleted_at"]) == ("vanished", 1, None)


async def test_each_method_has_a_rate_of_its_own_told_in_headers(sim: Caller) -> None:
    await sim.sim("config", {"rate_limits": True})
    instance = await sim.create()
    await instance.until("notAuthorized")
    await sim.sim("clock", {"speed": 0})
    status, _, headers = await instance.raw("getStateInstance")
    assert (status, headers["X-RateLimit-Replenish-Rate"], headers["X-RateLimit-Remaining"]) == (200, "1", "0")
    status, text, headers = await instance.raw("getStateInstance")
    assert (status, text, headers["Content-Length"]) == (429, "", "0")
    assert "Retry-After" not in headers
    assert (await instance.raw("getSettings"))[0] == 200
    assert [(await instance.raw("qr"))[0] for _ in range(4)] == [200, 200, 200, 429]
    await sim.advance(1)
    assert (await instance.raw("getStateInstance"))[0] == 200
