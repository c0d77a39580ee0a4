"""The one wrapper around every job: claim, run, and turn a failure into a later try or a dead row."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final
from uuid import UUID

import structlog
from prometheus_client import Counter, Histogram

from app.kit import work
from app.kit.backoff import Schedule
from app.kit.db import SYSTEM
from app.kit.log import describe
from app.kit.work import Claim, LeaseLost
from app.runtime import Runtime

log = structlog.get_logger()

Handler = Callable[[Runtime, Claim], Awaitable[None]]

RETRIES: Final = Schedule((1, 2, 5, 15, 30, 60, 120, 300), repeats=True)
MARGIN_SECONDS: Final = 3.0
WORK: Final = Counter("sublet_work", "Pieces of work by kind and how they ended.", ["kind", "result"])
SECONDS: Final = Histogram("sublet_work_seconds", "Time that a piece of work took.", ["kind"])


async def do_work(runtime: Runtime, handlers: Mapping[str, Handler], work_id: UUID) -> bool:
    """Do one piece of work if it is due and nobody else holds it; True when it was ours.

    A handler settles its claim in the transaction that records its result. One that fails is tried again by the
    schedule; one that is cancelled gives its lease back, so that the next worker need not wait for its end.
    """
    async with runtime.database.begin(SYSTEM) as uow:
        claim = await work.claim(uow, work_id, runtime.settings.lease_seconds)
    if claim is None:
        return False
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(job=claim.kind, ref=str(claim.ref), attempt=claim.attempt)
    started = time.perf_counter()
    try:
        async with asyncio.timeout(runtime.settings.lease_seconds - MARGIN_SECONDS):
            await handlers[claim.kind](runtime, claim)
    except LeaseLost:
        WORK.labels(claim.kind, "lease_lost").inc()
        log.warning("lease_lost")
    except asyncio.CancelledError:
        await asyncio.shield(_give_back(runtime, claim))
        raise
    except Exception as error:
        WORK.labels(claim.kind, "failed").inc()
        log.error("work_failed", error=type(error).__name__, exc_info=error)
        await _fail(runtime, claim, error)
    else:
        WORK.labels(claim.kind, "done").inc()
    SECONDS.labels(claim.kind).observe(time.perf_counter() - started)
    return True


async def _fail(runtime: Runtime, claim: Claim, error: Exception) -> None:
    try:
        async with runtime.database.begin(SYSTEM) as uow:
            await work.retry(uow, claim, after_seconds=RETRIES.after(claim.attempt), error=describe(error))
    except LeaseLost:
        return
    except Exception as failure:
        log.error("work_not_recorded", error=type(failure).__name__)


async def _give_back(runtime: Runtime, claim: Claim) -> None:
    try:
        async with runtime.database.begin(SYSTEM) as uow:
            await work.retry(uow, claim, after_seconds=0, error="cancelled")
    except Exception as failure:
        log.warning("lease_not_given_back", error=type(failure).__name__)
