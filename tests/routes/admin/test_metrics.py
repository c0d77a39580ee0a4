"""What Prometheus is told of all instances, whichever process answers."""

import httpx2

from app.instances import gauges
from app.instances import service as instances
from app.kit.db import SYSTEM, Database
from app.runtime import Runtime
from tests.factories import make_tenant


async def shown(client: httpx2.AsyncClient) -> list[str]:
    lines = (await client.get("/metrics")).text.splitlines()
    return [line for line in lines if line.startswith("sublet_instances")]


async def test_instances_are_counted_by_gateway_and_state(runtime: Runtime, client: httpx2.AsyncClient) -> None:
    tenant, made = await make_tenant(runtime), []
    async with runtime.database.begin(tenant.tenant_id) as uow:
        for name, provider in (("A", "green_api"), ("B", "green_api"), ("C", "whapi"), ("D", "green_api")):
            instance, _ = await instances.request_instance(
                uow,
                tenant_id=tenant.tenant_id,
                environment="live",
                name=name,
                provider=provider,
                metadata={},
                options=runtime.instance_options,
                quota_free=True,
            )
            made.append(instance)
    async with runtime.database.begin(SYSTEM) as uow:
        (await instances.find(uow, made[3].id)).status = "deleted"
    state = 'status="queued"}'
    assert sorted(await shown(client)) == [
        f'sublet_instances{{connection="unpaired",environment="live",provider="green_api",{state} 2.0',
        f'sublet_instances{{connection="unpaired",environment="live",provider="whapi",{state} 1.0',
    ]


async def test_metrics_are_told_while_the_database_is_away(runtime: Runtime) -> None:
    nowhere = "postgresql+asyncpg://nobody@127.0.0.1:9/none"
    database = Database(
        nowhere, nowhere, keyring=runtime.keyring, bell=runtime.database.bell, recorder=runtime.database.recorder
    )
    assert await gauges.told(database) == b""
    await database.close()
