"""Every statement of the room; no rule."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Select, and_, case, exists, func, or_, select, update

from app.instances.comparing import Known
from app.instances.doubting import PATIENCE
from app.instances.models import Finding, Instance, UpstreamCall
from app.jobs import ReconcileInstance
from app.kit.db import UnitOfWork
from app.kit.ids import new_id
from app.kit.work import Work

MOVING = ("queued", "provisioning", "deleting")
WATCHED = ("active", "suspended")


async def get(uow: UnitOfWork, instance_id: UUID) -> Instance | None:
    """An instance of the scope."""
    return (await uow.session.scalars(uow.owned(Instance).where(Instance.id == instance_id))).one_or_none()


async def lock(uow: UnitOfWork, tenant_id: UUID, instance_id: UUID) -> Instance | None:
    """An instance as it is now, held until the end of the transaction."""
    query = select(Instance).where(Instance.tenant_id == tenant_id, Instance.id == instance_id)
    query = query.with_for_update().execution_options(populate_existing=True)
    return (await uow.session.scalars(query)).one_or_none()


def listing(
    uow: UnitOfWork, environment: str, *, status: Sequence[str] = (), text: str | None = None
) -> Select[Instance]:
    """The scope's instances of an environment; deleted ones only where they are asked for."""
    query = uow.owned(Instance).where(Instance.environment == environment)
    query = query.where(Instance.status.in_(status) if status else Instance.status != "deleted")
    if text:
        query = query.where(Instance.name.icontains(text, autoescape=True))
    return query


def write_call(uow: UnitOfWork, instance: Instance, method: str, attempt: int) -> UUID:
    """Write down a call that is about to leave the house."""
    call = UpstreamCall(
        tenant_id=instance.tenant_id,
        id=new_id(),
        instance_id=instance.id,
        method=method,
        tag=instance.tag,
        attempt=attempt,
        started_at=uow.now,
    )
    uow.session.add(call)
    return call.id


async def end_call(uow: UnitOfWork, tenant_id: UUID, call_id: UUID, outcome: str, detail: str | None = None) -> None:
    """Write down how a call ended."""
    await uow.session.execute(
        update(UpstreamCall)
        .where(UpstreamCall.tenant_id == tenant_id, UpstreamCall.id == call_id)
        .values(finished_at=uow.now, outcome=outcome, detail=detail)
    )


async def end_lost_calls(uow: UnitOfWork, instance: Instance) -> None:
    """Calls that never got an ending belong to workers that died: their outcome is unknown."""
    await uow.session.execute(
        update(UpstreamCall)
        .where(
            UpstreamCall.tenant_id == instance.tenant_id,
            UpstreamCall.instance_id == instance.id,
            UpstreamCall.method == "create",
            UpstreamCall.outcome.is_(None),
        )
        .values(finished_at=uow.now, outcome="unknown", detail="the worker ended before the answer")
    )


async def count_calls(
    uow: UnitOfWork, instance: Instance, method: str, outcome: str, since: datetime | None = None
) -> int:
    """How many calls of a method ended in a way; with an instant, of those begun from then on."""
    found = await uow.session.scalar(
        select(func.count())
        .select_from(UpstreamCall)
        .where(
            UpstreamCall.tenant_id == instance.tenant_id,
            UpstreamCall.instance_id == instance.id,
            UpstreamCall.method == method,
            UpstreamCall.outcome == outcome,
            UpstreamCall.started_at >= (since or instance.created_at),
        )
    )
    return int(found or 0)


async def last_create(uow: UnitOfWork, instance: Instance) -> datetime | None:
    """When the last create that may have worked was begun."""
    began: datetime | None = await uow.session.scalar(
        select(func.max(UpstreamCall.started_at)).where(
            UpstreamCall.tenant_id == instance.tenant_id,
            UpstreamCall.instance_id == instance.id,
            UpstreamCall.method == "create",
            UpstreamCall.outcome != "refused",
        )
    )
    return began


async def idle_movers(uow: UnitOfWork, limit: int) -> list[tuple[UUID, UUID]]:
    """Instances on their way for which no work waits, oldest first: (tenant, id)."""
    waiting = exists().where(Work.kind == ReconcileInstance.kind, Work.ref == Instance.id, Work.dead_at.is_(None))
    moving = or_(
        Instance.status.in_(MOVING), and_(Instance.calling_since.is_not(None), Instance.upstream_account.is_(None))
    )
    query = select(Instance.tenant_id, Instance.id).where(moving, ~waiting).order_by(Instance.created_at).limit(limit)
    return [(row.tenant_id, row.id) for row in await uow.session.execute(query)]


async def unwatched(
    uow: UnitOfWork, poll_seconds: float, limit: int, *, slow: Mapping[tuple[str, str], float] | None = None
) -> list[tuple[UUID, UUID]]:
    """Usable instances whose state was not read for a while, the longest first: (tenant, id).

    `slow` are gateways by (name, environment) whose accounts are read less often, in seconds.
    """
    places = [
        (and_(Instance.provider == name, Instance.environment == environment), uow.now - timedelta(seconds=seconds))
        for (name, environment), seconds in (slow or {}).items()
    ]
    since = uow.now - timedelta(seconds=poll_seconds)
    query = (
        select(Instance.tenant_id, Instance.id)
        .where(
            Instance.status.in_(WATCHED),
            Instance.upstream_account.is_not(None),
            or_(
                Instance.state_checked_at.is_(None),
                Instance.away_told_at <= uow.now - PATIENCE,
                Instance.state_checked_at <= (case(*places, else_=since) if places else since),
            ),
        )
        .order_by(Instance.state_checked_at.asc().nulls_first())
        .limit(limit)
    )
    return [(row.tenant_id, row.id) for row in await uow.session.execute(query)]


async def known(
    uow: UnitOfWork, provider: str, environment: str, tagged: Sequence[UUID], tags: Sequence[str]
) -> list[Known]:
    """Every row that should be in the listing of a partner account, and those whose tags were found in it."""
    living = and_(
        Instance.provider == provider,
        Instance.environment == environment,
        Instance.upstream_account.is_not(None),
        Instance.status != "deleted",
    )
    rows = await uow.session.execute(
        select(*_KNOWN).where(or_(living, Instance.id.in_(tagged), Instance.tag.in_(tags)))
    )
    return [Known(**row) for row in rows.mappings()]


async def open_findings(uow: UnitOfWork, provider: str, environment: str) -> list[Finding]:
    """What was seen before and is not settled."""
    query = (
        select(Finding)
        .where(Finding.provider == provider, Finding.environment == environment, Finding.closed_at.is_(None))
        .with_for_update()
    )
    return list((await uow.session.scalars(query)).all())


async def at(uow: UnitOfWork, provider: str, environment: str, limit: int) -> list[UUID]:
    """The instances that a gateway has, oldest first; neither those that leave nor what others left behind."""
    query = select(Instance.id).where(
        Instance.provider == provider,
        Instance.environment == environment,
        Instance.status.not_in(("deleting", "deleted")),
        Instance.remains_of.is_(None),
    )
    return list((await uow.session.scalars(query.order_by(Instance.created_at).limit(limit))).all())


async def mark_seen(uow: UnitOfWork, instance_ids: Sequence[UUID]) -> None:
    """These were in a listing just now."""
    if instance_ids:
        await uow.session.execute(
            update(Instance).where(Instance.id.in_(instance_ids)).values(upstream_seen_at=uow.now)
        )


async def mark_returned(uow: UnitOfWork, instance_id: UUID | None) -> None:
    """An account that was missed is listed again: it was not deleted, unless we asked for that."""
    await uow.session.execute(
        update(Instance)
        .where(Instance.id == instance_id, Instance.status.not_in(("deleting", "deleted")))
        .values(upstream_deleted_at=None)
    )


async def is_being_deleted(uow: UnitOfWork, instance_id: UUID) -> bool:
    """Whether an account with the instance's tag is being deleted as one too many."""
    query = select(Finding.id).where(
        Finding.instance_id == instance_id, Finding.outcome == "deleting", Finding.closed_at.is_(None)
    )
    return bool(await uow.session.scalar(select(query.exists())))


async def correct_creation(uow: UnitOfWork, known: Known, created_at: datetime) -> None:
    """Upstream's own word for when it made the account."""
    await uow.session.execute(
        update(Instance)
        .where(Instance.tenant_id == known.tenant_id, Instance.id == known.id)
        .values(upstream_created_at=created_at)
    )


async def end_finding(uow: UnitOfWork, finding_id: UUID, outcome: str | None) -> None:
    """Close a finding with what was done about it; without an outcome it stays open for the next round."""
    closed_at = uow.now if outcome else None
    await uow.session.execute(
        update(Finding).where(Finding.id == finding_id).values(outcome=outcome, closed_at=closed_at)
    )


_KNOWN = (
    Instance.tenant_id,
    Instance.id,
    Instance.tag,
    Instance.status,
    Instance.wanted,
    Instance.environment,
    Instance.provider,
    Instance.upstream_account,
    Instance.calling_since.is_not(None).label("is_calling"),
    Instance.upstream_created_at.label("created_at"),
    Instance.upstream_seen_at.label("seen_at"),
)
