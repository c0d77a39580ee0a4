"""Push: the oldest of a queue goes to the tenant's address until it is taken; those behind it wait.

Sources: GREEN-API page on the webhook endpoint, issues 243 and 313: one POST at a time, success is 200 alone, 180
seconds for an answer, a pause of 60 seconds, then the same again, for 24 hours at most. Whapi help desk on webhooks:
success is 200, a pause that grows by the same step; how long it waits for an answer is not told (read 2026-11-21).
"""

import time
from typing import Final

from app.kit import work
from app.kit.db import SYSTEM, Database, UnitOfWork
from app.kit.egress import Egress, Network, Reply
from app.kit.work import Claim
from app.lines.queues import QUEUES, Queue, Turn

# Upstream waits 180 seconds. A worker must have its answer within its lease, of 60 by default, and keep time to record
# it; and a slot that waits is a slot that does nothing else.
ANSWER_SECONDS: Final = 30.0
LEASE_MARGIN_SECONDS: Final = 4.0
MOST_A_CLAIM: Final = 50
FAILING_AT_ONCE: Final = 5
NO_PLACE_SECONDS: Final = 15.0
TAKEN: Final = 200


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
        """Tell what waits in a queue in order, while it is taken and the lease has time for one more.

        A process that ends between an answer and its record tells the same once more.
        """
        started, queue = time.monotonic(), QUEUES[claim.kind]
        async with self._database.begin(SYSTEM) as uow:
            turn = await self._next(uow, claim, queue)
        told = 0
        while turn is not None:
            reply = await self._tell(turn)
            told += 1
            more = told < MOST_A_CLAIM and time.monotonic() - started < self._begin_seconds
            async with self._database.begin(SYSTEM) as uow:
                turn = await self._record(uow, claim, queue, turn, reply, more=more)

    async def close(self) -> None:
        """Close every connection."""
        await self._egress.close()

    async def _tell(self, turn: Turn) -> Reply:
        is_failing = turn.failures > 0
        self._failing += is_failing
        try:
            return await self._egress.send(turn.verb, turn.url, turn.body, turn.headers)
        finally:
            self._failing -= is_failing

    async def _next(self, uow: UnitOfWork, claim: Claim, queue: Queue) -> Turn | None:
        """The turn of the oldest, or None: then it is settled when there is work again."""
        await work.hold(uow, claim)
        turn = None if claim.tenant_id is None else await queue.first(uow, claim.tenant_id, claim.ref)
        if turn is None:
            await work.settle(uow, claim)
            return None
        pause = turn.pause_seconds
        if not pause and turn.failures and self._failing >= FAILING_AT_ONCE:
            pause = NO_PLACE_SECONDS
        if pause:
            await work.settle(uow, claim, again_seconds=pause)
            return None
        return turn

    async def _record(
        self, uow: UnitOfWork, claim: Claim, queue: Queue, turn: Turn, reply: Reply, *, more: bool
    ) -> Turn | None:
        """Whoever keeps something holds its owner before the work: so it is here."""
        is_taken = reply.status == TAKEN
        held = await queue.hold(uow, turn) if turn.failures or not is_taken else None
        await work.hold(uow, claim)
        again_seconds = 0.0
        if is_taken:
            await queue.drop(uow, turn)
        if held is not None:
            again_seconds = await queue.note(uow, turn, held, is_taken=is_taken)
            await uow.session.flush()
        if is_taken and more:
            return await self._next(uow, claim, queue)
        await work.settle(uow, claim, again_seconds=again_seconds)
        return None
