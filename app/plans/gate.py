"""Pure rules: may this be done now? Nothing here reads a clock or a row."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from app.kit.clock import next_day_start, next_month_start
from app.plans.catalogue import ENDING_DAYS, Limit

TRIAL_EXPIRED: Final = "trial_expired"
PAYMENT_DUE: Final = "payment_due"
QUOTA_EXCEEDED: Final = "quota_exceeded"
NOT_STARTED: Final = "not_started"
CLOSED: Final = "closed"


@dataclass(frozen=True)
class Terms:
    """What the gate needs of a subscription."""

    billing_mode: str
    trial_ends_at: datetime | None
    paid_through_at: datetime | None
    closed_at: datetime | None = None


@dataclass(frozen=True)
class Allow:
    """It may; `until` is when the time that is granted or paid for ends."""

    until: datetime


@dataclass(frozen=True)
class Deny:
    """It may not. `until`: time that ran out, when; a limit, when it begins anew."""

    code: str
    reason: str
    until: datetime | None = None
    limit: int | None = None
    used: int | None = None


def may_send(terms: Terms | None, now: datetime) -> Allow | Deny:
    """Whether the instance's time allows sending at this instant; the last instant of it is already past the end."""
    if terms is None:
        return Deny("payment_required", PAYMENT_DUE)
    if terms.closed_at is not None:
        return Deny("instance_deleted", CLOSED, terms.closed_at)
    if terms.billing_mode == "trial":
        if terms.trial_ends_at is None:
            return Deny("instance_not_ready", NOT_STARTED)
        if now >= terms.trial_ends_at:
            return Deny("trial_expired", TRIAL_EXPIRED, terms.trial_ends_at)
        return Allow(terms.trial_ends_at)
    if terms.paid_through_at is None or now >= terms.paid_through_at:
        return Deny("payment_required", PAYMENT_DUE, terms.paid_through_at)
    return Allow(terms.paid_through_at)


def over_limit(limit: Limit, used: int, now: datetime) -> Deny:
    """The refusal of one more when a limit is used up."""
    return Deny("plan_limit_reached", QUOTA_EXCEEDED, resets_at(limit, now), limit.amount, used)


def resets_at(limit: Limit, now: datetime) -> datetime:
    """When a limit begins anew."""
    return next_day_start(now) if limit.period == "day" else next_month_start(now)


def unused_days(paid_through_at: datetime | None, now: datetime, balance: int) -> int:
    """Whole days that are paid for and not begun, never more than are owned."""
    if paid_through_at is None or paid_through_at <= now:
        return 0
    return min((paid_through_at - now) // timedelta(days=1), balance)


def announcement(end: datetime, now: datetime) -> str | None:
    """What is to be said about an end by now: `ending_3`, `ending_1`, `ended`, or nothing yet."""
    if now >= end:
        return "ended"
    for days in sorted(ENDING_DAYS):
        if end - now <= timedelta(days=days):
            return f"ending_{days}"
    return None
