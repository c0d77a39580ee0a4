"""What a gateway sends is read within bounds, and passed on without the gateway's names."""

import json
import time
from typing import Any

import pytest

from app.inbound.reading import NotReadable, public_copy, read_body
from app.providers.green_api.adapter import GreenApi

TRAITS = GreenApi.traits


def nested(levels: int) -> bytes:
    return b'{"a":' * levels + b"1" + b"}" * levels


def test_32_levels_are_read_and_33_are_not() -> None:
    assert read_body(nested(32))["a"]
    with pytest.raises(NotReadable):
        read_body(nested(33))


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"1", b"null", b"{", b'{"a":NaN}', b"\xff", b"[" * 500_000, nested(100_000)]
)
def test_anything_but_an_object_is_not_readable(body: bytes) -> None:
    with pytest.raises(NotReadable):
        read_body(body)


def test_nul_is_taken_out_of_texts_and_names() -> None:
    assert read_body(rb'{"a\u0000b":["c\u0000d",{"e":"\u0000"}]}') == {"ab": ["cd", {"e": ""}]}


@pytest.mark.parametrize(
    "body",
    [
        {"instanceData": {"idInstance": 7103000001, "wid": "7@c.us"}},
        {"deep": [{"idInstance": 7103000001}]},
        {"text": "https://api.green-api.com/waInstance7103000001/qr/7103000001"},
        {"text": "API.GREENAPI.COM/7103000001 and green-api.com"},
        {"webhookUrl": "https://x.example/7103000001", "webhookUrlToken": "7103000001"},
    ],
)
def test_the_upstreams_names_and_numbers_are_not_passed_on(body: dict[str, Any]) -> None:
    text = json.dumps(public_copy(body, TRAITS)).lower()
    assert "7103000001" not in text
    assert "green" not in text


def test_the_rest_is_passed_on_as_it_came() -> None:
    body = {"a": [1, 2.5, None, True, "https://example.com/a?b=c"], "from": "79990003344@c.us", "green": "light"}
    assert public_copy(body, TRAITS) == body


def test_a_long_text_without_a_gap_takes_no_long_time() -> None:
    started = time.thread_time()
    assert public_copy({"thumbnail": "A" * 500_000}, TRAITS) == {"thumbnail": "A" * 500_000}
    assert public_copy("B" * 500_000 + ".green-api.com", TRAITS) == "[removed]"
    assert time.thread_time() - started < 1


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (rb'{"a":"half \ud83d"}', "half \ufffd"),
        (rb'{"a":"\ude00 half"}', "\ufffd half"),
        (rb'{"a":"whole \ud83d\ude00"}', "whole \U0001f600"),
        (b'{"a":"cut \xf0\x9f\x98"}', "cut \ufffd"),
        (b'\xef\xbb\xbf{"a":"marked"}', "marked"),
    ],
    ids=["half", "other_half", "whole", "cut", "marked"],
)
def test_a_text_that_somebody_cut_in_the_middle_of_a_character_is_read(body: bytes, text: str) -> None:
    """A gateway that cuts names at a length tells halves of characters; the message around them is whole."""
    assert read_body(body) == {"a": text}
    assert json.loads(json.dumps(read_body(body), ensure_ascii=False).encode()) == {"a": text}


def test_numbers_that_no_document_of_ours_can_hold_are_told_as_text_or_not_at_all() -> None:
    read = read_body(b'{"a":1e999,"b":1000000000000000000000000,"c":[-9223372036854775809,9223372036854775807]}')
    assert read == {"a": None, "b": "1000000000000000000000000", "c": ["-9223372036854775809", 2**63 - 1]}


def test_of_a_name_that_is_told_twice_the_last_counts() -> None:
    assert read_body(b'{"a":1,"a":2}') == {"a": 2}
