"""What happened reaches the tenants' servers, signed, until they take it."""

import asyncio
import base64
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from aiohttp import web
from sqlalchemy import select, update
from standardwebhooks import Webhook, WebhookVerificationError

from app.events import service as events
from app.events.models import Event
from app.jobs import DeliverEvent
from app.kit.db import SYSTEM
from app.kit.egress import Egress
from app.kit.work import Work
from app.runtime import Runtime
from app.webhooks.models import Delivery, WebhookEndpoint
from tests.conftest import Drain, HANDLERS
from tests.factories import TestTenant, make_tenant
from tests.receiver import Receiver, receiving
from workers.task import do_work

DATA = {"text": "Grüße 👋", "n": 1}


async def listen(
    client: httpx2.AsyncClient, tenant: TestTenant, url: str, **more: Any
) -> tuple[str, str]:
    """A new endpoint: its path and its secret."""
    made = await client.post("/v1/webhook_endpoints", headers=tenant.headers, json={"url": url, **more})
    assert made.status_code == 201, made.text
    path = f"/v1/webhook_endpoints/{made.json()['id']}"
    secret = await client.get(f"{path}/secret", headers=tenant.headers)
    return path, secret.json()["secret"]


async def publish(runtime: Runtime, tenant: TestTenant, **more: Any) -> Event:
    """Something happens."""
    async with runtime.database.begin(SYSTEM) as uow:
        return await events.publish(
            uow,
            **{
                "tenant_id": tenant.tenant_id,
                "type": "message.received",
                "data": DATA,
                "environment": "live",
                **more,
            },
        )


async def deliveries(client: httpx2.AsyncClient, tenant: TestTenant, path: str) -> list[dict[str, Any]]:
    """What the tenant sees."""
    rows: list[dict[str, Any]] = (await client.get(f"{path}/deliveries", headers=tenant.headers)).json()["data"]
    return rows


async def hurry(runtime: Runtime) -> None:
    """Make waiting deliveries due without moving the clock, so that timestamps stay true."""
    async with runtime.database.begin(SYSTEM) as uow:
        await uow.session.execute(
            update(Work).where(Work.kind == DeliverEvent.kind).values(run_at=uow.now - timedelta(seconds=1))
        )


async def test_an_event_arrives_signed_as_it_is_in_the_api(
    runtime: Runtime, client: httpx2.AsyncClient, drain: Drain
) -> None:
    tenant = await make_tenant(runtime)
    async with receiving() as receiver:
        path, secret = await listen(client, tenant, receiver.url)
        event = await publish(runtime, tenant)
        await drain()
        [got] = receiver.got
        assert got.verify(secret) == got.event
        shown = await client.get(f"/v1/events/{got.event['id']}", headers=tenant.headers)
        assert shown.json() == got.event
        assert got.headers["webhook-id"] == got.event["id"]
        assert got.event["data"] == DATA
        assert got.event["sequence"] == event.sequence == 1
        assert got.event["org_id"] == tenant.org_id
        [delivery] = await deliveries(client, tenant, path)
        assert (delivery["status"], delivery["attempt_count"]) == ("delivered", 1)
        assert delivery["attempts"][0]["status_code"] == 200
        assert delivery["attempts"][0]["reply_excerpt"] == "seen"
        assert await drain() == 0
