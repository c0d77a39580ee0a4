"""Routes about plans, terms and usage."""

from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from app.accounts.auth import requires
from app.accounts.principal import Principal
from app.accounts.scopes import Scope
from app.kit import ids, respond
from app.kit.db import UnitOfWork
from app.kit.errors import NotFound
from app.kit.respond import Limit, PageCursor
from app.ledger import service as ledger
from app.ledger.schemas import LedgerPage, line
from app.plans import service
from app.plans.catalogue import PLANS
from app.plans.models import Subscription
from app.plans.schemas import PlanList, SubscriptionView, plan_view, subscription_view

InstanceParameter = Annotated[
    str, QueryParameter(name="instance_id", min_length=1, max_length=64, description="The instance.")
]


@get("/v1/plans", operation_id="listPlans", summary="List plans", tags=["Plans"], opt={"public": True})
async def list_plans() -> PlanList:
    """What can be had, with the limits of each plan."""
    return PlanList("list", [plan_view(plan) for plan in PLANS.values()], has_more=False, next_cursor=None)


@get(
    "/v1/subscription",
    operation_id="getSubscription",
    summary="Get an instance's terms",
    tags=["Plans"],
    guards=[requires(Scope.USAGE_READ)],
)
async def get_subscription(
    uow: NamedDependency[UnitOfWork], principal: NamedDependency[Principal], instance_id: InstanceParameter
) -> Response[SubscriptionView]:
    """What an instance may do now, until when, and what it has used; the same as its usage."""
    return await _terms(uow, principal, instance_id)


@get(
    "/v1/instances/{instance_id:str}/usage",
    operation_id="getUsage",
    summary="Get an instance's usage",
    tags=["Plans"],
    guards=[requires(Scope.USAGE_READ)],
)
async def get_usage(
    uow: NamedDependency[UnitOfWork], principal: NamedDependency[Principal], instance_id: FromPath[str]
) -> Response[SubscriptionView]:
    """What an instance has used in the present day and month, its limits, and until when it may send."""
    return await _terms(uow, principal, instance_id)


@get(
    "/v1/instances/{instance_id:str}/ledger",
    operation_id="getLedger",
    summary="List an instance's days",
    tags=["Plans"],
    guards=[requires(Scope.USAGE_READ)],
)
async def get_ledger(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    principal: NamedDependency[Principal],
    instance_id: FromPath[str],
    limit: Limit = respond.DEFAULT_LIMIT,
    cursor: PageCursor = None,
) -> Response[LedgerPage]:
    """Days that were added, used and given back, newest first."""
    row, _ = await _own(uow, principal, instance_id)
    account = ledger.instance_account(row.instance_id)
    movements, following = await ledger.statement(uow, row.instance_id, limit=limit, cursor=cursor)
    data = [line(movement, account) for movement in movements]
    balance = await ledger.balance(uow, account)
    return respond.page(request, LedgerPage("list", data, following is not None, following, balance), following)


async def _terms(uow: UnitOfWork, principal: Principal, instance_id: str) -> Response[Any]:
    row, used = await _own(uow, principal, instance_id)
    return Response(subscription_view(row, used, uow.now))


async def _own(uow: UnitOfWork, principal: Principal, instance_id: str) -> tuple[Subscription, dict[str, int]]:
    wanted = ids.from_wire(ids.INSTANCE, instance_id)
    row, used = await service.usage(uow, principal.tenant, wanted)
    if row.environment != principal.environment or not principal.may_use(wanted):
        raise NotFound()
    return row, used
