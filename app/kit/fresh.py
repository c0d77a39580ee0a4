"""Values of the database kept in the process, never older than a second when they are used.

What was used in the last seconds is read again together, so that no caller waits for the database; what is not used any
more is not read, and grows too old to be used. It is seconds and not one, since whoever asks seldom would otherwise
never find a value that is fresh.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Final, Generic, TypeVar

import structlog

log = structlog.get_logger()

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

MOST_SECONDS: Final = 0.9
EVERY_SECONDS: Final = 0.5
USED_SECONDS: Final = 5.0
LOOK_SECONDS: Final = 0.1
MOST_KEPT: Final = 50_000
MOST_AT_ONCE: Final = 200
GATHER_SECONDS: Final = 0.002
ABSENT_SECONDS: Final = 2.0
READ_SECONDS: Final = 5.0
"""A connection whose other end is gone must not hold up all that is read later."""


class _Row(Generic[V]):
    """A value, or None for what was looked for and is not there."""

    __slots__ = ("until", "used_at", "value")

    def __init__(self, value: V | None, until: float, used_at: float) -> None:
        self.value = value
        self.until = until
        self.used_at = used_at


class Fresh(Generic[K, V]):
    """Values by key; `read` tells those of some keys, leaving out what is not there."""

    def __init__(self, read: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]]) -> None:
        self._read = read
        self._rows: dict[K, _Row[V]] = {}
        self._wanted: set[K] = set()
        self._waiting: dict[K, asyncio.Future[None]] = {}
        self._ring = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._cleared_at = 0.0

    def peek(self, key: K) -> V | None:
        """The value if it is fresh; else None."""
        row = self._rows.get(key)
        if row is None or row.until <= (now := time.monotonic()):
            return None
        row.used_at = now
        return row.value

    async def get(self, key: K, seconds: float) -> V | None:
        """The value, read now if it is not fresh; None when it is not there, or not read within so many seconds."""
        row = self._rows.get(key)
        if row is None or row.until <= time.monotonic():
            self._want(key)
            waiting = self._waiting.get(key)
            if waiting is None and key not in self._wanted:
                return None
            if waiting is None:
                waiting = self._waiting[key] = asyncio.get_running_loop().create_future()
            await asyncio.wait([waiting], timeout=seconds)
            row = self._rows.get(key)
        return None if row is None or row.until <= time.monotonic() else row.value

    def forget(self) -> None:
        """Trust nothing that was read before."""
        self._rows = {}

    async def close(self) -> None:
        """Read nothing more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def _want(self, key: K) -> None:
        if len(self._wanted) < MOST_KEPT:
            self._wanted.add(key)
            self._ring.set()
            if self._task is None or self._task.done():
                self._task = asyncio.get_running_loop().create_task(self._keep_fresh())

    async def _keep_fresh(self) -> None:
        """Runs as long as anything is kept.

        Each value is read again by its own age: what came into use together is read together, and what is asked for
        anew does not have everything else read again.
        """
        while True:
            now = time.monotonic()
            keys = list(self._wanted)
            self._wanted.clear()
            self._ring.clear()
            is_old, is_used = now + MOST_SECONDS - EVERY_SECONDS, now - USED_SECONDS
            keys += [
                key
                for key, row in self._rows.items()
                if row.until <= is_old and row.used_at >= is_used and row.value is not None
            ]
            for start in range(0, len(keys), MOST_AT_ONCE):
                await self._read_again(keys[start : start + MOST_AT_ONCE])
            if now >= self._cleared_at + MOST_SECONDS:
                self._cleared_at = now
                self._rows = {key: row for key, row in self._rows.items() if row.until > now}
                if not self._rows and not self._wanted:
                    return
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._ring.wait()
                await asyncio.sleep(GATHER_SECONDS)
            except TimeoutError:
                pass

    async def _read_again(self, keys: Sequence[K]) -> None:
        began, before = time.monotonic(), self._rows
        try:
            async with asyncio.timeout(READ_SECONDS):
                values = await self._read(keys)
        except Exception as error:
            # What was read before grows too old by itself, and its users go the longer way.
            log.warning("not_refreshed", error=type(error).__name__, count=len(keys))
        else:
            if self._rows is before:
                for key in keys:
                    self._keep(key, values.get(key), began)
        for key in keys:
            waiting = self._waiting.pop(key, None)
            if waiting is not None and not waiting.done():
                waiting.set_result(None)

    def _keep(self, key: K, value: V | None, read_at: float) -> None:
        known = self._rows.get(key)
        used_at = read_at if known is None else known.used_at
        if value is not None:
            self._rows[key] = _Row(value, read_at + MOST_SECONDS, used_at)
        elif known is not None or len(self._rows) < MOST_KEPT:
            self._rows[key] = _Row(None, read_at + ABSENT_SECONDS, used_at)
