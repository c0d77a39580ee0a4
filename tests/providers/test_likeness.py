"""When two descriptions of a message are alike."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.providers import asks
from app.providers.likeness import describe, file_kind, likeness


@pytest.mark.parametrize(
    ("kind", "content", "expected"),
    [
        ("text", {"text": "hi", "reply_to": "msg_1"}, "hi"),
        ("text", {}, ""),
        ("forward", {"message_ids": ["A"]}, None),
        ("contact", {"vcard": "V"}, None),
        ("location", {"latitude": "1"}, None),
        ("other", {}, None),
        ("sticker", {"mime_type": "x"}, "file\x1f\x1f"),
    ],
)
def test_likeness(kind: str, content: dict[str, Any], expected: str | None) -> None:
    assert likeness(kind, content) == expected


def test_files_are_alike_by_name_and_caption_whatever_they_are_shown_as() -> None:
    image = likeness("image", {"file_name": "a.jpg", "caption": "see", "mime_type": "image/jpeg"})
    assert image == likeness("document", {"file_name": "a.jpg", "caption": "see"})
    assert image != likeness("image", {"file_name": "a.jpg", "caption": "other"})
    assert image != likeness("image", {"file_name": "b.jpg", "caption": "see"})


def test_places_are_alike_within_a_metre() -> None:
    near = likeness("location", {"latitude": 52.370215712, "longitude": 4.895167901})
    assert near == likeness("location", {"latitude": 52.3702157, "longitude": 4.8951679, "name": "Home"})
    assert near != likeness("location", {"latitude": 52.3703, "longitude": 4.8951679})
    assert likeness("location", {"latitude": -0.0, "longitude": 0}) == likeness(
        "location", {"latitude": 0, "longitude": 0}
    )


def test_polls_differ_by_question_and_options() -> None:
    one = likeness("poll", {"question": "Tea?", "options": ["yes", "no"]})
    assert one != likeness("poll", {"question": "Tea?", "options": ["no", "yes"]})
    assert one == likeness("poll", {"question": "Tea?", "options": ("yes", "no"), "multiple": True})


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.JPG", "image"),
        ("a.b.mp4", "video"),
        ("a.opus", "audio"),
        ("a.pdf", "document"),
        ("jpg", "document"),
        ("", "document"),
    ],
)
def test_how_a_file_is_shown(name: str, kind: str) -> None:
    assert file_kind(name) == kind


def test_no_address_of_a_file_is_described() -> None:
    assert "secret" not in repr(describe(asks.FileByUrl("https://secret/1", "a.jpg")))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
FIELDS = ["text", "file_name", "caption", "latitude", "longitude", "name", "question", "options", "buttons", "title"]


@given(
    st.sampled_from(["text", "image", "location", "contact", "poll", "buttons", "forward", "?"]),
    st.dictionaries(st.sampled_from(FIELDS), JSON),
)
def test_no_content_is_an_error(kind: str, content: dict[str, Any]) -> None:
    assert likeness(kind, content) == likeness(kind, dict(reversed(content.items())))
