"""A partner account: its projects, its pool of days and its settings."""

import secrets
import string
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from simulator.clock import rfc3339
from simulator.whapi.channel import DAY, Channel

LETTERS = string.ascii_letters + string.digits


def made_up(length: int, letters: str = LETTERS) -> str:
    """An id nobody has."""
    return "".join(secrets.choice(letters) for _ in range(length))


@dataclass(slots=True)
class Project:
    """A folder of channels."""

    id: str
    name: str
    owner_id: str
    created_at: float
    is_default: bool = False

    def row(self) -> dict[str, Any]:
        """The project as the manager tells it."""
        return {
            "id": self.id,
            "name": self.name,
            "ownerId": self.owner_id,
            "creationTS": round(self.created_at * 1000),
            "isDefault": self.is_default,
            "users": [self.owner_id],
        }


@dataclass(frozen=True, slots=True)
class Movement:
    """Days that went from one account to another, in milliseconds; never taken back, only answered by another.

    Accounts: `outside` (bought), `pool`, `channel`, `consumed`, `granted` (the provider's gifts and roundings
    in the partner's favour), `forfeited` (gone with a channel).
    """

    seq: int
    at: float
    source: str
    target: str
    amount: int
    reason: str
    channel_id: str | None
    name: str | None
    comment: str

    def shown(self) -> dict[str, Any]:
        """The movement as the control face tells it."""
        return {
            "seq": self.seq,
            "at": rfc3339(self.at),
            "from": self.source,
            "to": self.target,
            "days": self.amount / DAY,
            "ms": self.amount,
            "reason": self.reason,
            "channel_id": self.channel_id,
            "name": self.name,
            "comment": self.comment,
        }


@dataclass(slots=True, eq=False)
class Partner:
    """One account of the manager host; `pool` is in milliseconds and never below zero."""

    token: str
    codename: str
    name: str
    owner_id: str
    projects: dict[str, Project]
    default_project: str
    pool: int = 0
    settings: dict[str, Any] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    gone: list[Channel] = field(default_factory=list)
    """Deleted channels, in that order."""
    books: list[Movement] = field(default_factory=list)
    creations: deque[float] = field(default_factory=deque)
    window_since: float = float("-inf")
    buckets: dict[str, tuple[float, float]] = field(default_factory=dict)

    def shown(self) -> dict[str, Any]:
        """The account as the control face tells it."""
        return {
            "token": self.token,
            "codename": self.codename,
            "name": self.name,
            "owner_id": self.owner_id,
            "pool_days": self.pool / DAY,
            "pool_ms": self.pool,
            "projects": [project.row() for project in self.projects.values()],
            "settings": self.settings,
            "channels": len(self.channels),
        }


def open_account(token: str, number: int, now: float) -> Partner:
    """A new account with its default project and an empty pool."""
    owner = made_up(28)
    project = Project(made_up(20), "Default", owner, now, is_default=True)
    return Partner(token, f"partner{number}", f"Partner {number}", owner, {project.id: project}, project.id)
