"""Contacts and groups: what is asked of them, and what they tell."""

import asyncio
import json

import pytest

from app.kit.crypto import Secret
from app.providers import asks
from app.providers.errors import NoSuchThing, NotAllowed, OutcomeUnknown, Refused, TryLater, Unsupported
from app.providers.port import Credentials
from app.providers.whapi.adapter import WhapiCloud
from tests.providers.conftest import Play, RawServer, raw_server, reply
from tests.providers.samples import JPEG, upload
from tests.providers.whapi.conftest import ANN, BOB, OWN, WHAPI_TOKEN, Line, Upstream

ICON = "https://pps.example.org/ann.jpg"


async def test_people_and_groups_are_two_lists_in_one(line: Line) -> None:
    await line.receive(sender_name="Ann")
    await line.phone("contact", phone="79990005566", name="Bob K", pushname="Bob")
    group = (await line.phone("group_made", by="79990003344", subject="crew"))["group_id"]
    found = await line.perform(asks.ListContacts())
    people = {(each.chat_id, each.kind, each.name, each.contact_name) for each in found}
    assert {(ANN, "user", "Ann", None), (BOB, "user", "Bob", "Bob K"), (group, "group", "crew", None)} <= people
    assert [each.kind for each in await line.perform(asks.ListContacts(groups=True))] == ["group"]
    assert {each.kind for each in await line.perform(asks.ListContacts(groups=False))} == {"user"}
    assert len(await line.perform(asks.ListContacts(count=1))) == 1
    assert len(await line.perform(asks.ListContacts(count=len(found)))) == len(found)


async def test_the_words_of_2026_about_people(line: Line, upstream: Upstream) -> None:
    rows = [
        {"id": "55001122@lid", "phone": "79990003344", "name": "Ann K", "pushname": "Ann", "phonebook": True},
        {"id": "55003344@lid", "name": "Bob", "pushname": "Bob", "phonebook": False, "saved": True},
    ]
    await upstream.fault("getContacts", "status", status=200, body={"contacts": rows, "count": 2, "total": 2})
    ann, bob = await line.perform(asks.ListContacts(groups=False))
    assert (ann.chat_id, ann.hidden_id, ann.name, ann.contact_name) == (ANN, "55001122@lid", "Ann", "Ann K")
    assert (bob.chat_id, bob.hidden_id, bob.name, bob.contact_name) == ("55003344@lid", None, "Bob", None)
    body = {"name": "Ann K", "push_name": "Annie", "verified_name": "Ann Ltd", "about": "busy"}
    await upstream.fault("getContactProfile", "status", status=200, body=body)
    assert (await line.perform(asks.ReadContact(ANN))).name == "Annie"


async def test_what_is_known_and_what_is_shown_of_somebody(line: Line) -> None:
    words = {"name": "Ann K", "pushname": "Ann", "about": "busy", "icon": ICON, "is_business": True}
    await line.phone("contact", phone="79990003344", **words)
    found = await line.perform(asks.ReadContact(ANN))
    assert (found.chat_id, found.name, found.contact_name) == (ANN, "Ann", "Ann K")
    assert (found.is_business, found.description, found.picture_link) == (True, "busy", ICON)


async def test_a_stranger_has_a_profile_a_number_without_whatsapp_has_none(line: Line, upstream: Upstream) -> None:
    found = await line.perform(asks.ReadContact(BOB))
    assert (found.chat_id, found.contact_name, found.picture_link) == (BOB, None, None)
    await upstream.knobs(no_account=["79990005566"])
    with pytest.raises(NoSuchThing):
        await line.perform(asks.ReadContact(BOB))


async def test_a_business_shows_what_it_sells() -> None:
    """The simulator has no catalogues: played byte by byte, in the words of the reference."""
    product = {"id": "77001", "name": "Tea", "price": 12.5, "currency": "EUR", "images": ["https://x/1"], "url": "u"}
    answers = {
        "/contacts/79990003344/profile": {"name": "Shop", "about": "open"},
        "/contacts/79990003344": {"id": "79990003344", "name": "Shop", "is_business": True, "saved": False},
        "/business/79990003344/products": {"products": [product, {"name": "no id"}], "count": 2, "total": 2},
    }

    def script(server: RawServer) -> Play:
        async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while True:
                path = (await server.request(reader)).split(b" ")[1].decode()
                writer.write(reply(json.dumps(answers[path]).encode()))

        return play

    async with raw_server(script) as server:
        wing = WhapiCloud(server.url, Secret(WHAPI_TOKEN))
        credentials = Credentials("RAVENX-7Q2LM", Secret("t" * 32), server.url)
        found = await wing.perform(credentials, asks.ReadContact(ANN))
        await wing.close()
    assert (found.is_business, found.description, found.contact_name) == (True, "open", None)
    (shown,) = found.products
    assert (shown.id, shown.name, shown.price, shown.picture_link) == ("77001", "Tea", "12.5 EUR", "https://x/1")
    assert len(server.requests) == 3


async def test_contacts_are_added_renamed_and_deleted(line: Line) -> None:
    await line.perform(asks.AddContact(ANN, "Ann", "Lee"))
    assert await line.upstream.asked("addContact") == {"phone": "79990003344", "name": "Ann Lee"}
    await line.perform(asks.EditContact(ANN, "Anna"))
    assert (await line.perform(asks.ReadContact(ANN))).contact_name == "Anna"
    await line.perform(asks.AddContact(ANN, "Annie"))
    assert (await line.perform(asks.ReadContact(ANN))).contact_name == "Annie"
    await line.perform(asks.DeleteContact(ANN))
    assert (await line.perform(asks.ReadContact(ANN))).contact_name is None
    with pytest.raises(NoSuchThing):
        await line.perform(asks.DeleteContact(ANN))


async def test_contacts_that_are_to_stay_off_the_phone_are_not_made(line: Line) -> None:
    for ask in (asks.AddContact(ANN, "Ann", on_phone=False), asks.EditContact(ANN, "Ann", on_phone=False)):
        with pytest.raises(Unsupported):
            await line.perform(ask)
    assert await line.upstream.calls("addContact") == []
    assert await line.upstream.calls("editContact") == []


async def test_pictures_of_people_and_groups(line: Line) -> None:
    await line.phone("contact", phone="79990003344", icon=ICON)
    assert (await line.perform(asks.ReadAvatar(ANN))).picture_link == ICON
    assert (await line.perform(asks.ReadAvatar(BOB))).picture_link is None
    made = await line.perform(asks.CreateGroup("crew", (ANN,)))
    assert (await line.perform(asks.ReadAvatar(made.group_id))).picture_link is None
    picture = await line.perform(asks.SetGroupPicture(made.group_id, upload(JPEG)))
    assert str(picture.picture_link).startswith("http")
    assert (await line.perform(asks.ReadAvatar(made.group_id))).picture_link == picture.picture_link


async def test_numbers_are_checked_by_phone_or_by_chat(line: Line, upstream: Upstream) -> None:
    await upstream.knobs(no_account=["79990005566"])
    found = await line.perform(asks.CheckNumber(phone="79990003344", fresh=True))
    assert (found.exists, found.chat_id, found.phone) == (True, ANN, "79990003344")
    assert await upstream.asked("checkPhones") == {"contacts": ["79990003344"], "force_check": True}
    missing = await line.perform(asks.CheckNumber(chat_id=BOB))
    assert (missing.exists, missing.chat_id, missing.phone) == (False, None, "79990005566")
    await upstream.knobs(wa_id_suffix=True)
    assert (await line.perform(asks.CheckNumber(chat_id=ANN))).chat_id == ANN


async def test_checks_that_mean_nothing_are_refused_unasked(line: Line, upstream: Upstream) -> None:
    for ask in (
        asks.CheckNumber(),
        asks.CheckNumber(phone="79990003344", chat_id=ANN),
        asks.CheckNumber(phone="+7 999"),
        asks.CheckNumber(phone="123"),
        asks.CheckNumber(chat_id="120363000000000001@g.us"),
        asks.CheckNumber(chat_id="987654321012345@lid"),
    ):
        with pytest.raises(Refused):
            await line.perform(ask)
    assert await upstream.calls("checkPhones") == []
    body = {"contacts": [{"input": "79990003344", "status": "processing"}]}
    await upstream.fault("checkPhones", "status", status=200, body=body)
    with pytest.raises(TryLater):
        await line.perform(asks.CheckNumber(phone="79990003344"))


async def test_a_group_is_made_read_renamed_and_left(line: Line, upstream: Upstream) -> None:
    made = await line.perform(asks.CreateGroup("crew", (ANN, BOB)))
    assert await upstream.asked("createGroup") == {"subject": "crew", "participants": ["79990003344", "79990005566"]}
    assert str(made.invite_url).startswith("https://chat.whatsapp.com/")
    await line.perform(asks.RenameGroup(made.group_id, "team"))
    found = await line.perform(asks.ReadGroup(made.group_id))
    assert (found.name, found.owner, found.invite_url) == ("team", f"{OWN}@c.us", made.invite_url)
    ranks = {(each.chat_id, each.is_admin, each.is_owner) for each in found.participants}
    assert ranks == {(f"{OWN}@c.us", True, True), (ANN, False, False), (BOB, False, False)}
    assert (found.members_may_edit, found.members_may_send) == (True, True)
    assert found.created_at is not None
    await line.perform(asks.LeaveGroup(made.group_id))
    with pytest.raises(NoSuchThing):
        await line.perform(asks.ReadGroup(made.group_id))


async def test_members_see_no_invitation_and_may_not_rule(line: Line) -> None:
    group = (await line.phone("group_made", by="79990003344", subject="theirs"))["group_id"]
    found = await line.perform(asks.ReadGroup(group))
    assert (found.owner, found.invite_url) == (ANN, None)
    for ask in (asks.SetGroupRules(group, members_may_send=False), asks.RemoveParticipant(group, ANN)):
        with pytest.raises(NotAllowed):
            await line.perform(ask)
    with pytest.raises(NoSuchThing):
        await line.perform(asks.ReadGroup("120363000000000001@g.us"))


async def test_rules_are_set_one_by_one(line: Line, upstream: Upstream) -> None:
    made = await line.perform(asks.CreateGroup("crew", (ANN,)))
    await line.perform(asks.SetGroupRules(made.group_id, members_may_edit=False, members_may_send=False))
    found = await line.perform(asks.ReadGroup(made.group_id))
    assert (found.members_may_edit, found.members_may_send) == (False, False)
    await line.perform(asks.SetGroupRules(made.group_id, members_may_send=True))
    found = await line.perform(asks.ReadGroup(made.group_id))
    assert (found.members_may_edit, found.members_may_send) == (False, True)
    assert len(await upstream.calls("updateGroupSetting")) == 3


async def test_rules_that_are_half_set_are_in_doubt(line: Line, upstream: Upstream) -> None:
    made = await line.perform(asks.CreateGroup("crew", (ANN,)))
    script = ["ok", {"kind": "status", "status": 400}]
    await upstream.fault("updateGroupSetting", "status", script=script)
    with pytest.raises(OutcomeUnknown):
        await line.perform(asks.SetGroupRules(made.group_id, members_may_edit=False, members_may_send=False))
    await upstream.fault("updateGroupSetting", "status", status=400)
    with pytest.raises(Refused):
        await line.perform(asks.SetGroupRules(made.group_id, members_may_edit=False, members_may_send=False))


async def test_people_come_go_rise_and_fall(line: Line) -> None:
    made = await line.perform(asks.CreateGroup("crew", (ANN,)))

    async def ranks() -> dict[str, bool]:
        found = await line.perform(asks.ReadGroup(made.group_id))
        return {each.chat_id: each.is_admin for each in found.participants if not each.is_owner}

    await line.perform(asks.AddParticipant(made.group_id, BOB))
    await line.perform(asks.AddParticipant(made.group_id, BOB))
    await line.perform(asks.MakeAdmin(made.group_id, ANN))
    assert await ranks() == {ANN: True, BOB: False}
    await line.perform(asks.DismissAdmin(made.group_id, ANN))
    await line.perform(asks.RemoveParticipant(made.group_id, BOB))
    assert await ranks() == {ANN: False}
    with pytest.raises(NoSuchThing):
        await line.perform(asks.MakeAdmin(made.group_id, BOB))


async def test_whoever_does_not_want_to_be_added_is_not(line: Line, upstream: Upstream) -> None:
    made = await line.perform(asks.CreateGroup("crew", (ANN,)))
    await upstream.knobs(unaddable=["79990005566"])
    with pytest.raises(NotAllowed):
        await line.perform(asks.AddParticipant(made.group_id, BOB))
    for failed in (["79990005566"], ["5500112233@lid"], [{"id": "79990005566"}]):
        body = {"success": True, "failed": failed, "processed": []}
        await upstream.fault("addGroupParticipant", "status", status=200, body=body)
        with pytest.raises(NotAllowed):
            await line.perform(asks.AddParticipant(made.group_id, BOB))


async def test_a_group_that_is_made_is_told_even_without_its_link(line: Line, upstream: Upstream) -> None:
    await upstream.fault("getGroupInvite", "status", status=500)
    made = await line.perform(asks.CreateGroup("crew", (ANN,)))
    assert made.group_id
    assert made.invite_url is None
