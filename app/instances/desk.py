"""One listing serves all who wait for it: a process asks a gateway for one at a time, and shares what comes."""

import asyncio
import time
from dataclasses import dataclass
from typing import Final
from weakref import WeakKeyDictionary

from app.providers.port import Listed, Provider

LEAST_GAP_SECONDS: Final = 0.25
GAP_SHARE: Final = 3.0
FRESH_SECONDS: Final = 3.0


@dataclass(frozen=True)
class Sheet:
    """A listing and the monotonic second at which it was asked for; nothing later is proved by it."""

    started: float
    listed: tuple[Listed, ...]


class Desk:
    """Where the listings of one partner account are asked for."""

    def __init__(self) -> None:
        self._last: Sheet | None = None
        self._next_at = 0.0
        self._turn = asyncio.Lock()

    async def listing(self, provider: Provider, not_before: float) -> Sheet:
        """A listing asked for no earlier than a monotonic second; those who wait together are served together.

        Raises:
            ProviderError: it could not be had.
        """
        if (shared := self._shared(not_before)) is not None:
            return shared
        async with self._turn:
            if (shared := self._shared(not_before)) is not None:
                return shared
            await asyncio.sleep(max(0.0, self._next_at - time.monotonic()))
            started = time.monotonic()
            try:
                listed = tuple(await provider.listing())
            finally:
                took = time.monotonic() - started
                self._next_at = time.monotonic() + max(LEAST_GAP_SECONDS, took * GAP_SHARE)
            self._last = Sheet(started, listed)
            return self._last

    def _shared(self, not_before: float) -> Sheet | None:
        return self._last if self._last is not None and self._last.started >= not_before else None


_desks: "WeakKeyDictionary[Provider, Desk]" = WeakKeyDictionary()


async def listing(provider: Provider, *, not_before: float | None = None) -> Sheet:
    """A listing of the provider's account; without a bound one of the last seconds will do.

    Raises:
        ProviderError: it could not be had.
    """
    desk = _desks.setdefault(provider, Desk())
    return await desk.listing(provider, time.monotonic() - FRESH_SECONDS if not_before is None else not_before)
