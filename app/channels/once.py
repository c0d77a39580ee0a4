"""`Idempotency-Key` on this face, which Whapi has not: the same key gives the same answer, and nothing is done twice.

The key is claimed before anything is asked, and what was answered is kept. A call whose end is not known keeps its 504;
so does one whose process died, for it may have been done. Files that come with a call are not remembered.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from sqlalchemy.exc import DBAPIError

from app.channels.answer import JSON, Answer, refused
from app.channels.parts import Call
from app.channels.refusals import UNKNOWN
from app.idempotency import service
from app.idempotency.service import HEADER, InFlight, Kept, Use
from app.kit.db import Database

log = structlog.get_logger()

LEASE_SECONDS: Final = 60.0
"""Longer than any call of this face is waited for."""
FINISH_TRIES: Final = 3
READS: Final = ("GET", "HEAD")
FACE: Final = "/whapi"
REPLAYED: Final = ((b"idempotent-replayed", b"true"),)


async def once(database: Database, call: Call, act: Callable[[], Awaitable[Answer]]) -> Answer:
    """The answer of `act`, which raises nothing of its own, or the kept one of the first call with the same key.

    Raises:
        InvalidParameter: 400. KeyReused: 422. InFlight: 409.
    """
    given = call.headers.get(HEADER.lower())
    if given is None or call.file is not None or call.route.verb in READS:
        return await act()
    use = _use(database, call, service.check_key(given))
    async with database.begin(use.tenant_id) as uow:
        known = await service.claim(uow, use, lease_seconds=LEASE_SECONDS)
    if isinstance(known, Kept):
        return Answer(known.status, known.body, JSON, REPLAYED)
    if known is not None:
        if known.leased:
            raise InFlight(headers={"Retry-After": "1"})
        return refused(504, UNKNOWN)
    answer = await act()
    await _settle(database, use, answer)
    return answer


async def _settle(database: Database, use: Use, answer: Answer) -> None:
    """Keep what was done, or may have been; free the key of what was not. Else the lease ends and says 504."""
    is_kept = answer.status < 400 or answer.status == 504
    for left in reversed(range(FINISH_TRIES)):
        try:
            async with database.begin(use.tenant_id) as uow:
                if is_kept:
                    await service.finish(uow, use, Kept(answer.status, {}, answer.body))
                else:
                    await service.release(uow, use)
            return
        except (DBAPIError, OSError, TimeoutError) as error:
            log.warning("answer_not_kept", error=type(error).__name__, tries_left=left)
            await asyncio.sleep(0.05 * (FINISH_TRIES - left))


def _use(database: Database, call: Call, key: str) -> Use:
    params = "|".join(call.params.given.values())
    route = f"{call.route.verb} {FACE}{call.route.path} {call.channel.instance.id}"
    said = b"\n".join((params.encode(), call.query_string, call.raw))
    return Use(call.channel.tenant_id, key, route, database.keyring.fingerprint(said.decode("latin-1")))
