"""The clients, files for them to send, and accounts to call: the gateway's own and ours."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest

from app.instances.models import Instance
from app.kit import ids
from app.kit.db import SYSTEM
from app.lines import service as lines
from app.plans import service as plans
from app.runtime import Runtime
from tests.compat_clients.stage import Target
from tests.compat_clients.toolbox import NotInstalled, Toolbox, prepare
from tests.conftest import PARTNER_LIVE, PARTNER_TEST, Drain, Upstream
from tests.factories import TestTenant, make_ready_instance, make_tenant

DIRECT_PHONE, OUR_PHONE = "79990002233@c.us", "79990001122@c.us"
PIXEL = (  # a JPEG of one point
    "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////////////"
    "////////////////wgALCAABAAEBAREA/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQABPxA="
)


@pytest.fixture(scope="session")
def toolbox() -> Toolbox:
    """The official clients, installed."""
    try:
        return prepare()
    except NotInstalled as reason:
        pytest.fail(str(reason), pytrace=False)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """A picture, a document and a voice."""
    names = {"picture": "pixel.jpg", "document": "contract.pdf", "voice": "voice.ogg"}
    found = {name: tmp_path / file_name for name, file_name in names.items()}
    found["picture"].write_bytes(base64.b64decode(PIXEL))
    found["document"].write_bytes(b"%PDF-1.4\n" + bytes(range(256)) * 64)
    found["voice"].write_bytes(b"OggS" + bytes(2000))
    return found


STEADY: dict[str, Any] = {
    "min_delay_ms_override": 0,
    "deliver_after_seconds": None,
    "read_after_seconds": None,
    "warmup_401_seconds": 0,
    "warmup_null_seconds": 0,
    "starting_seconds": 0.01,
}
"""Nothing happens by itself at a time of its own, so that two runs see the same."""


@pytest.fixture
async def world(upstream: Upstream) -> Upstream:
    """The simulator, steady."""
    await upstream.control("POST", "config", STEADY)
    return upstream


@pytest.fixture
async def direct(world: Upstream) -> Target:
    """An account of the simulator, made and linked as a partner and a phone do it."""
    made = await world.http.post(f"{world.url}/partner/createInstance/{PARTNER_LIVE}", json={"name": "direct"})
    account = made.json()
    number = account["idInstance"]
    async with asyncio.timeout(60):
        while await _state(world, number) != "notAuthorized":
            await asyncio.sleep(0.02)
    await world.scan(number, DIRECT_PHONE)
    return Target(world.url, number, account["apiTokenInstance"], number, DIRECT_PHONE)


@pytest.fixture
async def ours(runtime: Runtime, client: httpx2.AsyncClient, drain: Drain, world: Upstream, worker: None) -> Target:
    """An instance of a tenant of ours, paid for, reached with the credentials that its tenant is shown."""
    tenant = await make_tenant(runtime)
    instance = await make_ready_instance(runtime, drain, world, tenant)
    async with runtime.database.begin(SYSTEM) as uow:
        await plans.go_live(uow, tenant.tenant_id, instance.id, days=1, source="test", note=None)
    return await shown(runtime, client, tenant, instance)


async def shown(runtime: Runtime, client: httpx2.AsyncClient, tenant: TestTenant, instance: Instance) -> Target:
    """What a tenant puts into the code it has."""
    path = f"/v1/instances/{ids.to_wire(ids.INSTANCE, instance.id)}/credentials"
    reply = await client.get(path, headers=tenant.headers)
    told = reply.json()["green_api"]
    assert instance.upstream_id is not None

    async def waiting() -> int:
        async with runtime.database.begin(tenant.tenant_id) as uow:
            line = await lines.of(uow, tenant.tenant_id, instance.id)
            assert line is not None
            return await lines.count(uow, line)

    return Target(
        told["api_url"],
        told["id_instance"],
        told["api_token_instance"],
        instance.upstream_id,
        OUR_PHONE,
        waiting=waiting,
    )


@pytest.fixture
async def worker(runtime: Runtime, drain: Drain) -> AsyncIterator[None]:
    """A worker that does what is due while the clients run."""

    async def work() -> None:
        while True:
            await drain()
            await asyncio.sleep(0.05)

    task = asyncio.create_task(work())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


@pytest.fixture
async def partner(world: Upstream) -> Target:
    """A partner of the simulator; not the one that we are, whose listing shows what we make."""
    return Target(world.url, 0, "", 0, "", more={"partner_token": PARTNER_TEST}, names={PARTNER_TEST: "partner"})


@pytest.fixture
async def reseller(runtime: Runtime, client: httpx2.AsyncClient, world: Upstream, worker: None) -> Target:
    """A tenant of ours that plays the partner."""
    tenant = await make_tenant(runtime)
    reply = await client.post("/v1/partner_tokens", headers=tenant.headers, json={"name": "Their shop"})
    token = reply.json()["secret"]
    return Target(str(client.base_url), 0, "", 0, "", more={"partner_token": token}, names={token: "partner"})


async def _state(upstream: Upstream, number: int) -> str:
    listed = await upstream.control("GET", f"instances?id_instance={number}")
    state: str = listed["instances"][0]["state"]
    return state
