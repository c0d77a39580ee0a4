"""Push: a line's oldest notification goes to the tenant's address until it is taken; those behind it wait.

Sources: GREEN-API page on the webhook endpoint, issues 243 and 313: one POST at a time, success is 200 alone, 180
seconds for an answer, a pause of 60 seconds, then the same again, for 24 hours at most (read 2026-11-21).
"""

import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import UUID

from app.kit import work
from app.kit.db import SYSTEM, Database, UnitOfWork
from app.kit.egress import Egress, Network, Reply
from app.kit.work import Claim
from app.lines import service, store, switches
from app.lines.models import KeptNotice, Line
from app.lines.service import PAUSE_SECONDS

# Upstream waits 180 seconds. A worker must have its answer within its lease, of 60 by default, and keep time to record
# it; and a slot that waits is a slot that does nothing else.
ANSWER_SECONDS: Final = 30.0
LEASE_MARGIN_SECONDS: Final = 4.0
MOST_A_CLAIM: Final = 50
FAILING_AT_ONCE: Final = 5
NO_PLACE_SECONDS: Final = 15.0
TAKEN: Final = 200


@dataclass(frozen=True)
class Turn:
    """One notification on its way; `version` is the line's, by which a change of its settings is seen."""

    tenant_id: UUID
    instance_id: UUID
    receipt: int
    version: int
    failures: int
    url: str
    body: bytes
    headers: dict[str, str] = field(repr=False)


def answer_seconds(lease_seconds: float) -> float:
    """How long a tenant's server may take."""
    return min(ANSWER_SECONDS, (lease_seconds - LEASE_MARGIN_SECONDS) * 0.55)


class Pusher:
    """Tells notifications; no transaction is open while a tenant's server is asked.

    Addresses that failed before get a few places of a process at a time, so that slow ones do not take every slot.
    """

    def __init__(self, database: Database, allowed: tuple[Network, ...], *, lease_seconds: float) -> None:
        self._database = database
        self._egress = Egress(allowed, total_seconds=answer_seconds(lease_seconds))
        self._begin_seconds = (lease_seconds - LEASE_MARGIN_SECONDS) * 0.35
        self._failing = 0

    async def push(self, claim: Claim) -> None:
        """Tell a line's notifications in order, while they are taken and the lease has time for one more.

        A process that ends between an answer and its record tells the same notification again.
        """
        started = time.monotonic()
        async with self._database.begin(SYSTEM) as uow:
            turn = await self._next(uow, claim)
        told = 0
        while turn is not None:
            reply = await self._tell(turn)
            told += 1
            more = told < MOST_A_CLAIM and time.monotonic() - started < self._begin_seconds
            async with self._database.begin(SYSTEM) as uow:
                turn = await self._record(uow, claim, turn, reply, more=more)

    async def close(self) -> None:
        """Close every connection."""
        await self._egress.close()

    async def _tell(self, turn: Turn) -> Reply:
        is_failing = turn.failures > 0
        self._failing += is_failing
        try:
            return await self._egress.post(turn.url, turn.body, turn.headers)
        finally:
            self._failing -= is_failing

    async def _next(self, uow: UnitOfWork, claim: Claim) -> Turn | None:
        """The turn of the oldest notification, or None: then it is settled when there is work again."""
        await work.hold(uow, claim)
        line = None if claim.tenant_id is None else await store.pushable(uow, claim.tenant_id, claim.ref)
        notice = None if line is None else await service.next_notice(uow, line)
        if line is None or notice is None:
            await work.settle(uow, claim)
            return None
        pause = PAUSE_SECONDS if await service.is_withheld(uow, line) else service.pause_seconds(line, uow.now)
        if not pause and line.push_failures and self._failing >= FAILING_AT_ONCE:
            pause = NO_PLACE_SECONDS
        if pause:
            await work.settle(uow, claim, again_seconds=pause)
            return None
        return await _turn(uow, line, notice)

    async def _record(self, uow: UnitOfWork, claim: Claim, turn: Turn, reply: Reply, *, more: bool) -> Turn | None:
        """Whoever keeps a notification holds the line before the work: so it is here."""
        is_taken = reply.status == TAKEN
        line = None
        if turn.failures or not is_taken:
            line = await store.lock(uow, turn.tenant_id, turn.instance_id)
        await work.hold(uow, claim)
        again_seconds = 0.0
        if is_taken:
            await store.drop(uow, turn.tenant_id, turn.instance_id, turn.receipt)
        if line is not None and line.version == turn.version:
            line.push_failures = 0 if is_taken else line.push_failures + 1
            line.push_at = None if is_taken else uow.now + timedelta(seconds=PAUSE_SECONDS)
            again_seconds = 0.0 if is_taken else PAUSE_SECONDS
            await uow.session.flush()
        if is_taken and more:
            return await self._next(uow, claim)
        await work.settle(uow, claim, again_seconds=again_seconds)
        return None


async def _turn(uow: UnitOfWork, line: Line, notice: KeptNotice) -> Turn:
    headers = {
        "Content-Type": "application/json",
        "webhook-id": f"{line.number}-{notice.receipt}",
        "webhook-timestamp": str(int(uow.now.timestamp())),
    }
    authorization = switches.authorization(await service.webhook_token(uow, line))
    if authorization is not None:
        headers["Authorization"] = authorization
    return Turn(
        line.tenant_id,
        line.instance_id,
        notice.receipt,
        line.version,
        line.push_failures,
        line.webhook_url,
        notice.body.encode(),
        headers,
    )
