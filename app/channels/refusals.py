"""Pure rules: a refusal of ours or of the gateway's, with the status that clients of Whapi know it by.

A client must not send again by itself what may have been sent: that is a 504, which Whapi does not use.
"""

from typing import Final

from app.channels.answer import Answer, refused
from app.gateway.endings import SOON_SECONDS, InstanceNotConnected, InstanceStarting
from app.instances.service import InstanceFailed, InstanceNotReady
from app.kit.asgi import Header
from app.kit.errors import AppError, FieldError, Gone, UpstreamTimeout
from app.plans.refusals import TrialNotStarted
from app.providers.errors import (
    BrokenOff,
    CredentialRefused,
    NoSuchThing,
    NotAllowed,
    NotLinked,
    NotReady,
    NotThere,
    Outcome,
    ProviderError,
    QuotaReached,
    TooFast,
    TooLarge,
    TryLater,
    Unreachable,
    Unsupported,
)

UNLINKED: Final = "no phone is linked to this channel; log in first"
UNKNOWN: Final = "the gateway did not answer; look whether it was done before you ask again"
STARTING: Final = "the channel is starting; try again soon"
REFUSED: Final = "the gateway refused it"
UNKNOWN_THING: Final = "this channel has no such chat, message, group or contact"
UNSUPPORTED: Final = "the gateway behind this channel cannot do this"
ENDINGS: Final[tuple[tuple[type[ProviderError], int, str], ...]] = (
    (Unsupported, 501, UNSUPPORTED),
    (Unreachable, 503, "the gateway cannot be reached now; nothing was done"),
    (TooFast, 429, "the gateway takes no more at this pace"),
    (QuotaReached, 402, "the gateway's own quota of this channel is used up"),
    (NotReady, 503, STARTING),
    (NotLinked, 401, UNLINKED),
    (NotThere, 502, "the gateway does not know this channel"),
    (CredentialRefused, 502, "the gateway does not accept this channel"),
    (NoSuchThing, 404, UNKNOWN_THING),
    (NotAllowed, 403, "WhatsApp does not let this account do it"),
    (TooLarge, 413, "it is larger than the gateway takes"),
    (TryLater, 503, "WhatsApp took too long or was asked too often; try again later"),
    (BrokenOff, 400, "the body ended early"),
)
LATER: Final = frozenset({429, 503})


def of_error(error: AppError) -> Answer:
    """What a client is told of an error of ours."""
    details = error.detail or error.title()
    if isinstance(error, InstanceNotConnected):
        return refused(401, UNLINKED)
    if isinstance(error, InstanceNotReady | InstanceStarting | TrialNotStarted):
        return refused(503, STARTING, headers=_wait(error, SOON_SECONDS))
    if isinstance(error, InstanceFailed):
        return refused(404, "channel not found: it could not be set up")
    if isinstance(error, Gone):
        return refused(404, "channel not found")
    if isinstance(error, UpstreamTimeout):
        return refused(504, UNKNOWN)
    if error.errors:
        details = "; ".join(_shown(each) for each in error.errors)
    status = error.status if 400 <= error.status < 600 else 500
    return refused(status, details if status != 500 else "", headers=_wait(error, SOON_SECONDS))


def of_ending(error: ProviderError) -> Answer:
    """What a client is told of how a call to the gateway ended."""
    if error.outcome is Outcome.UNKNOWN:
        return refused(504, UNKNOWN)
    for kind, status, details in ENDINGS:
        if isinstance(error, kind):
            seconds = max(1, round(error.retry_after_seconds or SOON_SECONDS))
            headers = ((b"retry-after", b"%d" % seconds),) if status in LATER else ()
            return refused(status, details, headers=headers)
    return refused(400, REFUSED)


def _wait(error: AppError, seconds: int) -> tuple[Header, ...]:
    told = error.headers.get("Retry-After", "")
    if told.isdecimal():
        return ((b"retry-after", told.encode()),)
    return ((b"retry-after", b"%d" % seconds),) if error.status in LATER or error.status == 409 else ()


def _shown(each: FieldError) -> str:
    name = each.pointer.removeprefix("#/") or "body"
    return f"{name}: {each.detail}"
