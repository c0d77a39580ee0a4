"""What the tests of prepaid days share: instances on a gateway that is paid beforehand, rounds, time, and the truth."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select, text

from app.funding.extending import Gateway, ref_of
from app.funding.models import Extension, Pool, PrepaidAccount
from app.funding.options import Options
from app.instances import service
from app.instances.models import Instance
from app.jobs import FundGateway, ReconcileInstance
from app.kit.db import SYSTEM, Database
from app.kit.work import Work
from app.plans import service as plans
from app.runtime import Runtime
from tests.conftest import Upstream
from tests.factories import TestTenant, make_tenant, read_instance
from tests.workers.wishes import wish_for
from workers.main import HANDLERS
from workers.task import do_work

WHAPI_TOKEN = "canaryWhapiPartner0000000000000000"
POOL_DAYS = 1000
DAY_SECONDS = 86_400
BOOKED = """
    select substring(account from '^upstream:whapi:live:(.*)$') as name, sum(days)::int as days
    from ledger_entries where account like 'upstream:whapi:live:%' group by 1
"""


@dataclass
class Funds:
    """A runtime on both gateways."""

    runtime: Runtime
    upstream: Upstream

    def gateway(self, database: Database | None = None) -> Gateway:
        """The prepaid partner account, as a round sees it."""
        settings = self.runtime.settings
        options = Options(settings.deployment, quiet_seconds=settings.quiet_seconds)
        provider = self.runtime.registry.get("whapi", "live")
        return Gateway("whapi", "live", provider, database or self.runtime.database, options)

    async def instance(
        self, *, days: int = 0, provider: str = "whapi", name: str = "A", tenant: TestTenant | None = None
    ) -> Instance:
        """An instance with its account, ready; paid for if days are given."""
        tenant = tenant or await make_tenant(self.runtime)
        gateway = self.runtime.registry.get(provider, "live")
        instance = await wish_for(self.runtime, tenant, name, provider=provider)
        async with self.runtime.database.begin(SYSTEM) as uow:
            wish = await service.wish(uow, instance, self.runtime.instance_options, gateway.traits)
        made = await gateway.create(wish)
        async with self.runtime.database.begin(SYSTEM) as uow:
            row = await service.find(uow, instance.id)
            await service.attach(uow, row, made)
            row.status, row.ready_at = "active", uow.now
            await plans.start_clock(uow, row.tenant_id, row.id)
        if days:
            await self.pay(instance, days)
        return await read_instance(self.runtime, instance.id)

    async def wish(self, *, provider: str = "whapi", name: str = "A") -> Instance:
        """The committed wish for an instance."""
        return await wish_for(self.runtime, await make_tenant(self.runtime), name, provider=provider)

    async def pay(self, instance: Instance, days: int) -> None:
        """The customer pays."""
        async with self.runtime.database.begin(SYSTEM) as uow:
            source = f"{instance.id}:{uow.now.timestamp()}"
            await plans.go_live(uow, instance.tenant_id, instance.id, days=days, source=source, note=None)

    async def work(self) -> None:
        """One round over the prepaid partner account."""
        async with self.runtime.database.begin(SYSTEM) as uow:
            uow.defer(FundGateway(ref=ref_of("whapi", "live")))
        await self.do(FundGateway.kind)

    async def do(self, kind: str) -> None:
        """One piece of work about the prepaid partner account, which goes well."""
        query = select(Work.id).where(Work.ref == ref_of("whapi", "live"), Work.kind == kind)
        async with self.runtime.database.begin(SYSTEM) as uow:
            work_id = (await uow.session.scalars(query)).one()
        assert await do_work(self.runtime, HANDLERS, work_id)
        async with self.runtime.database.begin(SYSTEM) as uow:
            error = await uow.session.scalar(select(Work.last_error).where(Work.id == work_id))
        assert error is None, error

    async def reconciled(self, until: Callable[[], Awaitable[bool]]) -> None:
        """Take the steps of instances, and nothing else of the workers' work, until something holds."""
        while not await until():
            async with self.runtime.database.begin(SYSTEM) as uow:
                query = select(Work.id).where(Work.kind == ReconcileInstance.kind, Work.run_at <= uow.now)
                due = (await uow.session.scalars(query)).all()
            await asyncio.gather(*(do_work(self.runtime, HANDLERS, work_id) for work_id in due))
            if not due:
                await asyncio.sleep(0.02)

    async def later(self, *, days: float = 0, seconds: float = 0) -> None:
        """Time passes for everybody."""
        span = days * DAY_SECONDS + seconds
        await self.upstream.control("POST", "clock", {"advance_seconds": span})
        self.runtime.database.shift += timedelta(seconds=span)

    async def channel(self, instance: Instance) -> dict[str, Any]:
        """The truth about an instance's channel."""
        found = await self.upstream.control("GET", f"whapi/channels?name={instance.tag}")
        channel: dict[str, Any] = found["channels"][0]
        return channel

    async def extended(self) -> dict[str, float]:
        """Days that upstream moved by each comment."""
        lines = (await self.upstream.control("GET", "whapi/books"))["movements"]
        sums: dict[str, float] = {}
        for line in lines:
            if line["reason"] == "extension":
                sums[line["comment"]] = sums.get(line["comment"], 0) + line["days"]
        return sums

    async def extensions(self) -> list[Extension]:
        """Every extension, oldest first."""
        async with self.runtime.database.begin(SYSTEM) as uow:
            return list(await uow.session.scalars(select(Extension).order_by(Extension.started_at)))

    async def account(self, instance: Instance) -> PrepaidAccount:
        """What is booked of an instance's account."""
        async with self.runtime.database.begin(SYSTEM) as uow:
            query = select(PrepaidAccount).where(PrepaidAccount.instance_id == instance.id)
            return (await uow.session.scalars(query)).one()

    async def pool(self) -> Pool:
        """What is known of the pool."""
        async with self.runtime.database.begin(SYSTEM) as uow:
            return (await uow.session.scalars(select(Pool))).one()

    async def booked(self) -> dict[str, int]:
        """The balances of the partner account's books; prepaid ones that are zero are left out."""
        async with self.runtime.database.begin(SYSTEM) as uow:
            rows = {row.name: row.days for row in await uow.session.execute(text(BOOKED))}
        return {name: days for name, days in rows.items() if days or not name.startswith("prepaid:")}

    async def they_match(self) -> None:
        """The books are upstream's own, in whole days: a day that has begun counts as used.

        What upstream forfeited of a day that had begun is used by our count, so these two are compared together.
        """
        told = (await self.upstream.control("GET", "whapi/books"))["balances"][WHAPI_TOKEN]
        channels = (await self.upstream.control("GET", "whapi/channels"))["channels"]
        left = {
            f"prepaid:{channel['id']}": int(channel["days_left"]) for channel in channels if channel["days_left"] >= 1
        }
        booked = await self.booked()
        assert {name: days for name, days in booked.items() if name.startswith("prepaid:")} == left
        assert booked.get("pool", 0) == told["pool"]
        assert booked.get("outside", 0) == told["outside"]
        assert booked.get("granted", 0) == told["granted"]
        gone = booked.get("used", 0) + booked.get("forfeited", 0)
        assert gone == round(told["consumed"] + told["forfeited"] + told["channels"]) - sum(left.values())
        async with self.runtime.database.begin(SYSTEM) as uow:
            wrong = await uow.session.scalar(
                text("""
                    select count(*) from prepaid_accounts p where p.put_days - p.used_days - p.back_days <> coalesce((
                        select sum(days) from ledger_entries e
                        where e.account = 'upstream:whapi:live:prepaid:' || p.account
                    ), 0) and p.settled_at is null
                """)
            )
            assert wrong == 0
            assert await uow.session.scalar(text("select coalesce(sum(days), 0) from ledger_entries")) == 0
