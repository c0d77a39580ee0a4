"""Pools for Prometheus, read when they are asked for: whichever process answers tells the same."""

import asyncio
from typing import Final

import structlog
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from app.funding import forecast, store
from app.kit.db import SYSTEM, Database

log = structlog.get_logger()

SECONDS: Final = 2.0
PLACE: Final = ("provider", "environment")


async def told(database: Database) -> bytes:
    """What every pool holds and how long it lasts, in the text format; empty when the database is away.

    What is not known has no line: days before the first reading, days to empty while nothing leaves the pool.
    """
    registry = CollectorRegistry()
    days = Gauge("sublet_pool_days", "Days in a prepaid pool, as last read.", PLACE, registry=registry)
    to_empty = Gauge(
        "sublet_pool_days_to_empty", "How long a pool lasts at the pace of a week.", PLACE, registry=registry
    )
    low = Gauge("sublet_pool_low", "1 while a pool holds too few days.", PLACE, registry=registry)
    read_at = Gauge("sublet_pool_read_seconds", "When a pool was last read, in Unix time.", PLACE, registry=registry)
    try:
        async with asyncio.timeout(SECONDS), database.begin(SYSTEM) as uow:
            for pool in await store.pools(uow):
                place = (pool.provider, pool.environment)
                low.labels(*place).set(pool.low_since is not None)
                if pool.days is None or pool.read_at is None:
                    continue
                days.labels(*place).set(pool.days)
                read_at.labels(*place).set(pool.read_at.timestamp())
                left = (await forecast.of(uow, *place, pool.days)).days_to_empty
                if left is not None:
                    to_empty.labels(*place).set(left)
    except Exception as error:  # metrics are wanted most while something is wrong
        log.warning("pools_not_told", error=type(error).__name__)
        return b""
    return generate_latest(registry)
