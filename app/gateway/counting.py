"""Pure rules: how many messages of a plan a send is."""

from collections.abc import Mapping
from typing import Any


def units_of(kind: str, content: Mapping[str, Any]) -> int:
    """One; of a forward as many as it passes on, for each of them is a message of its own to whoever gets it."""
    forwarded = content.get("message_ids") if kind == "forward" else None
    return max(1, len(forwarded)) if isinstance(forwarded, list | tuple) else 1
