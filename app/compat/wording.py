"""Pure rules: which texts of the upstream a tenant may be told, and what is said in place of all others.

What a page of GREEN-API documents passes, in the same shape, with our path and time. Anything else becomes the generic
text of its status: it may hold ids, tokens, addresses, or another company's name. Sources: GREEN-API pages Common
errors, 466 error and those of the methods (read 2026-11-21).
"""

import json
import re
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from app.compat.answer import (
    BAD_DATA,
    BAD_GATEWAY,
    FORBIDDEN,
    NO_ANSWER,
    NOT_FOUND,
    STARTING,
    TEXT,
    TOO_FAST,
    TOO_LARGE,
    Answer,
    plain,
    worded,
)
from app.gateway.catalogue import Method

LONGEST_READ: Final = 20_000
LITERALS: Final = frozenset(
    {
        "Validation failed",
        "bad request data",
        "Bad Request",
        "Bad phone number",
        "check phone number timeout limit exceeded",
        "XOR Validation failed",
        "message not found",
        "Unexpected end of JSON input",
        "instance in starting process try later",
        "instance is starting or not authorized",
        "instance account not authorized",
        "ArchiveChatError: cannot archive chat cause last message not found in chat",
    }
)
DETAILS: Final = "Validation failed. Details: "
WORDS: Final = (
    "a an allowed and array at be boolean but c.us character characters colour contain contains date duplicate email "
    "empty equal exclusive fewer for format g.us greater id in integer is items large larger least length less lid "
    "long missing more most must negative not null number object of one only or other phone positive required same "
    "setting should small smaller string than the to too type unique uri url valid value values white with yes no"
)
CLAUSE: Final = re.compile(
    r"""(?:['"][A-Za-z][\w.\[\]-]{0,63}['"]|at)"""  # the field
    r"(?:\s(?:" + "|".join(re.escape(word) for word in WORDS.split()) + r"|(?:\w{1,20})@(?:c\.us|g\.us|lid)|#RRGGBB"
    r"|-?\d{1,20}(?:\.\d{1,6})?|\[[\w ,-]{0,300}\]),?){1,40}"
)
BETWEEN: Final = re.compile(r"[.;,]?\s+(?=['\"])")
TOKEN: Final = re.compile(r"Unexpected token . in JSON at position \d{1,9}", re.DOTALL)
OVERSIZE: Final = re.compile(r"File from url exceeded max upload size\. Size: (\d+(?:\.\d+)?)mb Limit: (\d+)mb", re.I)
NEVER_WORKS: Final = frozenset({"sendButtons", "sendTemplateButtons", "sendListMessage"})
REASONS: Final = frozenset(
    {
        "",
        "bad request data",
        "get avatar timeout limit exceeded",
        "NOT_ENOUGH_RIGHTS",
        "FORBIDDEN",
        "Too many requests",
        "instance account already authorized",
        "Instance has auth. You need to make log out",
        "Multi-device beta not joined",
        "another viewer is connected",
        "timeout",
    }
)
"""Reasons inside an answer of 200 that may pass."""
STRINGS: Final = frozenset({"Error: item-not-found", "Error: forbidden"})
"""Whole answers of 200 that are a text and mean a failure."""
STATES: Final = frozenset({"QUOTE_EXCEEDED", "QUOTE_ALLOWED", "CORRESPONDENTS_QUOTE_EXCEEDED"})


@dataclass(frozen=True, slots=True)
class Scene:
    """What an error text may name: our path with its token masked, our time, our address."""

    method: Method
    path: str
    time: str
    url: str
    number: int = 0


def of_reply(scene: Scene, status: int, raw: bytes) -> Answer:
    """What a tenant is told of an upstream answer that is not 200."""
    if status == 429:
        return TOO_FAST
    if status == 466:
        return quota(scene, raw)
    if status == 400:
        return _refused(scene, raw)
    if status == 403:
        return FORBIDDEN if scene.method.name in NEVER_WORKS else BAD_GATEWAY
    if status in (404, 405):
        return NOT_FOUND
    if status == 413:
        return plain(413, "Request Entity Too Large")
    if status == 500:
        return _failed(raw)
    if status >= 500 or status == 499:
        return NO_ANSWER
    if status == 401:
        return BAD_GATEWAY  # it is our credential that upstream refuses, not the tenant's
    return BAD_DATA if 400 < status < 500 else NO_ANSWER


def complaint(raw: bytes) -> Answer:
    """What is said of a body that is no JSON, as upstream says it."""
    try:
        json.loads(raw.decode())
    except json.JSONDecodeError as error:
        if error.pos >= len(error.doc):
            return plain(400, "Unexpected end of JSON input")
        return plain(400, f"Unexpected token {error.doc[error.pos]} in JSON at position {error.pos}")
    except (ValueError, RecursionError):
        pass
    return BAD_DATA


def invalid(scene: Scene, details: str) -> Answer:
    """A validation error of ours, in the upstream's shape."""
    return worded(400, _shape(scene, {"statusCode", "timestamp", "path"}, f"{DETAILS}{details}", 400))


def expired(scene: Scene, reason: str) -> Answer:
    """The instance may not be used until it is paid for or opened again. Clients look for the first sentence."""
    text = f"Instance account is expired. {reason} {scene.url}".rstrip()
    return worded(400, _shape(scene, {"statusCode", "timestamp", "path"}, text, 400))


def used_up(scene: Scene, metric: str, used: int, total: int, description: str) -> Answer:
    """A limit of the plan, in the shape that upstream gives its own: `metric` is messages, chats or calls."""
    name = scene.method.name.lower()
    described = f"{description} {scene.url}".rstrip()
    if metric != "chats":
        status = {"method": name, "used": used, "total": total, "status": "QUOTE_EXCEEDED", "description": described}
        return worded(466, {"invokeStatus": status})
    chats = {
        "method": "correspondents",
        "used": used,
        "total": total,
        "status": "CORRESPONDENTS_QUOTE_EXCEEDED",
        "description": described,
    }
    allowed = {"method": name, "used": 0, "total": 0, "status": "QUOTE_ALLOWED"}
    return worded(466, {"invokeStatus": allowed, "correspondentsStatus": chats})


def quota(scene: Scene, raw: bytes) -> Answer:
    """The upstream's own quota, with its keys and figures and our words."""
    text = f"The limit of the gateway for this instance is used up. {scene.url}".rstrip()
    said, found = _object(raw), {}
    for key, name in (("invokeStatus", scene.method.name.lower()), ("correspondentsStatus", "correspondents")):
        status = said.get(key)
        if isinstance(status, dict):
            found[key] = _status(status, name, text)
    if not found:
        return used_up(scene, scene.method.counts or "calls", 0, 0, "The limit of the gateway is used up.")
    return worded(466, found)


def reason(text: str) -> str:
    """A reason inside an answer, if it is a documented one."""
    return text if text in REASONS or text.startswith("receipt ") else "bad request data"


def _status(status: dict[str, Any], name: str, text: str) -> dict[str, Any]:
    said = status.get("status")
    told: dict[str, Any] = {"method": name}
    for key in ("used", "total"):
        figure = status.get(key)
        is_figure = isinstance(figure, int) or (isinstance(figure, str) and figure.isdecimal() and len(figure) < 20)
        told[key] = figure if is_figure else 0
    told["status"] = said if said in STATES else "QUOTE_EXCEEDED"
    if "description" in status:
        told["description"] = text
    return told


def _refused(scene: Scene, raw: bytes) -> Answer:
    said = _object(raw)
    text = said.get("message") if said else _text(raw)
    if not isinstance(text, str):
        return BAD_DATA
    lowered = text.strip().lower()
    if lowered.startswith("instance is deleted"):
        return BAD_GATEWAY  # ours is not: the gateway has lost its account
    if lowered.startswith("instance account is expired"):
        return STARTING  # the account is ours to pay for; a new one says so for a while
    known = passing(text.strip())
    if known is None:
        return BAD_DATA
    if not said:
        return Answer(400, known.encode(), TEXT)
    return worded(400, _shape(scene, set(said), known, 400))


def _failed(raw: bytes) -> Answer:
    said = _object(raw)
    text = said.get("message", "") if said else _text(raw)
    if not isinstance(text, str):
        return NO_ANSWER
    if text.strip() == "request entity too large":
        return TOO_LARGE
    oversize = OVERSIZE.search(text)
    if oversize is None:
        return NO_ANSWER
    size, limit = oversize.groups()
    return plain(500, f"File from url exceeded max upload size. Size: {size}mb Limit: {limit}mb")


def passing(text: str) -> str | None:
    """The text if it is a documented one, a validation without what is not, or None."""
    if text in LITERALS or TOKEN.fullmatch(text):
        return text
    if not text.startswith("Validation failed"):
        return None
    details = text.removeprefix(DETAILS)
    clauses = BETWEEN.split(details.rstrip(". "))
    if details != text and len(details) <= LONGEST_READ and all(CLAUSE.fullmatch(clause) for clause in clauses):
        return text
    return "Validation failed"


def _shape(scene: Scene, keys: set[str], text: str, status: int) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "statusCode": status,
        "timestamp": scene.time,
        "path": scene.path,
        "error": "Bad Request",
        "message": text,
    }
    return {key: value for key, value in shape.items() if key in keys or key == "message"}


def _object(raw: bytes) -> dict[str, Any]:
    if raw[:1] not in (b"{", b" ", b"\n", b"\r", b"\t") or len(raw) > LONGEST_READ:
        return {}
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _text(raw: bytes) -> str:
    text = raw[:LONGEST_READ].decode("utf-8", "replace")
    if text[:1] == '"':
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return text
        return value if isinstance(value, str) else ""
    return text
