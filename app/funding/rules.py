"""Pure rules: how many days to put on an account, whether an extension was done, what a deletion gave back."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import combinations
from typing import Final

DAY: Final = timedelta(days=1)
MOST_DOUBTS: Final = 4
SLACK: Final = timedelta(minutes=1)
"""How far two clocks may be apart, and how exactly an upstream tells its instants."""
CALL: Final = timedelta(minutes=10)
"""How long after its row was written a call may have had its effect."""

FARTHEST: Final = timedelta(days=3660)


def whole_days(span: timedelta) -> int:
    """The whole days in a span; of a past one none."""
    return max(0, span // DAY)


def plausible(told: datetime | None, now: datetime) -> datetime | None:
    """An end that an upstream tells, if it can be one: a slip of its would be booked as thousands of days."""
    return told if told is not None and abs(told - now) <= FARTHEST else None


def gift(created_at: datetime | None, funded_until: datetime | None) -> int:
    """The days that a new account came with, by when it would end."""
    if created_at is None or funded_until is None:
        return 0
    return max(0, round((funded_until - created_at) / DAY))


def wanted(
    entitled_until: datetime,
    funded_until: datetime | None,
    now: datetime,
    *,
    step_days: int,
    margin: timedelta,
    at_once: bool = False,
) -> int:
    """How many days an account needs now: a step at most, none while it lasts longer than the margin, or what is owed.

    `at_once` does not wait for the margin.
    """
    from_then = max(now, funded_until or now)
    if entitled_until <= from_then or (from_then - now > margin and not at_once):
        return 0
    return min(step_days, math.ceil((entitled_until - from_then) / DAY))


class Verdict(StrEnum):
    """What two readings of an account's end say of an extension between them."""

    DONE = "done"
    UNDONE = "undone"
    UNTOLD = "untold"


def extended(before: datetime | None, started_at: datetime, days: int) -> datetime:
    """When an account ends after an extension; one that had ended is extended from the instant of the call."""
    return max(before or started_at, started_at) + days * DAY


def judge(before: datetime | None, after: datetime | None, started_at: datetime, days: int) -> Verdict:
    """Whether an extension was done; one that is undone may still be done later, until its quiet period is over.

    No gateway documents from where days are counted, if not from the later of its end and the call: perhaps from the
    call, or from a past end. What moved the end to elsewhere is somebody else's.
    """
    if after is None:
        return Verdict.UNTOLD
    before = before or started_at
    if after <= before + SLACK:
        return Verdict.UNDONE
    is_later = after >= extended(before, started_at, days) - SLACK
    is_so = is_later or any(abs(after - base - days * DAY) <= CALL for base in (started_at, before))
    return Verdict.DONE if is_so else Verdict.UNDONE


def same(known: datetime | None, told: datetime) -> bool:
    """Whether an end is where it was known to be."""
    return known is not None and abs(told - known) <= SLACK


def found_days(known: datetime | None, told: datetime | None, now: datetime) -> int:
    """Whole days that somebody else has put on an account: it lasts longer than we know of.

    Where it ended meanwhile they were put on it before that, if they are whole days so, else after it.
    """
    if told is None or known is None or told <= known + SLACK:
        return 0
    days = round((told - known) / DAY)
    if not days or known >= now or abs(told - known - days * DAY) <= SLACK:
        return days
    return max(0, math.ceil((told - now) / DAY))


def lost_days(known: datetime | None, told: datetime | None, now: datetime) -> int:
    """Whole days that an account was to have and has not any more, although they have not begun: it ends earlier.

    They were taken back in the gateway's own panel, or overwritten by an extension that counts from the call.
    """
    if told is None or known is None or told >= known - SLACK:
        return 0
    return whole_days(known - now) - whole_days(told - now)


@dataclass(frozen=True)
class Left:
    """What an account had when it was deleted; the gifted days are a part of all of them."""

    total: timedelta
    gifted: timedelta

    @property
    def paid(self) -> timedelta:
        """What was moved from the pool."""
        return max(timedelta(), self.total - self.gifted)


def _nearest(span: timedelta) -> int:
    return whole_days(span + DAY / 2)


# What a gateway may give back; none of them documents it (Whapi partner notes, read 2026-11-21), so what was told by
# the pool's balance decides, the likeliest first.
HABITS: Final[tuple[Callable[[Left], int], ...]] = (
    lambda left: whole_days(left.paid),
    lambda left: whole_days(left.paid + SLACK),
    lambda left: whole_days(max(timedelta(), left.paid - SLACK)),
    lambda left: _nearest(left.paid),
    lambda left: 0,
    lambda left: whole_days(left.total),
    lambda left: _nearest(left.total),
)


def given_back(lefts: Sequence[Left], change: int) -> list[int] | None:
    """What each deletion gave back, by how much more the pool holds than before; None when nothing explains it.

    Of one deletion alone the change itself tells, as long as the account had so many days.
    """
    for habit in HABITS:
        days = [habit(left) for left in lefts]
        if sum(days) == change:
            return days
    if len(lefts) == 1 and 0 <= change <= math.ceil(lefts[0].total / DAY):
        return [change]
    return None


@dataclass(frozen=True)
class Doubt:
    """An extension that nobody saw the end of before its account went: what the account had if it was done."""

    days: int
    left: Left


def unseen(lefts: Sequence[Left], doubts: Mapping[int, Doubt], change: int) -> tuple[list[int], list[int]] | None:
    """What each deletion gave back, and which of the doubted extensions, by the deletion's index, were done then.

    As few as explain the change; None when none do, or so many are in doubt that anything could be explained.
    """
    if len(doubts) > MOST_DOUBTS:
        return None
    for count in range(1, len(doubts) + 1):
        for done in combinations(doubts, count):
            have = [doubts[at].left if at in done else left for at, left in enumerate(lefts)]
            back = given_back(have, change + sum(doubts[at].days for at in done))
            if back is not None:
                return back, list(done)
    return None


def taken(lefts: Sequence[Left], doubted: Sequence[int], change: int) -> int:
    """How many days extensions, of which nobody knows yet whether they were done, seem to have taken from a pool that
    changed so much while these accounts were deleted: as few as explain it.
    """
    if not lefts:
        return max(0, min(-change, sum(doubted)))
    most = len(doubted) if len(doubted) <= MOST_DOUBTS else 0
    for count in range(most + 1):
        for days in map(sum, combinations(doubted, count)):
            if given_back(lefts, change + days) is not None:
                return days
    return 0


def days_to_empty(days: int, spent: int, over: timedelta) -> float | None:
    """How long a pool lasts if it goes on as in the time before; None when nothing was spent.

    One that owes days, which a gateway may allow by agreement, is empty.
    """
    per_day = spent / (over / DAY)
    return max(0, days) / per_day if per_day > 0 else None
