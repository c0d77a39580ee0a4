"""Virtual time: real time by default, at a chosen speed, with jumps that skip nothing on the way."""

import asyncio
import heapq
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

Callback = Callable[[], None]
Settle = Callable[[], Awaitable[None]]

BURST = 1000
"""Callbacks run before other work of the loop gets a turn."""


class Timer:
    """A callback due at a virtual moment; cancelling it twice does no harm."""

    __slots__ = ("_clock", "callback", "due", "order")

    def __init__(self, clock: "Clock", due: float, order: int, callback: Callback) -> None:
        self._clock = clock
        self.due = due
        self.order = order
        self.callback: Callback | None = callback

    def __lt__(self, other: "Timer") -> bool:
        return (self.due, self.order) < (other.due, other.order)

    def cancel(self) -> None:
        """The callback will not run."""
        if self.callback is not None:
            self.callback = None
            self._clock.forget_one()


class Clock:
    """Runs callbacks in the order of their virtual due time, whatever speed or jumps are asked for."""

    def __init__(self) -> None:
        self._heap: list[Timer] = []
        self._order = 0
        self._dead = 0
        self._handle: asyncio.Handle | None = None
        self._frozen: float | None = None
        self._jump = asyncio.Lock()
        self._sleepers: set[asyncio.Future[None]] = set()
        self._epoch = 0
        self.speed = 1.0
        self._rebase(time.time())

    def now(self) -> float:
        """Virtual UNIX seconds; while a callback runs, exactly the moment it was due."""
        if self._frozen is not None:
            return self._frozen
        return self._origin + (time.monotonic() - self._mark) * self.speed

    @property
    def is_jumping(self) -> bool:
        """A jump is under way."""
        return self._jump.locked()

    def at(self, due: float, callback: Callback) -> Timer:
        """Run the callback at a virtual moment; a past one means as soon as possible."""
        self._order += 1
        timer = Timer(self, due, self._order, callback)
        heapq.heappush(self._heap, timer)
        if self._heap[0] is timer:
            self._arm()
        return timer

    def after(self, seconds: float, callback: Callback) -> Timer:
        """Run the callback so many virtual seconds from now."""
        return self.at(self.now() + max(0.0, seconds), callback)

    async def sleep(self, seconds: float) -> None:
        """Wait in virtual time; a jump past the end wakes the sleeper."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        timer = self.after(seconds, lambda: wake(done))
        self._sleepers.add(done)
        try:
            await done
        finally:
            self._sleepers.discard(done)
            timer.cancel()

    def set_speed(self, speed: float) -> None:
        """Let virtual time run so many times as fast from now on; 0 holds it still."""
        self._rebase(self.now())
        self.speed = speed
        self._arm()

    async def advance(self, seconds: float, settle: Settle) -> None:
        """Jump forward, running everything due on the way at its own moment and in order.

        Between two callbacks `settle` may spend real time on work in flight, so that a receiver that
        answers at once is not taken for a dead one because hours passed in no time.
        """
        async with self._jump:
            epoch = self._epoch
            target = self.now() + seconds
            self._frozen = self.now()
            try:
                ran = 0
                await settle()
                while self._epoch == epoch and (timer := self._due(target)) is not None:
                    self._frozen = max(self._frozen, timer.due)
                    self._run(timer)
                    ran += 1
                    await settle()
                    if ran % BURST == 0:
                        await asyncio.sleep(0)
            finally:
                # A reset in the middle of a jump wins: time is real again and stays so.
                if self._epoch == epoch:
                    self._rebase(target)
                    self._frozen = None
                    self._arm()

    def reset(self) -> None:
        """Back to real time at speed 1, with nothing due and every sleeper awake."""
        for timer in self._heap:
            timer.callback = None
        self._heap.clear()
        for sleeper in self._sleepers:
            wake(sleeper)
        self._dead = 0
        self._epoch += 1
        self._frozen = None
        self.speed = 1.0
        self._rebase(time.time())
        self._arm()

    def forget_one(self) -> None:
        """Count a cancelled timer and sweep when most of the heap is dead weight."""
        self._dead += 1
        if self._dead > 1000 and self._dead * 2 > len(self._heap):
            self._heap = [timer for timer in self._heap if timer.callback is not None]
            heapq.heapify(self._heap)
            self._dead = 0

    def _rebase(self, now: float) -> None:
        self._origin = now
        self._mark = time.monotonic()

    def _due(self, limit: float) -> Timer | None:
        while self._heap:
            if self._heap[0].callback is None:
                heapq.heappop(self._heap)
                self._dead = max(0, self._dead - 1)
            elif self._heap[0].due <= limit:
                return heapq.heappop(self._heap)
            else:
                return None
        return None

    def _run(self, timer: Timer) -> None:
        callback, timer.callback = timer.callback, None
        if callback is None:
            return
        try:
            callback()
        except Exception as error:
            # One broken callback must not stop time for all others.
            asyncio.get_running_loop().call_exception_handler(
                {"message": "a timer of the simulator failed", "exception": error}
            )

    def _arm(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        if not self._heap or self.speed <= 0 or self._frozen is not None:
            return
        wait = max(0.0, (self._heap[0].due - self.now()) / self.speed)
        self._handle = asyncio.get_running_loop().call_later(min(wait, 3600.0), self._fire)

    def _fire(self) -> None:
        self._handle = None
        if self._frozen is not None:
            return
        limit = self.now()
        for _ in range(BURST):
            timer = self._due(limit)
            if timer is None:
                break
            self._frozen = timer.due
            try:
                self._run(timer)
            finally:
                self._frozen = None
        self._arm()


def wake(waiter: asyncio.Future[None]) -> None:
    """Let a waiter go on; one that gave up already is left alone."""
    if not waiter.done():
        waiter.set_result(None)


def rfc3339(moment: float) -> str:
    """A virtual moment as UTC text with milliseconds."""
    text = datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
