"""What was looked up is trusted for a moment; who fails often to name a credential is made to wait."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

TRUST_SECONDS: Final = 0.5
MOST_KEPT: Final = 20_000
LOOKUPS: Final = 3
FREE_FAILURES: Final = 20
FREE_OF_ADDRESS: Final = 300
"""Failures a minute that are answered at once: for one subject from one address, and from one address."""
FAILURES_FORGOTTEN_SECONDS: Final = 60.0
SLOW_SECONDS: Final = 1.0
MOST_SLOWED: Final = 500

T = TypeVar("T")


class Kept(Generic[T]):
    """Answers of a look-up, trusted for half a second; how many there are is bounded."""

    def __init__(self) -> None:
        self._rows: OrderedDict[object, tuple[float, T]] = OrderedDict()

    def get(self, key: object) -> tuple[bool, T | None]:
        """Whether an answer is known and fresh, and it."""
        known = self._rows.get(key)
        if known is None or known[0] <= time.monotonic():
            return False, None
        return True, known[1]

    def put(self, key: object, value: T) -> None:
        """Keep an answer."""
        self._rows[key] = (time.monotonic() + TRUST_SECONDS, value)
        self._rows.move_to_end(key)
        if len(self._rows) > MOST_KEPT:
            self._rows.popitem(last=False)

    def forget(self, key: object | None = None) -> None:
        """Look one, or all, up again."""
        if key is None:
            self._rows.clear()
        else:
            self._rows.pop(key, None)


class Lookups:
    """Some look-ups at a time: a flood of strangers leaves connections for the tenants."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(LOOKUPS)

    async def found(self, kept: Kept[T], key: object, look: Callable[[], Awaitable[T]]) -> T | None:
        """What is kept under a key, else what the look-up tells now; who had to wait looks at what is kept again."""
        is_known, known = kept.get(key)
        if is_known:
            return known
        async with self._places:
            is_known, known = kept.get(key)
            if not is_known:
                known = await look()
                kept.put(key, known)
        return known


@dataclass(slots=True)
class Failures:
    """Who fails often is made to wait: after the token was found wrong, so that a right one never waits.

    Nothing is locked: the worst that a stranger does to a tenant of the same address is nothing at all.
    """

    _seen: OrderedDict[str, tuple[float, int]] = field(default_factory=OrderedDict)
    _slowed: int = 0

    async def failed(self, address: str, subject: object = None) -> None:
        """Take note of a failure; past some it takes a second to be told, as long as not too many wait already."""
        is_often = self._count(f"{address} {subject}") > FREE_FAILURES
        if (self._count(address) > FREE_OF_ADDRESS or is_often) and self._slowed < MOST_SLOWED:
            self._slowed += 1
            try:
                await asyncio.sleep(SLOW_SECONDS)
            finally:
                self._slowed -= 1

    def _count(self, key: str) -> int:
        now = time.monotonic()
        since, count = self._seen.get(key, (now, 0))
        if now - since > FAILURES_FORGOTTEN_SECONDS:
            since, count = now, 0
        self._seen[key] = (since, count + 1)
        self._seen.move_to_end(key)
        if len(self._seen) > MOST_KEPT:
            self._seen.popitem(last=False)
        return count + 1
