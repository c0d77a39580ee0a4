"""Contacts: the address book, who has an account, avatars, and the device."""

from __future__ import annotations

import pytest

from simulator.pictures import SMALLEST

from .conftest import Caller, Rented

ANN = "79990003344@c.us"
BEN = "79990005566@c.us"
CREW = "120363000000000009@g.us"
LID = "555000111@lid"
SESSION = "instance is starting or not authorized"


async def _known(sim: Caller, instance: Rented, query: str = "") -> list[tuple[str, str]]:
    async with sim.session.get(f"{sim.url}{instance.path('getContacts')}{query}") as answer:
        assert answer.status == 200, await answer.text()
        return [(row["id"], row["type"]) for row in await answer.json()]


async def test_contacts_are_the_address_book_whoever_wrote_and_the_groups(sim: Caller) -> None:
    instance = await sim.linked()
    await instance.phone("contact", {"chat_id": BEN, "name": "Ben", "contact_name": "Ben B", "lid": LID})
    await instance.phone("receive", {"chat_id": ANN, "text": "hi", "sender_name": "Ann"})
    await instance.phone("group", {"subject": "crew", "group_id": CREW, "owner": ANN})
    assert await instance.call("getContacts") == [
        {"id": BEN, "name": "Ben", "contactName": "Ben B", "type": "user", "newChatId": LID},
        {"id": ANN, "name": "Ann", "contactName": "", "type": "user"},
        {"id": CREW, "name": "crew", "type": "group"},
    ]
    people = [(BEN, "user"), (ANN, "user")]
    assert await _known(sim, instance, "?group=true") == [(CREW, "group")]
    assert await _known(sim, instance, "?group=false") == people
    assert await _known(sim, instance, "?count=1") == people[:1]
    rows = await instance.call("getContacts", {"group": False, "count": 1}, "GET")
    assert [row["id"] for row in rows] == [BEN]
    assert (await sim.raw("GET", f"{instance.path('getContacts')}?group=maybe"))[0] == 400
    await instance.phone("forget_contact", {"chat_id": BEN})
    assert await _known(sim, instance, "?group=false") == people[1:]


async def test_contacts_come_little_by_little_after_the_pairing(sim: Caller) -> None:
    await sim.sim("clock", {"speed": 0})
    await sim.sim("config", {"history_sync_seconds": 100})
    instance = await sim.create()
    await sim.advance(1)
    await instance.phone("scan", {})
    for number in range(10):
        await instance.phone("contact", {"chat_id": f"7999000{number:04d}@c.us", "contact_name": "x"})
    assert await instance.call("getContacts") == []
    await sim.advance(50)
    assert len(await instance.call("getContacts")) == 5
    assert (await instance.call("getWaSettings"))["historySyncProgress"] == 50
    await sim.advance(50)
    assert len(await instance.call("getContacts")) == 10
    assert (await instance.call("getWaSettings"))["historySyncProgress"] == 100


async def test_all_about_a_person(sim: Caller) -> None:
    instance = await sim.linked()
    about = {"email": "a@example.net", "category": "Shop", "description": "flowers", "is_business": True}
    product = {"id": "1", "name": "rose", "price": "10", "isHidden": False}
    await instance.phone("contact", {"chat_id": ANN, "name": "Ann", "products": [product], **about})
    await instance.phone("chat", {"chat_id": ANN, "mute_expiration": 1795000000})
    assert await instance.call("getContactInfo", {"chatId": ANN}) == {
        "avatar": "",
        "name": "Ann",
        "contactName": "",
        "email": "a@example.net",
        "category": "Shop",
        "description": "flowers",
        "products": [product],
        "chatId": ANN,
        "lastSeen": None,
        "isArchive": False,
        "isDisappearing": False,
        "isMute": True,
        "messageExpiration": 0,
        "muteExpiration": 1795000000,
        "isBusiness": True,
    }
    assert (await instance.call("getContactInfo", {"chatId": BEN}))["name"] == ""
    assert (await instance.raw("getContactInfo", {"chatId": CREW}))[0] == 400


async def test_an_avatar_can_be_seen_where_there_is_one(sim: Caller) -> None:
    await sim.sim("config", {"no_account": [BEN.partition("@")[0]]})
    instance = await sim.linked()
    assert await instance.call("getAvatar", {"chatId": ANN}) == {"urlAvatar": "", "available": False}
    address = (await instance.phone("contact", {"chat_id": ANN, "avatar": True}))["avatar"]
    assert await instance.call("getAvatar", {"chatId": ANN}) == {"urlAvatar": address, "available": True}
    assert (await instance.call("getContactInfo", {"chatId": ANN}))["avatar"] == address
    async with sim.session.get(address) as picture:
        assert (picture.content_type, await picture.read()) == ("image/jpeg", SMALLEST)
    bad = {"urlAvatar": "", "available": False, "reason": "bad request data"}
    assert await instance.call("getAvatar", {"chatId": BEN}) == bad
    assert await instance.call("getAvatar", {"chatId": "79990003344"}) == bad
    assert (await instance.raw("getAvatar", {}, "POST"))[0] == 400


async def test_a_number_is_looked_up_and_remembered_until_forced(sim: Caller) -> None:
    instance = await sim.linked()
    body = {"phoneNumber": 79990003344}
    found = {"existsWhatsapp": True, "chatId": ANN, "phoneNumber": 79990003344}
    assert await instance.call("checkWhatsapp", body) == {**found, "fromCache": False}
    await sim.sim("config", {"no_account": ["79990003344"]})
    assert await instance.call("checkWhatsapp", body) == {**found, "fromCache": True}
    assert await instance.call("checkWhatsapp", {"chatId": ANN}) == {**found, "fromCache": True}
    gone = {"existsWhatsapp": False, "chatId": "", "phoneNumber": 79990003344, "fromCache": False}
    assert await instance.call("checkWhatsapp", {**body, "force": True}) == gone


async def test_a_hidden_id_is_told_where_the_instance_works_with_those(sim: Caller) -> None:
    instance = await sim.linked(enableLidMode="yes")
    await instance.phone("contact", {"chat_id": ANN, "lid": LID})
    assert (await instance.call("checkWhatsapp", {"phoneNumber": 79990003344}))["chatId"] == LID
    assert await instance.call("checkWhatsapp", {"chatId": "99900011122@lid"}) == {
        "existsWhatsapp": False,
        "chatId": "",
        "fromCache": False,
    }


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, "XOR Validation failed"),
        ({"phoneNumber": 79990003344, "chatId": ANN}, "XOR Validation failed"),
        ({"phoneNumber": 7999000334}, "Bad phone number"),
        ({"phoneNumber": 79990003344556677}, "Bad phone number"),
        ({"phoneNumber": -79990003344}, "Bad phone number"),
    ],
)
async def test_an_unfit_number_is_refused_in_plain_text(sim: Caller, body: dict[str, object], text: str) -> None:
    instance = await sim.linked()
    assert (await instance.raw("checkWhatsapp", body, "POST"))[:2] == (400, text)


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({"phoneNumber": "abc"}, "'phoneNumber' must be a number"),
        ({"chatId": CREW}, "'chatId' must be in the format"),
        ({"chatId": ANN, "force": "perhaps"}, "'force' must be a boolean"),
    ],
)
async def test_an_unfit_check_names_the_field(sim: Caller, body: dict[str, object], complaint: str) -> None:
    instance = await sim.linked()
    status, text, _ = await instance.raw("checkWhatsapp", body)
    assert (status, f"Validation failed. Details: {complaint}" in text) == (400, True)


async def test_the_address_book_is_written_corrected_and_struck_out(sim: Caller) -> None:
    await sim.sim("config", {"no_account": [BEN.partition("@")[0]]})
    instance = await sim.linked()
    added = {"chatId": ANN, "firstName": "Ann", "lastName": "K", "saveInAddressbook": True}
    assert await instance.call("addContact", added) == {"addContact": True}
    assert (await instance.call("getContactInfo", {"chatId": ANN}))["contactName"] == "Ann K"
    assert await instance.call("editContact", {"chatId": ANN, "firstName": "Anna"}) == {"editContact": True}
    assert (await instance.call("getContacts"))[0]["contactName"] == "Anna"
    assert await instance.call("deleteContact", {"chatId": ANN}) == {"deleteContact": True}
    assert await instance.call("getContacts") == []
    refused = {"message": "contact not found"}
    assert await instance.call("deleteContact", {"chatId": ANN}) == {"deleteContact": False, **refused}
    assert await instance.call("editContact", {"chatId": ANN, "firstName": "x"}) == {"editContact": False, **refused}
    assert (await instance.call("addContact", {"chatId": BEN, "firstName": "Ben"}))["addContact"] is False


@pytest.mark.parametrize("method", ["addContact", "editContact"])
@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({"firstName": "x"}, "'chatId' is required"),
        ({"chatId": CREW, "firstName": "x"}, "'chatId' must be in the format"),
        ({"chatId": ANN}, "'firstName' is required"),
        ({"chatId": ANN, "firstName": "x", "lastName": 5}, "'lastName' must be a string"),
        ({"chatId": ANN, "firstName": "x", "saveInAddressbook": 1}, "'saveInAddressbook' must be a boolean"),
    ],
)
async def test_an_unfit_entry_is_refused(sim: Caller, method: str, body: dict[str, object], complaint: str) -> None:
    instance = await sim.linked()
    status, text, _ = await instance.raw(method, body)
    assert (status, f"Validation failed. Details: {complaint}" in text) == (400, True)
    assert await instance.call("getContacts") == []


async def test_the_old_method_tells_of_the_device(sim: Caller) -> None:
    instance = await sim.linked()
    device = await instance.call("getDeviceInfo")
    assert set(device) == {"platform", "deviceManufacturer", "deviceModel", "osVersion", "waVersion", "battery"}


@pytest.mark.parametrize(
    ("method", "verb"),
    [
        ("getContacts", "GET"),
        ("getContactInfo", "POST"),
        ("getAvatar", "POST"),
        ("checkWhatsapp", "POST"),
        ("addContact", "POST"),
        ("editContact", "POST"),
        ("deleteContact", "POST"),
        ("getDeviceInfo", "GET"),
    ],
)
async def test_contacts_need_a_session(sim: Caller, method: str, verb: str) -> None:
    instance = await sim.create()
    await instance.until("notAuthorized")
    assert (await instance.raw(method, None, verb))[:2] == (400, SESSION)


async def test_another_instance_has_contacts_of_its_own(sim: Caller) -> None:
    first, second = await sim.linked("first"), await sim.linked("second")
    await first.phone("contact", {"chat_id": ANN, "contact_name": "Ann"})
    assert await second.call("getContacts") == []


async def test_slow_answers_are_faults_with_the_documented_texts(sim: Caller) -> None:
    instance = await sim.linked()
    late = {"urlAvatar": "", "available": False, "reason": "get avatar timeout limit exceeded"}
    slow = "check phone number timeout limit exceeded"
    await sim.faults(
        {"method": "getAvatar", "kind": "status", "status": 200, "body": late},
        {"method": "checkWhatsapp", "kind": "plain_text_400", "body": slow},
    )
    assert await instance.call("getAvatar", {"chatId": ANN}) == late
    assert (await instance.raw("checkWhatsapp", {"chatId": ANN}))[:2] == (400, slow)
