"""The settings that every channel of ours has.

Source: Whapi settings reference and help desk on webhooks (read 2026-11-21).
"""

from typing import Any, Final

from app.providers.port import AccountWish
from app.providers.reading import list_in, object_in, text_in, texts_in

EVENTS: Final = (
    ("messages", "post"),
    ("messages", "put"),
    ("messages", "patch"),
    ("messages", "delete"),
    ("statuses", "post"),
    ("statuses", "put"),
    ("channel", "post"),
    ("users", "post"),
    ("users", "delete"),
    ("calls", "post"),
    ("groups", "post"),
    ("groups", "put"),
    ("groups", "patch"),
)
# Messages hold the address of a file only for these; without it there is nothing to fetch it from.
FILES: Final = ("image", "audio", "voice", "video", "document", "sticker")
AUTHORIZATION: Final = "authorization"


def wanted(wish: AccountWish) -> dict[str, Any]:
    """The body of a change of settings: one webhook, ours, and callbacks kept until we have taken them.

    The list of webhooks is replaced as a whole. Holds the hook's token in clear: encode it, keep it nowhere.
    """
    return {
        "webhooks": [
            {
                "url": wish.hook_url,
                "mode": "body",
                "headers": {"Authorization": f"Bearer {wish.hook_token.reveal()}"},
                "events": [{"type": type_, "method": method} for type_, method in EVENTS],
            }
        ],
        "callback_persist": True,
        "media": {"auto_download": list(FILES), "init_avatars": False},
    }


def fit(found: Any, wish: AccountWish) -> bool:
    """Whether the settings that a channel told are those we want, and no other webhook is beside ours."""
    hooks = list_in(found, "webhooks")
    if len(hooks) != 1 or not isinstance(found, dict) or found.get("callback_persist") is not True:
        return False
    if not set(FILES) <= set(texts_in(object_in(found, "media"), "auto_download")):
        return False
    (hook,) = hooks
    (ours,) = wanted(wish)["webhooks"]
    if text_in(hook, "url") != ours["url"] or (text_in(hook, "mode") or "body") != ours["mode"]:
        return False
    told = {(text_in(event, "type"), text_in(event, "method")) for event in list_in(hook, "events")}
    return told == set(EVENTS) and _authorization(hook) == _authorization(ours)


def began_to_persist(answer: Any) -> bool:
    """Whether a change has turned on keeping callbacks, which takes effect at the next launch only."""
    return "callback_persist" in list_in(answer, "changes")


def _authorization(hook: Any) -> str:
    headers = object_in(hook, "headers")
    return next((text_in(headers, name) for name in headers if name.lower() == AUTHORIZATION), "")
