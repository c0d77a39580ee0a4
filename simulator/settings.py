"""Instance settings: the keys the upstream knows, their defaults, and what it refuses."""

from typing import Any

SWITCH_NAMES = (
    "markIncomingMessagesReaded",
    "markIncomingMessagesReadedOnReply",
    "sharedSession",
    "outgoingWebhook",
    "outgoingMessageWebhook",
    "outgoingAPIMessageWebhook",
    "incomingWebhook",
    "deviceWebhook",
    "statusInstanceWebhook",
    "stateWebhook",
    "enableMessagesHistory",
    "keepOnlineStatus",
    "pollMessageWebhook",
    "incomingBlockWebhook",
    "incomingCallWebhook",
    "outgoingCallWebhook",
    "editedMessageWebhook",
    "deletedMessageWebhook",
    "linkPreview",
    "enableLidMode",
)
TEXT_NAMES = ("countryInstance", "typeAccount", "webhookUrl", "webhookUrlToken", "proxyInstance")
MIN_DELAY_MS = 500
MAX_DELAY_MS = 600_000
MAX_AUTO_TYPING = 10


class Unfit(ValueError):
    """A value the upstream refuses; the text is its complaint."""


def defaults() -> dict[str, Any]:
    """Settings of an instance created with none: everything off or empty."""
    return {
        **dict.fromkeys(TEXT_NAMES, ""),
        "delaySendMessagesMilliseconds": MIN_DELAY_MS,
        **dict.fromkeys(SWITCH_NAMES, "no"),
        "autoTyping": 0,
    }


def chosen(params: dict[str, Any], min_delay_ms: int) -> dict[str, Any]:
    """The known keys among the parameters; unknown ones are passed over.

    Raises:
        Unfit: a known key has a value of the wrong kind or out of its range.
    """
    found: dict[str, Any] = {}
    for name, value in params.items():
        if name in SWITCH_NAMES:
            if value not in ("yes", "no"):
                raise Unfit(f"'{name}' must be one of [yes, no]")
        elif name in TEXT_NAMES:
            if not isinstance(value, str):
                raise Unfit(f"'{name}' must be a string")
        elif name == "delaySendMessagesMilliseconds":
            value = _number(name, value, min_delay_ms, MAX_DELAY_MS)
        elif name == "autoTyping":
            value = _number(name, value, 0, MAX_AUTO_TYPING)
        else:
            continue
        found[name] = value
    return found


def _number(name: str, value: object, least: int, most: int) -> int:
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Unfit(f"'{name}' must be a number")
    if value < least:
        raise Unfit(f"'{name}' must be larger than or equal to {least}")
    if value > most:
        raise Unfit(f"'{name}' must be less than or equal to {most}")
    return value
