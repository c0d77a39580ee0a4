"""Routes to watch long work."""

from typing import Annotated, Any

from litestar import Controller, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, HeaderParameter, QueryParameter

from app.accounts.auth import requires
from app.accounts.principal import Principal
from app.accounts.scopes import Scope
from app.idempotency.once import Replay
from app.kit import ids, page, respond
from app.kit.db import Database, UnitOfWork
from app.kit.errors import NotFound
from app.kit.respond import IfNoneMatch, Limit, PageCursor
from app.operations import schemas, service
from app.operations.models import Operation
from app.operations.schemas import OperationPage, OperationView

Prefer = Annotated[
    str | None,
    HeaderParameter(
        name="Prefer", max_length=200, description="`wait=N` holds the answer for up to N seconds (at most 25)."
    ),
]
StatusFilter = Annotated[
    list[str] | None,
    QueryParameter(name="status", max_items=5, description="Only these: queued, running, succeeded, failed, cancelled"),
]
ResourceFilter = Annotated[
    str | None, QueryParameter(name="resource_id", max_length=64, description="Only operations on this instance.")
]


class OperationController(Controller):
    """Operations: what a 202 began."""

    path = "/v1/operations"
    tags = ("Operations",)

    @get(
        "/",
        operation_id="listOperations",
        summary="List operations",
        guards=[requires(Scope.INSTANCES_READ)],
    )
    async def list_operations(
        self,
        request: Request[Any, Any, Any],
        uow: NamedDependency[UnitOfWork],
        principal: NamedDependency[Principal],
        resource_id: ResourceFilter = None,
        status: StatusFilter = None,
        limit: Limit = respond.DEFAULT_LIMIT,
        cursor: PageCursor = None,
    ) -> Response[OperationPage]:
        """Operations of the key's environment, newest first; ended ones are kept for 30 days."""
        wanted = None if resource_id is None else ids.from_wire(ids.INSTANCE, resource_id)
        query = service.listing(uow, principal.environment, resource_id=wanted, status=status)
        if principal.instance_ids is not None:
            query = query.where(Operation.resource_id.in_(principal.instance_ids))
        rows, following = await page.fetch(uow, query, Operation, limit=limit, cursor=cursor)
        data = [schemas.view(row, uow.now) for row in rows]
        return respond.page(request, OperationPage("list", data, following is not None, following), following)

    @get(
        "/{operation_id:str}",
        operation_id="getOperation",
        summary="Get an operation",
        guards=[requires(Scope.INSTANCES_READ)],
    )
    async def get_operation(
        self,
        operation_id: FromPath[str],
        database: NamedDependency[Database],
        principal: NamedDependency[Principal],
        prefer: Prefer = None,
        if_none_match: IfNoneMatch = None,
    ) -> Response[OperationView]:
        """One operation. With `Prefer: wait=N` the answer comes when it has ended, at the latest after N seconds;
        with `If-None-Match` as well, as soon as anything about it has changed.
        """
        wanted = ids.from_wire(ids.OPERATION, operation_id)
        async with database.begin(principal.tenant) as uow:
            operation = await _mine(uow, principal, wanted)
            now = uow.now
        seconds, headers = service.wait_of(prefer), {}
        if seconds is not None:
            seen = operation.version if if_none_match == respond.etag(operation.version) else None
            operation, now = await service.wait(database, principal.tenant, wanted, seconds, unlike=seen)
            headers["Preference-Applied"] = f"wait={seconds:.0f}"
        if operation.status in service.OPEN:
            headers["Retry-After"] = "2"
        return respond.single(
            schemas.view(operation, now), operation.version, if_none_match=if_none_match, headers=headers
        )

    @post(
        "/{operation_id:str}/cancel",
        operation_id="cancelOperation",
        summary="Cancel a queued operation",
        status_code=200,
        guards=[requires(Scope.INSTANCES_WRITE)],
    )
    async def cancel_operation(
        self,
        operation_id: FromPath[str],
        uow: NamedDependency[UnitOfWork],
        principal: NamedDependency[Principal],
        replay: NamedDependency[Replay],
    ) -> Response[OperationView]:
        """Call off an operation of which nothing has been done yet; one that runs answers 409."""

        async def make() -> Response[OperationView]:
            operation = await _mine(uow, principal, ids.from_wire(ids.OPERATION, operation_id))
            await service.cancel(uow, operation)
            return respond.single(schemas.view(operation, uow.now), operation.version)

        return await replay.once(uow, make)


async def _mine(uow: UnitOfWork, principal: Principal, operation_id: Any) -> Operation:
    operation = await service.find(uow, operation_id, principal.environment)
    if operation.resource_type == "instance" and not principal.may_use(operation.resource_id):
        raise NotFound()
    return operation
