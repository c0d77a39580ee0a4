"""When a gateway that restarts is believed that a phone is away. Pure rule.

Such a gateway tells for some seconds that an account is starting or not linked: around restarts and changes of mode,
and on a normal day as well. So the first word of it changes nothing; what is asked a minute later is believed.
Source: Whapi help desk on health, change of mode (read 2026-11-21).
"""

from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Final

from app.instances.models import Instance
from app.providers.port import Link, Traits

PATIENCE: Final = timedelta(seconds=60)
AWAY: Final = frozenset({Link.NOT_READY, Link.STARTING, Link.UNPAIRED, Link.DISCONNECTED})


class Belief(Enum):
    """What a told state means: a fact, not yet one, or that nothing has happened after all."""

    FACT = auto()
    DOUBT = auto()
    BACK = auto()


def belief(instance: Instance, link: Link, traits: Traits, now: datetime) -> Belief:
    """Whether a state is to be taken note of; `away_told_at` of the instance is set or cleared."""
    since = instance.away_told_at
    if link not in AWAY or instance.connection != "connected" or not traits.restart_seconds:
        instance.away_told_at = None
        return Belief.FACT if since is None or link is not Link.CONNECTED else Belief.BACK
    if since is None:
        instance.away_told_at = now
        return Belief.DOUBT
    if now - since < PATIENCE:
        return Belief.DOUBT
    instance.away_told_at = None
    return Belief.FACT
