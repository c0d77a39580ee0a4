"""The times by which sends of unknown outcome are resolved."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """See `app.settings` for the meaning of each; all times in seconds."""

    resolve_seconds: float = 5.0
    journal_seconds: float = 130.0
