"""A second account of an instance is deleted as any surplus is; the days that were put on it come back to the pool."""

from dataclasses import replace

from sqlalchemy import func, select

from app.instances import listing, service
from app.kit.db import SYSTEM
from app.ledger.models import LedgerTransaction
from tests.workers.funds import POOL_DAYS, Funds

KEPT = 10


async def test_days_of_a_surplus_account_come_back_and_the_house_bears_none(funds: Funds) -> None:
    runtime, options = funds.runtime, replace(funds.runtime.instance_options, repair_policy="delete")
    instance = await funds.instance(days=30)
    await funds.work()
    mine, gateway = await funds.account(instance), runtime.registry.get("whapi", "live")
    async with runtime.database.begin(SYSTEM) as uow:
        wish = await service.wish(uow, await service.find(uow, instance.id), options, gateway.traits)
    surplus = await gateway.create(wish)
    await gateway.fund(surplus.account, KEPT, "by hand")
    await funds.later(seconds=3601)
    await funds.work()
    put = mine.put_days - mine.gift_days
    assert (await funds.booked())["pool"] == POOL_DAYS - put - KEPT
    for expected in ("wait", "delete"):
        found = await listing.compare(runtime.database, runtime.registry, options, dry_run=False, approved=False)
        assert [(item.kind, item.action) for item in found] == [("surplus", expected)]
        await funds.later(seconds=options.surplus_wait_seconds + 3601)
    await funds.work()
    assert [each.account for each in await gateway.listing()] == [mine.account]
    booked = await funds.booked()
    assert (booked["pool"], booked["outside"]) == (POOL_DAYS - put, -POOL_DAYS)
    assert (await funds.account(instance)).note is None
    async with runtime.database.begin(SYSTEM) as uow:
        kinds = await uow.session.scalar(select(func.count()).where(LedgerTransaction.kind == "surplus"))
    assert kinds == 0
