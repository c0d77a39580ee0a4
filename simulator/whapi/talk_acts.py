"""Acts of the phone about messages, chats and people."""

from collections.abc import Callable
from typing import Any

from aiohttp import web

from simulator.whapi.channel import Channel
from simulator.whapi.world import Whapi
from simulator.world import World

Act = Callable[[Whapi, Channel, dict[str, Any]], dict[str, Any]]
"""Raises ValueError (400, unfit body) or `simulator.phone.NotNow` (409, not in this state)."""

ACTS: dict[str, Act] = {}
"""By the name in the address."""


def routes(world: World) -> list[web.RouteDef]:
    """Addresses of the control face that tell the truth about messages, chats and people."""
    return []
