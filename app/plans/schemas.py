"""Plans, terms and usage on the wire."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from app.kit import ids
from app.kit.clock import next_day_start, next_month_start, to_wire
from app.kit.wire import Timestamp
from app.plans import gate
from app.plans.catalogue import PERIODS, Limit, Metric, Plan
from app.plans.gate import Allow
from app.plans.models import Subscription
from app.plans.service import limit_of, terms_of


class LimitView(Struct):
    """A limit of a plan."""

    metric: Annotated[str, Meta(description="messages, chats or calls.", examples=["messages"])]
    amount: Annotated[int, Meta(examples=[150])]
    period: Annotated[str, Meta(description="day or month; both begin at 00:00 UTC+3.", examples=["day"])]


class PlanView(Struct):
    """What an instance on this plan may do."""

    id: Annotated[str, Meta(examples=["trial"])]
    name: str
    billing_mode: Annotated[str, Meta(description="trial or live.", examples=["trial"])]
    days: Annotated[int | None, Meta(description="How long it runs; null: as long as it is paid for.", examples=[5])]
    limits: list[LimitView]
    object: Annotated[str, Meta(extra_json_schema={"const": "plan"})] = "plan"


class PlanList(Struct):
    """Every plan."""

    object: Annotated[str, Meta(extra_json_schema={"const": "list"})]
    data: list[PlanView]
    has_more: bool
    next_cursor: str | None


class UsageView(Struct):
    """How much of a metric is used in the present period."""

    metric: Annotated[str, Meta(description="messages, chats or calls.", examples=["messages"])]
    used: int
    limit: Annotated[int | None, Meta(description="null: no limit.")]
    resets_at: Timestamp


class SubscriptionView(Struct):
    """The terms of an instance and what it has used."""

    instance_id: Annotated[str, Meta(pattern=ids.pattern(ids.INSTANCE))]
    plan: str
    billing_mode: Annotated[str, Meta(description="trial or live.", examples=["trial"])]
    allowed: Annotated[bool, Meta(description="Whether time allows sending now; limits are in `usage`.")]
    reason: Annotated[
        str | None, Meta(description="Why not: trial_expired, payment_due, not_started, closed; null when it may.")
    ]
    until: Annotated[Timestamp | None, Meta(description="When the granted or paid time ends or ended.")]
    trial_ends_at: Timestamp | None
    trial_days_left: Annotated[int | None, Meta(description="Whole days left of the trial.")]
    paid_through_at: Timestamp | None
    what_happens_next: Annotated[str, Meta(description="One sentence for people.")]
    usage: list[UsageView]
    object: Annotated[str, Meta(extra_json_schema={"const": "subscription"})] = "subscription"


def plan_view(plan: Plan) -> PlanView:
    """A plan as the API shows it."""
    limits = [LimitView(limit.metric, limit.amount, limit.period) for limit in plan.limits]
    return PlanView(plan.id, plan.name, plan.billing_mode, plan.days, limits)


def subscription_view(row: Subscription, used: dict[str, int], now: datetime) -> SubscriptionView:
    """An instance's terms as the API shows them."""
    verdict = gate.may_send(terms_of(row), now)
    on_trial = row.billing_mode == "trial"
    left = max(0, (row.trial_ends_at - now).days) if on_trial and row.trial_ends_at else None
    return SubscriptionView(
        instance_id=ids.to_wire(ids.INSTANCE, row.instance_id),
        plan=row.plan,
        billing_mode=row.billing_mode,
        allowed=isinstance(verdict, Allow),
        reason=None if isinstance(verdict, Allow) else verdict.reason,
        until=_wire(verdict.until),
        trial_ends_at=_wire(row.trial_ends_at),
        trial_days_left=left,
        paid_through_at=_wire(row.paid_through_at),
        what_happens_next=_NEXT[None if isinstance(verdict, Allow) else verdict.reason, on_trial],
        usage=[_usage(limit_of(row, metric), metric, used.get(metric, 0), now) for metric in PERIODS],
    )


_NEXT = {
    (None, True): "Sending ends with the trial; reading goes on.",
    (None, False): "Sending ends with the paid time unless it is extended; reading goes on.",
    (gate.NOT_STARTED, True): "The trial begins when the instance is ready.",
    (gate.TRIAL_EXPIRED, True): "The trial is over; let the instance go live to send again.",
    (gate.PAYMENT_DUE, False): "The paid time is over; extend it to send again.",
    (gate.CLOSED, True): "The instance is being or was deleted.",
    (gate.CLOSED, False): "The instance is being or was deleted.",
}


def _usage(limit: Limit | None, metric: Metric, used: int, now: datetime) -> UsageView:
    resets_at = next_day_start(now) if metric == "messages" else next_month_start(now)
    return UsageView(metric, used, limit.amount if limit else None, to_wire(resets_at))


def _wire(instant: datetime | None) -> str | None:
    return None if instant is None else to_wire(instant)
