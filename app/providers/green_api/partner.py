"""Creating, listing and deleting accounts."""

from functools import partial
from typing import Any

from app.kit.crypto import Secret
from app.providers.errors import NotThere, OutcomeUnknown, Refused
from app.providers.green_api import settings
from app.providers.green_api.client import Client
from app.providers.green_api.reading import account_in
from app.providers.http.wire import UNREADABLE
from app.providers.port import AccountWish, Created, Listed
from app.providers.reading import instant, text_in


async def create(client: Client, partner_token: Secret, wish: AccountWish) -> Created:
    """Make an account named by the tag, with all settings in the same call. Each call that works costs a day.

    Source: GREEN-API createInstance page; no key makes it repeatable (read 2026-11-21).

    Raises:
        OutcomeUnknown: an account may exist; look for its tag in the listing before the next try.
        CredentialRefused: the partner token is wrong.
        ProviderError: any other ending.
    """
    body = partial(settings.at_birth, wish)
    created = _created(await client.partner("POST", "createInstance", partner_token, body))
    if created is None:
        raise OutcomeUnknown(UNREADABLE)
    return created


async def listing(client: Client, partner_token: Secret) -> list[Listed]:
    """Every account that is not deleted, ours and foreign.

    An account whose token is not shown is listed with an empty one: to leave it out would make it be created again.
    Source: GREEN-API getInstances page, deleted rows stay for three months (read 2026-11-21).

    Raises:
        OutcomeUnknown: the listing, or one of its rows, cannot be read; nothing may be concluded from it.
        ProviderError: any other ending.
    """
    listed = _listed(await client.partner("GET", "getInstances", partner_token, listing=True))
    if listed is None:
        raise OutcomeUnknown(UNREADABLE)
    return listed


async def delete(client: Client, partner_token: Secret, account: str) -> None:
    """Delete an account for good; one that is not there, or not ours, counts as deleted.

    The phone keeps its linked device unless `logout` went before.
    Source: GREEN-API deleteInstanceAccount page and issues 607, 615 (read 2026-11-21).

    Raises:
        OutcomeUnknown: it may live on; delete again.
        ProviderError: any other ending.
    """
    try:
        value = await client.partner(
            "POST", "deleteInstanceAccount", partner_token, lambda: {"idInstance": int(account)}
        )
    except NotThere:
        return
    said = value.get("deleteInstanceAccount") if isinstance(value, dict) else None
    if said is True or (isinstance(value, dict) and value.get("code") == 200):
        return
    if said is False:
        raise Refused("the gateway did not delete the account")
    raise OutcomeUnknown(UNREADABLE)


def _created(value: Any) -> Created | None:
    account, token = account_in(value), text_in(value, "apiTokenInstance")
    return Created(account, Secret(token)) if account and token else None


def _listed(value: Any) -> list[Listed] | None:
    if not isinstance(value, list):
        return None
    listed = []
    for row in value:
        account = account_in(row)
        if account is None:
            return None
        if row.get("deleted") is not True:
            token = Secret(text_in(row, "apiTokenInstance"))
            listed.append(Listed(account, text_in(row, "name"), token, instant(row.get("timeCreated"))))
    return listed
