"""A move in the middle of something: what was begun with the old account is not written down for the new one."""

import asyncio

from app.instances import service, watching
from app.instances.models import Instance
from app.instances.trips import Tools
from app.jobs import RunInstanceCommand
from app.kit.db import SYSTEM
from app.providers.port import Link
from tests.conftest import draining
from tests.factories import read_instance
from tests.workers.funds import Funds
from tests.workers.test_move import alive, all_done, moved, remains_of, said
from tests.workers.wishes import operation_of, reached, work_of
from workers.main import HANDLERS
from workers.task import do_work

SLOW = {"kind": "slow_answer", "delay_seconds": 1.0, "times": 1, "provider": "green"}


async def was_asked(funds: Funds, method: str) -> bool:
    """Whether the gateway was asked something."""
    return bool((await funds.upstream.control("GET", f"journal?method={method}&kind=call"))["entries"])


async def asked(funds: Funds, method: str) -> None:
    """Wait until the gateway was asked something."""
    async with asyncio.timeout(20):
        while not await was_asked(funds, method):
            await asyncio.sleep(0.02)


async def stepping(funds: Funds, instance: Instance, method: str) -> None:
    """Take the steps of an instance, up to the one in which the gateway is asked something."""
    work_id = await work_of(funds.runtime, instance)
    while not await was_asked(funds, method):
        await do_work(funds.runtime, HANDLERS, work_id)


async def moved_during(funds: Funds, wished: Instance, method: str) -> Instance:
    """The instance, moved while a step of it waits for this call's answer."""
    await funds.upstream.faults({"method": method, **SLOW})
    step = asyncio.create_task(stepping(funds, wished, method))
    await asked(funds, method)
    await moved(funds, wished)
    await step
    return await read_instance(funds.runtime, wished.id)


async def test_an_account_that_is_made_during_the_move_is_left_behind(funds: Funds) -> None:
    wished = await funds.wish(provider="green_api")
    row = await moved_during(funds, wished, "createInstance")
    assert (row.provider, row.upstream_account) == ("whapi", None)
    await draining(funds.runtime)(until=reached(funds.runtime, wished))
    await funds.later(seconds=funds.runtime.settings.quiet_seconds + 1)
    await all_done(funds, wished)
    row = await read_instance(funds.runtime, wished.id)
    assert await alive(funds) == {"green_api": [], "whapi": [row.tag]}
    (left,) = await remains_of(funds, wished)
    assert left.upstream_account is not None


async def test_an_account_that_becomes_ready_during_the_move_makes_nothing_ready(funds: Funds) -> None:
    wished = await funds.wish(provider="green_api")

    async def is_made() -> bool:
        return (await read_instance(funds.runtime, wished.id)).upstream_account is not None

    await funds.reconciled(is_made)
    row = await moved_during(funds, wished, "getSettings")
    assert (row.status, row.upstream_account) == ("provisioning", None)
    await all_done(funds, wished)
    assert [each.type for each in await said(funds, wished)].count("instance.provisioned") == 1


async def becomes(funds: Funds, instance: Instance, link: Link) -> None:
    """Wait until the gateway says this of the instance's account."""
    provider = funds.runtime.registry.get(instance.provider, "live")
    async with funds.runtime.database.begin(SYSTEM) as uow:
        credentials = await service.credentials(uow, instance)
    async with asyncio.timeout(20):
        while await provider.link(credentials) is not link:
            await asyncio.sleep(0.05)


async def linked(funds: Funds) -> Instance:
    """An instance at the first gateway with a phone."""
    instance = await funds.instance(days=10, provider="green_api")
    assert instance.upstream_id is not None
    await becomes(funds, instance, Link.UNPAIRED)
    await funds.upstream.scan(instance.upstream_id)
    return instance


async def test_a_state_of_the_old_account_is_not_taken_for_the_new_ones(funds: Funds) -> None:
    instance, runtime = await linked(funds), funds.runtime
    await funds.upstream.faults({"method": "getStateInstance", **SLOW})
    tools = Tools(runtime.database, runtime.instance_options)
    reading = asyncio.create_task(watching.watch(tools, runtime.registry, instance.tenant_id, instance.id))
    await asked(funds, "getStateInstance")
    await moved(funds, instance)
    await reading
    row = await read_instance(runtime, instance.id)
    assert (row.connection, row.connected_at, row.phone) == ("unpaired", None, None)
    assert "instance.connected" not in [each.type for each in await said(funds, instance)]


async def test_a_logout_that_was_asked_of_the_old_account_unlinks_no_new_phone(funds: Funds) -> None:
    instance, runtime = await linked(funds), funds.runtime
    async with runtime.database.begin(instance.tenant_id) as uow:
        await service.command(uow, await service.find(uow, instance.id), "logout")
        uow.deferred.clear()  # the worker that was to do it is late
    await moved(funds, instance)
    await draining(runtime)(until=reached(runtime, instance))
    row = await read_instance(runtime, instance.id)
    await becomes(funds, row, Link.UNPAIRED)
    await funds.upstream.control("POST", f"whapi/channels/{row.upstream_account}/scan", {"phone": "79990001122"})
    operation = await operation_of(runtime, instance, "logout")
    async with runtime.database.begin(SYSTEM) as uow:
        uow.defer(RunInstanceCommand(ref=operation.id, tenant_id=instance.tenant_id))

    async def is_over() -> bool:
        return (await operation_of(runtime, instance, "logout")).status not in ("queued", "running")

    await draining(runtime)(until=is_over)
    assert (await operation_of(runtime, instance, "logout")).status == "failed"
    await becomes(funds, row, Link.CONNECTED)
