"""What asks the gateway counts against the trial's calls; what we know already does not."""

import httpx2

from app.kit import ids
from app.kit.clock import month_start
from app.kit.db import SYSTEM
from app.plans.models import UsageCounter
from app.runtime import Runtime
from tests.conftest import Drain, Upstream
from tests.factories import make_ready_instance, make_tenant


async def test_calls_are_counted_and_the_thousand_and_first_is_refused(
    client: httpx2.AsyncClient, runtime: Runtime, drain: Drain, upstream: Upstream
) -> None:
    tenant = await make_tenant(runtime)
    instance = await make_ready_instance(runtime, drain, upstream, tenant, linked=False)
    path = f"/v1/instances/{ids.to_wire(ids.INSTANCE, instance.id)}"

    async def pair() -> httpx2.Response:
        return await client.post(f"{path}/pairing", headers=tenant.headers, json={"method": "qr"})

    assert (await pair()).status_code == 200
    async with runtime.database.begin(SYSTEM) as uow:
        place = (tenant.tenant_id, instance.id, "calls", month_start(uow.now))
        counter = await uow.session.get(UsageCounter, place)
        assert counter is not None
        assert counter.used == 1
        counter.used = 999
    assert (await pair()).status_code == 200
    refused = await pair()
    assert (refused.status_code, refused.json()["code"]) == (402, "plan_limit_reached")
    assert (refused.json()["limit"], refused.json()["used"]) == (1000, 1000)
    assert (await client.post(f"{path}/reboot", headers=tenant.headers)).status_code == 402
    assert (await client.post(f"{path}/logout", headers=tenant.headers)).status_code == 202
    for read in ("", "/state", "/messages", "/usage"):
        assert (await client.get(path + read, headers=tenant.headers)).status_code == 200, read
