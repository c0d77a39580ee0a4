"""The settings that every channel of ours has.

Source: Whapi settings reference and help desk on webhooks (read 2026-11-21).
"""

from typing import Any, Final

from msgspec import Struct

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


class Others(Struct, frozen=True):
    """The webhooks that somebody else has set, such as the operator on Whapi's own pages; its repr shows none."""

    hooks: tuple[Any, ...] = ()

    def __repr__(self) -> str:
        return "Others()"

    def and_(self, more: "Others") -> "Others":
        """These, and those of `more` that are not among them."""
        return Others((*self.hooks, *(hook for hook in more.hooks if hook not in self.hooks)))


class Changed(Struct, frozen=True):
    """What a change of settings told: whether keeping callbacks was turned on by it, which takes effect at the next
    launch only, and whose webhooks were there before.
    """

    began_to_persist: bool
    before: Others


def wanted(wish: AccountWish, others: Others | None = None) -> dict[str, Any]:
    """The body of a change of settings: our webhook beside the others, and callbacks kept until we have taken them.

    The list of webhooks is replaced as a whole. Holds the hook's token in clear: encode it, keep it nowhere.
    """
    return {
        "webhooks": [
            *(others.hooks if others else ()),
            {
                "url": wish.hook_url,
                "mode": "body",
                "headers": {"Authorization": f"Bearer {wish.hook_token.reveal()}"},
                "events": [{"type": type_, "method": method} for type_, method in EVENTS],
            },
        ],
        "callback_persist": True,
        "media": {"auto_download": list(FILES), "init_avatars": False},
    }


def fit(found: Any, wish: AccountWish) -> bool:
    """Whether the settings that a channel told are those we want; webhooks of others may be beside ours."""
    hooks = [hook for hook in list_in(found, "webhooks") if _is_ours(hook, wish)]
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


def others(found: Any, wish: AccountWish) -> Others:
    """The webhooks in these settings that are not ours."""
    return Others(tuple(hook for hook in list_in(found, "webhooks") if not _is_ours(hook, wish)))


def changed(answer: Any, wish: AccountWish) -> Changed:
    """What the answer to a change says."""
    began = "callback_persist" in list_in(answer, "changes")
    return Changed(began, others(object_in(answer, "before_update"), wish))


def _is_ours(hook: Any, wish: AccountWish) -> bool:
    """Whether it ends in the instance's id as ours does, perhaps at an address that we had before."""
    return text_in(hook, "url").rpartition("/")[2] == wish.hook_url.rpartition("/")[2]


def _authorization(hook: Any) -> str:
    headers = object_in(hook, "headers")
    return next((text_in(headers, name) for name in headers if name.lower() == AUTHORIZATION), "")
