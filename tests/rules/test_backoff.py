"""Waits are those of the schedule, within their jitter, and end when it ends."""

from datetime import UTC, datetime

import pytest

from app.kit.backoff import Schedule
from app.kit.egress import Reply
from app.webhooks.outbound import SCHEDULE, asked_seconds

NOW = datetime(2026, 11, 21, 18, 0, tzinfo=UTC)


@pytest.mark.parametrize(("attempt", "wait"), list(enumerate((5, 300, 1800, 7200, 18_000, 36_000, 36_000), 1)))
def test_a_delivery_waits_as_published_give_or_take_a_fifth(attempt: int, wait: int) -> None:
    waits = [SCHEDULE.after(attempt) or 0 for _ in range(500)]
    assert 0.8 * wait <= min(waits) < 0.9 * wait
    assert 1.1 * wait < max(waits) <= 1.2 * wait


def test_after_the_eighth_attempt_there_is_none() -> None:
    assert SCHEDULE.after(8) is None
    assert SCHEDULE.after(9) is None
    assert SCHEDULE.after(10_000) is None


def test_a_schedule_that_repeats_goes_on_with_its_last_wait() -> None:
    schedule = Schedule((1, 10), jitter=0, repeats=True)
    assert [schedule.after(attempt) for attempt in (1, 2, 3, 1000)] == [1, 10, 10, 10]


@pytest.mark.parametrize(
    ("status", "header", "seconds"),
    [
        (429, "120", 120),
        (503, "120", 120),
        (503, " 7 ", 7),
        (429, "3601", 3600),
        (429, "9" * 5000, 3600),
        (429, "Sat, 21 Nov 2026 18:10:00 GMT", 600),
        (429, "Sat, 21 Nov 2026 17:00:00 GMT", 0),
        (429, "Sat, 21 Nov 2099 17:00:00 GMT", 3600),
        (500, "120", 0),
        (200, "120", 0),
        (429, None, 0),
        (429, "", 0),
        (429, "soon", 0),
        (429, "-5", 0),
        (429, "1.5", 0),
        (429, "٣", 0),
        (429, "Sat, 99 Nov 2026 99:10:00 GMT", 0),
    ],
)
def test_retry_after_is_honoured_up_to_an_hour(status: int, header: str | None, seconds: float) -> None:
    assert asked_seconds(Reply(status, "", 1, retry_after=header), NOW) == seconds
