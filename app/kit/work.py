"""Durable work: a row in PostgreSQL is the truth, arq only rings the bell (docs/decisions/0005).

A row is due, leased, or dead. The lease gives one worker at a time; its token fences the record step: whoever lost
the lease cannot write a result. Ringing for work that is already waiting moves it forward; ringing while it runs
marks it to run again. Work that is done leaves no row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Index, delete, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base, Deferrable, Ring, UnitOfWork
from app.kit.ids import new_id

RUNG_SECONDS: Final = 1.0


class Work(Base):
    """One thing to do about one row; `rung` asks for another round after the running one."""

    __tablename__ = "work"
    __table_args__ = (
        Index("uq_work_kind_ref", "kind", "ref", unique=True, postgresql_where=text("dead_at is null")),
        Index("ix_work_due", "run_at", postgresql_where=text("dead_at is null")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    ref: Mapped[UUID]
    tenant_id: Mapped[UUID | None]
    run_at: Mapped[datetime]
    attempt: Mapped[int] = mapped_column(default=0)
    rung: Mapped[bool] = mapped_column(default=False)
    lease_token: Mapped[UUID | None]
    lease_until: Mapped[datetime | None]
    dead_at: Mapped[datetime | None]
    last_error: Mapped[str | None]


@dataclass(frozen=True)
class Claim:
    """The right to do one piece of work until the lease ends; `attempt` counts from 1."""

    id: UUID
    kind: str
    ref: UUID
    tenant_id: UUID | None
    attempt: int
    token: UUID


class LeaseLost(RuntimeError):
    """Another worker has taken this work over; nothing of this round may be recorded."""


async def record(uow: UnitOfWork) -> None:
    """Write the deferred jobs of a unit of work and note which bells to ring after its commit."""
    wanted: dict[tuple[str, UUID], tuple[UUID | None, datetime]] = {}
    for job, run_at in uow.deferred:
        key = (job.kind, job.ref)
        wanted[key] = (job.tenant_id, min(run_at, wanted[key][1]) if key in wanted else run_at)
    rows = [
        {
            "id": new_id(),
            "kind": kind,
            "ref": ref,
            "tenant_id": tenant_id,
            "run_at": run_at,
            "attempt": 0,
            "rung": False,
        }
        for (kind, ref), (tenant_id, run_at) in sorted(wanted.items())
    ]
    statement = insert(Work).values(rows)
    statement = statement.on_conflict_do_update(
        index_elements=[Work.kind, Work.ref],
        index_where=Work.dead_at.is_(None),
        set_={"run_at": func.least(Work.run_at, statement.excluded.run_at), "rung": True},
    )
    result = await uow.session.execute(statement.returning(Work.id, Work.run_at, Work.attempt))
    for row in result:
        _ring(uow, row.id, row.run_at, row.attempt)


async def claim(uow: UnitOfWork, work_id: UUID, lease_seconds: float) -> Claim | None:
    """Take the lease on a due piece of work, or None when it is done, not due yet or in other hands."""
    token = uuid4()
    result = await uow.session.execute(
        update(Work)
        .where(Work.id == work_id, Work.dead_at.is_(None), Work.run_at <= uow.now, _free(uow))
        .values(
            lease_token=token,
            lease_until=uow.now + timedelta(seconds=lease_seconds),
            attempt=Work.attempt + 1,
            rung=False,
        )
        .returning(Work.kind, Work.ref, Work.tenant_id, Work.attempt)
    )
    row = result.one_or_none()
    return Claim(work_id, row.kind, row.ref, row.tenant_id, row.attempt, token) if row else None


async def hold(uow: UnitOfWork, mine: Claim) -> bool:
    """Lock the lease for the rest of this transaction, before anything of the round is recorded; was it rung again?

    Raises:
        LeaseLost: it was taken over.
    """
    rung: bool | None = await uow.session.scalar(
        select(Work.rung).where(Work.id == mine.id, Work.lease_token == mine.token).with_for_update()
    )
    if rung is None:
        raise LeaseLost(f"{mine.kind} {mine.ref}")
    return rung


async def settle(uow: UnitOfWork, mine: Claim, *, again_seconds: float | None = None) -> None:
    """End this round: the work is done, or is due again after some seconds with its attempts counted from zero.

    Raises:
        LeaseLost: it was taken over; the caller's transaction must roll back.
    """
    rung = await hold(uow, mine)
    if again_seconds is None and not rung:
        await uow.session.execute(delete(Work).where(Work.id == mine.id))
        return
    wait = 0.0 if rung else again_seconds or 0.0
    await _release(uow, mine, uow.now + timedelta(seconds=wait), attempt=0, error=None)


async def retry(uow: UnitOfWork, mine: Claim, *, after_seconds: float | None, error: str) -> None:
    """End a failed round: due again later, or dead when there is no further try; soon, if it was rung meanwhile.

    Raises:
        LeaseLost: it was taken over.
    """
    rung = await hold(uow, mine)
    if after_seconds is None:
        await uow.session.execute(
            update(Work)
            .where(Work.id == mine.id)
            .values(dead_at=uow.now, lease_token=None, lease_until=None, last_error=error[:500])
        )
        return
    wait = min(after_seconds, RUNG_SECONDS) if rung else after_seconds
    run_at = uow.now + timedelta(seconds=wait)
    await _release(uow, mine, run_at, attempt=mine.attempt, error=error[:500])


async def take_away(uow: UnitOfWork, job: type[Deferrable], ref: UUID) -> None:
    """Whoever has this work at this moment records nothing of it any more, and the next worker need not wait."""
    await uow.session.execute(
        update(Work)
        .where(Work.kind == job.kind, Work.ref == ref, Work.dead_at.is_(None))
        .values(lease_token=None, lease_until=None)
    )


async def due(uow: UnitOfWork, limit: int) -> Sequence[Ring]:
    """Work that waits for a worker, longest first."""
    result = await uow.session.execute(
        select(Work.id, Work.run_at, Work.attempt)
        .where(Work.dead_at.is_(None), Work.run_at <= uow.now, _free(uow))
        .order_by(Work.run_at)
        .limit(limit)
    )
    return [Ring(row.id, _round(row.run_at, row.attempt), 0) for row in result]


def _ring(uow: UnitOfWork, work_id: UUID, run_at: datetime, attempt: int) -> None:
    delay_seconds = max(0.0, (run_at - uow.now).total_seconds())
    uow.rings.append(Ring(work_id, _round(run_at, attempt), delay_seconds))


def _round(run_at: datetime, attempt: int) -> str:
    """Equal while a piece of work waits, new after it was claimed: arq drops a second ring of the same round."""
    return f"{run_at.timestamp():.6f}:{attempt}"


async def _release(uow: UnitOfWork, mine: Claim, run_at: datetime, *, attempt: int, error: str | None) -> None:
    await uow.session.execute(
        update(Work)
        .where(Work.id == mine.id)
        .values(run_at=run_at, lease_token=None, lease_until=None, attempt=attempt, last_error=error, rung=False)
    )
    _ring(uow, mine.id, run_at, attempt)


def _free(uow: UnitOfWork) -> ColumnElement[bool]:
    return or_(Work.lease_until.is_(None), Work.lease_until < uow.now)
