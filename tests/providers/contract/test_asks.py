"""Every ask: what it does there, what it answers, and how it ends when it is not done."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from app.gateway.catalogue import METHODS
from app.providers import asks
from app.providers.errors import (
    NoSuchThing,
    NotAllowed,
    NotLinked,
    OutcomeUnknown,
    ProviderError,
    Refused,
    TooFast,
    Unreachable,
    Unsupported,
)
from app.providers.port import Credentials, Link
from tests.providers.conftest import answering, raw_server, reply
from tests.providers.contract.stage import ANN, BOB, OWN, WISH, Stage
from tests.providers.samples import JPEG, NAMES, sample, samples, upload

STORED = "https://files.example.org/x/"
ENDINGS = (asks.DismissAdmin, asks.RemoveParticipant, asks.LeaveGroup, asks.DeleteMessage, asks.DeleteStatus)
PHONELESS = ("ReadSettings", "WriteSettings", "ReadAccount")


@dataclass
class Scene:
    """An account with a phone on which something has happened."""

    stage: Stage
    credentials: Credentials
    theirs: str
    picture: str
    own: str
    group: str
    status: str

    async def perform(self, ask: asks.Ask[Any]) -> Any:
        """The answer."""
        return await self.stage.wing.perform(self.credentials, ask)


async def _scene(stage: Stage) -> Scene:
    credentials = await stage.linked()
    theirs = await stage.receive(credentials)
    picture = await stage.receive_file(credentials, "a.jpg")
    own = await stage.wing.send(credentials, asks.Send(ANN, asks.Text("helo")))
    made = await stage.wing.perform(credentials, asks.CreateGroup("crew", (ANN,)))
    await stage.wing.perform(credentials, asks.AddContact(ANN, "Ann"))
    posted = await stage.wing.perform(credentials, asks.PostTextStatus("good day"))
    await stage.advance(200)
    return Scene(stage, credentials, theirs, picture, own.message_id, made.group_id, posted.message_id)


# What is asked of a scene so that it can be done; the samples will do for the rest.
FITTING: dict[str, Callable[[Scene], asks.Ask[Any]]] = {
    "ReadMessage": lambda scene: asks.ReadMessage(ANN, scene.theirs),
    "EditMessage": lambda scene: asks.EditMessage(ANN, scene.own, "hello"),
    "DeleteMessage": lambda scene: asks.DeleteMessage(ANN, scene.own),
    "FileOf": lambda scene: asks.FileOf(ANN, scene.picture),
    "ReadGroup": lambda scene: asks.ReadGroup(scene.group),
    "RenameGroup": lambda scene: asks.RenameGroup(scene.group, "band"),
    "SetGroupPicture": lambda scene: asks.SetGroupPicture(scene.group, upload(JPEG)),
    "SetGroupRules": lambda scene: asks.SetGroupRules(scene.group, members_may_edit=True),
    "AddParticipant": lambda scene: asks.AddParticipant(scene.group, BOB),
    "RemoveParticipant": lambda scene: asks.RemoveParticipant(scene.group, ANN),
    "MakeAdmin": lambda scene: asks.MakeAdmin(scene.group, ANN),
    "DismissAdmin": lambda scene: asks.DismissAdmin(scene.group, ANN),
    "LeaveGroup": lambda scene: asks.LeaveGroup(scene.group),
    "DeleteStatus": lambda scene: asks.DeleteStatus(scene.status),
    "StatusViews": lambda scene: asks.StatusViews(scene.status),
}


def _can(stage: Stage, name: str) -> bool:
    """Whether the wing says that it can; asks about a queue only where there is one."""
    return sample(name).method not in stage.traits.unsupported


def test_there_is_a_sample_of_every_ask_and_each_is_in_the_catalogue() -> None:
    declared = {each for each in vars(asks).values() if isinstance(each, type) and issubclass(each, asks.Ask)}
    assert declared - {asks.Ask} == {type(each) for each in samples()}
    for each in samples():
        assert METHODS[each.method.lower()].name == each.method


async def test_everything_that_it_can_is_done_and_the_rest_is_not_tried(stage: Stage) -> None:
    scene = await _scene(stage)
    makings: list[Callable[[], asks.Ask[Any]]] = [
        *((lambda name=name: FITTING[name](scene) if name in FITTING else sample(name)) for name in NAMES),
        lambda: asks.RecentMessages(False),
        lambda: asks.RecentCalls(True),
        lambda: asks.ListStatuses(False),
    ]
    for make in sorted(makings, key=lambda make: ENDINGS.index(type(make())) if type(make()) in ENDINGS else -1):
        await stage.comes_to(scene.credentials, Link.CONNECTED)  # new settings may restart an account
        ask, before = make(), await stage.count()
        if ask.method in stage.traits.unsupported:
            with pytest.raises(Unsupported):
                await scene.perform(ask)
            assert await stage.count() == before, ask
        else:
            await scene.perform(ask)
            assert await stage.count() > before, ask


@pytest.mark.parametrize("name", NAMES)
async def test_how_an_ask_ends_when_it_is_not_answered_as_it_should(stage: Stage, name: str) -> None:
    if not _can(stage, name):
        with pytest.raises(Unsupported):
            await stage.wing.perform(Credentials(stage.an_account, stage.a_token, "http://127.0.0.1:1"), sample(name))
        return
    for raw, error in (
        (reply(b"<html>bad gateway</html>", 502, "Content-Type: text/html\r\n"), OutcomeUnknown),
        (reply(b"", 429, "Retry-After: 7\r\n"), TooFast),
        (reply(b'{"message":"no","error":{"code":400,"message":"no"}}', 400), Refused),
        (reply(b"[["), ProviderError),
        (reply(b"7"), ProviderError),
    ):
        async with raw_server(answering(raw)) as server:
            wing = stage.opened(url=server.url, seconds=2.0)
            credentials = Credentials(stage.an_account, stage.a_token, server.url)
            with pytest.raises(error) as caught:
                await wing.perform(credentials, sample(name))
            assert len(server.requests) == 1
            assert error is ProviderError or type(caught.value) is error
            stage.silent(caught.value, credentials)
            await wing.close()
    nowhere = stage.opened(url="http://127.0.0.1:1")
    with pytest.raises(Unreachable):
        await nowhere.perform(Credentials(stage.an_account, stage.a_token, "http://127.0.0.1:1"), sample(name))
    await nowhere.close()


async def test_what_needs_a_phone_says_so(stage: Stage) -> None:
    """What is answered without one differs from gateway to gateway, but for the account's own affairs."""
    credentials = await stage.account()
    for name in NAMES:
        if not _can(stage, name):
            continue
        try:
            await stage.wing.perform(credentials, sample(name))
        except NotLinked as error:
            assert name not in PHONELESS
            stage.silent(error, credentials)
        except NoSuchThing:
            assert name not in PHONELESS


async def test_settings_are_read_and_written_and_leave_our_hook_alone(stage: Stage) -> None:
    credentials = await stage.account()
    before = await stage.wing.perform(credentials, asks.ReadSettings())
    assert "hook" not in repr(before)
    for value in (True, False):
        await stage.wing.perform(credentials, asks.WriteSettings(keep_online=value, mark_incoming_read=value))
        found = await stage.wing.perform(credentials, asks.ReadSettings())
        assert (found.keep_online, found.mark_incoming_read) == (value, value)
    assert await stage.wing.configured(credentials, WISH)


async def test_the_account_is_told_when_linked_and_empty_when_not(stage: Stage) -> None:
    credentials = await stage.account()
    empty = await stage.wing.perform(credentials, asks.ReadAccount())
    assert (empty.phone, empty.chat_id, empty.connection) == (None, None, "unpaired")
    await stage.scan(credentials)
    found = await stage.wing.perform(credentials, asks.ReadAccount())
    assert (found.phone, found.chat_id, found.connection) == (OWN, f"{OWN}@c.us", "connected")
    picture = await stage.wing.perform(credentials, asks.SetProfilePicture(upload(JPEG)))
    assert str(picture.picture_link).startswith("http")


async def test_chats_and_their_messages(stage: Stage) -> None:
    scene = await _scene(stage)
    chats = {each.chat_id: each for each in await scene.perform(asks.ListChats())}
    assert (chats[ANN].kind, chats[scene.group].kind) == ("user", "group")
    history = {each.message_id: each for each in await scene.perform(asks.ChatHistory(ANN))}
    assert set(history) == {scene.theirs, scene.picture, scene.own}
    theirs, own, picture = history[scene.theirs], history[scene.own], history[scene.picture]
    assert (theirs.kind, theirs.content, theirs.direction, theirs.by_api) == ("text", {"text": "hi"}, "incoming", None)
    assert (own.kind, own.content, own.direction, own.by_api) == ("text", {"text": "helo"}, "outgoing", True)
    assert (picture.kind, picture.content["caption"]) == ("image", "see")
    assert "http" not in repr(picture.content)
    assert await scene.perform(asks.ReadMessage(ANN, scene.theirs)) == theirs
    recent = [each.message_id for each in await scene.perform(asks.RecentMessages(True, 60))]
    assert set(recent) == {scene.theirs, scene.picture}
    assert scene.own in [each.message_id for each in await scene.perform(asks.RecentMessages(False, 60))]
    for chat_id, wanted in ((ANN, "NoSuchMessage01-gNoSuchOne"), (BOB, scene.theirs)):
        with pytest.raises(NoSuchThing):
            await scene.perform(asks.ReadMessage(chat_id, wanted))


async def test_a_chat_goes_into_the_archive_and_out(stage: Stage) -> None:
    scene = await _scene(stage)
    for ask, is_archived in ((asks.Archive(ANN), True), (asks.Unarchive(ANN), False)):
        await scene.perform(ask)
        await stage.advance(61)  # chats may be refreshed once a minute
        assert [each.is_archived for each in await scene.perform(asks.ListChats()) if each.chat_id == ANN] == [
            is_archived
        ]
    with pytest.raises(NoSuchThing):
        await scene.perform(asks.Archive(BOB))


async def test_messages_disappear_after_some_times_only(stage: Stage) -> None:
    scene = await _scene(stage)
    for seconds in (86400, 604800, 7776000, 0):
        found = await scene.perform(asks.SetDisappearing(ANN, seconds))
        assert (found.chat_id, found.seconds) == (ANN, seconds)
    with pytest.raises(Refused):
        await scene.perform(asks.SetDisappearing(ANN, 5))


async def test_an_own_text_is_edited_and_taken_back(stage: Stage) -> None:
    scene = await _scene(stage)
    edited = await scene.perform(asks.EditMessage(ANN, scene.own, "hello"))
    assert edited.message_id
    await scene.perform(asks.DeleteMessage(ANN, scene.own))
    history = await scene.perform(asks.ChatHistory(ANN))
    assert scene.own not in [each.message_id for each in history if not each.is_deleted]


async def test_the_file_of_a_message_is_linked(stage: Stage) -> None:
    scene = await _scene(stage)
    stored = await scene.perform(asks.FileOf(ANN, scene.picture))
    assert str(stored.file_link).startswith("http")
    with pytest.raises(NoSuchThing):
        await scene.perform(asks.FileOf(ANN, "NoSuchMessage01-gNoSuchOne"))


async def test_contacts_are_kept_and_dropped(stage: Stage) -> None:
    scene = await _scene(stage)
    await scene.perform(asks.AddContact(BOB, "Bob", "Karenin"))
    await scene.perform(asks.EditContact(BOB, "Robert"))
    info = await scene.perform(asks.ReadContact(BOB))
    assert (info.chat_id, info.is_business) == (BOB, False)
    names = {each.chat_id: str(each.contact_name) for each in await scene.perform(asks.ListContacts(groups=False))}
    assert names[ANN].startswith("Ann")
    assert names[BOB].startswith("Robert")
    groups = [each.chat_id for each in await scene.perform(asks.ListContacts(groups=True))]
    assert groups in ([], [scene.group])
    await scene.perform(asks.DeleteContact(BOB))


async def test_numbers_are_checked(stage: Stage) -> None:
    scene = await _scene(stage)
    for ask in (asks.CheckNumber(phone="79990003344"), asks.CheckNumber(chat_id=ANN, fresh=True)):
        assert (await scene.perform(ask)).exists
    before = await stage.count()
    for wrong in (asks.CheckNumber(), asks.CheckNumber(phone="1", chat_id=ANN), asks.CheckNumber(phone="+7")):
        with pytest.raises(Refused):
            await scene.perform(wrong)
    assert await stage.count() == before


async def test_a_group_lives(stage: Stage) -> None:
    scene = await _scene(stage)
    await scene.perform(asks.RenameGroup(scene.group, "band"))
    await scene.perform(asks.AddParticipant(scene.group, BOB))
    await scene.perform(asks.MakeAdmin(scene.group, BOB))
    await scene.perform(asks.SetGroupRules(scene.group, members_may_edit=True, members_may_send=False))
    found = await scene.perform(asks.ReadGroup(scene.group))
    ranks = {each.chat_id: each.is_admin for each in found.participants}
    assert (found.name, ranks[ANN], ranks[BOB]) == ("band", False, True)
    await scene.perform(asks.DismissAdmin(scene.group, BOB))
    await scene.perform(asks.RemoveParticipant(scene.group, BOB))
    found = await scene.perform(asks.ReadGroup(scene.group))
    assert BOB not in {each.chat_id for each in found.participants}
    picture = await scene.perform(asks.SetGroupPicture(scene.group, upload(JPEG)))
    assert picture.picture_link is None or picture.picture_link.startswith("http")
    await scene.perform(asks.LeaveGroup(scene.group))
    for late in (asks.AddParticipant(scene.group, BOB), asks.RenameGroup(scene.group, "late")):
        with pytest.raises((NotAllowed, NoSuchThing)):
            await scene.perform(late)


async def test_a_group_that_is_not_there_is_told_so(stage: Stage) -> None:
    scene = await _scene(stage)
    with pytest.raises((NotAllowed, NoSuchThing)):
        await scene.perform(asks.ReadGroup("120363000000000009@g.us"))


async def test_statuses_are_posted_seen_listed_and_taken_back(stage: Stage) -> None:
    scene = await _scene(stage)
    posted = [
        await scene.perform(asks.PostTextStatus("good night", "#223344", "SERIF", (ANN,))),
        await scene.perform(asks.PostVoiceStatus(f"{STORED}a.ogg", "a.ogg", "#223344")),
        await scene.perform(asks.PostMediaStatus(f"{STORED}a.jpg", "a.jpg", "see")),
    ]
    await stage.advance(5)
    await stage.view(scene.credentials, posted[0].message_id)
    views = await scene.perform(asks.StatusViews(posted[0].message_id))
    assert [(view.chat_id, view.status) for view in views if view.status == "read"] == [(ANN, "read")]
    own = {each.message_id: each for each in await scene.perform(asks.ListStatuses(False))}
    assert set(own) == {scene.status, *(each.message_id for each in posted)}
    words = own[posted[0].message_id]
    assert (words.kind, words.text, words.background, words.direction) == ("text", "good night", "#223344", "outgoing")
    await scene.perform(asks.DeleteStatus(posted[0].message_id))
    await stage.post(scene.credentials, "hello")
    (theirs,) = await scene.perform(asks.ListStatuses(True))
    assert (theirs.direction, theirs.chat_id, theirs.text) == ("incoming", ANN, "hello")
