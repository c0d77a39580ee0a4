"""What answers must look like to be believed: objects, plain successes, and lists in pages of 500 at most.

Source: Whapi gate reference, count and offset (read 2026-11-21).
"""

from collections.abc import Mapping
from typing import Any, Final

from app.providers.errors import OutcomeUnknown
from app.providers.http.wire import UNREADABLE
from app.providers.port import Credentials
from app.providers.reading import number_in, object_of, text_in
from app.providers.whapi.client import Client

PAGE: Final = 500
PAGES: Final = 40

Filters = Mapping[str, str | int | bool | None]


async def do(
    client: Client, credentials: Credentials, verb: str, path: str, *, body: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """A call that changes something and has little to tell; an answer without a body will do.

    Raises:
        OutcomeUnknown: the answer cannot be read.
        ProviderError: see `Client.call`.
    """
    value = await client.call(credentials, verb, path, body=body)
    return {} if value is None else object_of(value)


async def listed(
    client: Client,
    credentials: Credentials,
    path: str,
    key: str,
    *,
    count: int | None = None,
    query: Filters | None = None,
) -> list[dict[str, Any]]:
    """The rows of a list, all of them or the first `count`; each id once, since rows move while pages are read.

    Raises:
        OutcomeUnknown: a page cannot be read, or there are more than 20,000 rows; nothing may be concluded.
        ProviderError: any other ending.
    """
    found: dict[str, dict[str, Any]] = {}
    offset = 0
    for _ in range(PAGES):
        asked = PAGE if count is None else min(PAGE, count - len(found))
        page: Filters = {**(query or {}), "count": asked, "offset": offset or None}
        value = await client.call(credentials, "GET", path, query=page)
        rows = value.get(key) if isinstance(value, dict) else None
        if not isinstance(rows, list):
            raise OutcomeUnknown(UNREADABLE)
        for row in rows:
            if text_in(row, "id"):
                found.setdefault(text_in(row, "id"), row)
        offset += len(rows)
        # `total` is that of the list or, as one page has it, of the rows told: it may only say that there are more.
        is_last = len(rows) < asked and offset >= (number_in(value, "total") or 0)
        if not rows or is_last or (count is not None and len(found) >= count):
            return list(found.values())[:count]
    raise OutcomeUnknown("the list is too long to be read")
