"""From the upstream's own push to the customer's server, over every real part."""

import asyncio
from typing import Any

import httpx2
from sqlalchemy import func, select

from app.events.models import Event
from app.inbound.models import Notice
from app.kit.db import SYSTEM
from app.runtime import Runtime
from tests.conftest import Drain, Upstream
from tests.factories import make_ready_instance, make_tenant
from tests.receiver import receiving
from tests.workers.test_webhooks import listen

CHAT = "79995556677@c.us"


async def received(runtime: Runtime) -> int:
    """How many messages were told to the tenant."""
    async with runtime.database.begin(SYSTEM) as uow:
        query = select(func.count()).select_from(Event).where(Event.type == "message.received")
        return int(await uow.session.scalar(query) or 0)


async def test_messages_pushed_by_upstream_reach_the_customer_once_and_in_order(
    runtime: Runtime, client: httpx2.AsyncClient, drain: Drain, upstream: Upstream
) -> None:
    """The database is away for the first pushes: they are refused, repeated, and none is lost or doubled."""
    tenant = await make_tenant(runtime)
    instance = await make_ready_instance(runtime, drain, upstream, tenant)
    await drain()
    async with receiving() as receiver:
        _, secret = await listen(client, tenant, receiver.url, event_types=["message.received"])
        engine = runtime.database.system_engine
        held = [await engine.connect() for _ in range(runtime.settings.pool_size)]
        for number in range(5):
            message: dict[str, Any] = {"chat_id": CHAT, "text": f"number {number}"}
            await upstream.control("POST", f"instances/{instance.upstream_id}/receive", message)
        await asyncio.sleep(0.2)  # the upstream tries in vain meanwhile
        for connection in held:
            await connection.close()

        async def all_here() -> bool:
            return await received(runtime) >= 5

        await drain(until=all_here, seconds=40)
        await drain()
        told = sorted((got.verify(secret) for got in receiver.got), key=lambda event: event["sequence"])
        assert [event["data"]["text"] for event in told] == [f"number {number}" for number in range(5)]
        async with runtime.database.begin(SYSTEM) as uow:
            kinds = select(func.count()).select_from(Notice).where(Notice.kind == "message_received")
            assert await uow.session.scalar(kinds) == 5
