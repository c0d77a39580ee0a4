"""A limit holds over processes, not only over the connections of one."""

import asyncio
import json
import sys

from app.kit import clock
from app.kit.db import SYSTEM
from app.plans.models import UsageCounter
from app.runtime import Runtime
from tests.verbs.bare import make_bare

SCRIPT = """
import asyncio, json, sys
from uuid import UUID
from app.kit import work
from app.kit.crypto import Keyring, new_key
from app.kit.db import Database
from app.kit.queue import SilentBell
from app.plans import service as plans
from app.plans.refusals import PlanLimitReached
import app.metadata

async def main(url, tenant_id, instance_id):
    database = Database(url, url, keyring=Keyring({1: new_key()}), bell=SilentBell(), recorder=work.record, pool_size=8)
    async def one():
        try:
            async with database.begin(tenant_id) as uow:
                await plans.reserve_send(uow, tenant_id, instance_id, "79990000001@c.us")
        except PlanLimitReached:
            return False
        return True
    print(json.dumps(sum(await asyncio.gather(*(one() for _ in range(70))))))
    await database.close()

asyncio.run(main(sys.argv[1], UUID(sys.argv[2]), UUID(sys.argv[3])))
"""


async def test_three_processes_share_a_hundred(runtime: Runtime) -> None:
    bare = await make_bare(runtime.database)
    async with runtime.database.begin(SYSTEM) as uow:
        uow.session.add(
            UsageCounter(
                tenant_id=bare.tenant_id,
                instance_id=bare.instance_id,
                metric="messages",
                period_on=clock.billing_day(uow.now),
                used=50,
            )
        )
    arguments = (runtime.settings.database_url, str(bare.tenant_id), str(bare.instance_id))
    running = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", SCRIPT, *arguments, stdout=asyncio.subprocess.PIPE)
        for _ in range(3)
    ]
    printed = [(await process.communicate())[0] for process in running]
    shares = [json.loads(text) for text in printed]
    assert sum(shares) == 100
