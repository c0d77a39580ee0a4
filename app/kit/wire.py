"""Shared types of values on the wire: every text has bounds, and none may hold a control character such as NUL."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from msgspec import Meta

from app.kit.errors import FieldError, InvalidParameter, InvalidRequest

# `$` also matches before a final line feed, in Python though not in ECMAScript: hence the look-ahead after it.
LINE: Final = r"^[^\x00-\x1f\x7f]*$(?!\n)"
TITLE: Final = r"^[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$(?!\n)"
PROSE: Final = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
METADATA_KEYS: Final = 50

Name = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=60,
        pattern=TITLE,
        description="A name for people: 1 to 60 characters on one line, not beginning with a space.",
        examples=["Support line"],
    ),
]
Line = Annotated[str, Meta(max_length=500, pattern=LINE, description="One line of text, at most 500 characters.")]
Prose = Annotated[
    str, Meta(max_length=20_000, pattern=PROSE, description="A text of one or more lines, at most 20,000 characters.")
]
Reference = Annotated[
    str,
    Meta(min_length=1, max_length=255, pattern=TITLE, description="The caller's own reference."),
]
Url = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=2000,
        pattern=r"^https?://[\x21-\x7e]+$(?!\n)",
        description="An absolute URL of at most 2,000 characters.",
        examples=["https://example.com/hooks/sublet"],
    ),
]
Email = Annotated[
    str,
    Meta(
        min_length=3,
        max_length=254,
        pattern=r"^[^\s\x00-\x1f\x7f]+@[^\s\x00-\x1f\x7f]+$(?!\n)",
        description="An e-mail address.",
        examples=["ada@example.com"],
    ),
]
MetadataKey = Annotated[str, Meta(min_length=1, max_length=40, pattern=TITLE)]
MetadataValue = Annotated[str, Meta(max_length=500, pattern=LINE)]
Metadata = Annotated[
    dict[MetadataKey, MetadataValue],
    Meta(
        max_length=METADATA_KEYS,
        description="The caller's own texts: at most 50 keys of 40 characters with values of 500.",
        examples=[{"crm_id": "42"}],
    ),
]
MetadataPatch = Annotated[
    dict[MetadataKey, MetadataValue | None],
    Meta(
        max_length=2 * METADATA_KEYS,
        description="Merged into the metadata key by key; a key with `null` is removed.",
        examples=[{"crm_id": "42", "old": None}],
    ),
]
Timestamp = Annotated[
    str,
    Meta(
        description="An instant, RFC 3339 in UTC with milliseconds.",
        examples=["2026-11-21T18:24:03.120Z"],
        extra_json_schema={"format": "date-time"},
    ),
]
Instant = Annotated[
    str,
    Meta(
        min_length=20,
        max_length=40,
        pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)$(?!\n)",
        description="An instant with its time zone, RFC 3339.",
        examples=["2026-11-21T00:00:00Z"],
        extra_json_schema={"format": "date-time"},
    ),
]
Cursor = Annotated[str, Meta(min_length=1, max_length=512, pattern=r"^[0-9A-Za-z_-]+$(?!\n)")]


def read_instant(text: str, pointer: str) -> datetime:
    """The instant that a caller wrote, in UTC.

    Raises:
        InvalidParameter: there is no such date or time.
    """
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        detail = "There is no such instant."
        raise InvalidParameter(detail, errors=(FieldError(pointer, "invalid_value", detail),)) from None


def merge_metadata(current: Mapping[str, Any], patch: Mapping[str, str | None] | None) -> dict[str, Any]:
    """Metadata after a merge patch (RFC 7396): `None` in place of a value removes it, in place of all clears all.

    Raises:
        InvalidRequest: more keys than allowed would be left.
    """
    if patch is None:
        return {}
    merged = {key: value for key, value in {**current, **patch}.items() if value is not None}
    if len(merged) > METADATA_KEYS:
        text = f"At most {METADATA_KEYS} keys are kept."
        raise InvalidRequest(text, errors=(FieldError("#/metadata", "invalid_value", text),))
    return merged
