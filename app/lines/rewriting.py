"""Pure rules: a notification or a reply of GREEN-API as the tenant's own: our number, our links, nothing of upstream.

What people wrote is theirs and is never altered, not even where they wrote of GREEN-API: inside `messageData` and
`senderData` only links to files change. What the machine wrote is searched through.
"""

import re
from collections.abc import Callable
from typing import Any, Final, Protocol

from app.kit.log import ACCOUNT_TOKEN

Links = Callable[[str, str], str]
"""From upstream's link to a file and the file's name to a link of ours; must not raise."""

WRITTEN_BY_PEOPLE: Final = frozenset({"messageData", "senderData"})
FILE_LINKS: Final = frozenset({"downloadUrl", "urlFile"})
OF_PEOPLE: Final = frozenset({"sourceUrl", "thumbnailUrl"})
HIDDEN_KEYS: Final = frozenset({"apiTokenInstance", "apiUrl", "mediaUrl", "webhookUrl", "webhookUrlToken"})
HIDDEN_NAMES: Final = ("green-api", "greenapi", "wainstance")
ADDRESS: Final = re.compile(r"(?i)https?://")
DIGITS: Final = re.compile(r"\d+")
REMOVED: Final = "[removed]"
QUOTA_TEXT: Final = "The gateway's limit for this method is used up."


class Numbered(Protocol):
    """Something that stands for an account of upstream's under a number of ours: a line."""

    @property
    def number(self) -> int: ...


def public(body: dict[str, Any], line: Numbered, *, links: Links, account: str | None = None) -> dict[str, Any]:
    """A notification as the tenant is told it; the order of its keys stays. Never raises for a JSON object.

    `account` is the account's number there, which is looked for where the machine writes.
    """

    def ours(key: str, value: Any) -> Any:
        return _ours(key, value, line.number, account)

    told: dict[str, Any] = {}
    for key, value in body.items():
        if key in HIDDEN_KEYS:
            continue
        if key in WRITTEN_BY_PEOPLE:
            told[key] = linked(value, links)
        elif key == "quotaData" and isinstance(value, dict):
            told[key] = _walk(value | {"description": QUOTA_TEXT}, key, links, ours, HIDDEN_KEYS)
        elif _is_link(key, value):
            told[key] = _link(value, body, links)
        else:
            told[key] = _walk(value, key, links, ours, HIDDEN_KEYS)
    return told


def linked(value: Any, links: Links) -> Any:
    """Anything in which people's texts and links to files stand side by side, such as a journal: the links changed."""
    return _walk(value, "", links, lambda _, text: text, frozenset())


def _walk(value: Any, key: str, links: Links, scalar: Callable[[str, Any], Any], hidden: frozenset[str]) -> Any:
    if isinstance(value, list):
        return [_walk(item, key, links, scalar, hidden) for item in value]
    if not isinstance(value, dict):
        return scalar(key, value)
    told: dict[str, Any] = {}
    for name, item in value.items():
        if name not in hidden:
            told[name] = _link(item, value, links) if _is_link(name, item) else _walk(item, name, links, scalar, hidden)
    return told


def _is_link(key: str, value: Any) -> bool:
    """Not `url`, which a person may have typed on a button; nor what an advertisement links to."""
    if not isinstance(value, str) or not value:
        return False
    return key in FILE_LINKS or (key.endswith("Url") and key not in OF_PEOPLE and _is_hidden(value))


def _link(value: str, beside: dict[str, Any], links: Links) -> str:
    """A marker such as `{{SWE002}}` stays. Source: GREEN-API notifications page (read 2026-11-21)."""
    if not ADDRESS.match(value):
        return REMOVED if _is_hidden(value) else value
    name = beside.get("fileName")
    return links(value, name if isinstance(name, str) else "")


def _ours(key: str, value: Any, number: int, account: str | None) -> Any:
    if key == "idInstance" or (type(value) is int and str(value) == account):
        return str(number) if isinstance(value, str) else number
    if not isinstance(value, str):
        return value
    if _is_hidden(value):
        return REMOVED  # the whole sentence: what else it says is upstream's too
    if value == account:
        return str(number)
    if account is None or not (" " in value or "/" in value):
        return value  # a chat's id may have the same digits
    return DIGITS.sub(lambda run: str(number) if run.group() == account else run.group(), value)


def _is_hidden(text: str) -> bool:
    lower = text.lower()
    return any(name in lower for name in HIDDEN_NAMES) or ACCOUNT_TOKEN.search(lower) is not None
