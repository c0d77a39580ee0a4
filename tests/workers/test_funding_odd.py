"""Prepaid days when more than one is at it, when a gateway says what is odd, and when one account spoils its round."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, cast
from uuid import uuid4

import pytest
from msgspec import structs
from sqlalchemy import select, text
from sqlalchemy.exc import NoResultFound

from app.funding import extending, rounds, settling
from app.funding.extending import Intent
from app.funding.models import PoolReading
from app.funding.store import End
from app.instances import moving, service
from app.instances.models import Instance
from app.jobs import FundGateway
from app.kit import work
from app.kit.db import SYSTEM
from app.kit.work import Claim, Work
from app.providers.errors import OutcomeUnknown
from app.providers.port import Balance, Created, Listed, Provider
from app.providers.registry import Registry
from tests.factories import read_instance
from tests.workers.funds import POOL_DAYS, WHAPI_TOKEN, Funds
from tests.workers.test_funding_doubles import CALL, comes_right, due, open_books
from tests.workers.test_funding_ends import deleted
from tests.workers.wishes import dying


async def by_hand(funds: Funds, instance: Instance, days: int) -> None:
    """Somebody puts days on an account in the gateway's own panel."""
    await funds.gateway().provider.fund(instance.upstream_account or "", days, f"by hand {uuid4()}")


async def claimed(funds: Funds) -> Claim:
    """The right to do a round."""
    async with funds.runtime.database.begin(SYSTEM) as uow:
        uow.defer(FundGateway(ref=extending.ref_of("whapi", "live")))
    async with funds.runtime.database.begin(SYSTEM) as uow:
        query = select(Work.id).where(Work.kind == FundGateway.kind)
        claim = await work.claim(uow, (await uow.session.scalars(query)).one(), 60)
    assert claim is not None
    return claim


async def test_days_that_another_worker_is_putting_on_it_are_nobody_elses(funds: Funds) -> None:
    instance = await funds.instance(days=30)
    await open_books(funds)
    gateway = funds.gateway()
    (one,) = await due(funds, gateway)
    intent = await extending.intend(gateway, one)
    assert intent is not None
    await gateway.provider.fund(intent.account, intent.days, intent.comment)  # and has not recorded it
    assert await extending.intend(gateway, one) is None
    told = await gateway.provider.one(intent.account)
    assert told is not None
    assert told.funded_until is not None
    end = End(one.tenant_id, one.instance_id, one.account, one.funded_until)
    await extending.believe(gateway, end, told.funded_until)
    assert (await funds.account(instance)).put_days == 6
    await comes_right(funds, instance)


async def test_days_of_somebody_else_that_come_with_ours_are_booked_as_well(funds: Funds) -> None:
    instance = await funds.instance(days=30)
    await open_books(funds)
    gateway = funds.gateway()
    (one,) = await due(funds, gateway)
    intent = await extending.intend(gateway, one)
    assert intent is not None
    await gateway.provider.fund(intent.account, intent.days, intent.comment)
    await by_hand(funds, instance, 3)
    await funds.work()
    account = await funds.account(instance)
    assert (account.put_days, account.note is not None) == (16, True)
    assert [row.state for row in await funds.extensions()] == ["done"]
    await funds.they_match()


async def test_days_of_somebody_else_do_not_prove_ours(funds: Funds) -> None:
    instance = await funds.instance(days=30)
    await funds.upstream.faults({"method": CALL, "kind": "lose_request", "times": 1})
    await funds.work()
    await by_hand(funds, instance, 3)
    await funds.later(seconds=61)
    await funds.work()
    assert [row.state for row in await funds.extensions()] == ["lost"]
    assert (await funds.account(instance)).put_days == 9
    await funds.they_match()


async def test_a_trial_is_not_ended_before_its_first_paid_days_are_there(funds: Funds) -> None:
    instance = await funds.instance(days=30)
    await funds.upstream.faults({"method": "getChannel", "kind": "lose_request", "times": 1})
    await funds.work()
    assert (await funds.channel(instance))["mode"] == "trial"
    assert await funds.extended() == {}
    await comes_right(funds, instance)
    assert (await funds.channel(instance))["mode"] == "live"


async def test_one_who_pays_less_than_is_left_of_the_trial_goes_live_without_days(funds: Funds) -> None:
    instance = await funds.instance(days=3)
    await funds.work()
    assert (await funds.channel(instance))["mode"] == "live"
    assert await funds.extended() == {}


async def test_an_empty_pool_is_not_asked_for_days_until_it_holds_some(funds: Funds) -> None:
    await funds.upstream.control("POST", "whapi/partners", {"token": WHAPI_TOKEN, "days": 0})
    instance = await funds.instance(days=30)
    for _ in range(5):
        await funds.work()
        await funds.later(seconds=60)
    assert [row.state for row in await funds.extensions()] == ["short"]
    assert (await funds.channel(instance))["mode"] == "trial"
    await funds.upstream.control("POST", "whapi/partners", {"token": WHAPI_TOKEN, "top_up": 100})
    await funds.work()
    assert [row.state for row in await funds.extensions()] == ["short", "done"]
    assert (await funds.channel(instance))["mode"] == "live"
    await funds.they_match()


async def test_a_pool_that_is_short_is_found_out_when_the_gateway_says_only_503(funds: Funds) -> None:
    await funds.upstream.control("POST", "config", {"whapi": {"extend_short_status": 503}})
    await funds.upstream.control("POST", "whapi/partners", {"token": WHAPI_TOKEN, "days": 5})
    await funds.instance(days=30)
    await funds.work()
    assert (await funds.pool()).empty_since is None
    await funds.later(seconds=61)
    await funds.work()
    assert (await funds.pool()).empty_since is not None
    assert [(row.state, row.days) for row in await funds.extensions()] == [("lost", 7), ("done", 1)]
    await funds.they_match()


async def test_one_that_is_always_refused_is_asked_ever_less_often(funds: Funds) -> None:
    instance = await funds.instance(days=30)
    await funds.upstream.faults({"method": CALL, "kind": "refuse"})
    for _ in range(20):
        await funds.work()
        await funds.later(seconds=60)
    assert [row.state for row in await funds.extensions()] == ["refused"] * 4
    await funds.upstream.faults()
    await funds.later(seconds=3600)
    await comes_right(funds, instance)


async def test_an_account_that_fails_spoils_no_other(funds: Funds) -> None:
    for name in ("A", "B"):
        await funds.instance(days=30, name=name)
    await open_books(funds)
    claim = await claimed(funds)
    gateway = funds.gateway(dying(funds.runtime, 5))  # after two to book, one for doubts and one for who is due
    await rounds.fund(gateway.database, funds.runtime.registry, gateway.options, claim, budget_seconds=20)
    assert len(await funds.extended()) == 1
    await funds.work()
    assert len(await funds.extended()) == 2
    await funds.they_match()


class Lagging:
    """A gateway whose listing is an old one."""

    def __init__(self, provider: Provider, listed: list[Listed]) -> None:
        self._provider = provider
        self._listed = listed

    async def listing(self) -> list[Listed]:
        return self._listed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._provider, name)


class Slow:
    """A gateway whose balance is read, and told only when something else was done."""

    def __init__(self, provider: Provider, meanwhile: Callable[[], Awaitable[object]]) -> None:
        self._provider = provider
        self._meanwhile = meanwhile

    async def balance(self) -> Balance | None:
        told = await self._provider.balance()
        await self._meanwhile()
        return told

    def __getattr__(self, name: str) -> Any:
        return getattr(self._provider, name)


async def test_an_extension_while_the_balance_is_read_is_not_taken_for_a_refund(funds: Funds) -> None:
    gone, other = await funds.instance(days=30), await funds.instance(days=30, name="B")
    await funds.work()
    await deleted(funds, gone)
    await funds.later(days=11.5)
    gateway = funds.gateway()
    (one,) = [each for each in await due(funds, gateway) if each.instance_id == other.id]
    slow = Slow(gateway.provider, partial(extending.serve, gateway, one))
    assert not await settling.read_pool(replace(gateway, provider=cast(Provider, slow)), await claimed(funds))
    await funds.later(seconds=61)  # the claim is forgotten
    await funds.work()
    assert (await funds.account(gone)).back_days == 7
    await funds.they_match()


class Slipping:
    """A gateway that tells a wrong end of every account."""

    def __init__(self, provider: Provider, told: datetime) -> None:
        self._provider = provider
        self._told = told

    async def one(self, account: str) -> Listed | None:
        found = await self._provider.one(account)
        return None if found is None else structs.replace(found, funded_until=self._told)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._provider, name)


@pytest.mark.parametrize("told", [datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)])
async def test_an_end_that_cannot_be_is_not_believed(funds: Funds, told: datetime) -> None:
    instance = await funds.instance(days=30)
    await open_books(funds)
    await funds.upstream.faults({"method": CALL, "kind": "lose_request", "times": 1})
    gateway = funds.gateway()
    slipping = replace(gateway, provider=cast(Provider, Slipping(gateway.provider, told)))
    (one,) = await due(funds, gateway)
    assert await extending.serve(slipping, one)
    (row,) = await funds.extensions()
    assert not await extending.resolve(slipping, Intent.of(row))
    assert (await funds.account(instance)).put_days == 6
    await funds.later(seconds=61)
    await comes_right(funds, instance)


async def test_what_a_listing_tells_late_is_not_believed(funds: Funds) -> None:
    instance = await funds.instance(days=30)
    gateway = funds.gateway()
    listed = await gateway.provider.listing()
    await funds.work()
    until = (await read_instance(funds.runtime, instance.id)).upstream_funded_until
    lagging = replace(gateway, provider=cast(Provider, Lagging(gateway.provider, listed)))
    await settling.look(lagging, await claimed(funds))
    assert (await read_instance(funds.runtime, instance.id)).upstream_funded_until == until
    await funds.they_match()


async def test_a_balance_that_cannot_be_stops_nothing(funds: Funds) -> None:
    await funds.upstream.control("POST", "whapi/partners", {"token": WHAPI_TOKEN, "days": 10**10})
    instance = await funds.instance(days=30)
    await funds.work()
    assert (await funds.channel(instance))["mode"] == "live"
    assert (await funds.pool()).days is None


async def test_without_a_balance_a_deletion_is_settled_by_what_is_likely(funds: Funds) -> None:
    await funds.upstream.control("POST", "whapi/partners", {"token": WHAPI_TOKEN, "days": 10**10})
    instance = await funds.instance(days=30)
    await funds.work()
    await deleted(funds, instance)
    await funds.work()
    account = await funds.account(instance)
    assert (account.back_days, account.settled_at is not None) == (7, True)
    assert account.note is not None


async def test_one_answer_without_a_balance_settles_nothing(funds: Funds) -> None:
    instance = await funds.instance(days=30)
    await funds.work()
    await deleted(funds, instance)
    rule = {"method": "getPartner", "kind": "status", "status": 200, "body": {"pwr": None}, "times": 1}
    await funds.upstream.faults({**rule, "provider": "whapi"})
    await funds.work()
    assert ((await funds.pool()).days, (await funds.account(instance)).settled_at) == (None, None)
    await funds.work()
    account = await funds.account(instance)
    assert (account.back_days, account.note) == (7, None)
    await funds.they_match()


async def test_an_extension_whose_end_nobody_learns_holds_up_no_others_books(funds: Funds) -> None:
    doubted, gone = await funds.instance(days=30), await funds.instance(days=30, name="B")
    await open_books(funds)
    (one,) = [each for each in await due(funds, funds.gateway()) if each.instance_id == doubted.id]
    assert await extending.intend(funds.gateway(), one) is not None
    silent = {"method": "getChannel", "kind": "lose_request", "channel_id": doubted.upstream_account}
    await funds.upstream.faults(silent)
    await funds.work()
    await deleted(funds, gone)
    await funds.later(seconds=3700)
    await funds.work()
    assert (await funds.account(gone)).settled_at is None  # perhaps it is known soon
    await funds.later(days=1)
    await funds.work()
    account = await funds.account(gone)
    assert (account.back_days, account.settled_at is not None) == (7, True)
    await funds.upstream.faults()
    for _ in range(2):
        await funds.work()
    assert [row.state for row in await funds.extensions()] == ["lost", "done", "done"]
    await funds.they_match()


class Hanging:
    """A gateway that says nothing about some accounts until whoever asks gives up."""

    def __init__(self, provider: Provider, accounts: set[str], seconds: float) -> None:
        self._provider = provider
        self._accounts = accounts
        self._seconds = seconds

    async def one(self, account: str) -> Listed | None:
        if account in self._accounts:
            await asyncio.sleep(self._seconds)
            raise OutcomeUnknown("the gateway gave no answer (Timeout)")
        return await self._provider.one(account)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._provider, name)


async def test_accounts_that_hang_do_not_keep_the_others_from_their_days(funds: Funds) -> None:
    """As many hang as are asked at once, and their days end first; a round has less time than they take."""
    hanging = [await funds.instance(days=30, name=f"H{number}") for number in range(rounds.AT_ONCE)]
    await funds.later(seconds=60)
    other = await funds.instance(days=30, name="B")
    await open_books(funds)
    provider = Hanging(funds.gateway().provider, {each.upstream_account or "" for each in hanging}, 1.2)
    registry = Registry({("whapi", "live"): cast(Provider, provider)})
    for _ in range(20):
        claim = await claimed(funds)
        await rounds.fund(funds.runtime.database, registry, funds.gateway().options, claim, budget_seconds=1)
        if await funds.extended():
            break
        await funds.later(seconds=61)
    assert (await funds.account(other)).put_days == 13


async def test_readings_are_kept_for_a_year_and_a_bit(funds: Funds) -> None:
    await funds.work()
    await funds.later(days=401)
    await funds.work()
    async with funds.runtime.database.begin(SYSTEM) as uow:
        assert list(await uow.session.scalars(select(PoolReading.days))) == [POOL_DAYS]
        assert await uow.session.scalar(text("select count(*) from extensions")) == 0


async def test_an_account_made_over_the_cut_of_a_day_is_funded(funds: Funds) -> None:
    instance = await funds.instance(days=30)
    told = await funds.gateway().provider.one(instance.upstream_account or "")
    assert told is not None
    async with funds.runtime.database.begin(SYSTEM) as uow:
        row = await service.find(uow, instance.id)
        row.calling_since = uow.now - timedelta(days=1)
        await service.attach(uow, row, Created(told.account, told.token, told.base_url, told.funded_until))
    await funds.work()
    assert (await funds.account(instance)).gift_days == 6
    await funds.they_match()


async def test_an_extension_in_flight_goes_with_the_account_that_a_move_leaves_behind(funds: Funds) -> None:
    instance = await funds.instance(days=30)
    await open_books(funds)
    gateway = funds.gateway()
    (one,) = await due(funds, gateway)
    intent = await extending.intend(gateway, one)
    assert intent is not None
    async with funds.runtime.database.begin(SYSTEM) as uow:
        row = await service.find(uow, instance.id)
        await moving.move(uow, funds.runtime.registry, funds.runtime.instance_options, row, to="green_api")
    with pytest.raises(NoResultFound):  # its account is another's now
        await extending.carry_out(gateway, intent)
    await funds.work()
    assert [row.state for row in await funds.extensions()] == ["done"]

    async def is_gone() -> bool:
        async with funds.runtime.database.begin(SYSTEM) as uow:
            query = select(Instance.status).where(Instance.remains_of == instance.id)
            return await uow.session.scalar(query) == "deleted"

    await funds.reconciled(is_gone)
    await funds.work()
    assert (await funds.booked())["pool"] == POOL_DAYS
    await funds.they_match()
