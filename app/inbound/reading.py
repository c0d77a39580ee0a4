"""Pure rules: from the bytes of a notification to a body that can be kept and passed on."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from app.kit.log import ACCOUNT_TOKEN

MAX_DEPTH: Final = 32
# Names of the upstream and its servers must not reach a tenant's customers (docs/decisions).
HIDDEN_KEYS: Final = frozenset(
    {"instanceData", "idInstance", "apiTokenInstance", "apiUrl", "mediaUrl", "webhookUrl", "webhookUrlToken"}
)
WORD: Final = re.compile(r"[^\s\"'<>]+")
HIDDEN_NAMES: Final = ("green-api", "greenapi", "wainstance")
WRITTEN_BY_PEOPLE: Final = frozenset({"messageData", "senderData"})
FILE_LINKS: Final = frozenset({"downloadUrl", "urlFile"})
DIGITS: Final = re.compile(r"\d+")
REMOVED: Final = "[removed]"
Link = Callable[[str, str], str]
"""From an address of upstream's and a file's name to a link of ours; must not raise."""


class NotReadable(ValueError):
    """The body is not a JSON object of at most 32 levels."""


def read_body(body: bytes) -> dict[str, Any]:
    """The notification as JSON, without what a text in the database cannot hold.

    Raises:
        NotReadable: no JSON, no object, or nested too deeply.
    """
    try:
        parsed = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise NotReadable("no JSON") from None
    if not isinstance(parsed, dict):
        raise NotReadable("no object")
    cleaned: dict[str, Any] = _clean(parsed, MAX_DEPTH)
    return cleaned


def public_copy(value: Any, *, account: str | None = None, link: Link = lambda _, __: "") -> Any:
    """A notification without the upstream's host, account number, tokens and sentences; `link` makes links of ours.

    What people wrote loses such words only.
    """
    return _copy(value, _Hidden(account, link), by_people=False)


@dataclass(frozen=True)
class _Hidden:
    account: str | None
    link: Link


def _copy(value: Any, hidden: _Hidden, *, by_people: bool) -> Any:
    if isinstance(value, dict):
        return {key: _member(key, value, hidden, by_people) for key in value if key not in HIDDEN_KEYS}
    if isinstance(value, list):
        return [_copy(item, hidden, by_people=by_people) for item in value]
    if isinstance(value, str):
        return _text(value, hidden.account, by_people)
    return REMOVED if type(value) is int and str(value) == hidden.account else value


def _member(key: str, beside: dict[str, Any], hidden: _Hidden, by_people: bool) -> Any:
    item, name = beside[key], beside.get("fileName")
    if key in FILE_LINKS and isinstance(item, str) and item[:8].lower().startswith(("http://", "https://")):
        return hidden.link(item, name if isinstance(name, str) else "")
    return _copy(item, hidden, by_people=by_people or key in WRITTEN_BY_PEOPLE)


def _text(value: str, account: str | None, by_people: bool) -> str:
    if by_people:
        return WORD.sub(_shown, value) if _is_hidden(value) else value
    if _is_hidden(value) or ACCOUNT_TOKEN.search(value.lower()) or value == account:
        return REMOVED
    is_words = " " in value or "/" in value  # a chat's id may have the same digits
    return REMOVED if is_words and account in DIGITS.findall(value) else value


def _is_hidden(text: str) -> bool:
    lower = text.lower()
    return any(name in lower for name in HIDDEN_NAMES)


def _shown(word: re.Match[str]) -> str:
    return REMOVED if _is_hidden(word.group()) else word.group()


def _clean(value: Any, levels: int) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", "") if "\x00" in value else value
    if not isinstance(value, dict | list):
        return value
    if levels == 0:
        raise NotReadable("nested too deeply")
    if isinstance(value, list):
        return [_clean(item, levels - 1) for item in value]
    return {_clean(key, 1): _clean(item, levels - 1) for key, item in value.items()}
