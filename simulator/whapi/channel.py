"""A channel: what the manager knows of it, its life on the gate, and its settings."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from simulator.clock import Timer
from simulator.whapi.talk import Talk

if TYPE_CHECKING:
    from simulator.whapi.config import WhapiConfig
    from simulator.whapi.partner import Partner

DAY = 86_400_000
"""Milliseconds of a day, the unit days are counted in."""
LINKED = frozenset({"AUTH", "SYNC_ERROR"})
LIMITED = frozenset({"trial", "dev"})
"""Modes with limits: trial and sandbox. Source: Whapi help desk, read 2026-11-21."""
STATUS = {
    "INIT": "launching",
    "LAUNCH": "launching",
    "QR": "qr",
    "ERROR": "error",
    "STOP": "stopped",
}


@dataclass(slots=True)
class Used:
    """What trial and sandbox have used of their quotas, by calendar in UTC."""

    month: str = ""
    day: str = ""
    messages: int = 0
    checks: int = 0
    requests: int = 0
    chats: dict[str, None] = field(default_factory=dict)


@dataclass(slots=True)
class Pairing:
    """The row of QR codes being shown, and the code for the phone's keyboard."""

    since: float = 0.0
    timer: Timer | None = None
    told: int = 0
    code: str = ""
    phone: str = ""
    code_until: float = 0.0
    drawn: tuple[tuple[int, float], bytes] = ((-1, 0.0), b"")


@dataclass(slots=True, eq=False)
class Channel:
    """One rented number; moments of days are milliseconds, those of life seconds, all virtual."""

    id: str
    token: str
    partner: "Partner"
    name: str
    project_id: str
    server: int
    created_at: float
    active_till: int
    settings: dict[str, Any]
    phone: str = ""
    trial: int | None = None
    gift_until: int = 0
    """Days before this moment cost nothing and are not given back."""
    drained: int = 0
    """Days are booked as consumed up to here."""
    frozen: tuple[int, int] | None = None
    """Milliseconds left of all days and of gifted ones, while they do not run."""
    mode: str = "trial"
    stopped: bool = False
    expired: bool = False
    blocked: bool = False
    deleted_at: float | None = None
    vanished_at: float | None = None
    visible_at: float = 0.0
    payment_ids: dict[str, str] = field(default_factory=dict)
    state: str = "NOT_INIT"
    state_since: float = 0.0
    start_at: float = 0.0
    busy_until: float = 0.0
    is_mobile: bool = False
    persists: bool = False
    """callback_persist as it was at the last launch."""
    device_id: int = 0
    user: dict[str, Any] | None = None
    """The linked account as the Contact of health; `id` is its number."""
    session_broken: bool = False
    """Linked, but out of step: launches end in SYNC_ERROR."""
    profile: dict[str, str] = field(default_factory=dict)
    life_timer: Timer | None = None
    end_timer: Timer | None = None
    used: Used = field(default_factory=Used)
    pairing: Pairing = field(default_factory=Pairing)
    buckets: dict[str, tuple[float, float]] = field(default_factory=dict)
    talk: Talk = field(default_factory=Talk)
    """Messages, chats, contacts, groups, stories, media, calls."""

    @property
    def is_alive(self) -> bool:
        """Neither deleted nor lost by the upstream."""
        return self.deleted_at is None and self.vanished_at is None

    @property
    def is_linked(self) -> bool:
        """A phone is linked and the channel is up."""
        return self.state in LINKED

    @property
    def is_limited(self) -> bool:
        """In trial or sandbox."""
        return self.mode in LIMITED

    def row(self, api_url: str) -> dict[str, Any]:
        """The channel as the manager tells it."""
        return {
            "id": self.id,
            "token": self.token,
            "apiUrl": api_url,
            "name": self.name,
            "phone": self.phone,
            "projectId": self.project_id,
            "ownerId": self.partner.owner_id,
            "server": self.server,
            "creationTS": round(self.created_at * 1000),
            "activeTill": self.active_till,
            "mode": self.mode,
            "status": STATUS.get(self.state, "active"),
            "stopped": self.stopped,
            "blocked": self.blocked,
            **({} if self.trial is None else {"trial": self.trial}),
            **self.payment_ids,
        }

    def code(self, config: "WhapiConfig") -> int:
        """The number of the present state; those of no page are knobs."""
        known = {"INIT": 1, "LAUNCH": 2, "QR": 3, "ERROR": 5, "AUTH": config.auth_code}
        others = {"NOT_INIT": config.not_init_code, "SYNC_ERROR": config.sync_error_code, "STOP": config.stop_code}
        return (known | others)[self.state]
