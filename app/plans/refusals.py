"""What a denial of the gate is to the caller: 402 problems that say why and until when."""

from typing import Any

from app.kit import clock
from app.kit.errors import AppError, Conflict, Gone, PaymentNeeded
from app.plans.catalogue import Metric
from app.plans.gate import Allow, Deny


class TrialExpired(PaymentNeeded):
    """The trial of this instance is over; what is there can still be read."""

    code = "trial_expired"


class PaymentRequired(PaymentNeeded):
    """This instance is not paid for; what is there can still be read."""


class PlanLimitReached(PaymentNeeded):
    """A limit of the plan is used up."""

    code = "plan_limit_reached"


class TrialNotStarted(Conflict):
    """The instance is not ready yet; its trial begins when it is."""

    code = "instance_not_ready"
    retryable = True


def refuse(verdict: Allow | Deny, metric: Metric | None = None) -> None:
    """Raise what a denial means to the caller, with why and until when; an allowance passes.

    Raises:
        TrialExpired, PaymentRequired, PlanLimitReached, TrialNotStarted, Gone: see each.
    """
    if isinstance(verdict, Allow):
        return
    until = clock.to_wire(verdict.until) if verdict.until is not None else None
    extra: dict[str, Any] = {"reason": verdict.reason, "until": until}
    if verdict.limit is not None:
        extra |= {"metric": metric, "limit": verdict.limit, "used": verdict.used, "resets_at": until}
    raise _REFUSALS[verdict.code](_DETAILS[metric or verdict.code], extra=extra)


_REFUSALS: dict[str, type[AppError]] = {
    "trial_expired": TrialExpired,
    "payment_required": PaymentRequired,
    "plan_limit_reached": PlanLimitReached,
    "instance_not_ready": TrialNotStarted,
    "instance_deleted": Gone,
}
_DETAILS: dict[str, str] = {
    "trial_expired": "Sending ended with the trial; let the instance go live to send again.",
    "payment_required": "Sending ended with the paid time; extend it to send again.",
    "instance_not_ready": "Wait until the instance is active.",
    "instance_deleted": "The instance is being or was deleted.",
    "messages": "The messages of this day are used up.",
    "chats": "No further chat can be written to in this month; chats already written to can.",
    "calls": "The calls of this month are used up.",
}
