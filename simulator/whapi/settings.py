"""Settings of a channel: defaults, and what a PATCH may put in their place."""

import re
from typing import Any

from simulator.whapi.errors import Problem

TYPES = (
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
OLD_TYPES = {"message": "messages", "ack": "statuses", "status": "statuses", "chat": "chats"}
"""Names the reference calls deprecated, still taken."""
VERBS = ("post", "put", "delete", "patch")
MODES = ("body", "path", "method")
MOST_HEADERS = 5
"""Own headers of one webhook. Source: Whapi help desk, read 2026-11-21."""
MEDIA_KINDS = ("image", "audio", "voice", "video", "document", "sticker")
PROXY = re.compile(r"socks5h?://[!-~]+:[A-Za-z0-9_-]+@[A-Za-z0-9.]+:[0-9]{1,5}")
FLAGS = (
    "callback_persist",
    "offline_mode",
    "full_history",
    "pdo_sync",
    "auto_read_messages",
    "outgoing_calls_enabled",
)
TEXTS = ("mobile_proxy", "locale")
MILLISECONDS = {
    "callback_backoff_delay_ms": (3000, 15000),
    "max_callback_backoff_delay_ms": (600_000, 3_600_000),
}
"""Ranges of the settings reference, read 2026-11-21."""


def defaults() -> dict[str, Any]:
    """What a new channel has; figures in the middle of their ranges are choices."""
    return {
        "callback_backoff_delay_ms": 3000,
        "max_callback_backoff_delay_ms": 900_000,
        "callback_persist": False,
        "media": {"auto_download": [], "init_avatars": False},
        "webhooks": [],
        "proxy": "",
        "mobile_proxy": "",
        "offline_mode": False,
        "full_history": False,
        "pdo_sync": True,
        "auto_read_messages": False,
    }


def checked(changes: dict[str, Any]) -> dict[str, Any]:
    """The known settings of a PATCH, each fit to be stored; unknown ones are passed over (choice).

    Raises:
        Problem: 400, one does not fit.
    """
    found: dict[str, Any] = {}
    for name, value in changes.items():
        if name in FLAGS:
            found[name] = _flag(name, value)
        elif name in MILLISECONDS:
            found[name] = _milliseconds(name, value)
        elif name in TEXTS:
            found[name] = _text(name, value)
        elif name == "proxy":
            if not isinstance(value, str) or (value and not PROXY.fullmatch(value)):
                raise Problem(400, "proxy must be a socks5 address with user and password, or empty")
            found[name] = value
        elif name == "mock_pairing_code":
            if value and not (isinstance(value, str) and re.fullmatch("[A-Za-z0-9]{8}", value)):
                raise Problem(400, "mock_pairing_code must have 8 letters and digits")
            found[name] = value or ""
        elif name == "media":
            found[name] = _media(value)
        elif name == "webhooks":
            if not isinstance(value, list):
                raise Problem(400, "webhooks must be an array")
            found[name] = [checked_hook(row) for row in value]
        elif name in ("ignored_presences", "data_mode"):
            found[name] = value
    return found


def checked_hook(row: Any) -> dict[str, Any]:
    """One webhook of the list.

    Raises:
        Problem: 400, it does not fit.
    """
    if not isinstance(row, dict):
        raise Problem(400, "a webhook must be an object")
    url, mode = row.get("url"), row.get("mode", "body")
    if not isinstance(url, str) or not re.match("https?://[^/]", url):
        raise Problem(400, "webhook url must be an http address")
    if mode not in MODES:
        raise Problem(400, "webhook mode must be body, path or method")
    found: dict[str, Any] = {"url": url, "mode": mode}
    if row.get("headers") is not None:
        found["headers"] = checked_headers(row["headers"])
    if row.get("events") is not None:
        found["events"] = _events(row["events"])
    if (age := row.get("webhook_max_age_seconds")) is not None:
        if isinstance(age, bool) or not isinstance(age, int) or not 15 <= age <= 172_800:
            raise Problem(400, "webhook_max_age_seconds must be from 15 to 172800")
        found["webhook_max_age_seconds"] = age
    return found


def checked_headers(headers: Any) -> dict[str, str]:
    """Own headers of a webhook.

    Raises:
        Problem: 400, there are too many, or one cannot be sent.
    """
    if not isinstance(headers, dict) or len(headers) > MOST_HEADERS:
        raise Problem(400, f"headers must be an object of at most {MOST_HEADERS} entries")
    for name, value in headers.items():
        if not re.fullmatch(r"[!#-'*+.^_`|~0-9A-Za-z-]+", name):
            raise Problem(400, "a header has a name that cannot be sent")
        if not isinstance(value, str) or re.search(r"[\r\n\0]", value):
            raise Problem(400, "a header has a value that cannot be sent")
    return dict(headers)


def _events(value: Any) -> list[dict[str, str]]:
    if not isinstance(value, list):
        raise Problem(400, "events must be an array")
    found: list[dict[str, str]] = []
    for row in value:
        if not isinstance(row, dict):
            raise Problem(400, "an event must be an object")
        type_, verb = str(row.get("type")), row.get("method")
        if OLD_TYPES.get(type_, type_) not in TYPES or verb not in (None, *VERBS):
            raise Problem(400, "unknown event")
        found.append({"type": type_} if verb is None else {"type": type_, "method": str(verb)})
    return found


def _media(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Problem(400, "media must be an object")
    kinds = value.get("auto_download", [])
    if not isinstance(kinds, list) or any(kind not in MEDIA_KINDS for kind in kinds):
        raise Problem(400, "media.auto_download must be a list of media types")
    return {"auto_download": kinds, "init_avatars": _flag("media.init_avatars", value.get("init_avatars", False))}


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise Problem(400, f"{name} must be a boolean")
    return value


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise Problem(400, f"{name} must be a string")
    return value


def _milliseconds(name: str, value: Any) -> int:
    least, most = MILLISECONDS[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise Problem(400, f"{name} must be from {least} to {most}")
    return int(value)
