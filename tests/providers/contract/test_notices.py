"""Notifications of every kind, as gateways send them, in our words."""

from collections.abc import AsyncIterator

import pytest

from app.providers.asks import Poll, Send, Text
from app.providers.events import (
    CallChanged,
    MessageDeleted,
    MessageEchoed,
    MessageEdited,
    MessageProgressed,
    MessageReceived,
    PollVoted,
    ReactionReceived,
    StateChanged,
)
from tests.providers.conftest import HOOK_TOKEN
from tests.providers.contract.hearing import Ear, hearing
from tests.providers.contract.stage import ANN, OWN, Stage


@pytest.fixture
async def ear(stage: Stage) -> AsyncIterator[Ear]:
    async with hearing(stage) as ear:
        yield ear


async def test_linking_is_told_with_the_number_and_with_our_token(ear: Ear) -> None:
    told = await ear.notice(StateChanged("connected", OWN))
    assert told.account == ear.credentials.account
    await ear.stage.act(ear.credentials, "unlink")
    await ear.notice(StateChanged("unpaired", None))
    assert set(ear.authorizations) == {f"Bearer {HOOK_TOKEN}"}
    assert {read.account for read in ear.notices()} == {ear.credentials.account}


async def test_a_message_that_came_in(ear: Ear) -> None:
    message_id = await ear.stage.receive(ear.credentials, "grüße 👋")
    told = await ear.notice(MessageReceived(message_id, ANN, ANN, "Ann", "text", {"text": "grüße 👋"}))
    assert told.happened_at is not None
    assert told.file_link is None


async def test_the_address_of_a_file_stands_beside_the_content(ear: Ear) -> None:
    message_id = await ear.stage.receive_file(ear.credentials, "a.jpg")
    (told,) = await ear.hears(MessageReceived)
    assert (told.message_id, told.kind, told.content["caption"]) == (message_id, "image", "see")
    assert "http" not in repr(told.content)
    (read,) = [read for read in ear.notices() if read.what == told]
    assert "http" not in repr(read)


async def test_what_left_by_a_call_and_what_left_by_hand(ear: Ear) -> None:
    sent = await ear.stage.wing.send(ear.credentials, Send(ANN, Text("by call")))
    typed = await ear.stage.type(ear.credentials, "by hand")
    told = {each.message_id: each for each in await ear.hears(MessageEchoed, 2)}
    assert told == {
        sent.message_id: MessageEchoed(sent.message_id, ANN, "text", {"text": "by call"}, by_api=True),
        typed: MessageEchoed(typed, ANN, "text", {"text": "by hand"}, by_api=False),
    }
    assert [seen.message_id for seen in await ear.stage.wing.sent_since(ear.credentials, 10)] == [sent.message_id]


async def test_how_far_a_message_came(ear: Ear) -> None:
    sent = await ear.stage.wing.send(ear.credentials, Send(ANN, Text("x")))
    await ear.notice(MessageProgressed(sent.message_id, ANN, "sent", None))
    await ear.stage.advance(0.05)
    if not [told for told in ear.said(MessageProgressed) if told.status == "delivered"]:
        await ear.stage.move(ear.credentials, sent.message_id, "delivered")
    await ear.stage.move(ear.credentials, sent.message_id, "read")
    await ear.notice(MessageProgressed(sent.message_id, ANN, "read", None))
    assert {told.status for told in ear.said(MessageProgressed)} == {"sent", "delivered", "read"}


async def test_an_edit_is_told_once(ear: Ear) -> None:
    message_id = await ear.stage.receive(ear.credentials, "helo")
    await ear.stage.edit(ear.credentials, message_id, "hello")
    await ear.notice(MessageEdited(message_id, ANN, ANN, {"text": "hello"}, own=False))
    await ear.stage.receive(ear.credentials, "after it")
    await ear.hears(MessageReceived, 2)
    assert len(ear.said(MessageEdited)) == 1


async def test_a_message_that_was_taken_back_is_named_by_its_id(ear: Ear) -> None:
    message_id = await ear.stage.receive(ear.credentials)
    await ear.stage.revoke(ear.credentials, message_id)
    (told,) = await ear.hears(MessageDeleted)
    assert (told.message_id, told.own) == (message_id, False)
    assert told.chat_id in (ANN, "")


async def test_a_reaction_and_its_end(ear: Ear) -> None:
    message_id = await ear.stage.receive(ear.credentials)
    for emoji in ("👍", ""):
        await ear.stage.react(ear.credentials, message_id, emoji)
    told = await ear.hears(ReactionReceived, 2)
    assert [(each.message_id, each.chat_id, each.sender, each.emoji) for each in told] == [
        (message_id, ANN, ANN, "👍"),
        (message_id, ANN, ANN, None),
    ]


async def test_a_vote_tells_the_polls_whole_state(ear: Ear) -> None:
    poll = (await ear.stage.wing.send(ear.credentials, Send(ANN, Poll("Tea?", ("yes", "no"))))).message_id
    await ear.hears(MessageProgressed)
    await ear.stage.vote(ear.credentials, poll, "yes")
    (told,) = await ear.hears(PollVoted)
    assert (told.message_id, told.chat_id, told.sender) == (poll, ANN, ANN)
    assert told.votes == [{"option": "yes", "voters": [ANN]}, {"option": "no", "voters": []}]


async def test_a_call_rings_and_is_missed(ear: Ear) -> None:
    call_id = await ear.stage.ring(ear.credentials)
    told = await ear.hears(CallChanged, 2)
    assert [(each.call_id, each.chat_id, each.direction, each.status) for each in told] == [
        (call_id, ANN, "incoming", "ringing"),
        (call_id, ANN, "incoming", "missed"),
    ]


async def test_one_that_comes_twice_is_known_and_two_are_told_apart(ear: Ear) -> None:
    for _ in range(2):
        await ear.stage.receive(ear.credentials, "same")
    await ear.hears(MessageReceived, 2)
    wing, bodies = ear.stage.wing, [each for body in ear.bodies for each in ear.stage.wing.apart(body)]
    assert [wing.apart(each) for each in bodies] == [[each] for each in bodies]
    again = [wing.read_notice(each).dedupe for each in bodies]
    assert again == [wing.read_notice(each).dedupe for each in bodies]
    assert len({read.dedupe for read in ear.notices() if isinstance(read.what, MessageReceived)}) == 2
