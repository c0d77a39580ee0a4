"""Every statement about hooks and what is kept for them; no rule."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from app.instances.models import Instance
from app.kit.db import UnitOfWork
from app.lines.models import HookNotice, Line, LineHook

KEEP: Final = timedelta(seconds=172_800)
LEAVING: Final = ("deleting", "deleted")


async def of_line(uow: UnitOfWork, tenant_id: UUID, instance_id: UUID) -> list[LineHook]:
    """A line's hooks as they are now, in the order in which they were set."""
    query = select(LineHook).where(LineHook.tenant_id == tenant_id, LineHook.instance_id == instance_id)
    query = query.order_by(LineHook.position).execution_options(populate_existing=True)
    return list((await uow.session.scalars(query)).all())


async def lock(uow: UnitOfWork, tenant_id: UUID, hook_id: UUID) -> LineHook | None:
    """A hook as it is now, held until the end of the transaction."""
    query = select(LineHook).where(LineHook.tenant_id == tenant_id, LineHook.id == hook_id)
    query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    found: LineHook | None = await uow.session.scalar(query)
    return found


async def pushable(uow: UnitOfWork, tenant_id: UUID, hook_id: UUID) -> tuple[LineHook, Line] | None:
    """A hook and its line, unless the instance is leaving."""
    query = (
        select(LineHook, Line)
        .join(Line, (Line.tenant_id == LineHook.tenant_id) & (Line.instance_id == LineHook.instance_id))
        .join(Instance, (Instance.tenant_id == LineHook.tenant_id) & (Instance.id == LineHook.instance_id))
        .where(LineHook.tenant_id == tenant_id, LineHook.id == hook_id, Instance.status.not_in(LEAVING))
    )
    row = (await uow.session.execute(query.execution_options(populate_existing=True))).first()
    return None if row is None else (row.LineHook, row.Line)


async def keep(uow: UnitOfWork, rows: Sequence[dict[str, Any]]) -> None:
    """Put events at the ends of their hooks' queues; the line must be held."""
    await uow.session.execute(insert(HookNotice).values([{**row, "created_at": uow.now} for row in rows]))


async def oldest(uow: UnitOfWork, hook: LineHook) -> HookNotice | None:
    """The event that is to be told next."""
    query = select(HookNotice).where(_of(hook), _young(uow, hook)).order_by(HookNotice.receipt).limit(1)
    found: HookNotice | None = await uow.session.scalar(query)
    return found


async def drop(uow: UnitOfWork, tenant_id: UUID, hook_id: UUID, receipt: int) -> None:
    """Take one event out, and those before it, which were passed over for their age."""
    await uow.session.execute(
        delete(HookNotice).where(
            HookNotice.tenant_id == tenant_id, HookNotice.hook_id == hook_id, HookNotice.receipt <= receipt
        )
    )


async def remove(uow: UnitOfWork, hook: LineHook) -> None:
    """Delete a hook with all that waits for it."""
    await uow.session.execute(delete(HookNotice).where(_of(hook)))
    await uow.session.execute(delete(LineHook).where(LineHook.tenant_id == hook.tenant_id, LineHook.id == hook.id))


async def count(uow: UnitOfWork, tenant_id: UUID, instance_id: UUID) -> int:
    """How many events wait for the hooks of a line."""
    query = select(func.count()).select_from(HookNotice).join(LineHook, _joined())
    query = query.where(LineHook.tenant_id == tenant_id, LineHook.instance_id == instance_id)
    return int(await uow.session.scalar(query) or 0)


async def forget_old(uow: UnitOfWork, limit: int) -> int:
    """Delete a portion of the events that are past the longest age; how many they were."""
    old = select(HookNotice.tenant_id, HookNotice.hook_id, HookNotice.receipt)
    portion = old.where(HookNotice.created_at <= uow.now - KEEP).limit(limit).subquery()
    statement = delete(HookNotice).where(
        HookNotice.tenant_id == portion.c.tenant_id,
        HookNotice.hook_id == portion.c.hook_id,
        HookNotice.receipt == portion.c.receipt,
    )
    return len((await uow.session.execute(statement.returning(HookNotice.receipt))).all())


async def erase(uow: UnitOfWork, tenant_id: UUID, instance_id: UUID, limit: int) -> int:
    """Delete a portion of what waits for a line's hooks, and the hooks themselves when none is left; how many rows."""
    mine = (LineHook.tenant_id == tenant_id, LineHook.instance_id == instance_id)
    portion = select(HookNotice.hook_id, HookNotice.receipt).join(LineHook, _joined()).where(*mine).limit(limit)
    found = portion.subquery()
    notices = delete(HookNotice).where(
        HookNotice.tenant_id == tenant_id,
        HookNotice.hook_id == found.c.hook_id,
        HookNotice.receipt == found.c.receipt,
    )
    erased = len((await uow.session.execute(notices.returning(HookNotice.receipt))).all())
    if erased:
        return erased
    return len((await uow.session.execute(delete(LineHook).where(*mine).returning(LineHook.id))).all())


def _of(hook: LineHook) -> ColumnElement[bool]:
    return and_(HookNotice.tenant_id == hook.tenant_id, HookNotice.hook_id == hook.id)


def _joined() -> ColumnElement[bool]:
    return and_(LineHook.tenant_id == HookNotice.tenant_id, LineHook.id == HookNotice.hook_id)


def _young(uow: UnitOfWork, hook: LineHook) -> ColumnElement[bool]:
    age = KEEP if hook.max_age_seconds is None else timedelta(seconds=hook.max_age_seconds)
    return HookNotice.created_at > uow.now - age
