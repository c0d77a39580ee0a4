"""Pure rules: an upstream's success as the tenant's own. What needs no change leaves byte by byte as it came.

Numbers of accounts become ours, links to files become links of ours, reasons that are not documented are reworded. What
people wrote is theirs and stays, whatever it says.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from app.compat import wording
from app.compat.answer import JSON, NO_ANSWER, Answer
from app.gateway.catalogue import Method

Links = Callable[[str, str], str]
"""From upstream's link to a file and the file's name to a link of ours; must not raise."""

FILE_LINKS: Final = frozenset({"downloadUrl", "urlFile"})
HIDDEN: Final = frozenset({"apiTokenInstance", "apiUrl", "mediaUrl", "partnerToken"})
OURS: Final = frozenset({"webhookUrl", "webhookUrlToken"})
"""Settings of upstream's account that are ours; a tenant's own are put in their places."""
OF_PEOPLE: Final = frozenset({"url", "sourceUrl", "thumbnailUrl", "urlLink"})
"""Addresses that people wrote or follow: never ours to change."""
MACHINE: Final = ("green-api.", "greenapi.")
SAID_BY_QR: Final = tuple(
    f"instance is {state}"
    for state in ("starting", "blocked", "yellowCard", "suspended", "sleepMode", "notAuthorized", "authorized")
)


@dataclass(frozen=True, slots=True)
class Cleaner:
    """What is ours in place of what is upstream's, for one line."""

    number: int
    upstream_id: int | None
    hosts: tuple[str, ...]
    links: Links = field(repr=False)


def needs_links(raw: bytes) -> bool:
    """Whether a reply may hold a link: only then the tenant's vault must be opened."""
    return b"http" in raw


def of_success(method: Method, raw: bytes, cleaner: Cleaner) -> Answer:
    """The answer to a call that upstream answered with 200; an unreadable one says nothing of what was done."""
    if not raw.strip():
        return Answer(200, b"", JSON)
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return NO_ANSWER
    if isinstance(value, str):
        return Answer(200, raw if value in wording.STRINGS else b'"Error: bad-request"', JSON)
    cleaned = clean(value, cleaner)
    if isinstance(cleaned, dict):
        cleaned = _said(method, cleaned)
    return Answer(200, raw if cleaned is value else msgspec.json.encode(cleaned), JSON)


def clean(value: Any, cleaner: Cleaner) -> Any:
    """The value with what is ours in place of what is upstream's; the very same object when nothing is."""
    if isinstance(value, list):
        items = [clean(item, cleaner) for item in value]
        return value if all(new is old for new, old in zip(items, value, strict=True)) else items
    if not isinstance(value, dict):
        return value
    cleaned = {key: _member(key, item, value, cleaner) for key, item in value.items() if key not in HIDDEN}
    is_same = len(cleaned) == len(value) and all(cleaned[key] is item for key, item in value.items())
    return value if is_same else cleaned


def _member(key: str, item: Any, beside: dict[str, Any], cleaner: Cleaner) -> Any:
    if isinstance(item, dict | list):
        return clean(item, cleaner)
    if key in OURS:
        return "" if item else item
    if key == "idInstance":
        return str(cleaner.number) if isinstance(item, str) else cleaner.number
    if not isinstance(item, str) or not is_link(key, item, cleaner.hosts):
        return item
    name = beside.get("fileName")
    return cleaner.links(item, name if isinstance(name, str) else "")


def is_link(key: str, text: str, hosts: tuple[str, ...]) -> bool:
    """Whether a text leads to a file of upstream's."""
    if not text[:8].lower().startswith(("http://", "https://")):
        return False
    if key in FILE_LINKS:
        return True
    if key in OF_PEOPLE or not key.lower().endswith(("url", "avatar")):
        return key.startswith("url") and is_upstream(text, hosts)
    return is_upstream(text, hosts)


def is_upstream(url: str, hosts: tuple[str, ...]) -> bool:
    """Whether an address is on one of the gateway's hosts."""
    try:
        host = (urlsplit(url).netloc or "").rpartition("@")[2].lower()
    except ValueError:
        return True
    return host in hosts or any(name in host for name in MACHINE)


def _said(method: Method, value: dict[str, Any]) -> dict[str, Any]:
    """What the machine says beside the answer, in known words only."""
    changes: dict[str, Any] = {}
    said = value.get("reason")
    if isinstance(said, str) and wording.reason(said) != said:
        changes["reason"] = wording.reason(said)
    if method.name == "qr" and value.get("type") != "qrCode":
        text = value.get("message")
        if isinstance(text, str) and text not in SAID_BY_QR and wording.reason(text) != text:
            changes["message"] = "instance is starting or not authorized"
    return value | changes if changes else value
