"""What the token of a line may do, and so who may be told it: nobody who could do less by itself."""

from typing import Final

from app.accounts.principal import Principal
from app.accounts.scopes import Scope

REACH: Final = frozenset(
    {
        Scope.INSTANCES_READ,
        Scope.INSTANCES_WRITE,
        Scope.MESSAGES_SEND,
        Scope.MESSAGES_READ,
        Scope.CHATS_READ,
        Scope.CHATS_WRITE,
        Scope.GROUPS_WRITE,
        Scope.KEYS_WRITE,
    }
)
"""The scopes of every method of the gateway; the catalogue of methods stands above this room."""


def check(principal: Principal) -> None:
    """Refuse a caller that could do less than a line's token.

    Raises:
        InsufficientScope: 403, with a scope that is missing.
    """
    for scope in sorted(REACH):
        principal.require(scope)
