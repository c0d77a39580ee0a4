"""Where gateways tell us what happened. Only 200 means that it is ours now, and only a commit makes it so."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import structlog
from litestar import Request, Response, post
from litestar.di import NamedDependency
from litestar.exceptions import ClientException
from litestar.params import FromPath
from prometheus_client import Counter
from sqlalchemy.exc import DBAPIError

from app.inbound import service
from app.inbound.service import Body
from app.instances.options import Options
from app.kit import ids
from app.kit.db import SYSTEM, Database
from app.kit.errors import AppError, NotFound, Unauthenticated
from app.providers.registry import Registry

log = structlog.get_logger()

KEPT_BYTES: Final = 1024 * 1024
READ_BYTES: Final = 8 * 1024 * 1024
READ_SECONDS: Final = 10.0
BUDGET_SECONDS: Final = 2.0
STORE_SECONDS: Final = 10.0
PORTION: Final = 20
ADMITTED: Final[dict[tuple[UUID, bytes], float]] = {}
ADMITTED_SECONDS: Final = 30.0
MOST_ADMITTED: Final = 10_000
POISON: Final = (AppError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)
NOTICES: Final = Counter("sublet_notices", "Notifications of gateways by how we answered.", ["answer"])


@post(
    "/hooks/{hook:str}/{instance_id:str}",
    status_code=200,
    include_in_schema=False,
    opt={"public": True},
    request_max_body_size=READ_BYTES,
)
async def take_notice(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    registry: NamedDependency[Registry],
    instance_options: NamedDependency[Options],
    instance_id: FromPath[str],
) -> Response[bytes]:
    """Take one notification: authenticated before its body is read, kept before it is answered.

    The token says who speaks; the gateway's word in the address keeps the addresses of its accounts as they ever were.
    """
    keeper = Keeper(database, registry, instance_options.public_url)
    status = await _take(request, keeper, instance_id)
    NOTICES.labels(str(status)).inc()
    return Response(b"{}" if status == 200 else b"", status_code=status, media_type="application/json")


@dataclass(frozen=True)
class Keeper:
    """What it takes to keep a notification."""

    database: Database
    registry: Registry
    public_url: str


async def _take(request: Request[Any, Any, Any], keeper: Keeper, instance_id: str) -> int:
    try:
        instance = ids.from_wire(ids.INSTANCE, instance_id)
    except NotFound:
        return 404
    try:
        fingerprint = _fingerprint(request, keeper.database)
        refusal = await _refusal(request, keeper.database, instance, fingerprint)
        if refusal is not None:
            return refusal
        async with asyncio.timeout(READ_SECONDS):
            body = await _read(request)
        async with asyncio.timeout(STORE_SECONDS):
            await _store(keeper, instance, fingerprint, body)
    except Unauthenticated:
        return 401
    except ClientException as error:
        return error.status_code
    except Exception as error:
        log.warning("notice_refused", error=type(error).__name__)
        return 503
    return 200


def _fingerprint(request: Request[Any, Any, Any], database: Database) -> bytes:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return database.keyring.fingerprint(token if scheme.lower() == "bearer" else "")


async def _refusal(
    request: Request[Any, Any, Any], database: Database, instance_id: UUID, fingerprint: bytes
) -> int | None:
    """Why not to read the body. Who was admitted a moment ago is let in unasked: `take` compares once more."""
    key = (instance_id, fingerprint)
    if ADMITTED.get(key, 0.0) < time.monotonic():
        async with asyncio.timeout(BUDGET_SECONDS), database.begin(SYSTEM) as uow:
            may_speak = await service.may_speak(uow, instance_id, fingerprint)
        if may_speak is None:
            return 404
        if not may_speak:
            log.warning("hook_refused", instance=str(instance_id))
            return 401
        if len(ADMITTED) >= MOST_ADMITTED:
            ADMITTED.clear()
        ADMITTED[key] = time.monotonic() + ADMITTED_SECONDS
    if request.content_type[0] != "application/json":
        return 415
    return None


async def _read(request: Request[Any, Any, Any]) -> Body:
    """The body, of which no more than 1 MiB is kept: a larger one is passed over, lest it block all after it."""
    kept, size = bytearray(), 0
    async for chunk in request.stream():
        size += len(chunk)
        kept += chunk[: KEPT_BYTES - len(kept)]
    return Body(bytes(kept), whole=size <= KEPT_BYTES)


async def _store(keeper: Keeper, instance_id: UUID, fingerprint: bytes, body: Body) -> None:
    """Keep all that it tells, a portion in a transaction: what is kept when time is up need not be done again."""
    left = [body]
    while left:
        portion, left = left[:PORTION], left[PORTION:]
        left = [*await _portion(keeper, instance_id, fingerprint, portion), *left]


async def _portion(keeper: Keeper, instance_id: UUID, fingerprint: bytes, bodies: list[Body]) -> list[Body]:
    """What is left to be taken; one that cannot be dealt with takes no other with it."""
    try:
        async with asyncio.timeout(BUDGET_SECONDS), keeper.database.begin(SYSTEM) as uow:
            public_url = keeper.public_url
            return await service.take(uow, keeper.registry, instance_id, fingerprint, bodies, public_url=public_url)
    except Unauthenticated:
        raise
    except Exception as error:
        if not _is_poison(error):
            raise
        log.error("notice_failed", error=type(error).__name__, exc_info=error)
    if len(bodies) > 1:
        return [left for body in bodies for left in await _portion(keeper, instance_id, fingerprint, [body])]
    async with asyncio.timeout(BUDGET_SECONDS), keeper.database.begin(SYSTEM) as uow:
        await service.quarantine(uow, instance_id, bodies[0])
    return []


def _is_poison(error: Exception) -> bool:
    """Whether the same notification would fail again for ever, as opposed to a database that is away or busy."""
    if isinstance(error, DBAPIError):
        return str(getattr(error.orig, "sqlstate", "") or "").startswith("22") or "DataError" in str(type(error.orig))
    return isinstance(error, POISON)
