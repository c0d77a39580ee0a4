"""Pure rules: an upstream's success as the tenant's own. What needs no change leaves byte by byte as it came.

Numbers of accounts become ours, links to files become links of ours, reasons that are not documented are reworded. What
people wrote is theirs and stays, whatever it says.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from app.compat import wording
from app.compat.answer import JSON, NO_ANSWER, Answer
from app.gateway.catalogue import Method
from app.kit.log import ACCOUNT_TOKEN

Links = Callable[[str, str], str]
"""From upstream's link to a file and the file's name to a link of ours; must not raise."""

FILE_LINKS: Final = frozenset({"downloadUrl", "urlFile"})
HIDDEN: Final = frozenset({"apiTokenInstance", "apiUrl", "mediaUrl", "partnerToken"})
OURS: Final = frozenset({"webhookUrl", "webhookUrlToken"})
"""Settings of upstream's account that are ours; a tenant's own are put in their places."""
OF_PEOPLE: Final = frozenset({"url", "sourceUrl", "thumbnailUrl", "urlLink"})
"""Addresses that people wrote or follow: never ours to change."""
MACHINE: Final = ("green-api.", "greenapi.")
MARKS: Final = (*MACHINE, "wainstance", "apitoken")
TOLD_BY_PEOPLE: Final = frozenset({"journals", "statuses", "queues"})
"""Groups of methods whose answers are full of what people wrote."""
NAMED_BY_PEOPLE: Final = frozenset(
    {"name", "contactName", "pushname", "subject", "description", "email", "category", "title", "groupInviteLink"}
)
ERRORS: Final = frozenset({"statusCode", "invokeStatus", "correspondentsStatus"})
DIGITS: Final = re.compile(r"\d+")
SAID_BY_QR: Final = tuple(
    f"instance is {state}"
    for state in ("starting", "blocked", "yellowCard", "suspended", "sleepMode", "notAuthorized", "authorized")
)


@dataclass(frozen=True, slots=True)
class Cleaner:
    """What is ours in place of what is upstream's, for one line."""

    number: int
    account: str | None
    hosts: tuple[str, ...]
    links: Links = field(repr=False)
    is_machine: bool = False
    """Whether the machine alone speaks: then every text is searched."""


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
    if isinstance(value, dict) and is_error(method, value):
        return NO_ANSWER
    cleaned = clean(value, replace(cleaner, is_machine=method.group not in TOLD_BY_PEOPLE))
    if isinstance(cleaned, dict):
        cleaned = _said(method, cleaned)
    return Answer(200, raw if cleaned is value else msgspec.json.encode(cleaned), JSON)


def is_error(method: Method, value: dict[str, Any]) -> bool:
    """Whether an object has the shape of an error and of no method's success, whatever status it came with."""
    if ERRORS & value.keys() or {"code", "description"} <= value.keys():
        return True
    if "message" not in value or {"type", "idMessage"} & value.keys():
        return False
    return method.group in TOLD_BY_PEOPLE or bool({"error", "path"} & value.keys())


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
    if not isinstance(item, str):
        return item
    if is_link(key, item, cleaner.hosts, cleaner.account):
        name = beside.get("fileName")
        return cleaner.links(item, name if isinstance(name, str) else "")
    if key == "reason":
        return item if wording.reason(item) == item else wording.reason(item)
    if cleaner.is_machine and key not in NAMED_BY_PEOPLE and tells(item, cleaner):
        return ""
    return item


def is_link(key: str, text: str, hosts: tuple[str, ...], account: str | None = None) -> bool:
    """Whether a text leads to a file of upstream's: one on its hosts, or one whose address names the account."""
    if not text[:8].lower().startswith(("http://", "https://")):
        return False
    if key in FILE_LINKS:
        return True
    lower = key.lower()
    may_be = lower.startswith("url") or lower.endswith(("url", "avatar"))
    return may_be and key not in OF_PEOPLE and (is_upstream(text, hosts) or is_word_in(account, text))


def is_upstream(url: str, hosts: tuple[str, ...]) -> bool:
    """Whether an address is on one of the gateway's hosts, or on a numbered one below it."""
    try:
        parts = urlsplit(url)
        names = {parts.netloc.rpartition("@")[2].lower(), (parts.hostname or "").lower()}
    except ValueError:
        return True
    return any(
        name in hosts or name.endswith(tuple(f".{host}" for host in hosts)) or any(mark in name for mark in MACHINE)
        for name in names
    )


def tells(text: str, cleaner: Cleaner) -> bool:
    """Whether a text of the machine's names the gateway or its account."""
    lower = text.lower()
    if (
        any(mark in lower for mark in MARKS)
        or any(host in lower for host in cleaner.hosts)
        or ACCOUNT_TOKEN.search(lower)
    ):
        return True
    if is_word_in(cleaner.account, text):
        return True
    if cleaner.account is None or not (" " in text or "/" in text):
        return False  # a chat's id may have the same digits
    return cleaner.account in DIGITS.findall(text)


def is_word_in(account: str | None, text: str) -> bool:
    """Whether a text names an account whose name is no number, and can stand for nothing else."""
    return account is not None and not account.isdecimal() and account in text


def _said(method: Method, value: dict[str, Any]) -> dict[str, Any]:
    """What the machine says beside the answer, in known words only."""
    if method.name == "qr" and value.get("type") != "qrCode":
        text = value.get("message")
        if isinstance(text, str) and text not in SAID_BY_QR and wording.reason(text) != text:
            return value | {"message": "instance is starting or not authorized"}
    return value
