"""The settings that every account of ours has upstream."""

from typing import Any, Final

from app.providers.port import AccountWish

DELAY_MILLISECONDS: Final = 500
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
    """Whether what getSettings told has all that is needed.

    The useful switches are beta or documented in one place only: an account that does not keep one would be set,
    and so restarted, for ever.
    """
    return isinstance(found, dict) and all(found.get(name) == value for name, value in needed(wish).items())
