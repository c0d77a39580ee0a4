"""What a send waits for where the gateway has no queue that it could wait in: the pause that a tenant wants between two
sends, and the end of a restart that a change of mode brings.

A send waits for its time while its caller waits, in the order in which they came; one whose pause is too long is
refused, since there is no queue to put it into. Each process keeps the pauses by itself, as it does the pace. The pause
is set on the line, with GREEN-API's `delaySendMessagesMilliseconds`.
"""

import asyncio
import math
import time
from typing import Final
from uuid import UUID
from weakref import WeakValueDictionary

from app.accounts.principal import Principal
from app.funding import store as funding
from app.gateway.endings import SendRateLimited
from app.instances import service as instances
from app.kit.db import Database
from app.kit.errors import NotFound
from app.lines import service as lines
from app.providers.registry import Registry

MOST_WAIT_SECONDS: Final = 20.0
LOOK_AGAIN_SECONDS: Final = 5.0
"""Whether the gateway has a queue is asked so often: an instance may have been moved."""
LOOK_SECONDS: Final = 5.0
MOST_KEPT: Final = 100_000


class Delays:
    """When the next send of each instance may leave; lives as long as the process."""

    def __init__(self, database: Database, registry: Registry) -> None:
        self._database = database
        self._registry = registry
        self._queued_until: dict[UUID, float] = {}
        self._rows: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()
        self._free_at: dict[UUID, float] = {}

    async def wait(self, principal: Principal, instance_id: UUID) -> None:
        """Let a send leave when its time has come. Nobody else's instance is made to wait.

        Raises:
            SendRateLimited: that is more than 20 s off; it does not count.
        """
        now, until = time.monotonic(), self._queued_until.get(instance_id, 0.0)
        if not principal.may_use(instance_id) or now < until:
            return
        async with self._rows.setdefault(instance_id, asyncio.Lock()):
            pause = await self._look(principal.tenant, instance_id)
            seconds = self._book(instance_id, pause) if pause > 0 else 0.0
        if seconds > 0:
            await asyncio.sleep(seconds)

    def _book(self, instance_id: UUID, pause: float) -> float:
        now = time.monotonic()
        seconds = self._free_at.get(instance_id, 0.0) - now
        if seconds > MOST_WAIT_SECONDS:
            raise SendRateLimited(
                f"The instance waits {pause:g} seconds between two messages.",
                headers={"Retry-After": str(math.ceil(seconds))},
            )
        if len(self._free_at) >= MOST_KEPT:
            self._free_at = {kept: at for kept, at in self._free_at.items() if at > now}
        self._free_at[instance_id] = max(now, now + seconds) + pause
        return seconds

    async def _look(self, tenant_id: UUID, instance_id: UUID) -> float:
        """The pause in seconds, once the instance is not away; 0 where the gateway keeps it, or none is wanted."""
        while True:
            async with self._database.begin(tenant_id) as uow:
                try:
                    instance = await instances.find(uow, instance_id)
                except NotFound:
                    return 0.0  # it is told where it is admitted
                traits = self._registry.get(instance.provider, instance.environment).traits
                if traits.has_queue:
                    self._keep(instance_id)
                    return 0.0
                pause = await lines.send_delay(uow, tenant_id, instance_id)
                away = await funding.away_seconds(uow, tenant_id, instance_id) if traits.restart_seconds else 0.0
            if away <= 0:
                return pause
            await asyncio.sleep(min(away, LOOK_SECONDS))

    def _keep(self, instance_id: UUID) -> None:
        if len(self._queued_until) >= MOST_KEPT:
            self._queued_until.clear()
        self._queued_until[instance_id] = time.monotonic() + LOOK_AGAIN_SECONDS
