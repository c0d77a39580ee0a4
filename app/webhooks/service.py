"""Endpoints: made, changed, rotated, tested, recovered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select

from app.accounts.principal import InstanceNotAllowed, Principal
from app.accounts.vault import open_vault
from app.events import service as events
from app.events.catalogue import TEST, known
from app.events.models import Event
from app.jobs import DeliverEvent
from app.kit import page
from app.kit.db import UnitOfWork
from app.kit.egress import Egress
from app.kit.errors import Conflict, FieldError, InvalidParameter, NotFound
from app.kit.ids import INSTANCE, WEBHOOK_ENDPOINT, from_wire, new_id, to_wire
from app.kit.wire import merge_metadata
from app.webhooks import store
from app.webhooks.endpoints import place_of, wants
from app.webhooks.models import Delivery, DeliveryAttempt, WebhookEndpoint
from app.webhooks.outbound import ring_parked
from app.webhooks.signing import new_secret

MOST_ENDPOINTS: Final = 50
MOST_RECOVERED: Final = 5000


class TooManyEndpoints(Conflict):
    """No more webhook endpoints can be made in this environment."""


class EndpointDisabled(Conflict):
    """The webhook endpoint is disabled; enable it first."""


@dataclass(frozen=True)
class Wish:
    """What an endpoint should be."""

    url: str
    description: str | None = None
    event_types: list[str] | None = None
    instance_ids: list[str] | None = None
    metadata: dict[str, str] | None = None


async def create(uow: UnitOfWork, principal: Principal, egress: Egress, wish: Wish) -> WebhookEndpoint:
    """A new, enabled endpoint with a secret of its own.

    Raises:
        UrlRefused: it can never be delivered to.
        InvalidParameter: an unknown type of event.
        InstanceNotAllowed: the key is limited to other instances.
        TooManyEndpoints: there are fifty.
    """
    egress.check_url(wish.url)
    _check_types(wish.event_types)
    _check_instances(principal, wish.instance_ids)
    count = select(func.count()).select_from(store.visible(uow, principal).subquery())
    if int(await uow.session.scalar(count) or 0) >= MOST_ENDPOINTS:
        raise TooManyEndpoints(f"An environment has at most {MOST_ENDPOINTS} endpoints.")
    endpoint = WebhookEndpoint(
        tenant_id=uow.tenant_id,
        id=new_id(),
        url=wish.url,
        description=wish.description,
        environment=principal.environment,
        event_types=wish.event_types,
        instance_ids=wish.instance_ids,
        details=dict(wish.metadata or {}),
        created_at=uow.now,
    )
    endpoint.secret_sealed = await _seal(uow, endpoint, new_secret())
    uow.session.add(endpoint)
    await uow.session.flush()
    return endpoint


async def find(uow: UnitOfWork, principal: Principal, endpoint_id: UUID, *, to_change: bool = False) -> WebhookEndpoint:
    """One endpoint, locked when it is to be changed.

    Raises:
        NotFound: unknown, deleted, another tenant's, or beyond what the key may see.
    """
    query = store.visible(uow, principal).where(WebhookEndpoint.id == endpoint_id)
    if to_change:
        query = query.with_for_update(key_share=True)
    endpoint = await uow.session.scalar(query)
    if endpoint is None:
        raise NotFound()
    return endpoint


async def list_endpoints(
    uow: UnitOfWork, principal: Principal, *, limit: int, cursor: str | None
) -> tuple[list[WebhookEndpoint], str | None]:
    """A page of endpoints, newest first."""
    return await page.fetch(uow, store.visible(uow, principal), WebhookEndpoint, limit=limit, cursor=cursor)


async def change(
    uow: UnitOfWork, principal: Principal, egress: Egress, endpoint: WebhookEndpoint, fields: dict[str, Any]
) -> None:
    """Change the given fields; disabling skips what waits, enabling forgets the failures.

    Raises:
        UrlRefused, InvalidParameter, InstanceNotAllowed: see `create`.
    """
    if "url" in fields:
        egress.check_url(fields["url"])
        endpoint.url = fields["url"]
    if "description" in fields:
        endpoint.description = fields["description"]
    if "event_types" in fields:
        _check_types(fields["event_types"])
        endpoint.event_types = fields["event_types"]
    if "instance_ids" in fields:
        _check_instances(principal, fields["instance_ids"])
        endpoint.instance_ids = fields["instance_ids"]
    if "metadata" in fields:
        endpoint.details = merge_metadata(endpoint.details, fields["metadata"])
    if fields.get("status", endpoint.status) != endpoint.status:
        await _switch(uow, endpoint, fields["status"])
    endpoint.version += 1
    await uow.session.flush()


async def delete(uow: UnitOfWork, endpoint: WebhookEndpoint) -> None:
    """Remove an endpoint and its secrets; what waits for it is skipped, what was delivered stays on record."""
    endpoint.status, endpoint.disabled_reason = store.DELETED, None
    endpoint.secret_sealed, endpoint.previous_sealed, endpoint.previous_until = b"", None, None
    endpoint.version += 1
    await uow.session.flush()
    await store.skip_pending(uow, endpoint, "endpoint_deleted")


async def secret(uow: UnitOfWork, endpoint: WebhookEndpoint) -> str:
    """The present signing secret."""
    vault = await open_vault(uow, endpoint.tenant_id)
    return vault.open(endpoint.secret_sealed, place_of(endpoint))


async def rotate_secret(uow: UnitOfWork, endpoint: WebhookEndpoint, expire_old_after_seconds: int) -> str:
    """A new secret; the old one signs beside it until it expires, one older still ends now."""
    made = new_secret()
    keep = expire_old_after_seconds > 0
    endpoint.previous_sealed = endpoint.secret_sealed if keep else None
    endpoint.previous_until = uow.now + timedelta(seconds=expire_old_after_seconds) if keep else None
    endpoint.secret_sealed = await _seal(uow, endpoint, made)
    endpoint.version += 1
    await uow.session.flush()
    return made


async def send_test(uow: UnitOfWork, endpoint: WebhookEndpoint) -> Event:
    """An event of the type `webhook_endpoint.test` for this endpoint alone.

    Raises:
        EndpointDisabled: it takes no deliveries.
    """
    _check_enabled(endpoint)
    return await events.publish(
        uow,
        tenant_id=endpoint.tenant_id,
        type=TEST,
        environment=endpoint.environment,
        data={"webhook_endpoint_id": to_wire(WEBHOOK_ENDPOINT, endpoint.id)},
    )


async def list_deliveries(
    uow: UnitOfWork, endpoint: WebhookEndpoint, *, statuses: Sequence[str], limit: int, cursor: str | None
) -> tuple[list[tuple[Delivery, list[DeliveryAttempt]]], str | None]:
    """A page of deliveries with their attempts, newest first."""
    query = uow.owned(Delivery).where(Delivery.endpoint_id == endpoint.id)
    if statuses:
        query = query.where(Delivery.status.in_(statuses))
    rows, next_cursor = await page.fetch(uow, query, Delivery, limit=limit, cursor=cursor)
    tries = await store.attempts(uow, rows)
    return [(row, tries[row.id]) for row in rows], next_cursor


async def recover(uow: UnitOfWork, endpoint: WebhookEndpoint, since: datetime) -> tuple[int, bool]:
    """Try again what failed, was skipped or missed since an instant, oldest first and a few at once.

    Returns how many, and whether some were left for another call. What happened before the endpoint was made counts
    as not meant for it.

    Raises:
        EndpointDisabled: it takes no deliveries.
    """
    _check_enabled(endpoint)
    begin = max(since, endpoint.created_at)
    again = await store.park_again(uow, endpoint, begin)
    missed = await store.missed(uow, endpoint, begin, MOST_RECOVERED)
    wanted = [event for event in missed if event.type != TEST and wants(endpoint, event)]
    await store.add_parked(uow, endpoint, wanted)
    await ring_parked(uow, endpoint)
    return again + len(wanted), len(missed) == MOST_RECOVERED


async def resend(uow: UnitOfWork, principal: Principal, event: Event) -> int:
    """Deliver an event again to every enabled endpoint of the caller's that wants it; how many there are."""
    visible = {row.id for row in await uow.session.scalars(store.visible(uow, principal))}
    listening = await store.enabled(uow, event.tenant_id, event.environment)
    wanted = [endpoint for endpoint in listening if endpoint.id in visible and wants(endpoint, event)]
    for delivery_id in await store.add_deliveries(uow, event, wanted, anew=True):
        uow.defer(DeliverEvent(ref=delivery_id, tenant_id=event.tenant_id))
    return len(wanted)


async def _switch(uow: UnitOfWork, endpoint: WebhookEndpoint, status: str) -> None:
    endpoint.status = status
    endpoint.disabled_reason = "requested" if status == "disabled" else None
    endpoint.failing_since = endpoint.failing_told_at = None
    await uow.session.flush()
    if status == "disabled":
        await store.skip_pending(uow, endpoint, "endpoint_disabled")


async def _seal(uow: UnitOfWork, endpoint: WebhookEndpoint, plain: str) -> bytes:
    vault = await open_vault(uow, endpoint.tenant_id)
    return vault.seal(plain, place_of(endpoint))


def _check_enabled(endpoint: WebhookEndpoint) -> None:
    if endpoint.status != "enabled":
        raise EndpointDisabled()


def _check_types(event_types: list[str] | None) -> None:
    text = "There is no such type of event; see GET /v1/event_types."
    faults = tuple(
        FieldError(f"#/event_types/{index}", "invalid_value", text)
        for index, name in enumerate(event_types or ())
        if not known(name)
    )
    if faults:
        raise InvalidParameter(text, errors=faults)


def _check_instances(principal: Principal, instance_ids: list[str] | None) -> None:
    """A key limited to instances must not hear of others through an endpoint."""
    if principal.instance_ids is None:
        return
    if not instance_ids or not all(principal.may_use(from_wire(INSTANCE, item)) for item in instance_ids):
        text = "Name in `instance_ids` only instances that this key may use."
        raise InstanceNotAllowed(text, errors=(FieldError("#/instance_ids", "not_allowed", text),))
