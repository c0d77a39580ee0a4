"""The settings that every account of ours has upstream."""

from typing import Any, Final

from app.providers.port import AccountWish

DELAY_MILLISECONDS: Final = 500
# Kinds that an older server may not know, so they are asked for, but not insisted on where it does not tell them.
BESIDES: Final = (
    "pollMessageWebhook",
    "incomingCallWebhook",
    "outgoingCallWebhook",
    "editedMessageWebhook",
    "deletedMessageWebhook",
)
USEFUL: Final = (
    "incomingCallWebhook",
    "outgoingCallWebhook",
    "pollMessageWebhook",
    "editedMessageWebhook",
    "deletedMessageWebhook",
)


def needed(wish: AccountWish) -> dict[str, Any]:
    """What an account is no good to us without. Holds the hook's token in clear: encode it, keep it nowhere."""
    return {
        "webhookUrl": wish.hook_url,
        "webhookUrlToken": wish.hook_token.reveal(),
        "incomingWebhook": "yes",
        "outgoingWebhook": "yes",
        "outgoingMessageWebhook": "yes",
        "outgoingAPIMessageWebhook": "yes",
        "stateWebhook": "yes",
        **dict.fromkeys(BESIDES, "yes"),
    }


def wanted(wish: AccountWish) -> dict[str, Any]:
    """All that we or a tenant may want to hear of, pushed to our hook; which of it a tenant is told is ours to say.

    A change of settings restarts an account, so none waits for the first tenant who asks. Holds the hook's token too.
    Source: GREEN-API SetSettings page (read 2026-11-21).
    """
    return needed(wish) | dict.fromkeys(USEFUL, "yes")


def at_birth(wish: AccountWish) -> dict[str, Any]:
    """The body of a creation: our tag as the name, the settings, and the shortest pause between two sends.

    Source: GREEN-API createInstance and send-messages-delay pages, least pause 500 ms (read 2026-11-21).
    """
    return {"name": wish.tag, **wanted(wish), "delaySendMessagesMilliseconds": DELAY_MILLISECONDS}


def fit(found: Any, wish: AccountWish) -> bool:
    """Whether what getSettings told is what we want."""
    if not isinstance(found, dict):
        return False
    return all(found.get(name, value if name in BESIDES else None) == value for name, value in wanted(wish).items())
