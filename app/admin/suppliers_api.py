"""The operator's routes about gateways, under `/operator/v1/providers`."""

from typing import Annotated

from litestar import Controller, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, PathParameter

from app.accounts.auth import requires
from app.accounts.scopes import Scope
from app.admin import suppliers
from app.admin.suppliers_schemas import SupplierCheck, SupplierList, SupplierPause, SupplierView, SupplierWeight
from app.funding.options import Options as FundingOptions
from app.instances.options import Options
from app.kit.db import Database, UnitOfWork
from app.providers.registry import Registry

Name = Annotated[str, PathParameter(max_length=30, pattern="^[a-z][a-z0-9_]*$", description="A gateway's name.")]
Environment = Annotated[str, PathParameter(max_length=4, pattern="^(live|test)$", description="`live` or `test`.")]


class SupplierController(Controller):
    """Everything here needs an operator key."""

    path = "/operator/v1/providers"
    tags = ("Operator",)
    guards = (requires(Scope.OPERATOR),)

    @get("/", operation_id="listSuppliers", summary="List gateways")
    async def suppliers(
        self,
        uow: NamedDependency[UnitOfWork],
        registry: NamedDependency[Registry],
        instance_options: NamedDependency[Options],
    ) -> SupplierList:
        """Every gateway that is set up, with its weight, its health and its limit."""
        return SupplierList(await suppliers.listing(uow, registry, instance_options))

    @post("/{provider:str}/{environment:str}/check", status_code=200, operation_id="checkSupplier", summary="Check")
    async def check(
        self,
        database: NamedDependency[Database],
        registry: NamedDependency[Registry],
        instance_options: NamedDependency[Options],
        funding_options: NamedDependency[FundingOptions],
        provider: FromPath[Name],
        environment: FromPath[Environment],
    ) -> SupplierCheck:
        """Ask a gateway now: whether it accepts our token, what is in the pool, which limits it has."""
        low_days = funding_options.low_days
        return await suppliers.check(database, registry, instance_options, provider, environment, low_days=low_days)

    @post("/{provider:str}/{environment:str}/pause", status_code=200, operation_id="pauseSupplier", summary="Pause")
    async def pause(
        self,
        uow: NamedDependency[UnitOfWork],
        registry: NamedDependency[Registry],
        instance_options: NamedDependency[Options],
        provider: FromPath[Name],
        environment: FromPath[Environment],
        data: JSONBody[SupplierPause],
    ) -> SupplierView:
        """Let no new instances go to a gateway; those that it has go on."""
        return await suppliers.pause(uow, registry, instance_options, provider, environment, data.reason)

    @post("/{provider:str}/{environment:str}/resume", status_code=200, operation_id="resumeSupplier", summary="Resume")
    async def resume(
        self,
        uow: NamedDependency[UnitOfWork],
        registry: NamedDependency[Registry],
        instance_options: NamedDependency[Options],
        provider: FromPath[Name],
        environment: FromPath[Environment],
    ) -> SupplierView:
        """Let new instances go there again; what counted against its health is forgotten."""
        return await suppliers.resume(uow, registry, instance_options, provider, environment)

    @put("/{provider:str}/{environment:str}/weight", operation_id="weighSupplier", summary="Set its weight")
    async def weigh(
        self,
        uow: NamedDependency[UnitOfWork],
        registry: NamedDependency[Registry],
        instance_options: NamedDependency[Options],
        provider: FromPath[Name],
        environment: FromPath[Environment],
        data: JSONBody[SupplierWeight],
    ) -> SupplierView:
        """Set its share of new instances beside the others', and the plans that it is chosen for."""
        return await suppliers.weigh(
            uow, registry, instance_options, provider, environment, weight=data.weight, plans=data.plans
        )
