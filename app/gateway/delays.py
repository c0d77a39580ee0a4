"""The pause that a tenant wants between two sends of an instance, kept by us where the gateway has no queue to keep it.

A send waits for its time while its caller waits; one whose time is too far off is refused, since there is no queue to
put it into. Each process keeps the pauses by itself, as it does the pace. The pause is set on the line, with
GREEN-API's `delaySendMessagesMilliseconds`; it is looked at again every few seconds.
"""

import asyncio
import math
import time
from typing import Final
from uuid import UUID

from app.accounts.principal import Principal
from app.gateway.endings import SendRateLimited
from app.kit.db import Database
from app.lines import service as lines
from app.providers.registry import Registry

MOST_WAIT_SECONDS: Final = 20.0
LOOK_AGAIN_SECONDS: Final = 5.0
MOST_KEPT: Final = 100_000


class Delays:
    """When the next send of each instance may leave; lives as long as the process."""

    def __init__(self, database: Database, registry: Registry) -> None:
        self._database = database
        self._registry = registry
        self._known: dict[UUID, tuple[float, float]] = {}
        self._free_at: dict[UUID, float] = {}

    async def wait(self, principal: Principal, instance_id: UUID) -> None:
        """Let a send leave when its time has come. Nobody else's instance is made to wait.

        Raises:
            SendRateLimited: that is more than 20 s off; it does not count.
        """
        if not principal.may_use(instance_id):
            return
        pause = await self._pause(principal.tenant, instance_id)
        now = time.monotonic()
        if pause <= 0:
            return
        seconds = self._free_at.get(instance_id, 0.0) - now
        if seconds > MOST_WAIT_SECONDS:
            raise SendRateLimited(
                f"The instance waits {pause:g} seconds between two messages.",
                headers={"Retry-After": str(math.ceil(seconds))},
            )
        if len(self._free_at) >= MOST_KEPT:
            self._free_at = {kept: at for kept, at in self._free_at.items() if at > now}
        self._free_at[instance_id] = max(now, now + seconds) + pause
        if seconds > 0:
            await asyncio.sleep(seconds)

    def forget(self, instance_id: UUID) -> None:
        """Look at the pause of an instance anew: it was just set."""
        self._known.pop(instance_id, None)

    async def _pause(self, tenant_id: UUID, instance_id: UUID) -> float:
        """The pause in seconds; 0 where the gateway keeps it, or none is wanted."""
        looked_at, pause = self._known.get(instance_id, (-math.inf, 0.0))
        if time.monotonic() - looked_at < LOOK_AGAIN_SECONDS:
            return pause
        async with self._database.begin(tenant_id) as uow:
            found = await lines.send_delay(uow, tenant_id, instance_id)
        pause = 0.0
        if found is not None and not self._has_queue(found.provider, found.environment):
            pause = found.milliseconds / 1000
        if len(self._known) >= MOST_KEPT:
            self._known.clear()
        self._known[instance_id] = time.monotonic(), pause
        return pause

    def _has_queue(self, provider: str, environment: str) -> bool:
        return self._registry.get(provider, environment).traits.has_queue
