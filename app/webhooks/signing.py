"""Pure rules: Standard Webhooks signatures (standardwebhooks.com, specification 1.0.0, read 2026-11-21)."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Final

PREFIX: Final = "whsec_"
SECRET_BYTES: Final = 32


def new_secret() -> str:
    """A fresh secret of 256 bits, `whsec_` and base64."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signed_headers(event_id: str, at: datetime, body: bytes, keys: Sequence[str]) -> dict[str, str]:
    """The headers of one attempt: the id stays the same over retries, time and signatures are the attempt's.

    While a rotated secret is still valid there are two keys and so two signatures; a receiver needs either.
    """
    timestamp = str(int(at.timestamp()))
    content = f"{event_id}.{timestamp}.".encode() + body
    return {
        "content-type": "application/json",
        "webhook-id": event_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(_signature(key, content) for key in keys),
    }


def _signature(key: str, content: bytes) -> str:
    raw = base64.b64decode(key.removeprefix(PREFIX))
    return "v1," + base64.b64encode(hmac.digest(raw, content, hashlib.sha256)).decode()
