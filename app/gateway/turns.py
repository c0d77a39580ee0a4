"""Messages to one chat leave in the order in which they came, within a process."""

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from typing import Final
from uuid import UUID

MOST_SECONDS: Final = 10.0
"""Behind one that takes longer the next goes all the same: a gateway that hangs must not hold a chat for ever."""

Key = tuple[UUID, str]


class Turn:
    """A place in the row of a chat, taken when a request comes. Whoever takes one leaves it, come or not."""

    __slots__ = ("_after", "_before", "_key", "_turns", "is_over")

    def __init__(self, turns: dict[Key, "Turn"], key: Key) -> None:
        before = turns.get(key)
        self._turns, self._key = turns, key
        self._before = before
        self._after: list[Callable[[], None]] | None = None
        self.is_over = False
        turns[key] = self

    @property
    def is_first(self) -> bool:
        """Whether nobody is before; then it need not come."""
        return self._before is None or self._before.is_over

    def is_of(self, turns: dict[Key, "Turn"], key: Key) -> bool:
        """Whether it is a place in this row, and not left yet."""
        return self._turns is turns and self._key == key and not self.is_over

    async def come(self) -> None:
        """Wait for those before, ten seconds at most."""
        if self._before is None or self._before.is_over:
            return
        free: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._before._then(lambda: None if free.done() else free.set_result(None))
        try:
            async with asyncio.timeout(MOST_SECONDS):
                await free
        except TimeoutError:
            pass

    def leave(self) -> None:
        """Let the next one come, as soon as those before have left too; to leave twice does no harm."""
        if self.is_over:
            return
        if self._before is None or self._before.is_over:
            self._end()
        else:
            self._before._then(self._end)

    def _then(self, call: Callable[[], None]) -> None:
        self._after = [*(self._after or ()), call]

    def _end(self) -> None:
        if self.is_over:
            return
        self.is_over, self._before = True, None
        if self._turns.get(self._key) is self:
            del self._turns[self._key]
        for call in self._after or ():
            call()


HELD: Final[ContextVar[Turn | None]] = ContextVar("held", default=None)
"""The place of a request that begins anew on another way: it does not go behind those who came later."""


class Turns:
    """The rows of a process."""

    def __init__(self) -> None:
        self._last: dict[Key, Turn] = {}

    def enter(self, instance_id: UUID, chat_id: str) -> Turn:
        """The last place in the row of a chat, or the one that this request has there already."""
        key, held = (instance_id, chat_id), HELD.get()
        if held is not None and held.is_of(self._last, key):
            return held
        return Turn(self._last, key)
