"""A lost request did nothing, a lost answer did it; the journal tells which, and knobs are checked."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys

import aiohttp
import pytest

from tests.simulator.whapi.conftest import TOKEN, Whapi


async def _names(whapi: Whapi) -> list[str]:
    return [row["name"] for row in (await whapi.manager("GET", "/channels/list")).ok()["channels"]]


async def test_a_lost_request_made_no_channel_and_a_lost_answer_made_one(whapi: Whapi) -> None:
    await whapi.faults({"method": "createChannel", "script": ["lose_request", "lose_answer", "ok"]})
    for name in ("one", "two"):
        with pytest.raises(aiohttp.ClientError):
            await whapi.create(name)
    await whapi.create("three")
    assert await _names(whapi) == ["two", "three"]
    calls = await whapi.journal(kind="call", method="createChannel")
    assert [(line["name"], line["real"], line["told"]) for line in calls] == [
        ("one", "lost", "reset"),
        ("two", "done", "reset"),
        ("three", "done", "ok"),
    ]
    effects = await whapi.journal(kind="effect", method="createChannel")
    assert [line["call"] for line in effects] == [calls[1]["seq"], calls[2]["seq"]]
    assert calls[1]["channel_id"] == effects[0]["channel_id"]


async def test_an_extension_whose_answer_is_lost_moved_the_days(whapi: Whapi) -> None:
    channel = await whapi.create()
    await whapi.faults(
        {"method": "extendChannel", "script": ["lose_request", "done_then_status", "status"], "status": 503}
    )
    with pytest.raises(aiohttp.ClientError):
        await channel.extend(5)
    assert await whapi.pool() == 100
    assert (await channel.extend(5)).status == 503
    assert await whapi.pool() == 95
    assert (await channel.extend(5)).error["code"] == 503
    assert await whapi.pool() == 95
    assert (await channel.extend(5)).status == 200


async def test_a_late_creation_happens_after_its_caller_gave_up(whapi: Whapi) -> None:
    body = {"name": "late", "projectId": "default"}
    await whapi.faults({"method": "createChannel", "kind": "late", "delay_seconds": 60, "times": 1})
    with pytest.raises(asyncio.TimeoutError):
        await whapi.manager("PUT", "/channels", body, timeout=aiohttp.ClientTimeout(total=0.5))
    assert await _names(whapi) == []
    await whapi.advance(61)
    assert await _names(whapi) == ["late"]


async def test_faults_strike_only_whom_they_name(whapi: Whapi) -> None:
    one, two = await whapi.create("one"), await whapi.create("two")
    for rule in ({"channel_id": one.id}, {"name": "one"}, {"name": "one", "provider": "whapi"}):
        await whapi.faults({"method": "checkHealth", "kind": "status", **rule})
        assert (await one.gate("GET", "health")).status == 502
        assert (await two.gate("GET", "health")).status == 200
    await whapi.faults({"kind": "status", "provider": "green"})
    assert (await one.gate("GET", "health")).status == 200
    await whapi.faults({"kind": "refuse", "method": "checkHealth"})
    assert (await one.gate("GET", "health")).error["code"] == 400


async def test_broken_and_foreign_answers_are_played(whapi: Whapi) -> None:
    channel = await whapi.create()
    await whapi.faults({"method": "checkHealth", "script": ["garbage", "half_body", "wrong_content_type", "stall"]})
    assert b"<html>" in (await channel.gate("GET", "health")).raw
    with pytest.raises(aiohttp.ClientPayloadError):
        await channel.gate("GET", "health")
    assert (await channel.gate("GET", "health")).headers["Content-Type"].startswith("text/html")
    with pytest.raises(aiohttp.ClientError):
        await channel.gate("GET", "health")


async def test_a_refused_call_is_in_the_journal_without_a_token(whapi: Whapi) -> None:
    channel = await whapi.create()
    await whapi.call(f"{channel.row['apiUrl']}settings?token={channel.token}", "GET", None)
    await whapi.manager("GET", "/channels/list", token="nobody")
    lines = await whapi.journal(kind="call")
    assert [(line["method"], line["told"]) for line in lines[-2:]] == [
        ("getChannelSettings", "ok"),
        ("getChannels", "status:401"),
    ]
    assert channel.token not in json.dumps(lines)
    tagged = await channel.gate("GET", "health", headers={"X-Sim-Tag": "mine"})
    assert tagged.status == 200
    assert (await whapi.journal(kind="call"))[-1]["tag"] == "mine"


async def test_knobs_merge_one_by_one_and_unknown_ones_are_400(whapi: Whapi) -> None:
    await whapi.knobs(init_seconds=75)
    await whapi.sim("config", {"rate_limits": False})
    shown = await whapi.sim("config")
    assert shown["whapi"]["init_seconds"] == 75
    assert shown["whapi"]["launch_seconds"] == 3
    await whapi.sim("config", {"whapi": {"no_such_knob": 1}}, status=400)
    await whapi.sim("config", {"whapi": {"creations": 0}}, status=400)
    await whapi.sim("reset", {})
    assert (await whapi.sim("config"))["whapi"]["init_seconds"] == 5


async def test_acts_of_unknown_channels_are_404_and_unfit_ones_400(whapi: Whapi) -> None:
    channel = await whapi.create()
    await channel.act("scan", {}, 409)
    await channel.up()
    await channel.act("scan", {"phone": 5}, 400)
    await whapi.sim("whapi/channels/NOBODY-12345/scan", {}, status=404, verb="POST")
    lines = await whapi.journal(kind="phone")
    assert [(line["method"], line["http_status"]) for line in lines] == [("scan", 409), ("scan", 400)]


async def test_without_a_whapi_account_there_are_no_hosts_and_with_one_they_are_printed() -> None:
    for options, keys in (([], 1), (["--whapi-token", TOKEN], 3)):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "simulator", *options, stdout=asyncio.subprocess.PIPE, env=dict(os.environ)
        )
        assert process.stdout is not None
        told = json.loads(await asyncio.wait_for(process.stdout.readline(), 60))
        assert len(told) == keys
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 60) == 0
