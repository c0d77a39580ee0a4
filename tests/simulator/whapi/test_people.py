"""Chats, contacts, block list, presences, calls and groups, each change told by its event."""

from __future__ import annotations

import aiohttp

from tests.simulator.whapi.conftest import Channel, Receiver, Told, Whapi

ADA, BOB, EVE = "15550001234", "15550005678", "15550009999"
CHAT = f"{ADA}@s.whatsapp.net"
JPEG = b"\xff\xd8\xff picture"


async def _listening(whapi: Whapi, receiver: Receiver, *types: str) -> Channel:
    channel = await whapi.linked()
    await channel.set(webhooks=[{"url": receiver.url, "events": [{"type": type_} for type_ in types]}])
    return channel


async def _group(channel: Channel, *members: str) -> str:
    made = await channel.gate("POST", "groups", {"subject": "Team", "participants": list(members or (ADA,))})
    return str(made.ok()["id"])


async def _ranks(channel: Channel, group: str) -> dict[str, str]:
    rows = (await channel.gate("GET", f"groups/{group}")).ok()["participants"]
    return {row["id"]: row["rank"] for row in rows}


async def test_chats_are_listed_by_their_last_message_and_changes_are_told(whapi: Whapi, receiver: Receiver) -> None:
    channel = await _listening(whapi, receiver, "chats")
    await channel.act("receive", {"chat_id": CHAT, "sender_name": "Ada"})
    await whapi.advance(5)
    last = await channel.act("receive", {"chat_id": f"{BOB}@s.whatsapp.net"})
    listed = (await channel.gate("GET", "chats")).ok()
    assert [chat["id"] for chat in listed["chats"]] == [f"{BOB}@s.whatsapp.net", CHAT]
    assert listed["chats"][0]["last_message"]["id"] == last["message_id"]
    assert (listed["chats"][1]["name"], listed["chats"][1]["type"]) == ("Ada", "contact")
    await receiver.has(4)
    assert receiver.events() == ["chats.post", "chats.patch"] * 2
    receiver.got.clear()
    (await channel.gate("POST", f"chats/{CHAT}", {"archive": True})).ok()
    until = 4_000_000_000_000
    (await channel.gate("PATCH", f"chats/{CHAT}", {"pin": True, "mute_until": until, "ephemeral": "week"})).ok()
    await receiver.has(2)
    assert receiver.got[0]["chats_updates"][0]["changes"] == ["archive"]
    assert receiver.got[1]["chats_updates"][0]["after_update"] == {"pin": True, "mute": True, "mute_until": until}
    chat = (await channel.gate("GET", f"chats/{CHAT}")).ok()
    assert (chat["archive"], chat["pin"], chat["mute"]) == (True, True, True)
    truth = (await whapi.sim(f"whapi/talk?channel_id={channel.id}"))["chats"]
    assert {row["id"]: row["ephemeral"] for row in truth}[CHAT] == "week"
    for wrong in ({"ephemeral": "year"}, {"pin": "yes"}, {}):
        assert (await channel.gate("PATCH", f"chats/{CHAT}", wrong)).status == 400
    await channel.act("receive", {"chat_id": CHAT})
    assert (await channel.gate("GET", f"chats/{CHAT}")).ok()["archive"] is False


async def test_a_deleted_chat_is_gone_with_its_messages(whapi: Whapi, receiver: Receiver) -> None:
    channel = await whapi.linked()
    got = (await channel.act("receive", {"chat_id": CHAT}))["message_id"]
    await channel.set(webhooks=[{"url": receiver.url, "events": [{"type": "chats", "method": "delete"}]}])
    (await channel.gate("DELETE", f"chats/{CHAT}")).ok()
    await receiver.has(1)
    assert receiver.got[0]["chats_removed"] == [CHAT]
    assert (await channel.gate("GET", f"messages/{got}")).status == 404
    for verb in ("GET", "DELETE", "POST", "PATCH"):
        assert (await channel.gate(verb, f"chats/{CHAT}", {"pin": True})).status == 404
    assert (await channel.gate("GET", f"chats/{ADA}@c.us")).status == 400


async def test_phones_are_checked_and_checks_are_counted(whapi: Whapi) -> None:
    await whapi.knobs(no_account=[BOB], checks_a_day=5)
    channel = await whapi.linked()
    rows = (await channel.gate("POST", "contacts", {"contacts": [f"+{ADA}", BOB, "ada"]})).ok()["contacts"]
    assert rows == [
        {"input": f"+{ADA}", "status": "valid", "wa_id": ADA},
        {"input": BOB, "status": "invalid"},
        {"input": "ada", "status": "invalid"},
    ]
    assert (await channel.gate("HEAD", f"contacts/{ADA}")).status == 200
    assert (await channel.gate("HEAD", f"contacts/{BOB}")).status == 404
    assert (await channel.gate("HEAD", f"contacts/{ADA}")).status == 402
    assert (await channel.gate("POST", "contacts", {"contacts": [ADA]})).status == 402
    assert (await channel.gate("POST", "contacts", {"contacts": "all"})).status == 400


async def test_contacts_become_known_are_saved_and_told(whapi: Whapi, receiver: Receiver) -> None:
    channel = await _listening(whapi, receiver, "contacts")
    await channel.act("receive", {"chat_id": CHAT, "sender_name": "ada_88"})
    row = (await channel.gate("PUT", "contacts", {"phone": ADA, "name": "Ada"})).ok()
    assert (row["name"], row["pushname"], row["saved"]) == ("Ada", "ada_88", True)
    assert (await channel.gate("PUT", "contacts", {"phone": ADA, "name": "Ada"})).status == 409
    await channel.act("contact", {"phone": ADA, "icon": "https://pic.test/a.jpg", "about": "Hey"})
    await receiver.has(3)
    assert receiver.events() == ["contacts.post", "contacts.patch", "contacts.patch"]
    assert receiver.got[1]["contacts_updates"][0]["after_update"] == {"name": "Ada", "saved": True}
    profile = (await channel.gate("GET", f"contacts/{ADA}/profile")).ok()
    assert profile == {
        "name": "Ada",
        "about": "Hey",
        "icon": "https://pic.test/a.jpg",
        "icon_full": "https://pic.test/a.jpg",
    }
    listed = (await channel.gate("GET", "contacts?count=1")).ok()
    assert (listed["total"], listed["contacts"][0]["id"]) == (1, ADA)
    (await channel.gate("DELETE", f"contacts/{ADA}")).ok()
    assert (await channel.gate("GET", f"contacts/{ADA}")).ok()["saved"] is False
    assert (await channel.gate("GET", f"contacts/{BOB}")).status == 404
    assert (await channel.gate("GET", f"contacts/{ADA}@c.us")).status == 400


async def test_the_block_list_takes_and_gives_back(whapi: Whapi) -> None:
    channel = await whapi.linked()
    for _ in range(2):
        (await channel.gate("PUT", f"blacklist/{ADA}")).ok()
    assert (await channel.gate("GET", "blacklist")).ok() == [ADA]
    (await channel.gate("DELETE", f"blacklist/{ADA}")).ok()
    assert (await channel.gate("DELETE", f"blacklist/{ADA}")).status == 404
    assert (await channel.gate("GET", "blacklist")).ok() == []


async def test_presences_are_sent_subscribed_to_and_told(whapi: Whapi, receiver: Receiver) -> None:
    channel = await _listening(whapi, receiver, "presences")
    (await channel.gate("PUT", f"presences/{CHAT}", {"presence": "typing", "delay": 5})).ok()
    assert (await channel.gate("PUT", f"presences/{ADA}", {"presence": "dancing"})).status == 400
    assert (await channel.gate("PUT", "presences/120363999999999999@g.us", {"presence": "typing"})).status == 404
    (await channel.gate("PUT", "presences/me", {"presence": "online"})).ok()
    assert (await channel.gate("GET", f"presences/{ADA}")).status == 404
    (await channel.gate("POST", f"presences/{ADA}")).ok()
    assert (await channel.gate("POST", f"presences/{ADA}")).status == 409
    await channel.act("presence", {"phone": ADA, "status": "typing"})
    await receiver.has(1)
    assert receiver.got[0]["presences"][0].items() >= {"contact_id": ADA, "status": "typing"}.items()
    assert (await channel.gate("GET", f"presences/{ADA}")).ok()["status"] == "typing"


async def test_a_ringing_call_is_told_and_rejected_once(whapi: Whapi, receiver: Receiver) -> None:
    channel = await _listening(whapi, receiver, "calls")
    ring = (await channel.act("call", {"from": ADA, "video": True}))["call_id"]
    assert (await channel.gate("DELETE", f"calls/{ring}", {"callFrom": BOB})).status == 404
    (await channel.gate("DELETE", f"calls/{ring}", {"callFrom": ADA})).ok()
    assert (await channel.gate("DELETE", f"calls/{ring}", {"callFrom": ADA})).status == 404
    await receiver.has(2)
    rows = [body["calls"][0] for body in receiver.got]
    assert [(row["status"], row["video_call"], row["from"]) for row in rows] == [
        ("ringing", True, ADA),
        ("missed", True, ADA),
    ]


async def test_a_group_is_made_and_those_who_cannot_be_added_are_named(whapi: Whapi, receiver: Receiver) -> None:
    await whapi.knobs(unaddable=[EVE], no_account=[BOB])
    channel = await _listening(whapi, receiver, "groups")
    made = (await channel.gate("POST", "groups", {"subject": "Team", "participants": [ADA, BOB, EVE]})).ok()
    own = (await channel.truth())["user"]["id"]
    assert made["unprocessed_participants"] == [BOB, EVE]
    assert made["participants"] == [{"id": own, "rank": "creator"}, {"id": ADA, "rank": "member"}]
    await receiver.has(1)
    assert receiver.got[0]["groups"][0]["id"] == made["id"]
    assert (await channel.gate("POST", "groups", {"subject": "T", "participants": [BOB]})).status == 404
    assert (await channel.gate("POST", "groups", {"subject": "T", "participants": []})).status == 400
    assert (await channel.gate("POST", "groups", {"subject": "T", "participants": ["x@c.us"]})).status == 400
    listed = (await channel.gate("GET", "groups")).ok()
    assert (listed["total"], listed["groups"][0]["participants_count"]) == (1, 2)


async def test_members_come_go_rise_and_fall(whapi: Whapi, receiver: Receiver) -> None:
    channel = await whapi.linked()
    group = await _group(channel)
    await channel.set(webhooks=[{"url": receiver.url, "events": [{"type": "groups", "method": "put"}]}])
    people = f"groups/{group}/participants"
    added = (await channel.gate("POST", people, {"participants": [BOB, EVE]})).ok()
    assert added == {"success": True, "failed": [], "processed": [BOB, EVE]}
    assert (await channel.gate("POST", people, {"participants": [BOB]})).status == 409
    (await channel.gate("PATCH", f"groups/{group}/admins", {"participants": [BOB]})).ok()
    assert (await _ranks(channel, group))[BOB] == "admin"
    (await channel.gate("DELETE", f"groups/{group}/admins", {"participants": [BOB]})).ok()
    removed = (await channel.gate("DELETE", people, {"participants": [BOB, "15551112222"]})).ok()
    assert (removed["processed"], removed["failed"]) == ([BOB], ["15551112222"])
    assert BOB not in await _ranks(channel, group)
    assert (await channel.gate("PATCH", f"groups/{group}/admins", {"participants": [BOB]})).status == 404
    await receiver.has(4)
    rows = [body["groups_participants"][0] for body in receiver.got]
    assert [(row["action"], row["participants"]) for row in rows] == [
        ("add", [BOB, EVE]),
        ("promote", [BOB]),
        ("demote", [BOB]),
        ("remove", [BOB]),
    ]


async def test_info_settings_and_icon_are_for_those_who_may(whapi: Whapi, receiver: Receiver) -> None:
    channel = await _listening(whapi, receiver, "groups")
    group = (await channel.act("group_made", {"by": ADA, "subject": "Hers", "participants": [BOB]}))["group_id"]
    (await channel.gate("PUT", f"groups/{group}", {"subject": "Ours", "description": "All"})).ok()
    assert (await channel.gate("PUT", f"groups/{group}", {})).status == 400
    assert (await channel.gate("PATCH", f"groups/{group}", _policy("send_messages"))).status == 403
    await channel.act("group_change", {"group_id": group, "policies": {"send_messages": "admins"}})
    assert (await channel.gate("POST", "messages/text", {"to": group, "body": "x"})).status == 403
    own = (await channel.truth())["user"]["id"]
    await channel.act("group_change", {"group_id": group, "action": "promote", "participants": [own]})
    assert (await channel.gate("POST", "messages/text", {"to": group, "body": "x"})).status == 200
    (await channel.gate("PATCH", f"groups/{group}", _policy("edit_group_info"))).ok()
    assert (await channel.gate("PATCH", f"groups/{group}", {"setting": "x", "policy": "y"})).status == 400
    row = (await channel.gate("GET", f"groups/{group}")).ok()
    assert (row["name"], row["description"], row["announcements"], row["restricted"]) == ("Ours", "All", True, True)
    await receiver.has(5)
    assert receiver.events()[:2] == ["groups.post", "groups.patch"]
    assert receiver.got[1]["groups_updates"][0]["after_update"] == {"name": "Ours", "description": "All"}


def _policy(setting: str) -> dict[str, str]:
    return {"setting": setting, "policy": "admins"}


async def _raw_icon(channel: Channel, group: str, data: bytes, mime: str) -> Told:
    url = f"{channel.row['apiUrl']}groups/{group}/icon"
    return await channel.whapi.call(url, "PUT", channel.token, data=data, headers={"Content-Type": mime})


async def test_a_group_icon_is_set_read_and_deleted(whapi: Whapi) -> None:
    channel = await whapi.linked()
    group = await _group(channel)
    path = f"groups/{group}/icon"
    assert (await channel.gate("GET", path)).status == 204
    (await _raw_icon(channel, group, JPEG, "image/jpeg")).ok()
    got = await channel.gate("GET", path)
    assert (got.raw, got.headers["Content-Type"]) == (JPEG, "image/jpeg")
    link = (await channel.gate("GET", f"groups/{group}")).ok()["chat_pic"]
    assert (await whapi.call(link, "GET", None)).raw == JPEG
    assert (await _raw_icon(channel, group, b"%PDF", "application/pdf")).status == 400
    (await channel.gate("PUT", path, {"media": "iVBORw0KGgo=", "mime_type": "image/png"})).ok()
    assert (await channel.gate("GET", path)).headers["Content-Type"] == "image/png"
    (await channel.gate("DELETE", path)).ok()
    assert (await channel.gate("GET", path)).status == 204


async def test_an_invite_works_until_it_is_revoked(whapi: Whapi) -> None:
    channel = await whapi.linked()
    group = await _group(channel)
    code = (await channel.gate("GET", f"groups/{group}/invite")).ok()["invite_code"]
    assert (await channel.gate("GET", f"groups/link/{code}")).ok()["id"] == group
    (await channel.gate("DELETE", f"groups/{group}/invite")).ok()
    assert (await channel.gate("GET", f"groups/link/{code}")).status == 404
    theirs = await channel.act("group_open", {"by": ADA})
    assert (await channel.gate("GET", f"groups/{theirs['group_id']}")).status == 404
    joined = (await channel.gate("PUT", "groups", {"invite_code": theirs["invite_code"]})).ok()
    assert joined == {"group_id": theirs["group_id"]}
    assert (await channel.gate("GET", f"groups/{theirs['group_id']}")).status == 200
    assert (await channel.gate("GET", f"groups/{theirs['group_id']}/invite")).status == 403
    assert (await channel.gate("PUT", "groups", {"invite_code": "EXAMPLEcode0000000009"})).status == 404


async def test_a_group_that_was_left_cannot_be_written_to(whapi: Whapi) -> None:
    channel = await whapi.linked()
    group = await _group(channel)
    got = (await channel.act("receive", {"chat_id": group, "sender": ADA}))["message"]
    assert (got["chat_id"], got["from"]) == (group, ADA)
    (await channel.gate("DELETE", f"groups/{group}")).ok()
    assert (await channel.gate("POST", "messages/text", {"to": group, "body": "x"})).status == 403
    assert (await channel.gate("GET", f"groups/{group}")).status == 404
    assert (await channel.gate("GET", f"chats/{group}")).ok()["read_only"] is True
    await channel.act("receive", {"chat_id": group, "sender": ADA}, status=409)


async def test_a_group_message_is_read_by_one_after_another(whapi: Whapi) -> None:
    channel = await whapi.linked()
    group = await _group(channel, ADA, BOB)
    sent = (await channel.gate("POST", "messages/text", {"to": group, "body": "x"})).ok()["message"]["id"]
    await whapi.advance(1)
    await channel.act("read", {"message_id": sent, "by": BOB})
    rows = (await channel.gate("GET", f"statuses/{sent}")).ok()["statuses"]
    assert {row["viewer_id"]: row["status"] for row in rows} == {ADA: "delivered", BOB: "read"}


async def test_a_fault_of_an_icon_upload_leaves_the_old_one(whapi: Whapi) -> None:
    channel = await whapi.linked()
    group = await _group(channel)
    await whapi.faults({"kind": "lose_request", "method": "setGroupIcon", "times": 1})
    try:
        await _raw_icon(channel, group, JPEG, "image/jpeg")
    except aiohttp.ClientError:
        assert (await channel.gate("GET", f"groups/{group}/icon")).status == 204
    else:
        raise AssertionError("the request was not lost")
