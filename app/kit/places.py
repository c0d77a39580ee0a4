"""Places that a few may hold at once, so that one owner's slow work takes nothing from the others."""

from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager

from app.kit.errors import RateLimited


class TooManyAtOnce(RateLimited):
    """Too many requests of this kind are under way at once."""


class Places:
    """So many places for each owner, in one process; who holds none is not remembered."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: Counter[Hashable] = Counter()

    @property
    def held(self) -> int:
        """How many are held, by all owners together."""
        return self._held.total()

    @contextmanager
    def hold(self, owner: Hashable) -> Iterator[None]:
        """Hold one of the owner's places.

        Raises:
            TooManyAtOnce: all of them are held.
        """
        if self._held[owner] >= self._most:
            raise TooManyAtOnce(headers={"Retry-After": "1"})
        self._held[owner] += 1
        try:
            yield
        finally:
            self._held[owner] -= 1
            if not self._held[owner]:
                del self._held[owner]
