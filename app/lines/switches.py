"""Pure rules: which of GREEN-API's settings are a tenant's own here, and which notifications they let through.

Upstream's `webhookUrl`, its token and its switches are ours: a tenant who could change them would cut us off from what
happens on its account. Sources: GREEN-API SetSettings, GetSettings and notifications pages (read 2026-11-21).
"""

from collections.abc import Mapping
from typing import Any, Final

from app.kit.errors import FieldError, InvalidRequest

URL: Final = "webhookUrl"
TOKEN: Final = "webhookUrlToken"  # noqa: S105  # the name of a setting
NEEDED_BY_KIND: Final[Mapping[str, tuple[str, ...]]] = {
    "incomingMessageReceived": ("incomingWebhook",),
    "outgoingMessageReceived": ("outgoingMessageWebhook",),
    "outgoingAPIMessageReceived": ("outgoingAPIMessageWebhook",),
    "outgoingMessageStatus": ("outgoingWebhook",),
    "stateInstanceChanged": ("stateWebhook",),
    "incomingCall": ("incomingCallWebhook", "incomingWebhook"),
    "outgoingCall": ("outgoingCallWebhook",),
    "incomingBlock": ("incomingBlockWebhook", "incomingWebhook"),
    "statusInstanceChanged": ("statusInstanceWebhook",),
    "deviceInfo": ("deviceWebhook",),
}
NEEDED_BY_MESSAGE: Final[Mapping[str, str]] = {
    "pollMessage": "pollMessageWebhook",
    "pollUpdateMessage": "pollMessageWebhook",
    "editedMessage": "editedMessageWebhook",
    "deletedMessage": "deletedMessageWebhook",
}
SWITCHES: Final = (
    "outgoingWebhook",
    "outgoingMessageWebhook",
    "outgoingAPIMessageWebhook",
    "incomingWebhook",
    "deviceWebhook",
    "statusInstanceWebhook",
    "stateWebhook",
    "pollMessageWebhook",
    "incomingBlockWebhook",
    "incomingCallWebhook",
    "outgoingCallWebhook",
    "editedMessageWebhook",
    "deletedMessageWebhook",
)
OFF: Final = dict.fromkeys(SWITCHES, "no")
ASKED_UPSTREAM: Final = ("deviceWebhook", "incomingBlockWebhook", "statusInstanceWebhook")
"""Switches that upstream documents as not working or outdated: on there only from when a tenant asks. The others are
on from birth, for a change of settings restarts an account."""
FAILED: Final = frozenset({"noAccount", "failed"})
"""Ends of a message that are told even while `outgoingWebhook` is `no`."""
HELD_BACK: Final = frozenset({"name", "wid", "idinstance", "apitokeninstance", "typeinstance"})
"""Never passed on, in any spelling: the name upstream is our tag, by which an account is found again."""
LONGEST: Final = 2000
DELAY: Final = "delaySendMessagesMilliseconds"
"""Upstream's setting, and the tenant's own here where the gateway has no queue that could keep it."""


class SettingRefused(InvalidRequest):
    """A setting cannot have this value."""

    code = "invalid_parameter"


def split(changes: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, Any]]:
    """The changes that are the tenant's own here, and those that must be made upstream.

    A name that differs from one of ours in its case only, or that speaks of webhooks and is not known to us, is passed
    over, as upstream passes over names that it does not know.

    Raises:
        SettingRefused: a value of ours is not one, or there is nothing to change; worded as upstream words it.
    """
    mine: dict[str, str] = {}
    theirs: dict[str, Any] = {}
    for name, value in changes.items():
        if name in SWITCHES:
            if value not in ("yes", "no"):
                raise _refused(name, f"'{name}' must be one of [yes, no]")
            mine[name] = value
        elif name in (URL, TOKEN):
            mine[name] = _text(name, value)
        elif "webhook" not in name.lower() and name.lower() not in HELD_BACK:
            theirs[name] = value
    if not mine and not theirs:
        raise SettingRefused("at least one setting is required")
    return mine, theirs


def newly_asked(mine: Mapping[str, str], settings: Mapping[str, Any]) -> dict[str, str]:
    """The switches that a change turns on and that are not on upstream from birth."""
    return {name: "yes" for name in ASKED_UPSTREAM if mine.get(name) == "yes" and settings.get(name) != "yes"}


def wants(settings: Mapping[str, Any], body: Mapping[str, Any]) -> bool:
    """Whether the switches let a notification through; kinds without a switch are always told."""
    if body.get("typeWebhook") == "outgoingMessageStatus" and body.get("status") in FAILED:
        return True
    kind, message = body.get("typeWebhook"), body.get("messageData")
    needed = NEEDED_BY_KIND.get(kind, ()) if isinstance(kind, str) else ()
    type_message = message.get("typeMessage") if isinstance(message, dict) else None
    if isinstance(type_message, str) and type_message in NEEDED_BY_MESSAGE:
        needed = (*needed, NEEDED_BY_MESSAGE[type_message])
    return all(settings.get(name) == "yes" for name in needed)


def authorization(token: str) -> str | None:
    """The header's value for a webhookUrlToken. Source: GREEN-API SetSettings page, the token with the word Bearer
    before it unless it begins with Basic (read 2026-11-21)."""
    if not token:
        return None
    return token if token.startswith("Basic ") else f"Bearer {token}"


def _text(name: str, given: Any) -> str:
    if not isinstance(given, str):
        raise _refused(name, f"'{name}' must be a string")
    value = given.strip()
    if len(value) > LONGEST:
        raise _refused(name, f"'{name}' length must be less than or equal to {LONGEST} characters long")
    if not value.isprintable() or (name == TOKEN and not value.isascii()):
        raise _refused(name, f"'{name}' must have no characters that a header or an address cannot have")
    return value


def _refused(name: str, text: str) -> SettingRefused:
    return SettingRefused(text, errors=(FieldError(f"#/{name}", "invalid_value", text),))
