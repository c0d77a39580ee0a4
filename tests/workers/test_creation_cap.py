"""No more are created than a gateway lets; tenants go in turn, and are told when theirs is."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx2
import pytest

from app.instances import reconcile, service
from app.instances.models import Instance
from app.instances.trips import Tools
from app.kit.crypto import Secret
from app.kit.db import SYSTEM
from app.kit.errors import NotFound
from app.kit.work import Claim
from app.operations import service as operations
from app.providers.port import AccountWish
from dev import database as databases
from tests.factories import make_tenant, read_instance
from tests.workers.capped import Capped, capped, most_within
from tests.workers.wishes import dying, work_of
from workers.main import HANDLERS
from workers.task import do_work

CAP, WINDOW = 20, 1800.0


@pytest.fixture
async def house(dsns: databases.Dsns, redis_url: str, clean: None, http: httpx2.AsyncClient) -> AsyncIterator[Capped]:
    """Both gateways."""
    async with capped(dsns, redis_url, http) as made:
        yield made


async def status(house: Capped, instance: Instance) -> str:
    return (await read_instance(house.runtime, instance.id)).status


async def fill(house: Capped, count: int = CAP, name: str = "Crowd") -> list[Instance]:
    """So many instances of one tenant, all made as far as they can be now."""
    tenant = await make_tenant(house.runtime, name=name)
    made = [await house.wish(tenant, f"{number}") for number in range(count)]
    await house.work()
    return made


async def test_the_twenty_first_waits_for_its_turn_and_says_so(house: Capped) -> None:
    await fill(house)
    (last,) = await fill(house, 1, "Late")
    assert len(await house.asked("createChannel")) == CAP
    (operation,) = await house.operations([last])
    assert (operation.status, operation.step) == ("queued", "waiting_for_turn")
    assert operation.eta_at is not None
    left = (operation.eta_at - await house.now()).total_seconds()
    assert WINDOW * 0.9 < left < WINDOW * 1.1
    await house.advance(WINDOW + 5)
    await house.work()
    assert len(await house.channels()) == CAP + 1
    assert not [call for call in await house.creates() if call.outcome != "done"]


async def test_one_that_waits_can_be_cancelled_and_gives_its_place_to_the_next(house: Capped) -> None:
    await fill(house)
    gone, stays = await fill(house, 2, "Late")
    (operation, _) = await house.operations([gone, stays])
    async with house.runtime.database.begin(gone.tenant_id) as uow:
        await operations.cancel(uow, await operations.find(uow, operation.id))
    await house.advance(WINDOW + 70)
    await house.work()
    assert await status(house, gone) == "deleted"
    assert len(await house.channels()) == CAP + 1


async def test_several_processes_at_once_do_not_cross_it(house: Capped) -> None:
    tenants = [await make_tenant(house.runtime, name=f"T{number}") for number in range(5)]
    wishes = [await house.wish(tenant, f"{number}") for tenant in tenants for number in range(8)]
    ids = [await work_of(house.runtime, wish) for wish in wishes]
    await asyncio.gather(*(do_work(house.runtime, HANDLERS, each) for each in ids))
    assert len(await house.asked("createChannel")) <= CAP
    await house.advance(3)
    await asyncio.gather(*(do_work(house.runtime, HANDLERS, each) for each in ids))
    await house.work()
    assert len(await house.asked("createChannel")) == CAP
    assert len(await house.channels()) == CAP
    owners = Counter(call.tenant_id for call in await house.creates())
    assert max(owners.values()) - min(owners[tenant.tenant_id] for tenant in tenants) <= 1


async def test_a_create_of_unknown_outcome_counts(house: Capped) -> None:
    rule = {"method": "createChannel", "kind": "lose_answer", "times": 5, "provider": "whapi"}
    await house.upstream.faults(rule)
    await fill(house, CAP + 1)
    assert len(await house.asked("createChannel")) == CAP
    for _ in range(4):
        await house.advance(300)
        await house.work()
    assert len(await house.asked("createChannel")) == CAP
    for _ in range(8):
        await house.advance(300)
        await house.work()
    assert len(await house.channels()) == CAP + 1


@pytest.mark.parametrize("dies_at", [1, 2])
async def test_a_worker_that_dies_before_or_after_its_create_takes_one_turn(house: Capped, dies_at: int) -> None:
    """It had written down the create, so that it counts whether it left the house or not."""
    tenant = await make_tenant(house.runtime)
    wish = await house.wish(tenant, "first")

    async def die(_: object, claim: Claim) -> None:
        tools = Tools(dying(house.runtime, dies_at), house.runtime.instance_options)
        await reconcile.reconcile(tools, house.runtime.registry, claim)

    await do_work(house.runtime, {**HANDLERS, "instance.reconcile": die}, await work_of(house.runtime, wish))
    begun = 0 if dies_at == 1 else 1
    assert len(await house.creates()) == begun
    await fill(house, CAP)
    assert len(await house.creates()) == CAP
    assert most_within([call.started_at for call in await house.creates()], WINDOW) == CAP


async def test_a_429_all_the_same_is_waited_out_by_all(house: Capped) -> None:
    """Somebody else created with our partner account: one of ours asks again from time to time, not all of them."""
    rule = {"method": "createChannel", "kind": "status", "status": 429, "times": 3, "provider": "whapi"}
    await house.upstream.faults(rule)
    made = await fill(house, 6)
    assert len(await house.asked("createChannel")) == 1
    for _ in range(40):
        await house.advance(60)
        await house.work()
        if {await status(house, each) for each in made} == {"active"}:
            break
    assert len(await house.asked("createChannel")) == 3 + 6
    assert {await status(house, each) for each in made} == {"active"}


async def test_a_forecast_counts_from_the_end_of_a_hold(house: Capped) -> None:
    """Others have used the limit up, and the gateway says for how long."""
    await house.upstream.control("POST", "config", {"whapi": {"retry_after": True}})
    for number in range(CAP):
        wish = AccountWish(f"other-{number}", "http://127.0.0.1:9/hook", Secret("x" * 40))
        await house.runtime.registry.get("whapi", "live").create(wish)
    made, begun_at = await fill(house, CAP + 5), await house.now()
    (told,) = await house.operations(made[-1:])
    for _ in range(2):
        await house.advance(WINDOW + 10)
        for _ in range(6):  # the first tries whether the hold has ended; those who looked before look again in a minute
            await house.work()
            await house.advance(35)
    (done,) = await house.operations(made[-1:])
    assert told.eta_at is not None
    assert done.finished_at is not None
    took, forecast = done.finished_at - begun_at, told.eta_at - begun_at
    assert abs(took - forecast) <= forecast * 0.2


async def test_a_gateway_without_a_limit_makes_nobody_wait(house: Capped) -> None:
    tenant = await make_tenant(house.runtime)
    made = [await house.wish(tenant, f"{number}", provider="green_api") for number in range(CAP + 5)]
    ids = [await work_of(house.runtime, each) for each in made]
    await asyncio.gather(*(do_work(house.runtime, HANDLERS, each) for each in ids))
    assert len(await house.creates()) == CAP + 5


async def test_fifty_tenants_who_want_one_are_done_before_one_who_wants_two_hundred(house: Capped) -> None:
    """The one asked first. No tenant's forecast is wrong by more than a fifth, and the gateway never says 429."""
    many = await make_tenant(house.runtime, name="Many")
    of_many = [await house.wish(many, f"{number}") for number in range(200)]
    of_others = [await house.wish(await make_tenant(house.runtime, name=f"T{each}"), "one") for each in range(50)]
    everybody = [*of_many, *of_others]
    begun_at = await house.now()
    await house.work(8)
    told = {row.resource_id: row.eta_at for row in await house.operations(everybody) if row.status == "queued"}
    assert len(told) == len(everybody) - CAP
    for _ in range(len(everybody) // CAP):
        await house.advance(10)
        await house.work(8)
        await house.advance(WINDOW)
        await house.work(8)
    for _ in range(4):  # the last ones are made, and looked at until they are ready
        await house.advance(10)
        await house.work(8)
    ends = {row.resource_id: row.finished_at for row in await house.operations(everybody)}
    finished = {each: ended for each, ended in ends.items() if ended is not None}
    assert len(finished) == len(everybody) == len(await house.channels())
    last_of_others = max(finished[each.id] for each in of_others)
    assert last_of_others - begun_at < timedelta(seconds=3 * WINDOW)
    assert sum(finished[each.id] > last_of_others for each in of_many) >= 200 - (3 * CAP - 50)
    assert most_within([call.started_at for call in await house.creates()], WINDOW) == CAP
    assert {call["http_status"] for call in await house.asked("createChannel")} == {200}
    for instance_id, eta_at in told.items():
        assert eta_at is not None
        took, forecast = finished[instance_id] - begun_at, eta_at - begun_at
        assert abs(took - forecast) <= forecast * 0.2


async def test_no_tenant_sees_the_queue_of_another(house: Capped) -> None:
    await fill(house)
    (late,) = await fill(house, 1, "Late")
    stranger = await make_tenant(house.runtime, name="Stranger")
    async with house.runtime.database.begin(stranger.tenant_id) as uow:
        with pytest.raises(NotFound):
            await service.find(uow, late.id)
    async with house.runtime.database.begin(SYSTEM) as uow:
        assert await operations.find_open(uow, stranger.tenant_id, late.id, service.PROVISION) is None
