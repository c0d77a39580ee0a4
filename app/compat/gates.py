"""Pure rules: a refusal of ours, as clients of GREEN-API know refusals."""

from typing import Final

from app.compat import wording
from app.compat.answer import (
    BAD_GATEWAY,
    CRASHED,
    DELETED,
    FORBIDDEN,
    NO_ANSWER,
    STARTING,
    TOO_FAST,
    TOO_LARGE,
    UNAUTHORIZED,
    UNLINKED,
    Answer,
)
from app.compat.wording import Scene
from app.gateway.endings import InstanceNotConnected
from app.instances.service import InstanceFailed, InstanceNotReady, InstanceSuspended
from app.kit.errors import (
    AppError,
    BodyTooLarge,
    Conflict,
    Forbidden,
    Gone,
    InvalidRequest,
    NotFound,
    PaymentNeeded,
    RateLimited,
)
from app.kit.errors import UpstreamTimeout as OutcomeNotKnown
from app.plans.refusals import PlanLimitReached, TrialExpired, TrialNotStarted
from app.providers.errors import Outcome, ProviderError, Unsupported

SUSPENDED: Final = "It is suspended; ask your provider of this service."
UNPAID: Final = "Its paid time is over; extend it to use it again:"
TRIAL_OVER: Final = "The trial of this instance is over; let it go live to use it again:"
LIMITS: Final = {
    "messages": "The messages of this day are used up; the plans are at",
    "chats": "No further chat can be written to in this month; the plans are at",
    "calls": "The calls of this month are used up; the plans are at",
}


def refusal(scene: Scene, error: AppError, *, has_account: bool = True) -> Answer:
    """What a tenant is told of an error of ours. `has_account`: upstream's account is there, if perhaps not ready."""
    if isinstance(error, PaymentNeeded):
        return _payment(scene, error)
    if isinstance(error, InstanceNotReady | TrialNotStarted):
        return STARTING if has_account else UNAUTHORIZED
    if isinstance(error, InstanceFailed):
        return wording.expired(scene, "It could not be set up; delete it and make another.")
    if isinstance(error, InstanceSuspended):
        return wording.expired(scene, SUSPENDED)
    if isinstance(error, InstanceNotConnected):
        return UNLINKED
    if isinstance(error, RateLimited):
        return TOO_FAST
    if isinstance(error, OutcomeNotKnown):
        return NO_ANSWER
    for kind, answer in _OTHERS:
        if isinstance(error, kind):
            return answer
    if isinstance(error, InvalidRequest):
        return wording.invalid(scene, error.detail or "")
    return BAD_GATEWAY if error.status in (502, 503) else CRASHED


def ending(error: ProviderError) -> Answer:
    """What is told of a call without an answer: the gateway cannot do it, surely not done, or not known.

    GREEN-API answers 403 for methods that it lists and that do not work.
    """
    if isinstance(error, Unsupported):
        return FORBIDDEN
    return NO_ANSWER if error.outcome is Outcome.UNKNOWN else BAD_GATEWAY


def is_gate(error: AppError) -> bool:
    """Whether it is a limit or the end of a trial: a tenant is told of it by a notification too."""
    return isinstance(error, PlanLimitReached | TrialExpired)


def figures(error: AppError) -> tuple[str, int, int]:
    """The metric, what is used and what there is of it, as far as the error tells."""
    metric = error.extra.get("metric") or "messages"
    return str(metric), int(error.extra.get("used") or 0), int(error.extra.get("limit") or 0)


def _payment(scene: Scene, error: PaymentNeeded) -> Answer:
    metric, used, total = figures(error)
    if isinstance(error, TrialExpired):
        return wording.used_up(scene, "messages", used, total, TRIAL_OVER)
    if isinstance(error, PlanLimitReached):
        return wording.used_up(scene, metric, used, total, LIMITS.get(metric, LIMITS["calls"]))
    return wording.expired(scene, UNPAID)


_OTHERS: Final[tuple[tuple[type[AppError], Answer], ...]] = (
    (Gone, DELETED),
    (NotFound, UNAUTHORIZED),
    (Forbidden, FORBIDDEN),
    (BodyTooLarge, TOO_LARGE),
    (Conflict, TOO_FAST),  # such as a message alike of which it is not known yet whether it was sent: later
)
