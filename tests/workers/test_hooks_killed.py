"""A worker is killed while a customer's server has its request, and Redis forgets everything: nothing is lost."""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import fields

import redis.asyncio as redis
from aiohttp import web
from sqlalchemy import text as sql

from app.kit.db import SYSTEM
from app.runtime import Runtime
from app.settings import GATEWAYS, PREFIX
from tests.receiver import receiving
from tests.verbs.lines.hooks import point_at, say, texts, waiting
from tests.verbs.lines.lines import make_line

PATIENCE_SECONDS = 60


@asynccontextmanager
async def working(runtime: Runtime) -> AsyncIterator[Process]:
    """A worker of its own, as it is run; no bell is rung for it, it finds its work by looking."""
    settings = runtime.settings
    told = {each.name: getattr(settings, each.name) for each in fields(settings) if each.name != GATEWAYS}
    told |= dict(settings.gateways) | {"sweep_seconds": 0.1}
    env = {f"{PREFIX}{name.upper()}": str(value) for name, value in told.items() if value not in (None, "")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "workers", env=dict(os.environ) | env, stdout=DEVNULL, stderr=DEVNULL
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_a_killed_worker_loses_nothing_and_keeps_the_order(runtime: Runtime) -> None:
    made = await make_line(runtime.database)
    reached, never = asyncio.Event(), asyncio.Event()

    async def hold(_: web.Request) -> web.StreamResponse:
        reached.set()
        await never.wait()
        return web.Response()

    async with receiving() as receiver, asyncio.timeout(PATIENCE_SECONDS):
        receiver.answers = [200, hold, 200]
        await point_at(runtime, made, receiver.url)
        await say(runtime, made, "a", "b", "c")
        async with working(runtime) as worker:
            await reached.wait()
            worker.kill()
            await worker.wait()
        assert texts(receiver) == ["a", "b"]
        await say(runtime, made, "d")
        async with redis.from_url(runtime.settings.redis_url) as wiper:
            await wiper.flushall()
        async with runtime.database.begin(SYSTEM) as uow:  # sooner than it would be by itself
            await uow.session.execute(sql("update work set lease_until = :now where lease_until is not null"),
                                      {"now": uow.now})  # fmt: skip
        async with working(runtime):
            while await waiting(runtime, made):
                await asyncio.sleep(0.05)
    assert texts(receiver) == ["a", "b", "b", "c", "d"]
    twice = [got.headers["webhook-id"] for got in receiver.got[1:3]]
    assert twice[0] == twice[1]
