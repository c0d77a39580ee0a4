"""The rest of an account: picture, token, history, calls, suspension, and the pairing socket."""

from __future__ import annotations

import base64
from typing import Any

import aiohttp

from simulator.main import Running
from simulator.methods.table import INSTANCE_METHODS
from simulator.people import PhoneCall
from simulator.pictures import SMALLEST

from .conftest import Caller, Rented

ANN = "79990003344@c.us"
WID = "79990001122@c.us"


async def _picture(instance: Rented, picture: bytes, **options: Any) -> tuple[int, Any]:
    form = aiohttp.FormData(default_to_multipart=True)
    form.add_field("file", picture, filename="a.jpg", content_type="image/jpeg")
    address = instance.caller.url + instance.path("setProfilePicture")
    async with instance.caller.session.post(address, data=form, **options) as answer:
        return answer.status, await answer.json(content_type=None) if answer.status == 200 else None


async def test_the_account_shows_the_picture_it_was_given(sim: Caller) -> None:
    instance = await sim.linked()
    status, told = await _picture(instance, SMALLEST)
    assert (status, told["setProfilePicture"], told["reason"]) == (200, True, None)
    account = await instance.call("getWaSettings")
    assert account["avatar"] == told["urlAvatar"]
    assert base64.b64decode(account["base64Avatar"]) == SMALLEST
    async with sim.session.get(told["urlAvatar"]) as picture:
        assert await picture.read() == SMALLEST
    await instance.call("logout")
    account = await instance.call("getWaSettings")
    assert (account["avatar"], account["base64Avatar"], account["phone"]) == ("", "", "")


async def test_what_is_no_jpeg_in_a_form_is_refused_inside_200(sim: Caller) -> None:
    instance = await sim.linked()
    refused = {"setProfilePicture": False, "urlAvatar": None, "reason": "bad request data"}
    assert await _picture(instance, b"GIF89a") == (200, refused)
    assert await _picture(instance, b"") == (200, refused)
    path = sim.url + instance.path("setProfilePicture")
    async with sim.session.post(path, data=SMALLEST, headers={"Content-Type": "image/jpeg"}) as answer:
        assert await answer.json() == refused
    assert (await instance.call("getWaSettings"))["avatar"] == ""
    unpaired = await sim.create("unpaired")
    await unpaired.until("notAuthorized")
    assert (await _picture(unpaired, SMALLEST))[0] == 400


async def test_a_picture_goes_once_in_ten_seconds(sim: Caller) -> None:
    await sim.sim("clock", {"speed": 0})
    await sim.sim("config", {"rate_limits": True})
    instance = await sim.create()
    await sim.advance(1)
    await instance.phone("scan", {})
    assert (await _picture(instance, SMALLEST))[0] == 200
    await sim.advance(9)
    assert (await _picture(instance, SMALLEST))[0] == 429
    await sim.advance(1)
    assert (await _picture(instance, SMALLEST))[0] == 200


async def test_a_new_token_ends_the_old_one_at_once(sim: Caller) -> None:
    instance, other = await sim.linked("one"), await sim.linked("other")
    assert len(await sim.partner("getInstances")) == 2
    made = (await instance.call("updateApiToken"))["apiTokenInstance"]
    assert made != instance.token
    status, text, _ = await instance.raw("getStateInstance")
    assert (status, text) == (401, "")
    instance.token = made
    assert await instance.call("getStateInstance") == {"stateInstance": "authorized"}
    listed = {row["idInstance"]: row["apiTokenInstance"] for row in await sim.partner("getInstances")}
    assert listed == {instance.id: made, other.id: other.token}


async def test_a_new_token_whose_answer_is_lost_has_ended_the_old_one_all_the_same(sim: Caller) -> None:
    instance = await sim.linked()
    await sim.faults({"method": "updateApiToken", "kind": "done_then_status", "times": 1})
    assert (await instance.raw("updateApiToken"))[0] == 502
    assert (await instance.raw("updateApiToken"))[0] == 401
    assert (await sim.partner("getInstances"))[0]["apiTokenInstance"] != instance.token


async def test_the_history_tells_changes_newest_first_with_the_number(sim: Caller) -> None:
    instance = await sim.create()
    await instance.until("notAuthorized")
    await instance.phone("scan", {"wid": WID})
    await instance.call("reboot")
    await instance.until("authorized")
    await instance.phone("yellow_card", {})
    await instance.phone("lift", {})
    await instance.phone("block", {})
    await instance.phone("lift", {})
    await instance.phone("unlink", {})
    rows = await instance.call("getStateInstanceHistory")
    assert [(row["stateInstance"], row["phoneNumber"]) for row in rows] == [
        ("notAuthorized", WID),
        ("authorized", WID),
        ("blocked", WID),
        ("authorized", WID),
        ("notAuthorized", ""),
    ]
    assert all(row["timestamp"] > 0 for row in rows)
    assert await instance.call("getStateInstanceHistory", {"count": 2}, "GET") == rows[:2]
    async with sim.session.get(f"{sim.url}{instance.path('GetStateInstanceHistory')}?count=1") as answer:
        assert await answer.json() == rows[:1]
    assert (await sim.raw("GET", f"{instance.path('getStateInstanceHistory')}?count=none"))[0] == 400


async def test_an_old_method_says_whether_there_is_a_session(sim: Caller) -> None:
    instance = await sim.create()
    await instance.until("notAuthorized")
    assert await instance.call("getStatusInstance") == {"statusInstance": "offline"}
    await instance.phone("scan", {})
    assert await instance.call("getStatusInstance") == {"statusInstance": "online"}
    await instance.phone("block", {})
    assert await instance.call("getStatusInstance") == {"statusInstance": "offline"}


async def test_a_suspension_is_told_with_its_end_holds_the_queue_and_lifts_itself(sim: Caller) -> None:
    await sim.sim("clock", {"speed": 0})
    instance = await sim.create(stateWebhook="yes")
    await sim.advance(1)
    await instance.phone("scan", {})
    await instance.phone("suspend", {"seconds": 3600})
    account = await instance.call("getWaSettings")
    assert (account["stateInstance"], account["suspendedUntil"] > 0, account["phone"] != "") == (
        "suspended",
        True,
        True,
    )
    await instance.send()
    assert await instance.call("getMessagesCount") == {"count": 1}
    await sim.advance(3601)
    assert await instance.call("getStateInstance") == {"stateInstance": "authorized"}
    assert "suspendedUntil" not in await instance.call("getWaSettings")
    assert await instance.call("getMessagesCount") == {"count": 0}


async def test_a_suspension_that_was_lifted_does_not_end_the_next_one(sim: Caller) -> None:
    instance = await sim.linked()
    await instance.phone("suspend", {"seconds": 100})
    await instance.phone("lift", {})
    await instance.phone("suspend", {"seconds": 1000})
    await sim.advance(200)
    assert await instance.call("getStateInstance") == {"stateInstance": "suspended"}


async def test_calls_are_listed_by_direction_newest_first_once_they_stopped_ringing(
    sim: Caller, running: Running
) -> None:
    instance = await sim.linked()
    calls = running.world.instances[instance.id].calls
    now = running.world.clock.now()
    calls.append(PhoneCall("CA1", "incoming", ANN, now - 600, status="pickUp", duration=12))
    calls.append(PhoneCall("CA2", "outgoing", ANN, now - 500, is_video=True, status="declined"))
    calls.append(PhoneCall("CA3", "incoming", ANN, now - 5, status="hungUp"))
    calls.append(PhoneCall("CA4", "incoming", ANN, now))
    assert [row["idMessage"] for row in await instance.call("lastIncomingCalls")] == ["CA3", "CA1"]
    assert await instance.call("lastOutgoingCalls") == [
        {
            "type": "outgoing",
            "idMessage": "CA2",
            "timestamp": int(now - 500),
            "typeMessage": "outgoingCall",
            "chatId": ANN,
            "duration": 0,
            "isVideo": True,
            "status": "declined",
        }
    ]
    async with sim.session.get(f"{sim.url}{instance.path('lastIncomingCalls')}?minutes=5") as answer:
        assert [row["idMessage"] for row in await answer.json()] == ["CA3"]
    assert (await sim.raw("GET", f"{instance.path('lastOutgoingCalls')}?minutes=x"))[0] == 400


async def test_the_socket_shows_each_code_at_the_moment_it_changes(sim: Caller) -> None:
    await sim.sim("clock", {"speed": 0})
    instance = await sim.create()
    await sim.advance(1)
    await sim.advance(15)
    async with sim.session.ws_connect(sim.url + instance.path("scanqrcode")) as socket:
        first = await socket.receive_json(timeout=20)
        assert first == await instance.call("qr")
        await sim.advance(5)
        second = await socket.receive_json(timeout=20)
        assert second["message"] != first["message"]
        assert second == await instance.call("qr")


async def test_the_socket_of_a_banned_account_says_so(sim: Caller) -> None:
    instance = await sim.linked()
    await instance.phone("block", {})
    async with sim.session.ws_connect(sim.url + instance.path("scanqrcode")) as socket:
        assert await socket.receive_json(timeout=20) == {"type": "error", "message": "instance is blocked"}
        assert (await socket.receive(timeout=20)).type is aiohttp.WSMsgType.CLOSE


async def test_the_last_frame_can_be_the_older_servers(sim: Caller) -> None:
    await sim.sim("config", {"qr_timeout_frame": "timeoutExpired"})
    instance = await sim.create()
    await instance.until("notAuthorized")
    async with sim.session.ws_connect(sim.url + instance.path("scanqrcode")) as socket:
        await sim.advance(101)
        kinds = [message.json()["type"] async for message in socket]
        assert kinds[-1] == "timeoutExpired"


async def test_every_method_of_an_instance_answers_401_to_a_wrong_token(sim: Caller) -> None:
    instance = await sim.linked()
    for method in INSTANCE_METHODS.values():
        verb = next(iter(method.verbs))
        status, text, _ = await sim.raw(verb, f"/waInstance{instance.id}/{method.name}/wrong", data=b"{")
        assert (method.name, status, text) == (method.name, 401, "")


async def test_the_socket_of_a_deleted_instance_closes(sim: Caller) -> None:
    instance = await sim.create()
    await instance.until("notAuthorized")
    async with sim.session.ws_connect(sim.url + instance.path("scanqrcode")) as socket:
        assert (await socket.receive_json(timeout=20))["type"] == "qrCode"
        await sim.partner("deleteInstanceAccount", {"idInstance": instance.id})
        assert (await socket.receive(timeout=20)).type is aiohttp.WSMsgType.CLOSE
