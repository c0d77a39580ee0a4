"""What the ending of a send or call is to the caller, and whether a send's key may be used again."""

from dataclasses import dataclass
from typing import Final

from app.gateway.catalogue import Method, Retry
from app.kit.errors import (
    AppError,
    BodyTooLarge,
    Conflict,
    NotFound,
    RateLimited,
    UpstreamError,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from app.providers import errors
from app.providers.errors import (
    NotLinked,
    NotReady,
    Outcome,
    ProviderError,
    QuotaReached,
    TooFast,
    Unreachable,
)

SOON_SECONDS: Final = 5


class InstanceNotConnected(Conflict):
    """No phone is linked to the instance; pair one before sending."""

    code = "instance_not_connected"


class InstanceStarting(Conflict):
    """The instance is starting; try again soon."""

    code = "instance_not_ready"
    retryable = True


class SendRateLimited(RateLimited):
    """The gateway takes no more messages of this instance at this pace."""

    code = "send_rate_limited"


class GatewayQuota(RateLimited):
    """The gateway's own quota for this instance is used up."""

    code = "quota_exceeded"
    retryable = False


class UpstreamRefused(UpstreamError):
    """The upstream gateway refused the message."""

    retryable = False


class OutcomeNotKnown(UpstreamTimeout):
    """The upstream gateway did not answer; whether it took the message is being found out. Do not send it again."""


class CallOutcomeNotKnown(UpstreamTimeout):
    """The upstream gateway did not answer; look whether it was done before you ask again."""


class NoSuchThing(NotFound):
    """The account has no such chat, message, group or contact."""


class NotAllowedByWhatsApp(Conflict):
    """WhatsApp does not let this account do it: it is no admin, no member, or the other side does not want it."""

    code = "not_allowed_by_whatsapp"


class TooLargeUpstream(BodyTooLarge):
    """What was sent is larger than the gateway takes."""


@dataclass(frozen=True)
class Refusal:
    """A message that was surely not accepted: what to say, and whether the same key may try again."""

    error: AppError
    may_repeat: bool


class CallTimedOut(UpstreamTimeout):
    """The upstream gateway did not answer in time; nothing was changed, ask again."""

    retryable = True


def call_refusal(error: ProviderError, method: Method) -> AppError:
    """What the ending of a call that is no message is to the caller."""
    if error.outcome is Outcome.UNKNOWN:
        if method.retry is Retry.AMBIGUOUS:
            return CallOutcomeNotKnown()
        return CallTimedOut()
    return refusal(error, "Nothing was done.").error


def refusal(error: ProviderError, done: str = "Nothing was sent.") -> Refusal:
    """What a refusal of the provider means; what may go well a moment later frees the key."""
    wait = str(max(1, round(error.retry_after_seconds or SOON_SECONDS)))
    later = {"Retry-After": wait}
    if isinstance(error, Unreachable):
        return Refusal(UpstreamUnavailable(done, headers=later), may_repeat=True)
    if isinstance(error, TooFast):
        return Refusal(SendRateLimited(done, headers=later), may_repeat=True)
    if isinstance(error, QuotaReached):
        return Refusal(GatewayQuota(done), may_repeat=True)
    if isinstance(error, NotLinked):
        return Refusal(InstanceNotConnected(done), may_repeat=True)
    if isinstance(error, NotReady):
        return Refusal(InstanceStarting(done, headers=later), may_repeat=True)
    if isinstance(error, errors.TryLater):
        return Refusal(UpstreamUnavailable(done, headers=later), may_repeat=True)
    if isinstance(error, errors.NoSuchThing):
        return Refusal(NoSuchThing(done), may_repeat=False)
    if isinstance(error, errors.NotAllowed):
        return Refusal(NotAllowedByWhatsApp(done), may_repeat=True)
    if isinstance(error, errors.TooLarge):
        return Refusal(TooLargeUpstream(done), may_repeat=False)
    upstream = {"upstream": {"status": error.status}}
    return Refusal(UpstreamRefused(done, extra=upstream, reason=error.detail), may_repeat=False)
