"""Pure rules: which of a channel's settings may be set here, what an event is for, and how one is sent to a hook.

Sources: Whapi gate reference of settings, 2025 and 2026 texts; help desk on webhooks, at most 5 headers of one's own
(read 2026-11-21). How many hooks there may be, and what a new channel has, is our choice.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from app.kit.errors import FieldError, InvalidRequest
from app.lines.channel_words.happenings import VERBS

TYPES: Final = (
    "messages",
    "statuses",
    "chats",
    "contacts",
    "groups",
    "presences",
    "calls",
    "channel",
    "users",
    "labels",
    "service",
)
OLD_TYPES: Final = {"message": "messages", "ack": "statuses", "status": "statuses", "chat": "chats"}
"""Names of before, which still occur in code."""
TOLD: Final = (
    ("messages", "post"),
    ("messages", "put"),
    ("messages", "patch"),
    ("messages", "delete"),
    ("statuses", "post"),
    ("statuses", "put"),
    ("calls", "post"),
    ("channel", "post"),
    ("users", "post"),
    ("users", "delete"),
    ("groups", "post"),
    ("groups", "put"),
    ("groups", "patch"),
)
"""What may come; of groups only where the gateway has the same words."""
INSTEAD: Final = {("messages", "post"): "put", ("statuses", "post"): "put"}
"""A hook that asks for the verb `put` alone is told by it: no document says what else it means."""
MODES: Final = ("body", "path", "method")
MOST_HOOKS: Final = 10
MOST_HEADERS: Final = 5
MOST_EVENTS: Final = 100
LONGEST_NAME: Final = 100
LONGEST_VALUE: Final = 2000
NAME: Final = re.compile(r"[!#-'*+.^_`|~0-9A-Za-z-]+")
OURS: Final = frozenset(
    (
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "keep-alive",
        "upgrade",
        "te",
        "trailer",
        "expect",
        "proxy-authorization",
        "proxy-connection",
    )
)
"""Headers that frame a request."""
MEDIA_KINDS: Final = ("image", "audio", "voice", "video", "document", "sticker")
AGE_SECONDS: Final = (15, 172_800)
STEP: Final = "callback_backoff_delay_ms"
MOST: Final = "max_callback_backoff_delay_ms"
PERSIST: Final = "callback_persist"
WEBHOOKS: Final = "webhooks"
MILLISECONDS: Final = {STEP: (3000, 15_000), MOST: (600_000, 3_600_000)}
DEFAULTS: Final[Mapping[str, Any]] = {
    STEP: 3000,
    MOST: 900_000,
    PERSIST: True,
    "media": {"auto_download": [], "init_avatars": False},
}
"""What a new channel has. What is not persisted is given up after a few tries; so it is not the default here."""
FIXED: Final[Mapping[str, Any]] = {"proxy": "", "offline_mode": False, "full_history": False}
"""Shown because programs look for them; they concern the gateway, and a change of them is passed over."""
TRIES: Final = 5
"""Of what is not persisted. No document tells how many (choice)."""


class SettingRefused(InvalidRequest):
    """A setting cannot have this value."""

    code = "invalid_parameter"


@dataclass(frozen=True)
class Hook:
    """One webhook as it was set; `events` None is every event, a pair without a verb is every verb."""

    url: str
    mode: str = "body"
    events: list[dict[str, str]] | None = None
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    max_age_seconds: int | None = None

    def shown(self) -> dict[str, Any]:
        """As its owner is shown it, the headers in clear."""
        told: dict[str, Any] = {"url": self.url, "mode": self.mode}
        if self.headers:
            told["headers"] = self.headers
        if self.events is not None:
            told["events"] = self.events
        if self.max_age_seconds is not None:
            told["webhook_max_age_seconds"] = self.max_age_seconds
        return told


@dataclass(frozen=True)
class Changes:
    """What a PATCH changes: plain settings, and the whole list of hooks or None when it names none."""

    plain: dict[str, Any]
    hooks: list[Hook] | None = None


def read(told: Mapping[str, Any]) -> Changes:
    """What of a PATCH is ours to set; every other field is passed over, as upstream does.

    Some programs put the settings into an object `settings`; they are read there too.

    Raises:
        SettingRefused: a field of ours has no value that it can have; nothing is to be changed.
    """
    inner = told.get("settings")
    told = {**inner, **told} if isinstance(inner, Mapping) else told
    plain: dict[str, Any] = {}
    for name, value in told.items():
        if name in MILLISECONDS:
            plain[name] = _number(f"#/{name}", value, *MILLISECONDS[name])
        elif name == PERSIST:
            plain[name] = _flag(f"#/{name}", value)
        elif name == "media":
            plain[name] = _media(value)
    if WEBHOOKS not in told:
        return Changes(plain)
    rows = told[WEBHOOKS]
    if not isinstance(rows, list) or len(rows) > MOST_HOOKS:
        raise _refused(f"#/{WEBHOOKS}", f"webhooks must be an array of at most {MOST_HOOKS} objects")
    return Changes(plain, [read_hook(row, f"#/{WEBHOOKS}/{place}") for place, row in enumerate(rows)])


def read_hook(row: Any, pointer: str = "#") -> Hook:
    """One webhook; whether its address may be dialled is not looked at.

    Raises:
        SettingRefused: it does not fit.
    """
    if not isinstance(row, Mapping):
        raise _refused(pointer, "a webhook must be an object")
    url, mode = row.get("url"), row.get("mode") or "body"
    if not isinstance(url, str) or not re.match("https?://[^/]", url):
        raise _refused(f"{pointer}/url", "url must be an http address")
    if mode not in MODES:
        raise _refused(f"{pointer}/mode", f"mode must be one of {', '.join(MODES)}")
    age = row.get("webhook_max_age_seconds")
    return Hook(
        url,
        mode,
        _events(row.get("events"), f"{pointer}/events"),
        _headers(row.get("headers"), f"{pointer}/headers"),
        None if age is None else _number(f"{pointer}/webhook_max_age_seconds", age, *AGE_SECONDS),
    )


def verb_for(events: Iterable[Mapping[str, str]] | None, type_: str, verb: str) -> str | None:
    """By which verb a hook is told an event, or None when it does not ask for it."""
    if events is None:
        return verb
    asked = {(OLD_TYPES.get(row["type"], row["type"]), row.get("method")) for row in events}
    if (type_, verb) in asked or (type_, None) in asked:
        return verb
    instead = INSTEAD.get((type_, verb))
    return instead if (type_, instead) in asked and instead is not None else None


def address(url: str, mode: str, type_: str, verb: str) -> tuple[str, str]:
    """The HTTP verb and the address of a call: the modes `path` and `method` add to the path, before any query."""
    if mode == "body":
        return "POST", url
    parts = urlsplit(url)
    tail = f"{type_}/{verb}" if mode == "path" else type_
    longer = parts._replace(path=f"{parts.path.rstrip('/')}/{tail}")
    return "POST" if mode == "path" else verb.upper(), urlunsplit(longer)


def wait_seconds(settings: Mapping[str, Any], failures: int) -> float:
    """The pause after so many failures in a row: it grows by the same step, up to the longest."""
    known = {**DEFAULTS, **settings}
    return float(min(failures * known[STEP], known[MOST])) / 1000


def is_given_up(settings: Mapping[str, Any], failures: int) -> bool:
    """Whether an event that failed so often is not tried again; one that is persisted is, until it is too old."""
    return not {**DEFAULTS, **settings}[PERSIST] and failures >= TRIES


def _events(value: Any, pointer: str) -> list[dict[str, str]] | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) > MOST_EVENTS:
        raise _refused(pointer, f"events must be an array of at most {MOST_EVENTS} objects")
    found: list[dict[str, str]] = []
    for place, row in enumerate(value):
        type_, verb = (row.get("type"), row.get("method")) if isinstance(row, Mapping) else (None, None)
        if not isinstance(type_, str) or OLD_TYPES.get(type_, type_) not in TYPES:
            raise _refused(f"{pointer}/{place}", f"the type of an event must be one of {', '.join(TYPES)}")
        if verb is not None and verb not in VERBS:
            raise _refused(f"{pointer}/{place}", f"the method of an event must be one of {', '.join(VERBS)}")
        event = {"type": type_} if verb is None else {"type": type_, "method": verb}
        if event not in found:
            found.append(event)
    return found


def _headers(value: Any, pointer: str) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, Mapping) or len(value) > MOST_HEADERS:
        raise _refused(pointer, f"headers must be an object of at most {MOST_HEADERS} fields")
    for name, text in value.items():
        if not NAME.fullmatch(name) or len(name) > LONGEST_NAME or name.lower() in OURS:
            raise _refused(pointer, "a header has a name that cannot be sent")
        if not isinstance(text, str) or len(text) > LONGEST_VALUE or not (text.isascii() and text.isprintable()):
            raise _refused(pointer, f"a header must be at most {LONGEST_VALUE} printable ASCII characters")
    if len({name.lower() for name in value}) < len(value):
        raise _refused(pointer, "a header stands there twice")
    return dict(value)


def _media(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise _refused("#/media", "media must be an object")
    kinds = value.get("auto_download") or []
    if not isinstance(kinds, list) or any(kind not in MEDIA_KINDS for kind in kinds):
        raise _refused("#/media/auto_download", f"auto_download must be an array of {', '.join(MEDIA_KINDS)}")
    avatars = value.get("init_avatars")
    is_wanted = False if avatars is None else _flag("#/media/init_avatars", avatars)
    return {"auto_download": list(dict.fromkeys(kinds)), "init_avatars": is_wanted}


def _flag(pointer: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _refused(pointer, "must be true or false")
    return value


def _number(pointer: str, value: Any, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise _refused(pointer, f"must be a number from {least} to {most}")
    return int(value)


def _refused(pointer: str, text: str) -> SettingRefused:
    return SettingRefused(f"{pointer}: {text}", errors=(FieldError(pointer, "invalid_value", text),))
