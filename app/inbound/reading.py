"""Pure rules: from the bytes of a notification to a body that can be kept and passed on."""

import re
from typing import Any, Final

import msgspec

MAX_DEPTH: Final = 32
# Names of the upstream and its servers must not reach a tenant's customers (docs/decisions).
HIDDEN_KEYS: Final = frozenset(
    {"instanceData", "idInstance", "apiTokenInstance", "apiUrl", "mediaUrl", "webhookUrl", "webhookUrlToken"}
)
WORD: Final = re.compile(r"[^\s\"'<>]+")
HIDDEN_NAMES: Final = ("green-api", "greenapi")
REMOVED: Final = "[removed]"


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


def public_copy(value: Any) -> Any:
    """A notification without the upstream's host, account number and tokens."""
    if isinstance(value, dict):
        return {key: public_copy(item) for key, item in value.items() if key not in HIDDEN_KEYS}
    if isinstance(value, list):
        return [public_copy(item) for item in value]
    if isinstance(value, str):
        return WORD.sub(_shown, value) if _is_hidden(value) else value
    return value


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
