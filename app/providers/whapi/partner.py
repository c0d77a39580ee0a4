"""The partner's side: creating, listing, paying for and deleting channels.

Source: Whapi partner reference and help desk on partners (read 2026-11-21).
"""

import asyncio
import math
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final

from app.kit.crypto import Secret
from app.providers.errors import (
    NoSuchThing,
    NotReady,
    NotThere,
    OutcomeUnknown,
    PoolEmpty,
    ProviderError,
    Refused,
)
from app.providers.http.wire import UNREADABLE
from app.providers.port import AccountWish, Balance, Created, Credentials, Listed
from app.providers.reading import instant, list_in, number_in, text_in
from app.providers.whapi import settings
from app.providers.whapi.client import Client, is_base_url, path_of

PAGE: Final = 500
MOST_PAGES: Final = 400
READINGS: Final = 3
PROJECT: Final = "Sublet"
LIVE: Final = "live"
POOL_FIELDS: Final = ("pwr", "liveDays")
LONGEST_NUMBER: Final = 20


class Project:
    """The project that new channels lie in: the operator's, else the partner's default one, or first, or a new one."""

    def __init__(self, named: str) -> None:
        self.named = named
        self._kept = named

    async def id(self, client: Client) -> str:
        """Its id, kept once it is known.

        Raises:
            ProviderError: it could not be read or made; no channel was asked for.
        """
        if not self._kept:
            rows = list_in(await client.manager("GET", "/projects", query={"count": PAGE}), "projects")
            default = next((row for row in rows if isinstance(row, dict) and row.get("isDefault") is True), None)
            found = text_in(default or next(iter(rows), None), "id")
            if not found:
                found = text_in(await client.manager("PUT", "/projects", body={"name": PROJECT}), "id")
            self._kept = found
        return self._kept

    def forget(self) -> None:
        """It was not there; one that the operator named stays."""
        self._kept = self.named


async def create(client: Client, project: Project, wish: AccountWish) -> Created:
    """Make a channel named by the tag, in mode trial, and set its webhook before it is ever launched.

    No key makes it repeatable. What becomes of the settings is not told: they are compared when it is ready, and a
    channel that was made must not get lost over them. All of it ends within the time of one call, which is how long
    callers hold a creation for theirs.

    Raises:
        OutcomeUnknown: a channel may exist; look for its tag in the listing before the next try.
        TooFast: 20 channels were made within 30 minutes.
        CredentialRefused: the partner token is wrong.
        ProviderError: any other ending.
    """
    ends = asyncio.get_running_loop().time() + client.timeout_seconds
    body = {"name": wish.tag, "projectId": await _project_id(client, project)}
    made = _listed(client, await _made(client, project, body, ends))
    if made is None or not made.token.reveal():
        raise OutcomeUnknown(UNREADABLE)
    with suppress(ProviderError, TimeoutError):
        async with asyncio.timeout_at(ends):
            credentials = Credentials(made.account, made.token, made.base_url)
            await client.call(credentials, "PATCH", "/settings", body=partial(settings.wanted, wish))
    return Created(made.account, made.token, made.base_url, made.funded_until)


async def _made(client: Client, project: Project, body: dict[str, str], ends: float) -> Any:
    with suppress(TimeoutError):
        async with asyncio.timeout_at(ends):
            try:
                return await client.manager("PUT", "/channels", body=body)
            except NoSuchThing:
                project.forget()
                raise
    raise OutcomeUnknown("the gateway gave no answer (Timeout)")


async def listing(client: Client) -> list[Listed]:
    """Every channel of the partner, ours and foreign, of all projects.

    A channel whose token is not shown is listed with an empty one: to leave it out would make it be created again.

    Raises:
        OutcomeUnknown: the listing cannot be read, or changed all the while; nothing may be concluded from it.
        ProviderError: any other ending.
    """
    for _ in range(READINGS):
        rows = await _pages(client)
        if rows is not None:
            listed = [_listed(client, row) for row in rows]
            found = [each for each in listed if each is not None]
            if len(found) != len(rows):
                raise OutcomeUnknown(UNREADABLE)
            return found
    raise OutcomeUnknown("the listing changed while it was read")


async def one(client: Client, account: str) -> Listed | None:
    """A channel as the manager has it, `mode` in Whapi's word; None when it is not there.

    Raises:
        ProviderError: it could not be read.
    """
    try:
        found = _listed(client, await client.manager("GET", path_of("channels", account)))
    except NotThere:
        return None
    except Refused as refusal:
        if refusal.status != 400:
            raise
    else:
        if found is None:
            raise OutcomeUnknown(UNREADABLE)
        return found
    # The id has not the form of one, by today's rules.
    return next((each for each in await listing(client) if each.account == account), None)


async def delete(client: Client, account: str) -> None:
    """Delete a channel for good; one that is not there counts as deleted. Days that are left go back to the pool.

    The phone keeps its linked device unless `logout` went before.

    Raises:
        OutcomeUnknown: it may live on; delete again.
        ProviderError: any other ending.
    """
    try:
        await client.manager("DELETE", path_of("channels", account))
    except NotThere:
        return
    except Refused as refusal:
        if refusal.status != 400:
            raise
    else:
        return
    if await one(client, account) is not None:
        raise Refused("the gateway did not delete the channel", status=400)


async def fund(client: Client, account: str, days: int, comment: str) -> None:
    """Move whole days from the pool to a channel. No key makes it repeatable, twice is twice.

    How a pool that is too small is answered is not documented: after a refusal the balance is looked at.

    Raises:
        OutcomeUnknown: they may have been moved; read `one(account).funded_until` before the next try.
        PoolEmpty: there are not so many days in the pool.
        NotThere: there is no such channel.
        ProviderError: any other ending.
    """
    body = {"days": days, "comment": comment}
    no: Refused | None = None
    try:
        await client.manager("POST", path_of("channels", account, "extend"), body=body)
    except Refused as refusal:
        no = refusal
    if no is None:
        return
    if no.status in (400, 402, 403) and await _is_short(client, days):
        raise PoolEmpty("the partner's pool does not hold so many days", status=no.status)
    raise no


async def go_live(client: Client, account: str) -> None:
    """End a channel's trial; it is away for about half a minute. One that is live is left alone.

    Raises:
        NotThere: there is no such channel.
        ProviderError: any other ending; to try again is safe.
    """
    found = await one(client, account)
    if found is None:
        raise NotThere("the gateway knows no such channel")
    if found.mode != LIVE:
        await client.manager("PATCH", path_of("channels", account, "mode"), body={"mode": LIVE})


async def restart(client: Client, account: str) -> None:
    """Launch a channel anew.

    Raises:
        NotReady: it is starting, or between two modes.
        ProviderError: any other ending.
    """
    try:
        await client.manager("POST", path_of("channels", account, "restart"))
    except OutcomeUnknown as unknown:
        if unknown.status != 503:
            raise
    else:
        return
    raise NotReady("the channel is in transition", status=503)


async def balance(client: Client) -> Balance | None:
    """Whole days in the pool; None when the answer tells none. Source: clients of third parties, in two shapes.

    Raises:
        CredentialRefused: the partner token is wrong.
        ProviderError: it could not be read.
    """
    try:
        told = await client.manager("GET", "/partners")
    except NoSuchThing:
        return None
    if isinstance(told, dict):
        for name in POOL_FIELDS:
            days = _days(told.get(name))
            if days is not None:
                return Balance(days)
    return None


def _days(value: Any) -> int | None:
    """The whole days of a number in any form, rounded down, also below zero; None when it is none."""
    if isinstance(value, str) and len(value) <= LONGEST_NUMBER:
        with suppress(ValueError):
            value = float(value)
    if isinstance(value, float):
        return math.floor(value) if math.isfinite(value) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


async def obstacles(client: Client, project: Project) -> list[str]:
    """Whether the project that the operator named is there; where none is named one is found or made.

    Raises:
        ProviderError: it could not be read.
    """
    if not project.named:
        return []
    try:
        await client.manager("GET", path_of("projects", project.named))
    except Refused as refusal:
        if refusal.status not in (400, 404):
            raise
    else:
        return []
    return ["The partner has no project of the id in the settings. Name one that is there, or none."]


async def is_blocked(client: Client, account: str) -> bool:
    """Whether the manager's flag says that a channel is blocked; what cannot be read counts as no."""
    try:
        row = await client.manager("GET", path_of("channels", account))
    except ProviderError:
        return False
    return isinstance(row, dict) and row.get("blocked") is True


async def _project_id(client: Client, project: Project) -> str:
    """Raises: Refused: there is no project and none can be made in the time that leaves enough for the channel."""
    found = ""
    with suppress(OutcomeUnknown, TimeoutError):
        async with asyncio.timeout(client.timeout_seconds * 0.75):
            found = await project.id(client)
    if not found:
        raise Refused("the partner's project could not be read or made")
    return found


async def _is_short(client: Client, days: int) -> bool:
    try:
        held = await balance(client)
    except ProviderError:
        return False
    return held is not None and held.days < days


async def _pages(client: Client) -> Sequence[Any] | None:
    """The rows of all pages, None when they changed between two: each page begins with the last row of the one before.

    A deletion moves what comes after it forward, and one row would be missing that is there.
    """
    rows: list[Any] = []
    for _ in range(MOST_PAGES):
        query = {"count": PAGE, "offset": max(0, len(rows) - 1)}
        answer = await client.manager("GET", "/channels/list", query=query)
        page = answer.get("channels") if isinstance(answer, dict) else None
        if not isinstance(page, list):
            raise OutcomeUnknown(UNREADABLE)
        is_full = len(page) >= PAGE
        if rows:
            if not page or text_in(page[0], "id") != text_in(rows[-1], "id"):
                return None
            page = page[1:]
        rows += page
        total = number_in(answer, "total")
        # A full page may not be the last, whatever `total` says: of some lists it is that of the page.
        is_last = not is_full and total is not None and len(rows) >= total
        if not page or is_last:
            ids = {text_in(row, "id") for row in rows}
            return rows if len(ids) == len(rows) and (total is None or len(rows) == total) else None
    raise OutcomeUnknown("the listing has no end")


def _listed(client: Client, row: Any) -> Listed | None:
    account = text_in(row, "id")
    if not account:
        return None
    token = text_in(row, "token")
    return Listed(
        account=account,
        tag=text_in(row, "name"),
        token=Secret(token if token.isascii() and token.isprintable() else ""),
        created_at=instant(row.get("creationTS")),
        base_url=_base_url(client, text_in(row, "apiUrl")),
        funded_until=instant(row.get("activeTill")),
        mode=text_in(row, "mode"),
    )


def _base_url(client: Client, told: str) -> str:
    """Where a channel is called; empty, which is the common gate, when what was told cannot be called safely."""
    is_worse = client.manager_url.startswith("https://") and not told.startswith("https://")
    return told.rstrip("/") if is_base_url(told) and not is_worse else ""
