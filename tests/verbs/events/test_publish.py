"""A fact is said once, in its order, or not at all."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from app.accounts.principal import Principal
from app.accounts.scopes import TENANT_SCOPES
from app.events import service as events
from app.events.models import Event
from app.kit.db import SYSTEM
from app.kit.errors import InvalidParameter, NotFound
from app.kit.ids import new_id
from app.kit.work import Work
from app.runtime import Runtime
from tests.conftest import Drain
from tests.factories import make_tenant


def caller(tenant_id: UUID, environment: str = "live", instance_ids: frozenset[UUID] | None = None) -> Principal:
    """A key of a tenant."""
    return Principal("api_key", new_id(), tenant_id, environment, frozenset(TENANT_SCOPES), instance_ids)


async def publish(runtime: Runtime, tenant_id: UUID, **more: Any) -> Event:
    """One event in its own transaction."""
    async with runtime.database.begin(SYSTEM) as uow:
        return await events.publish(
            uow, **{"tenant_id": tenant_id, "type": "instance.created", "data": {}, "environment": "live", **more}
        )


async def test_each_stream_counts_from_one_without_gaps_under_concurrency(runtime: Runtime) -> None:
    tenant, other, instance_id = await make_tenant(runtime), await make_tenant(runtime), new_id()
    await asyncio.gather(
        *(publish(runtime, tenant.tenant_id, instance_id=instance_id) for _ in range(20)),
        *(publish(runtime, tenant.tenant_id) for _ in range(10)),
        *(publish(runtime, other.tenant_id) for _ in range(5)),
    )
    async with runtime.database.begin(SYSTEM) as uow:
        rows = (await uow.session.execute(select(Event.tenant_id, Event.instance_id, Event.sequence))).all()
    for owner, stream, count in ((tenant, instance_id, 20), (tenant, None, 10), (other, None, 5)):
        numbers = sorted(row.sequence for row in rows if (row.tenant_id, row.instance_id) == (owner.tenant_id, stream))
        assert numbers == list(range(1, count + 1))


async def test_a_rolled_back_event_leaves_no_gap_and_no_work(runtime: Runtime) -> None:
    tenant = await make_tenant(runtime)

    async def fail() -> None:
        async with runtime.database.begin(SYSTEM) as uow:
            await events.publish(uow, tenant_id=tenant.tenant_id, type="instance.created", data={}, environment="live")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    async with runtime.database.begin(SYSTEM) as uow:
        assert (await uow.session.scalars(select(Work))).all() == []
    assert (await publish(runtime, tenant.tenant_id)).sequence == 1


async def test_a_tenants_own_scope_can_publish(runtime: Runtime, drain: Drain) -> None:
    tenant = await make_tenant(runtime)
    async with runtime.database.begin(tenant.tenant_id) as uow:
        await events.publish(uow, tenant_id=tenant.tenant_id, type="instance.created", data={}, environment="live")
    assert await drain() == 1


async def test_a_tenant_cannot_publish_for_another(runtime: Runtime) -> None:
    tenant, other = await make_tenant(runtime), await make_tenant(runtime)
    with pytest.raises(Exception, match="row-level security"):
        async with runtime.database.begin(tenant.tenant_id) as uow:
            await events.publish(uow, tenant_id=other.tenant_id, type="instance.created", data={}, environment="live")


async def test_an_event_committed_late_comes_after_those_seen_before(runtime: Runtime, drain: Drain) -> None:
    """Its id is older than one that was read already; by id it would never be found."""
    tenant = await make_tenant(runtime)
    async with runtime.database.begin(SYSTEM) as slow:
        late = await events.publish(
            slow,
            tenant_id=tenant.tenant_id,
            type="instance.created",
            data={},
            environment="live",
            instance_id=new_id(),
        )
        early = await publish(runtime, tenant.tenant_id, instance_id=new_id())
        await drain()
    assert late.id < early.id
    await drain()
    async with runtime.database.begin(tenant.tenant_id) as uow:
        found, more = await events.following(uow, caller(tenant.tenant_id), early.id, limit=10)
    assert ([event.id for event in found], more) == ([late.id], False)


async def test_catching_up_in_small_pages_misses_and_repeats_nothing(runtime: Runtime, drain: Drain) -> None:
    tenant = await make_tenant(runtime)
    first = await publish(runtime, tenant.tenant_id)
    await drain()
    await asyncio.gather(*(publish(runtime, tenant.tenant_id, instance_id=new_id()) for _ in range(23)))
    await drain()
    seen, after, more = [], first.id, True
    while more:
        async with runtime.database.begin(tenant.tenant_id) as uow:
            found, more = await events.following(uow, caller(tenant.tenant_id), after, limit=5)
        seen += [event.id for event in found]
        after = seen[-1]
    assert len(seen) == len(set(seen)) == 23


async def test_only_the_callers_events_are_visible(runtime: Runtime, drain: Drain) -> None:
    tenant, other, instance_id = await make_tenant(runtime), await make_tenant(runtime), new_id()
    mine = await publish(runtime, tenant.tenant_id, instance_id=instance_id)
    own = await publish(runtime, tenant.tenant_id)
    await drain()
    blind = [
        caller(other.tenant_id),
        caller(tenant.tenant_id, environment="test"),
        caller(tenant.tenant_id, instance_ids=frozenset({new_id()})),
    ]
    for principal in blind:
        async with runtime.database.begin(principal.tenant) as uow:
            assert (await events.newest(uow, principal, limit=10))[0] == []
            with pytest.raises(NotFound):
                await events.find(uow, principal, mine.id)
            with pytest.raises(InvalidParameter):
                await events.following(uow, principal, mine.id, limit=10)
    limited = caller(tenant.tenant_id, instance_ids=frozenset({instance_id}))
    async with runtime.database.begin(tenant.tenant_id) as uow:
        assert [event.id for event in (await events.newest(uow, limited, limit=10))[0]] == [mine.id]
        seen = [event.id for event in (await events.newest(uow, caller(tenant.tenant_id), limit=10))[0]]
    assert seen == [own.id, mine.id]
