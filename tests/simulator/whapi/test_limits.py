"""What trial and sandbox may use, and that live may use more."""

from __future__ import annotations

import pytest

from simulator.whapi import limits
from simulator.whapi.errors import Problem
from tests.simulator.whapi.conftest import DAY, Whapi, started


async def test_requests_of_the_month_end_with_402_and_begin_anew_or_end_with_live() -> None:
    async with started(requests_a_month=3) as whapi:
        channel = await whapi.create()
        for _ in range(3):
            assert (await channel.gate("GET", "settings")).status == 200
        refused = await channel.gate("GET", "health")
        assert refused.status == 402
        assert refused.body["code"] == 402
        assert isinstance(refused.error, str)
        await whapi.knobs(flat_402=False)
        assert (await channel.gate("GET", "health")).error["code"] == 402
        await channel.extend(60)
        await whapi.advance(32 * DAY)
        assert (await channel.gate("GET", "settings")).status == 200
        await channel.manage("PATCH", "/mode", {"mode": "dev"})
        await channel.gate("GET", "settings")
        await channel.gate("GET", "settings")
        assert (await channel.gate("GET", "settings")).status == 402
        await channel.manage("PATCH", "/mode", {"mode": "live"})
        assert (await channel.gate("GET", "settings")).status == 200


async def test_what_a_knob_names_is_neither_counted_nor_refused() -> None:
    async with started(requests_a_month=1, uncounted=["checkHealth"]) as whapi:
        channel = await whapi.create()
        for _ in range(5):
            assert (await channel.gate("GET", "health")).status == 200
        assert (await channel.gate("GET", "settings")).status == 200
        assert (await channel.gate("GET", "settings")).status == 402


@pytest.mark.parametrize(("show", "requests"), [("remaining", 999), ("used", 1), ("ceiling", 1000)])
async def test_the_figures_are_told_as_the_knob_says(show: str, requests: int) -> None:
    async with started(limits_show=show) as whapi:
        channel = await whapi.create()
        told = (await channel.gate("GET", "limits")).ok()
        assert told["requests"] == requests
        assert told["chats"] == []


async def test_a_live_channel_has_no_limits(whapi: Whapi) -> None:
    channel = await whapi.create()
    await channel.manage("PATCH", "/mode", {})
    told = await channel.gate("GET", "limits")
    assert (told.status, told.raw) == (204, b"")


async def test_a_lost_request_is_not_counted_and_a_refused_one_is() -> None:
    async with started() as whapi:
        channel = await whapi.create()
        await whapi.faults({"method": "checkHealth", "kind": "status", "status": 500, "times": 1})
        assert (await channel.gate("GET", "health")).status == 500
        assert (await channel.gate("GET", "users/profile")).status == 401
        assert (await channel.truth())["used"]["requests"] == 1


async def test_a_channel_that_calls_too_often_is_429_when_the_knob_says_so() -> None:
    async with started(gate_rate=2, retry_after=True) as whapi:
        channel = await whapi.create()
        told = [await channel.gate("GET", "settings") for _ in range(3)]
        assert [answer.status for answer in told] == [200, 200, 429]
        assert told[2].headers["Retry-After"] == "1"
        await whapi.advance(1)
        assert (await channel.gate("GET", "settings")).status == 200


async def test_messages_of_the_day_and_chats_of_the_month_are_counted_apart() -> None:
    async with started(messages_a_day=3, chats_a_month=2) as whapi:
        row = (await whapi.create()).row
        world = whapi.running.world.whapi
        channel = world.channels[row["id"]]
        for chat in ("1@s.whatsapp.net", "2@s.whatsapp.net"):
            limits.check_message(world, channel, chat)
            limits.count_message(world, channel, chat)
        with pytest.raises(Problem):
            limits.check_message(world, channel, "3@s.whatsapp.net")
        limits.check_message(world, channel, "1@s.whatsapp.net")
        limits.count_message(world, channel, "1@s.whatsapp.net")
        with pytest.raises(Problem):
            limits.check_message(world, channel, "1@s.whatsapp.net")
        await whapi.advance(DAY)
        limits.check_message(world, channel, "1@s.whatsapp.net")
        await whapi.advance(31 * DAY)
        limits.check_message(world, channel, "3@s.whatsapp.net")


async def test_checks_of_the_day_are_taken_all_or_none() -> None:
    async with started(checks_a_day=5) as whapi:
        row = (await whapi.create()).row
        world = whapi.running.world.whapi
        channel = world.channels[row["id"]]
        limits.take_checks(world, channel, 3)
        with pytest.raises(Problem):
            limits.take_checks(world, channel, 3)
        limits.take_checks(world, channel, 2)
        channel.mode = "live"
        limits.take_checks(world, channel, 100)
