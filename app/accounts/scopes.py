"""What a credential may do."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final


class Scope(StrEnum):
    """One permission; routes name the one they need."""

    INSTANCES_READ = "instances:read"
    INSTANCES_WRITE = "instances:write"
    MESSAGES_SEND = "messages:send"
    MESSAGES_READ = "messages:read"
    CHATS_READ = "chats:read"
    CHATS_WRITE = "chats:write"
    GROUPS_WRITE = "groups:write"
    GATEWAY_CALL = "gateway:call"
    WEBHOOKS_READ = "webhooks:read"
    WEBHOOKS_WRITE = "webhooks:write"
    EVENTS_READ = "events:read"
    USAGE_READ = "usage:read"
    ORGANIZATION_READ = "organization:read"
    ORGANIZATION_WRITE = "organization:write"
    KEYS_WRITE = "keys:write"
    OPERATOR = "operator"


TENANT_SCOPES: Final = frozenset(Scope) - {Scope.OPERATOR}
PRESETS: Final[dict[str, frozenset[Scope]]] = {
    "full": TENANT_SCOPES,
    "send_only": frozenset({Scope.MESSAGES_SEND, Scope.MESSAGES_READ, Scope.INSTANCES_READ}),
    "read_only": frozenset(scope for scope in TENANT_SCOPES if scope.endswith(":read")),
}
ROLES: Final[dict[str, frozenset[Scope]]] = {
    "owner": TENANT_SCOPES,
    "admin": TENANT_SCOPES,
    "developer": TENANT_SCOPES - {Scope.ORGANIZATION_WRITE},
    "viewer": PRESETS["read_only"],
}


def known_scopes(names: Iterable[str]) -> frozenset[Scope]:
    """The scopes that are still among ours: one that was taken away from the product grants nothing."""
    wanted = frozenset(names)
    return frozenset(scope for scope in Scope if scope.value in wanted)


def asked_scopes(asked: str | Iterable[str]) -> frozenset[Scope]:
    """The scopes behind a preset's name or a list."""
    return PRESETS[asked] if isinstance(asked, str) else known_scopes(asked) & TENANT_SCOPES
