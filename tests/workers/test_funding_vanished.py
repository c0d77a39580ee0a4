"""Days that an account loses upstream before they begin are nobody's use of it."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

from app.funding import extending
from app.instances import service
from app.instances.models import Instance
from app.kit.db import SYSTEM
from app.ledger import service as ledger
from app.providers.port import Listed, Provider
from tests.factories import read_instance
from tests.workers.funds import POOL_DAYS, WHAPI_TOKEN, Funds
from tests.workers.test_funding_doubles import due


async def owned(funds: Funds, instance: Instance) -> int:
    """Days that are the customer's and not used."""
    async with funds.runtime.database.begin(SYSTEM) as uow:
        return await ledger.balance(uow, ledger.instance_account(instance.id))


async def test_days_that_an_extension_overwrites_are_not_charged_to_the_customer(funds: Funds) -> None:
    """A gateway may count an extension from the instant of the call; what was left of the trial is gone then."""
    await funds.upstream.control("POST", "config", {"whapi": {"extend_from": "now"}})
    instance = await funds.instance(days=30)
    await funds.work()
    await funds.later(days=0.5)
    await funds.work()
    assert await owned(funds, instance) == 29
    assert (await funds.account(instance)).note is not None
    await funds.they_match()


async def test_days_that_are_taken_back_by_hand_are_not_charged_and_are_put_on_it_again(funds: Funds) -> None:
    instance = await funds.instance(days=30)
    for _ in range(3):
        await funds.work()
        await funds.later(days=5)
    await funds.work()
    used = 30 - await owned(funds, instance)
    url, bearer = funds.runtime.settings.gateway()["whapi_url"], {"Authorization": f"Bearer {WHAPI_TOKEN}"}
    path = f"{url}/channels/{instance.upstream_account}/stop"
    reply = await funds.upstream.http.post(path, json={"saveDays": True}, headers=bearer)
    assert reply.status_code == 200, reply.text
    for _ in range(2):
        await funds.later(seconds=3700)
        await funds.work()
    assert 30 - await owned(funds, instance) == used + 1  # a day that had begun, and one of the new ones
    assert (await funds.channel(instance))["days_left"] > 6
    booked = await funds.booked()
    assert booked["pool"] == (await funds.pool()).days
    assert booked["outside"] + booked["forfeited"] == -POOL_DAYS  # they came back to the pool from outside of our books


async def test_an_end_that_cannot_be_is_not_taken_for_a_gift_of_a_new_account(funds: Funds) -> None:
    instance = await funds.instance()
    async with funds.runtime.database.begin(SYSTEM) as uow:
        row = await service.find(uow, instance.id)
        row.upstream_funded_until = datetime(9000, 1, 1, tzinfo=UTC)
    await funds.pay(instance, 30)
    await funds.work()
    account = await funds.account(instance)
    assert (account.gift_days, account.put_days) == (6, 13)
    until = (await read_instance(funds.runtime, instance.id)).upstream_funded_until
    assert until is not None
    assert abs(until.timestamp() - (await funds.channel(instance))["activeTill"] / 1000) < 1
    assert (await funds.booked())["pool"] == POOL_DAYS - 7
    await funds.they_match()


class Stale:
    """A gateway whose readings of an account are those of a while ago."""

    def __init__(self, provider: Provider, old: Listed) -> None:
        self._provider = provider
        self._old = old

    async def one(self, account: str) -> Listed | None:
        return self._old

    def __getattr__(self, name: str) -> Any:
        return getattr(self._provider, name)


async def test_an_old_reading_soon_after_an_extension_brings_no_second_one(funds: Funds) -> None:
    """Its trial is nearly over, and its mode could not be changed at once."""
    instance = await funds.instance()
    await funds.later(days=4.5)
    await funds.pay(instance, 30)
    gateway = funds.gateway()
    old = await gateway.provider.one(instance.upstream_account or "")
    assert old is not None
    await funds.upstream.faults({"method": "changeChannelMode", "kind": "lose_request", "times": 1})
    await funds.work()
    await funds.later(seconds=31)
    (one,) = await due(funds, gateway)
    await extending.serve(replace(gateway, provider=cast(Provider, Stale(gateway.provider, old))), one)
    assert list((await funds.extended()).values()) == [7]
    await funds.later(seconds=61)
    await funds.work()
    assert list((await funds.extended()).values()) == [7]
    assert (await funds.channel(instance))["mode"] == "live"
    assert (await funds.account(instance)).note is None
    await funds.they_match()
