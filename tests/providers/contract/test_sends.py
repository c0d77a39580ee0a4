"""Messages of every kind: sent, found again, told apart; and in the gateway's own words."""

import pytest

from app.providers import asks
from app.providers.errors import NotLinked, Refused
from app.providers.events import MessageEchoed
from app.providers.likeness import describe
from app.providers.port import Credentials, Native, Seen, Sent
from tests.providers.conftest import text, until
from tests.providers.contract.conftest import having
from tests.providers.contract.hearing import hearing
from tests.providers.contract.stage import ANN, BOB, Stage
from tests.providers.samples import JPEG, upload

FILES = {"a.jpg": "image/jpeg", "b.mp4": "video/mp4", "c.ogg": "audio/ogg", "d.pdf": "application/pdf"}
CONTENTS: list[asks.Content] = [
    asks.Text("grüße 👋"),
    asks.Text("see https://example.org", link_preview=False),
    asks.Location(52.3702157, 4.8951679, "Home", "Dam 1"),
    asks.Location(-0.0000001, 0.0),
    asks.Contact("79990003344", "Ann", "M", "Karenina", "Trains"),
    asks.Contact("79990003344", company="Trains"),
    asks.Poll("Tea?", ("yes", "no"), multiple=True),
    asks.Poll("Milk?", ("yes", "no")),
    asks.Buttons(
        "Well?",
        (
            asks.Button("1", "Copy", code="A1"),
            asks.Button("2", "Call", phone="79990003344"),
            asks.Button("3", "Open", url="https://example.org"),
        ),
        header="T",
        footer="F",
    ),
    asks.ReplyButtons("Sure?", (asks.ReplyButton("1", "ok"),)),
]
queued = having(lambda traits: traits.has_queue)
direct = having(lambda traits: not traits.has_queue)


async def _contents(stage: Stage, credentials: Credentials) -> list[asks.Content]:
    """One or more of each kind; files are stored with the gateway first."""
    stored = [
        asks.FileByUrl(await stage.wing.upload(credentials, upload(JPEG, kind=kind, name=name)), name, f"{name}!")
        for name, kind in FILES.items()
    ]
    return [*CONTENTS, *(asks.FileByUrl(each.url, each.file_name) for each in stored[2:3]), *stored[:2], stored[3]]


async def _traces(stage: Stage, credentials: Credentials, count: int) -> list[Seen]:
    """What the journal shows as soon as it shows so much."""

    async def gone() -> bool:
        return not await stage.wing.waiting(credentials)

    await until(gone, 5)
    await stage.advance(200)  # a journal may lag
    seen = await stage.wing.sent_since(credentials, 60)
    assert len(seen) == count
    return seen


async def test_a_message_of_each_kind_is_known_again_in_journal_and_echo(stage: Stage) -> None:
    async with hearing(stage) as ear:
        contents = await _contents(stage, ear.credentials)
        sent = [await stage.wing.send(ear.credentials, asks.Send(ANN, content)) for content in contents]
        alike = [stage.wing.likeness(*describe(content)) for content in contents]
        assert None not in alike
        assert len({each.message_id for each in sent}) == len(contents) == len(set(alike))
        expected = {one.message_id: (ANN, like) for one, like in zip(sent, alike, strict=True)}
        seen = await _traces(stage, ear.credentials, len(contents))
        assert {each.message_id: (each.chat_id, each.likeness) for each in seen} == expected
        assert None not in {each.sent_at for each in seen}
        echoes = await ear.hears(MessageEchoed, len(contents))
    told = {each.message_id: (each.chat_id, stage.wing.likeness(each.kind, each.content)) for each in echoes}
    assert told == expected
    assert {each.by_api for each in echoes} == {True}
    assert {each.message_id: each.kind for each in echoes} == {each.message_id: each.kind for each in seen}


async def test_a_message_quotes_another(stage: Stage) -> None:
    credentials = await stage.linked()
    theirs = await stage.receive(credentials, "how much?")
    sent = await stage.wing.send(credentials, asks.Send(ANN, asks.Text("ten"), theirs))
    await _traces(stage, credentials, 1)
    found = await stage.wing.perform(credentials, asks.ReadMessage(ANN, sent.message_id))
    assert found.content["quoted"]["message_id"] == theirs
    assert stage.wing.likeness(found.kind, found.content) == stage.wing.likeness("text", {"text": "ten"})


async def test_a_forward_tells_every_new_id_and_leaves_no_likeness(stage: Stage) -> None:
    credentials = await stage.linked()
    theirs = [await stage.receive(credentials, words) for words in ("one", "two")]
    forward = asks.Forward(ANN, tuple(theirs))
    sent = await stage.wing.send(credentials, asks.Send(BOB, forward))
    assert len({sent.message_id, *sent.more_ids, *theirs}) == 4
    assert stage.wing.likeness(*describe(forward)) is None


async def test_what_was_typed_on_the_phone_is_no_trace_of_a_call(stage: Stage) -> None:
    credentials = await stage.linked()
    await stage.type(credentials, "typed")
    await stage.receive(credentials, "theirs")
    assert await stage.wing.sent_since(credentials, 10) == []
    assert await stage.wing.waiting(credentials) == []


async def test_a_group_is_written_to_as_a_person_is(stage: Stage) -> None:
    credentials = await stage.linked()
    group = (await stage.wing.perform(credentials, asks.CreateGroup("crew", (ANN,)))).group_id
    sent = await stage.wing.send(credentials, asks.Send(group, asks.Text("all")))
    (seen,) = await _traces(stage, credentials, 1)
    assert (seen.message_id, seen.chat_id) == (sent.message_id, group)


@queued
async def test_without_a_phone_it_waits_in_the_queue(stage: Stage) -> None:
    credentials = await stage.account()
    sent = await stage.wing.send(credentials, text("later"))
    (seen,) = await stage.wing.waiting(credentials)
    assert (seen.message_id, seen.chat_id, seen.sent_at) == (sent.message_id, ANN, None)
    assert seen.likeness == stage.wing.likeness("text", {"text": "later"})
    await stage.scan(credentials)
    (seen,) = await _traces(stage, credentials, 1)
    assert seen.message_id == sent.message_id


@queued
async def test_what_is_cleared_is_never_sent(stage: Stage) -> None:
    credentials = await stage.account()
    never = await stage.wing.send(credentials, text("never"))
    await stage.wing.clear_queues(credentials)
    assert await stage.wing.waiting(credentials) == []
    await stage.scan(credentials)
    await stage.wing.send(credentials, text("after it"))
    await _traces(stage, credentials, 2)
    found = await stage.wing.perform(credentials, asks.ReadMessage(ANN, never.message_id))
    assert found.status is None


@direct
async def test_without_a_phone_it_is_refused(stage: Stage) -> None:
    credentials = await stage.account()
    with pytest.raises(NotLinked) as caught:
        await stage.wing.send(credentials, text("never"))
    stage.silent(caught.value, credentials)
    before = await stage.count()
    await stage.wing.clear_queues(credentials)
    assert await stage.wing.waiting(credentials) == []
    assert await stage.count() == before
    await stage.scan(credentials)
    assert await stage.sent(credentials) == []


async def test_a_send_in_the_gateways_own_words_is_understood(stage: Stage) -> None:
    credentials, call = await stage.linked(), stage.native_text("grüße")
    drafted = stage.wing.drafted(call.method, call.body)
    assert drafted is not None
    assert (drafted.chat_id, drafted.kind, drafted.content) == (ANN, "text", {"text": "grüße"})
    answer = await stage.wing.native(credentials, call)
    assert answer.status == 200
    assert stage.wing.conclude(call.method, answer) is None
    sent = stage.wing.sent_by(call.method, answer)
    assert isinstance(sent, Sent)
    (seen,) = await _traces(stage, credentials, 1)
    assert (seen.message_id, seen.likeness) == (sent.message_id, stage.wing.likeness(drafted.kind, drafted.content))


async def test_a_refusal_in_its_own_words_passes_as_it_is_and_is_understood(stage: Stage) -> None:
    credentials, call = await stage.linked(), stage.native_text("x")
    answer = await stage.wing.native(credentials, Native(call.method, call.verb, "", b"{}", call.content_type))
    assert 400 <= answer.status < 500
    assert answer.body
    for ending in (stage.wing.conclude(call.method, answer), stage.wing.sent_by(call.method, answer)):
        assert isinstance(ending, Refused)
    assert await stage.sent(credentials) == []


async def test_hosts_that_no_tenant_may_see_are_named(stage: Stage) -> None:
    credentials = await stage.linked()
    link = await stage.wing.upload(credentials, upload(JPEG))
    assert any(host in link for host in stage.wing.hosts())
    assert all(host and "/" not in host for host in stage.wing.hosts())
