"""The operator's routes, under `/operator/v1`."""

from typing import Annotated

from litestar import Controller, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromHeader, FromPath, FromQuery, HeaderParameter, JSONBody, QueryParameter

from app.accounts.auth import requires
from app.accounts.scopes import Scope
from app.admin import moves, service
from app.admin.schemas import (
    DaysPaid,
    DeadWorkList,
    LedgerStatement,
    LimitsSet,
    Move,
    OperatorInstancePage,
    OperatorInstanceView,
    OperatorOrganizationPage,
    OperatorOrganizationView,
    Reason,
    ReconcileRequest,
    Reconciliation,
)
from app.idempotency.service import HEADER, check_key
from app.instances import service as instances
from app.instances.models import STATUSES
from app.instances.options import Options
from app.kit.db import Database, UnitOfWork
from app.kit.respond import DEFAULT_LIMIT, Limit, PageCursor
from app.operations.schemas import OperationView
from app.providers.registry import Registry

Status = Annotated[
    str | None, QueryParameter(max_length=20, pattern=f"^({'|'.join(STATUSES)})$", description="Only this status.")
]
OrgId = Annotated[str | None, QueryParameter(max_length=40, description="Only this organization, `org_…`.")]
Key = Annotated[
    str | None, HeaderParameter(name=HEADER, max_length=255, description="A request with the same key is done once.")
]


class OperatorController(Controller):
    """Everything here needs an operator key."""

    path = "/operator/v1"
    tags = ("Operator",)
    guards = (requires(Scope.OPERATOR),)

    @get("/tenants", operation_id="listOrganizations", summary="List organizations")
    async def organizations(
        self,
        uow: NamedDependency[UnitOfWork],
        limit: FromQuery[Limit] = DEFAULT_LIMIT,
        cursor: FromQuery[PageCursor] = None,
    ) -> OperatorOrganizationPage:
        """Tenants, newest first."""
        return await service.list_organizations(uow, limit=limit, cursor=cursor)

    @post("/tenants/{org_id:str}/suspend", status_code=200, operation_id="suspendOrganization", summary="Suspend")
    async def suspend_organization(
        self, uow: NamedDependency[UnitOfWork], org_id: FromPath[str], data: JSONBody[Reason]
    ) -> OperatorOrganizationView:
        """Refuse a tenant's credentials, within a second."""
        return await service.set_organization_status(uow, org_id, "suspended", data.reason)

    @post("/tenants/{org_id:str}/resume", status_code=200, operation_id="resumeOrganization", summary="Resume")
    async def resume_organization(
        self, uow: NamedDependency[UnitOfWork], org_id: FromPath[str], data: JSONBody[Reason]
    ) -> OperatorOrganizationView:
        """Let a suspended tenant in again."""
        return await service.set_organization_status(uow, org_id, "active", data.reason)

    @get("/instances", operation_id="listAllInstances", summary="List instances of all organizations")
    async def all_instances(
        self,
        uow: NamedDependency[UnitOfWork],
        limit: FromQuery[Limit] = DEFAULT_LIMIT,
        cursor: FromQuery[PageCursor] = None,
        status: FromQuery[Status] = None,
        org_id: FromQuery[OrgId] = None,
    ) -> OperatorInstancePage:
        """Instances, newest first."""
        return await service.list_instances(uow, limit=limit, cursor=cursor, status=status, org_id=org_id)

    @get("/instances/{instance_id:str}", operation_id="showAnyInstance", summary="Show any instance")
    async def instance(self, uow: NamedDependency[UnitOfWork], instance_id: FromPath[str]) -> OperatorInstanceView:
        """One instance, with its upstream side."""
        return await service.show_instance(uow, instance_id)

    @post("/instances/{instance_id:str}/go_live", status_code=200, operation_id="goLive", summary="Take live")
    async def go_live(
        self, uow: NamedDependency[UnitOfWork], instance_id: FromPath[str], data: JSONBody[DaysPaid]
    ) -> OperatorInstanceView:
        """Take an instance from trial to live for paid days; the same `reference` is booked once."""
        return await service.go_live(
            uow, instance_id, days=data.days, reference=data.reference, actor="operator", note=data.note
        )

    @post("/instances/{instance_id:str}/extend", status_code=200, operation_id="extendInstance", summary="Extend")
    async def extend(
        self, uow: NamedDependency[UnitOfWork], instance_id: FromPath[str], data: JSONBody[DaysPaid]
    ) -> OperatorInstanceView:
        """Add paid days; an instance on trial is live from then on. The same `reference` is booked once."""
        return await service.go_live(
            uow, instance_id, days=data.days, reference=data.reference, actor="operator", note=data.note
        )

    @put("/instances/{instance_id:str}/limits", operation_id="setLimits", summary="Set an instance's limits")
    async def set_limits(
        self, uow: NamedDependency[UnitOfWork], instance_id: FromPath[str], data: JSONBody[LimitsSet]
    ) -> OperatorInstanceView:
        """Let an instance use more or less than its plan says; felt within a second. An empty object undoes it."""
        return await service.set_limits(uow, instance_id, data)

    @post("/instances/{instance_id:str}/suspend", status_code=200, operation_id="suspendAny", summary="Suspend any")
    async def suspend(
        self, uow: NamedDependency[UnitOfWork], instance_id: FromPath[str], data: JSONBody[Reason]
    ) -> OperatorInstanceView:
        """Close an instance's gate; its tenant cannot open it."""
        await instances.suspend(uow, await service.find(uow, instance_id), by="operator", reason=data.reason)
        return await service.show_instance(uow, instance_id)

    @post("/instances/{instance_id:str}/resume", status_code=200, operation_id="resumeAny", summary="Resume any")
    async def resume(self, uow: NamedDependency[UnitOfWork], instance_id: FromPath[str]) -> OperatorInstanceView:
        """Open the gate that the operator closed."""
        await instances.resume(uow, await service.find(uow, instance_id), by="operator")
        return await service.show_instance(uow, instance_id)

    @post(
        "/instances/{instance_id:str}/retry", status_code=202, operation_id="retryInstance", summary="Provision again"
    )
    async def retry(self, uow: NamedDependency[UnitOfWork], instance_id: FromPath[str]) -> OperatorInstanceView:
        """Try again what failed: an account that came too late is adopted, else one is created. Only from `failed`."""
        return await service.retry(uow, instance_id)

    @post("/instances/{instance_id:str}/move", status_code=202, operation_id="moveInstance", summary="Move an instance")
    async def move(
        self,
        uow: NamedDependency[UnitOfWork],
        registry: NamedDependency[Registry],
        instance_options: NamedDependency[Options],
        instance_id: FromPath[str],
        data: JSONBody[Move],
        idempotency_key: FromHeader[Key] = None,
    ) -> OperationView:
        """Move an instance to another gateway. It keeps its id, keys, webhooks, terms and messages; its phone is to be
        linked anew, which `instance.pairing_required` tells. What it leaves behind is done away with in the background.

        The `Idempotency-Key` of the last move begins no other.
        """
        key = None if idempotency_key is None else check_key(idempotency_key)
        return await moves.move(uow, registry, instance_options, instance_id, to=data.provider, key=key)

    @get("/instances/{instance_id:str}/ledger", operation_id="showLedger", summary="Show an instance's days")
    async def ledger(self, uow: NamedDependency[UnitOfWork], instance_id: FromPath[str]) -> LedgerStatement:
        """The newest movements of its days, and what is left."""
        return await service.statement(uow, instance_id)

    @post("/reconciliations", status_code=200, operation_id="reconcileListing", summary="Compare with upstream")
    async def reconcile(
        self,
        database: NamedDependency[Database],
        registry: NamedDependency[Registry],
        instance_options: NamedDependency[Options],
        data: JSONBody[ReconcileRequest],
    ) -> Reconciliation:
        """Ask every gateway what it bills for; orphans, surplus and ghosts are told, and repaired unless `dry_run`."""
        found = await service.compare_listing(
            database, registry, instance_options, dry_run=data.dry_run, approved=data.approved
        )
        return Reconciliation(data.dry_run, found)

    @get("/dead_work", operation_id="listDeadWork", summary="List work without further tries")
    async def dead_work(self, uow: NamedDependency[UnitOfWork]) -> DeadWorkList:
        """The newest hundred."""
        return DeadWorkList(await service.dead_work(uow))


ROUTES = [OperatorController]
