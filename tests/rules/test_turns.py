"""Messages to one chat leave in the order in which they came."""

import asyncio

import pytest

from app.gateway import turns
from app.gateway.turns import Turns
from app.kit.ids import new_id

CHAT = "79990005544@c.us"


async def test_who_came_first_goes_first_however_long_it_takes() -> None:
    rows, instance, gone = Turns(), new_id(), []

    async def go(number: int, pause: float) -> None:
        turn = rows.enter(instance, CHAT)
        try:
            await turn.come()
            await asyncio.sleep(pause)
            gone.append(number)
        finally:
            turn.leave()

    await asyncio.gather(*(go(number, 0.02 if number % 2 else 0.0) for number in range(10)))
    assert gone == list(range(10))
    assert rows._last == {}


async def test_chats_and_instances_do_not_wait_for_each_other() -> None:
    rows, instance = Turns(), new_id()
    rows.enter(instance, CHAT)
    await asyncio.wait_for(rows.enter(instance, "other@c.us").come(), 10)
    await asyncio.wait_for(rows.enter(new_id(), CHAT).come(), 10)


async def test_one_that_leaves_early_does_not_let_the_next_pass_those_before() -> None:
    rows, instance = Turns(), new_id()
    first, refused, last = (rows.enter(instance, CHAT) for _ in range(3))
    refused.leave()
    waiting = asyncio.create_task(last.come())
    await asyncio.sleep(0.01)
    assert not waiting.done()
    first.leave()
    await asyncio.wait_for(waiting, 10)
    last.leave()
    last.leave()
    assert rows._last == {}


async def test_one_that_is_cancelled_while_it_waits_blocks_nobody() -> None:
    rows, instance = Turns(), new_id()
    first, second, third = (rows.enter(instance, CHAT) for _ in range(3))
    waiting = asyncio.create_task(second.come())
    await asyncio.sleep(0)
    waiting.cancel()
    second.leave()
    first.leave()
    await asyncio.wait_for(third.come(), 10)


async def test_a_gateway_that_hangs_does_not_hold_a_chat_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "MOST_SECONDS", 0.05)
    rows, instance = Turns(), new_id()
    rows.enter(instance, CHAT)
    await asyncio.wait_for(rows.enter(instance, CHAT).come(), 10)
