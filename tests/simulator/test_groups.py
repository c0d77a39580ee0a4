"""Groups: who is in them, who rules them, and every refusal inside HTTP 200."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from simulator.pictures import SMALLEST

from .conftest import Caller, Rented

ANN = "79990003344@c.us"
BEN = "79990005566@c.us"
CARL = "79990007788@c.us"
OTHERS = "120363000000000009@g.us"
SESSION = "instance is starting or not authorized"


async def _mine(instance: Rented, *people: str, name: str = "crew") -> str:
    made = await instance.call("createGroup", {"groupName": name, "chatIds": list(people or (ANN, BEN))})
    assert made["created"] is True
    assert made["groupInviteLink"].startswith("https://chat.whatsapp.com/")
    return str(made["chatId"])


async def _data(instance: Rented, group_id: str) -> dict[str, Any]:
    found = await instance.call("getGroupData", {"groupId": group_id})
    assert isinstance(found, dict), found
    return found


async def _ranks(instance: Rented, group_id: str) -> dict[str, tuple[bool, bool]]:
    data = await _data(instance, group_id)
    return {who["id"]: (who["isAdmin"], who["isSuperAdmin"]) for who in data["participants"]}


async def _form(instance: Rented, method: str, picture: bytes | None, **fields: str) -> tuple[int, Any]:
    form = aiohttp.FormData(default_to_multipart=True)
    for name, value in fields.items():
        form.add_field(name, value)
    if picture is not None:
        form.add_field("file", picture, filename="a.jpg", content_type="image/jpeg")
    async with instance.caller.session.post(instance.caller.url + instance.path(method), data=form) as answer:
        return answer.status, await answer.json(content_type=None)


async def test_a_group_has_its_maker_as_owner_and_those_with_an_account_as_members(sim: Caller) -> None:
    await sim.sim("config", {"no_account": [CARL.partition("@")[0]]})
    instance = await sim.linked()
    group_id = await _mine(instance, ANN, BEN, CARL)
    data = await _data(instance, group_id)
    own = (await instance.truth())["wid"]
    assert data["owner"] == data["subjectOwner"] == own
    assert (data["subject"], data["groupId"]) == ("crew", group_id)
    assert data["creation"] == data["subjectTime"]
    assert await _ranks(instance, group_id) == {own: (True, True), ANN: (False, False), BEN: (False, False)}
    assert data["groupInviteLink"].startswith("https://")
    (told,) = (await sim.sim(f"instances/{instance.id}/groups"))["groups"]
    assert told["members"] == {own: True, ANN: False, BEN: False}


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({"chatIds": [ANN]}, "'groupName' is required"),
        (
            {"groupName": "x" * 101, "chatIds": [ANN]},
            "'groupName' length must be less than or equal to 100 characters long",
        ),
        ({"groupName": "x"}, "'chatIds' is required"),
        ({"groupName": "x", "chatIds": []}, "'chatIds' must contain at least 1 items"),
        ({"groupName": "x", "chatIds": ANN}, "'chatIds' must be an array"),
        ({"groupName": "x", "chatIds": ["79990003344"]}, "'chatIds[0]'"),
    ],
)
async def test_an_unfit_group_is_not_made(sim: Caller, body: dict[str, object], complaint: str) -> None:
    instance = await sim.linked()
    status, text, _ = await instance.raw("createGroup", body)
    assert status == 400
    assert f"Validation failed. Details: {complaint}" in text
    assert (await sim.sim(f"instances/{instance.id}/groups"))["groups"] == []


async def test_a_group_cannot_be_in_a_group(sim: Caller) -> None:
    instance = await sim.linked()
    assert (await instance.raw("createGroup", {"groupName": "x", "chatIds": [OTHERS]}))[0] == 500


async def test_data_of_strange_groups_are_bare_json_strings(sim: Caller) -> None:
    instance = await sim.linked()
    await instance.phone("group", {"subject": "theirs", "group_id": OTHERS, "owner": ANN, "account": "outside"})
    unknown = await instance.raw("getGroupData", {"groupId": "120363000000000001@g.us"})
    assert unknown[:2] == (200, '"Error: item-not-found"')
    outside = await instance.raw("getGroupData", {"groupId": OTHERS})
    assert outside[:2] == (200, '"Error: forbidden"')
    assert (await instance.raw("getGroupData", {"groupId": ANN}))[0] == 400


async def test_admins_take_in_put_out_and_promote(sim: Caller) -> None:
    instance = await sim.linked()
    own = (await instance.truth())["wid"]
    group_id = await _mine(instance, ANN)

    async def ask(method: str, chat_id: str) -> Any:
        return await instance.call(method, {"groupId": group_id, "participantChatId": chat_id})

    assert await ask("addGroupParticipant", BEN) == {"addParticipant": True}
    assert await ask("addGroupParticipant", BEN) == {"addParticipant": True}
    assert await ask("setGroupAdmin", BEN) == {"setGroupAdmin": True}
    assert (await _ranks(instance, group_id))[BEN] == (True, False)
    assert await ask("removeAdmin", BEN) == {"removeAdmin": True}
    assert (await _ranks(instance, group_id))[BEN] == (False, False)
    assert await ask("removeAdmin", own) == {"removeAdmin": False}
    assert await ask("setGroupAdmin", CARL) == {"setGroupAdmin": False}
    assert await ask("removeGroupParticipant", ANN) == {"removeParticipant": True}
    assert await ask("removeGroupParticipant", ANN) == {"removeParticipant": False}
    assert set(await _ranks(instance, group_id)) == {own, BEN}


@pytest.mark.parametrize(
    ("method", "key"),
    [
        ("addGroupParticipant", "addParticipant"),
        ("removeGroupParticipant", "removeParticipant"),
        ("setGroupAdmin", "setGroupAdmin"),
        ("removeAdmin", "removeAdmin"),
    ],
)
@pytest.mark.parametrize("account", ["member", "outside"])
async def test_who_is_no_admin_rules_nothing(sim: Caller, method: str, key: str, account: str) -> None:
    instance = await sim.linked()
    group = {"subject": "theirs", "group_id": OTHERS, "owner": ANN, "members": [BEN], "account": account}
    await instance.phone("group", group)
    assert await instance.call(method, {"groupId": OTHERS, "participantChatId": BEN}) == {key: False}
    effects = await sim.journal(kind="effect", method=method)
    assert effects == []
    told = (await sim.journal(kind="call", method=method))[0]
    assert (told["real"], told["told"], told["http_status"]) == ("refused", "refused", 200)


async def test_who_has_no_account_or_does_not_want_to_is_not_taken_in(sim: Caller) -> None:
    await sim.sim("config", {"no_account": [BEN.partition("@")[0]], "group_limit": 2})
    instance = await sim.linked()
    await instance.phone("contact", {"chat_id": CARL, "refuses_groups": True})
    group_id = await _mine(instance, CARL)
    for chat_id in (BEN, CARL):
        refused = await instance.call("addGroupParticipant", {"groupId": group_id, "participantChatId": chat_id})
        assert refused == {"addParticipant": False}
    assert await instance.call("addGroupParticipant", {"groupId": group_id, "participantChatId": ANN})
    full = await instance.call("addGroupParticipant", {"groupId": group_id, "participantChatId": "79990009900@c.us"})
    assert full == {"addParticipant": False}


async def test_members_rename_only_where_they_may(sim: Caller) -> None:
    instance = await sim.linked()
    group = {"subject": "theirs", "group_id": OTHERS, "owner": ANN}
    await instance.phone("group", group)
    assert await instance.call("updateGroupName", {"groupId": OTHERS, "groupName": "ours"}) == {"updateGroupName": True}
    data = await _data(instance, OTHERS)
    assert (data["subject"], data["groupInviteLink"]) == ("ours", "")
    assert data["subjectOwner"] == (await instance.truth())["wid"]
    await instance.phone("group", {**group, "members_may_edit": False})
    refused = await instance.call("updateGroupName", {"groupId": OTHERS, "groupName": "again"})
    assert refused == {"updateGroupName": False}
    assert (await _data(instance, OTHERS))["subject"] == "theirs"


async def test_rules_change_for_admins_alone(sim: Caller) -> None:
    instance = await sim.linked()
    group_id = await _mine(instance)
    change = {"groupId": group_id, "allowParticipantsSendMessages": False}
    assert await instance.call("updateGroupSettings", change) == {"updateGroupSettings": True, "reason": ""}
    data = await _data(instance, group_id)
    assert data["allowParticipantsSendMessages"] is False
    assert data["allowParticipantsEditGroupSettings"] is True
    await instance.phone("group", {"subject": "theirs", "group_id": OTHERS, "owner": ANN})
    refused = await instance.call("updateGroupSettings", {"groupId": OTHERS, "allowParticipantsSendMessages": False})
    assert refused == {"updateGroupSettings": False, "reason": "FORBIDDEN"}
    unknown = await instance.call("updateGroupSettings", {"groupId": "120363000000000001@g.us"})
    assert unknown == {"updateGroupSettings": False, "reason": "NOT_ENOUGH_RIGHTS"}
    assert (await instance.raw("updateGroupSettings", {**change, "allowParticipantsSendMessages": "no"}))[0] == 400


async def test_a_picture_is_a_jpeg_in_a_form_and_can_be_seen(sim: Caller) -> None:
    instance = await sim.linked()
    group_id = await _mine(instance)
    status, told = await _form(instance, "setGroupPicture", SMALLEST, groupId=group_id)
    assert (status, told["setGroupPicture"], told["reason"]) == (200, True, "")
    async with sim.session.get(told["urlAvatar"]) as picture:
        assert (picture.status, await picture.read()) == (200, SMALLEST)
    seen = await instance.call("getAvatar", {"chatId": group_id})
    assert seen == {"urlAvatar": told["urlAvatar"], "available": True}


async def test_a_picture_is_refused_inside_200_with_a_reason(sim: Caller) -> None:
    instance = await sim.linked()
    group_id = await _mine(instance)
    await instance.phone("group", {"subject": "t", "group_id": OTHERS, "owner": ANN, "members_may_edit": False})
    strange = "120363000000000001@g.us"
    reasons = []
    for target, picture in ((group_id, b"GIF89a"), (group_id, None), (OTHERS, SMALLEST), (strange, SMALLEST)):
        status, told = await _form(instance, "setGroupPicture", picture, groupId=target)
        assert (status, told["setGroupPicture"], told["urlAvatar"]) == (200, False, None)
        reasons.append(told["reason"])
    assert reasons == ["bad request data", "bad request data", "forbidden", "item-not-found"]
    assert (await _form(instance, "setGroupPicture", SMALLEST))[0] == 400


async def test_who_left_is_outside_and_somebody_rules_on(sim: Caller) -> None:
    instance = await sim.linked()
    group_id = await _mine(instance, ANN, BEN)
    assert await instance.call("leaveGroup", {"groupId": group_id}) == {"leaveGroup": True}
    assert (await instance.raw("getGroupData", {"groupId": group_id}))[1] == '"Error: forbidden"'
    assert await instance.call("leaveGroup", {"groupId": group_id}) == {"leaveGroup": False}
    await sim.sim("config", {"old_leave_group": True})
    assert await instance.call("leaveGroup", {"groupId": group_id}) == {"removeAdmin": False}
    (told,) = (await sim.sim(f"instances/{instance.id}/groups"))["groups"]
    assert told["members"] == {ANN: True, BEN: False}
    await instance.phone("join_group", {"group_id": group_id})
    assert (await _ranks(instance, group_id))[(await instance.truth())["wid"]] == (False, False)


async def test_who_is_put_out_learns_it_and_a_stranger_to_the_act_is_told(sim: Caller) -> None:
    instance = await sim.linked()
    await instance.phone("group", {"subject": "t", "group_id": OTHERS, "owner": ANN, "account": "admin"})
    assert (await _data(instance, OTHERS))["groupInviteLink"]
    await instance.phone("quit_group", {"group_id": OTHERS})
    assert (await instance.raw("getGroupData", {"groupId": OTHERS}))[1] == '"Error: forbidden"'
    for body, status in (({"group_id": OTHERS}, 409), ({"group_id": "x"}, 400), ({"group": OTHERS}, 400)):
        address = f"{sim.url}/_sim/instances/{instance.id}/quit_group"
        async with sim.session.post(address, json=body) as refused:
            assert refused.status == status


async def test_a_group_somebody_writes_in_is_known(sim: Caller) -> None:
    instance = await sim.linked()
    await instance.phone("receive", {"chat_id": OTHERS, "sender": ANN, "text": "hi"})
    data = await _data(instance, OTHERS)
    assert data["owner"] == ANN
    assert len(data["participants"]) == 2


@pytest.mark.parametrize(
    "method",
    [
        "createGroup",
        "updateGroupName",
        "getGroupData",
        "addGroupParticipant",
        "removeGroupParticipant",
        "setGroupAdmin",
        "removeAdmin",
        "leaveGroup",
        "updateGroupSettings",
        "setGroupPicture",
    ],
)
async def test_groups_need_a_session(sim: Caller, method: str) -> None:
    instance = await sim.create()
    await instance.until("notAuthorized")
    assert (await instance.raw(method, {}, "POST"))[:2] == (400, SESSION)
    assert (await instance.raw(method, None, "GET"))[0] == 404


async def test_another_instance_has_groups_of_its_own(sim: Caller) -> None:
    first, second = await sim.linked("first"), await sim.linked("second")
    group_id = await _mine(first)
    assert (await second.raw("getGroupData", {"groupId": group_id}))[1] == '"Error: item-not-found"'
