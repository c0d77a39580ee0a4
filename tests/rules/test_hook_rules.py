"""What may be set of a webhook in Whapi's shape, what it is for, and when it is tried again."""

from pathlib import Path
from typing import Any

import pytest

from app.lines.hooks import rules
from app.lines.hooks.rules import Hook, SettingRefused

URL = "https://shop.example/hook"
PAGE = Path(__file__).parents[2] / "docs" / "compatibility.md"


def hook(**more: Any) -> dict[str, Any]:
    """A webhook as a customer sets it."""
    return {"url": URL, **more}


def test_a_whole_patch_is_read_and_what_is_not_ours_is_passed_over() -> None:
    found = rules.read(
        {
            "success": True,
            "callback_persist": False,
            "callback_backoff_delay_ms": 5000,
            "max_callback_backoff_delay_ms": 600_000,
            "media": {"auto_download": ["image", "image"]},
            "proxy": "socks5://u:p@h.example:1",
            "webhooks": [
                hook(
                    events=[{"type": "messages", "method": "post"}, {"type": "messages", "method": "post"}],
                    mode="path",
                    headers={"Authorization": "Bearer x"},
                    webhook_max_age_seconds=60,
                    send_undecrypted_ad=True,
                )
            ],
        }
    )
    assert found.plain == {
        "callback_persist": False,
        "callback_backoff_delay_ms": 5000,
        "max_callback_backoff_delay_ms": 600_000,
        "media": {"auto_download": ["image"], "init_avatars": False},
    }
    assert found.hooks == [
        Hook(URL, "path", [{"type": "messages", "method": "post"}], {"Authorization": "Bearer x"}, 60)
    ]


def test_settings_within_settings_are_read_too() -> None:
    assert rules.read({"settings": {"webhooks": []}}).hooks == []
    assert rules.read({"settings": "none", "callback_persist": True}).plain == {"callback_persist": True}


def test_no_list_of_webhooks_leaves_them_as_they_are() -> None:
    assert rules.read({}).hooks is None


@pytest.mark.parametrize(
    ("told", "pointer"),
    [
        ({"webhooks": None}, "#/webhooks"),
        ({"webhooks": {}}, "#/webhooks"),
        ({"webhooks": [hook()] * 11}, "#/webhooks"),
        ({"webhooks": ["https://shop.example"]}, "#/webhooks/0"),
        ({"webhooks": [{}]}, "#/webhooks/0/url"),
        ({"webhooks": [hook(), hook(url="ftp://shop.example/a")]}, "#/webhooks/1/url"),
        ({"webhooks": [hook(url="https://")]}, "#/webhooks/0/url"),
        ({"webhooks": [hook(mode="header")]}, "#/webhooks/0/mode"),
        ({"webhooks": [hook(mode=5)]}, "#/webhooks/0/mode"),
        ({"webhooks": [hook(events={})]}, "#/webhooks/0/events"),
        ({"webhooks": [hook(events=["messages"])]}, "#/webhooks/0/events/0"),
        ({"webhooks": [hook(events=[{"type": "weather"}])]}, "#/webhooks/0/events/0"),
        ({"webhooks": [hook(events=[{"type": "messages", "method": "get"}])]}, "#/webhooks/0/events/0"),
        ({"webhooks": [hook(events=[{"type": "messages", "method": []}])]}, "#/webhooks/0/events/0"),
        ({"webhooks": [hook(events=[{"type": []}])]}, "#/webhooks/0/events/0"),
        ({"webhooks": [hook(events=[{"type": "messages"}] * 101)]}, "#/webhooks/0/events"),
        ({"webhooks": [hook(headers=[])]}, "#/webhooks/0/headers"),
        ({"webhooks": [hook(headers={f"X-{number}": "1" for number in range(6)})]}, "#/webhooks/0/headers"),
        ({"webhooks": [hook(headers={"Host": "a"})]}, "#/webhooks/0/headers"),
        ({"webhooks": [hook(headers={"Content-Length": "1"})]}, "#/webhooks/0/headers"),
        ({"webhooks": [hook(headers={"X A": "1"})]}, "#/webhooks/0/headers"),
        ({"webhooks": [hook(headers={"": "1"})]}, "#/webhooks/0/headers"),
        ({"webhooks": [hook(headers={"X-A": 1})]}, "#/webhooks/0/headers"),
        ({"webhooks": [hook(headers={"X-A": "1\r\nX-B: 2"})]}, "#/webhooks/0/headers"),
        ({"webhooks": [hook(headers={"X-A": "ü"})]}, "#/webhooks/0/headers"),
        ({"webhooks": [hook(headers={"X-A": "a" * 2001})]}, "#/webhooks/0/headers"),
        ({"webhooks": [hook(headers={"X-A": "1", "x-a": "2"})]}, "#/webhooks/0/headers"),
        ({"webhooks": [hook(webhook_max_age_seconds=14)]}, "#/webhooks/0/webhook_max_age_seconds"),
        ({"webhooks": [hook(webhook_max_age_seconds=True)]}, "#/webhooks/0/webhook_max_age_seconds"),
        ({"callback_persist": "yes"}, "#/callback_persist"),
        ({"callback_backoff_delay_ms": 2999}, "#/callback_backoff_delay_ms"),
        ({"callback_backoff_delay_ms": float("nan")}, "#/callback_backoff_delay_ms"),
        ({"max_callback_backoff_delay_ms": 3_600_001}, "#/max_callback_backoff_delay_ms"),
        ({"media": []}, "#/media"),
        ({"media": {"auto_download": ["film"]}}, "#/media/auto_download"),
        ({"media": {"auto_download": [[]]}}, "#/media/auto_download"),
        ({"media": {"init_avatars": 1}}, "#/media/init_avatars"),
    ],
)
def test_what_does_not_fit_is_refused_and_the_place_is_named(told: dict[str, Any], pointer: str) -> None:
    with pytest.raises(SettingRefused) as refusal:
        rules.read(told)
    assert [error.pointer for error in refusal.value.errors] == [pointer]
    assert refusal.value.status == 400


@pytest.mark.parametrize(
    ("events", "type_", "verb", "told"),
    [
        (None, "calls", "post", "post"),
        ([], "calls", "post", None),
        ([{"type": "messages"}], "messages", "delete", "delete"),
        ([{"type": "message"}], "messages", "post", "post"),
        ([{"type": "ack", "method": "post"}], "statuses", "post", "post"),
        ([{"type": "messages", "method": "put"}], "messages", "post", "put"),
        ([{"type": "messages", "method": "put"}], "messages", "patch", None),
        ([{"type": "messages", "method": "put"}, {"type": "messages", "method": "post"}], "messages", "post", "post"),
        ([{"type": "statuses", "method": "post"}], "messages", "post", None),
    ],
)
def test_a_hook_is_told_what_it_asks_for(
    events: list[dict[str, str]] | None, type_: str, verb: str, told: str | None
) -> None:
    assert rules.verb_for(events, type_, verb) == told


@pytest.mark.parametrize(
    ("url", "mode", "expected"),
    [
        (URL, "body", ("POST", URL)),
        (URL, "path", ("POST", f"{URL}/messages/patch")),
        (f"{URL}/", "path", ("POST", f"{URL}/messages/patch")),
        (f"{URL}?key=1", "path", ("POST", f"{URL}/messages/patch?key=1")),
        (URL, "method", ("PATCH", f"{URL}/messages")),
        ("https://shop.example", "method", ("PATCH", "https://shop.example/messages")),
    ],
)
def test_each_mode_has_its_address(url: str, mode: str, expected: tuple[str, str]) -> None:
    assert rules.address(url, mode, "messages", "patch") == expected


def test_pauses_grow_by_the_same_step_up_to_the_longest() -> None:
    assert [rules.wait_seconds({}, failures) for failures in (0, 1, 2, 3, 300, 301)] == [0, 3, 6, 9, 900, 900]
    told = {"callback_backoff_delay_ms": 15_000, "max_callback_backoff_delay_ms": 600_000}
    assert [rules.wait_seconds(told, failures) for failures in (1, 2, 1000)] == [15, 30, 600]


def test_only_what_is_not_persisted_is_given_up() -> None:
    assert not rules.is_given_up({}, 1000)
    assert [rules.is_given_up({"callback_persist": False}, failures) for failures in (4, 5)] == [False, True]


def test_headers_show_in_no_repr() -> None:
    assert "secret" not in repr(rules.read_hook(hook(headers={"X-Key": "secret"})))


def test_every_event_that_may_come_can_be_asked_for() -> None:
    rows = [{"type": type_, "method": verb} for type_, verb in rules.TOLD]
    assert rules.read_hook(hook(events=rows)).events == rows


def test_the_pages_figures_are_the_codes() -> None:
    told = PAGE.read_text(encoding="utf-8").partition("## Webhooks in Whapi's shape")[2]
    for figure in (
        f"at most {rules.MOST_HOOKS}; replaced",
        f"at most {rules.MOST_HEADERS}, printable",
        f"{rules.AGE_SECONDS[0]} to {rules.AGE_SECONDS[1]:,}; an event",
        f"{rules.DEFAULTS[rules.STEP] // 1000} s and {rules.DEFAULTS[rules.MOST] // 1000} s for a new channel",
    ):
        assert figure in told, figure
