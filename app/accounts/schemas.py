"""Organizations, people and keys on the wire."""

from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from app.accounts.models import ApiKey, Tenant, User
from app.accounts.principal import Principal
from app.kit import ids
from app.kit.clock import to_wire
from app.kit.wire import Instant, Metadata, MetadataPatch, Name, Timestamp

LONGEST_GRACE_SECONDS: Final = 604_800

Environment = Literal["live", "test"]
Preset = Literal["full", "send_only", "read_only"]
ScopeName = Literal[
    "instances:read",
    "instances:write",
    "messages:send",
    "messages:read",
    "chats:read",
    "chats:write",
    "groups:write",
    "gateway:call",
    "webhooks:read",
    "webhooks:write",
    "events:read",
    "usage:read",
    "organization:read",
    "organization:write",
    "keys:write",
]
Scopes = Annotated[
    Preset | Annotated[list[ScopeName], Meta(min_length=1, max_length=50)],
    Meta(description="A preset or a list of scopes.", examples=["full"]),
]
InstanceIds = Annotated[
    list[Annotated[str, Meta(pattern=ids.pattern(ids.INSTANCE))]] | None,
    Meta(description="The only instances that the key may use; null for every one.", examples=[None]),
]
ExpiresAt = Annotated[
    Instant | None,
    Meta(description="When the key ends by itself, RFC 3339; null for never.", examples=[None]),
]


class OrganizationView(Struct):
    """A customer: what instances, keys and people belong to."""

    id: Annotated[str, Meta(pattern=ids.pattern(ids.ORGANIZATION), examples=["org_01m7zpzh3pekgt8zb1y8xg42jx"])]
    object: Literal["organization"]
    name: Annotated[str, Meta(examples=["Acme"])]
    status: Annotated[str, Meta(description="One of active, suspended, closed.", examples=["active"])]
    metadata: Metadata
    created_at: Timestamp


class OrganizationPatch(Struct, forbid_unknown_fields=True):
    """What to change of an organization (RFC 7396)."""

    name: Name | UnsetType = UNSET
    metadata: MetadataPatch | UnsetType | None = UNSET


class UserView(Struct):
    """A person with a verified address."""

    id: Annotated[str, Meta(pattern=ids.pattern(ids.USER), examples=["usr_01m7zpzh3pekgt8zb1y8xg42jx"])]
    object: Literal["user"]
    email: Annotated[str, Meta(examples=["ada@example.com"])]
    created_at: Timestamp


class MeView(Struct):
    """The caller. `user` and `role` are null for a key."""

    object: Literal["me"]
    kind: Annotated[str, Meta(description="api_key or session.", examples=["session"])]
    environment: Annotated[str, Meta(description="live or test: whose instances are seen.", examples=["live"])]
    scopes: Annotated[list[str], Meta(examples=[["instances:read"]])]
    user: UserView | None
    role: Annotated[str | None, Meta(description="One of owner, admin, developer, viewer.", examples=["owner"])]
    organization: OrganizationView


class ApiKeyView(Struct):
    """A key, without its secret: that was shown once."""

    id: Annotated[str, Meta(pattern=ids.pattern(ids.API_KEY), examples=["key_01m7zpzh3pekgt8zb1y8xg42jx"])]
    object: Literal["api_key"]
    name: Annotated[str, Meta(examples=["Production server"])]
    organization_id: Annotated[str, Meta(pattern=ids.pattern(ids.ORGANIZATION))]
    environment: Annotated[str, Meta(description="live or test.", examples=["live"])]
    scopes: Annotated[list[str], Meta(examples=[["messages:send", "messages:read"]])]
    instance_ids: InstanceIds
    last4: Annotated[str, Meta(description="The end of the secret, to tell keys apart.", examples=["x7Qz"])]
    created_at: Timestamp
    expires_at: Timestamp | None
    last_used_at: Annotated[Timestamp | None, Meta(description="To the minute; not covered by the ETag.")]
    previous_secret_expires_at: Annotated[
        Timestamp | None, Meta(description="Until when the secret before the last rotation works.")
    ]


class ApiKeySecretView(ApiKeyView):
    """A key with its secret, which is shown this once."""

    secret: Annotated[str, Meta(description="Send it as `Authorization: Bearer …`. Keep it: it is not shown again.")]


class ApiKeyPage(Struct):
    """Keys, newest first."""

    object: Literal["list"]
    data: list[ApiKeyView]
    has_more: bool
    next_cursor: str | None


class ApiKeyCreate(Struct, forbid_unknown_fields=True):
    """A key to make; it can do no more than the caller."""

    name: Name
    scopes: Scopes
    environment: Environment | UnsetType = UNSET
    instance_ids: InstanceIds = None
    expires_at: ExpiresAt = None


class ApiKeyPatch(Struct, forbid_unknown_fields=True):
    """What to change of a key (RFC 7396)."""

    name: Name | UnsetType = UNSET
    scopes: Scopes | UnsetType = UNSET
    instance_ids: InstanceIds | UnsetType = UNSET
    expires_at: ExpiresAt | UnsetType = UNSET


class ApiKeyRotate(Struct, forbid_unknown_fields=True):
    """How to replace a secret."""

    expire_old_after_seconds: Annotated[
        int, Meta(ge=0, le=LONGEST_GRACE_SECONDS, description="How long the old secret works on, up to a week.")
    ] = 0


def organization_view(tenant: Tenant) -> OrganizationView:
    """A tenant as its people see it."""
    return OrganizationView(
        id=ids.to_wire(ids.ORGANIZATION, tenant.id),
        object="organization",
        name=tenant.name,
        status=tenant.status,
        metadata=tenant.details,
        created_at=to_wire(tenant.created_at),
    )


def user_view(user: User) -> UserView:
    """A user."""
    return UserView(ids.to_wire(ids.USER, user.id), "user", user.email, to_wire(user.created_at))


def me_view(principal: Principal, tenant: Tenant, signed_in: tuple[User, str] | None) -> MeView:
    """The caller."""
    return MeView(
        object="me",
        kind=principal.kind,
        environment=principal.environment,
        scopes=sorted(principal.scopes),
        user=None if signed_in is None else user_view(signed_in[0]),
        role=None if signed_in is None else signed_in[1],
        organization=organization_view(tenant),
    )


def api_key_view(key: ApiKey, now: datetime) -> ApiKeyView:
    """A key without its secret."""
    old = key.previous_until
    return ApiKeyView(
        id=ids.to_wire(ids.API_KEY, key.id),
        object="api_key",
        name=key.name,
        organization_id=ids.to_wire(ids.ORGANIZATION, key.tenant_id),
        environment=key.environment,
        scopes=key.scopes,
        instance_ids=None
        if key.instance_ids is None
        else [ids.to_wire(ids.INSTANCE, UUID(item)) for item in key.instance_ids],
        last4=key.last4,
        created_at=to_wire(key.created_at),
        expires_at=_maybe(key.expires_at),
        last_used_at=_maybe(key.last_used_at),
        previous_secret_expires_at=None if old is None or old <= now else to_wire(old),
    )


def api_key_secret_view(key: ApiKey, secret: str, now: datetime) -> ApiKeySecretView:
    """A key with the secret that was just made."""
    view = api_key_view(key, now)
    return ApiKeySecretView(**{name: getattr(view, name) for name in view.__struct_fields__}, secret=secret)


def _maybe(instant: datetime | None) -> str | None:
    return None if instant is None else to_wire(instant)
