"""A deployment on Whapi beside GREEN-API, played with one clock that the tests move."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx2
from sqlalchemy import select

from app.instances.models import Instance, UpstreamCall
from app.kit import work
from app.kit.db import SYSTEM, Ring
from app.operations.models import Operation
from app.runtime import Runtime, open_runtime
from dev import database as databases
from simulator.main import Running, start
from tests.conftest import PARTNER_LIVE, KeptBell, Upstream, settings_for
from tests.factories import TestTenant
from tests.workers.wishes import wish_for
from workers.main import HANDLERS
from workers.task import do_work

WHAPI_LIVE = "canary.whapi0partner0token0live"
WORLD = {"fetch_files": False, "warmup_401_seconds": 0, "warmup_null_seconds": 0, "starting_seconds": 0}
QUICK = {"init_seconds": 0, "launch_seconds": 0}


@dataclass
class Capped:
    """Both gateways, their truth, and the clock of all."""

    runtime: Runtime
    upstream: Upstream
    running: Running

    async def advance(self, seconds: float) -> None:
        """Let time pass, there and here."""
        await self.upstream.control("POST", "clock", {"advance_seconds": seconds})
        self.runtime.database.shift += timedelta(seconds=seconds)

    async def wish(self, tenant: TestTenant, name: str, *, provider: str = "whapi") -> Instance:
        """The committed wish for an instance."""
        return await wish_for(self.runtime, tenant, name, provider=provider)

    async def work(self, at_once: int = 1) -> None:
        """Do what is due, and again, until nothing is; as so many workers would."""
        while True:
            async with self.runtime.database.begin(SYSTEM) as uow:
                rings = iter(await work.due(uow, 100))
            first = next(rings, None)
            if first is None:
                return
            await do_work(self.runtime, HANDLERS, first.work_id)

            async def worker(rings: Iterator[Ring]) -> None:
                for ring in rings:
                    await do_work(self.runtime, HANDLERS, ring.work_id)

            await asyncio.gather(*(worker(rings) for _ in range(at_once)))

    async def channels(self) -> list[dict[str, Any]]:
        """Every channel ever made."""
        rows: list[dict[str, Any]] = (await self.upstream.control("GET", "whapi/channels"))["channels"]
        return rows

    async def asked(self, method: str) -> list[dict[str, Any]]:
        """What reached Whapi."""
        path = f"journal?provider=whapi&method={method}&kind=call&limit=10000"
        rows: list[dict[str, Any]] = (await self.upstream.control("GET", path))["entries"]
        return rows

    async def creates(self) -> list[UpstreamCall]:
        """Every create that was written down, in order."""
        async with self.runtime.database.begin(SYSTEM) as uow:
            query = select(UpstreamCall).where(UpstreamCall.method == "create").order_by(UpstreamCall.started_at)
            return list((await uow.session.scalars(query)).all())

    async def operations(self, instances: Sequence[Instance]) -> list[Operation]:
        """Their provisions, in their order."""
        wanted = [instance.id for instance in instances]
        async with self.runtime.database.begin(SYSTEM) as uow:
            rows = await uow.session.scalars(select(Operation).where(Operation.resource_id.in_(wanted)))
            found = {row.resource_id: row for row in rows}
        return [found[each] for each in wanted]

    async def now(self) -> datetime:
        """The instant that everybody sees."""
        async with self.runtime.database.begin(SYSTEM) as uow:
            return uow.now


@asynccontextmanager
async def capped(dsns: databases.Dsns, redis_url: str, http: httpx2.AsyncClient, **more: Any) -> AsyncIterator[Capped]:
    """Both gateways for live instances; at Whapi 20 creations in 30 minutes."""
    running = await start([PARTNER_LIVE], {**WORLD, "whapi": QUICK}, whapi_tokens=[WHAPI_LIVE])
    values: dict[str, Any] = {
        "green_api_test_url": "",
        "whapi_url": running.whapi_manager_url,
        "whapi_partner_token": WHAPI_LIVE,
        "public_url": "http://127.0.0.1:9",
        **more,
    }
    try:
        settings = settings_for(dsns, redis_url, running.url, "smtp://127.0.0.1:9", **values)
        async with open_runtime(settings, bell=KeptBell()) as runtime:
            yield Capped(runtime, Upstream(running.url, http), running)
    finally:
        await running.close()


def most_within(moments: Sequence[datetime], seconds: float) -> int:
    """The most moments that lie within so many seconds."""
    window = timedelta(seconds=seconds)
    return max((sum(first <= each < first + window for each in moments) for first in moments), default=0)
