"""Instances and their pairing on the wire."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from app.instances.models import Instance
from app.kit import ids
from app.kit.clock import to_wire
from app.kit.respond import etag
from app.kit.wire import LINE, Metadata, MetadataPatch, Name, Timestamp
from app.plans.service import Access

InstanceId = Annotated[str, Meta(pattern=ids.pattern(ids.INSTANCE), examples=["inst_01m7zpzh3pekgt8zb1y8xg42jx"])]
Phone = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=32,
        pattern=LINE,
        description="A phone number in E.164: plus sign, country code, number.",
        examples=["+15005550006"],
    ),
]


class InstanceCreate(Struct, forbid_unknown_fields=True):
    """The wish for one more instance, in the environment of the key."""

    name: Name
    provider: Annotated[
        str,
        Meta(
            pattern="^[a-z][a-z0-9_]{0,29}$",
            description="The gateway's name; `auto` leaves the choice to the operator.",
            examples=["auto"],
        ),
    ] = "auto"
    metadata: Metadata = {}


class InstanceUpdate(Struct, forbid_unknown_fields=True):
    """A merge patch: what is left out stays."""

    name: Name | UnsetType = UNSET
    metadata: MetadataPatch | UnsetType | None = UNSET


class AccessView(Struct):
    """Whether the instance may send now."""

    allowed: bool
    reason: Annotated[
        str | None,
        Meta(
            description="Why not: trial_expired, payment_due, quota_exceeded, suspended_by_operator,"
            " suspended_by_organization, not_started, closed; null when it may.",
            examples=["trial_expired"],
        ),
    ]
    until: Annotated[
        Timestamp | None, Meta(description="When the granted time ends or ended; of a used-up limit, when it resets.")
    ]


class InstanceView(Struct):
    """An instance: a leased WhatsApp account."""

    id: InstanceId
    object: Literal["instance"]
    name: str
    provider: Annotated[str, Meta(examples=["green_api"])]
    environment: Annotated[str, Meta(description="test or live: simulator or real gateway.", examples=["test"])]
    billing_mode: Annotated[str | None, Meta(description="trial or live: what was paid for.", examples=["trial"])]
    status: Annotated[
        str,
        Meta(
            description="One of queued, provisioning, active, suspended, deleting, deleted, failed.",
            examples=["active"],
        ),
    ]
    connection: Annotated[
        str,
        Meta(
            description="One of unpaired, pairing, connected, disconnected, blocked, starting, unknown.",
            examples=["connected"],
        ),
    ]
    access: AccessView
    phone_number: Annotated[str | None, Meta(description="The linked phone, E.164.", examples=["+15005550006"])]
    profile_name: str | None
    suspended_by: Annotated[str | None, Meta(description="organization or operator, while suspended.")]
    created_at: Timestamp
    connected_at: Timestamp | None
    trial_ends_at: Timestamp | None
    paid_through_at: Timestamp | None
    last_seen_at: Annotated[Timestamp | None, Meta(description="When upstream last told the state.")]
    metadata: dict[str, str]
    etag: Annotated[str, Meta(description="For `If-Match`; changes with everything but times that run by themselves.")]


class InstancePage(Struct):
    """A page of instances, newest first."""

    object: Literal["list"]
    data: list[InstanceView]
    has_more: bool
    next_cursor: str | None


class InstanceState(Struct):
    """What is known of the connection; cheap to ask again and again."""

    object: Literal["instance_state"]
    instance_id: InstanceId
    status: Annotated[str, Meta(examples=["active"])]
    connection: Annotated[str, Meta(examples=["connected"])]
    phone_number: str | None
    profile_name: str | None
    connected_at: Timestamp | None
    checked_at: Annotated[Timestamp | None, Meta(description="When upstream was last asked or last told us.")]


class PairingStart(Struct, forbid_unknown_fields=True):
    """How the phone is to be linked; `phone_code` needs the phone's number."""

    method: Literal["qr", "phone_code"] = "qr"
    phone: Phone | None = None


class PairingLinkStart(Struct, forbid_unknown_fields=True):
    """How long a pairing link is to live."""

    valid_hours: Annotated[int, Meta(ge=1, le=72)] = 24


class PairingLinkView(Struct):
    """A page on which a phone can be linked by whoever has its address."""

    object: Literal["pairing_link"]
    url: Annotated[str, Meta(description="The page. A secret: it lets in without a credential.")]
    expires_at: Timestamp


class QrView(Struct):
    """A picture to scan; fetch a new one when it expires."""

    data: Annotated[str, Meta(description="The image, base64.")]
    media_type: Annotated[str, Meta(examples=["image/png"])]
    expires_at: Timestamp


class CodeView(Struct):
    """Characters to type on the phone: Linked devices, Link with phone number."""

    value: Annotated[str, Meta(examples=["ABCD-1234"])]
    expires_at: Timestamp


class PairingView(Struct):
    """A way to link a phone, fetched just now and stored nowhere."""

    id: Annotated[str, Meta(pattern=ids.pattern(ids.PAIRING), examples=["pair_01m7zpzh3pekgt8zb1y8xg42jx"])]
    object: Literal["pairing"]
    status: Annotated[str, Meta(description="preparing, waiting_for_scan or waiting_for_code.")]
    method: Annotated[str, Meta(description="qr or phone_code.")]
    qr: QrView | None
    code: CodeView | None


def view(instance: Instance, access: Access | None) -> InstanceView:
    """An instance as its owner sees it."""
    return InstanceView(
        id=ids.to_wire(ids.INSTANCE, instance.id),
        object="instance",
        name=instance.name,
        provider=instance.provider,
        environment=instance.environment,
        billing_mode=access.billing_mode if access else None,
        status=instance.status,
        connection=instance.connection,
        access=_access(instance, access),
        phone_number=f"+{instance.phone}" if instance.phone else None,
        profile_name=instance.profile_name,
        suspended_by=instance.suspended_by,
        created_at=to_wire(instance.created_at),
        connected_at=_instant(instance.connected_at),
        trial_ends_at=_instant(access.trial_ends_at if access else None),
        paid_through_at=_instant(access.paid_through_at if access else None),
        last_seen_at=_instant(instance.last_seen_at),
        metadata=dict(instance.details),
        etag=etag(instance.version),
    )


def state(instance: Instance) -> InstanceState:
    """What is known of an instance's connection."""
    return InstanceState(
        object="instance_state",
        instance_id=ids.to_wire(ids.INSTANCE, instance.id),
        status=instance.status,
        connection=instance.connection,
        phone_number=f"+{instance.phone}" if instance.phone else None,
        profile_name=instance.profile_name,
        connected_at=_instant(instance.connected_at),
        checked_at=_instant(instance.last_seen_at),
    )


def _access(instance: Instance, access: Access | None) -> AccessView:
    if instance.suspended_by is not None:
        return AccessView(False, f"suspended_by_{instance.suspended_by}", None)
    if access is None or instance.status in ("deleting", "deleted"):
        return AccessView(False, "closed", None)
    return AccessView(access.allowed, access.reason, _instant(access.until))


def _instant(value: datetime | None) -> str | None:
    return None if value is None else to_wire(value)
