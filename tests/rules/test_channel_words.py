"""What lines tell in Whapi's shapes: the wing that reads Whapi finds in it just what was said."""

from datetime import UTC, datetime
from typing import Any, Final

import pytest

from app.lines.channel_words import contents, happenings, messages, people, values
from app.lines.channel_words.happenings import Told
from app.lines.channel_words.messages import Spoken
from app.providers import answers, events
from app.providers.answers import MessageKind
from app.providers.port import Link
from app.providers.whapi.contents import read_content
from app.providers.whapi.notices import read_notice

NUMBER: Final = 7_700_000_042
CHANNEL: Final = "CH7700000042"
PHONE, OWN, ANN, CREW = "79990001122", "79990001122@c.us", "79990003344@c.us", "120363000000000001@g.us"
AT: Final = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)
QUOTED: Final = {"message_id": "Q1", "sender": ANN}
CARD: Final = {"name": "Ann", "vcard": "BEGIN:VCARD\nEND:VCARD"}
VOTES: Final = [{"option": "now", "voters": [ANN]}, {"option": "then", "voters": [OWN]}]
SECTIONS: Final = [{"title": "S", "rows": [{"id": "1", "title": "One", "description": "first"}]}]

CONTENTS: Final[dict[str, dict[str, Any]]] = {
    "text": {"text": "Grüße 👋", "quoted": QUOTED},
    "image": {"file_name": "a.jpg", "mime_type": "image/jpeg", "caption": "look"},
    "video": {"file_name": "a.mp4", "mime_type": "video/mp4"},
    "audio": {"file_name": "a.mp3", "mime_type": "audio/mpeg"},
    "document": {"file_name": "a.pdf", "mime_type": "application/pdf", "caption": "read"},
    "sticker": {"mime_type": "image/webp", "animated": True},
    "location": {"latitude": 52.5, "longitude": 13.4, "name": "Gate", "address": "Pariser Platz", "comment": "here"},
    "contact": CARD,
    "contacts": {"contacts": [CARD, CARD]},
    "poll": {"question": "When?", "options": ["now", "then"], "multiple": True},
    "group_invite": {"group_id": CREW, "invite_code": "AbCd", "group_name": "crew", "caption": "join"},
    "buttons": {
        "title": "T",
        "text": "Sure?",
        "footer": "F",
        "buttons": [
            {"type": "reply", "id": "1", "text": "Yes"},
            {"type": "url", "url": "https://e.example", "text": "See"},
        ],
    },
    "button_reply": {"message_id": "B1", "button_id": "1", "text": "Yes"},
    "list": {"title": "T", "text": "Choose", "footer": "F", "button": "Open", "sections": SECTIONS},
    "list_reply": {"message_id": "L1", "row_id": "1", "title": "One"},
}
"""By kind, with every field that Whapi has a place for."""
OTHERWISE: Final = {
    "unreadable": "type `unknown`: neither words nor a kind are known",
    "other": "type `unknown`",
    "poll_vote": "an event of its own",
    "reaction": "an event of its own",
    "edited": "an event of its own",
    "deleted": "an event of its own",
}


def said(what: events.Happening, *, link: str | None = None) -> events.Notification:
    """A notification."""
    return events.Notification("a", "k", b"d", AT, what, link)


def told(what: events.Happening, *, phone: str | None = PHONE, link: str | None = None) -> list[Told]:
    """The events of a notification."""
    return happenings.told(
        said(what, link=link),
        number=NUMBER,
        phone=phone,
        since=AT,
        now=AT,
        links=lambda _, name: f"https://ours/{name}",
    )


def one(found: list[Told], type_: str, verb: str) -> dict[str, Any]:
    """The body of the one event of a type and a verb."""
    (event,) = [event for event in found if (event.type, event.verb) == (type_, verb)]
    return happenings.framed(event, mode="body", channel_id=CHANNEL)


def test_every_kind_of_message_is_written_or_known_to_have_no_shape() -> None:
    listed = str(MessageKind.__metadata__[0].description)  # type: ignore[attr-defined]
    kinds = {word.strip("`") for word in listed.split() if word.startswith("`")} | {"other"}
    kinds = {kind.strip("`,;.") for kind in kinds}
    assert kinds == set(CONTENTS) | set(OTHERWISE)


@pytest.mark.parametrize("kind", CONTENTS)
def test_what_somebody_wrote_reads_as_it_was_said(kind: str) -> None:
    what = events.MessageReceived("M1", CREW, ANN, "Ann", kind, CONTENTS[kind])
    body = one(told(what), "messages", "post")
    assert read_notice(body).what == what
    (message,) = body["messages"]
    assert {name: message[name] for name in ("id", "from_me", "chat_id", "from", "from_name", "timestamp")} == {
        "id": "M1", "from_me": False, "chat_id": CREW, "from": "79990003344", "from_name": "Ann",
        "timestamp": int(AT.timestamp()),
    }  # fmt: skip
    assert (body["event"], body["channel_id"]) == ({"type": "messages", "event": "post"}, CHANNEL)


@pytest.mark.parametrize("by_api", [True, False])
@pytest.mark.parametrize("kind", CONTENTS)
def test_what_left_the_account_reads_as_it_was_said(kind: str, by_api: bool) -> None:
    what = events.MessageEchoed("M1", ANN, kind, CONTENTS[kind], by_api)
    body = one(told(what), "messages", "post")
    assert read_notice(body).what == what
    assert body["messages"][0]["chat_id"] == "79990003344@s.whatsapp.net"


@pytest.mark.parametrize("kind", ["unreadable", "other"])
def test_what_has_no_words_comes_as_unknown_and_not_in_silence(kind: str) -> None:
    body = one(told(events.MessageReceived("M1", ANN, ANN, None, kind, {})), "messages", "post")
    assert body["messages"][0]["type"] == "unknown"


CHANGES: Final[dict[str, events.Happening]] = {
    "edit": events.MessageEdited("M1", ANN, ANN, {"text": "Hello!"}, own=False),
    "caption": events.MessageEdited("M1", ANN, OWN, {"caption": "Hello!"}, own=True),
    "reaction": events.ReactionReceived("M1", CREW, ANN, "Ann", "👍"),
    "taken back": events.ReactionReceived("M1", CREW, ANN, "Ann", None),
    "vote": events.PollVoted("M1", CREW, ANN, "When?", VOTES),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_told_as_an_action_and_as_the_changed_message(name: str) -> None:
    found = told(CHANGES[name])
    assert read_notice(one(found, "messages", "patch")).what == CHANGES[name]
    action = one(found, "messages", "post")["messages"][0]
    assert (action["type"], action["action"]["target"]) == ("action", "M1")
    if name != "vote":  # of a vote an action tells one voter's choice only
        assert read_notice({"messages": [action]}).what == CHANGES[name]
    again = one(told(CHANGES[name]), "messages", "post")
    assert again["messages"][0]["id"] == action["id"], "the same change has the same id"


def test_a_vote_is_also_told_as_what_that_person_chose() -> None:
    action = one(told(CHANGES["vote"]), "messages", "post")["messages"][0]["action"]
    assert action == {"target": "M1", "type": "vote", "votes": ["now"]}
    after = one(told(CHANGES["vote"]), "messages", "patch")["messages_updates"][0]["after_update"]
    assert [(row["name"], row["count"], row["voters"]) for row in after["poll"]["results"]] == [
        ("now", 1, ["79990003344"]),
        ("then", 1, ["79990001122"]),
    ]


def test_a_message_that_was_taken_back_is_an_action_and_a_removal() -> None:
    found = told(events.MessageDeleted("M1", ANN, ANN, own=False))
    assert one(found, "messages", "delete")["messages_removed"] == ["M1"]
    assert read_notice(one(found, "messages", "post")).what == events.MessageDeleted("M1", ANN, ANN, own=False)
    (nowhere,) = told(events.MessageDeleted("M1", "", "", own=False))
    assert (nowhere.verb, nowhere.payload) == ("delete", {"messages_removed": ["M1"]})


@pytest.mark.parametrize(
    ("status", "reason", "code"),
    [
        ("sent", None, 2),
        ("delivered", None, 3),
        ("read", None, 4),
        ("failed", "recipient_not_on_whatsapp", 0),
        ("failed", "rejected_by_whatsapp", 0),
    ],
)
def test_progress_is_a_status(status: str, reason: str | None, code: int) -> None:
    what = events.MessageProgressed("M1", ANN, status, reason)
    body = one(told(what), "statuses", "post")
    assert read_notice(body).what == what
    (row,) = body["statuses"]
    assert (row["code"], row["recipient_id"]) == (code, "79990003344@s.whatsapp.net")
    assert row["timestamp"] == str(int(AT.timestamp())), "a text, as upstream has it"


@pytest.mark.parametrize("link", list(Link))
def test_a_link_is_the_health_of_the_channel(link: Link) -> None:
    found = told(events.StateChanged(link.value, PHONE if link is Link.CONNECTED else None), phone=None)
    health = one(found, "channel", "post")["health"]
    assert health["channel_id"] == CHANNEL
    assert values.STATE_CODES[health["status"]["text"]] == health["status"]["code"]
    assert (health["status"]["text"] == "AUTH") is (link is Link.CONNECTED)
    users = [event for event in found if event.type == "users"]
    assert [(event.verb, event.payload["user"]["id"]) for event in users] == (
        [("post", PHONE)] if link is Link.CONNECTED else []
    )


def test_who_was_linked_is_told_with_the_name_that_is_known() -> None:
    found = happenings.told(
        said(events.StateChanged("connected", PHONE)), number=NUMBER, phone=None, since=AT, now=AT, name="Shop",
        links=lambda _, __: "",
    )  # fmt: skip
    user = {"id": PHONE, "name": "Shop"}
    assert one(found, "users", "post")["user"] == one(found, "channel", "post")["health"]["user"] == user


def test_who_was_unlinked_is_told() -> None:
    found = told(events.StateChanged("unpaired", None))
    assert one(found, "users", "delete")["user"]["id"] == PHONE
    assert read_notice(one(found, "channel", "post")).what == events.StateChanged("unpaired", None)


@pytest.mark.parametrize("status", ["ringing", "answered", "missed"])
@pytest.mark.parametrize("direction", ["incoming", "outgoing"])
def test_a_call_reads_as_it_was_said(status: str, direction: str) -> None:
    what = events.CallChanged("C1", ANN, direction, status, is_video=True, duration_seconds=None)
    assert read_notice(one(told(what), "calls", "post")).what == what


@pytest.mark.parametrize(("seconds", "status"), [(12, "answered"), (None, "canceled")])
def test_a_call_that_ended_was_answered_or_not(seconds: int | None, status: str) -> None:
    what = events.CallChanged("C1", ANN, "incoming", "ended", is_video=False, duration_seconds=seconds)
    assert one(told(what), "calls", "post")["calls"][0]["status"] == status


def test_a_file_has_our_link_and_an_id_that_leads_back_to_its_message() -> None:
    what = events.MessageReceived("M1", ANN, ANN, None, "image", CONTENTS["image"])
    file = one(told(what, link="https://upstream.example/x"), "messages", "post")["messages"][0]["image"]
    assert file["link"] == "https://ours/a.jpg"
    assert values.message_of(file["id"]) == (ANN, "M1")
    for odd in ("", "image", "image-zz-41", "image-41", "image-41-ff", "image-41-"):
        assert values.message_of(odd) is None


def test_a_recording_is_a_voice() -> None:
    assert contents.write("audio", {"mime_type": "audio/ogg; codecs=opus"})[0] == "voice"
    assert contents.write("audio", {"mime_type": "audio/mpeg"})[0] == "audio"


def test_what_a_gateway_of_these_words_told_beside_is_passed_on_without_its_links() -> None:
    parsed = {
        "groups": [
            {
                "id": CREW,
                "name": "link",
                "last_message": {"image": {"id": "i-1", "link": "https://up/x"}},
                "chat_pic": "https://pps.whatsapp.net/a",
                "chat_pic_full": "https://files.whapi.cloud/a",
            }
        ],
        "event": {"type": "groups", "event": "post"},
        "channel_id": "RAVENX-7Q2LM",
    }
    found = happenings.told(
        said(events.Unmapped("groups.post")), number=NUMBER, phone=PHONE, since=AT, now=AT, links=lambda _, __: "",
        parsed=parsed,
    )  # fmt: skip
    assert one(found, "groups", "post") == {
        "groups": [
            {
                "id": CREW,
                "name": "link",
                "last_message": {"image": {"id": "i-1"}},
                "chat_pic": "https://pps.whatsapp.net/a",
                "chat_pic_full": "",
            }
        ],
        "event": {"type": "groups", "event": "post"},
        "channel_id": CHANNEL,
    }
    assert told(events.Unmapped("groups.post")) == []


@pytest.mark.parametrize("event", [None, {}, {"type": "groups", "event": "explode"}, {"type": 5, "event": "post"}])
def test_an_odd_event_of_a_gateway_is_passed_over(event: Any) -> None:
    parsed = {"groups": [{}], "event": event}
    what = said(events.Unmapped("x"))
    assert not happenings.told(what, number=1, phone=None, since=None, now=AT, links=lambda _, __: "", parsed=parsed)


def test_a_hook_that_is_told_by_the_verb_has_no_event_in_its_body() -> None:
    event = Told("groups", "put", {"groups_participants": []})
    assert happenings.framed(event, mode="method", channel_id=CHANNEL) == {
        "groups_participants": [],
        "channel_id": CHANNEL,
    }
    assert happenings.framed(event, mode="path", channel_id=CHANNEL)["event"] == {"type": "groups", "event": "put"}


@pytest.mark.parametrize("type_", ["messages", "statuses", "calls", "channel", "users", "chats", "labels"])
def test_there_is_a_sample_of_every_type(type_: str) -> None:
    event = happenings.sample(type_, number=NUMBER, now=AT)
    assert (event.type, event.verb) == (type_, "post")
    if type_ not in ("chats", "labels"):
        found = read_notice(happenings.framed(event, mode="body", channel_id=CHANNEL)).what
        assert not isinstance(found, events.Unmapped)


@pytest.mark.parametrize(
    ("ours", "theirs", "digits"),
    [
        (ANN, "79990003344@s.whatsapp.net", "79990003344"),
        (CREW, CREW, CREW),
        ("5500112233@lid", "5500112233@lid", "5500112233@lid"),
        ("status@broadcast", "status@broadcast", "status@broadcast"),
    ],
)
def test_ids_are_translated_both_ways(ours: str, theirs: str, digits: str) -> None:
    assert (values.chat(ours), values.person(ours)) == (theirs, digits)
    assert values.ours(theirs) == values.ours(digits) == ours


@pytest.mark.parametrize("kind", [*CONTENTS, "poll_vote", "reaction", "edited", "deleted"])
def test_a_message_of_the_journal_reads_as_it_was_said(kind: str) -> None:
    more: dict[str, dict[str, Any]] = {
        "poll_vote": {"message_id": "P1", "question": "When?", "votes": VOTES},
        "reaction": {"message_id": "M1", "emoji": "👍", "removed": False},
        "edited": {"message_id": "M1", "text": "Hello!"},
        "deleted": {"message_id": "M1"},
    }
    content = CONTENTS.get(kind) or more[kind]
    row = answers.Message(
        message_id="M9", chat_id=ANN, direction="incoming", kind=kind, content=content, sender=ANN,
        at="2026-11-22T05:00:00Z",
    )  # fmt: skip
    found = messages.of_journal(row, OWN)
    assert read_content(found) == (kind, content)
    assert found["timestamp"] == int(AT.timestamp())


def test_an_own_message_says_how_far_it_came_and_who_sent_it() -> None:
    made = messages.sent(Spoken("M1", ANN, "text", {"text": "Hi"}, own=True, sender=OWN, by_api=True, status="pending"))
    assert made == {
        "sent": True,
        "message": {
            "id": "M1", "from_me": True, "type": "text", "chat_id": "79990003344@s.whatsapp.net", "timestamp": 0,
            "source": "api", "from": PHONE, "status": "pending", "text": {"body": "Hi"},
        },
    }  # fmt: skip


def test_people_have_whapis_names() -> None:
    chat = people.chat(answers.Chat(chat_id=ANN, kind="user", name="Ann", unread=2, is_archived=True))
    assert chat == {
        "id": "79990003344@s.whatsapp.net", "type": "contact", "name": "Ann", "archive": True, "unread": 2,
    }  # fmt: skip
    contact = people.contact(answers.Contact(chat_id=ANN, kind="user", name="Ann", contact_name="Ann K"), picture="p")
    assert contact == {"id": "79990003344", "name": "Ann K", "saved": True, "pushname": "Ann", "profile_pic": "p"}
    group = people.group(
        answers.Group(
            group_id=CREW, name="crew", owner=OWN, members_may_edit=False, members_may_send=True,
            participants=[answers.Participant(chat_id=OWN, is_admin=True), answers.Participant(chat_id=ANN)],
            invite_url="https://chat.whatsapp.com/AbCd", created_at="2026-11-22T05:00:00Z",
        )
    )  # fmt: skip
    assert group == {
        "id": CREW, "name": "crew", "type": "group", "participants_count": 2, "created_at": int(AT.timestamp()),
        "participants": [{"id": PHONE, "rank": "creator"}, {"id": "79990003344", "rank": "member"}],
        "created_by": PHONE, "restricted": True, "announcements": False, "invite_code": "AbCd",
    }  # fmt: skip
