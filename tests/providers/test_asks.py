"""What a gateway answers to each ask, and how each ask may end, against the upstream that is played."""

import pytest

from app.gateway.catalogue import METHODS
from app.providers import asks
from app.providers.errors import (
    NoSuchThing,
    NotAllowed,
    NotLinked,
    Refused,
    TryLater,
)
from app.providers.green_api.handlers import HANDLERS
from app.providers.port import Credentials, Provider
from tests.providers.conftest import CHAT, Upstream, account, linked
from tests.providers.samples import GROUP, JPEG, NAMES, sample, samples, upload

UNPAIRED_WILL_DO = {
    "Send", "ReadSettings", "WriteSettings", "ReadAccount", "StateHistory", "ChatHistory", "ReadMessage",
    "RecentMessages", "RecentCalls", "FileOf", "PostTextStatus", "PostVoiceStatus", "PostMediaStatus", "StatusViews",
    "ListStatuses", "ListQueue", "ClearQueue", "CountQueue", "ShowTyping",
}  # fmt: skip
OTHER = "79990005566@c.us"


def test_every_ask_has_a_function_a_sample_and_a_method_of_the_catalogue() -> None:
    declared = {each for each in vars(asks).values() if isinstance(each, type) and issubclass(each, asks.Ask)}
    declared.discard(asks.Ask)
    assert declared == set(HANDLERS) == {type(each) for each in samples()}
    for each in samples():
        assert METHODS[each.method.lower()].name == each.method


@pytest.mark.parametrize("name", [name for name in NAMES if name not in UNPAIRED_WILL_DO])
async def test_what_needs_a_phone_says_so(wing: Provider, name: str) -> None:
    credentials = await account(wing)
    with pytest.raises(NotLinked):
        await wing.perform(credentials, sample(name))


async def test_settings_are_read_and_written(wing: Provider, upstream: Upstream) -> None:
    credentials = await account(wing)
    wish = asks.WriteSettings(send_delay_ms=700, mark_incoming_read=True, keep_online=True, typing_speed=2)
    await wing.perform(credentials, wish)
    found = await wing.perform(credentials, asks.ReadSettings())
    assert (found.send_delay_ms, found.mark_incoming_read, found.keep_online) == (700, True, True)
    assert (found.typing_speed, found.mark_incoming_read_on_reply) == (2, False)
    assert "webhook" not in repr(found)
    truth = (await upstream.truth(credentials.account))["settings"]
    assert truth["incomingWebhook"] == "yes"


async def test_settings_out_of_range_are_refused(wing: Provider) -> None:
    credentials = await account(wing)
    with pytest.raises(Refused):
        await wing.perform(credentials, asks.WriteSettings(send_delay_ms=10**9))


async def test_the_account_is_told_when_linked_and_empty_when_not(wing: Provider, upstream: Upstream) -> None:
    credentials = await account(wing)
    empty = await wing.perform(credentials, asks.ReadAccount())
    assert (empty.phone, empty.chat_id, empty.connection) == (None, None, "unpaired")
    await upstream.phone(credentials, "scan", wid="79990001122@c.us")
    found = await wing.perform(credentials, asks.ReadAccount())
    assert (found.phone, found.chat_id, found.connection) == ("79990001122", "79990001122@c.us", "connected")
    device = await wing.perform(credentials, asks.ReadDevice())
    assert device.platform
    history = await wing.perform(credentials, asks.StateHistory(10))
    assert history[0].connection == "connected"
    assert history[0].at is not None


async def test_pictures_are_set_by_form_and_told_by_link(wing: Provider, upstream: Upstream) -> None:
    credentials = await linked(wing, upstream)
    own = await wing.perform(credentials, asks.SetProfilePicture(upload(JPEG)))
    assert own.picture_link
    made = await wing.perform(credentials, asks.CreateGroup("crew", (CHAT,)))
    of_group = await wing.perform(credentials, asks.SetGroupPicture(made.group_id, upload(JPEG)))
    assert of_group.picture_link
    with pytest.raises(Refused):
        await wing.perform(credentials, asks.SetGroupPicture(made.group_id, upload(b"GIF89a", kind="image/gif")))


async def test_typing_is_shown(wing: Provider, upstream: Upstream) -> None:
    credentials = await linked(wing, upstream)
    await wing.perform(credentials, asks.ShowTyping(CHAT, 1.0, recording=True))
    with pytest.raises(Refused):
        await wing.perform(credentials, asks.ShowTyping(CHAT, 0.5))


async def test_contacts_are_kept(wing: Provider, upstream: Upstream) -> None:
    credentials = await linked(wing, upstream)
    await wing.perform(credentials, asks.AddContact(CHAT, "Ann", "Karenina"))
    (found,) = await wing.perform(credentials, asks.ListContacts(groups=False))
    assert found.chat_id == CHAT
    assert found.contact_name is not None
    assert found.contact_name.startswith("Ann")
    await wing.perform(credentials, asks.EditContact(CHAT, "Anna"))
    info = await wing.perform(credentials, asks.ReadContact(CHAT))
    assert (info.chat_id, info.is_business, info.contact_name) == (CHAT, False, "Anna")
    await wing.perform(credentials, asks.DeleteContact(CHAT))
    assert await wing.perform(credentials, asks.ListContacts(groups=True)) == []


async def test_a_business_shows_what_it_sells(wing: Provider, upstream: Upstream) -> None:
    credentials = await linked(wing, upstream)
    product = {"id": "P1", "name": "Tea", "price": 1200, "isHidden": False, "imageUrls": {"original": "https://x/1"}}
    await upstream.phone(credentials, "contact", chat_id=CHAT, is_business=True, email="a@b.c", products=[product])
    info = await wing.perform(credentials, asks.ReadContact(CHAT))
    assert (info.is_business, info.email) == (True, "a@b.c")
    assert (info.products[0].name, info.products[0].price, info.products[0].picture_link) == (
        "Tea",
        "1200",
        "https://x/1",
    )


async def test_avatars_and_their_refusals(wing: Provider, upstream: Upstream) -> None:
    credentials = await linked(wing, upstream)
    await upstream.phone(credentials, "contact", chat_id=CHAT, avatar=True)
    await upstream.phone(credentials, "contact", chat_id=OTHER)
    assert (await wing.perform(credentials, asks.ReadAvatar(CHAT))).picture_link
    assert (await wing.perform(credentials, asks.ReadAvatar(OTHER))).picture_link is None
    slow = {"urlAvatar": "", "available": False, "reason": "get avatar timeout limit exceeded"}
    await upstream.fault("getAvatar", "status", status=200, body=slow)
    with pytest.raises(TryLater):
        await wing.perform(credentials, asks.ReadAvatar(CHAT))
    await upstream.fault("getAvatar", "status", status=200, body={**slow, "reason": "bad request data"})
    with pytest.raises(Refused):
        await wing.perform(credentials, asks.ReadAvatar(CHAT))


async def test_numbers_are_checked(wing: Provider, upstream: Upstream) -> None:
    credentials = await linked(wing, upstream)
    found = await wing.perform(credentials, asks.CheckNumber(phone="79990003344"))
    assert (found.exists, found.chat_id) == (True, CHAT)
    assert (await wing.perform(credentials, asks.CheckNumber(chat_id=CHAT, fresh=True))).exists
    for wrong in (asks.CheckNumber(), asks.CheckNumber(phone="1", chat_id=CHAT), asks.CheckNumber(phone="+7")):
        with pytest.raises(Refused):
            await wing.perform(credentials, wrong)
    with pytest.raises(Refused):
        await wing.perform(credentials, asks.CheckNumber(phone="123"))
    await upstream.fault("checkWhatsapp", "plain_text_400", body="check phone number timeout limit exceeded")
    with pytest.raises(TryLater):
        await wing.perform(credentials, asks.CheckNumber(phone="79990003344"))


async def test_who_is_no_admin_is_told_so(wing: Provider, upstream: Upstream) -> None:
    credentials = await linked(wing, upstream)
    made = await upstream.phone(credentials, "group", subject="theirs", members=[CHAT], account="member")
    group = made["group_id"]
    for ask in (
        asks.AddParticipant(group, OTHER),
        asks.RemoveParticipant(group, CHAT),
        asks.MakeAdmin(group, CHAT),
        asks.SetGroupRules(group, members_may_send=False),
    ):
        with pytest.raises(NotAllowed):
            await wing.perform(credentials, ask)
    with pytest.raises(NoSuchThing):
        await wing.perform(credentials, asks.ReadGroup(GROUP))


async def test_statuses_are_posted_seen_listed_and_taken_back(wing: Provider, upstream: Upstream) -> None:
    credentials = await linked(wing, upstream)
    await wing.perform(credentials, asks.AddContact(CHAT, "Ann"))
    posted = await wing.perform(credentials, asks.PostTextStatus("good day", "#223344", "SERIF", (CHAT,)))
    voice = asks.PostVoiceStatus("https://files.example.org/a.mp3", "a.mp3", "#223344")
    assert (await wing.perform(credentials, voice)).message_id
    media = asks.PostMediaStatus("https://files.example.org/a.jpg", "a.jpg", "see")
    assert (await wing.perform(credentials, media)).message_id
    await upstream.advance(5)
    await upstream.phone(credentials, "view_status", id_message=posted.message_id, chat_id=CHAT)
    views = await wing.perform(credentials, asks.StatusViews(posted.message_id))
    assert [(view.chat_id, view.status) for view in views if view.status == "read"] == [(CHAT, "read")]
    own = {each.message_id: each for each in await wing.perform(credentials, asks.ListStatuses(False))}
    text = own[posted.message_id]
    assert (text.kind, text.text, text.background, text.font) == ("text", "good day", "#223344", "SERIF")
    assert text.audience == [CHAT]
    assert len(own) == 3
    await wing.perform(credentials, asks.DeleteStatus(posted.message_id))
    await upstream.phone(credentials, "post_status", chat_id=CHAT, text="hello", background_color="#112233")
    (theirs,) = await wing.perform(credentials, asks.ListStatuses(True))
    assert (theirs.direction, theirs.chat_id, theirs.text) == ("incoming", CHAT, "hello")


async def test_the_queue_is_listed_counted_and_cleared(wing: Provider) -> None:
    credentials = await account(wing)
    text = await wing.perform(credentials, asks.Send(CHAT, asks.Text("one")))
    await wing.perform(credentials, asks.PostTextStatus("good day"))
    await wing.perform(credentials, asks.ShowTyping(CHAT))
    queued = await wing.perform(credentials, asks.ListQueue())
    assert queued[0].message_ids == [text.message_id]
    assert (queued[0].kind, queued[0].chat_id, queued[0].content) == ("text", CHAT, {"text": "one"})
    assert {each.kind for each in queued[1:]} <= {"status", "typing"}
    assert (await wing.perform(credentials, asks.CountQueue())).count == len(queued)
    await wing.perform(credentials, asks.ClearQueue())
    assert await wing.perform(credentials, asks.ListQueue()) == []


async def test_calls_are_told(wing: Provider, upstream: Upstream) -> None:
    credentials: Credentials = await linked(wing, upstream)
    await upstream.phone(credentials, "call", chat_id=CHAT, statuses=["offer", "pickUp", "hungUp"], duration=12)
    (call,) = await wing.perform(credentials, asks.RecentCalls(True))
    assert (call.chat_id, call.direction, call.status) == (CHAT, "incoming", "ended")
    assert (call.duration_seconds, call.is_video) == (12, False)
    assert await wing.perform(credentials, asks.RecentCalls(False)) == []
