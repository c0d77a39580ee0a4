"""The worker process: arq wakes it, rows tell it what to do, a sweep makes up for every lost bell."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any, Final
from uuid import UUID

import structlog
from arq.worker import Worker, func
from sqlalchemy import text

from app import jobs
from app.kit import work
from app.kit.db import SYSTEM
from app.kit.log import configure
from app.kit.queue import FUNCTION, QUEUE_NAME, deserialize, redis_settings, serialize
from app.runtime import Runtime, open_runtime
from app.settings import Settings
from workers import accounts, billing, funding, instances, lines, messages, webhooks
from workers.runner import Runner
from workers.task import Handler

log = structlog.get_logger()

SWEEP_LOCK: Final = 7_303_012
SWEEP_BATCH: Final = 1000
STOP_SECONDS: Final = 20
RING_SECONDS: Final = 1
RINGS_AT_ONCE: Final = 50

HANDLERS: Final[Mapping[str, Handler]] = {
    jobs.SendEmailCode.kind: accounts.send_email_code,
    jobs.ReconcileInstance.kind: instances.reconcile_instance,
    jobs.MailPairingLink.kind: instances.mail_pairing_link,
    jobs.RunInstanceCommand.kind: instances.run_instance_command,
    jobs.SweepInstances.kind: instances.sweep_instances,
    jobs.ReconcileListing.kind: instances.reconcile_listing,
    jobs.DispatchEvent.kind: webhooks.dispatch_event,
    jobs.DeliverEvent.kind: webhooks.deliver_event,
    jobs.PushNotices.kind: lines.push_notices,
    jobs.PushHook.kind: lines.push_notices,
    jobs.ResolveMessage.kind: messages.resolve_message,
    jobs.SendHeld.kind: messages.send_held,
    jobs.SweepMessages.kind: messages.sweep_messages,
    jobs.ChargeDays.kind: billing.charge_days,
    jobs.FundGateways.kind: funding.fund_gateways,
    jobs.FundGateway.kind: funding.fund_gateway,
    jobs.MailPoolAlert.kind: funding.mail_pool_alert,
    jobs.EndTrials.kind: billing.end_trials,
    jobs.Clean.kind: billing.clean,
}


def build(settings: Settings, handlers: Mapping[str, Handler] | None = None) -> Worker:
    """An arq worker that opens its runtime when it starts and closes it when it stops."""
    handlers = HANDLERS if handlers is None else handlers
    stack = AsyncExitStack()

    async def start(ctx: dict[str, Any]) -> None:
        runtime = await stack.enter_async_context(open_runtime(settings, application="worker"))
        ctx["runner"] = Runner(runtime, handlers, settings.worker_jobs)
        await ensure_periodic(runtime)
        ctx["sweep"] = asyncio.create_task(sweep_for_ever(runtime))
        log.info("worker_started", deployment=settings.deployment)

    async def stop(ctx: dict[str, Any]) -> None:
        ctx["sweep"].cancel()
        await asyncio.gather(ctx["sweep"], return_exceptions=True)
        await ctx["runner"].close(STOP_SECONDS)
        await stack.aclose()

    async def ring(ctx: dict[str, Any], work_id: str) -> None:
        ctx["runner"].offer(UUID(work_id))

    return Worker(
        functions=[func(ring, name=FUNCTION, keep_result=0, max_tries=2, timeout=RING_SECONDS)],
        queue_name=QUEUE_NAME,
        redis_settings=redis_settings(settings.redis_url),
        on_startup=start,
        on_shutdown=stop,
        max_jobs=RINGS_AT_ONCE,
        queue_read_limit=10 * RINGS_AT_ONCE,
        poll_delay=0.05,
        keep_result=0,
        retry_jobs=False,
        health_check_interval=30,
        health_check_key=f"{QUEUE_NAME}:health:{UUID(int=id(stack)).hex}",
        job_serializer=serialize,
        job_deserializer=deserialize,
        log_results=False,
    )


async def ensure_periodic(runtime: Runtime) -> None:
    """See that every periodic job has its row."""
    async with runtime.database.begin(SYSTEM) as uow:
        for kind in jobs.PERIODIC:
            uow.defer(jobs.periodic(kind))


async def sweep_for_ever(runtime: Runtime) -> None:
    """Ring again, every few seconds, for work that is due and held by nobody."""
    while True:
        try:
            await sweep(runtime)
        except Exception as error:
            log.warning("sweep_failed", error=type(error).__name__)
        await asyncio.sleep(runtime.settings.sweep_seconds)


async def sweep(runtime: Runtime) -> int:
    """Ring once for all that waits; one worker at a time does it. Returns how many bells were rung."""
    async with runtime.database.begin(SYSTEM) as uow:
        if not await uow.session.scalar(text("select pg_try_advisory_xact_lock(:lock)"), {"lock": SWEEP_LOCK}):
            return 0
        rings = await work.due(uow, SWEEP_BATCH)
    runtime.database.bell.ring(list(rings))
    return len(rings)


def main() -> None:
    """Run until told to stop."""
    settings = Settings.load()
    configure(settings.log_level)
    build(settings).run()
