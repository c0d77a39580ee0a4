"""Ends what takes too long, looked at together twice a second: a timer for each call would cost more than its gate."""

import asyncio
import time
from typing import Any, Final

LOOK_SECONDS: Final = 0.5

Task = asyncio.Task[Any]


class Deadlines:
    """Until when tasks may be at something; each at one thing at a time."""

    def __init__(self) -> None:
        self._ends: dict[Task, float] = {}
        self._over: set[Task] = set()
        self._timer: asyncio.TimerHandle | None = None

    def enter(self, ends: float) -> Task:
        """From now on this task is cancelled when the monotonic clock has passed an instant, within half a second."""
        task = asyncio.current_task()
        assert task is not None
        self._ends[task] = ends
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)
        return task

    def leave(self, task: Task) -> None:
        """It has come to its end in time."""
        self._ends.pop(task, None)

    def is_over(self, task: Task) -> bool:
        """Whether a cancellation came from here and from nobody else as well; asked once, where it is caught."""
        if task not in self._over:
            return False
        self._over.discard(task)
        return task.uncancel() == 0

    def _look(self) -> None:
        now = time.monotonic()
        for task in [task for task, ends in self._ends.items() if ends <= now]:
            del self._ends[task]
            self._over.add(task)
            task.cancel()
        self._timer = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look) if self._ends else None
