"""Routes of instances: ask for one, look at it, change its label, close and open its gate, let it go."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromHeader, FromPath, FromQuery, HeaderParameter, JSONBody, QueryParameter
from msgspec import UNSET

from app.accounts.auth import requires
from app.accounts.principal import InstanceNotAllowed, Principal
from app.accounts.scopes import Scope
from app.idempotency.once import Replay
from app.instances import creation, schemas, service, watching
from app.instances.models import Instance
from app.instances.options import Options
from app.instances.schemas import InstanceCreate, InstancePage, InstanceState, InstanceUpdate, InstanceView
from app.instances.trips import Tools
from app.kit import ids, page, respond
from app.kit.db import Database, UnitOfWork
from app.kit.respond import IfMatch, IfNoneMatch, Limit, PageCursor
from app.kit.wire import merge_metadata
from app.operations import schemas as operation_schemas
from app.operations import service as operations
from app.operations.models import Operation
from app.operations.schemas import OperationView
from app.plans import service as plans
from app.providers.registry import Registry
from app.suppliers import service as suppliers

READ = [requires(Scope.INSTANCES_READ)]
WRITE = [requires(Scope.INSTANCES_WRITE)]
FRESH_SECONDS = 2.0
Prefer = Annotated[
    str | None,
    HeaderParameter(
        name="Prefer", max_length=200, description="`wait=N` holds the answer until it is done, N seconds at most (25)."
    ),
]
Statuses = Annotated[
    list[str] | None,
    QueryParameter(
        name="status",
        max_length=20,
        max_items=10,
        description="Only these: queued, provisioning, active, suspended, deleting, deleted, failed; repeat for more."
        " Deleted ones are shown only when asked for.",
    ),
]
Text = Annotated[str | None, QueryParameter(name="q", min_length=1, max_length=60, description="Part of the name.")]
Refresh = Annotated[bool, QueryParameter(description="Ask upstream first, unless that was done in the last 2 seconds.")]


class InstanceController(Controller):
    """The leased WhatsApp accounts."""

    path = "/v1/instances"
    tags = ["Instances"]  # noqa: RUF012  # Litestar reads it from the class

    @post("/", operation_id="createInstance", summary="Create an instance", status_code=202, guards=WRITE)
    async def create_instance(
        self,
        database: NamedDependency[Database],
        registry: NamedDependency[Registry],
        instance_options: NamedDependency[Options],
        principal: NamedDependency[Principal],
        replay: NamedDependency[Replay],
        data: JSONBody[InstanceCreate],
        prefer: FromHeader[Prefer] = None,
    ) -> Response[OperationView]:
        """Ask for an instance in the environment of the key: test or live.

        The answer is an operation; `X-Instance-Id` names the instance, which exists from now on with status `queued`.
        Send an `Idempotency-Key`, so that a repeated request makes no second one. When the operation has succeeded,
        link a phone with `startPairing`.
        """
        if principal.instance_ids is not None:
            raise InstanceNotAllowed()
        made: list[Operation] = []
        async with database.begin(principal.tenant) as uow:

            async def make() -> Response[OperationView]:
                name = await creation.choose(database, registry, principal.environment, data.provider)
                instance, operation = await service.request_instance(
                    uow,
                    tenant_id=principal.tenant,
                    environment=principal.environment,
                    name=data.name,
                    provider=name,
                    metadata=dict(data.metadata),
                    options=instance_options,
                    is_ours_to_choose=data.provider == suppliers.AUTO,
                )
                made.append(operation)
                return _accepted(uow, operation, instance)

            answer = await replay.once(uow, make)
        return await _waited(database, principal, answer, made, prefer)

    @get("/", operation_id="listInstances", summary="List instances", guards=READ)
    async def list_instances(
        self,
        request: Request[Any, Any, Any],
        uow: NamedDependency[UnitOfWork],
        principal: NamedDependency[Principal],
        status: FromQuery[Statuses] = None,
        q: FromQuery[Text] = None,
        cursor: FromQuery[PageCursor] = None,
        limit: FromQuery[Limit] = respond.DEFAULT_LIMIT,
    ) -> Response[InstancePage]:
        """Instances of the key's environment, newest first."""
        query = service.listing(uow, principal, status=status or (), text=q)
        rows, following = await page.fetch(uow, query, Instance, limit=limit, cursor=cursor)
        access = await plans.access(uow, principal.tenant, [row.id for row in rows])
        data = [schemas.view(row, access.get(row.id)) for row in rows]
        return respond.page(request, InstancePage("list", data, following is not None, following), following)

    @get("/{instance_id:str}", operation_id="getInstance", summary="Get an instance", guards=READ)
    async def get_instance(
        self,
        instance_id: FromPath[str],
        uow: NamedDependency[UnitOfWork],
        principal: NamedDependency[Principal],
        if_none_match: FromHeader[IfNoneMatch] = None,
    ) -> Response[InstanceView]:
        """One instance: how far it is, whether a phone is linked, and whether it may send now."""
        instance = await _mine(uow, principal, instance_id)
        return respond.single(await _view(uow, instance), instance.version, if_none_match=if_none_match)

    @patch("/{instance_id:str}", operation_id="updateInstance", summary="Update an instance", guards=WRITE)
    async def update_instance(
        self,
        instance_id: FromPath[str],
        uow: NamedDependency[UnitOfWork],
        principal: NamedDependency[Principal],
        data: JSONBody[InstanceUpdate],
        if_match: FromHeader[IfMatch] = None,
    ) -> Response[InstanceView]:
        """Rename an instance or merge its metadata; what is left out stays."""
        instance = await _mine(uow, principal, instance_id)
        await service.hold(uow, instance)
        respond.check_match(if_match, instance.version)
        name = None if data.name is UNSET else data.name
        metadata = None if data.metadata is UNSET else merge_metadata(instance.details, data.metadata)
        await service.update(uow, instance, name=name, metadata=metadata)
        return respond.single(await _view(uow, instance), instance.version)

    @delete(
        "/{instance_id:str}",
        operation_id="deleteInstance",
        summary="Delete an instance",
        status_code=202,
        guards=WRITE,
    )
    async def delete_instance(
        self,
        instance_id: FromPath[str],
        database: NamedDependency[Database],
        principal: NamedDependency[Principal],
        prefer: FromHeader[Prefer] = None,
        if_match: FromHeader[IfMatch] = None,
    ) -> Response[OperationView]:
        """Let an instance go for good. Its gate closes at once; then the phone is logged out, the queues are cleared,
        the upstream account is deleted and seen to be gone, unused days are given back and its data is erased.

        The operation's result is the receipt.
        """
        async with database.begin(principal.tenant) as uow:
            instance = await _mine(uow, principal, instance_id)
            await service.hold(uow, instance)
            respond.check_match(if_match, instance.version)
            operation = await service.request_deletion(uow, instance)
            answer = _accepted(uow, operation, instance)
        return await _waited(database, principal, answer, [operation], prefer)

    @post(
        "/{instance_id:str}/suspend",
        operation_id="suspendInstance",
        summary="Suspend an instance",
        status_code=202,
        guards=WRITE,
    )
    async def suspend_instance(
        self,
        instance_id: FromPath[str],
        uow: NamedDependency[UnitOfWork],
        principal: NamedDependency[Principal],
        replay: NamedDependency[Replay],
    ) -> Response[OperationView]:
        """Close the gate of an instance; it stays linked and keeps receiving. Takes effect at once."""
        return await _asked(uow, principal, replay, instance_id, service.suspend)

    @post(
        "/{instance_id:str}/resume",
        operation_id="resumeInstance",
        summary="Resume an instance",
        status_code=202,
        guards=WRITE,
    )
    async def resume_instance(
        self,
        instance_id: FromPath[str],
        uow: NamedDependency[UnitOfWork],
        principal: NamedDependency[Principal],
        replay: NamedDependency[Replay],
    ) -> Response[OperationView]:
        """Open the gate again; what the operator suspended only the operator resumes."""
        return await _asked(uow, principal, replay, instance_id, service.resume)

    @post(
        "/{instance_id:str}/reboot",
        operation_id="rebootInstance",
        summary="Reboot an instance",
        status_code=202,
        guards=WRITE,
    )
    async def reboot_instance(
        self,
        instance_id: FromPath[str],
        uow: NamedDependency[UnitOfWork],
        principal: NamedDependency[Principal],
        replay: NamedDependency[Replay],
    ) -> Response[OperationView]:
        """Restart the upstream account, which takes up to five minutes; a linked phone stays linked."""
        return await _asked(uow, principal, replay, instance_id, partial(service.command, kind="reboot"))

    @post(
        "/{instance_id:str}/logout",
        operation_id="logoutInstance",
        summary="Log out an instance",
        status_code=202,
        guards=WRITE,
    )
    async def logout_instance(
        self,
        instance_id: FromPath[str],
        uow: NamedDependency[UnitOfWork],
        principal: NamedDependency[Principal],
        replay: NamedDependency[Replay],
    ) -> Response[OperationView]:
        """Unlink the phone; another can be linked then."""
        return await _asked(uow, principal, replay, instance_id, partial(service.command, kind="logout"))

    @get("/{instance_id:str}/state", operation_id="getInstanceState", summary="Get an instance's state", guards=READ)
    async def get_state(
        self,
        instance_id: FromPath[str],
        database: NamedDependency[Database],
        registry: NamedDependency[Registry],
        instance_options: NamedDependency[Options],
        principal: NamedDependency[Principal],
        refresh: FromQuery[Refresh] = False,
        if_none_match: FromHeader[IfNoneMatch] = None,
    ) -> Response[InstanceState]:
        """What is known of the connection; cheap, so ask as often as you like with `If-None-Match`."""
        async with database.begin(principal.tenant) as uow:
            instance = await _mine(uow, principal, instance_id)
            checked_at = instance.state_checked_at
            stale = checked_at is None or (uow.now - checked_at).total_seconds() >= FRESH_SECONDS
            if refresh and stale and instance.status == "active":
                await plans.reserve_call(uow, instance.tenant_id, instance.id)
        if refresh and stale:
            await watching.watch(Tools(database, instance_options), registry, instance.tenant_id, instance.id)
            async with database.begin(principal.tenant) as uow:
                instance = await service.find(uow, instance.id, principal)
        return respond.single(schemas.state(instance), instance.version, if_none_match=if_none_match)


async def _asked(
    uow: UnitOfWork,
    principal: Principal,
    replay: Replay,
    instance_id: str,
    verb: Callable[[UnitOfWork, Instance], Awaitable[Operation]],
) -> Response[OperationView]:
    """Ask one thing of an instance, once for each `Idempotency-Key`; the answer is its operation."""

    async def make() -> Response[OperationView]:
        instance = await _mine(uow, principal, instance_id)
        return _accepted(uow, await verb(uow, instance), instance)

    return await replay.once(uow, make)


async def _mine(uow: UnitOfWork, principal: Principal, instance_id: str) -> Instance:
    wanted: UUID = ids.from_wire(ids.INSTANCE, instance_id)
    return await service.find(uow, wanted, principal)


async def _view(uow: UnitOfWork, instance: Instance) -> InstanceView:
    access = await plans.access(uow, instance.tenant_id, [instance.id])
    return schemas.view(instance, access.get(instance.id))


def _accepted(uow: UnitOfWork, operation: Operation, instance: Instance) -> Response[OperationView]:
    content = operation_schemas.view(operation, uow.now)
    headers = {
        "Location": f"/v1/operations/{content.id}",
        "Retry-After": "2",
        "X-Instance-Id": ids.to_wire(ids.INSTANCE, instance.id),
    }
    return Response(content, status_code=202, headers=headers)


async def _waited(
    database: Database, principal: Principal, answer: Response[Any], made: list[Operation], prefer: str | None
) -> Response[Any]:
    """The answer, after as long as the caller wants to wait for the end of what it began."""
    seconds = operations.wait_of(prefer)
    if seconds is None or not made:
        return answer
    operation, now = await operations.wait(database, principal.tenant, made[0].id, seconds)
    headers = {**answer.headers, "Preference-Applied": f"wait={seconds:.0f}"}
    return Response(operation_schemas.view(operation, now), status_code=202, headers=headers)
