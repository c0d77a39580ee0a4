"""Pure rules: from the bytes of a notification to a body that can be kept and passed on."""

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from app.kit.log import ACCOUNT_TOKEN
from app.providers.port import Traits

MAX_DEPTH: Final = 32
WORD: Final = re.compile(r"[^\s\"'<>]+")
WRITTEN_BY_PEOPLE: Final = frozenset({"messageData", "senderData"})
FILE_LINKS: Final = frozenset({"downloadUrl", "urlFile"})
FILE_NAMES: Final = ("fileName", "file_name", "filename")
DIGITS: Final = re.compile(r"\d+")
REMOVED: Final = "[removed]"
HALF: Final = re.compile("[\ud800-\udfff]")
Link = Callable[[str, str], str]
"""From an address of upstream's and a file's name to a link of ours; must not raise."""


class NotReadable(ValueError):
    """The body is not a JSON object of at most 32 levels."""


def read_body(body: bytes) -> dict[str, Any]:
    """The notification as JSON, without what a text or a document in the database cannot hold.

    Halves of characters are replaced, wherever a gateway cut a text: the message around them is not lost for them.

    Raises:
        NotReadable: no JSON, no object, or nested too deeply.
    """
    parsed = _decoded(body)
    if not isinstance(parsed, dict):
        raise NotReadable("no object")
    cleaned: dict[str, Any] = _clean(parsed, MAX_DEPTH)
    return cleaned


def public_copy(
    value: Any,
    traits: Traits,
    *,
    account: str | None = None,
    hosts: tuple[str, ...] = (),
    link: Link = lambda _, __: "",
) -> Any:
    """A notification of a gateway of these traits, without its name, hosts, account id, tokens and sentences; `link`
    makes links of ours. What people wrote loses such words only.
    """
    names = (*traits.marks, *map(str.lower, hosts))
    return _copy(value, _Hidden(account, names, traits.own_keys, link), by_people=False)


@dataclass(frozen=True)
class _Hidden:
    account: str | None
    names: tuple[str, ...]
    keys: frozenset[str]
    link: Link

    def is_in(self, text: str) -> bool:
        lower = text.lower()
        return any(name in lower for name in self.names)

    def is_told(self, text: str) -> bool:
        """Whether a text tells the account; a chat's id alone may have the digits of one that is a number."""
        if self.account is None or not (" " in text or "/" in text):
            return text == self.account
        return self.account in (DIGITS.findall(text) if self.account.isdecimal() else text)

    def shown(self, word: re.Match[str]) -> str:
        return REMOVED if self.is_in(word.group()) else word.group()


def _copy(value: Any, hidden: _Hidden, *, by_people: bool) -> Any:
    if isinstance(value, dict):
        kept = (key for key in value if key not in hidden.keys and not hidden.is_in(key))
        return {key: _member(key, value, hidden, by_people) for key in kept}
    if isinstance(value, list):
        return [_copy(item, hidden, by_people=by_people) for item in value]
    if isinstance(value, str):
        return _text(value, hidden, by_people)
    return REMOVED if type(value) is int and str(value) == hidden.account else value


def _member(key: str, beside: dict[str, Any], hidden: _Hidden, by_people: bool) -> Any:
    item = beside[key]
    if isinstance(item, str) and item[:8].lower().startswith(("http://", "https://")) and _is_file(key, beside, hidden):
        name = next((beside[each] for each in FILE_NAMES if isinstance(beside.get(each), str)), "")
        return hidden.link(item, name)
    return _copy(item, hidden, by_people=by_people or key in WRITTEN_BY_PEOPLE)


def _is_file(key: str, beside: dict[str, Any], hidden: _Hidden) -> bool:
    """Whether this is the address of a file; Whapi calls it `link`, as others may call any address."""
    return key in FILE_LINKS or (key == "link" and ("mime_type" in beside or hidden.is_in(beside[key])))


def _text(value: str, hidden: _Hidden, by_people: bool) -> str:
    if by_people:
        return WORD.sub(hidden.shown, value) if hidden.is_in(value) else value
    if hidden.is_in(value) or ACCOUNT_TOKEN.search(value.lower()) or hidden.is_told(value):
        return REMOVED
    return value


def _decoded(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        pass
    try:
        return json.loads(body.decode("utf-8-sig", "replace"), parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise NotReadable("no JSON") from None


def _no_number(name: str) -> None:
    raise ValueError(name)


def _clean(value: Any, levels: int) -> Any:
    if isinstance(value, str):
        value = value.replace("\x00", "") if "\x00" in value else value
        return value if value.isascii() else HALF.sub("\ufffd", value)
    if not isinstance(value, dict | list):
        return _number(value)
    if levels == 0:
        raise NotReadable("nested too deeply")
    if isinstance(value, list):
        return [_clean(item, levels - 1) for item in value]
    return {_clean(key, 1): _clean(item, levels - 1) for key, item in value.items()}


def _number(value: Any) -> Any:
    """A number as JSON of ours can tell it: one that is too long as text, one without end not at all."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return str(value) if isinstance(value, int) and value.bit_length() > 63 else value
