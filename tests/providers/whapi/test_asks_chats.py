"""Chats and their messages: what is asked of them, and what they tell."""

from typing import Any

import pytest

from app.providers import asks
from app.providers.errors import NoSuchThing, NotAllowed, Refused, Unsupported
from tests.providers.whapi.conftest import ANN, BOB, Line

FILE = "https://files.example.org/x/a.jpg"


async def test_chats_come_newest_first_and_as_many_as_wanted(line: Line) -> None:
    await line.receive("first")
    await line.upstream.advance(5)
    await line.receive("second", chat_id="79990005566@s.whatsapp.net", sender_name="Bob")
    await line.upstream.advance(5)
    group = (await line.phone("group_made", by="79990003344", subject="crew"))["group_id"]
    found = await line.perform(asks.ListChats())
    assert [(chat.chat_id, chat.kind) for chat in found] == [(group, "group"), (BOB, "user"), (ANN, "user")]
    assert [(chat.name, chat.unread) for chat in found][:2] == [("crew", 0), ("Bob", 1)]
    assert [chat.chat_id for chat in await line.perform(asks.ListChats(count=1))] == [group]
    assert (await line.upstream.calls("getChats"))[-1]["request"] == {"count": "1"}


async def test_a_history_holds_both_directions_newest_first(line: Line) -> None:
    question = await line.receive("how much?", sender_name="Ann")
    await line.upstream.advance(5)
    sent = await line.perform(asks.Send(ANN, asks.Text("ten"), quoted_message_id=question))
    await line.upstream.advance(5)
    await line.phone("read", message_id=sent.message_id)
    theirs, ours = reversed(await line.perform(asks.ChatHistory(ANN)))
    assert (theirs.message_id, theirs.direction, theirs.sender, theirs.sender_name) == (
        question,
        "incoming",
        ANN,
        "Ann",
    )
    assert (theirs.status, theirs.by_api, theirs.chat_id) == (None, None, ANN)
    assert (ours.direction, ours.sender, ours.status, ours.by_api) == ("outgoing", None, "read", True)
    assert {"message_id": question, "sender": ANN}.items() <= ours.content["quoted"].items()
    assert theirs.at is not None
    assert ours.at is not None
    assert theirs.at < ours.at
    assert len(await line.perform(asks.ChatHistory(ANN, count=1))) == 1
    with pytest.raises(NoSuchThing):
        await line.perform(asks.ChatHistory(BOB))


async def test_recent_messages_are_of_one_direction_and_of_late(line: Line) -> None:
    await line.receive("theirs")
    await line.phone("send_from_phone", chat_id="79990003344@s.whatsapp.net", body="typed")
    await line.perform(asks.Send(BOB, asks.Text("ours")))
    incoming = await line.perform(asks.RecentMessages(True))
    outgoing = await line.perform(asks.RecentMessages(False, minutes=5))
    assert [(each.content["text"], each.direction) for each in incoming] == [("theirs", "incoming")]
    assert {(each.content["text"], each.by_api) for each in outgoing} == {("ours", True), ("typed", False)}
    query = (await line.upstream.calls("getMessages"))[-1]["request"]
    first = (await line.upstream.calls("getMessages"))[0]["request"]
    assert (first["from_me"], query["from_me"]) == ("false", "true")
    assert int(query["time_from"]) - int(first["time_from"]) >= 1435 * 60


async def test_one_message_is_found_in_its_chat_only(line: Line) -> None:
    message_id = await line.receive("hi")
    assert (await line.perform(asks.ReadMessage(ANN, message_id))).content == {"text": "hi"}
    for chat_id, wanted in ((BOB, message_id), (ANN, "NoSuchMessage01-gNoSuchOne")):
        with pytest.raises(NoSuchThing):
            await line.perform(asks.ReadMessage(chat_id, wanted))


async def test_a_hidden_number_is_told_as_it_is(line: Line) -> None:
    message_id = await line.receive("hi", as_lid=True)
    found = await line.perform(asks.ReadMessage(ANN, message_id))
    assert found.chat_id.endswith("@lid")
    assert found.sender == found.chat_id
    assert (await line.perform(asks.ReadMessage(found.chat_id, message_id))).content == {"text": "hi"}
    await line.perform(asks.Send(found.chat_id, asks.Text("hello")))
    assert (await line.upstream.asked("sendMessageText"))["to"] == found.chat_id


async def test_a_chat_or_a_message_is_read(line: Line) -> None:
    first = await line.receive("one")
    await line.receive("two")
    await line.perform(asks.MarkRead(ANN, first))
    assert (await line.perform(asks.ListChats()))[0].unread == 1
    await line.perform(asks.MarkRead(ANN))
    assert (await line.perform(asks.ListChats()))[0].unread == 0
    with pytest.raises(NoSuchThing):
        await line.perform(asks.MarkRead(BOB))


async def test_a_chat_goes_into_the_archive_and_out(line: Line) -> None:
    await line.receive()
    await line.perform(asks.Archive(ANN))
    assert (await line.perform(asks.ListChats()))[0].is_archived
    await line.perform(asks.Unarchive(ANN))
    assert not (await line.perform(asks.ListChats()))[0].is_archived
    with pytest.raises(NoSuchThing):
        await line.perform(asks.Archive(BOB))


@pytest.mark.parametrize(("seconds", "word"), [(0, "none"), (86400, "day"), (604800, "week"), (7776000, "quarter")])
async def test_messages_of_a_chat_disappear(line: Line, seconds: int, word: str) -> None:
    await line.receive()
    found = await line.perform(asks.SetDisappearing(ANN, seconds))
    assert (found.chat_id, found.seconds) == (ANN, seconds)
    assert await line.upstream.asked("patchChat") == {"ephemeral": word}


async def test_other_times_to_disappear_are_refused_unasked(line: Line) -> None:
    await line.receive()
    with pytest.raises(Refused):
        await line.perform(asks.SetDisappearing(ANN, 3600))
    assert await line.upstream.calls("patchChat") == []


async def test_typing_and_recording_are_shown(line: Line) -> None:
    await line.perform(asks.ShowTyping(ANN, 3.0))
    assert await line.upstream.asked("sendPresence") == {"presence": "typing", "delay": 3.0}
    await line.perform(asks.ShowTyping(ANN, 1.5, recording=True))
    assert await line.upstream.asked("sendPresence") == {"presence": "recording", "delay": 1.5}


async def test_an_own_text_is_edited_while_it_is_young(line: Line) -> None:
    sent = await line.perform(asks.Send(ANN, asks.Text("teh")))
    edited = await line.perform(asks.EditMessage(ANN, sent.message_id, "the"))
    assert edited.message_id == sent.message_id
    assert (await line.perform(asks.ReadMessage(ANN, sent.message_id))).content == {"text": "the"}
    theirs = await line.receive("not yours")
    with pytest.raises(NotAllowed):
        await line.perform(asks.EditMessage(ANN, theirs, "mine"))


async def test_a_message_is_deleted_for_all_only(line: Line) -> None:
    sent = await line.perform(asks.Send(ANN, asks.Text("oops")))
    with pytest.raises(Unsupported):
        await line.perform(asks.DeleteMessage(ANN, sent.message_id, only_for_sender=True))
    assert await line.upstream.calls("deleteMessage") == []
    await line.perform(asks.DeleteMessage(ANN, sent.message_id))
    with pytest.raises(NoSuchThing):
        await line.perform(asks.DeleteMessage(ANN, sent.message_id))


async def test_the_file_of_a_message_is_linked(line: Line) -> None:
    message_id = await line.receive(kind="image", caption="look")
    message = await line.perform(asks.ReadMessage(ANN, message_id))
    assert (message.kind, message.content["caption"], message.content["mime_type"]) == ("image", "look", "image/jpeg")
    stored = await line.perform(asks.FileOf(ANN, message_id))
    assert stored.file_link == message.file_link
    assert str(stored.file_link).startswith("http")
    with pytest.raises(NoSuchThing):
        await line.perform(asks.FileOf(BOB, message_id))
    with pytest.raises(NoSuchThing):
        await line.perform(asks.FileOf(ANN, await line.receive("no file")))


@pytest.mark.parametrize(
    ("act", "kind", "content"),
    [
        ({"kind": "location", "latitude": 1.5, "longitude": 2.5, "name": "Home"}, "location", {"latitude": 1.5}),
        ({"kind": "contact"}, "contact", {"name": "Ada"}),
        ({"kind": "contact_list"}, "contacts", {}),
        ({"kind": "poll"}, "poll", {"question": "Which?", "options": ["one", "two"], "multiple": True}),
        ({"kind": "voice"}, "audio", {"mime_type": "audio/ogg"}),
        ({"kind": "document", "file_name": "a.pdf"}, "document", {"file_name": "a.pdf"}),
        ({"kind": "sticker"}, "sticker", {"animated": False}),
        ({"kind": "link_preview"}, "text", {"text": "see https://example.test"}),
        ({"kind": "interactive"}, "buttons", {"buttons": [{"type": "reply", "id": "y", "text": "Yes"}]}),
        ({"kind": "group_invite", "title": "crew"}, "group_invite", {"group_name": "crew"}),
        (
            {"kind": "reply", "content": {"type": "buttons_reply", "buttons_reply": {"id": "y", "title": "Yes"}}},
            "button_reply",
            {"button_id": "y", "text": "Yes"},
        ),
        (
            {"kind": "reply", "content": {"type": "list_reply", "list_reply": {"id": "r1", "title": "Row"}}},
            "list_reply",
            {"row_id": "r1", "title": "Row"},
        ),
        ({"kind": "order", "content": {"order_id": "1"}}, "other", {}),
    ],
)
async def test_what_others_send_is_told_in_our_words(
    line: Line, act: dict[str, Any], kind: str, content: dict[str, Any]
) -> None:
    message_id = (await line.phone("receive", chat_id="79990003344@s.whatsapp.net", **act))["message_id"]
    found = await line.perform(asks.ReadMessage(ANN, message_id))
    assert found.kind == kind
    assert content.items() <= found.content.items()
    assert "link" not in found.content


@pytest.mark.parametrize("seconds", [0.0, 0.5, 21.0])
async def test_typing_for_no_time_or_too_long_is_refused_unasked(line: Line, seconds: float) -> None:
    with pytest.raises(Refused):
        await line.perform(asks.ShowTyping(ANN, seconds))
    assert await line.upstream.calls("sendPresence") == []
