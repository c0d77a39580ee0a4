"""Retry schedules as data."""

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Schedule:
    """Waits in seconds, one after each failed try; past the last there is no further try unless it `repeats`."""

    waits_seconds: tuple[float, ...]
    jitter: float = 0.2
    repeats: bool = False

    def after(self, attempt: int) -> float | None:
        """Seconds to wait after the given attempt (the first is 1) failed, or None when tries are used up."""
        if attempt > len(self.waits_seconds) and not self.repeats:
            return None
        wait = self.waits_seconds[min(attempt, len(self.waits_seconds)) - 1]
        return wait * random.uniform(1 - self.jitter, 1 + self.jitter)  # noqa: S311  # no secret hangs on it
