"""What messages of Whapi say in our words, whatever shape they come in."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.providers import asks
from app.providers.likeness import describe
from app.providers.whapi.contents import ACTIONS, READERS, REPLIES, likeness, read_content
from app.providers.whapi.journal import message_of, seen_of, status_of, views_of

BUTTONS = [
    {"type": "copy", "id": "1", "title": "Copy", "copy_code": "X1"},
    {"type": "call", "id": "2", "title": "Call", "phone_number": "79990001122"},
    {"type": "url", "id": "3", "title": "Open", "url": "https://example.org"},
]


@pytest.mark.parametrize(
    ("row", "kind", "content"),
    [
        ({"type": "text"}, "text", {"text": ""}),
        ({"type": "text", "text": {"body": "hi"}}, "text", {"text": "hi"}),
        (
            {"type": "text", "text": {"body": "yes"}, "context": {"quoted_id": "Q", "quoted_author": "79990003344"}},
            "text",
            {"text": "yes", "quoted": {"message_id": "Q", "sender": "79990003344@c.us"}},
        ),
        (
            {"type": "text", "text": {"body": "yes"}, "context": {"quoted_id": "Q", "quoted_author": "55@lid"}},
            "text",
            {"text": "yes", "quoted": {"message_id": "Q", "sender": "55@lid"}},
        ),
        (
            {
                "type": "text",
                "text": {"body": "yes"},
                "context": {
                    "quoted_id": "Q",
                    "quoted_type": "image",
                    "quoted_content": {"id": "jpeg-1", "link": "https://x/y", "caption": "look"},
                },
            },
            "text",
            {"text": "yes", "quoted": {"message_id": "Q", "kind": "image", "content": {"caption": "look"}}},
        ),
        (
            {"type": "text", "text": {"body": "yes"}, "context": {"quoted_id": "Q", "quoted_type": "order"}},
            "text",
            {"text": "yes", "quoted": {"message_id": "Q"}},
        ),
        ({"type": "gif", "gif": {"mime_type": "video/mp4"}}, "video", {"mime_type": "video/mp4"}),
        ({"type": "short", "short": {"caption": "c"}}, "video", {"caption": "c"}),
        ({"type": "document", "document": {"file_name": "x", "filename": "a.pdf"}}, "document", {"file_name": "a.pdf"}),
        (
            {"type": "documentWithCaption", "document": {"filename": "a.pdf", "caption": "c"}},
            "document",
            {"file_name": "a.pdf", "caption": "c"},
        ),
        ({"type": "sticker", "sticker": {"animated": True}}, "sticker", {"animated": True}),
        (
            {"type": "live_location", "live_location": {"latitude": 1, "longitude": "2", "accuracy": 3}},
            "location",
            {"latitude": 1},
        ),
        (
            {"type": "poll", "poll": {"title": "Tea?", "options": ["y", "n"], "vote_limit": 1}},
            "poll",
            {"question": "Tea?", "options": ["y", "n"], "multiple": False},
        ),
        (
            {"type": "action", "from": "79990003344", "action": {"type": "vote", "target": "P", "votes": ["y"]}},
            "poll_vote",
            {"message_id": "P", "votes": [{"option": "y", "voters": ["79990003344@c.us"]}]},
        ),
        (
            {
                "type": "poll_update",
                "poll_update": {"target": "P", "results": [{"name": "y", "voters": ["79990003344"]}]},
            },
            "poll_vote",
            {"message_id": "P", "votes": [{"option": "y", "voters": ["79990003344@c.us"]}]},
        ),
        (
            {"type": "action", "action": {"type": "reaction", "target": "M", "emoji": "👍"}},
            "reaction",
            {"message_id": "M", "emoji": "👍", "removed": False},
        ),
        (
            {"type": "action", "action": {"type": "reaction", "target": "M", "emoji": ""}},
            "reaction",
            {"message_id": "M", "removed": True},
        ),
        (
            {"type": "action", "action": {"type": "edit", "target": "M", "edited_content": {"body": "new"}}},
            "edited",
            {"message_id": "M", "text": "new"},
        ),
        (
            {"type": "action", "action": {"type": "edited", "target": "M", "edited_content": {"caption": "new"}}},
            "edited",
            {"message_id": "M", "caption": "new"},
        ),
        ({"type": "action", "action": {"type": "delete", "target": "M"}}, "deleted", {"message_id": "M"}),
        ({"type": "action", "action": {"type": "ephemeral"}}, "other", {}),
        (
            {
                "type": "interactive",
                "interactive": {"header": {"text": "H"}, "body": {"text": "B"}, "action": {"buttons": BUTTONS}},
            },
            "buttons",
            {
                "title": "H",
                "text": "B",
                "buttons": [
                    {"type": "copy", "id": "1", "text": "Copy", "code": "X1"},
                    {"type": "call", "id": "2", "text": "Call", "phone": "79990001122"},
                    {"type": "url", "id": "3", "text": "Open", "url": "https://example.org"},
                ],
            },
        ),
        (
            {
                "type": "interactive",
                "interactive": {
                    "type": "list",
                    "body": {"text": "B"},
                    "action": {
                        "list": {"label": "Pick", "sections": [{"title": "S", "rows": [{"id": "1", "title": "R"}]}]}
                    },
                },
            },
            "list",
            {"text": "B", "button": "Pick", "sections": [{"title": "S", "rows": [{"id": "1", "title": "R"}]}]},
        ),
        (
            {"type": "list", "list": {"header": "H", "body": "B", "label": "Pick", "sections": []}},
            "list",
            {"title": "H", "text": "B", "button": "Pick", "sections": []},
        ),
        (
            {"type": "buttons", "buttons": {"text": "B", "buttons": [{"id": "1", "text": "Yes", "type": "RESPONSE"}]}},
            "buttons",
            {"text": "B", "buttons": [{"type": "reply", "id": "1", "text": "Yes"}]},
        ),
        (
            {
                "type": "hsm",
                "hsm": {
                    "header": {"type": "text", "text": {"body": "H"}},
                    "body": "B",
                    "buttons": [{"id": "1", "type": "phone_number", "text": "Call", "phone_number": "79990001122"}],
                },
            },
            "buttons",
            {
                "title": "H",
                "text": "B",
                "buttons": [{"type": "call", "id": "1", "text": "Call", "phone": "79990001122"}],
            },
        ),
        ({"type": "order", "order": {"order_id": "1"}}, "other", {}),
        ({}, "other", {}),
        (None, "other", {}),
        ([], "other", {}),
    ],
)
def test_what_messages_say(row: Any, kind: str, content: dict[str, Any]) -> None:
    assert read_content(row) == (kind, content)


def test_half_a_character_in_a_list_of_texts_can_be_kept() -> None:
    poll = {"title": "Which \ud83d?", "options": ["one \ud83d", "two\x00"], "vote_limit": 1}
    _, content = read_content({"type": "poll", "poll": poll})
    assert msgspec.json.decode(msgspec.json.encode(content)) == content
    assert [option[:3] for option in content["options"]] == ["one", "two"]


def test_no_address_of_a_file_is_told() -> None:
    file = {"id": "jpeg-1", "link": "https://secret.example.org/1", "mime_type": "image/jpeg", "file_name": "a.jpg"}
    for kind in ("image", "video", "gif", "short", "audio", "voice", "document", "sticker"):
        row = {"type": kind, kind: file, "id": "M", "chat_id": "79990003344@s.whatsapp.net", "from_me": False}
        assert "secret" not in repr(read_content(row))
        found = message_of(row)
        assert found is not None
        assert found.file_link == file["link"]


def test_what_cannot_be_carried_is_not_compared() -> None:
    sound = asks.FileByUrl("https://x/a.mp3", "a.mp3", "lost on the way")
    assert likeness(*describe(sound)) == likeness("audio", {"mime_type": "audio/mpeg"})
    picture = asks.FileByUrl("https://x/a.jpg", "a.jpg", "look")
    assert likeness(*describe(picture)) == likeness("image", {"caption": "look", "file_name": "whatever.jpeg"})
    assert likeness(*describe(picture)) != likeness("image", {"caption": "other"})
    assert likeness("document", {"file_name": "a.pdf"}) != likeness("document", {"file_name": "b.pdf"})
    assert likeness("forward", {"message_ids": ["A"]}) is None


@pytest.mark.parametrize(
    ("source", "by_api"), [("api", True), ("mobile", False), ("web", False), ("unknown", None), (None, None)]
)
def test_who_sent_an_own_message(source: str | None, by_api: bool | None) -> None:
    row = {"id": "M", "chat_id": "79990003344@s.whatsapp.net", "from_me": True, "type": "text", "source": source}
    found = message_of(row)
    assert found is not None
    assert found.by_api is by_api


def test_colours_that_are_seen_through_are_none() -> None:
    def background(argb: str) -> str | None:
        found = status_of({"id": "S", "type": "text", "text": {"body": "a", "background_color": argb}})
        assert found is not None
        return found.background

    assert background("#FF223344") == "#223344"
    assert background("#223344") == "#223344"
    assert background("#00000000") is None
    assert background("") is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
KINDS = sorted({*READERS, "action", "reply", "story", "?"})
PARTS = [
    "type",
    "action",
    "list",
    "buttons",
    "sections",
    "results",
    "options",
    "header",
    "body",
    "id",
    "target",
    "rows",
]
INNER = st.dictionaries(st.sampled_from(PARTS), JSON | st.sampled_from([*ACTIONS, *REPLIES, "list"]), max_size=4)


@given(
    st.sampled_from(KINDS),
    INNER,
    st.dictionaries(st.sampled_from(["id", "chat_id", "from", "status", "context"]), JSON),
)
def test_nothing_upstream_says_is_an_exception(kind: str, inner: dict[str, Any], more: dict[str, Any]) -> None:
    row = {**more, "type": kind, kind: inner}
    found, content = read_content(row)
    assert isinstance(found, str)
    assert likeness(found, content) is None or isinstance(likeness(found, content), str)
    message_of(row)
    seen_of(row)
    status_of(row)
    views_of([row, more, inner])
