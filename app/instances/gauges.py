"""Instances for Prometheus, counted when they are asked for: whichever process answers tells the same."""

import asyncio
from typing import Final

import structlog
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from sqlalchemy import func, select

from app.instances.models import Instance
from app.kit.db import SYSTEM, Database

log = structlog.get_logger()

SECONDS: Final = 2.0
LABELS: Final = ("provider", "environment", "status", "connection")


async def told(database: Database) -> bytes:
    """How many instances are in which state, in the text format; empty when the database is away."""
    registry = CollectorRegistry()
    gauge = Gauge("sublet_instances", "Instances that were not deleted.", LABELS, registry=registry)
    states = [getattr(Instance, label) for label in LABELS]
    query = select(*states, func.count()).where(Instance.status != "deleted").group_by(*states)
    try:
        async with asyncio.timeout(SECONDS), database.begin(SYSTEM) as uow:
            for *labels, count in await uow.session.execute(query):
                gauge.labels(*labels).set(count)
    except Exception as error:  # metrics are wanted most while something is wrong
        log.warning("instances_not_counted", error=type(error).__name__)
        return b""
    return generate_latest(registry)
