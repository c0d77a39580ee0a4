"""Long polls: all that wait in a process share one query per tick, and none of them holds a transaction."""

import asyncio
from typing import Final
from uuid import UUID

import structlog

from app.kit.db import SYSTEM, Database
from app.lines import store

log = structlog.get_logger()

TICK_SECONDS: Final = 0.2
LOOK_SECONDS: Final = 5.0
Key = tuple[UUID, UUID]


class Waiters:
    """Wakes those who wait for a notification of a line. Looks only while somebody waits."""

    def __init__(self, database: Database, *, tick_seconds: float = TICK_SECONDS) -> None:
        self._database = database
        self._tick_seconds = tick_seconds
        self._waiting: dict[Key, set[asyncio.Future[None]]] = {}
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    async def wait(self, tenant_id: UUID, instance_id: UUID, seconds: float) -> None:
        """Return when there may be a notification, when the line is not to be polled any more, or after the seconds.

        Look first, wait then, and look again: who was cancelled or went away leaves nothing behind.
        """
        if self._closed:
            return
        key, woken = (tenant_id, instance_id), asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, set()).add(woken)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look_while_awaited())
        try:
            async with asyncio.timeout(seconds):
                await woken
        except TimeoutError:
            return
        finally:
            self._waiting[key].discard(woken)
            if not self._waiting[key]:
                del self._waiting[key]

    async def close(self) -> None:
        """Wake everybody and look no more."""
        self._closed = True
        self._wake(list(self._waiting))
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _look_while_awaited(self) -> None:
        while self._waiting:
            await asyncio.sleep(self._tick_seconds)
            try:
                await self._look()
            except Exception as error:
                log.warning("poll_look_failed", error=type(error).__name__)

    async def _look(self) -> None:
        keys = list(self._waiting)
        if not keys:
            return
        async with asyncio.timeout(LOOK_SECONDS), self._database.begin(SYSTEM) as uow:
            due = await store.awaited(uow, keys)
        self._wake(due)

    def _wake(self, keys: list[Key]) -> None:
        for key in keys:
            for woken in self._waiting.get(key, ()):
                if not woken.done():
                    woken.set_result(None)
