"""The times by which sends of unknown outcome are resolved."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

MARGIN_SECONDS: Final = 5.0


@dataclass(frozen=True)
class Options:
    """See `app.settings` for the meaning of each; all times in seconds."""

    resolve_seconds: float = 5.0
    journal_seconds: float = 130.0
    upstream_timeout_seconds: float = 30.0

    @property
    def lease_seconds(self) -> float:
        """After so long a send that was not settled is lost: no call and no record of it can still be under way."""
        return self.upstream_timeout_seconds + MARGIN_SECONDS

    @property
    def lease(self) -> timedelta:
        """The same as a duration."""
        return timedelta(seconds=self.lease_seconds)
