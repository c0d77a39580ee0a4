"""Pure rules: which gateway a new instance goes to, when it is unwell, and whose turn it is to create."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

UNWELL_AFTER: Final = 3
"""Creations that failed in a row."""
UNWELL_FOR: Final = timedelta(minutes=5)
ALL_WEIGHT: Final = 100


@dataclass(frozen=True)
class Standing:
    """A gateway as the choice sees it."""

    name: str
    weight: int = ALL_WEIGHT
    plans: tuple[str, ...] | None = None
    is_paused: bool = False
    is_well: bool = True


def candidates(standings: Iterable[Standing], plan: str) -> list[Standing]:
    """Those that a new instance of a plan may go to: of the well ones if there is any, else of the others."""
    open_ones = [
        each
        for each in standings
        if not each.is_paused and each.weight > 0 and (each.plans is None or plan in each.plans)
    ]
    return [each for each in open_ones if each.is_well] or open_ones


def pick(standings: Sequence[Standing], draw: float) -> str | None:
    """One of the candidates, each as likely as its weight; `draw` is from 0 to below 1. None when there is none."""
    left = draw * sum(each.weight for each in standings)
    for each in standings:
        left -= each.weight
        if left < 0:
            return each.name
    return None


@dataclass(frozen=True)
class Queuer:
    """A tenant that waits for creations: how many, since when, how many it was given of those that count now, and when
    it was given the last one.
    """

    tenant_id: UUID
    waiting: int
    since: datetime
    given: int = 0
    served_at: datetime | None = None


def place(queue: Iterable[Queuer], mine: Queuer, ahead: int) -> int:
    """How many are created before one of mine that has `ahead` of mine before it, going round tenant by tenant.

    What a tenant was given in this window are rounds that it has had. A round begins with whoever was served, or has
    asked, the longest ago; so nobody's turn depends on how many others ask for, and nobody is passed over for ever.
    """
    rounds, key = mine.given + ahead, _key(mine)
    return ahead + sum(
        max(0, min(each.waiting, rounds + (_key(each) < key) - each.given)) for each in queue if each != mine
    )


def free_in(place: int, ends: Sequence[datetime], most: int, seconds: float, now: datetime) -> float:
    """In how many seconds the one at a place may be created, when at most `most` are in any `seconds`.

    `ends` are when the creations that count now cease to count.
    """
    later = sorted(end for end in ends if end > now)
    slots = [now] * max(0, most - len(later)) + later
    if len(slots) > most:  # a limit that was lowered: the last ones to end decide
        slots = slots[len(slots) - most :]
    rounds, slot = divmod(place, most)
    return (slots[slot] - now).total_seconds() + rounds * seconds


def _key(each: Queuer) -> tuple[datetime, UUID]:
    return each.served_at or each.since, each.tenant_id
