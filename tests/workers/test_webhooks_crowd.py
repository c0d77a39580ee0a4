"""One tenant's many endpoints that hang do not take every place of a worker."""

import asyncio
from datetime import timedelta

import httpx2
from aiohttp import web
from sqlalchemy import func, select, update

from app.jobs import DeliverEvent
from app.kit import ids
from app.kit.db import SYSTEM
from app.kit.egress import Egress, parse_networks
from app.kit.work import Work
from app.runtime import Runtime
from app.webhooks.models import Delivery, WebhookEndpoint
from app.webhooks.outbound import RUNNING_OF_A_TENANT
from tests.factories import TestTenant, make_tenant
from tests.receiver import receiving
from tests.workers.test_webhooks import drain_with, publish

ENDPOINTS = 20


async def crowd(runtime: Runtime, client: httpx2.AsyncClient, url: str) -> TestTenant:
    """A tenant with many endpoints at one URL."""
    tenant = await make_tenant(runtime, name=f"Crowd {ids.new_id()}")
    for _ in range(ENDPOINTS):
        made = await client.post("/v1/webhook_endpoints", headers=tenant.headers, json={"url": url})
        assert made.status_code == 201
    return tenant


async def untried(runtime: Runtime) -> int:
    """Deliveries that had no turn."""
    async with runtime.database.begin(SYSTEM) as uow:
        return int(await uow.session.scalar(select(func.count()).where(Delivery.attempt_count == 0)) or 0)


async def test_a_tenant_runs_few_deliveries_at_once_and_none_is_forgotten(
    runtime: Runtime, client: httpx2.AsyncClient
) -> None:
    egress = Egress(parse_networks("127.0.0.0/8"), total_seconds=0.6)
    async with receiving() as hanging:

        async def hang(_: web.Request) -> web.StreamResponse:
            await asyncio.sleep(30)
            return web.Response()

        hanging.answers = [hang]
        tenant = await crowd(runtime, client, hanging.url)
        await publish(runtime, tenant)
        await drain_with(runtime, egress)
        assert hanging.most <= RUNNING_OF_A_TENANT
        assert len(hanging.got) >= ENDPOINTS, "on a busy machine the first are due again before the last had their turn"
        await egress.close()
        hanging.answers, egress = [200], Egress(parse_networks("127.0.0.0/8"))
        assert await untried(runtime) == 0
        async with runtime.database.begin(SYSTEM) as uow:
            await uow.session.execute(update(Work).where(Work.kind == DeliverEvent.kind).values(run_at=uow.now))
        runtime.database.shift += timedelta(seconds=30)
        await drain_with(runtime, egress)
    await egress.close()
    async with runtime.database.begin(SYSTEM) as uow:
        ended = select(Delivery.status, func.count()).group_by(Delivery.status)
        assert [tuple(row) for row in await uow.session.execute(ended)] == [("delivered", ENDPOINTS)]
        assert await uow.session.scalar(select(func.count()).where(WebhookEndpoint.failing_since.is_not(None))) == 0


async def test_many_events_for_many_endpoints_all_arrive(runtime: Runtime, client: httpx2.AsyncClient) -> None:
    egress = Egress(parse_networks("127.0.0.0/8"))
    async with receiving() as receiver:
        tenant = await crowd(runtime, client, receiver.url)
        for _ in range(5):
            await publish(runtime, tenant)
        await drain_with(runtime, egress)
        assert len(receiver.got) == 5 * ENDPOINTS
        assert receiver.most <= RUNNING_OF_A_TENANT
    await egress.close()
