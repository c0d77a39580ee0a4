"""Keeps a worker's slots busy: rings come in, rows are claimed, and what overflows is fetched again from the rows."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from typing import Final
from uuid import UUID

import structlog

from app.kit import work
from app.kit.db import SYSTEM
from app.runtime import Runtime
from workers.task import Handler, do_work

log = structlog.get_logger()

WAITING_PER_SLOT: Final = 10


class Runner:
    """Takes rings without waiting, so that arq never holds one: what a killed process held would block arq's queue."""

    def __init__(self, runtime: Runtime, handlers: Mapping[str, Handler], slots: int) -> None:
        self._runtime = runtime
        self._handlers = handlers
        self._slots = slots
        self._waiting: OrderedDict[UUID, None] = OrderedDict()
        self._running: dict[UUID, asyncio.Task[None]] = {}
        self._overflowed = False
        self._fetching: asyncio.Task[None] | None = None
        self._closing = False

    def offer(self, work_id: UUID) -> None:
        """Do this work when a slot is free; a second ring for what waits here is nothing."""
        if self._closing:
            return
        if len(self._waiting) >= self._slots * WAITING_PER_SLOT:
            self._overflowed = True
            return
        self._waiting[work_id] = None
        self._fill()

    async def close(self, seconds: float) -> None:
        """Take nothing more, let what runs finish, and after some seconds cancel it: its leases are given back."""
        self._closing = True
        tasks = [*self._running.values(), *([self._fetching] if self._fetching else [])]
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    def _fill(self) -> None:
        held = [work_id for work_id in self._waiting if work_id not in self._running]
        for work_id in held[: self._slots - len(self._running)]:
            del self._waiting[work_id]
            self._running[work_id] = asyncio.create_task(self._run(work_id))
        if self._overflowed and not self._waiting and self._fetching is None:
            self._fetching = asyncio.create_task(self._fetch())

    async def _run(self, work_id: UUID) -> None:
        try:
            await do_work(self._runtime, self._handlers, work_id)
        except Exception as error:
            log.warning("work_not_claimed", error=type(error).__name__)
        finally:
            del self._running[work_id]
            if not self._closing:
                self._fill()

    async def _fetch(self) -> None:
        """Rings were dropped because too many waited: ask the rows what is due."""
        self._overflowed = False
        try:
            async with self._runtime.database.begin(SYSTEM) as uow:
                rings = await work.due(uow, self._slots * WAITING_PER_SLOT)
        except Exception as error:
            log.warning("fetch_failed", error=type(error).__name__)
            rings = []
        finally:
            self._fetching = None
        for ring in rings:
            self.offer(ring.work_id)
