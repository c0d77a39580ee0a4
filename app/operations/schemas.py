"""Operations on the wire."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct

from app.kit import ids
from app.kit.clock import to_wire
from app.kit.wire import Timestamp
from app.operations.models import Operation

KEPT: Final = timedelta(days=30)


class ResourceRef(Struct):
    """What an operation is about."""

    type: Annotated[str, Meta(description="The kind of resource.", examples=["instance"])]
    id: Annotated[str, Meta(examples=["inst_01m7zpzh3pekgt8zb1y8xg42jx"])]


class OperationProgress(Struct):
    """How far an operation is."""

    percent: Annotated[int, Meta(ge=0, le=100)]
    step: Annotated[str | None, Meta(description="The step under way.", examples=["waiting_for_upstream"])]
    eta_seconds: Annotated[int | None, Meta(description="About how long it will take yet; null if unknown.")]


class OperationError(Struct, omit_defaults=True):
    """Why an operation failed, in the words of a problem document."""

    code: Annotated[str, Meta(examples=["upstream_error"])]
    title: str
    detail: str
    retryable: bool = False


class OperationView(Struct):
    """Long work. `status` is one of queued, running, succeeded, failed, cancelled; the last three are final."""

    id: Annotated[str, Meta(pattern=ids.pattern(ids.OPERATION), examples=["op_01m7zpzh3pekgt8zb1y8xg42jx"])]
    object: Literal["operation"]
    type: Annotated[str, Meta(description="What is being done.", examples=["instance.provision"])]
    status: Annotated[
        str, Meta(description="One of queued, running, succeeded, failed, cancelled.", examples=["running"])
    ]
    environment: Annotated[str, Meta(description="test or live.", examples=["test"])]
    resource: ResourceRef
    progress: OperationProgress
    result: Annotated[
        dict[str, Any] | None, Meta(description="What came of it, by the type of operation; null until it succeeded.")
    ]
    error: OperationError | None
    attempts: Annotated[int, Meta(description="How often the deciding step was tried.")]
    created_at: Timestamp
    started_at: Timestamp | None
    finished_at: Timestamp | None
    expires_at: Annotated[Timestamp | None, Meta(description="When a finished operation is forgotten.")]


class OperationPage(Struct):
    """A page of operations, newest first."""

    object: Literal["list"]
    data: list[OperationView]
    has_more: bool
    next_cursor: str | None


def view(operation: Operation, now: datetime) -> OperationView:
    """An operation as its owner sees it."""
    error = operation.error
    prefix = {"instance": ids.INSTANCE, "organization": ids.ORGANIZATION}.get(operation.resource_type)
    resource_id = ids.to_wire(prefix, operation.resource_id) if prefix else str(operation.resource_id)
    return OperationView(
        id=ids.to_wire(ids.OPERATION, operation.id),
        object="operation",
        type=operation.type,
        status=operation.status,
        environment=operation.environment,
        resource=ResourceRef(operation.resource_type, resource_id),
        progress=OperationProgress(operation.percent, operation.step, _eta_seconds(operation, now)),
        result=operation.result,
        error=OperationError(error["code"], error["title"], error["detail"]) if error else None,
        attempts=operation.attempts,
        created_at=to_wire(operation.created_at),
        started_at=_instant(operation.started_at),
        finished_at=_instant(operation.finished_at),
        expires_at=_instant(operation.finished_at + KEPT if operation.finished_at else None),
    )


def _eta_seconds(operation: Operation, now: datetime) -> int | None:
    if operation.eta_at is None or operation.finished_at is not None:
        return None
    return max(0, round((operation.eta_at - now).total_seconds()))


def _instant(value: datetime | None) -> str | None:
    return None if value is None else to_wire(value)
