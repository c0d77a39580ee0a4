"""The settings that every account of ours has upstream."""

from typing import Any, Final

from app.providers.port import AccountWish

DELAY_MILLISECONDS: Final = 500


def wanted(wish: AccountWish) -> dict[str, Any]:
    """All that we must hear of, pushed to our hook. Holds the hook's token in clear: encode it, keep it nowhere.

    Source: GREEN-API SetSettings page (read 2026-11-21).
    """
    return {
        "webhookUrl": wish.hook_url,
        "webhookUrlToken": wish.hook_token.reveal(),
        "incomingWebhook": "yes",
        "outgoingWebhook": "yes",
        "outgoingMessageWebhook": "yes",
        "outgoingAPIMessageWebhook": "yes",
        "stateWebhook": "yes",
    }


def at_birth(wish: AccountWish) -> dict[str, Any]:
    """The body of a creation: our tag as the name, the settings, and the shortest pause between two sends.

    Source: GREEN-API createInstance and send-messages-delay pages, least pause 500 ms (read 2026-11-21).
    """
    return {"name": wish.tag, **wanted(wish), "delaySendMessagesMilliseconds": DELAY_MILLISECONDS}


def fit(found: Any, wish: AccountWish) -> bool:
    """Whether what getSettings told is what we want."""
    return isinstance(found, dict) and all(found.get(name) == value for name, value in wanted(wish).items())
