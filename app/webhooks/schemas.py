"""Webhook endpoints, deliveries and attempts on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from app.kit import clock, ids
from app.kit.wire import Cursor, Instant, Line, Metadata, MetadataPatch, Timestamp, Url, read_instant
from app.webhooks.models import Delivery, DeliveryAttempt, WebhookEndpoint

EndpointId = Annotated[
    str, Meta(pattern=ids.pattern(ids.WEBHOOK_ENDPOINT), examples=["whe_01m7zpzh3pekgt8zb1y8xg42jx"])
]
EventTypes = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[a-z_]+\.[a-z_*]+$(?!\n)")]],
    Meta(
        min_length=1,
        max_length=100,
        description="Types to hear, or groups such as `message.*`; null: all of them.",
        examples=[["message.received", "instance.*"]],
    ),
]
InstanceIds = Annotated[
    list[Annotated[str, Meta(pattern=ids.pattern(ids.INSTANCE) + r"(?!\n)")]],
    Meta(min_length=1, max_length=100, description="Instances to hear of; null: all, and the organization itself."),
]


class EndpointCreate(Struct, forbid_unknown_fields=True, kw_only=True):
    """A URL of yours that is to be told what happens."""

    url: Url
    description: Line | None = None
    event_types: EventTypes | None = None
    instance_ids: InstanceIds | None = None
    metadata: Metadata = {}


class EndpointUpdate(Struct, forbid_unknown_fields=True, kw_only=True):
    """What is to be changed; what is not named stays."""

    url: Url | UnsetType = UNSET
    description: Line | UnsetType | None = UNSET
    event_types: EventTypes | UnsetType | None = UNSET
    instance_ids: InstanceIds | UnsetType | None = UNSET
    status: Literal["enabled", "disabled"] | UnsetType = UNSET
    metadata: MetadataPatch | UnsetType | None = UNSET


class SecretRotation(Struct, forbid_unknown_fields=True, kw_only=True):
    """How long the old secret goes on signing beside the new one."""

    expire_old_after_seconds: Annotated[
        int, Meta(ge=0, le=604_800, description="At most a week; 0 ends the old secret at once.", examples=[86_400])
    ] = 86_400


class Recovery(Struct, forbid_unknown_fields=True, kw_only=True):
    """Since when deliveries are to be tried again."""

    since: Instant

    def instant(self) -> datetime:
        """When that is.

        Raises:
            InvalidParameter: there is no such date or time.
        """
        return read_instant(self.since, "#/since")


class EndpointView(Struct, kw_only=True):
    """A URL of yours that is told what happens."""

    id: EndpointId
    object: Literal["webhook_endpoint"] = "webhook_endpoint"
    url: str
    description: str | None
    environment: Annotated[str, Meta(description="`test` or `live`: that of the key which made it.")]
    event_types: Annotated[list[str] | None, Meta(description="What it hears; null: everything.")]
    instance_ids: Annotated[list[str] | None, Meta(description="Of which instances; null: all.")]
    status: Annotated[str, Meta(description="`enabled` or `disabled`.", examples=["enabled"])]
    disabled_reason: Annotated[
        str | None,
        Meta(description="`requested`, `gone` (it answered 410) or `failing` (for five days nothing was taken)."),
    ]
    failing_since: Annotated[Timestamp | None, Meta(description="The first failure since the last success.")]
    old_secret_expires_at: Annotated[Timestamp | None, Meta(description="Until when a rotated secret signs too.")]
    metadata: dict[str, str]
    created_at: Timestamp


class EndpointPage(Struct, kw_only=True):
    """A page of webhook endpoints."""

    object: Literal["list"] = "list"
    data: list[EndpointView]
    has_more: bool
    next_cursor: Cursor | None = None


class SecretView(Struct, kw_only=True):
    """The secret with which deliveries to an endpoint are signed (Standard Webhooks)."""

    object: Literal["webhook_secret"] = "webhook_secret"
    webhook_endpoint_id: EndpointId
    secret: Annotated[
        str, Meta(description="`whsec_` and base64 of 32 bytes.", examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
    ]
    old_secret_expires_at: Timestamp | None


class AttemptView(Struct, kw_only=True):
    """One try of a delivery."""

    attempted_at: Timestamp
    duration_ms: int
    status_code: Annotated[int | None, Meta(description="What your server answered; null: no usable answer.")]
    error: Annotated[
        str | None,
        Meta(description="`blocked`, `timeout`, `connect_failed`, `tls_failed` or `broken_answer`, without an answer."),
    ]
    reply_excerpt: Annotated[str | None, Meta(description="The first KiB of the answer's body.")]


class DeliveryView(Struct, kw_only=True):
    """One event for one endpoint, with every try."""

    id: Annotated[str, Meta(pattern=ids.pattern(ids.DELIVERY))]
    object: Literal["delivery"] = "delivery"
    webhook_endpoint_id: EndpointId
    event_id: Annotated[str, Meta(pattern=ids.pattern(ids.EVENT))]
    event_type: str
    status: Annotated[str, Meta(description="`pending`, `delivered`, `failed` or `skipped`.", examples=["delivered"])]
    attempt_count: Annotated[int, Meta(description="Tries since the delivery was begun or recovered.")]
    next_attempt_at: Annotated[Timestamp | None, Meta(description="Null also while it waits behind others.")]
    last_error: Annotated[str | None, Meta(description="Why it is not delivered yet, or never was.")]
    created_at: Timestamp
    delivered_at: Timestamp | None
    attempts: list[AttemptView]


class DeliveryPage(Struct, kw_only=True):
    """A page of deliveries."""

    object: Literal["list"] = "list"
    data: list[DeliveryView]
    has_more: bool
    next_cursor: Cursor | None = None


class RecoveryView(Struct, kw_only=True):
    """What a recovery has begun."""

    object: Literal["recovery"] = "recovery"
    webhook_endpoint_id: EndpointId
    since: Timestamp
    delivery_count: Annotated[int, Meta(description="Deliveries that are tried again from now.")]
    has_more: Annotated[bool, Meta(description="Whether to ask once more, for there were too many for one call.")]


def view(endpoint: WebhookEndpoint) -> EndpointView:
    """An endpoint as its tenant sees it, without its secret."""
    return EndpointView(
        id=ids.to_wire(ids.WEBHOOK_ENDPOINT, endpoint.id),
        url=endpoint.url,
        description=endpoint.description,
        environment=endpoint.environment,
        event_types=endpoint.event_types,
        instance_ids=endpoint.instance_ids,
        status=endpoint.status,
        disabled_reason=endpoint.disabled_reason,
        failing_since=_instant(endpoint.failing_since),
        old_secret_expires_at=_instant(endpoint.previous_until),
        metadata=endpoint.details,
        created_at=clock.to_wire(endpoint.created_at),
    )


def secret_view(endpoint: WebhookEndpoint, secret: str) -> SecretView:
    """An endpoint's secret."""
    return SecretView(
        webhook_endpoint_id=ids.to_wire(ids.WEBHOOK_ENDPOINT, endpoint.id),
        secret=secret,
        old_secret_expires_at=_instant(endpoint.previous_until),
    )


def delivery_view(delivery: Delivery, attempts: list[DeliveryAttempt]) -> DeliveryView:
    """A delivery with its tries."""
    return DeliveryView(
        id=ids.to_wire(ids.DELIVERY, delivery.id),
        webhook_endpoint_id=ids.to_wire(ids.WEBHOOK_ENDPOINT, delivery.endpoint_id),
        event_id=ids.to_wire(ids.EVENT, delivery.event_id),
        event_type=delivery.event_type,
        status=delivery.status,
        attempt_count=delivery.attempt_count,
        next_attempt_at=_instant(delivery.next_attempt_at),
        last_error=delivery.last_error,
        created_at=clock.to_wire(delivery.created_at),
        delivered_at=_instant(delivery.delivered_at),
        attempts=[_attempt_view(attempt) for attempt in attempts],
    )


def given(update: EndpointUpdate) -> dict[str, Any]:
    """The fields that a change names."""
    named = {name: getattr(update, name) for name in update.__struct_fields__}
    return {name: value for name, value in named.items() if value is not UNSET}


def _attempt_view(attempt: DeliveryAttempt) -> AttemptView:
    return AttemptView(
        attempted_at=clock.to_wire(attempt.attempted_at),
        duration_ms=attempt.duration_ms,
        status_code=attempt.status_code,
        error=attempt.error,
        reply_excerpt=attempt.reply_excerpt,
    )


def _instant(value: datetime | None) -> str | None:
    return None if value is None else clock.to_wire(value)
