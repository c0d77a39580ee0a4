"""Values of the database kept in the process, never older than a second when they are used.

What is in use is read again together, some times a second, so that no caller waits for the database; what is not used
any more is not read, and grows too old to be used.
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
EVERY_SECONDS: Final = 0.35
MOST_KEPT: Final = 50_000
MOST_AT_ONCE: Final = 2000


class _Row(Generic[V]):
    __slots__ = ("is_used", "until", "value")

    def __init__(self, value: V, until: float) -> None:
        self.value = value
        self.until = until
        self.is_used = False


class Fresh(Generic[K, V]):
    """Values by key; `read` tells those of some keys, leaving out what is not there."""

    def __init__(self, read: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]]) -> None:
        self._read = read
        self._rows: dict[K, _Row[V]] = {}
        self._wanted: set[K] = set()
        self._ring = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def peek(self, key: K) -> V | None:
        """The value if it is fresh; else None, and it is read for whoever asks next."""
        row = self._rows.get(key)
        if row is not None and row.until > time.monotonic():
            row.is_used = True
            return row.value
        if len(self._wanted) < MOST_KEPT:
            self._wanted.add(key)
            self._ring.set()
            if self._task is None or self._task.done():
                self._task = asyncio.get_running_loop().create_task(self._keep_fresh())
        return None

    def forget(self) -> None:
        """Trust nothing that was read before."""
        self._rows = {}

    async def close(self) -> None:
        """Read nothing more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _keep_fresh(self) -> None:
        """Runs as long as anything is used."""
        while True:
            keys = [key for key, row in self._rows.items() if row.is_used] + list(self._wanted)
            self._wanted.clear()
            self._ring.clear()
            if not keys:
                self._drop_old()
                return
            for start in range(0, len(keys), MOST_AT_ONCE):
                await self._read_again(keys[start : start + MOST_AT_ONCE])
            try:
                async with asyncio.timeout(EVERY_SECONDS):
                    await self._ring.wait()
            except TimeoutError:
                pass

    async def _read_again(self, keys: Sequence[K]) -> None:
        began, before = time.monotonic(), self._rows
        try:
            values = await self._read(keys)
        except Exception as error:
            # What was read before grows too old by itself, and its users go the longer way.
            log.warning("not_refreshed", error=type(error).__name__, count=len(keys))
            return
        for key in keys:
            if self._rows is not before:
                return
            if key in values:
                self._rows[key] = _Row(values[key], began + MOST_SECONDS)
            else:
                self._rows.pop(key, None)

    def _drop_old(self) -> None:
        now = time.monotonic()
        self._rows = {key: row for key, row in self._rows.items() if row.until > now}
