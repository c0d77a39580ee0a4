"""Moving an instance to the other gateway: it stays who it is, and nothing of it is left, or counted, twice."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from app.accounts.models import Tenant
from app.events.models import Event
from app.instances import charging, moving, service
from app.instances.models import Instance
from app.kit.db import SYSTEM
from app.kit.errors import Gone
from app.operations.models import Operation
from app.operations.service import OperationInProgress
from tests.conftest import draining
from tests.factories import read_instance
from tests.workers.funds import Funds
from tests.workers.wishes import let_go, reached

OTHER = {"green_api": "whapi", "whapi": "green_api"}


async def moved(funds: Funds, instance: Instance, *, to: str | None = None, key: str | None = None) -> Operation:
    """Begin a move."""
    runtime = funds.runtime
    async with runtime.database.begin(SYSTEM) as uow:
        row = await service.find(uow, instance.id)
        return await moving.move(uow, runtime.registry, runtime.instance_options, row, to=to, key=key)


async def remains_of(funds: Funds, instance: Instance) -> list[Instance]:
    """What an instance left behind, oldest first."""
    async with funds.runtime.database.begin(SYSTEM) as uow:
        query = select(Instance).where(Instance.remains_of == instance.id).order_by(Instance.created_at)
        return list((await uow.session.scalars(query)).all())


async def all_done(funds: Funds, instance: Instance) -> None:
    """Work until the instance is ready and what it left is gone."""

    async def is_done() -> bool:
        left = {each.status for each in await remains_of(funds, instance)}
        return left <= {"deleted"} and await reached(funds.runtime, instance)()

    await draining(funds.runtime)(until=is_done)


async def alive(funds: Funds) -> dict[str, list[str]]:
    """The names of living accounts at each gateway."""
    green = [each["name"] for each in await funds.upstream.instances() if each["deleted_at"] is None]
    whapi = (await funds.upstream.control("GET", "whapi/channels"))["channels"]
    return {"green_api": green, "whapi": [each["name"] for each in whapi if each["state"] != "deleted"]}


async def said(funds: Funds, instance: Instance) -> list[Event]:
    """What the tenant was told."""
    async with funds.runtime.database.begin(SYSTEM) as uow:
        query = select(Event).where(Event.tenant_id == instance.tenant_id).order_by(Event.id)
        return list((await uow.session.scalars(query)).all())


async def booked_days(funds: Funds) -> tuple[int, int]:
    """Days that are booked of accounts that are charged by existence, and those that the gateway bills."""
    runtime = funds.runtime
    async with runtime.database.begin(SYSTEM) as uow:
        await charging.charge(uow, uow.now, 1000, prepaid={"whapi"})
        booked = await uow.session.scalar(
            text(
                "select count(*) from ledger_transactions"
                " where kind in ('charge', 'surplus') and source not like '%:prepaid:%'"
            )
        )
    return int(booked or 0), len((await funds.upstream.control("GET", "bills"))["bills"])


@pytest.mark.parametrize("start", ["green_api", "whapi"])
async def test_an_instance_keeps_its_id_and_has_one_account_elsewhere(funds: Funds, start: str) -> None:
    instance = await funds.instance(days=10, provider=start)
    operation = await moved(funds, instance)
    assert (operation.status, operation.type) == ("running", "instance.move")
    await all_done(funds, instance)
    row = await read_instance(funds.runtime, instance.id)
    assert (row.provider, row.status, row.moves) == (OTHER[start], "active", 1)
    assert row.tag != instance.tag
    assert await alive(funds) == {start: [], OTHER[start]: [row.tag]}
    async with funds.runtime.database.begin(SYSTEM) as uow:
        ended = await uow.session.get(Operation, (instance.tenant_id, operation.id))
    assert ended is not None
    assert ended.status == "succeeded"


async def test_the_tenant_is_told_to_pair_anew_and_of_nothing_that_is_the_houses(funds: Funds) -> None:
    instance = await funds.instance(days=10, provider="green_api")
    before = len(await said(funds, instance))
    await moved(funds, instance)
    await all_done(funds, instance)
    told = {each.type: each.data for each in (await said(funds, instance))[before:]}
    assert set(told) == {"instance.provisioned", "instance.pairing_required", "operation.succeeded"}
    address: Any = told["instance.pairing_required"]["pairing_url"]
    assert address.startswith(funds.runtime.settings.public_url)
    async with funds.runtime.database.begin(instance.tenant_id) as uow:
        assert [row.id for row in await uow.session.scalars(select(Instance))] == [instance.id]
        kinds = [row.type for row in await uow.session.scalars(select(Operation))]
    assert sorted(kinds) == ["instance.move", "instance.provision"]


async def test_books_agree_after_moves_there_and_back_on_one_day(funds: Funds) -> None:
    instance = await funds.instance(days=30, provider="whapi")
    await funds.work()
    await funds.later(days=1.5)
    await funds.work()
    for _ in range(3):
        await moved(funds, instance)
        await all_done(funds, instance)
        await funds.work()
    await funds.later(days=1)
    await funds.work()
    await funds.they_match()
    booked, billed = await booked_days(funds)
    assert booked == billed
    await let_go(funds.runtime, instance)
    await draining(funds.runtime)(until=reached(funds.runtime, instance, status="deleted"))
    await funds.later(days=1)
    await funds.work()
    await funds.they_match()
    booked, billed = await booked_days(funds)
    assert booked == billed


async def test_what_was_paid_stays_paid(funds: Funds) -> None:
    instance = await funds.instance(days=30, provider="green_api")
    await funds.later(days=2)

    async def terms() -> Any:
        async with funds.runtime.database.begin(SYSTEM) as uow:
            query = text(
                "select plan, billing_mode, paid_through_at, closed_at from subscriptions where instance_id=:i"
            )
            return (await uow.session.execute(query, {"i": instance.id})).one()

    before = await terms()
    await moved(funds, instance)
    await all_done(funds, instance)
    assert await terms() == before


async def test_a_dead_gateway_keeps_nobody_waiting_and_is_cleared_when_it_is_back(funds: Funds) -> None:
    instance = await funds.instance(days=10, provider="green_api")
    dead = {"method": "*", "kind": "lose_request", "provider": "green"}
    await funds.upstream.faults(dead)
    await moved(funds, instance)
    await draining(funds.runtime)(until=reached(funds.runtime, instance))
    (left,) = await remains_of(funds, instance)
    assert left.status == "deleting"
    assert (await alive(funds))["green_api"] == [instance.tag]
    await funds.upstream.faults()

    async def is_over() -> bool:
        funds.runtime.database.shift += timedelta(seconds=5)
        return [each.status for each in await remains_of(funds, instance)] == ["deleted"]

    await draining(funds.runtime)(until=is_over)
    assert (await alive(funds))["green_api"] == []


async def test_a_create_in_doubt_is_found_and_deleted_and_another_is_made_elsewhere(funds: Funds) -> None:
    await funds.upstream.faults({"method": "createInstance", "kind": "lose_answer", "probability": 1.0})
    await funds.upstream.control("POST", "config", {"listing_lag_seconds": [100, 100]})
    wished = await funds.wish(provider="green_api")

    async def is_in_doubt() -> bool:
        return (await read_instance(funds.runtime, wished.id)).calling_since is not None

    await draining(funds.runtime)(until=is_in_doubt)
    await moved(funds, wished)
    await draining(funds.runtime)(until=reached(funds.runtime, wished))
    await funds.upstream.faults()
    await funds.later(seconds=200)
    await all_done(funds, wished)
    row = await read_instance(funds.runtime, wished.id)
    assert await alive(funds) == {"green_api": [], "whapi": [row.tag]}


async def test_a_move_is_begun_once_for_a_key_and_one_at_a_time(funds: Funds) -> None:
    instance = await funds.instance(days=10, provider="green_api")
    first = await moved(funds, instance, key="one")
    assert (await moved(funds, instance, key="one")).id == first.id
    with pytest.raises(OperationInProgress):
        await moved(funds, instance, key="two")
    await all_done(funds, instance)
    assert (await moved(funds, instance, key="one")).id == first.id
    with pytest.raises(moving.AlreadyThere):
        await moved(funds, instance, to="whapi")
    assert len(await remains_of(funds, instance)) == 1
    await let_go(funds.runtime, instance)
    with pytest.raises(Gone):
        await moved(funds, instance)


async def test_the_house_has_no_name_for_a_customer(funds: Funds) -> None:
    for name in ("A", "B"):
        instance = await funds.instance(days=10, provider="green_api", name=name)
        await moved(funds, instance)
    async with funds.runtime.database.begin(SYSTEM) as uow:
        assert await uow.session.get(Tenant, moving.HOUSE) is not None
        rows = (await uow.session.scalars(select(Instance).where(Instance.remains_of.is_not(None)))).all()
    assert {row.tenant_id for row in rows} == {moving.HOUSE}
