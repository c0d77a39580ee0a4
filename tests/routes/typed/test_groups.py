"""Groups, with the phone as the truth."""

from typing import Any

import httpx2

from tests.routes.typed.phone import CHAT, FRIEND, JPEG, OTHER, OTHER_CHAT, Phone


async def made(phone: Phone) -> str:
    """A group of the account's own."""
    group = await phone.good("POST", "groups", {"name": "Crew", "participants": [FRIEND]})
    return str(group["group_id"])


async def truth(phone: Phone, group_id: str) -> dict[str, Any]:
    """The group as it is."""
    return next(group for group in (await phone.truth("groups"))["groups"] if group["group_id"] == group_id)


async def test_a_group_is_made_seen_and_left(phone: Phone) -> None:
    reply = await phone.call("POST", "groups", {"name": "Crew", "participants": [FRIEND, CHAT]})
    assert reply.status_code == 201, reply.text
    created = reply.json()
    assert created["object"] == "group"
    assert reply.headers["Location"] == f"{phone.base}/groups/{created['group_id']}"
    seen = (await phone.sender.client.get(reply.headers["Location"], headers=phone.sender.tenant.headers)).json()
    assert (seen["object"], seen["name"], seen["group_id"]) == ("group", "Crew", created["group_id"])
    assert {member["chat_id"]: member["is_admin"] for member in seen["participants"]}[CHAT] is False
    assert await phone.good("DELETE", f"groups/{created['group_id']}") is None
    gone = await phone.call("GET", f"groups/{created['group_id']}")
    assert gone.status_code in (403, 404, 409, 502), gone.text


async def test_members_and_admins_come_and_go(phone: Phone) -> None:
    group_id = await made(phone)
    await phone.good("POST", f"groups/{group_id}/participants", {"participant": OTHER})
    await phone.good("PUT", f"groups/{group_id}/admins/{OTHER}")

    async def ranks() -> dict[str, bool]:
        seen = await phone.good("GET", f"groups/{group_id}")
        return {member["chat_id"]: member["is_admin"] for member in seen["participants"]}

    assert (await ranks())[OTHER_CHAT] is True
    await phone.good("DELETE", f"groups/{group_id}/admins/{OTHER_CHAT}")
    assert (await ranks())[OTHER_CHAT] is False
    await phone.good("DELETE", f"groups/{group_id}/participants/{OTHER_CHAT}")
    assert OTHER_CHAT not in await ranks()
    refused = await phone.call("DELETE", f"groups/{group_id}/participants/{OTHER_CHAT}")
    assert refused.status_code in (403, 404, 409, 502), refused.text


async def test_a_group_is_renamed_ruled_and_pictured(phone: Phone, http: httpx2.AsyncClient) -> None:
    group_id = await made(phone)
    changed = await phone.good("PATCH", f"groups/{group_id}", {"name": "Team", "members_may_send": False})
    assert (changed["name"], changed["members_may_send"], changed["members_may_edit"]) == ("Team", False, None)
    seen = await phone.good("GET", f"groups/{group_id}")
    assert (seen["name"], seen["members_may_send"], seen["members_may_edit"]) == ("Team", False, True)
    picture = await phone.good("PUT", f"groups/{group_id}/picture", content=JPEG, kind="image/jpeg")
    assert (picture["object"], picture["group_id"]) == ("group_picture", group_id)
    assert (await http.get(picture["picture_link"])).content == JPEG


async def test_a_picture_comes_in_a_form_too(phone: Phone, http: httpx2.AsyncClient) -> None:
    group_id = await made(phone)
    file = {"file": ("crew.jpg", JPEG, "image/jpeg")}
    picture = await phone.good("PUT", f"groups/{group_id}/picture", files=file)
    assert (await http.get(picture["picture_link"])).content == JPEG
    refused = await phone.call("PUT", "groups/120363043968066561@g.us/picture", files=file)
    assert refused.status_code in (403, 404, 409, 429, 502), refused.text


async def test_half_a_change_is_repeated_without_harm(phone: Phone) -> None:
    group_id = await made(phone)
    body = {"name": "Team", "members_may_edit": False}
    await phone.sender.upstream.faults({"method": "updateGroupSettings", "kind": "plain_text_400", "times": 1})
    assert (await phone.call("PATCH", f"groups/{group_id}", body)).status_code >= 400
    assert (await phone.good("PATCH", f"groups/{group_id}", body))["members_may_edit"] is False
    assert (await truth(phone, group_id))["subject"] == "Team"
