"""The shapes of our credentials."""

import secrets
from typing import Final

from app.kit.crypto import new_token, well_formed

API_KEY_PREFIX: Final = {"live": "slt_sk_live_", "test": "slt_sk_test_"}
OPERATOR_PREFIX: Final = "slt_op_"
SESSION_PREFIX: Final = "slt_cst_"


def new_api_key(environment: str) -> str:
    """A tenant's key; the environment is legible in it."""
    return new_token(API_KEY_PREFIX[environment])


def new_operator_key() -> str:
    """An operator's key."""
    return new_token(OPERATOR_PREFIX)


def new_session_token() -> str:
    """A signed-in user's token."""
    return new_token(SESSION_PREFIX)


def new_code() -> str:
    """Six digits for an e-mail."""
    return f"{secrets.randbelow(1_000_000):06d}"


def kind_of(token: str) -> str | None:
    """Which credential a text is by shape and checksum: `api_key`, `operator`, `session`, or None."""
    if any(well_formed(token, prefix) for prefix in API_KEY_PREFIX.values()):
        return "api_key"
    if well_formed(token, OPERATOR_PREFIX):
        return "operator"
    if well_formed(token, SESSION_PREFIX):
        return "session"
    return None
