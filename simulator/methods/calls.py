"""Call journals: both directions, newest first.

Source: GREEN-API lastIncomingCalls and lastOutgoingCalls pages, read 2026-11-21.
"""

from simulator.asked import DAY_MINUTES
from simulator.wire import Call, Reply, answer, number_of
from simulator.world import World

RINGING = "offer"


def last_incoming(world: World, call: Call) -> Reply:
    """Calls that came within so many minutes."""
    return _last(world, call, "incoming")


def last_outgoing(world: World, call: Call) -> Reply:
    """Calls made within so many minutes."""
    return _last(world, call, "outgoing")


def _last(world: World, call: Call, direction: str) -> Reply:
    minutes = number_of(world, call, "minutes", default=DAY_MINUTES, least=1)
    oldest = world.clock.now() - minutes * 60
    return answer(
        [
            row.row()
            for row in reversed(call.here.calls)
            if row.direction == direction and row.status != RINGING and row.at >= oldest
        ]
    )
