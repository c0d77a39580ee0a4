"""Texts on the wire have bounds; answers have versions."""

from typing import Any

import msgspec
import pytest
from litestar import Response
from msgspec import ValidationError

from app.kit import wire
from app.kit.errors import InvalidRequest, VersionConflict
from app.kit.respond import check_match, etag, single
from app.kit.wire import merge_metadata


@pytest.mark.parametrize(
    ("kind", "good"),
    [
        (wire.Name, "Support line"),
        (wire.Name, "x"),
        (wire.Name, "Ünï çödé 🦜"),
        (wire.Line, ""),
        (wire.Prose, "two\nlines\r\n\tand a tab\n"),
        (wire.Url, "https://example.com/a?b=c"),
        (wire.Email, "ada@example.com"),
        (wire.Metadata, {"crm_id": "42", "empty": ""}),
        (wire.MetadataPatch, {"crm_id": None}),
        (wire.Reference, "order 7"),
        (wire.Cursor, "aZ0_-"),
    ],
)
def test_good_values_pass(kind: Any, good: Any) -> None:
    assert msgspec.convert(good, kind) == good


@pytest.mark.parametrize(
    ("kind", "bad"),
    [
        (wire.Name, ""),
        (wire.Name, " x"),
        (wire.Name, "x" * 61),
        (wire.Name, "a\x00b"),
        (wire.Name, "a\n"),
        (wire.Name, "a\x7f"),
        (wire.Line, "a\n"),
        (wire.Line, "x" * 501),
        (wire.Prose, "a\x00"),
        (wire.Prose, "\x1b[2J"),
        (wire.Url, "ftp://example.com"),
        (wire.Url, "https://example.com/a b"),
        (wire.Url, "https://example.com/\n"),
        (wire.Email, "nobody"),
        (wire.Email, "a b@example.com"),
        (wire.Metadata, {"": "x"}),
        (wire.Metadata, {"k" * 41: "x"}),
        (wire.Metadata, {"k": "x" * 501}),
        (wire.Metadata, {"k": None}),
        (wire.Metadata, {"k": 1}),
        (wire.Metadata, {str(number): "x" for number in range(51)}),
        (wire.Cursor, "a\n"),
        (wire.Cursor, "a b"),
    ],
)
def test_bad_values_do_not(kind: Any, bad: Any) -> None:
    with pytest.raises(ValidationError):
        msgspec.convert(bad, kind)


def test_metadata_is_merged_by_key() -> None:
    before = {"a": "1", "b": "2"}
    assert merge_metadata(before, {"a": None, "c": "3"}) == {"b": "2", "c": "3"}
    assert merge_metadata(before, {}) == before
    assert merge_metadata(before, None) == {}
    assert before == {"a": "1", "b": "2"}


def test_metadata_cannot_grow_past_its_bound() -> None:
    full = {str(number): "x" for number in range(50)}
    assert len(merge_metadata(full, {"0": None, "new": "x"})) == 50
    with pytest.raises(InvalidRequest):
        merge_metadata(full, {"new": "x"})


@pytest.mark.parametrize("given", [None, "*", '"v7"', '"v6", "v7"'])
def test_a_change_of_what_was_read_is_let_through(given: str | None) -> None:
    check_match(given, 7)


@pytest.mark.parametrize("given", ['"v6"', 'W/"v7"', "v7", "", '"v70"'])
def test_a_change_of_something_else_is_not(given: str) -> None:
    with pytest.raises(VersionConflict) as refused:
        check_match(given, 7)
    assert refused.value.headers == {"ETag": '"v7"'}


@pytest.mark.parametrize(
    ("given", "status"), [(None, 200), ('"v7"', 304), ('W/"v7"', 304), ("*", 304), ('"v6"', 200), ('"x", "v7"', 304)]
)
def test_what_the_caller_has_is_not_sent_again(given: str | None, status: int) -> None:
    answer: Response[Any] = single({"a": 1}, 7, if_none_match=given)
    assert (answer.status_code, answer.headers["ETag"]) == (status, etag(7))
    assert (answer.content is None) is (status == 304)
