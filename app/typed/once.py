"""`Idempotency-Key` for requests that ask a gateway: claim, ask, finish, with nothing open while it is asked.

Until it is finished a second request is told that the first is under way. A process that dies in between leaves a key
that says no more when its lease is over: then nothing is asked again, for it may have been done, and the key answers
504; only where asking twice does no harm the next request takes the key over.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
import structlog
from litestar import Request, Response
from sqlalchemy.exc import DBAPIError

from app.accounts.principal import Principal
from app.gateway.catalogue import Retry
from app.gateway.endings import CallOutcomeNotKnown
from app.idempotency import service
from app.idempotency.once import KEPT_HEADERS, use_of
from app.idempotency.service import HEADER, InFlight, Kept, Use
from app.kit import problem
from app.kit.db import Database, UnitOfWork
from app.kit.errors import AppError

log = structlog.get_logger()

LEASE_SECONDS: Final = 60.0
"""Longer than any call with its waiting and its second try may take."""
FINISH_TRIES: Final = 3
Reply = Response[Any]
AnyRequest = Request[Any, Any, Any]


async def once(
    request: AnyRequest,
    database: Database,
    principal: Principal,
    retry: Retry,
    act: Callable[[], Awaitable[Reply]],
) -> Reply:
    """The answer of `act`, or the kept one of the first request with the same key; without a key there is no keeping.

    Raises:
        KeyReused: 422. InFlight: 409. CallOutcomeNotKnown: the first one's end is not known. AppError: of `act`.
    """
    given = request.headers.get(HEADER)
    if given is None:
        return await act()
    use = await use_of(request, principal, service.check_key(given))
    async with database.begin(principal.tenant) as uow:
        known = await _claim(uow, use, retry)
    if known is not None:
        return _replayed(known)
    try:
        reply = await act()
    except AppError as error:
        await _settle(database, use, _kept_refusal(request, error))
        raise
    await _settle(database, use, _kept(reply))
    return reply


async def _claim(uow: UnitOfWork, use: Use, retry: Retry) -> Kept | None:
    """None when the key is ours now, else the answer that was kept."""
    known = await service.claim(uow, use, lease_seconds=LEASE_SECONDS)
    if known is None or isinstance(known, Kept):
        return known
    if known.leased:
        raise InFlight(headers={"Retry-After": "1"})
    if retry is Retry.AMBIGUOUS:
        raise CallOutcomeNotKnown("Ask again with another key, if it was not done.")
    await service.release(uow, use)
    again = await service.claim(uow, use, lease_seconds=LEASE_SECONDS)
    if again is None or isinstance(again, Kept):
        return again
    raise InFlight(headers={"Retry-After": "1"})


async def _settle(database: Database, use: Use, kept: Kept | None) -> None:
    """Keep the answer, or free the key. What cannot be written down leaves the key to its lease."""
    for left in reversed(range(FINISH_TRIES)):
        try:
            async with database.begin(use.tenant_id) as uow:
                if kept is None:
                    await service.release(uow, use)
                else:
                    await service.finish(uow, use, kept)
            return
        except (DBAPIError, OSError, TimeoutError) as error:
            log.warning("answer_not_kept", error=type(error).__name__, tries_left=left)
            await asyncio.sleep(0.05 * (FINISH_TRIES - left))


def _kept(reply: Reply) -> Kept:
    body = b"" if reply.content is None else msgspec.json.encode(reply.content)
    headers = {name: value for name, value in reply.headers.items() if name.lower() in KEPT_HEADERS}
    return Kept(reply.status_code or 200, headers, body)


def _kept_refusal(request: AnyRequest, error: AppError) -> Kept | None:
    """What the key answers from now on; None where nothing was done and another try may go well."""
    if isinstance(error, CallOutcomeNotKnown) or (error.status == 502 and not error.retryable):
        return Kept(error.status, {}, problem.on_app_error(request, error).content)
    return None


def _replayed(kept: Kept) -> Reply:
    headers = {**kept.headers, "Idempotent-Replayed": "true"}
    if kept.status == 204:
        return Response(None, status_code=204, headers=headers)
    media_type = problem.PROBLEM_JSON if kept.status >= 400 else "application/json"
    return Response(kept.body, status_code=kept.status, headers=headers, media_type=media_type)
