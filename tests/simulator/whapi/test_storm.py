"""Many partners' calls at once, under faults of every kind: the journal, the books and the world agree."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Coroutine
from typing import Any

import aiohttp
import pytest

from tests.simulator.whapi.conftest import DAY, TOKEN, Channel, Whapi, started

KINDS = ("lose_request", "lose_answer", "status", "done_then_status", "half_body", "garbage", "refuse")


async def _try(call: Coroutine[Any, Any, object]) -> None:
    with contextlib.suppress(aiohttp.ClientError, AssertionError, ValueError, TypeError):
        await call


async def test_whatever_the_caller_was_told_the_effects_are_what_happened() -> None:
    async with started(creations=None, pool_days=5000) as whapi:
        await whapi.sim("faults", {"rules": [{"kind": kind, "probability": 0.08} for kind in KINDS], "seed": 7})
        await asyncio.gather(*(_try(whapi.create(f"n{number}")) for number in range(60)))
        rows = (await whapi.sim("whapi/channels"))["channels"]
        effects = await whapi.journal(kind="effect", method="createChannel")
        assert {row["id"] for row in rows} == {line["channel_id"] for line in effects}
        assert len(effects) == len(rows)
        assert 0 < len(rows) < 60
        channels = [Channel(whapi, row) for row in rows]
        await _disturb(whapi, channels)
        await whapi.sim("faults", {"rules": []})
        await _compare(whapi)


async def _disturb(whapi: Whapi, channels: list[Channel]) -> None:
    rng = random.Random(3)
    for _ in range(6):
        calls = []
        for channel in channels:
            step = rng.random()
            if step < 0.6:
                calls.append(channel.extend(rng.randrange(1, 20), f"key {rng.random()}"))
            elif step < 0.7:
                calls.append(channel.manage("DELETE"))
            elif step < 0.8:
                calls.append(channel.manage("POST", "/stop", {"saveDays": True}))
            elif step < 0.9:
                calls.append(channel.manage("POST", "/start"))
            else:
                calls.append(channel.manage("PATCH", "/mode", {"mode": "live"}))
        await asyncio.gather(*(_try(call) for call in calls))
        await whapi.advance(rng.random() * 5 * DAY)


async def _compare(whapi: Whapi) -> None:
    books = await whapi.books()
    done = await whapi.journal(kind="effect", method="extendChannel")
    asked = Counter((line["channel_id"], line["request"]["comment"], line["request"]["days"]) for line in done)
    moved = Counter(
        (line["channel_id"], line["comment"], line["days"])
        for line in books["movements"]
        if line["reason"] == "extension"
    )
    assert asked == moved
    assert moved
    balances = books["balances"][TOKEN]
    assert sum(balances.values()) == pytest.approx(0)
    alive = [row for row in (await whapi.sim("whapi/channels"))["channels"] if row["state"] != "deleted"]
    assert balances["channels"] == pytest.approx(sum(row["days_left"] for row in alive), abs=0.01)
    deleted = await whapi.journal(kind="effect", method="deleteChannel")
    listed = (await whapi.manager("GET", "/channels/list?count=500")).ok()["channels"]
    assert {row["id"] for row in listed} == {row["id"] for row in alive}
    assert not {line["channel_id"] for line in deleted} & {row["id"] for row in listed}
    assert (await whapi.manager("GET", "/partners")).ok()["pwr"] == pytest.approx(balances["pool"])
