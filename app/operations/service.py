"""Long work that a client can watch: started by a verb, moved on by the workers, ended once."""

import asyncio
import re
import time
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select
from sqlalchemy.exc import IntegrityError

from app.events import service as events
from app.kit import ids
from app.kit.db import Database, UnitOfWork
from app.kit.errors import Conflict, NotFound
from app.kit.ids import new_id
from app.operations.models import Operation

OPEN: Final = ("queued", "running")
MOST_WAIT_SECONDS: Final = 25.0
WORTH_TELLING: Final = timedelta(seconds=5)
FIRST_LOOK_SECONDS: Final = 0.05
SLOWEST_LOOK_SECONDS: Final = 0.5
WAIT: Final = re.compile(r"(?:^|[,;\s])wait=(\d{1,6})(?:$|[,;\s])")


class OperationInProgress(Conflict):
    """An operation of this kind is under way for this resource."""

    code = "operation_in_progress"
    retryable = True


class NotCancellable(Conflict):
    """Only an operation that is still queued can be cancelled."""

    code = "operation_in_progress"


async def start(
    uow: UnitOfWork,
    *,
    tenant_id: UUID,
    type: str,  # noqa: A002  # the wire's own word
    environment: str,
    resource_type: str,
    resource_id: UUID,
    step: str | None = None,
    input: dict[str, Any] | None = None,  # noqa: A002
) -> Operation:
    """Begin an operation; a resource has one open operation of a type.

    Raises:
        OperationInProgress: with the id of the open one.
    """
    known = await find_open(uow, tenant_id, resource_id, type)
    if known is not None:
        raise _in_progress(known.id)
    operation = Operation(
        tenant_id=tenant_id,
        id=new_id(),
        type=type,
        environment=environment,
        status="queued",
        resource_type=resource_type,
        resource_id=resource_id,
        step=step,
        percent=0,
        attempts=0,
        input=input,
        created_at=uow.now,
        version=1,
    )
    try:
        async with uow.session.begin_nested():
            uow.session.add(operation)
            await uow.session.flush()
    except IntegrityError as violation:
        if "uq_operations_open" not in str(violation.orig):
            raise
        known = await find_open(uow, tenant_id, resource_id, type)
        raise _in_progress(known.id if known else None) from None
    return operation


async def find_open(uow: UnitOfWork, tenant_id: UUID, resource_id: UUID, kind: str) -> Operation | None:
    """The operation of a type that is under way for a resource."""
    query = uow.owned(Operation).where(
        Operation.tenant_id == tenant_id,
        Operation.resource_id == resource_id,
        Operation.type == kind,
        Operation.status.in_(OPEN),
    )
    return (await uow.session.scalars(query)).one_or_none()


async def last(uow: UnitOfWork, tenant_id: UUID, resource_id: UUID, kind: str) -> Operation | None:
    """The newest operation of a type for a resource, whatever became of it."""
    query = uow.owned(Operation).where(
        Operation.tenant_id == tenant_id, Operation.resource_id == resource_id, Operation.type == kind
    )
    found: Operation | None = await uow.session.scalar(query.order_by(Operation.id.desc()).limit(1))
    return found


async def find(
    uow: UnitOfWork, operation_id: UUID, environment: str | None = None, *, tenant_id: UUID | None = None
) -> Operation:
    """An operation of the scope; with an environment or a tenant, only of that one.

    Raises:
        NotFound: it does not exist, or is another tenant's.
    """
    query = uow.owned(Operation).where(Operation.id == operation_id)
    if environment is not None:
        query = query.where(Operation.environment == environment)
    if tenant_id is not None:
        query = query.where(Operation.tenant_id == tenant_id)
    operation = (await uow.session.scalars(query)).one_or_none()
    if operation is None:
        raise NotFound()
    return operation


def listing(
    uow: UnitOfWork, environment: str, *, resource_id: UUID | None = None, status: list[str] | None = None
) -> Select[Operation]:
    """The scope's operations of an environment, narrowed."""
    query = uow.owned(Operation).where(Operation.environment == environment)
    if resource_id is not None:
        query = query.where(Operation.resource_id == resource_id)
    if status:
        query = query.where(Operation.status.in_(status))
    return query


async def progress(
    uow: UnitOfWork, operation: Operation, *, step: str, percent: int, eta_at: datetime | None = None
) -> None:
    """Tell where an open operation is; an ended one stays as it ended."""
    await _lock(uow, operation)
    if operation.status not in OPEN:
        return
    if operation.status == "queued":
        operation.status, operation.started_at = "running", uow.now
    told = (operation.step, operation.percent, operation.eta_at)
    operation.step, operation.percent, operation.eta_at = step, max(percent, operation.percent), eta_at
    if told != (operation.step, operation.percent, operation.eta_at) or operation.version == 1:
        operation.version += 1
    await uow.session.flush()


async def foresee(uow: UnitOfWork, operation: Operation, *, step: str, eta_at: datetime) -> None:
    """Tell of an open operation that nothing is done for it yet and when it will have ended; it stays cancellable."""
    await _lock(uow, operation)
    if operation.status not in OPEN:
        return
    before = operation.eta_at
    if operation.step != step or before is None or abs(eta_at - before) >= WORTH_TELLING:
        operation.step, operation.eta_at = step, eta_at
        operation.version += 1
    await uow.session.flush()


async def succeed(uow: UnitOfWork, operation: Operation, result: dict[str, Any]) -> None:
    """End an operation well."""
    await _end(uow, operation, "succeeded", result=result)


async def fail(uow: UnitOfWork, operation: Operation, code: str, detail: str) -> None:
    """End an operation badly; `code` is one of the public error codes."""
    error = {"code": code, "title": code.replace("_", " ").capitalize(), "detail": detail, "retryable": False}
    await _end(uow, operation, "failed", error=error)


async def cancel(uow: UnitOfWork, operation: Operation, *, forced: bool = False) -> None:
    """Call an operation off before anything was done for it; `forced` is for one that another wish overtook.

    Raises:
        NotCancellable: it has begun or has ended.
    """
    await _lock(uow, operation)
    if operation.status != "queued" and not (forced and operation.status in OPEN):
        raise NotCancellable(extra={"operation_id": ids.to_wire(ids.OPERATION, operation.id)})
    operation.status, operation.finished_at, operation.eta_at = "cancelled", uow.now, None
    operation.version += 1
    await uow.session.flush()


def wait_of(prefer: str | None) -> float | None:
    """The seconds that a `Prefer: wait=…` header asks for, as many as we grant; None when it asks for none."""
    found = WAIT.search(prefer or "")
    return min(float(found[1]), MOST_WAIT_SECONDS) if found else None


async def wait(
    database: Database, tenant_id: UUID, operation_id: UUID, seconds: float, *, unlike: int | None = None
) -> tuple[Operation, datetime]:
    """The operation when it has ended, has another version than `unlike`, or the time is up; and the instant.

    Looks in short transactions; none is open meanwhile.

    Raises:
        NotFound: it does not exist in the tenant.
    """
    ends, pause = time.monotonic() + seconds, FIRST_LOOK_SECONDS
    while True:
        async with database.begin(tenant_id) as uow:
            operation, now = await find(uow, operation_id), uow.now
        left = ends - time.monotonic()
        if operation.status not in OPEN or left <= 0 or (unlike is not None and operation.version != unlike):
            return operation, now
        await asyncio.sleep(min(pause, left))
        pause = min(pause * 1.5, SLOWEST_LOOK_SECONDS)


async def _end(
    uow: UnitOfWork,
    operation: Operation,
    status: str,
    *,
    result: dict[str, Any] | None = None,
    error: dict[str, Any] | None = None,
) -> None:
    await _lock(uow, operation)
    if operation.status not in OPEN:
        return
    operation.status, operation.result, operation.error = status, result, error
    operation.started_at = operation.started_at or uow.now
    operation.finished_at, operation.eta_at = uow.now, None
    if status == "succeeded":
        operation.percent, operation.step = 100, None
    operation.version += 1
    await uow.session.flush()
    is_instance = operation.resource_type == "instance"
    await events.publish(
        uow,
        tenant_id=operation.tenant_id,
        type=f"operation.{status}",
        data={
            "operation_id": ids.to_wire(ids.OPERATION, operation.id),
            "operation_type": operation.type,
            "resource": _resource(operation),
            "result": result,
            "error": error,
        },
        environment=operation.environment,
        instance_id=operation.resource_id if is_instance else None,
    )


async def _lock(uow: UnitOfWork, operation: Operation) -> None:
    """See the row as it is now and hold it, so that an end and a cancellation cannot cross."""
    await uow.session.flush()
    await uow.session.refresh(operation, with_for_update=True)


def _resource(operation: Operation) -> dict[str, str]:
    prefix = {"instance": ids.INSTANCE, "organization": ids.ORGANIZATION}.get(operation.resource_type)
    return {
        "type": operation.resource_type,
        "id": ids.to_wire(prefix, operation.resource_id) if prefix else str(operation.resource_id),
    }


def _in_progress(operation_id: UUID | None) -> OperationInProgress:
    extra = {"operation_id": ids.to_wire(ids.OPERATION, operation_id)} if operation_id else {}
    return OperationInProgress(extra=extra, headers={"Retry-After": "2"})
