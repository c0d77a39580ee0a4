"""What the upstream charges: once at creation, then daily at 00:00 UTC+3 for each instance that exists."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from simulator.clock import rfc3339
from simulator.instance import Instance

if TYPE_CHECKING:
    from simulator.world import World

MOSCOW = timezone(timedelta(hours=3))
"""The zone of the billing day; it has no summer time.

Source: GREEN-API partner documentation and issues 413 and 567, read 2026-11-21.
"""


@dataclass(frozen=True, slots=True)
class Bill:
    """One charge; never taken back."""

    id_instance: int
    name: str
    day: str
    at: float
    reason: str

    def shown(self) -> dict[str, Any]:
        """The charge as the control face tells it."""
        return {
            "id_instance": self.id_instance,
            "name": self.name,
            "day": self.day,
            "at": rfc3339(self.at),
            "reason": self.reason,
        }


def day_of(moment: float) -> str:
    """The billing day a moment belongs to, as YYYY-MM-DD."""
    return datetime.fromtimestamp(moment, MOSCOW).date().isoformat()


def next_midnight(moment: float) -> float:
    """The next 00:00 UTC+3 strictly after a moment."""
    day = datetime.fromtimestamp(moment, MOSCOW).date() + timedelta(days=1)
    return datetime(day.year, day.month, day.day, tzinfo=MOSCOW).astimezone(UTC).timestamp()


def charge(world: "World", instance: Instance, reason: str) -> None:
    """Bill one instance for the present billing day."""
    at = world.clock.now()
    bill = Bill(instance.id_instance, instance.name, day_of(at), at, reason)
    world.bills.append(bill)
    instance.charges += 1
    day = {"day": bill.day}
    world.journal.add("charge", reason, instance.id_instance, instance.name, day)


def arm(world: "World") -> None:
    """See to it that every coming midnight is charged once."""
    due = next_midnight(world.clock.now())

    def midnight() -> None:
        for instance in world.alive.values():
            charge(world, instance, "daily")
        world.forget_old_rows()
        arm(world)

    world.clock.at(due, midnight)
