"""What outlives its use is deleted: contents after 7 days, events and deliveries after 30, extensions after 400."""

from datetime import timedelta
from typing import Final

from sqlalchemy import Delete, delete, select, tuple_

from app.accounts import service as accounts
from app.events import erasure as events_erasure
from app.events.models import Event
from app.files import uploads
from app.funding import store as funding
from app.gateway.models import GatewayCall
from app.idempotency import service as idempotency
from app.inbound.models import Notice
from app.kit.db import UnitOfWork
from app.lines import service as lines
from app.messages import service as messages
from app.operations.models import Operation
from app.webhooks import erasure as webhooks_erasure
from app.webhooks.models import Delivery, DeliveryAttempt

KEEP_NOTICES: Final = timedelta(days=7)
KEEP_CALLS: Final = timedelta(days=7)
KEEP_EVENTS: Final = timedelta(days=30)
KEEP_EXTENSIONS: Final = timedelta(days=400)
"""As long as readings of pools: a bill of a year ago can be explained by both."""
FINAL: Final = ("succeeded", "failed", "cancelled")


async def clean(uow: UnitOfWork, limit: int) -> bool:
    """Delete one batch of each kind; True when there may be more. Needs the system's scope."""
    await idempotency.clean(uow)
    await accounts.clean(uow)
    emptied = await messages.clean(uow, limit)
    expired = await uploads.clean(uow, limit)
    untaken = await lines.clean(uow, limit)
    content_horizon = uow.now - messages.KEEP_CONTENT
    untold = await events_erasure.forget_contents(uow, content_horizon, limit)
    forgotten = await webhooks_erasure.forget_replies(uow, content_horizon, limit)
    event_horizon = uow.now - KEEP_EVENTS
    old_events = select(Event.tenant_id, Event.id).where(Event.created_at < event_horizon).limit(limit)
    events = [tuple(row) for row in await uow.session.execute(old_events)]
    if events:
        deliveries = select(Delivery.tenant_id, Delivery.id).where(
            tuple_(Delivery.tenant_id, Delivery.event_id).in_(events)
        )
        tried = tuple_(DeliveryAttempt.tenant_id, DeliveryAttempt.delivery_id)
        await _run(uow, delete(DeliveryAttempt).where(tried.in_(deliveries)))
        await _run(uow, delete(Delivery).where(tuple_(Delivery.tenant_id, Delivery.event_id).in_(events)))
        await _run(uow, delete(Event).where(tuple_(Event.tenant_id, Event.id).in_(events)))
    old_notices = select(Notice.tenant_id, Notice.id).where(Notice.received_at < uow.now - KEEP_NOTICES).limit(limit)
    notices = await _run(uow, delete(Notice).where(tuple_(Notice.tenant_id, Notice.id).in_(old_notices)))
    ended = (
        select(Operation.tenant_id, Operation.id)
        .where(Operation.status.in_(FINAL), Operation.finished_at < event_horizon)
        .limit(limit)
    )
    operations = await _run(uow, delete(Operation).where(tuple_(Operation.tenant_id, Operation.id).in_(ended)))
    old_calls = (
        select(GatewayCall.tenant_id, GatewayCall.id).where(GatewayCall.called_at < uow.now - KEEP_CALLS).limit(limit)
    )
    calls = await _run(uow, delete(GatewayCall).where(tuple_(GatewayCall.tenant_id, GatewayCall.id).in_(old_calls)))
    extended = await funding.forget(uow, uow.now - KEEP_EXTENSIONS, limit)
    return limit in (extended, emptied, expired, untaken, untold, forgotten, len(events), notices, operations, calls)


async def _run(uow: UnitOfWork, statement: Delete) -> int:
    result = await uow.session.execute(statement.execution_options(synchronize_session=False))
    return int(getattr(result, "rowcount", 0))
