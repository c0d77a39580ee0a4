"""What callbacks say: those that the simulator sends to a channel's hook, and those that it does not."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.providers.asks import Poll, Send, Text
from app.providers.events import (
    CallChanged,
    MessageEdited,
    MessageProgressed,
    MessageReceived,
    Notification,
    PollVoted,
    ReactionReceived,
    StateChanged,
    Unmapped,
)
from app.providers.port import Credentials
from app.providers.whapi.adapter import WhapiCloud
from app.providers.whapi.notices import apart, read_notice
from tests.providers.conftest import HOOK_TOKEN, until
from tests.providers.whapi.conftest import ANN, OWN, Upstream
from tests.providers.whapi.hooks import Hook, act, linked, listening

THEIR_ANN = "79990003344@s.whatsapp.net"
GROUP = "120363000000000001@g.us"


class Told:
    """A linked channel whose callbacks are kept, and read."""

    def __init__(self, wing: WhapiCloud, upstream: Upstream, hook: Hook, credentials: Credentials) -> None:
        self.wing = wing
        self.upstream = upstream
        self.hook = hook
        self.credentials = credentials

    async def act(self, what: str, /, **body: Any) -> Any:
        return await act(self.upstream, self.credentials, what, **body)

    async def receive(self, **body: Any) -> str:
        return str((await self.act("receive", **{"chat_id": THEIR_ANN, **body}))["message_id"])

    def said(self, kind: type) -> list[Any]:
        """What was told of a kind so far, each once."""
        return [read.what for read in self.notices() if isinstance(read.what, kind)]

    def notices(self) -> list[Notification]:
        found = [self.wing.read_notice(each) for body in self.hook.bodies for each in self.wing.apart(body)]
        return list({read.dedupe: read for read in reversed(found)}.values())[::-1]

    async def one(self, kind: type) -> Any:
        """The one thing of a kind that is told."""

        async def there() -> bool:
            return bool(self.said(kind))

        await until(there)
        (found,) = self.said(kind)
        return found


@pytest.fixture
async def told(wing: WhapiCloud, upstream: Upstream) -> AsyncIterator[Told]:
    async with listening() as hook:
        yield Told(wing, upstream, hook, await linked(wing, upstream, hook.wish))


async def test_pairing_is_told_with_our_token_and_the_number(told: Told) -> None:
    await told.hook.has("user")
    await told.hook.has("health", 4)
    notices = told.notices()
    assert {read.account for read in notices} == {told.credentials.account}
    assert set(told.hook.authorizations) == {f"Bearer {HOOK_TOKEN}"}
    links = [what.link for what in told.said(StateChanged)]
    assert links.count("connected") == 2
    assert set(links) == {"starting", "unpaired", "connected"}
    assert StateChanged("connected", OWN) in told.said(StateChanged)
    await told.act("unlink")
    await told.hook.has("user", 2)
    assert StateChanged("unpaired", None) in told.said(StateChanged)


async def test_a_picture_that_came_in_has_its_address_beside_its_content(told: Told) -> None:
    await told.receive(kind="image", caption="look", quoted=await told.receive())

    async def there() -> bool:
        return len(told.said(MessageReceived)) == 2

    await until(there)
    (read,) = [read for read in told.notices() if isinstance(read.what, MessageReceived) and read.what.kind == "image"]
    assert isinstance(read.what, MessageReceived)
    assert read.what.content["caption"] == "look"
    assert read.what.content["quoted"]["sender"] == ANN
    assert "http" not in str(read.what.content)
    assert read.file_link is not None
    assert read.file_link.startswith("http://")


async def test_a_hidden_number_stays_hidden(told: Told) -> None:
    await told.receive(as_lid=True)
    found = await told.one(MessageReceived)
    assert found.chat_id.endswith("@lid")


async def test_how_far_a_message_came(told: Told) -> None:
    await told.upstream.knobs(sent_seconds=None, delivered_seconds=None)
    sent = await told.wing.send(told.credentials, Send(ANN, Text("x")))
    for step in ("sent", "deliver", "read", "play"):
        await told.act(step, message_id=sent.message_id)
    await told.hook.has("statuses", 4)
    assert told.said(MessageProgressed) == [
        MessageProgressed(sent.message_id, ANN, status, None) for status in ("sent", "delivered", "read", "read")
    ]


async def test_a_message_that_fails(told: Told) -> None:
    await told.upstream.knobs(sent_seconds=None)
    sent = await told.wing.send(told.credentials, Send(ANN, Text("x")))
    await told.act("fail", message_id=sent.message_id)
    assert await told.one(MessageProgressed) == MessageProgressed(
        sent.message_id, ANN, "failed", "rejected_by_whatsapp"
    )


async def test_a_reaction_and_its_end_are_told_once_each(told: Told) -> None:
    message_id = await told.receive()
    for emoji in ("👍", ""):
        await told.act("react", message_id=message_id, emoji=emoji, by_name="Ann")
    await told.hook.has("messages_updates", 2)
    await told.hook.has("messages", 3)
    assert told.said(ReactionReceived) == [
        ReactionReceived(message_id, ANN, ANN, "Ann", "👍"),
        ReactionReceived(message_id, ANN, ANN, "Ann", None),
    ]


@pytest.mark.parametrize("form", ["action", "poll_update"])
async def test_votes_are_told_with_the_polls_whole_state(told: Told, form: str) -> None:
    await told.upstream.knobs(vote_form=form)
    poll = (await told.wing.send(told.credentials, Send(ANN, Poll("Tea?", ("yes", "no"))))).message_id
    for options in (["yes"], ["no"], ["yes"]):
        await told.act("vote", message_id=poll, options=options)
    await told.hook.has("messages_updates", 3)

    async def all_of_them() -> bool:
        return len(told.said(PollVoted)) == 3

    await until(all_of_them)
    first, second, third = told.said(PollVoted)
    yes = [{"option": "yes", "voters": [ANN]}, {"option": "no", "voters": []}]
    assert (first.message_id, first.chat_id, first.sender) == (poll, ANN, ANN)
    assert first.votes == third.votes == yes
    assert second.votes == [{"option": "yes", "voters": []}, {"option": "no", "voters": [ANN]}]


async def test_a_call_rings_and_is_missed(told: Told) -> None:
    call_id = (await told.act("call", **{"from": "79990003344", "video": True}))["call_id"]
    await told.act("call", call_id=call_id, status="missed")
    await told.hook.has("calls", 2)
    assert told.said(CallChanged) == [
        CallChanged(call_id, ANN, "incoming", status, is_video=True, duration_seconds=None)
        for status in ("ringing", "missed")
    ]


async def test_a_callback_that_is_sent_twice_is_known(told: Told) -> None:
    await told.upstream.knobs(webhook_duplicates=1.0)
    await told.receive()
    bodies = await told.hook.has("messages", 2)
    assert read_notice(bodies[0]) == read_notice(bodies[1])


@pytest.mark.parametrize("key", ["event", "method", "both"])
async def test_the_verb_is_read_under_either_name(told: Told, key: str) -> None:
    await told.upstream.knobs(event_key=key)
    await told.act("unlink")
    await told.hook.has("user", 2)
    assert StateChanged("unpaired", None) in told.said(StateChanged)


def _body(type_: str = "messages", verb: str = "post", **more: Any) -> dict[str, Any]:
    return {"event": {"type": type_, "event": verb}, "channel_id": "RAVENX-7Q2LM", **more}


def _message(number: int = 1, **more: Any) -> dict[str, Any]:
    about = {"type": "text", "text": {"body": "x"}, "timestamp": 1795219290, "from": "79990003344", "from_me": False}
    return {"id": f"Qk2mEXAMPLEid0{number}-wBbDUxm1sWx", "chat_id": THEIR_ANN, **about, **more}


def test_several_entries_come_apart_in_their_order() -> None:
    status = {"id": "A", "status": "read", "recipient_id": THEIR_ANN, "timestamp": "1795219265"}
    body = _body(messages=[_message(1), _message(2)], statuses=[status])
    parts = apart(body)
    assert [read_notice(part).kind for part in parts] == ["message_received", "message_received", "message_progressed"]
    assert {read_notice(part).account for part in parts} == {"RAVENX-7Q2LM"}
    assert len({read_notice(part).dedupe for part in parts}) == 3
    assert apart(parts[0]) == [parts[0]]


def test_a_message_is_the_same_as_post_and_as_put_and_with_another_status() -> None:
    told = [_body(messages=[_message()]), _body("messages", "put", messages=[_message(status="read")])]
    assert len({read_notice(body).dedupe for body in told}) == 1
    other = {**told[0], "channel_id": "ANOTHR-7Q2LM"}
    assert read_notice(other).dedupe != read_notice(told[0]).dedupe


def test_an_edit_without_its_action_is_told_all_the_same() -> None:
    row = {"id": "A-B", "before_update": {"text": {"body": "Hi"}}, "after_update": {"text": {"body": "Hi!"}}}
    what = read_notice(_body("messages", "patch", messages_updates=[row])).what
    assert what == MessageEdited("A-B", "", "", {"text": "Hi!"}, own=False)
    row = {
        "id": "A-B",
        "before_update": _message(type="image", image={"id": "i", "caption": "a"}, from_me=True),
        "after_update": _message(type="image", image={"id": "i", "caption": "b"}, from_me=True),
    }
    what = read_notice(_body("messages", "patch", messages_updates=[row])).what
    assert what == MessageEdited("A-B", ANN, ANN, {"caption": "b"}, own=True)


def test_a_vote_without_its_action_names_who_chose_anew() -> None:
    before = {"poll": {"title": "Tea?", "results": [{"name": "yes", "voters": ["79990005566"]}]}}
    after = {"poll": {"title": "Tea?", "results": [{"name": "yes", "voters": ["79990005566", "79990003344"]}]}}
    row = {"id": "A-B", "before_update": before, "after_update": {**after, "chat_id": GROUP}}
    what = read_notice(_body("messages", "patch", messages_updates=[row])).what
    assert isinstance(what, PollVoted)
    assert (what.chat_id, what.sender, what.question) == (GROUP, ANN, "Tea?")
    assert what.votes == [{"option": "yes", "voters": ["79990005566@c.us", ANN]}]


def test_a_failure_for_want_of_an_account_has_its_own_reason() -> None:
    row = {"id": "A", "status": "failed", "errors": [{"code": 1, "message": "Recipient is not on WhatsApp"}]}
    what = read_notice(_body("statuses", statuses=[row])).what
    assert what == MessageProgressed("A", "", "failed", "recipient_not_on_whatsapp")


@pytest.mark.parametrize(
    ("state", "link"),
    [("AUTH", "connected"), ("QR", "unpaired"), ("ERROR", "disconnected"), ("STOP", "disconnected"), ("X", "unknown")],
)
def test_states_have_our_words(state: str, link: str) -> None:
    body = _body("channel", health={"uptime": 1, "status": {"code": 4, "text": state}, "user": {"id": OWN}})
    assert read_notice(body).what == StateChanged(link, OWN if link == "connected" else None)


def test_an_outgoing_call_is_one_from_somebody_else_than_the_chat() -> None:
    row = {"id": "C", "chat_id": THEIR_ANN, "from": OWN, "status": "initiated", "timestamp": 1795219200}
    what = read_notice(_body("calls", calls=[row])).what
    assert what == CallChanged("C", ANN, "outgoing", "ringing", is_video=False, duration_seconds=None)


EVENTS = [
    ("chats", "post", {"chats": [{"id": THEIR_ANN}]}),
    ("chats", "patch", {"chats_updates": [{"id": THEIR_ANN}]}),
    ("chats", "delete", {"chats_removed": [THEIR_ANN]}),
    ("contacts", "post", {"contacts": [{"id": OWN}]}),
    ("contacts", "patch", {"contacts_updates": [{"id": OWN}]}),
    ("groups", "post", {"groups": [{"id": GROUP}]}),
    ("groups", "put", {"groups_participants": [{"group_id": GROUP, "action": "add"}]}),
    ("groups", "patch", {"groups_updates": [{"id": GROUP}]}),
    ("presences", "post", {"presences": [{"contact_id": OWN}]}),
    ("labels", "post", {"labels": [{"id": "1"}]}),
    ("labels", "delete", {"labels_removed": ["1"]}),
    ("channel", "patch", {"qr": {"status": "OK"}}),
    ("messages", "delete", {"messages_removed_all": THEIR_ANN}),
    ("messages", "post", {"messages": [_message(type="system", system={"body": "x"})]}),
    ("messages", "post", {"messages": [_message(type="action", action={"type": "pin", "target": "A"})]}),
    ("messages", "post", {"messages": [_message(type="action", action={"type": "reaction"})]}),
    ("messages", "post", {"messages": [_message(chat_id="")]}),
    ("messages", "patch", {"messages_updates": [{"id": "A", "after_update": {"status": "read"}}]}),
    ("statuses", "post", {"statuses": [{"id": "A", "status": "deleted"}]}),
    ("service", "post", {"anything": 1}),
    ("users", "put", {"user": {"id": OWN}}),
]


@pytest.mark.parametrize(("type_", "verb", "payload"), EVENTS)
def test_what_we_have_no_word_for_is_passed_on_by_its_name(type_: str, verb: str, payload: dict[str, Any]) -> None:
    read = read_notice(_body(type_, verb, **payload))
    assert read.what == Unmapped(f"{type_}.{verb}")
    assert read.account == "RAVENX-7Q2LM"
    assert read.dedupe != read_notice(_body(type_, verb, **payload, more=1)).dedupe or type_ in ("messages", "statuses")


@pytest.mark.parametrize("event", [None, {}, {"type": "users"}, "users.delete"], ids=["none", "empty", "half", "text"])
def test_a_user_of_whom_no_verb_is_told_is_neither_linked_nor_away(event: Any) -> None:
    body = {"user": {"id": OWN, "name": "Shop"}, "channel_id": "RAVENX-7Q2LM"}
    assert isinstance(read_notice(body | ({} if event is None else {"event": event})).what, Unmapped)


@pytest.mark.parametrize(("type_", "verb"), [("message", "put"), ("ack", "put"), ("chat", "patch"), ("status", "post")])
def test_what_a_callback_says_is_known_by_its_payload_under_old_names_too(type_: str, verb: str) -> None:
    row = {"id": "A-b", "status": "read", "recipient_id": THEIR_ANN, "timestamp": "1795219265"}
    assert read_notice(_body(type_, verb, statuses=[row])) == read_notice(_body("statuses", "post", statuses=[row]))
    assert read_notice(_body(type_, verb, messages=[_message()])) == read_notice(_body(messages=[_message()]))


def test_the_notice_of_a_low_balance_is_about_no_account() -> None:
    read = read_notice({"event": {"type": "days", "event": "post"}, "partner": "p", "days": 3})
    assert (read.account, read.what) == (None, Unmapped("days.post"))


def _deep(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = {"a": value}
    return value


ODD: list[Any] = [
    None, 1, "x", [], {}, [1], {"event": 1}, {"messages": 1}, {"messages": [1]}, {"messages": [None]},
    {"statuses": [[]]},
    {"messages_updates": [1]}, {"messages_updates": [{"id": 1, "after_update": []}]}, {"messages_removed": [1]},
    {"messages_removed": [{}]}, {"calls": [1]}, {"calls": [{"id": "a"}]}, {"health": 1}, {"health": {"status": 1}},
    {"user": 1}, {"user": {"id": 1}}, {"messages": [{"id": {}, "chat_id": []}]}, {"messages": [{"type": "action"}]},
    {"messages": [{**_message(), "from": {}, "text": 1, "context": 1, "timestamp": "soon"}]},
    {"messages_updates": [{"id": "a", "trigger": {"type": "action"}}]}, {"statuses": [{"id": "\ud800", "status": "x"}]},
    {"messages": [_message(text={"body": "\ud800\x00"})]}, _body(more=_deep(100_000)), {"statuses": [_deep(100_000)]},
    {"messages_updates": [{"id": "a", "after_update": {"poll": {"results": [1, {"voters": 1}]}}}]},
]  # fmt: skip


@pytest.mark.parametrize("body", ODD, ids=range(len(ODD)))
def test_nothing_that_is_sent_makes_the_reading_fail(body: Any) -> None:
    for part in apart(body):
        read = read_notice(part)
        assert len(read.dedupe) == 32
        assert read.kind
