"""How many days, whether they were put on, and what came back: rules without a clock."""

from datetime import UTC, datetime, timedelta

import pytest

from app.funding import rules
from app.funding.rules import DAY, Left, Verdict

NOW = datetime(2027, 1, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("entitled", "funded", "days"),
    [
        (30 * DAY, 6 * DAY, 0),  # it lasts
        (30 * DAY, 2 * DAY, 7),  # a step
        (30 * DAY, 2 * DAY + HOUR, 0),
        (5 * DAY, 2 * DAY, 3),  # no more than is owed
        (2 * DAY + HOUR, 2 * DAY, 1),  # a day that is begun is a day
        (2 * DAY, 2 * DAY, 0),
        (DAY, 2 * DAY, 0),
        (30 * DAY, -9 * DAY, 7),  # it had ended: from now on
        (3 * DAY, -9 * DAY, 3),
        (-DAY, -9 * DAY, 0),  # nobody pays
    ],
)
def test_an_account_gets_a_step_while_it_is_paid_for(entitled: timedelta, funded: timedelta, days: int) -> None:
    assert rules.wanted(NOW + entitled, NOW + funded, NOW, step_days=7, margin=2 * DAY) == days


def test_one_that_tells_no_end_is_funded_from_now_on() -> None:
    assert rules.wanted(NOW + 30 * DAY, None, NOW, step_days=7, margin=2 * DAY) == 7


def test_at_once_does_not_wait_for_the_margin() -> None:
    assert rules.wanted(NOW + 30 * DAY, NOW + 6 * DAY, NOW, step_days=7, margin=2 * DAY, at_once=True) == 7
    assert rules.wanted(NOW + 5 * DAY, NOW + 6 * DAY, NOW, step_days=7, margin=2 * DAY, at_once=True) == 0


def test_an_end_that_moved_proves_an_extension_and_one_that_did_not_proves_none() -> None:
    until = NOW + DAY
    assert rules.judge(until, until + 7 * DAY, NOW, 7) is Verdict.DONE
    assert rules.judge(until, until, NOW, 7) is Verdict.UNDONE
    assert rules.judge(until, until + timedelta(seconds=5), NOW, 7) is Verdict.UNDONE
    assert rules.judge(until, None, NOW, 7) is Verdict.UNTOLD
    assert rules.judge(None, NOW + 7 * DAY, NOW, 7) is Verdict.DONE


def test_days_of_somebody_else_are_found() -> None:
    until = NOW + DAY
    assert rules.found_days(until, until + 3 * DAY, NOW) == 3
    assert rules.found_days(until, until, NOW) == 0
    assert rules.found_days(until, NOW, NOW) == 0
    assert rules.found_days(NOW - 5 * DAY, NOW + 2 * DAY, NOW) == 7  # before it ended
    assert rules.found_days(NOW - 5 * DAY, NOW + 2 * DAY + HOUR, NOW) == 3  # after


def test_days_that_an_account_loses_before_they_begin_are_told_from_those_that_begin() -> None:
    until = NOW + 5 * DAY + HOUR
    assert rules.lost_days(until, until - 3 * DAY, NOW) == 3
    assert rules.lost_days(until, NOW - 3 * DAY, NOW) == 5
    assert rules.lost_days(until, until - timedelta(seconds=59), until - 5 * DAY) == 0  # clocks differ
    assert rules.lost_days(until, until + DAY, NOW) == 0
    assert rules.lost_days(NOW - DAY, NOW - 3 * DAY, NOW) == 0
    assert (rules.lost_days(None, until, NOW), rules.lost_days(until, None, NOW)) == (0, 0)


def test_a_deletion_gives_back_what_the_pool_says() -> None:
    left = Left(total=9 * DAY + 5 * HOUR, gifted=2 * DAY)
    assert rules.given_back([left], 7) == [7]
    assert rules.given_back([left], 9) == [9]
    assert rules.given_back([left], 0) == [0]
    assert rules.given_back([left], 4) == [4]
    assert rules.given_back([left], 11) is None
    assert rules.given_back([left], -1) is None


def test_several_deletions_are_explained_by_one_habit_or_not_at_all() -> None:
    lefts = [Left(3 * DAY + 20 * HOUR, timedelta()), Left(5 * DAY + 20 * HOUR, DAY)]
    assert rules.given_back(lefts, 3 + 4) == [3, 4]
    assert rules.given_back(lefts, 4 + 5) == [4, 5]
    assert rules.given_back(lefts, 3 + 5) == [3, 5]
    assert rules.given_back(lefts, 4) is None
    assert rules.given_back([], 5) is None


def test_what_an_extension_in_doubt_may_have_taken_is_not_called_unexplained() -> None:
    left = Left(4.5 * DAY, timedelta())
    assert rules.taken([], [7], -7) == 7
    assert rules.taken([], [7, 3], -20) == 10
    assert rules.taken([], [7], 5) == 0
    assert rules.taken([], [], -7) == 0
    assert rules.taken([left, left], [7, 3], 8) == 0
    assert rules.taken([left, left], [7, 3], 8 - 3) == 3
    assert rules.taken([left, left], [7, 3], 8 - 10) == 10
    assert rules.taken([left, left], [7, 3], -9) == 0


def test_a_pool_lasts_as_long_as_it_would_at_the_pace_of_the_last_days() -> None:
    assert rules.days_to_empty(90, 21, 7 * DAY) == 30
    assert rules.days_to_empty(90, 0, 7 * DAY) is None
    assert rules.days_to_empty(90, -4, 7 * DAY) is None
    assert rules.days_to_empty(-5, 21, 7 * DAY) == 0
