"""The gate, as a table: nothing here touches a database."""

from datetime import UTC, datetime, timedelta

import pytest

from app.plans import gate
from app.plans.catalogue import LIVE, PLANS, TRIAL
from app.plans.gate import Allow, Deny, Terms

END = datetime(2026, 11, 26, 12, 0, 0, 0, tzinfo=UTC)
TICK = timedelta(milliseconds=1)
ON_TRIAL = Terms("trial", END, None)
PAID = Terms("live", END - timedelta(days=30), END)


@pytest.mark.parametrize("terms", [ON_TRIAL, PAID])
def test_sending_is_allowed_to_the_last_millisecond(terms: Terms) -> None:
    assert gate.may_send(terms, END - TICK) == Allow(END)


@pytest.mark.parametrize(
    ("terms", "code", "reason"),
    [(ON_TRIAL, "trial_expired", "trial_expired"), (PAID, "payment_required", "payment_due")],
)
def test_sending_ends_at_the_instant(terms: Terms, code: str, reason: str) -> None:
    assert gate.may_send(terms, END) == Deny(code, reason, END)


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        (None, "payment_required"),
        (Terms("trial", None, None), "instance_not_ready"),
        (Terms("live", None, None), "payment_required"),
        (Terms("live", None, END, closed_at=END - timedelta(days=9)), "instance_deleted"),
    ],
)
def test_terms_that_grant_nothing_refuse(terms: Terms | None, code: str) -> None:
    verdict = gate.may_send(terms, END - timedelta(days=1))
    assert isinstance(verdict, Deny)
    assert verdict.code == code


def test_a_trial_that_went_live_is_judged_by_what_is_paid() -> None:
    assert gate.may_send(Terms("live", END - timedelta(days=9), END), END - TICK) == Allow(END)


@pytest.mark.parametrize(
    ("now", "day", "month"),
    [
        ("2026-11-21T20:59:59Z", "2026-11-21T21:00:00Z", "2026-11-30T21:00:00Z"),
        ("2026-11-21T21:00:00Z", "2026-11-22T21:00:00Z", "2026-11-30T21:00:00Z"),
        ("2026-12-31T20:59:59Z", "2026-12-31T21:00:00Z", "2026-12-31T21:00:00Z"),
        ("2026-12-31T21:00:00Z", "2027-01-01T21:00:00Z", "2027-01-31T21:00:00Z"),
    ],
)
def test_limits_begin_anew_with_the_billing_day_and_month(now: str, day: str, month: str) -> None:
    at = datetime.fromisoformat(now)
    messages, chats = TRIAL.limit("messages"), TRIAL.limit("chats")
    assert messages is not None
    assert chats is not None
    assert gate.resets_at(messages, at) == datetime.fromisoformat(day)
    assert gate.resets_at(chats, at) == datetime.fromisoformat(month)


@pytest.mark.parametrize(
    ("left", "balance", "unused"),
    [
        (timedelta(days=10), 10, 10),
        (timedelta(days=10) - TICK, 10, 9),
        (timedelta(hours=23), 1, 0),
        (timedelta(days=-1), 3, 0),
        (timedelta(days=10), 4, 4),
        (timedelta(days=2), 0, 0),
    ],
)
def test_unused_days_are_whole_and_owned(left: timedelta, balance: int, unused: int) -> None:
    assert gate.unused_days(END, END - left, balance) == unused


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (timedelta(days=3) + TICK, None),
        (timedelta(days=3), "ending_3"),
        (timedelta(days=1) + TICK, "ending_3"),
        (timedelta(days=1), "ending_1"),
        (TICK, "ending_1"),
        (timedelta(), "ended"),
        (-timedelta(days=9), "ended"),
    ],
)
def test_an_end_is_announced_in_three_steps(left: timedelta, said: str | None) -> None:
    assert gate.announcement(END, END - left) == said


def test_every_figure_has_a_source() -> None:
    assert {plan.id for plan in PLANS.values()} == {"trial", "live"}
    for plan in PLANS.values():
        assert plan.source
        assert all(limit.source for limit in plan.limits)
    assert (TRIAL.days, [limit.amount for limit in TRIAL.limits]) == (5, [150, 5, 1000])
    assert LIVE.limits == ()
