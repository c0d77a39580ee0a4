"""Contacts, avatars and number checks."""

import httpx2

from tests.routes.typed.phone import CHAT, FRIEND, OTHER, Phone


async def test_the_address_book_is_written(phone: Phone) -> None:
    assert await phone.good("PUT", f"contacts/{FRIEND}", {"first_name": "Ann", "last_name": "Lee"}) is None
    [contact] = (await phone.good("GET", "contacts"))["data"]
    assert (contact["object"], contact["chat_id"], contact["contact_name"]) == ("contact", CHAT, "Ann Lee")
    await phone.good("PATCH", f"contacts/{CHAT}", {"first_name": "Anna"})
    profile = await phone.good("GET", f"contacts/{CHAT}")
    assert (profile["object"], profile["contact_name"], profile["is_business"]) == ("contact_profile", "Anna", False)
    assert await phone.good("DELETE", f"contacts/{CHAT}") is None
    assert (await phone.good("GET", "contacts?kind=user"))["data"] == []
    again = await phone.call("DELETE", f"contacts/{CHAT}")
    assert again.status_code in (404, 409, 502), again.text


async def test_people_and_groups_are_told_apart(phone: Phone) -> None:
    await phone.act("contact", chat_id=CHAT, contact_name="Ann")
    group = (await phone.act("group", subject="Crew", owner=CHAT))["group_id"]
    everybody = await phone.good("GET", "contacts")
    assert {contact["chat_id"] for contact in everybody["data"]} == {CHAT, group}
    people = await phone.good("GET", "contacts?kind=user&limit=5")
    groups = await phone.good("GET", "contacts?kind=group")
    assert [contact["chat_id"] for contact in people["data"] + groups["data"]] == [CHAT, group]


async def test_an_avatar_is_behind_a_link_of_ours(phone: Phone, http: httpx2.AsyncClient) -> None:
    await phone.act("contact", chat_id=CHAT, contact_name="Ann", avatar=True)
    avatar = await phone.good("GET", f"contacts/{FRIEND}/avatar")
    assert (avatar["object"], avatar["chat_id"]) == ("avatar", CHAT)
    assert avatar["picture_link"].startswith(f"{phone.sender.client.base_url}/files/")
    assert (await http.get(avatar["picture_link"])).status_code == 200
    assert (await phone.good("GET", f"contacts/{CHAT}"))["picture_link"].startswith("http")
    await phone.act("contact", chat_id=CHAT, avatar=False)
    assert (await phone.good("GET", f"contacts/{CHAT}/avatar"))["picture_link"] is None


async def test_a_number_is_checked(phone: Phone) -> None:
    found = await phone.good("POST", "number_checks", {"to": OTHER})
    assert (found["object"], found["exists"], found["chat_id"]) == ("number_check", True, "79990005545@c.us")
    assert found["from_cache"] is False
    assert (await phone.good("POST", "number_checks", {"to": OTHER}))["from_cache"] is True
    assert (await phone.good("POST", "number_checks", {"to": OTHER, "fresh": True}))["from_cache"] is False
    assert (await phone.good("POST", "number_checks", {"to": "79990005546@c.us"}))["exists"] is True
