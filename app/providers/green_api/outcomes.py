"""Pure rules: what an answer of GREEN-API lets us conclude.

Sources: GREEN-API pages Common errors, 466 error, Rate limiter and Partners, issues 280, 306, 607 and 637
(all read 2026-11-21). Nothing here raises, so that no traceback comes to hold an answer.
"""

from typing import Any, Final

from app.providers.errors import (
    CredentialRefused,
    NoSuchThing,
    NotLinked,
    NotReady,
    NotThere,
    OutcomeUnknown,
    ProviderError,
    QuotaReached,
    Refused,
    TooFast,
    TooLarge,
    TryLater,
)
from app.providers.http.wire import UNREADABLE, Answer, Done, decode, is_page, wait_seconds

NEVER_DONE: Final = frozenset({400, 404, 405, 413, 414, 415, 422, 431, 469})
LEGACY_NOT_SAVED: Final = 200
# Of 500 these two are refusals, made before anything is queued: SendFileByUrl and Common errors pages.
TOO_LARGE: Final = ("file from url exceeded max upload size", "request entity too large")


def of_instance_call(answer: Answer, *, reads: bool, may_be_empty: bool = False) -> Done | ProviderError:
    """What an answer to `/waInstance{id}/…` means; `reads` marks calls that change nothing.

    The literal `null` says `NotReady` to a call that reads. To one that changes something it is an answer that
    cannot be understood, since no page says that it means a refusal. An empty 200 is success where `may_be_empty`.
    """
    verdict = _common(answer)
    if verdict is not None:
        return verdict
    if may_be_empty and answer.status == 200 and not answer.raw.strip():
        return Done(None)
    if answer.status == 401:
        if answer.raw.strip():
            return CredentialRefused("the gateway refused the account's token", status=401)
        return NotReady("the gateway does not know the account's token, or not yet", status=401)
    if answer.status == 403:
        if is_page(answer):
            return Refused("something before the gateway forbids the call", status=403)
        return NotThere("the gateway knows no such account", status=403)
    if answer.status == 400:
        return _worded_refusal(answer)
    if answer.status in NEVER_DONE:
        return Refused("the gateway refused the call", status=answer.status)
    if answer.status != 200:
        return OutcomeUnknown("the gateway answered with a status that tells nothing", status=answer.status)
    understood, value = decode(answer.raw)
    if understood and value is None and reads:
        return NotReady("the account is being created", status=200)
    if not understood or value is None:
        return OutcomeUnknown(UNREADABLE, status=200)
    return Done(value)


def of_partner_call(answer: Answer) -> Done | ProviderError:
    """What an answer to `/partner/…` means: most refusals come as a `code` inside HTTP 200."""
    verdict = _common(answer)
    if verdict is not None:
        return verdict
    understood, value = decode(answer.raw)
    code = value.get("code") if isinstance(value, dict) else None
    if answer.status == 401:
        return CredentialRefused("the gateway refused the partner token", status=401)
    if answer.status == 400 and code == LEGACY_NOT_SAVED:
        return OutcomeUnknown("the gateway could not save the account", status=400)
    if answer.status in NEVER_DONE or answer.status == 403:
        return Refused("the gateway refused the call", status=answer.status)
    if answer.status != 200:
        return OutcomeUnknown("the gateway answered with a status that tells nothing", status=answer.status)
    if not understood or value is None:
        return OutcomeUnknown(UNREADABLE, status=200)
    return Done(value) if code is None else _coded(code, value)


def _common(answer: Answer) -> ProviderError | None:
    if answer.status == 500 and _said(answer).startswith(TOO_LARGE):
        return TooLarge("what was sent is larger than the gateway takes", status=500)
    if answer.status >= 500 or answer.status == 499:
        return OutcomeUnknown("the gateway had an error of its own", status=answer.status)
    if answer.status == 429:
        wait = wait_seconds(answer.retry_after)
        return TooFast("the gateway's rate limit is reached", status=429, retry_after_seconds=wait)
    if answer.status == 466:
        return QuotaReached("the gateway's plan quota is used up", status=466)
    return None


def _worded_refusal(answer: Answer) -> ProviderError:
    text = _said(answer)
    if text.startswith("instance is deleted"):
        return NotThere("the account was deleted", status=400)
    if text.startswith("instance account is expired"):
        return NotReady("the gateway says that the account is not paid for, or too new", status=400)
    if text.startswith(("instance is starting or not authorized", "instance account not authorized")):
        return NotLinked("the call needs a linked phone", status=400)
    if text.startswith(("instance in starting process", "instance is starting")):
        return NotReady("the account is starting", status=400)
    if text.startswith(("message not found", "archivechaterror:")):
        return NoSuchThing("the account has no such chat or message", status=400)
    if text.endswith("timeout limit exceeded"):
        return TryLater("WhatsApp took too long", status=400)
    return Refused("the gateway refused the call as invalid", status=400)


def _said(answer: Answer) -> str:
    """What an error says, in lower case: as plain text, as a JSON string or as the `message` of an object."""
    understood, value = decode(answer.raw)
    said = value.get("message") if isinstance(value, dict) else value if isinstance(value, str) else None
    text = said if understood and isinstance(said, str) else answer.raw[:400].decode("utf-8", "replace")
    return text.strip().lower()[:200]


def _coded(code: Any, value: Any) -> Done | ProviderError:
    if code == 200:
        return Done(value)
    if code == 401:
        return CredentialRefused("the gateway refused the partner token", status=200)
    if code == 404:
        return NotThere("the gateway knows no such account", status=200)
    if code == 429:
        return TooFast("the gateway's rate limit is reached", status=200)
    if isinstance(code, int) and 100 <= code < 499:
        return Refused("the gateway refused the call", status=200)
    return OutcomeUnknown("the gateway answered with a code that tells nothing", status=200)
