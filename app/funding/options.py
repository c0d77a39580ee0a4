"""The times and amounts by which prepaid accounts are funded."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Options:
    """See `app.settings` for the meaning of each; seconds and days. `deployment` is in every comment upstream."""

    deployment: str
    step_days: int = 7
    margin_days: float = 2.0
    quiet_seconds: float = 120.0
    balance_seconds: float = 3600.0
    low_days: int = 30
    alert_mail: str = ""

    @property
    def margin(self) -> timedelta:
        """How long before its end an account is extended."""
        return timedelta(days=self.margin_days)
