"""An extension is neither doubled nor lost, wherever a call or a worker ends."""

import asyncio
from datetime import timedelta

import pytest

from app.funding import extending, store
from app.funding.extending import Gateway, Intent
from app.instances.models import Instance
from app.kit.db import SYSTEM
from tests.factories import read_instance
from tests.workers.funds import Funds
from tests.workers.wishes import dying

CALL = "extendChannel"


async def due(funds: Funds, gateway: Gateway) -> list[store.Due]:
    """Who needs days."""
    async with funds.runtime.database.begin(SYSTEM) as uow:
        return await store.due(uow, gateway.name, gateway.environment, gateway.options.margin, 100)


async def comes_right(funds: Funds, instance: Instance, *, rounds: int = 4) -> None:
    """After some rounds and a quiet period, the account has its first step once and the books are upstream's."""
    await funds.upstream.faults()
    for _ in range(rounds):
        await funds.work()
        await funds.later(seconds=31)
    await funds.work()
    assert list((await funds.extended()).values()) == [7]
    done = [row for row in await funds.extensions() if row.state == "done"]
    assert [row.comment for row in done] == list(await funds.extended())
    until = (await read_instance(funds.runtime, instance.id)).upstream_funded_until
    channel = await funds.channel(instance)
    assert until is not None
    assert abs(until.timestamp() - channel["activeTill"] / 1000) < 1
    assert (await funds.account(instance)).put_days == 13
    await funds.they_match()


@pytest.mark.parametrize(
    "kind",
    [
        "lose_request",
        "lose_answer",
        "refuse",
        "status",
        "done_then_status",
        "plain_text_400",
        "half_body",
        "garbage",
        "wrong_content_type",
        "stall",
    ],
)
async def test_whatever_becomes_of_the_call_the_days_are_put_on_it_once(funds: Funds, kind: str) -> None:
    instance = await funds.instance(days=30)
    await funds.upstream.faults({"method": CALL, "kind": kind, "times": 1})
    await funds.work()
    await comes_right(funds, instance)


async def test_one_that_comes_late_is_waited_for(funds: Funds) -> None:
    instance = await funds.instance(days=30)
    await funds.upstream.faults({"method": CALL, "kind": "late", "times": 1, "delay_seconds": 40})
    await funds.work()
    assert [row.state for row in await funds.extensions()] == ["unknown"]
    await comes_right(funds, instance)
    assert len(await funds.extensions()) == 1


async def test_one_that_comes_after_its_quiet_period_is_found_and_booked(funds: Funds) -> None:
    instance = await funds.instance(days=30)
    await funds.upstream.faults({"method": CALL, "kind": "late", "times": 1, "delay_seconds": 300})
    await funds.work()
    await funds.upstream.faults()
    for _ in range(3):
        await funds.later(seconds=61)
        await funds.work()
    assert [row.state for row in await funds.extensions()] == ["lost", "done"]
    await funds.later(days=18)
    await funds.work()
    assert sum((await funds.extended()).values()) == 21
    assert (await funds.account(instance)).note is not None
    await funds.they_match()


async def test_nothing_is_asked_again_before_the_quiet_period_is_over(funds: Funds) -> None:
    await funds.instance(days=30)
    await funds.upstream.faults({"method": CALL, "kind": "lose_request", "times": 1})
    await funds.work()
    for _ in range(5):
        await funds.later(seconds=10)
        await funds.work()
    assert [row.state for row in await funds.extensions()] == ["unknown"]
    await funds.later(seconds=11)
    await funds.work()
    assert [row.state for row in await funds.extensions()] == ["lost", "done"]


async def test_a_worker_that_dies_before_the_call_loses_nothing(funds: Funds) -> None:
    instance = await funds.instance(days=30)
    gateway = funds.gateway()
    await open_books(funds)
    (one,) = await due(funds, gateway)
    assert await extending.intend(gateway, one) is not None
    assert [row.state for row in await funds.extensions()] == ["intended"]
    await comes_right(funds, instance)
    assert [row.state for row in await funds.extensions()] == ["lost", "done"]


async def test_a_worker_that_dies_after_the_call_doubles_nothing(funds: Funds) -> None:
    instance = await funds.instance(days=30)
    await open_books(funds)
    (one,) = await due(funds, funds.gateway())
    intent = await extending.intend(funds.gateway(), one)
    assert intent is not None
    with pytest.raises(ConnectionError):
        await extending.carry_out(funds.gateway(dying(funds.runtime, 1)), intent)
    assert [row.state for row in await funds.extensions()] == ["intended"]
    await comes_right(funds, instance)
    assert len(await funds.extensions()) == 1


async def test_a_worker_that_was_held_up_does_not_call(funds: Funds) -> None:
    instance = await funds.instance(days=30)
    await open_books(funds)
    (one,) = await due(funds, funds.gateway())
    intent = await extending.intend(funds.gateway(), one)
    assert intent is not None
    held = Intent(**{**vars(intent), "planned": intent.planned - 60})
    assert not await extending.carry_out(funds.gateway(), held)
    assert await funds.extended() == {}
    await comes_right(funds, instance)


async def test_two_workers_at_once_make_one_extension(funds: Funds) -> None:
    instance = await funds.instance(days=30)
    await open_books(funds)
    (one,) = await due(funds, funds.gateway())
    await asyncio.gather(*(extending.serve(funds.gateway(), one) for _ in range(4)), return_exceptions=True)
    await comes_right(funds, instance)


async def test_two_who_learn_of_the_same_extension_book_it_once(funds: Funds) -> None:
    instance = await funds.instance(days=30)
    await funds.upstream.faults({"method": CALL, "kind": "lose_answer", "times": 1})
    await funds.work()
    (row,) = await funds.extensions()
    await asyncio.gather(*(extending.resolve(funds.gateway(), Intent.of(row)) for _ in range(4)))
    await comes_right(funds, instance)


async def test_a_mode_that_could_not_be_changed_is_changed_later_without_more_days(funds: Funds) -> None:
    instance = await funds.instance(days=30)
    await funds.upstream.faults({"method": "changeChannelMode", "kind": "lose_request", "times": 2})
    await funds.work()
    assert (await funds.channel(instance))["mode"] == "trial"
    for _ in range(3):
        await funds.later(seconds=31)  # it may have restarted
        await funds.work()
    assert (await funds.channel(instance))["mode"] == "live"
    await comes_right(funds, instance)


async def test_an_account_that_restarts_is_left_alone(funds: Funds) -> None:
    instance = await funds.instance(days=30)
    await funds.work()
    account = await funds.account(instance)
    assert account.live_at is not None
    assert account.busy_until == account.live_at + timedelta(seconds=30)


async def open_books(funds: Funds) -> None:
    """Let the room know of the accounts; nothing is asked for."""
    async with funds.runtime.database.begin(SYSTEM) as uow:
        rows = await store.new(uow, "whapi", "live", 100)
        assert rows
    await funds.upstream.faults({"method": "getChannel", "kind": "lose_request"})
    await funds.work()
    await funds.upstream.faults()
    assert await funds.extensions() == []
