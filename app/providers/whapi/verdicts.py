"""Pure rules: what an answer of Whapi lets us conclude.

Three shapes of refusals are read: `{"error": {"code", "message", "details"}}`, `{"code": 402, "error": "…"}` and
`{"error": "…"}`. Sources: Whapi gate reference of 2025 and its text of 2026, partner reference, help desk (all read
2026-11-21). Nothing here raises, so that no traceback comes to hold an answer.
"""

import re
from typing import Any, Final

from app.providers.errors import (
    CredentialRefused,
    NoSuchThing,
    NotAllowed,
    NotLinked,
    NotThere,
    OutcomeUnknown,
    ProviderError,
    QuotaReached,
    Refused,
    TooFast,
    TooLarge,
)
from app.providers.http.wire import UNREADABLE, Answer, Done, decode, is_page, wait_seconds

NEVER_DONE: Final = frozenset({400, 405, 406, 409, 411, 414, 415, 422, 431})
CHANNEL_GONE: Final = "channel not found"
# Operations that answer with the message that was sent.
SENDING: Final = re.compile(
    r"/messages/(text|poll|image|video|gif|short|audio|voice|document|sticker|location|live_location|contact"
    r"|contact_list|link_preview|interactive|carousel|event|story(/text|/audio|/media)?|media/[^/]+)"
    r"|/stories/send/(text|audio|media)"  # not /stories itself, which lists them as well
)


def of_gate(path: str, answer: Answer) -> Done | ProviderError:
    """What an answer to a channel's call means; `path` is that of the call, such as `/messages/text`.

    A 401 counts as `NotLinked`, though a wrong token is told the same; `Client.call` looks further.
    """
    no = _common(answer)
    if no is not None:
        return no
    if answer.status == 401:
        return NotLinked("the channel has no linked phone, or its token is wrong", status=401)
    if answer.status == 404:
        if CHANNEL_GONE in said(answer):
            return NotThere("the gateway knows no such channel", status=404)
        return NoSuchThing("the account has no such chat, message, group or contact", status=404)
    if answer.status == 403:
        return NotAllowed("WhatsApp or the gateway does not let this account do it", status=403)
    return _success(answer, sends=sends(path))


def of_manager(path: str, answer: Answer) -> Done | ProviderError:
    """What an answer to a partner's call means; 404 is about a channel when the path names one."""
    no = _common(answer)
    if no is not None:
        return no
    if answer.status == 401:
        return CredentialRefused("the gateway refused the partner token", status=401)
    if answer.status == 404:
        if path.startswith("/channels/"):
            return NotThere("the gateway knows no such channel", status=404)
        return NoSuchThing("the gateway knows no such project or partner", status=404)
    if answer.status == 403:
        return Refused("the gateway does not let this partner do it", status=403)
    return _success(answer, sends=False)


def of_health(answer: Answer) -> Done | ProviderError:
    """What an answer to the health call means: it needs no phone, so 401 is about the token."""
    if answer.status == 401 and not is_page(answer):
        return CredentialRefused("the gateway refused the channel's token", status=401)
    return of_gate("/health", answer)


def sends(path: str) -> bool:
    """Whether a success at this path owes a message."""
    return SENDING.fullmatch(path.rstrip("/")) is not None


def said(answer: Answer) -> str:
    """What a refusal says, in lower case; empty when it is in no shape we know."""
    _, value = decode(answer.raw[:65536])
    told = value.get("error") if isinstance(value, dict) else None
    if isinstance(told, dict):
        told = " ".join(str(told[name]) for name in ("message", "details") if isinstance(told.get(name), str))
    return told.strip().lower()[:400] if isinstance(told, str) else ""


def _common(answer: Answer) -> ProviderError | None:
    status = answer.status
    if status >= 500 or status in (408, 499):
        return OutcomeUnknown("the gateway had an error of its own", status=status)
    if status == 429:
        wait = wait_seconds(answer.retry_after)
        return TooFast("the gateway's rate limit is reached", status=429, retry_after_seconds=wait)
    if status == 402:
        return QuotaReached("the limits of a trial are used up", status=402)
    if status == 413:
        return TooLarge("what was sent is larger than the gateway takes", status=413)
    if status in NEVER_DONE:
        return Refused("the gateway refused the call", status=status)
    if status in (401, 403, 404) and is_page(answer):
        return Refused("something before the gateway forbids the call", status=status)
    return None


def _success(answer: Answer, *, sends: bool) -> Done | ProviderError:
    status = answer.status
    if not 200 <= status < 300:
        return OutcomeUnknown("the gateway answered with a status that tells nothing", status=status)
    if status == 204 and not sends:
        return Done(None)
    understood, value = decode(answer.raw)
    if not understood or value is None:
        return OutcomeUnknown(UNREADABLE, status=status)
    if isinstance(value, dict):
        if value.get("success") is False:
            return Refused("the gateway answered that it did not do it", status=status)
        if "error" in value and len(value) <= 2:
            return OutcomeUnknown("the gateway answered with an error as a success", status=status)
    if sends and not message_id(value):
        return OutcomeUnknown(UNREADABLE, status=status)
    return Done(value)


def message_id(value: Any) -> str:
    """The id of the message that was sent; empty when the answer tells none, or says that nothing was sent."""
    if not isinstance(value, dict) or value.get("sent") is False:
        return ""
    message = value.get("message")
    told = (message if isinstance(message, dict) else value).get("id")
    return told if isinstance(told, str) else ""
