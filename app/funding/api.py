"""What the operator sees of prepaid pools."""

from litestar import get
from litestar.di import NamedDependency

from app.accounts.auth import requires
from app.accounts.scopes import Scope
from app.funding import viewing
from app.funding.schemas import PoolList
from app.kit.db import UnitOfWork


@get(
    "/operator/v1/pools",
    operation_id="listPools",
    summary="List prepaid pools",
    tags=("Operator",),
    guards=(requires(Scope.OPERATOR),),
)
async def list_pools(uow: NamedDependency[UnitOfWork]) -> PoolList:
    """Days left with gateways that are paid beforehand, how long they last, and what could not be explained."""
    return PoolList(await viewing.pools(uow))
