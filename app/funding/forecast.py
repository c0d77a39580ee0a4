"""How long a pool lasts: told the same in the log, by mail, in the metrics and to the operator."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from app.funding import rules, store
from app.kit.db import UnitOfWork

OVER: Final = timedelta(days=7)
"""The time whose pace is taken for what comes."""


@dataclass(frozen=True)
class Forecast:
    """What left a pool for good in a day, and in how many days it is empty like that; None where that is not known."""

    spent_per_day: float
    days_to_empty: float | None


async def of(uow: UnitOfWork, provider: str, environment: str, days: int | None) -> Forecast:
    """The forecast of a partner account whose pool holds so many days; None is a balance that nobody knows."""
    spent = await store.spent(uow, provider, environment, OVER)
    left = None if days is None else rules.days_to_empty(days, spent, OVER)
    return Forecast(spent / OVER.days, left)
