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
    started = time.perf_counter()
    assert public_copy({"thumbnail": "A" * 500_000}, TRAITS) == {"thumbnail": "A" * 500_000}
    assert public_copy("B" * 500_000 + ".green-api.com", TRAITS) == "[removed]"
    assert time.perf_counter() - started < 1
