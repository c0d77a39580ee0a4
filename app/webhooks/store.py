"""Who listens, and which deliveries run, wait or are parked."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Select, exists, func, select, true, update
from sqlalchemy.dialects.postgresql import insert

from app.accounts.principal import Principal
from app.events.models import Event
from app.kit.db import UnitOfWork
from app.kit.ids import INSTANCE, new_id, to_wire
from app.webhooks.models import Delivery, DeliveryAttempt, WebhookEndpoint

DELETED: Final = "deleted"
ROWS_AT_ONCE: Final = 1000


def visible(uow: UnitOfWork, principal: Principal) -> Select[WebhookEndpoint]:
    """The caller's endpoints: of the key's environment; a key limited to instances sees those limited to them too."""
    query = uow.owned(WebhookEndpoint).where(
        WebhookEndpoint.environment == principal.environment, WebhookEndpoint.status != DELETED
    )
    if principal.instance_ids is not None:
        own = [to_wire(INSTANCE, instance_id) for instance_id in principal.instance_ids]
        query = query.where(WebhookEndpoint.instance_ids.contained_by(own))
    return query


async def enabled(uow: UnitOfWork, tenant_id: UUID, environment: str) -> Sequence[WebhookEndpoint]:
    """The endpoints of a tenant that take deliveries."""
    found = await uow.session.scalars(
        select(WebhookEndpoint)
        .where(
            WebhookEndpoint.tenant_id == tenant_id,
            WebhookEndpoint.environment == environment,
            WebhookEndpoint.status == "enabled",
        )
        .order_by(WebhookEndpoint.id)
    )
    return found.all()


async def add_deliveries(
    uow: UnitOfWork, event: Event, endpoints: Sequence[WebhookEndpoint], *, anew: bool = False
) -> list[UUID]:
    """One pending delivery of an event for each endpoint; `anew` also begins those again that have ended."""
    if not endpoints:
        return []
    statement = insert(Delivery).values(
        [
            {
                "tenant_id": event.tenant_id,
                "id": new_id(),
                "endpoint_id": endpoint.id,
                "event_id": event.id,
                "event_type": event.type,
                "status": "pending",
                "attempt_count": 0,
                "next_attempt_at": uow.now,
                "created_at": uow.now,
            }
            for endpoint in endpoints
        ]
    )
    key = [Delivery.tenant_id, Delivery.endpoint_id, Delivery.event_id]
    if anew:
        statement = statement.on_conflict_do_update(
            index_elements=key,
            set_={"status": "pending", "attempt_count": 0, "next_attempt_at": uow.now, "delivered_at": None},
            where=Delivery.status != "pending",
        )
    else:
        statement = statement.on_conflict_do_nothing(index_elements=key)
    return list((await uow.session.scalars(statement.returning(Delivery.id))).all())


async def lock_endpoint(uow: UnitOfWork, tenant_id: UUID, endpoint_id: UUID) -> WebhookEndpoint:
    """An endpoint, locked: places are given and taken by one transaction at a time."""
    found = await uow.session.execute(
        select(WebhookEndpoint)
        .where(WebhookEndpoint.tenant_id == tenant_id, WebhookEndpoint.id == endpoint_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return found.scalar_one()


async def delivery(uow: UnitOfWork, tenant_id: UUID, delivery_id: UUID) -> Delivery | None:
    """One delivery as it is now."""
    found: Delivery | None = await uow.session.scalar(
        select(Delivery)
        .where(Delivery.tenant_id == tenant_id, Delivery.id == delivery_id)
        .execution_options(populate_existing=True)
    )
    return found


async def running(uow: UnitOfWork, endpoint: WebhookEndpoint, besides: UUID | None = None) -> int:
    """How many deliveries of an endpoint, besides one, are under way."""
    query = select(func.count()).select_from(Delivery)
    query = query.where(Delivery.endpoint_id == endpoint.id, Delivery.running_until > uow.now)
    if besides is not None:
        query = query.where(Delivery.id != besides)
    return int(await uow.session.scalar(query) or 0)


async def hold_places(uow: UnitOfWork, tenant_id: UUID) -> None:
    """Have a tenant's places given and taken by one transaction at a time; locked after the endpoint, never before."""
    key = f"places|{tenant_id}"
    await uow.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(key, 0))))


async def running_of(uow: UnitOfWork, tenant_id: UUID, besides: UUID | None = None) -> int:
    """How many deliveries of a tenant, besides one, are under way."""
    query = select(func.count()).select_from(Delivery)
    query = query.where(Delivery.tenant_id == tenant_id, Delivery.running_until > uow.now)
    if besides is not None:
        query = query.where(Delivery.id != besides)
    return int(await uow.session.scalar(query) or 0)


async def unpark_others(uow: UnitOfWork, endpoint: WebhookEndpoint, places: int) -> Sequence[UUID]:
    """Take out of the park those that have waited longest, one for each idle endpoint of the same tenant."""
    if places <= 0:
        return []
    busy = exists().where(Delivery.endpoint_id == WebhookEndpoint.id, Delivery.running_until > uow.now)
    first = (
        select(Delivery.id, Delivery.parked_at)
        .where(Delivery.endpoint_id == WebhookEndpoint.id, Delivery.parked_at.is_not(None))
        .order_by(Delivery.parked_at)
        .limit(1)
        .lateral()
    )
    longest = (
        select(first.c.id)
        .select_from(WebhookEndpoint)
        .join(first, true())
        .where(
            WebhookEndpoint.tenant_id == endpoint.tenant_id,
            WebhookEndpoint.id != endpoint.id,
            WebhookEndpoint.status == "enabled",
            ~busy,
        )
        .order_by(first.c.parked_at)
        .limit(places)
    )
    freed = await uow.session.scalars(
        update(Delivery)
        .where(Delivery.tenant_id == endpoint.tenant_id, Delivery.id.in_(longest))
        .values(parked_at=None, next_attempt_at=uow.now)
        .returning(Delivery.id)
        .execution_options(synchronize_session=False)
    )
    return freed.all()


async def has_parked(uow: UnitOfWork, endpoint: WebhookEndpoint) -> bool:
    """Whether any delivery of an endpoint waits for a place."""
    parked = exists().where(Delivery.endpoint_id == endpoint.id, Delivery.parked_at.is_not(None))
    return bool(await uow.session.scalar(select(parked)))


async def unpark(uow: UnitOfWork, endpoint: WebhookEndpoint, places: int) -> Sequence[UUID]:
    """Take out of the park those that have waited longest, as many as there are places."""
    if places <= 0:
        return []
    longest = (
        select(Delivery.id)
        .where(Delivery.endpoint_id == endpoint.id, Delivery.parked_at.is_not(None))
        .order_by(Delivery.parked_at, Delivery.id)
        .limit(places)
    )
    freed = await uow.session.scalars(
        update(Delivery)
        .where(Delivery.tenant_id == endpoint.tenant_id, Delivery.id.in_(longest))
        .values(parked_at=None, next_attempt_at=uow.now)
        .returning(Delivery.id)
        .execution_options(synchronize_session=False)
    )
    return freed.all()


async def skip_pending(uow: UnitOfWork, endpoint: WebhookEndpoint, reason: str) -> None:
    """End all deliveries that an endpoint will not get; one that is under way ends by itself."""
    await uow.session.execute(
        update(Delivery)
        .where(
            Delivery.tenant_id == endpoint.tenant_id,
            Delivery.endpoint_id == endpoint.id,
            Delivery.status == "pending",
        )
        .values(status="skipped", last_error=reason, next_attempt_at=None, parked_at=None)
        .execution_options(synchronize_session=False)
    )


async def park_again(uow: UnitOfWork, endpoint: WebhookEndpoint, since: datetime) -> int:
    """Park every delivery since an instant that failed or was skipped, to be tried from the start."""
    parked = await uow.session.scalars(
        update(Delivery)
        .where(
            Delivery.tenant_id == endpoint.tenant_id,
            Delivery.endpoint_id == endpoint.id,
            Delivery.status.in_(("failed", "skipped")),
            Delivery.created_at >= since,
        )
        .values(status="pending", attempt_count=0, parked_at=Delivery.created_at, next_attempt_at=None)
        .returning(Delivery.id)
        .execution_options(synchronize_session=False)
    )
    return len(parked.all())


async def missed(uow: UnitOfWork, endpoint: WebhookEndpoint, since: datetime, limit: int) -> Sequence[Event]:
    """Dispatched events since an instant that have no delivery to an endpoint, oldest first."""
    has_one = exists().where(
        Delivery.tenant_id == Event.tenant_id, Delivery.endpoint_id == endpoint.id, Delivery.event_id == Event.id
    )
    found = await uow.session.scalars(
        uow.owned(Event)
        .where(
            Event.environment == endpoint.environment,
            Event.created_at >= since,
            Event.position.is_not(None),
            ~has_one,
        )
        .order_by(Event.position)
        .limit(limit)
    )
    return found.all()


async def add_parked(uow: UnitOfWork, endpoint: WebhookEndpoint, missing: Sequence[Event]) -> None:
    """Parked deliveries of several events to one endpoint."""
    rows = [
        {
            "tenant_id": event.tenant_id,
            "id": new_id(),
            "endpoint_id": endpoint.id,
            "event_id": event.id,
            "event_type": event.type,
            "status": "pending",
            "attempt_count": 0,
            "created_at": uow.now,
            "parked_at": event.created_at,
        }
        for event in missing
    ]
    for start in range(0, len(rows), ROWS_AT_ONCE):
        await uow.session.execute(insert(Delivery).values(rows[start : start + ROWS_AT_ONCE]).on_conflict_do_nothing())


async def attempts(uow: UnitOfWork, deliveries: Sequence[Delivery]) -> dict[UUID, list[DeliveryAttempt]]:
    """The attempts of each delivery, first one first."""
    found: dict[UUID, list[DeliveryAttempt]] = {row.id: [] for row in deliveries}
    rows = await uow.session.scalars(
        uow.owned(DeliveryAttempt).where(DeliveryAttempt.delivery_id.in_(found)).order_by(DeliveryAttempt.id)
    )
    for row in rows:
        found[row.delivery_id].append(row)
    return found
