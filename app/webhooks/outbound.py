"""From an event to the tenants' servers: dispatch makes deliveries, deliver tries one."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

import msgspec

from app.accounts.vault import open_vault
from app.events import service as events
from app.events.catalogue import DISABLED, FAILING
from app.events.models import Event
from app.events.schemas import view
from app.jobs import DeliverEvent
from app.kit import clock, ids, work
from app.kit.backoff import Schedule
from app.kit.db import SYSTEM, Database, UnitOfWork
from app.kit.egress import TOTAL_SECONDS, Egress, Reply
from app.kit.work import Claim
from app.webhooks import store
from app.webhooks.endpoints import keys_of, wants
from app.webhooks.models import Delivery, DeliveryAttempt, WebhookEndpoint
from app.webhooks.signing import signed_headers

# Source: Svix, "Retries" page (read 2026-11-21): at once, then after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 10 h.
SCHEDULE: Final = Schedule((5, 300, 1800, 7200, 18_000, 36_000, 36_000))
RUNNING_AT_ONCE: Final = 4
RUNNING_WHILE_FAILING: Final = 1
RUNNING_OF_A_TENANT: Final = 8
PLACE_SECONDS: Final = TOTAL_SECONDS + 10
LONGEST_RETRY_AFTER_SECONDS: Final = 3600.0
WARN_AFTER: Final = timedelta(hours=24)
DISABLE_AFTER: Final = timedelta(days=5)
GONE: Final = 410
SLOW_DOWN: Final = frozenset({429, 503})


@dataclass(frozen=True)
class Attempt:
    """One try, ready to be sent with nothing open; the headers hold no secret, only what was made with it."""

    url: str
    body: bytes
    at: datetime
    headers: dict[str, str] = field(repr=False)


async def dispatch(database: Database, claim: Claim) -> None:
    """Make a delivery of an event for each endpoint that wants it; done twice it still is one each."""
    async with database.begin(SYSTEM) as uow:
        await work.settle(uow, claim)
        if claim.tenant_id is None:
            return
        event = await events.place(uow, claim.tenant_id, claim.ref)
        if event is None:
            return
        listening = await store.enabled(uow, event.tenant_id, event.environment)
        made = await store.add_deliveries(uow, event, [item for item in listening if wants(item, event)])
        for delivery_id in made:
            uow.defer(DeliverEvent(ref=delivery_id, tenant_id=event.tenant_id))


async def deliver(database: Database, egress: Egress, claim: Claim) -> None:
    """Try one delivery; no transaction is open while the tenant's server is asked."""
    async with database.begin(SYSTEM) as uow:
        attempt = await _begin(uow, claim)
    if attempt is None:
        return
    reply = await egress.post(attempt.url, attempt.body, attempt.headers)
    async with database.begin(SYSTEM) as uow:
        await _record(uow, claim, attempt, reply)


def places(endpoint: WebhookEndpoint) -> int:
    """How many deliveries of an endpoint may run at once: one that only fails takes no more than one worker."""
    return RUNNING_AT_ONCE if endpoint.failing_since is None else RUNNING_WHILE_FAILING


async def ring_parked(uow: UnitOfWork, endpoint: WebhookEndpoint) -> None:
    """Have parked deliveries of a locked endpoint tried while there are places for them."""
    if not await store.has_parked(uow, endpoint):
        return
    for delivery_id in await store.unpark(uow, endpoint, places(endpoint) - await store.running(uow, endpoint)):
        uow.defer(DeliverEvent(ref=delivery_id, tenant_id=endpoint.tenant_id))


async def _begin(uow: UnitOfWork, claim: Claim) -> Attempt | None:
    """Take a place and prepare the attempt; None when there is nothing to send, or no place: then it is parked.

    Whoever leaves a place takes the longest parked out, under the same lock on the endpoint, so none is forgotten.
    """
    await work.hold(uow, claim)
    known = None if claim.tenant_id is None else await store.delivery(uow, claim.tenant_id, claim.ref)
    if known is None:
        await work.settle(uow, claim)
        return None
    endpoint = await store.lock_endpoint(uow, known.tenant_id, known.endpoint_id)
    delivery = await store.delivery(uow, known.tenant_id, known.id) or known
    if delivery.status != "pending" or endpoint.status != "enabled":
        _skip(delivery, endpoint)
        await work.settle(uow, claim)
        return None
    await store.hold_places(uow, endpoint.tenant_id)
    if (
        await store.running(uow, endpoint, delivery.id) >= places(endpoint)
        or await store.running_of(uow, endpoint.tenant_id, delivery.id) >= RUNNING_OF_A_TENANT
    ):
        delivery.parked_at, delivery.running_until, delivery.next_attempt_at = uow.now, None, None
        await work.settle(uow, claim)
        return None
    delivery.parked_at, delivery.running_until = None, uow.now + timedelta(seconds=PLACE_SECONDS)
    event = await uow.session.get_one(Event, (delivery.tenant_id, delivery.event_id))
    keys = keys_of(endpoint, await open_vault(uow, endpoint.tenant_id), uow.now)
    body = msgspec.json.encode(view(event))
    headers = signed_headers(ids.to_wire(ids.EVENT, event.id), uow.now, body, keys)
    return Attempt(endpoint.url, body, uow.now, headers)


def _skip(delivery: Delivery, endpoint: WebhookEndpoint) -> None:
    delivery.running_until = delivery.parked_at = delivery.next_attempt_at = None
    if delivery.status == "pending":
        delivery.status, delivery.last_error = "skipped", f"endpoint_{endpoint.status}"


async def _record(uow: UnitOfWork, claim: Claim, attempt: Attempt, reply: Reply) -> None:
    await work.hold(uow, claim)
    known = await store.delivery(uow, claim.tenant_id or claim.ref, claim.ref)
    if known is None:
        await work.settle(uow, claim)
        return
    endpoint = await store.lock_endpoint(uow, known.tenant_id, known.endpoint_id)
    delivery = await store.delivery(uow, known.tenant_id, known.id) or known
    delivery.running_until, delivery.attempt_count = None, delivery.attempt_count + 1
    delivery.last_status, delivery.last_error = reply.status, _fault(reply)
    uow.session.add(_log(delivery, attempt, reply))
    wait_seconds = _conclude(uow, delivery, reply)
    await work.settle(uow, claim, again_seconds=wait_seconds)
    if endpoint.status == "enabled":
        await _judge(uow, endpoint, reply)
    await uow.session.flush()
    await store.hold_places(uow, endpoint.tenant_id)
    if endpoint.status == "enabled":
        await ring_parked(uow, endpoint)
    await _ring_others(uow, endpoint)


async def _ring_others(uow: UnitOfWork, endpoint: WebhookEndpoint) -> None:
    """Have parked deliveries of the tenant's other endpoints tried, so that one endpoint does not take every place."""
    free = RUNNING_OF_A_TENANT - await store.running_of(uow, endpoint.tenant_id)
    for delivery_id in await store.unpark_others(uow, endpoint, free):
        uow.defer(DeliverEvent(ref=delivery_id, tenant_id=endpoint.tenant_id))


def _conclude(uow: UnitOfWork, delivery: Delivery, reply: Reply) -> float | None:
    """Write how the delivery stands after an attempt; the seconds until the next, if there is one."""
    delivery.next_attempt_at = None
    if _is_success(reply):
        delivery.status, delivery.delivered_at = "delivered", uow.now
        return None
    if delivery.status != "pending":
        return None
    wait_seconds = None if reply.status == GONE else SCHEDULE.after(delivery.attempt_count)
    if wait_seconds is None:
        delivery.status = "failed"
        return None
    wait_seconds = max(wait_seconds, asked_seconds(reply, uow.now))
    delivery.next_attempt_at = uow.now + timedelta(seconds=wait_seconds)
    return wait_seconds


async def _judge(uow: UnitOfWork, endpoint: WebhookEndpoint, reply: Reply) -> None:
    """Remember since when an endpoint only fails, tell the tenant after a day, disable it after five or on a 410."""
    if _is_success(reply):
        if endpoint.failing_since is not None:
            endpoint.failing_since = endpoint.failing_told_at = None
            endpoint.version += 1
        return
    if endpoint.failing_since is None:
        endpoint.failing_since = uow.now
        endpoint.version += 1
    failing_for = uow.now - endpoint.failing_since
    if reply.status == GONE or failing_for >= DISABLE_AFTER:
        await _disable(uow, endpoint, "gone" if reply.status == GONE else "failing")
    elif failing_for >= WARN_AFTER and endpoint.failing_told_at is None:
        endpoint.failing_told_at = uow.now
        await _tell(uow, endpoint, FAILING, failing_since=clock.to_wire(endpoint.failing_since))


async def _disable(uow: UnitOfWork, endpoint: WebhookEndpoint, reason: str) -> None:
    endpoint.status, endpoint.disabled_reason = "disabled", reason
    endpoint.version += 1
    await uow.session.flush()
    await store.skip_pending(uow, endpoint, "endpoint_disabled")
    await _tell(uow, endpoint, DISABLED, reason=reason)


async def _tell(uow: UnitOfWork, endpoint: WebhookEndpoint, name: str, **facts: str) -> None:
    await events.publish(
        uow,
        tenant_id=endpoint.tenant_id,
        type=name,
        environment=endpoint.environment,
        data={
            "webhook_endpoint_id": ids.to_wire(ids.WEBHOOK_ENDPOINT, endpoint.id),
            "url": endpoint.url.partition("?")[0],
            **facts,
        },
    )


def asked_seconds(reply: Reply, now: datetime) -> float:
    """How long the receiver asked us to wait, by a 429 or 503 with Retry-After in seconds or as a date; 1 h at most."""
    asked = (reply.retry_after or "").strip()
    if reply.status not in SLOW_DOWN or not asked:
        return 0.0
    if asked.isascii() and asked.isdigit():
        return min(float(asked[:9]), LONGEST_RETRY_AFTER_SECONDS)
    try:
        until = parsedate_to_datetime(asked)
        seconds = (until.replace(tzinfo=until.tzinfo or UTC) - now).total_seconds()
    except (ValueError, OverflowError):
        return 0.0
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER_SECONDS)


def _is_success(reply: Reply) -> bool:
    return reply.status is not None and 200 <= reply.status < 300


def _fault(reply: Reply) -> str | None:
    if _is_success(reply):
        return None
    return reply.error or f"status_{reply.status}"


def _log(delivery: Delivery, attempt: Attempt, reply: Reply) -> DeliveryAttempt:
    return DeliveryAttempt(
        tenant_id=delivery.tenant_id,
        id=ids.new_id(),
        delivery_id=delivery.id,
        attempted_at=attempt.at,
        duration_ms=reply.duration_ms,
        status_code=reply.status,
        error=reply.error,
        reply_excerpt=reply.excerpt or None,
    )
