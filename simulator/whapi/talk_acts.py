"""Acts of the phone about messages, chats and people."""

from collections.abc import Callable
from typing import Any

from simulator.whapi.channel import Channel
from simulator.whapi.world import Whapi

Act = Callable[[Whapi, Channel, dict[str, Any]], dict[str, Any]]
"""Raises ValueError (400, unfit body) or `simulator.phone.NotNow` (409, not in this state)."""

ACTS: dict[str, Act] = {}
"""By the name in the address."""
