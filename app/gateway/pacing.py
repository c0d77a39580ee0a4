"""How fast an instance may be called: the upstream's own rates, kept by us so that it need not refuse.

Each process keeps them by itself, so several together may be faster than one instance is allowed; then upstream refuses
and its refusal is passed on. Source of the rates: GREEN-API Rate limiter page (read 2026-11-21).
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final
from uuid import UUID

from app.gateway.catalogue import Method
from app.kit.errors import RateLimited

MOST_WAIT_SECONDS: Final = 1.0
MOST_KEPT: Final = 100_000


class CalledTooFast(RateLimited):
    """The instance is called faster than the gateway allows for this method."""


class Pace:
    """When the next call of a method on an instance may leave (the generic cell rate algorithm)."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._free_at: dict[tuple[UUID, str], float] = {}

    def take(self, instance_id: UUID, method: Method) -> bool:
        """Whether a call may leave at once; if so it is counted."""
        return self._book(instance_id, method, 0.0) is not None

    async def wait(self, instance_id: UUID, method: Method) -> None:
        """Let a call leave when its time has come, within a second.

        Raises:
            CalledTooFast: so many wait already that it would be longer.
        """
        seconds = self.book(instance_id, method)
        if seconds > 0:
            await asyncio.sleep(seconds)

    def book(self, instance_id: UUID, method: Method) -> float:
        """In how many seconds, one at most, a call may leave; it is counted.

        Raises:
            CalledTooFast: so many wait already that it would be longer.
        """
        seconds = self._book(instance_id, method, MOST_WAIT_SECONDS)
        if seconds is None:
            text = f"At most {method.rate:g} a second."
            raise CalledTooFast(text, headers={"Retry-After": "1"}, extra={"violated_policies": ["instance-method"]})
        return seconds

    def _book(self, instance_id: UUID, method: Method, most_wait: float) -> float | None:
        now, interval = self._monotonic(), 1 / method.rate
        # As many as a second allows may come together; below one a second there is nothing to save up.
        slack = max(0.0, 1.0 - interval)
        key = (instance_id, method.name)
        free_at = max(now, self._free_at.get(key, 0.0))
        seconds = free_at - slack - now
        if seconds > most_wait:
            return None
        if len(self._free_at) >= MOST_KEPT:
            self._free_at = {kept: at for kept, at in self._free_at.items() if at > now}
        self._free_at[key] = free_at + interval
        return max(0.0, seconds)
