"""Every statement of the room; no rule. A line is always asked for by its tenant and its instance."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert

from app.accounts.models import Tenant
from app.instances.models import Instance
from app.kit.db import UnitOfWork
from app.lines.models import KeptNotice, Line

KEEP: Final = timedelta(hours=24)
LEAVING: Final = ("deleting", "deleted")
AWAITED: Final = text(
    """
    select waiting.tenant_id, waiting.instance_id
    from unnest(cast(:tenants as uuid[]), cast(:instances as uuid[])) as waiting (tenant_id, instance_id)
    left join lines on lines.tenant_id = waiting.tenant_id and lines.instance_id = waiting.instance_id
    where lines.number is null or lines.webhook_url <> '' or exists (
        select 1 from kept_notices kept
        where kept.tenant_id = waiting.tenant_id and kept.instance_id = waiting.instance_id
            and kept.created_at > :since)
    """
)


async def get(uow: UnitOfWork, tenant_id: UUID, instance_id: UUID) -> Line | None:
    """A line as it is now."""
    query = select(Line).where(Line.tenant_id == tenant_id, Line.instance_id == instance_id)
    found: Line | None = await uow.session.scalar(query.execution_options(populate_existing=True))
    return found


async def of_instances(uow: UnitOfWork, tenant_id: UUID, instance_ids: Sequence[UUID]) -> list[Line]:
    """The lines of some instances of a tenant."""
    query = select(Line).where(Line.tenant_id == tenant_id, Line.instance_id.in_(list(instance_ids)))
    return list((await uow.session.scalars(query.execution_options(populate_existing=True))).all())


async def lock(uow: UnitOfWork, tenant_id: UUID, instance_id: UUID) -> Line | None:
    """A line as it is now, held until the end of the transaction; notifications are kept one after the other so."""
    query = select(Line).where(Line.tenant_id == tenant_id, Line.instance_id == instance_id)
    query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    found: Line | None = await uow.session.scalar(query)
    return found


async def add(uow: UnitOfWork, line: Line) -> None:
    """Give an instance its line, unless another transaction was first."""
    values = {
        "tenant_id": line.tenant_id,
        "instance_id": line.instance_id,
        "token_hash": line.token_hash,
        "token_sealed": line.token_sealed,
        "webhook_url": "",
        "settings": {},
        "push_failures": 0,
        "quota_told": {},
        "created_at": uow.now,
        "version": 1,
    }
    await uow.session.execute(insert(Line).values(values).on_conflict_do_nothing())


async def by_number(uow: UnitOfWork, number: int) -> Line | None:
    """The line of a number, unless its instance is leaving."""
    query = (
        select(Line)
        .join(Instance, (Instance.tenant_id == Line.tenant_id) & (Instance.id == Line.instance_id))
        .where(Line.number == number, Instance.status.not_in(LEAVING), Instance.wanted)
    )
    found: Line | None = await uow.session.scalar(query)
    return found


async def pushable(uow: UnitOfWork, tenant_id: UUID, instance_id: UUID) -> Line | None:
    """A line whose notifications go to an address of the tenant's, unless its instance is leaving."""
    query = (
        select(Line)
        .join(Instance, (Instance.tenant_id == Line.tenant_id) & (Instance.id == Line.instance_id))
        .where(Line.tenant_id == tenant_id, Line.instance_id == instance_id, Line.webhook_url != "")
        .where(Instance.status.not_in(LEAVING))
    )
    found: Line | None = await uow.session.scalar(query.execution_options(populate_existing=True))
    return found


async def is_suspended(uow: UnitOfWork, line: Line) -> bool:
    """Whether a line's instance, or all that its tenant has, is suspended."""
    query = (
        select(Instance.suspended_by, Tenant.status)
        .join(Tenant, Tenant.id == Instance.tenant_id)
        .where(Instance.tenant_id == line.tenant_id, Instance.id == line.instance_id)
    )
    row = (await uow.session.execute(query)).one()
    return row.suspended_by is not None or row.status != "active"


async def phone(uow: UnitOfWork, line: Line) -> str | None:
    """The digits of the phone that is linked."""
    query = select(Instance.phone).where(Instance.tenant_id == line.tenant_id, Instance.id == line.instance_id)
    found: str | None = await uow.session.scalar(query)
    return found


async def keep(uow: UnitOfWork, line: Line, kind: str, body: str) -> None:
    """Put a notification at the end of a line's queue; the line must be held."""
    values = {
        "tenant_id": line.tenant_id,
        "instance_id": line.instance_id,
        "kind": kind,
        "body": body,
        "created_at": uow.now,
    }
    await uow.session.execute(insert(KeptNotice).values(values))


async def oldest(uow: UnitOfWork, tenant_id: UUID, instance_id: UUID) -> KeptNotice | None:
    """The notification that is to be told next."""
    query = select(KeptNotice).where(*_of(tenant_id, instance_id), KeptNotice.created_at > _since(uow))
    found: KeptNotice | None = await uow.session.scalar(query.order_by(KeptNotice.receipt).limit(1))
    return found


async def drop(uow: UnitOfWork, tenant_id: UUID, instance_id: UUID, receipt: int) -> bool:
    """Take one notification out; False when it is not there."""
    statement = delete(KeptNotice).where(
        *_of(tenant_id, instance_id), KeptNotice.receipt == receipt, KeptNotice.created_at > _since(uow)
    )
    return await uow.session.scalar(statement.returning(KeptNotice.receipt)) is not None


async def count(uow: UnitOfWork, tenant_id: UUID, instance_id: UUID) -> int:
    """How many notifications wait."""
    query = select(func.count()).select_from(KeptNotice)
    query = query.where(*_of(tenant_id, instance_id), KeptNotice.created_at > _since(uow))
    return int(await uow.session.scalar(query) or 0)


async def clear(uow: UnitOfWork, tenant_id: UUID, instance_id: UUID) -> None:
    """Take every notification out."""
    await uow.session.execute(delete(KeptNotice).where(*_of(tenant_id, instance_id)))


async def mark_cleared(uow: UnitOfWork, tenant_id: UUID, instance_id: UUID, pause: timedelta) -> bool:
    """Note that a queue is cleared now, unless it was within a pause; one of two at once gets it."""
    statement = (
        update(Line)
        .where(
            Line.tenant_id == tenant_id,
            Line.instance_id == instance_id,
            or_(Line.cleared_at.is_(None), ~Line.cleared_at.between(uow.now - pause, uow.now + pause)),
        )
        .values(cleared_at=uow.now)
    )
    return await uow.session.scalar(statement.returning(Line.number)) is not None


async def awaited(uow: UnitOfWork, keys: Sequence[tuple[UUID, UUID]]) -> list[tuple[UUID, UUID]]:
    """Which of these lines (tenant, instance) have something to tell, or are not to be polled any more."""
    values = {"tenants": [key[0] for key in keys], "instances": [key[1] for key in keys], "since": _since(uow)}
    return [(row.tenant_id, row.instance_id) for row in await uow.session.execute(AWAITED, values)]


async def forget_old(uow: UnitOfWork, limit: int) -> int:
    """Delete a portion of the notifications that are past their day; how many they were."""
    old = select(KeptNotice.tenant_id, KeptNotice.instance_id, KeptNotice.receipt)
    portion = old.where(KeptNotice.created_at <= _since(uow)).limit(limit).subquery()
    statement = delete(KeptNotice).where(
        KeptNotice.tenant_id == portion.c.tenant_id,
        KeptNotice.instance_id == portion.c.instance_id,
        KeptNotice.receipt == portion.c.receipt,
    )
    return len((await uow.session.execute(statement.returning(KeptNotice.receipt))).all())


async def erase(uow: UnitOfWork, tenant_id: UUID, instance_id: UUID, limit: int) -> int:
    """Delete a portion of a line's notifications, and the line itself when none is left; how many rows."""
    portion = select(KeptNotice.receipt).where(*_of(tenant_id, instance_id)).limit(limit)
    notices = delete(KeptNotice).where(*_of(tenant_id, instance_id), KeptNotice.receipt.in_(portion))
    erased = len((await uow.session.execute(notices.returning(KeptNotice.receipt))).all())
    if erased:
        return erased
    line = delete(Line).where(Line.tenant_id == tenant_id, Line.instance_id == instance_id)
    return len((await uow.session.execute(line.returning(Line.number))).all())


def _of(tenant_id: UUID, instance_id: UUID) -> tuple[ColumnElement[bool], ...]:
    return (KeptNotice.tenant_id == tenant_id, KeptNotice.instance_id == instance_id)


def _since(uow: UnitOfWork) -> datetime:
    return uow.now - KEEP
