"""Pure rules: which step an instance needs next, and what an outcome lets us conclude.

The row is the intent. What the tenant wants and what upstream is known to have are compared; the answer is one step.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from app.kit.backoff import Schedule
from app.providers.errors import Outcome, ProviderError
from app.providers.port import Link, Listed

MOST_LOST_CREATES: Final = 3
MOST_REFUSED_CREATES: Final = 300
REFUSED: Final = Schedule((2, 5, 10, 20, 40, 60, 120, 180, 300), repeats=True)
SLOWEST_POLL: Final = 5.0
PEEKS: Final = 8


class Step(StrEnum):
    """One thing to do. Those from `DRAIN` on are the stations of a deletion, kept in `delete_step`; only what a moved
    instance left behind begins with `DRAIN`.
    """

    CREATE = "create"
    PEEK = "peek"
    LOOK = "look"
    AWAIT_READY = "await_ready"
    DRAIN = "drain"
    CLEAR_QUEUES = "clear_queues"
    LOGOUT = "logout"
    CONFIRM_LOGOUT = "confirm_logout"
    DELETE = "delete"
    CONFIRM_DELETE = "confirm_delete"
    RECLAIM = "reclaim"
    ERASE = "erase"


@dataclass(frozen=True)
class Facts:
    """What the row tells. `is_calling`: a create has left, or was about to, and its outcome is not known."""

    status: str
    wanted: bool
    has_upstream: bool
    is_calling: bool = False
    quiet_until: datetime | None = None
    delete_step: str | None = None
    is_remains: bool = False


def next_step(facts: Facts, now: datetime) -> Step | None:
    """The step to take now, or None when upstream already is as it is owed.

    A create of unknown outcome comes first, whatever is wanted: until it is known what it did, nothing may be created
    and nothing be called gone. `PEEK` may find and adopt it; only `LOOK`, after the quiet period, may find nothing.
    """
    if facts.status == "deleted":
        return None
    if facts.is_calling and not facts.has_upstream:
        is_quiet = facts.quiet_until is not None and now < facts.quiet_until
        return Step.PEEK if is_quiet else Step.LOOK
    if not facts.wanted:
        if facts.delete_step is not None:
            return Step(facts.delete_step)
        first = Step.DRAIN if facts.is_remains else Step.CLEAR_QUEUES
        return first if facts.has_upstream else Step.RECLAIM
    if facts.status == "failed":
        return None
    if not facts.has_upstream:
        return Step.CREATE
    return Step.AWAIT_READY if facts.status in ("queued", "provisioning") else None


class CreateVerdict(StrEnum):
    """What to do after a create that gave no instance."""

    AGAIN = "again"
    LOOK = "look"
    GIVE_UP = "give_up"


def after_failed_create(error: ProviderError, refused: int) -> CreateVerdict:
    """Judge a create that raised; `refused` counts the surely undone tries so far, this one included."""
    if error.outcome is not Outcome.REFUSED:
        return CreateVerdict.LOOK
    return CreateVerdict.GIVE_UP if refused >= MOST_REFUSED_CREATES else CreateVerdict.AGAIN


def refused_seconds(error: ProviderError, refused: int) -> float:
    """How long to wait after a surely undone create; the gateway's own wish counts when it is longer."""
    return max(REFUSED.after(max(1, refused)) or 0.0, error.retry_after_seconds or 0.0)


def peek_seconds(quiet_seconds: float, left_seconds: float) -> float:
    """When to look again for a create of unknown outcome: some times during the quiet period, then at its end."""
    return max(0.02, min(left_seconds + 0.01, quiet_seconds / PEEKS))


class LookVerdict(StrEnum):
    """What a look into the listing says."""

    ADOPT = "adopt"
    AGAIN = "again"
    ABSENT = "absent"
    GIVE_UP = "give_up"
    NEVER_WAS = "never_was"


@dataclass(frozen=True)
class Found:
    """A look's verdict, with what is to be adopted and what is one too many."""

    verdict: LookVerdict
    adopt: Listed | None = None
    surplus: tuple[Listed, ...] = ()


def judge_look(hits: Sequence[Listed], *, conclusive: bool, lost: int, wanted: bool) -> Found:
    """Judge the accounts that bear our tag. Only a listing begun after the quiet period is `conclusive` about none.

    `lost` counts the creates of unknown outcome so far. An account whose token the listing does not show yet cannot be
    adopted, nor may another be created beside it.
    """
    ordered = sorted(hits, key=_age)
    usable = [hit for hit in ordered if hit.token.reveal()]
    if usable:
        rest = tuple(hit for hit in ordered if hit.account != usable[0].account)
        return Found(LookVerdict.ADOPT, usable[0], rest)
    if ordered or not conclusive:
        return Found(LookVerdict.AGAIN)
    if not wanted:
        return Found(LookVerdict.NEVER_WAS)
    return Found(LookVerdict.GIVE_UP if lost >= MOST_LOST_CREATES else LookVerdict.ABSENT)


def _age(listed: Listed) -> tuple[bool, float, int, str]:
    created = listed.created_at
    return created is None, created.timestamp() if created else 0.0, len(listed.account), listed.account


def is_usable(link: Link) -> bool:
    """Whether an account has left its warm-up: it can be paired, or is."""
    return link in (Link.UNPAIRED, Link.CONNECTED, Link.BLOCKED, Link.DISCONNECTED)


def poll_seconds(base_seconds: float, age_seconds: float, most_seconds: float = 0.0) -> float:
    """How long to wait before a new account is read again: longer with its age, five times as long at most, or up to
    `most_seconds` where that is more.
    """
    return min(max(base_seconds * SLOWEST_POLL, most_seconds), max(base_seconds, age_seconds / 10))


def step_seconds(base_seconds: float, tries: int) -> float:
    """How long to wait before a step of a deletion is tried again."""
    return base_seconds * min(1.0 + tries, 12.0)


def connection_of(link: Link) -> str:
    """Our word for a link; what upstream does not tell leaves `unknown`, a restart is `starting`."""
    if link is Link.NOT_READY:
        return "starting"
    return str(link)
