"""The same asks over both wings, each beside its upstream in one simulator: tenants get the same answers."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from app.kit.crypto import Secret
from app.providers import asks
from app.providers.errors import NoSuchThing, Refused, Unsupported
from app.providers.green_api.adapter import GreenApi
from app.providers.likeness import describe
from app.providers.port import AccountWish, Credentials, Link, Provider
from app.providers.whapi.adapter import WhapiCloud
from simulator.main import start
from tests.providers import conftest as green
from tests.providers.conftest import until
from tests.providers.samples import JPEG, samples, upload
from tests.providers.whapi.conftest import ANN, BOB, OWN, QUICK, WHAPI_TOKEN, WORLD
from tests.providers.whapi.test_sending import EACH

WISH = AccountWish("slt1-alike", "https://hooks.example.org/in/1", Secret("hook"))


class Side:
    """A linked account of one gateway, and what happens on its phone."""

    def __init__(self, provider: Provider, credentials: Credentials, sim: Any) -> None:
        self.provider = provider
        self.credentials = credentials
        self.sim = sim
        self.is_whapi = provider.name == "whapi"

    async def perform(self, ask: asks.Ask[Any]) -> Any:
        return await self.provider.perform(self.credentials, ask)

    async def phone(self, act: str, **body: Any) -> Any:
        base = "whapi/channels" if self.is_whapi else "instances"
        return await self.sim(f"{base}/{self.credentials.account}/{act}", body)

    async def receive(self, words: str) -> str:
        """Ann writes; the message's id."""
        if self.is_whapi:
            who = {"chat_id": "79990003344@s.whatsapp.net", "sender_name": "Ann"}
            return str((await self.phone("receive", **who, body=words))["message_id"])
        told = await self.phone("receive", chat_id=ANN, sender_name="Ann", text=words)
        return str(told["id_message"])

    async def send(self, content: asks.Content) -> str:
        """It is sent and in the journal; its id."""
        sent = await self.perform(asks.Send(ANN, content))

        async def is_there() -> bool:
            found = await self.provider.sent_since(self.credentials, 10)
            return sent.message_id in {seen.message_id for seen in found if seen.sent_at is not None}

        await until(is_there)
        return str(sent.message_id)


@pytest.fixture(params=["green_api", "whapi"])
async def side(request: pytest.FixtureRequest) -> AsyncIterator[Side]:
    config = {**green.QUICK, **WORLD, "whapi": QUICK}
    running = await start([green.PARTNER_TOKEN], config, whapi_tokens=[WHAPI_TOKEN])
    provider: Provider
    if request.param == "whapi":
        provider = WhapiCloud(running.whapi_manager_url, Secret(WHAPI_TOKEN), timeout_seconds=3.0)
    else:
        provider = GreenApi(running.url, Secret(green.PARTNER_TOKEN), timeout_seconds=3.0)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session:

        async def sim(path: str, body: Any = None) -> Any:
            async with session.post(f"{running.url}/_sim/{path}", json=body) as response:
                assert response.status == 200, await response.text()
                return await response.json()

        made = await provider.create(WISH)
        side = Side(provider, Credentials(made.account, made.token, made.base_url), sim)
        await provider.configure(side.credentials, WISH)

        async def unpaired() -> bool:
            return await provider.link(side.credentials) is Link.UNPAIRED

        await until(unpaired)
        await side.phone("scan", **({"phone": OWN, "name": "Shop"} if side.is_whapi else {"wid": f"{OWN}@c.us"}))
        yield side
    await provider.close()
    await running.close()


@pytest.mark.parametrize("content", EACH, ids=lambda content: type(content).__name__)
async def test_what_was_sent_is_told_in_the_words_it_was_sent_with(side: Side, content: asks.Content) -> None:
    message_id = await side.send(content)
    kind, described = describe(content)
    (found,) = await side.perform(asks.RecentMessages(False, 10))
    assert (found.message_id, found.chat_id, found.kind, found.by_api) == (message_id, ANN, kind, True)
    (seen,) = await side.provider.sent_since(side.credentials, 10)
    assert seen.likeness == side.provider.likeness(kind, described)
    if kind in ("text", "poll", "buttons"):
        assert found.content == described


async def test_what_others_wrote(side: Side) -> None:
    message_id = await side.receive("hi")
    found = await side.perform(asks.ReadMessage(ANN, message_id))
    assert (found.kind, found.content, found.direction) == ("text", {"text": "hi"}, "incoming")
    assert (found.sender, found.sender_name, found.status, found.by_api) == (ANN, "Ann", None, None)
    assert [each.message_id for each in await side.perform(asks.ChatHistory(ANN))] == [message_id]
    assert [each.message_id for each in await side.perform(asks.RecentMessages(True))] == [message_id]
    assert await side.perform(asks.RecentMessages(False)) == []
    (chat,) = await side.perform(asks.ListChats())
    assert (chat.chat_id, chat.kind, chat.is_archived) == (ANN, "user", False)


async def test_marks_on_chats(side: Side) -> None:
    message_id = await side.receive("hi")
    await side.perform(asks.MarkRead(ANN, message_id))
    await side.perform(asks.MarkRead(ANN))
    await side.perform(asks.Archive(ANN))
    assert (await side.perform(asks.ListChats()))[0].is_archived
    await side.perform(asks.Unarchive(ANN))
    assert (await side.perform(asks.SetDisappearing(ANN, 604800))).seconds == 604800
    for refused in (asks.SetDisappearing(ANN, 5), asks.ShowTyping(ANN, 0.5)):
        with pytest.raises(Refused):
            await side.perform(refused)
    await side.perform(asks.ShowTyping(ANN, 1.0))
    with pytest.raises(NoSuchThing):
        await side.perform(asks.Archive(BOB))


async def test_own_messages_are_edited_cited_forwarded_and_deleted(side: Side) -> None:
    first = await side.send(asks.Text("teh"))
    assert (await side.perform(asks.EditMessage(ANN, first, "the"))).message_id
    reply = await side.perform(asks.Send(ANN, asks.Text("and"), quoted_message_id=first))
    assert reply.message_id
    forwarded = await side.perform(asks.Send(BOB, asks.Forward(ANN, (first, reply.message_id))))
    assert len({forwarded.message_id, *forwarded.more_ids}) == 2
    await side.perform(asks.DeleteMessage(ANN, first))


async def test_stored_files_are_sent(side: Side) -> None:
    await side.sim("config", {"fetch_files": True})
    address = await side.provider.upload(side.credentials, upload(JPEG))
    message_id = await side.send(asks.FileByUrl(address, "a.jpg", "look"))
    stored = await side.perform(asks.FileOf(ANN, message_id))
    assert str(stored.file_link).startswith("http")


async def test_people(side: Side) -> None:
    await side.perform(asks.AddContact(ANN, "Ann", "Lee"))
    (found,) = [each for each in await side.perform(asks.ListContacts(groups=False)) if each.chat_id == ANN]
    assert str(found.contact_name).startswith("Ann")
    await side.perform(asks.EditContact(ANN, "Anna"))
    assert (await side.perform(asks.ReadContact(ANN))).contact_name == "Anna"
    await side.perform(asks.DeleteContact(ANN))
    assert (await side.perform(asks.ReadAvatar(ANN))).picture_link is None
    check = await side.perform(asks.CheckNumber(phone="79990003344"))
    assert (check.exists, check.chat_id) == (True, ANN)
    for wrong in (asks.CheckNumber(), asks.CheckNumber(phone="123"), asks.CheckNumber(phone="1", chat_id=ANN)):
        with pytest.raises(Refused):
            await side.perform(wrong)


async def test_a_group_lives(side: Side) -> None:
    made = await side.perform(asks.CreateGroup("crew", (ANN,)))
    group = made.group_id
    assert str(made.invite_url).startswith("https://chat.whatsapp.com/")
    await side.perform(asks.RenameGroup(group, "band"))
    await side.perform(asks.AddParticipant(group, BOB))
    await side.perform(asks.MakeAdmin(group, BOB))
    await side.perform(asks.SetGroupRules(group, members_may_edit=True, members_may_send=False))
    found = await side.perform(asks.ReadGroup(group))
    ranks = {(each.chat_id, each.is_admin, each.is_owner) for each in found.participants}
    assert ranks == {(f"{OWN}@c.us", True, True), (ANN, False, False), (BOB, True, False)}
    assert (found.name, found.owner, found.invite_url) == ("band", f"{OWN}@c.us", made.invite_url)
    assert (found.members_may_edit, found.members_may_send) == (True, False)
    await side.perform(asks.DismissAdmin(group, BOB))
    await side.perform(asks.RemoveParticipant(group, BOB))
    assert (await side.perform(asks.SetGroupPicture(group, upload(JPEG)))).picture_link
    await side.perform(asks.LeaveGroup(group))
    with pytest.raises(Refused):
        await side.perform(asks.ReadGroup(group))


async def test_statuses(side: Side) -> None:
    posted = await side.perform(asks.PostTextStatus("good day", "#223344", "SERIF", (ANN,)))
    await side.sim("clock", {"advance_seconds": 5})
    (found,) = await side.perform(asks.ListStatuses(False))
    assert (found.message_id, found.kind, found.text) == (posted.message_id, "text", "good day")
    assert (found.background, found.font, found.direction) == ("#223344", "SERIF", "outgoing")
    assert ANN in {view.chat_id for view in await side.perform(asks.StatusViews(posted.message_id))}
    await side.perform(asks.DeleteStatus(posted.message_id))
    assert await side.perform(asks.ListStatuses(True)) == []


async def test_the_account(side: Side) -> None:
    found = await side.perform(asks.ReadAccount())
    assert (found.phone, found.chat_id, found.connection) == (OWN, f"{OWN}@c.us", "connected")
    assert (await side.perform(asks.SetProfilePicture(upload(JPEG)))).picture_link
    await side.perform(asks.WriteSettings(mark_incoming_read=True, keep_online=True))
    settings = await side.perform(asks.ReadSettings())
    assert (settings.mark_incoming_read, settings.keep_online) == (True, True)


async def test_traits_tell_which_asks_cannot_be_done(side: Side) -> None:
    for each in samples():
        try:
            await side.perform(each)
            cannot = False
        except Unsupported:
            cannot = True
        except Exception:  # whatever else it comes to with made-up ids, it was tried
            cannot = False
        assert cannot is (each.method in side.provider.traits.unsupported), each.method
