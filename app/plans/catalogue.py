"""The plans as data. Every figure says where it comes from; nothing else in the house spells one."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

Metric = Literal["messages", "chats", "calls"]
Period = Literal["day", "month"]
PERIODS: Final[dict[Metric, Period]] = {"messages": "day", "chats": "month", "calls": "month"}


@dataclass(frozen=True)
class Limit:
    """So many of a metric in a billing day or month (they begin at 00:00 UTC+3)."""

    metric: Metric
    amount: int
    period: Period
    source: str


@dataclass(frozen=True)
class Plan:
    """What an instance on this plan may do; `days` None means as long as it is paid for."""

    id: str
    name: str
    billing_mode: Literal["trial", "live"]
    days: int | None
    limits: tuple[Limit, ...]
    source: str

    def limit(self, metric: Metric) -> Limit | None:
        """The limit of a metric, or None when there is none."""
        return next((limit for limit in self.limits if limit.metric == metric), None)

    @property
    def length(self) -> timedelta:
        """How long the plan runs by itself."""
        return timedelta(days=self.days or 0)


TRIAL: Final = Plan(
    id="trial",
    name="Trial",
    billing_mode="trial",
    days=5,
    limits=(
        Limit("messages", 150, "day", "work order of 2026-11-21, item 6: 150 messages a day"),
        Limit("chats", 5, "month", "work order of 2026-11-21, item 6: 5 chats a month"),
        Limit("calls", 1000, "month", "work order of 2026-11-21, item 6: 1,000 calls a month"),
    ),
    source="work order of 2026-11-21, item 6: a trial of 5 days",
)
LIVE: Final = Plan(
    id="live",
    name="Live",
    billing_mode="live",
    days=None,
    limits=(),
    source="GREEN-API tariffs page, read 2026-11-21: a partner pays by instance and day, messages are not counted",
)
PLANS: Final[dict[str, Plan]] = {plan.id: plan for plan in (TRIAL, LIVE)}
MAX_DAYS: Final = 3660
"""Most days that one call may add: ten years, so that a slip of the finger is refused."""
MAX_AHEAD: Final = timedelta(days=36_600)
"""Farthest that paid time may reach, whatever is added."""
ENDING_DAYS: Final = (3, 1)
"""Days before an end at which it is announced. Source: API conventions 3.6, less the 7 that a trial does not have."""
