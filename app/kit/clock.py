"""Instants are UTC. The billing day is the upstream's: it begins at 00:00 UTC+3 (docs/decisions/0011)."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Final

BILLING_ZONE: Final = timezone(timedelta(hours=3), "UTC+3")


def billing_day(instant: datetime) -> date:
    """The billing day in which an instant lies. Source: GREEN-API partner notes, charge at 00:00 UTC+3."""
    return instant.astimezone(BILLING_ZONE).date()


def day_start(day: date) -> datetime:
    """The instant at which a billing day begins."""
    return datetime.combine(day, time(), BILLING_ZONE).astimezone(UTC)


def next_day_start(instant: datetime) -> datetime:
    """The next charge after an instant."""
    return day_start(billing_day(instant) + timedelta(days=1))


def month_start(instant: datetime) -> date:
    """The first billing day of the month in which an instant lies."""
    return billing_day(instant).replace(day=1)


def next_month_start(instant: datetime) -> datetime:
    """The instant at which monthly limits begin anew."""
    first = month_start(instant)
    return day_start(date(first.year + first.month // 12, first.month % 12 + 1, 1))


def to_wire(instant: datetime) -> str:
    """RFC 3339, UTC, milliseconds: `2026-11-21T18:24:03.120Z`."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
