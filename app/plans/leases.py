"""Blocks of a live plan's daily messages, taken beforehand, so that a send need not ask the database.

A block is in the counter from the moment it is taken: all blocks together never exceed the limit. What a process has
not used goes back when it gives the block up, or, when the process was killed, when the lease is over. A block bears a
holder's id of its own, so that it can be told from the next one of the same process.
"""

import asyncio
import time
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

import structlog

from app.kit.db import SYSTEM, TROUBLE, Database, UnitOfWork
from app.kit.ids import new_id
from app.plans import store

log = structlog.get_logger()

BLOCK: Final = 100
LEAST_LEFT: Final = 10 * BLOCK
"""How much of a limit must be left for a block to be taken; below it every message is counted by itself, exactly."""
LEASE_SECONDS: Final = 30.0
USE_SECONDS: Final = 20.0
"""A block is not used in the last third of its lease: what was sent with it must be recorded before it ends."""
ASK_AGAIN_SECONDS: Final = 1.0


class _Block:
    __slots__ = ("day_on", "holder", "left", "limit", "until")

    def __init__(self, holder: UUID, day_on: date, limit: int, until: float) -> None:
        self.holder, self.day_on, self.limit, self.until, self.left = holder, day_on, limit, until, BLOCK


class Leases:
    """The blocks of a process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._blocks: dict[UUID, _Block] = {}
        self._asked_at: dict[UUID, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self, tenant_id: UUID, instance_id: UUID, day_on: date, limit: int) -> UUID | None:
        """One message of an instance's block: the block's holder; None when there is none at hand."""
        now, block = time.monotonic(), self._blocks.get(instance_id)
        if block is None or block.left == 0 or block.until <= now or (block.day_on, block.limit) != (day_on, limit):
            self._ask(tenant_id, instance_id, day_on, limit, now)
            return None
        block.left -= 1
        if block.left == 0:
            self._ask(tenant_id, instance_id, day_on, limit, now)
        return block.holder

    def give_back(self, instance_id: UUID, holder: UUID) -> None:
        """A message that was surely not sent."""
        block = self._blocks.get(instance_id)
        if block is not None and block.holder == holder:
            block.left += 1

    async def close(self) -> None:
        """Give every block up; call it when everything that was sent is recorded."""
        for task in list(self._tasks):
            await asyncio.wait([task])
        holders = [block.holder for block in self._blocks.values()]
        self._blocks.clear()
        if holders:
            try:
                async with self._database.begin(SYSTEM) as uow:
                    await store.end_leases(uow, holders)
            except TROUBLE as error:
                log.warning("leases_left", error=type(error).__name__)

    def _ask(self, tenant_id: UUID, instance_id: UUID, day_on: date, limit: int, now: float) -> None:
        if now - self._asked_at.get(instance_id, -ASK_AGAIN_SECONDS) < ASK_AGAIN_SECONDS:
            return
        self._asked_at[instance_id] = now
        task = asyncio.get_running_loop().create_task(self._get(tenant_id, instance_id, day_on, limit))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _get(self, tenant_id: UUID, instance_id: UUID, day_on: date, limit: int) -> None:
        holder, began = new_id(), time.monotonic()
        try:
            async with self._database.begin(SYSTEM) as uow:
                values: dict[str, Any] = {
                    "tenant_id": tenant_id,
                    "instance_id": instance_id,
                    "day_on": day_on,
                    "block": BLOCK,
                    "least_left": LEAST_LEFT,
                    "most": limit,
                    "holder": holder,
                    "expires_at": uow.now + timedelta(seconds=LEASE_SECONDS),
                }
                granted = await store.lease(uow, values)
        except TROUBLE as error:
            log.warning("no_lease", error=type(error).__name__)
            return
        if granted:
            self._asked_at.pop(instance_id, None)
            self._blocks[instance_id] = _Block(holder, day_on, limit, began + USE_SECONDS)


async def end(uow: UnitOfWork) -> None:
    """Give back what was not used of leases whose processes are gone. Needs the system's scope."""
    await store.end_leases(uow, [])
