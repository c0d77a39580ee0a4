"""What was done, written down in batches: the way of a call is not the place to wait for the disk.

What is waiting is written when the process ends in order. A process that is killed loses the records of its last
moments, never a message: upstream's echo of one without a record becomes its record (`messages.service.adopt`).
"""

import asyncio
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import msgspec
import structlog
from msgspec import Struct
from prometheus_client import Counter

from app.jobs import ResolveMessage
from app.kit import ids
from app.kit.clock import to_wire
from app.kit.db import SYSTEM, TROUBLE, Database, UnitOfWork, is_of_the_values
from app.kit.hot import Statement
from app.kit.ids import new_id
from app.messages import service as messages
from app.messages.view import MessageView, TextView
from app.plans import service as plans

log = structlog.get_logger()

EVERY_SECONDS: Final = 0.05
MOST_AT_ONCE: Final = 1000
MOST_WAITING: Final = 50_000
PAUSE_SECONDS: Final = 1.0
CLOSE_SECONDS: Final = 15.0
WRITE_SECONDS: Final = 30.0
"""A connection whose other end is gone may say nothing for a quarter of an hour."""
RESOLVE_SECONDS: Final = 5.0
LOST: Final = Counter("sublet_records_lost", "Records that could not be written.")

CALLS: Final = Statement(
    """
    insert into gateway_calls (tenant_id, id, instance_id, method, face, outcome, status, duration_ms, called_at)
    select r.tenant_id, r.id, r.instance_id, r.method, r.face, r.outcome, r.status, r.duration_ms,
        cast(:at as timestamptz)
    from jsonb_to_recordset(cast(cast(:rows as text) as jsonb)) as r (tenant_id uuid, id uuid, instance_id uuid,
        method varchar, face varchar, outcome varchar, status int, duration_ms int)
    where not exists (
        select from instances i where i.tenant_id = r.tenant_id and i.id = r.instance_id and i.status = 'deleted'
    )
    order by r.tenant_id, r.id
    on conflict do nothing
    """
)


class CallRecord(Struct, frozen=True, kw_only=True, gc=False):
    """One call that is no message; `status` is upstream's, or 504 when there was none."""

    tenant_id: UUID
    instance_id: UUID
    method: str
    face: str
    outcome: str
    status: int
    duration_ms: int
    id: UUID = msgspec.field(default_factory=new_id)


class SendRecord(Struct, frozen=True, kw_only=True, gc=False):
    """One message; without an upstream id it is not known whether it was taken.

    `holder` is the lease by which it was counted already.
    """

    tenant_id: UUID
    instance_id: UUID
    environment: str
    id: UUID
    kind: str
    chat_id: str
    content: dict[str, Any]
    likeness: str | None
    upstream_message_id: str | None
    client_reference: str | None
    at: datetime
    day_on: date
    month_on: date
    holder: UUID | None = None


Record = CallRecord | SendRecord
Written = tuple[Record, bytes]
"""A record, and the same as JSON."""


def answer_of(record: SendRecord) -> bytes:
    """The answer to a typed send; the same as `app.messages.view.view` of its row."""
    at = to_wire(record.at)
    return msgspec.json.encode(
        MessageView(
            id=ids.to_wire(ids.MESSAGE, record.id),
            instance_id=ids.to_wire(ids.INSTANCE, record.instance_id),
            direction="outbound",
            type=record.kind,
            chat_id=record.chat_id,
            sender=None,
            text=TextView(record.content["text"]),
            content=None,
            status="queued",
            error=None,
            reply_to=None,
            upstream_message_id=record.upstream_message_id,
            client_reference=record.client_reference,
            created_at=at,
            updated_at=at,
        )
    )


class Records:
    """What waits to be written; lives as long as the process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[Written] = []
        self._task: asyncio.Task[None] | None = None
        self._is_closing = False

    @property
    def is_full(self) -> bool:
        """Whether the database has been away so long that nothing more should be taken on without it."""
        return len(self._waiting) >= MOST_WAITING // 2

    def add(self, record: Record) -> None:
        """Write it down soon."""
        # Encoded one by one as they come: a batch at once would hold up everything else for milliseconds.
        try:
            self._waiting.append((record, msgspec.json.encode(record)))
        except ValueError as error:
            _lose(error)
            return
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._write_all())

    async def settle(self) -> None:
        """Wait until everything that is known now is written."""
        while self._task is not None and not self._task.done():
            await asyncio.wait([self._task])

    async def close(self) -> None:
        """Write what is left."""
        self._is_closing = True
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.settle()
        except TimeoutError:
            LOST.inc(len(self._waiting))
            log.error("records_lost", count=len(self._waiting))

    async def _write_all(self) -> None:
        while self._waiting:
            if not self._is_closing:
                await asyncio.sleep(EVERY_SECONDS)
            batch, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
            try:
                await self._write(batch)
            except Exception as error:
                if _passes(error):
                    await self._put_back(batch, error)
                else:
                    await self._write_each(batch)

    async def _write(self, batch: Sequence[Written]) -> None:
        calls = [row for record, row in batch if isinstance(record, CallRecord)]
        sends = [(record, row) for record, row in batch if isinstance(record, SendRecord)]
        async with asyncio.timeout(WRITE_SECONDS), self._database.begin(SYSTEM) as uow:
            if calls:
                await CALLS.first(uow, {"rows": _array(calls), "at": uow.now})
            if sends:
                await _keep(uow, sends)

    async def _write_each(self, batch: Sequence[Written]) -> None:
        """One of them cannot be written, as of an instance that is gone: the others are not lost with it."""
        for place, record in enumerate(batch):
            try:
                await self._write([record])
            except Exception as error:
                if _passes(error):
                    await self._put_back(batch[place:], error)
                    return
                _lose(error)

    async def _put_back(self, batch: Sequence[Written], error: Exception) -> None:
        log.warning("records_not_written", error=type(error).__name__, count=len(batch))
        self._waiting = [*batch, *self._waiting]
        if len(self._waiting) > MOST_WAITING:
            LOST.inc(len(self._waiting) - MOST_WAITING)
            self._waiting = self._waiting[-MOST_WAITING:]
        await asyncio.sleep(PAUSE_SECONDS)


def _passes(error: Exception) -> bool:
    """Whether the same may be written a moment later; what the database cannot hold must not stop the rest."""
    return isinstance(error, TROUBLE) and not is_of_the_values(error)


def _lose(error: Exception) -> None:
    LOST.inc()
    log.warning("record_lost", error=type(error).__name__)


async def _keep(uow: UnitOfWork, sends: Sequence[tuple[SendRecord, bytes]]) -> None:
    """Rows are locked in the order of the ordinary way: message, lease, counters. Nothing is counted twice."""
    told = _array([row for _, row in sends])
    new, in_doubt = await messages.keep_sent(uow, [record for record, _ in sends], told)
    if new is not None:
        told = _array([row for record, row in sends if record.id in new])
    await plans.count_sends(uow, told)
    for tenant_id, message_id in in_doubt:
        uow.defer(ResolveMessage(ref=message_id, tenant_id=tenant_id), after_seconds=RESOLVE_SECONDS)


def _array(rows: Sequence[bytes]) -> str:
    return f"[{b','.join(rows).decode()}]"
