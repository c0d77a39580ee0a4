"""Half a year of a hundred tenants on both gateways, with all that goes wrong with money in half a year."""

import random
from collections import Counter

import pytest
from sqlalchemy import text

from app.instances import charging
from app.instances.models import Instance
from app.kit.db import SYSTEM
from tests.factories import make_tenant, read_instance
from tests.workers.funds import WHAPI_TOKEN, Funds
from tests.workers.wishes import let_go, reached

TENANTS = 100
DAYS = 182
FAULTS = (
    {"method": "extendChannel", "kind": "lose_answer", "probability": 0.03},
    {"method": "extendChannel", "kind": "lose_request", "probability": 0.03},
    {"method": "extendChannel", "kind": "done_then_status", "probability": 0.02},
    {"method": "extendChannel", "kind": "status", "probability": 0.02},
    {"method": "changeChannelMode", "kind": "lose_answer", "probability": 0.05},
    {"method": "deleteChannel", "kind": "lose_answer", "probability": 0.1},
    {"method": "deleteInstanceAccount", "kind": "lose_answer", "probability": 0.1},
    {"method": "getPartner", "kind": "status", "probability": 0.05},
)
CHARGED = """
    select i.upstream_account as account, t.day::text as day from ledger_transactions t
    join instances i on i.tenant_id = t.tenant_id and i.id = t.instance_id
    where t.kind = 'charge' and i.provider = 'green_api'
"""
OVERDRAWN = """
    select count(*) from (
        select account from ledger_entries where account like 'instance%' or account like 'upstream%prepaid%'
        group by account having sum(days) < 0
    ) a
"""
OPEN = "select count(*) from prepaid_accounts p join instances i on i.id = p.instance_id where i.status = 'deleted'"


class HalfYear:
    """The customers, and what they do of a day."""

    def __init__(self, funds: Funds, seed: int) -> None:
        self.funds = funds
        self.chance = random.Random(seed)
        self.alive: list[Instance] = []
        self.pays_on: dict[str, int] = {}

    async def begin(self) -> None:
        """A hundred tenants, half of them on each gateway, all on trial."""
        for number in range(TENANTS):
            tenant = await make_tenant(self.funds.runtime)
            provider = "whapi" if number % 2 else "green_api"
            instance = await self.funds.instance(provider=provider, tenant=tenant)
            self.alive.append(instance)
            self.pays_on[instance.tag] = self.chance.randrange(0, 9)

    async def day(self, today: int) -> None:
        """Some pay, on time or late, some leave; the operator buys days when it has heard that they are few."""
        for instance in self.alive:
            if self.pays_on[instance.tag] <= today:
                days = self.chance.choice((7, 30, 30, 90))
                await self.funds.pay(instance, days)
                late = self.chance.choice((-3, 0, 0, 0, 1, 4, 12))
                self.pays_on[instance.tag] = today + days + late
        if today % 12 == 3:
            await self.leave([instance for instance in self.alive if self.chance.random() < 0.05])
        if (await self.funds.pool()).low_since is not None and self.chance.random() < 0.3:
            await self.funds.upstream.control("POST", "whapi/partners", {"token": WHAPI_TOKEN, "top_up": 400})

    async def leave(self, leaving: list[Instance]) -> None:
        """Deletions, all the way."""
        for instance in leaving:
            await let_go(self.funds.runtime, instance)
            self.alive.remove(instance)
        if leaving:
            await self.funds.reconciled(reached(self.funds.runtime, *leaving, status="deleted"))

    async def work(self) -> None:
        """What the workers do several times a day."""
        await self.funds.work()
        async with self.funds.runtime.database.begin(SYSTEM) as uow:
            await charging.charge(uow, uow.now, 5000, prepaid={"whapi"})


@pytest.mark.timeout(900)
async def test_after_half_a_year_of_a_hundred_tenants_the_ledger_is_both_upstreams_books(funds: Funds) -> None:
    year = HalfYear(funds, seed=20261122)
    await funds.upstream.control("POST", "whapi/partners", {"token": WHAPI_TOKEN, "days": 250})
    await year.begin()
    await year.work()
    await funds.upstream.faults(*FAULTS, seed=7)
    for today in range(DAYS):
        await year.day(today)
        await year.work()
        await funds.later(days=year.chance.choice((0.4, 0.5, 0.6)))
        if year.chance.random() < 0.4:
            await year.work()
        await funds.later(days=0.5)
    await funds.upstream.faults()
    for _ in range(3):
        await year.work()
        await funds.later(seconds=61)
    await year.work()

    await funds.they_match()
    await bills_match(funds)
    await each_extension_was_made_once(funds)
    async with funds.runtime.database.begin(SYSTEM) as uow:
        assert await uow.session.scalar(text(OVERDRAWN)) == 0
        assert await uow.session.scalar(text(OPEN + " and p.settled_at is null")) == 0
        assert await uow.session.scalar(text(OPEN)) > 10
        assert await uow.session.scalar(text("select count(*) from prepaid_accounts where note is not null")) == 0
    states = Counter(row.state for row in await funds.extensions())
    assert states["done"] > 300
    assert states["lost"] > 5
    for instance in year.alive:
        row = await read_instance(funds.runtime, instance.id)
        assert row.status == "active"


async def each_extension_was_made_once(funds: Funds) -> None:
    """What is done is what upstream did; of accounts that went first nobody can know, and the pool is the same."""
    rows = await funds.extensions()
    gone = {row.comment for row in rows if row.state == "gone"}
    extended = {comment: days for comment, days in (await funds.extended()).items() if comment not in gone}
    assert extended == {row.comment: row.days for row in rows if row.state == "done"}
    assert len(gone) < 5


async def bills_match(funds: Funds) -> None:
    """What GREEN-API billed is charged, day by day."""
    bills = (await funds.upstream.control("GET", "bills"))["bills"]
    billed = Counter((str(bill["id_instance"]), bill["day"]) for bill in bills)
    async with funds.runtime.database.begin(SYSTEM) as uow:
        booked = Counter((row.account, row.day) for row in await uow.session.execute(text(CHARGED)))
    assert booked == billed
    assert sum(billed.values()) > 5000
