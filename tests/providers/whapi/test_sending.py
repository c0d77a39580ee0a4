"""What a send is upstream, how it is found again, and how it may end."""

import json
from typing import Any

import pytest

from app.providers import asks
from app.providers.errors import NoSuchThing, NotAllowed, NotLinked, OutcomeUnknown, QuotaReached, Refused, TooFast
from app.providers.events import MessageEchoed, Notification
from app.providers.likeness import describe
from app.providers.port import Native
from app.providers.whapi.sending import body_of, vcard
from tests.providers.samples import JPEG, upload
from tests.providers.whapi.conftest import ANN, BOB, Line, Upstream

FILE = "https://files.example.org/x/"
EACH: list[asks.Content] = [
    asks.Text("grüße 👋"),
    asks.FileByUrl(f"{FILE}a.jpg", "a.jpg", "look"),
    asks.FileByUrl(f"{FILE}a.png", "menu.png"),
    asks.FileByUrl(f"{FILE}a.mp4", "a.mp4", "film"),
    asks.FileByUrl(f"{FILE}a.mp3", "a.mp3", "has no caption there"),
    asks.FileByUrl(f"{FILE}a.ogg", "a.ogg"),
    asks.FileByUrl(f"{FILE}a.pdf", "price list.pdf", "prices"),
    asks.Location(52.370215712, 4.895167901, "Home", "1 Canal"),
    asks.Contact("79990007788", "Ann", "M", "Lee", "Acme; Sons"),
    asks.Contact("79990007788", company="Acme, Ltd"),
    asks.Poll("Tea?", ("yes", "no"), multiple=True),
    asks.Poll("Milk?", ("yes", "no")),
    asks.Buttons("Pay", (asks.Button("1", "Copy", code="X1"), asks.Button("2", "Call", phone="79990001122")), "Hi"),
    asks.Buttons("Pay", (asks.Button("3", "Open", url="https://example.org"),), footer="Bye"),
    asks.ReplyButtons("Sure?", (asks.ReplyButton("y", "Yes"), asks.ReplyButton("n", "No"))),
]


@pytest.mark.parametrize("content", EACH, ids=lambda content: type(content).__name__)
async def test_every_content_is_sent_and_alike_in_the_journal(line: Line, content: asks.Content) -> None:
    sent = await line.perform(asks.Send(ANN, content))
    (seen,) = await line.sent()
    kind, described = describe(content)
    assert (seen.message_id, seen.chat_id, seen.kind) == (sent.message_id, ANN, kind)
    assert seen.likeness == line.wing.likeness(kind, described)
    assert seen.likeness is not None
    assert seen.sent_at is not None
    message = await line.perform(asks.ReadMessage(ANN, sent.message_id))
    assert (message.direction, message.by_api, message.kind) == ("outgoing", True, kind)
    echo = (await _echo(line, sent.message_id)).what
    assert isinstance(echo, MessageEchoed)
    assert (echo.message_id, echo.chat_id, echo.kind, echo.by_api) == (sent.message_id, ANN, kind, True)
    assert line.wing.likeness(echo.kind, echo.content) == seen.likeness


@pytest.mark.parametrize(
    ("content", "method", "said"),
    [
        (EACH[0], "sendMessageText", {"body": "grüße 👋"}),
        (asks.Text("a", link_preview=False), "sendMessageText", {"body": "a", "no_link_preview": True}),
        (EACH[1], "sendMessageImage", {"media": f"{FILE}a.jpg", "caption": "look", "no_cache": True}),
        (EACH[4], "sendMessageAudio", {"media": f"{FILE}a.mp3", "no_cache": True}),
        (EACH[5], "sendMessageVoice", {"media": f"{FILE}a.ogg", "no_cache": True}),
        (
            EACH[6],
            "sendMessageDocument",
            {"media": f"{FILE}a.pdf", "filename": "price list.pdf", "caption": "prices", "no_cache": True},
        ),
        (EACH[10], "sendMessagePoll", {"title": "Tea?", "options": ["yes", "no"], "count": 0}),
        (EACH[11], "sendMessagePoll", {"title": "Milk?", "options": ["yes", "no"], "count": 1}),
        (
            EACH[13],
            "sendMessageInteractive",
            {
                "type": "button",
                "body": {"text": "Pay"},
                "footer": {"text": "Bye"},
                "action": {"buttons": [{"type": "url", "url": "https://example.org", "id": "3", "title": "Open"}]},
            },
        ),
    ],
)
async def test_what_is_said_upstream(line: Line, content: asks.Content, method: str, said: dict[str, Any]) -> None:
    await line.perform(asks.Send(ANN, content))
    assert await line.upstream.asked(method) == {"to": "79990003344@s.whatsapp.net", **said}
    assert len(await line.upstream.calls(method)) == 1


async def test_a_reply_cites_and_typing_is_asked_for(line: Line) -> None:
    question = await line.receive("how much?")
    ask = asks.Send(ANN, asks.Text("ten"), quoted_message_id=question, typing_seconds=0.01)
    sent = await line.perform(ask)
    found = await line.perform(asks.ReadMessage(ANN, sent.message_id))
    cited = {"message_id": question, "sender": ANN, "kind": "text", "content": {"text": "how much?"}}
    assert found.content == {"text": "ten", "quoted": cited}
    assert (await line.upstream.asked("sendMessageText"))["typing_time"] == 0.01


def test_only_texts_and_voices_have_a_time_before() -> None:
    def body(content: asks.Content) -> dict[str, Any]:
        return body_of(asks.Send(ANN, content, typing_seconds=90))[1]

    assert body(EACH[0])["typing_time"] == 20
    assert body(EACH[5])["recording_time"] == 20
    assert not {"typing_time", "recording_time"} & body(EACH[1]).keys()


def test_a_card_is_escaped() -> None:
    card = vcard(asks.Contact("79990007788", "A;n\nn", last_name="L,ee", company="Back\\slash"))
    assert card.split("\n") == [
        "BEGIN:VCARD",
        "VERSION:3.0",
        "N:L\\,ee;A\\;n n;;;",
        "FN:A\\;n n L\\,ee",
        "ORG:Back\\\\slash;",
        "TEL;type=CELL;waid=79990007788:+79990007788",
        "END:VCARD",
    ]


async def test_groups_and_hidden_numbers_are_written_to_as_they_are(line: Line) -> None:
    group = (await line.phone("group_made", by="79990003344"))["group_id"]
    await line.perform(asks.Send(group, asks.Text("all")))
    assert (await line.upstream.asked("sendMessageText"))["to"] == group
    (seen,) = await line.sent()
    assert seen.chat_id == group


async def test_a_forward_of_several_tells_their_ids_in_order(line: Line) -> None:
    first, second = await line.receive("one"), await line.receive("two")
    sent = await line.perform(asks.Send(BOB, asks.Forward(ANN, (first, second))))
    texts = []
    for one in (sent.message_id, *sent.more_ids):
        found = await line.perform(asks.ReadMessage(BOB, one))
        assert found.is_forwarded
        texts.append(found.content["text"])
    assert texts == ["one", "two"]


async def test_a_forward_that_breaks_off_is_in_doubt_unless_nothing_left(line: Line) -> None:
    known = await line.receive("one")
    unknown = "NoSuchMessage01-gNoSuchOne"
    with pytest.raises(NoSuchThing):
        await line.perform(asks.Send(BOB, asks.Forward(ANN, (unknown, known))))
    assert await line.sent() == []
    with pytest.raises(OutcomeUnknown):
        await line.perform(asks.Send(BOB, asks.Forward(ANN, (known, unknown, known))))
    assert len(await line.sent()) == 1
    with pytest.raises(Refused):
        await line.perform(asks.Send(BOB, asks.Forward(ANN, ())))


async def test_a_forward_that_takes_too_long_is_in_doubt(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = await line.receive("one"), await line.receive("two")
    monkeypatch.setattr("app.providers.whapi.sending.FORWARD_SECONDS", 0.0)
    assert (await line.perform(asks.Send(BOB, asks.Forward(ANN, (first,))))).message_id
    with pytest.raises(OutcomeUnknown):
        await line.perform(asks.Send(BOB, asks.Forward(ANN, (first, second))))
    assert len(await line.upstream.calls("forwardMessage")) == 2


async def test_nothing_waits_upstream(line: Line) -> None:
    await line.perform(asks.Send(ANN, asks.Text("gone")))
    assert await line.wing.waiting(line.credentials) == []


async def test_what_the_owner_typed_or_others_wrote_is_no_trace(line: Line) -> None:
    await line.phone("send_from_phone", chat_id="79990003344@s.whatsapp.net", body="typed")
    await line.phone("send_from_phone", chat_id="79990003344@s.whatsapp.net", body="clicked", source="web")
    await line.receive("theirs")
    assert await line.sent() == []
    await line.perform(asks.Send(ANN, asks.Text("ours")))
    assert [seen.likeness for seen in await line.sent()] == ["ours"]


async def test_a_trace_under_a_hidden_id_is_told_under_the_number_as_well(line: Line, upstream: Upstream) -> None:
    told = await line.phone("receive", chat_id="79990003344@s.whatsapp.net", body="hi", as_lid=True)
    hidden = told["message"]["chat_id"]
    unknown = "123456789012345@lid"
    base = {"from_me": True, "type": "text", "text": {"body": "ours"}, "timestamp": 1795219260, "source": "api"}
    rows = [{**base, "id": "A", "chat_id": hidden}, {**base, "id": "B", "chat_id": unknown}]
    body = {"messages": rows, "count": 2, "total": 2}
    await upstream.fault("getMessages", "status", status=200, body=body)
    found = [(seen.message_id, seen.chat_id) for seen in await line.sent()]
    assert sorted(found) == sorted([("A", hidden), ("A", ANN), ("B", unknown)])
    rules = [
        {"method": "getMessages", "kind": "status", "status": 200, "body": body},
        {"method": "getContact", "kind": "status", "status": 502},
    ]
    await upstream.sim("faults", {"rules": rules})
    with pytest.raises(OutcomeUnknown):
        await line.sent()


async def test_a_lost_answer_is_in_doubt_and_found_a_lost_request_is_not(line: Line, upstream: Upstream) -> None:
    await upstream.fault("sendMessageText", "lose_answer", times=1)
    with pytest.raises(OutcomeUnknown):
        await line.perform(asks.Send(ANN, asks.Text("once")))
    assert [seen.likeness for seen in await line.sent()] == ["once"]
    await upstream.fault("sendMessageText", "lose_request", times=1)
    with pytest.raises(OutcomeUnknown):
        await line.perform(asks.Send(ANN, asks.Text("never")))
    assert [seen.likeness for seen in await line.sent()] == ["once"]
    assert len(await upstream.calls("sendMessageText")) == 2


async def test_a_journal_that_cannot_be_read_whole_proves_nothing(line: Line, upstream: Upstream) -> None:
    await line.phone("sync_error")
    sent = await line.perform(asks.Send(ANN, asks.Text("sent all the same")))
    assert sent.message_id
    with pytest.raises(OutcomeUnknown):
        await line.sent()
    await upstream.fault("getMessages", "status", status=200, body={"messages": {}})
    with pytest.raises(OutcomeUnknown):
        await line.sent()


async def test_long_journals_are_read_in_pages(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.providers.whapi.shapes.PAGE", 2)
    ids = [(await line.perform(asks.Send(ANN, asks.Text(str(n))))).message_id for n in range(5)]
    found = await line.sent()
    assert sorted(seen.message_id for seen in found) == sorted(ids)
    assert len(await line.upstream.calls("getMessages")) == 3
    monkeypatch.setattr("app.providers.whapi.shapes.PAGES", 2)
    with pytest.raises(OutcomeUnknown):
        await line.sent()


async def test_no_phone_no_rights_no_quota(unpaired: Line, upstream: Upstream) -> None:
    with pytest.raises(NotLinked):
        await unpaired.perform(asks.Send(ANN, asks.Text("hi")))
    await unpaired.phone("scan", phone="79990001122")
    with pytest.raises(NotAllowed):
        await unpaired.perform(asks.Send("120363000000000001@g.us", asks.Text("hi")))
    with pytest.raises(NoSuchThing):
        await unpaired.perform(asks.Send(ANN, asks.Text("hi"), quoted_message_id="NoSuchMessage01-gNoSuchOne"))
    await upstream.fault("sendMessageText", "status", status=429)
    with pytest.raises(TooFast):
        await unpaired.perform(asks.Send(ANN, asks.Text("hi")))
    await upstream.fault("sendMessageText", "status", status=402, body={"code": 402, "error": "Trial"})
    with pytest.raises(QuotaReached):
        await unpaired.perform(asks.Send(ANN, asks.Text("hi")))


async def test_a_number_without_whatsapp_is_refused_or_fails_later(line: Line, upstream: Upstream) -> None:
    await upstream.knobs(no_account=["79990003344"], no_account_send=403)
    with pytest.raises(NotAllowed):
        await line.perform(asks.Send(ANN, asks.Text("anybody?")))
    await upstream.knobs(no_account_send="failed")
    sent = await line.perform(asks.Send(ANN, asks.Text("anybody?")))
    await upstream.advance(2)
    found = await line.perform(asks.ReadMessage(ANN, sent.message_id))
    assert (found.status, found.reason) == ("failed", "rejected_by_whatsapp")


async def test_a_file_that_is_stored_is_sent_by_its_id(line: Line) -> None:
    address = await line.wing.upload(line.credentials, upload(JPEG))
    await line.perform(asks.Send(ANN, asks.FileByUrl(address, "a.jpg")))
    said = await line.upstream.asked("sendMessageImage")
    assert said["media"] in address
    assert not said["media"].startswith("http")
    assert "no_cache" not in said


async def _echo(line: Line, message_id: str) -> Notification:
    """The callback about an own message, as the wing reads it."""
    row = json.loads((await line.wing.native(line.credentials, Native(f"/messages/{message_id}", "GET"))).body)
    return line.wing.read_notice({"messages": [row], "event": {"type": "messages", "event": "post"}, "channel_id": "C"})
