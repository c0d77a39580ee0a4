"""What the operator may see and do, for any tenant."""

from typing import Any
from uuid import UUID

from msgspec import UnsetType
from sqlalchemy import Row, select

from app.accounts.models import Tenant
from app.admin.schemas import (
    DeadWork,
    Difference,
    LedgerStatement,
    LimitsSet,
    OperatorInstancePage,
    OperatorInstanceView,
    OperatorLedgerLine,
    OperatorOrganizationPage,
    OperatorOrganizationView,
)
from app.events import service as events
from app.instances import listing, retrying
from app.instances import service as instances
from app.instances.models import Instance
from app.instances.options import Options
from app.jobs import FundGateways, periodic
from app.kit import page
from app.kit.clock import to_wire as instant
from app.kit.db import Database, UnitOfWork
from app.kit.errors import Gone, NotFound
from app.kit.ids import INSTANCE, LEDGER_TRANSACTION, ORGANIZATION, from_wire, to_wire
from app.kit.work import Work
from app.ledger import service as ledger
from app.plans import service as plans
from app.plans.catalogue import Metric
from app.plans.models import Subscription
from app.providers.registry import Registry

STATEMENT_LINES = 100


async def list_organizations(uow: UnitOfWork, *, limit: int, cursor: str | None) -> OperatorOrganizationPage:
    """Tenants, newest first."""
    query = select(Tenant)
    if cursor is not None:
        query = query.where(Tenant.id < page.read_cursor(uow.keyring, cursor, uow.now))
    rows = list((await uow.session.scalars(query.order_by(Tenant.id.desc()).limit(limit + 1))).all())
    following = page.make_cursor(uow.keyring, rows[limit - 1].id, uow.now) if len(rows) > limit else None
    return OperatorOrganizationPage([_organization(row) for row in rows[:limit]], following is not None, following)


async def set_organization_status(uow: UnitOfWork, org_id: str, status: str, reason: str) -> OperatorOrganizationView:
    """Suspend (`suspended`) or resume (`active`) a tenant: its credentials are refused within a second.

    Raises:
        NotFound: no such tenant.
    """
    tenant = await uow.session.get(Tenant, from_wire(ORGANIZATION, org_id), with_for_update=True)
    if tenant is None:
        raise NotFound()
    if tenant.status != status:
        tenant.status, tenant.version = status, tenant.version + 1
        kind = "organization.suspended" if status == "suspended" else "organization.resumed"
        await events.publish(uow, tenant_id=tenant.id, type=kind, data={"reason": reason}, environment="live")
    return _organization(tenant)


async def list_instances(
    uow: UnitOfWork, *, limit: int, cursor: str | None, status: str | None = None, org_id: str | None = None
) -> OperatorInstancePage:
    """Instances of all tenants, newest first."""
    query = _with_subscription()
    if status is not None:
        query = query.where(Instance.status == status)
    if org_id is not None:
        query = query.where(Instance.tenant_id == from_wire(ORGANIZATION, org_id))
    if cursor is not None:
        query = query.where(Instance.id < page.read_cursor(uow.keyring, cursor, uow.now))
    rows = (await uow.session.execute(query.order_by(Instance.id.desc()).limit(limit + 1))).all()
    following = page.make_cursor(uow.keyring, rows[limit - 1].Instance.id, uow.now) if len(rows) > limit else None
    return OperatorInstancePage([_instance(row) for row in rows[:limit]], following is not None, following)


async def show_instance(uow: UnitOfWork, instance_id: str) -> OperatorInstanceView:
    """One instance.

    Raises:
        NotFound: no such instance.
    """
    query = _with_subscription().where(Instance.id == from_wire(INSTANCE, instance_id))
    row = (await uow.session.execute(query.execution_options(populate_existing=True))).first()
    if row is None:
        raise NotFound()
    return _instance(row)


async def go_live(
    uow: UnitOfWork, instance_id: str, *, days: int, reference: str, actor: str, note: str | None = None
) -> OperatorInstanceView:
    """Take an instance live, or extend it, by paid days; the same reference is booked once.

    Raises:
        NotFound: no such instance.
        Conflict: the reference was used for other days. Gone: the instance is leaving.
    """
    instance = await find(uow, instance_id)
    await instances.hold(uow, instance)
    source = f"{instance.id}:{reference}"
    if instance.status in ("deleting", "deleted") and await ledger.booked(uow, "grant", source) is None:
        raise Gone()
    await plans.go_live(uow, instance.tenant_id, instance.id, days=days, source=source, note=note or actor)
    if instance.upstream_funded_until is not None:
        uow.defer(periodic(FundGateways))
    return await show_instance(uow, instance_id)


async def set_limits(uow: UnitOfWork, instance_id: str, wanted: LimitsSet) -> OperatorInstanceView:
    """Set the amounts that an instance may use in place of its plan's.

    Raises:
        NotFound: no such instance. Gone: it was deleted.
    """
    instance = await find(uow, instance_id)
    named: tuple[tuple[Metric, Any], ...] = (
        ("messages", wanted.messages_per_day),
        ("chats", wanted.chats_per_month),
        ("calls", wanted.calls_per_month),
    )
    limits = {metric: amount for metric, amount in named if not isinstance(amount, UnsetType)}
    await plans.set_limits(uow, instance.tenant_id, instance.id, limits)
    return await show_instance(uow, instance_id)


async def retry(uow: UnitOfWork, instance_id: str) -> OperatorInstanceView:
    """Provision an instance again whose provisioning failed.

    Raises:
        NotFound: no such instance. Conflict: it has not failed, or its account is gone or leaving.
    """
    await retrying.retry(uow, await find(uow, instance_id))
    return await show_instance(uow, instance_id)


async def statement(uow: UnitOfWork, instance_id: str) -> LedgerStatement:
    """The newest movements of an instance's days, and its balance.

    Raises:
        NotFound: no such instance.
    """
    instance = await find(uow, instance_id)
    movements, _ = await ledger.statement(uow, instance.id, limit=STATEMENT_LINES, cursor=None)
    lines = [
        OperatorLedgerLine(
            id=to_wire(LEDGER_TRANSACTION, movement.id),
            kind=movement.kind,
            source=movement.source.removeprefix(f"{instance.id}:"),
            note=movement.note,
            day=movement.day.isoformat() if movement.day else None,
            movements=dict(movement.entries),
            posted_at=instant(movement.posted_at),
        )
        for movement in movements
    ]
    return LedgerStatement(await ledger.balance(uow, ledger.instance_account(instance.id)), lines)


async def compare_listing(
    database: Database, registry: Registry, options: Options, *, dry_run: bool, approved: bool = False
) -> list[Difference]:
    """Ask every gateway what it bills for and compare; a trip, so no transaction of the caller's may be open.

    `approved` lifts the brake on too many deletions.
    """
    return [
        Difference(
            kind=found.kind,
            environment=found.environment,
            subject=found.subject,
            tag=found.tag,
            upstream_account=found.upstream_account,
            instance_id=to_wire(INSTANCE, found.instance_id) if found.instance_id else None,
            sightings=found.sightings,
            action=found.action,
        )
        for found in await listing.compare(database, registry, options, dry_run=dry_run, approved=approved)
    ]


async def dead_work(uow: UnitOfWork) -> list[DeadWork]:
    """Work that is out of tries, newest first, at most a hundred."""
    rows = await uow.session.scalars(
        select(Work).where(Work.dead_at.is_not(None)).order_by(Work.dead_at.desc()).limit(100)
    )
    return [
        DeadWork(str(row.id), row.kind, str(row.ref), row.attempt, row.last_error, instant(row.dead_at))
        for row in rows
        if row.dead_at is not None
    ]


async def find(uow: UnitOfWork, instance_id: str) -> Instance:
    """An instance of any tenant.

    Raises:
        NotFound: no such instance.
    """
    wanted: UUID = from_wire(INSTANCE, instance_id)
    found = await uow.session.scalar(select(Instance).where(Instance.id == wanted))
    if found is None:
        raise NotFound()
    return found


def _with_subscription() -> Any:
    return select(Instance, Subscription).outerjoin(
        Subscription,
        (Subscription.tenant_id == Instance.tenant_id) & (Subscription.instance_id == Instance.id),
    )


def _organization(row: Tenant) -> OperatorOrganizationView:
    return OperatorOrganizationView(to_wire(ORGANIZATION, row.id), row.name, row.status, instant(row.created_at))


def _instance(row: Row[Any]) -> OperatorInstanceView:
    instance: Instance = row.Instance
    terms: Subscription | None = row.Subscription
    return OperatorInstanceView(
        id=to_wire(INSTANCE, instance.id),
        organization_id=to_wire(ORGANIZATION, instance.tenant_id),
        name=instance.name,
        environment=instance.environment,
        provider=instance.provider,
        status=instance.status,
        connection=instance.connection,
        suspended_by=instance.suspended_by,
        billing_mode=terms.billing_mode if terms else None,
        trial_ends_at=instant(terms.trial_ends_at) if terms and terms.trial_ends_at else None,
        paid_through_at=instant(terms.paid_through_at) if terms and terms.paid_through_at else None,
        limits=terms.limits if terms else None,
        upstream_account=instance.upstream_account,
        tag=instance.tag,
        remains_of=to_wire(INSTANCE, instance.remains_of) if instance.remains_of else None,
        create_attempts=instance.create_attempts,
        failure=instance.failure,
        created_at=instant(instance.created_at),
        ready_at=instant(instance.ready_at) if instance.ready_at else None,
        deleted_at=instant(instance.deleted_at) if instance.deleted_at else None,
    )
