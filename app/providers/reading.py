"""Reading values that gateways type loosely: text, numbers and instants, or nothing."""

import math
from datetime import UTC, datetime
from typing import Any, Final

from app.kit.clock import to_wire
from app.providers.errors import OutcomeUnknown

MILLISECONDS_FROM: Final = 100_000_000_000
FIRST_YEAR: Final = 2000


def text_in(holder: Any, name: str) -> str:
    """A text of an object, storable in PostgreSQL (no NUL, no lone surrogate); empty when it is not there."""
    value = holder.get(name) if isinstance(holder, dict) else None
    if type(value) is str and value.isascii() and "\x00" not in value:
        return value
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value).replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


def object_in(holder: Any, name: str) -> dict[str, Any]:
    """An object inside an object; empty when it is not there."""
    value = holder.get(name) if isinstance(holder, dict) else None
    return value if isinstance(value, dict) else {}


def list_in(holder: Any, name: str) -> list[Any]:
    """A list inside an object; empty when it is not there."""
    value = holder.get(name) if isinstance(holder, dict) else None
    return value if isinstance(value, list) else []


def object_of(value: Any) -> dict[str, Any]:
    """An answer that must be an object.

    Raises:
        OutcomeUnknown: it is none; nothing may be concluded.
    """
    if not isinstance(value, dict):
        raise OutcomeUnknown("the gateway's answer could not be read")
    return value


def rows_of(value: Any) -> list[dict[str, Any]]:
    """The objects of an answer that must be a list.

    Raises:
        OutcomeUnknown: it is none; nothing may be concluded.
    """
    if not isinstance(value, list):
        raise OutcomeUnknown("the gateway's answer could not be read")
    return [row for row in value if isinstance(row, dict)]


def texts_in(holder: Any, name: str) -> list[str]:
    """The texts of a list inside an object."""
    return [text_in({"": each}, "") for each in list_in(holder, name) if isinstance(each, str)]


def flag_in(holder: Any, name: str) -> bool | None:
    """A yes or no of an object, also when it is written as a word; None when it is neither."""
    value = holder.get(name) if isinstance(holder, dict) else None
    if isinstance(value, str):
        return {"yes": True, "true": True, "no": False, "false": False}.get(value.lower())
    return value if isinstance(value, bool) else None


def told_at(value: Any) -> str | None:
    """A moment as tenants see it; see `instant`."""
    moment = instant(value)
    return None if moment is None else to_wire(moment)


def number_in(holder: Any, name: str) -> int | None:
    """A whole number of an object, also when it was written as digits."""
    value = holder.get(name) if isinstance(holder, dict) else None
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 18:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def instant(value: Any) -> datetime | None:
    """A moment given in seconds or milliseconds since 1970, or in ISO 8601 where no zone means UTC; else None.

    Source: GREEN-API getInstances page shows `timeCreated` in ISO form, `0001-01-01T00:00:00` stands for never;
    older collections show other forms. Whapi's partner reference has milliseconds, its schemas show seconds; its gate
    writes some seconds as text (both read 2026-11-21).
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    if isinstance(value, str):
        if not _is_plain_number(value):
            return _from_iso(value)
        value = float(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    try:
        seconds = value / 1000 if abs(value) >= MILLISECONDS_FROM else value
        moment = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        return None
    return moment if moment.year >= FIRST_YEAR else None


def link_in(holder: Any, name: str) -> str | None:
    """An address of a file; None when there is none, or a mark stands in its place."""
    link = text_in(holder, name)
    return link if link.startswith(("http://", "https://")) else None


def phone_of(wid: str) -> str | None:
    """The digits of an own account id such as `79990001122@c.us`; None for an empty or a hidden number."""
    number, _, server = wid.partition("@")
    number = number.partition(":")[0].lstrip("+")
    return number if number.isascii() and number.isdecimal() and server != "lid" else None


def _is_plain_number(value: str) -> bool:
    return len(value) <= 20 and value.isascii() and value.replace(".", "", 1).isdecimal()


def _from_iso(value: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value.strip())
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (OverflowError, ValueError):
        return None
    return moment if moment.year >= FIRST_YEAR else None
