"""Instances as verbs: the wish, the gate, and what is taken note of."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from app.accounts.principal import Principal
from app.events.models import Event
from app.instances import service
from app.instances.models import Finding, Instance
from app.instances.service import InstanceFailed, InstanceNotReady, InstanceSuspended, NameTaken
from app.instances.tags import read_tag
from app.jobs import ReconcileInstance
from app.kit.clock import day_start
from app.kit.crypto import Secret
from app.kit.db import SYSTEM, UnitOfWork
from app.kit.errors import Gone, NotFound
from app.kit.ids import new_id
from app.kit.work import Work
from app.operations.models import Operation
from app.plans.refusals import PlanLimitReached
from app.providers.port import Created, Link
from app.runtime import Runtime
from tests.factories import TestTenant, make_tenant


async def ask(uow: UnitOfWork, runtime: Runtime, tenant: TestTenant, name: str = "A", **more: Any) -> Instance:
    given = {"environment": "live", "quota_free": True, **more}
    instance, _ = await service.request_instance(
        uow,
        tenant_id=tenant.tenant_id,
        name=name,
        provider="green_api",
        metadata={},
        options=runtime.instance_options,
        **given,
    )
    return instance


async def told(uow: UnitOfWork, instance: Instance) -> Sequence[str]:
    query = select(Event.type).where(Event.instance_id == instance.id).order_by(Event.sequence)
    return (await uow.session.scalars(query)).all()


async def test_a_wish_is_a_row_an_operation_an_event_and_work(runtime: Runtime) -> None:
    tenant = await make_tenant(runtime)
    async with runtime.database.begin(tenant.tenant_id) as uow:
        instance = await ask(uow, runtime, tenant)
    assert read_tag("t", instance.tag) == instance.id
    async with runtime.database.begin(SYSTEM) as uow:
        assert await told(uow, instance) == ["instance.created"]
        assert (await uow.session.scalars(select(Operation.type))).all() == ["instance.provision"]
        work = (await uow.session.scalars(select(Work).where(Work.kind == ReconcileInstance.kind))).one()
        assert (work.ref, work.tenant_id) == (instance.id, tenant.tenant_id)


async def test_a_wish_that_is_rolled_back_leaves_nothing(runtime: Runtime) -> None:
    tenant = await make_tenant(runtime)
    with pytest.raises(ZeroDivisionError):  # noqa: PT012  # the rollback is what is shown
        async with runtime.database.begin(tenant.tenant_id) as uow:
            await ask(uow, runtime, tenant)
            raise ZeroDivisionError
    async with runtime.database.begin(SYSTEM) as uow:
        for model in (Instance, Operation, Event, Work):
            assert await uow.session.scalar(select(func.count()).select_from(model)) == 0


async def test_a_name_is_taken_within_tenant_and_environment_until_it_is_deleted(runtime: Runtime) -> None:
    ada, bo = await make_tenant(runtime, name="Ada"), await make_tenant(runtime, name="Bo")
    async with runtime.database.begin(ada.tenant_id) as uow:
        first = await ask(uow, runtime, ada)
        await ask(uow, runtime, ada, environment="test")
    async with runtime.database.begin(bo.tenant_id) as uow:
        await ask(uow, runtime, bo)
    with pytest.raises(NameTaken):
        async with runtime.database.begin(ada.tenant_id) as uow:
            await ask(uow, runtime, ada)
    async with runtime.database.begin(SYSTEM) as uow:
        (await service.find(uow, first.id)).status = "deleted"
    async with runtime.database.begin(ada.tenant_id) as uow:
        await ask(uow, runtime, ada)


async def test_the_plan_allows_one_trial(runtime: Runtime) -> None:
    tenant = await make_tenant(runtime)
    async with runtime.database.begin(tenant.tenant_id) as uow:
        await ask(uow, runtime, tenant, quota_free=False)
    with pytest.raises(PlanLimitReached):
        async with runtime.database.begin(tenant.tenant_id) as uow:
            await ask(uow, runtime, tenant, "B", quota_free=False)


async def test_an_instance_is_found_by_those_who_may(runtime: Runtime) -> None:
    ada, bo = await make_tenant(runtime, name="Ada"), await make_tenant(runtime, name="Bo")
    async with runtime.database.begin(ada.tenant_id) as uow:
        instance = await ask(uow, runtime, ada)
    mine: Principal = await runtime.authenticator.authenticate(ada.headers["Authorization"])
    async with runtime.database.begin(ada.tenant_id) as uow:
        assert (await service.find(uow, instance.id, mine)).id == instance.id
        for stranger in (
            replace(mine, environment="test"),
            replace(mine, instance_ids=frozenset({new_id()})),
            replace(mine, tenant_id=bo.tenant_id),
        ):
            with pytest.raises(NotFound):
                await service.find(uow, instance.id, stranger)
    async with runtime.database.begin(bo.tenant_id) as uow:
        with pytest.raises(NotFound):
            await service.find(uow, instance.id)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({}, None),
        ({"status": "queued", "upstream_account": None}, InstanceNotReady),
        ({"status": "provisioning"}, InstanceNotReady),
        ({"status": "failed"}, InstanceFailed),
        ({"status": "suspended", "suspended_by": "organization"}, InstanceSuspended),
        ({"suspended_by": "operator"}, InstanceSuspended),
        ({"status": "deleting", "wanted": False}, Gone),
        ({"status": "deleted", "wanted": False}, Gone),
        ({"wanted": False}, Gone),
    ],
)
def test_the_gate(changes: dict[str, Any], error: type[Exception] | None) -> None:
    instance = Instance(**{"status": "active", "wanted": True, "upstream_account": "7", **changes})
    if error is None:
        service.usable(instance)
        return
    with pytest.raises(error):
        service.usable(instance)


async def active(runtime: Runtime, tenant: TestTenant) -> Instance:
    """A row as if provisioned."""
    async with runtime.database.begin(SYSTEM) as uow:
        instance = await ask(uow, runtime, tenant)
        await service.attach(uow, instance, Created("7", Secret("t" * 50)))
        instance.status = "active"
    return instance


async def test_the_token_is_sealed_for_its_row(runtime: Runtime) -> None:
    instance = await active(runtime, await make_tenant(runtime))
    assert instance.upstream_token_sealed is not None
    assert b"tttt" not in instance.upstream_token_sealed
    async with runtime.database.begin(instance.tenant_id) as uow:
        row = await service.find(uow, instance.id)
        assert (await service.credentials(uow, row)).token.reveal() == "t" * 50


@pytest.mark.parametrize(
    ("links", "events"),
    [
        ([Link.UNPAIRED], []),
        ([Link.CONNECTED], ["connected"]),
        ([Link.CONNECTED, Link.CONNECTED], ["connected"]),
        ([Link.CONNECTED, Link.STARTING, Link.CONNECTED], ["connected"]),
        ([Link.CONNECTED, Link.NOT_READY, Link.UNKNOWN, Link.CONNECTED], ["connected"]),
        ([Link.CONNECTED, Link.UNPAIRED, Link.UNPAIRED], ["connected", "disconnected"]),
        ([Link.CONNECTED, Link.STARTING, Link.UNPAIRED], ["connected", "disconnected"]),
        ([Link.CONNECTED, Link.DISCONNECTED, Link.CONNECTED], ["connected", "disconnected", "connected"]),
        ([Link.CONNECTED, Link.BLOCKED, Link.BLOCKED], ["connected", "blocked"]),
        ([Link.BLOCKED, Link.UNPAIRED, Link.CONNECTED], ["blocked", "connected"]),
    ],
    ids=str,
)
async def test_each_real_change_is_told_once(runtime: Runtime, links: list[Link], events: list[str]) -> None:
    instance = await active(runtime, await make_tenant(runtime))
    for link in links:
        async with runtime.database.begin(SYSTEM) as uow:
            phone = "79990001122" if link is Link.CONNECTED else None
            await service.observe(uow, await service.find(uow, instance.id), link, phone)
    async with runtime.database.begin(SYSTEM) as uow:
        row = await service.find(uow, instance.id)
        assert await told(uow, instance) == ["instance.created", *(f"instance.{event}" for event in events)]
    assert (row.connected_at is not None) is (links[-1] in (Link.CONNECTED, Link.STARTING))
    assert row.phone == ("79990001122" if links[-1] in (Link.CONNECTED, Link.STARTING) else row.phone)
    if links[-1] is Link.UNPAIRED:
        assert row.phone is None


async def test_what_leaves_is_not_observed(runtime: Runtime) -> None:
    instance = await active(runtime, await make_tenant(runtime))
    async with runtime.database.begin(SYSTEM) as uow:
        row = await service.find(uow, instance.id)
        await service.request_deletion(uow, row)
        await service.observe(uow, row, Link.CONNECTED, "79990001122")
        assert (row.connection, row.phone) == ("unpaired", None)


async def test_seeing_the_same_again_is_no_new_version(runtime: Runtime) -> None:
    instance = await active(runtime, await make_tenant(runtime))
    versions = []
    for _ in range(3):
        async with runtime.database.begin(SYSTEM) as uow:
            row = await service.find(uow, instance.id)
            await service.observe(uow, row, Link.CONNECTED, "79990001122")
            versions.append(row.version)
            assert row.last_seen_at == uow.now
    assert versions[0] == versions[1] == versions[2]


async def test_an_open_create_that_announces_itself_rings_the_look(runtime: Runtime) -> None:
    tenant = await make_tenant(runtime)
    async with runtime.database.begin(SYSTEM) as uow:
        instance = await ask(uow, runtime, tenant)
        instance.calling_since, instance.quiet_until = uow.now, uow.now + timedelta(minutes=2)
    async with runtime.database.begin(SYSTEM) as uow:
        await service.seen_upstream(uow, await service.find(uow, instance.id), "99")
        assert [job.kind for job, _ in uow.deferred] == [ReconcileInstance.kind]
        assert await uow.session.scalar(select(func.count()).select_from(Finding)) == 0


@pytest.mark.parametrize(("seconds_before_cut", "is_known"), [(30, True), (0.5, False)])
async def test_a_create_over_the_cut_of_a_billing_day_leaves_its_day_to_the_listing(
    runtime: Runtime, seconds_before_cut: float, is_known: bool
) -> None:
    tenant = await make_tenant(runtime)
    async with runtime.database.begin(SYSTEM) as uow:
        instance = await ask(uow, runtime, tenant)
        cut = day_start(datetime(2026, 12, 1, tzinfo=UTC).date())
        instance.calling_since = cut - timedelta(seconds=seconds_before_cut)
        uow.now = cut + timedelta(seconds=1 - seconds_before_cut)
        await service.attach(uow, instance, Created("7", Secret("t" * 50)))
        assert (instance.upstream_created_at is not None) is is_known
