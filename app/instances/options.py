"""The times and policies by which instances are reconciled."""

from dataclasses import dataclass
from typing import Literal

RepairPolicy = Literal["delete", "adopt", "report"]


@dataclass(frozen=True)
class Options:
    """See `app.settings` for the meaning of each; all times in seconds."""

    deployment: str
    public_url: str
    quiet_seconds: float = 120.0
    ready_poll_seconds: float = 5.0
    ready_deadline_seconds: float = 1800.0
    state_poll_seconds: float = 60.0
    surplus_wait_seconds: float = 300.0
    listing_seconds: float = 300.0
    repair_policy: RepairPolicy = "delete"
