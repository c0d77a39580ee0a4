"""What takes too long is ended, whoever else ends it is heard, and nobody is ended for another."""

import asyncio
import time

import pytest

from app.kit.deadlines import LOOK_SECONDS, Deadlines


async def wait(deadlines: Deadlines, seconds: float) -> str:
    """Wait for ever, but no longer than so."""
    task = deadlines.enter(time.monotonic() + seconds)
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        if not deadlines.is_over(task):
            raise
        return "over"
    finally:
        deadlines.leave(task)
    return "done"


async def test_what_is_over_ends_with_its_task_going_on() -> None:
    deadlines = Deadlines()
    began = time.monotonic()
    async with asyncio.timeout(10):
        assert await asyncio.gather(*(wait(deadlines, 0.05) for _ in range(3))) == ["over"] * 3
        assert await wait(deadlines, 0.05) == "over"
    assert time.monotonic() - began >= LOOK_SECONDS
    current = asyncio.current_task()
    assert current is not None
    assert current.cancelling() == 0


async def test_a_cancellation_from_elsewhere_stays_one() -> None:
    deadlines = Deadlines()
    waiting = asyncio.create_task(wait(deadlines, 60))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_who_left_in_time_is_not_ended_later() -> None:
    deadlines = Deadlines()

    async def quick() -> str:
        task = deadlines.enter(time.monotonic() + 0.05)
        deadlines.leave(task)
        await asyncio.sleep(LOOK_SECONDS * 3)
        return "done"

    assert await asyncio.gather(quick(), wait(deadlines, 0.05)) == ["done", "over"]
