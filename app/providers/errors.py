"""How a call to a gateway can end, by what the caller may conclude."""

from enum import StrEnum
from typing import ClassVar


class Outcome(StrEnum):
    """Whether the thing asked for was done."""

    DONE = "done"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class ProviderError(RuntimeError):
    """A call that gave no usable answer. `detail` is ours, short, and holds neither token nor upstream text."""

    outcome: ClassVar[Outcome] = Outcome.REFUSED

    def __init__(
        self, detail: str = "", *, status: int | None = None, retry_after_seconds: float | None = None
    ) -> None:
        super().__init__(detail or (self.__doc__ or "").split("\n")[0])
        self.detail = str(self)
        self.status = status
        self.retry_after_seconds = retry_after_seconds


class Unreachable(ProviderError):
    """Nothing was written to the gateway: surely not done."""


class Refused(ProviderError):
    """The gateway said no: surely not done."""


class TooFast(Refused):
    """The gateway's rate limit: surely not done, later is fine."""


class QuotaReached(Refused):
    """The gateway's own plan quota."""


class CredentialRefused(Refused):
    """The gateway does not accept our credential."""


class NotReady(Refused):
    """The account is being created, is starting or restarting; try again soon."""


class NotLinked(Refused):
    """The call needs a linked phone."""


class NotThere(Refused):
    """The account does not exist upstream, or was deleted."""


class NoSuchThing(Refused):
    """The chat, message, group or contact does not exist for this account."""


class NotAllowed(Refused):
    """WhatsApp does not let this account do it: no admin, no member, or the other side does not want it."""


class TooLarge(Refused):
    """What was sent is larger than the gateway takes."""


class TryLater(Refused):
    """The gateway or WhatsApp took too long or was asked too often for this; surely not done, later is fine."""


class Unsupported(Refused):
    """The gateway cannot do this."""


class PoolEmpty(Refused):
    """The partner's pool does not hold so many days."""


class BrokenOff(Refused):
    """The body that was being passed on ended before its end, so that the call was never complete."""


class OutcomeUnknown(ProviderError):
    """No answer, a broken answer, or a server error: it may have been done, or be done later."""

    outcome = Outcome.UNKNOWN
