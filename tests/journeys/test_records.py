"""What the fast path has sent is written down when its process is told to end."""

import asyncio
from pathlib import Path

import httpx2
from sqlalchemy import func, select

from app.kit.db import SYSTEM
from app.messages.models import Message
from app.plans import service as plans
from app.plans.models import UsageCounter
from app.runtime import Runtime
from tests.apart import apart
from tests.conftest import Drain, Upstream
from tests.senders import make_sender

SENDS = 45
"""Below the fifty that one instance may send within a second."""
PATIENT = {"upstream_timeout_seconds": 30.0, "lease_seconds": 60.0}
"""What is tested is the end, and not how long a busy machine takes to answer."""


async def test_no_count_and_no_record_is_lost_on_sigterm(
    runtime: Runtime, client: httpx2.AsyncClient, drain: Drain, upstream: Upstream, tmp_path: Path
) -> None:
    sender = await make_sender(runtime, client, drain, upstream)
    async with runtime.database.begin(SYSTEM) as uow:
        await plans.go_live(uow, sender.tenant.tenant_id, sender.instance.id, days=30, source="test", note=None)
    headers = {**sender.tenant.headers, "Content-Type": "application/json"}

    async def send(api: httpx2.AsyncClient, number: int) -> int:
        body = sender.body(f"message {number}", to=f"7999000{number:04}@c.us")
        return (await api.post(sender.path, headers=headers, content=body)).status_code

    async with apart(runtime.settings, tmp_path, **PATIENT) as process, httpx2.AsyncClient(base_url=process.url) as api:
        warm = 0
        while 'sublet_lane_sends_total{outcome="accepted"}' not in (told := (await api.get("/metrics")).text) or (
            'sublet_lane_sends_total{outcome="accepted"} 0.0' in told
        ):
            assert await send(api, 5000 + warm) == 202
            warm += 1
            await asyncio.sleep(0.05)
        await asyncio.sleep(1.1)
        assert set(await asyncio.gather(*(send(api, number) for number in range(SENDS)))) == {202}
        await asyncio.to_thread(process.child.stop, 60)

    accepted = len(await sender.accepted())
    assert accepted == SENDS + warm
    async with runtime.database.begin(SYSTEM) as uow:
        rows = await uow.session.scalar(
            select(func.count()).select_from(Message).where(Message.direction == "outbound")
        )
        used = await uow.session.scalar(select(func.sum(UsageCounter.used)).where(UsageCounter.metric == "messages"))
        chats = await uow.session.scalar(select(func.sum(UsageCounter.used)).where(UsageCounter.metric == "chats"))
    assert (rows, used, chats) == (accepted, accepted, accepted)
