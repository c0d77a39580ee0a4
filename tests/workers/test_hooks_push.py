"""Webhooks in Whapi's shape: each hook in its order, by its mode, again with growing pauses, and nothing lost."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from sqlalchemy import text as sql

from app.instances import service as instances
from app.kit import work
from app.kit.db import SYSTEM
from app.kit.egress import UrlRefused
from app.lines.hooks import service as hooks
from app.lines.hooks.rules import SettingRefused
from app.lines.pushing import MOST_A_CLAIM
from app.providers.events import CallChanged, MessageDeleted, MessageProgressed, ReactionReceived, StateChanged
from app.runtime import Runtime
from tests.conftest import Drain
from tests.receiver import Receiver, receiving
from tests.verbs.lines.hooks import ANN, OF_MESSAGES, change, happen, point_at, say, texts, waiting
from tests.verbs.lines.lines import Made, make_line
from workers.main import HANDLERS
from workers.task import do_work

SECOND = timedelta(seconds=1)


async def work_left(runtime: Runtime) -> int:
    """How many pieces of work there are about hooks."""
    async with runtime.database.begin(SYSTEM) as uow:
        found: int = await uow.session.scalar(sql("select count(*) from work where kind = 'hook.push'"))
        return found


def events(receiver: Receiver) -> list[tuple[str, str]]:
    """Types and verbs of what came."""
    told = [json.loads(got.body)["event"] for got in receiver.got]
    return [(event["type"], event["event"]) for event in told]


async def test_a_message_is_told_in_whapis_shape_with_the_hooks_own_headers(runtime: Runtime, drain: Drain) -> None:
    made = await make_line(runtime.database)
    async with receiving() as receiver:
        await point_at(runtime, made, receiver.url, headers={"Authorization": "Bearer s", "User-Agent": "mine"})
        await say(runtime, made, "Grüße")
        await drain()
    (got,) = receiver.got
    (message,) = got.event["messages"]
    assert (message["type"], message["text"], message["from"], message["from_me"]) == (
        "text", {"body": "Grüße"}, "79990003344", False,
    )  # fmt: skip
    assert got.event["event"] == {"type": "messages", "event": "post"}
    assert got.event["channel_id"] == f"CH{made.line.number}"
    assert (got.verb, got.path, got.headers["authorization"], got.headers["user-agent"]) == (
        "POST", "/hook", "Bearer s", "mine",
    )  # fmt: skip
    assert got.headers["content-type"] == "application/json"
    assert got.headers["webhook-id"].startswith(f"{made.line.number}-")
    assert (await waiting(runtime, made), await work_left(runtime)) == (0, 0)


@pytest.mark.parametrize(
    ("mode", "calls", "has_event"),
    [
        ("body", [("POST", "/hook")] * 4, True),
        ("path", [("POST", f"/hook/{tail}") for tail in (
            "messages/post", "messages/patch", "messages/post", "messages/delete")], True),
        ("method", [(verb, "/hook/messages") for verb in ("POST", "PATCH", "POST", "DELETE")], False),
    ],
)  # fmt: skip
async def test_each_mode_tells_what_happened_in_its_own_way(
    runtime: Runtime, drain: Drain, mode: str, calls: list[tuple[str, str]], has_event: bool
) -> None:
    made = await make_line(runtime.database)
    async with receiving() as receiver:
        await change(runtime, made, {"webhooks": [{"url": receiver.url, "mode": mode}]})
        whats = (ReactionReceived("M1", ANN, ANN, None, "👍"), MessageDeleted("M1", ANN, ANN, own=False))
        await happen(runtime.database, made, *whats)
        await drain()
    assert [(got.verb, got.path) for got in receiver.got] == calls
    assert [next(iter(got.event)) for got in receiver.got] == [
        "messages", "messages_updates", "messages", "messages_removed",
    ]  # fmt: skip
    assert all(("event" in got.event) is has_event for got in receiver.got)
    assert all(got.event["channel_id"] for got in receiver.got)


async def test_each_hook_is_told_what_it_asks_for(runtime: Runtime, drain: Drain) -> None:
    made = await make_line(runtime.database)
    async with receiving() as states, receiving() as everything, receiving() as puts:
        await change(
            runtime,
            made,
            {
                "webhooks": [
                    {"url": states.url, "events": [{"type": "channel", "method": "post"}, {"type": "users"}]},
                    {"url": everything.url},
                    {"url": puts.url, "events": [{"type": "statuses", "method": "put"}]},
                ]
            },
        )
        await happen(
            runtime.database,
            made,
            StateChanged("connected", "79990001122"),
            MessageProgressed("M1", ANN, "read", None),
            CallChanged("C1", ANN, "incoming", "ringing", is_video=False, duration_seconds=None),
        )
        await drain()
    assert events(states) == [("channel", "post"), ("users", "post")]
    assert events(everything) == [("channel", "post"), ("users", "post"), ("statuses", "post"), ("calls", "post")]
    assert events(puts) == [("statuses", "put")]


async def test_many_are_told_in_order_one_at_a_time(runtime: Runtime, drain: Drain) -> None:
    made = await make_line(runtime.database)
    words = [f"number {number}" for number in range(MOST_A_CLAIM + 5)]
    async with receiving() as receiver:
        await point_at(runtime, made, receiver.url)
        await say(runtime, made, *words)
        await drain()
    assert texts(receiver) == words
    assert receiver.most == 1


@pytest.mark.parametrize("status", [204, 301, 500])
async def test_pauses_grow_by_the_step_until_a_200_and_the_order_stays(
    runtime: Runtime, drain: Drain, status: int
) -> None:
    made = await make_line(runtime.database)
    async with receiving() as receiver:
        receiver.answers = [status, status, status, 200]
        await change(runtime, made, {"callback_backoff_delay_ms": 15_000})
        await point_at(runtime, made, receiver.url)
        await say(runtime, made, "first", "second")
        await drain()
        for failures in (1, 2, 3):
            assert texts(receiver) == ["first"] * failures
            runtime.database.shift += (15 * failures - 10) * SECOND
            await say(runtime, made, f"meanwhile {failures}")
            await drain()
            assert texts(receiver) == ["first"] * failures, "what comes meanwhile does not end the pause"
            runtime.database.shift += 10 * SECOND
            await drain()
        assert texts(receiver) == ["first"] * 4 + ["second", "meanwhile 1", "meanwhile 2", "meanwhile 3"]
    assert len({got.headers["webhook-id"] for got in receiver.got[:4]}) == 1
    assert await work_left(runtime) == 0


async def test_pauses_begin_anew_after_a_success(runtime: Runtime, drain: Drain) -> None:
    made = await make_line(runtime.database)
    async with receiving() as receiver:
        receiver.answers = [500, 500, 200, 500, 200]
        await point_at(runtime, made, receiver.url)
        await say(runtime, made, "a", "b")
        for pause in (0, 3, 6, 3):
            runtime.database.shift += pause * SECOND
            await drain()
    assert texts(receiver) == ["a", "a", "a", "b", "b"]


async def test_what_is_not_persisted_makes_way_after_five_tries(runtime: Runtime, drain: Drain) -> None:
    made = await make_line(runtime.database)
    async with receiving() as receiver:
        receiver.answers = [500] * 5 + [200]
        await change(runtime, made, {"callback_persist": False})
        await point_at(runtime, made, receiver.url)
        await say(runtime, made, "lost", "kept")
        for failures in range(6):
            await drain()
            runtime.database.shift += 3 * failures * SECOND
        await drain()
    assert texts(receiver) == ["lost"] * 5 + ["kept"]
    assert await waiting(runtime, made) == 0


async def test_what_is_persisted_is_tried_for_two_days_and_the_longest_pause_is_kept(
    runtime: Runtime, drain: Drain
) -> None:
    made = await make_line(runtime.database)
    async with receiving() as receiver:
        receiver.answers = [500]
        await point_at(runtime, made, receiver.url)
        await say(runtime, made, "old")
        await drain()
        async with runtime.database.begin(SYSTEM) as uow:
            await uow.session.execute(sql("update line_hooks set push_failures = 5000"))
        for _ in range(3):
            runtime.database.shift += timedelta(seconds=900)
            await drain()
        assert texts(receiver) == ["old"] * 4
        runtime.database.shift += timedelta(hours=48)
        receiver.answers = [200]
        await say(runtime, made, "new")
        await drain()
    assert texts(receiver) == ["old"] * 4 + ["new"]
    assert await waiting(runtime, made) == 0, "what was passed over for its age goes along"


async def test_a_hook_may_ask_for_fresh_events_only(runtime: Runtime, drain: Drain) -> None:
    made = await make_line(runtime.database)
    async with receiving() as receiver:
        receiver.answers = [500, 200]
        await point_at(runtime, made, receiver.url, webhook_max_age_seconds=15)
        await say(runtime, made, "old")
        await drain()
        runtime.database.shift += 16 * SECOND
        await say(runtime, made, "new")
        await drain()
    assert texts(receiver) == ["old", "new"]


async def test_a_server_that_does_not_answer_in_time_is_tried_again(runtime: Runtime, drain: Drain) -> None:
    made = await make_line(runtime.database)
    late = asyncio.Event()
    async with receiving() as receiver:

        async def never(_: web.Request) -> web.StreamResponse:
            await late.wait()
            return web.Response()

        receiver.answers = [never, 200]
        await point_at(runtime, made, receiver.url)
        await say(runtime, made, "a", "b")
        await drain()
        assert await waiting(runtime, made) == 2
        runtime.database.shift += 3 * SECOND
        await drain()
        late.set()
    assert texts(receiver) == ["a", "a", "b"]


async def test_a_worker_that_dies_after_the_answer_tells_it_once_more_and_loses_none(
    runtime: Runtime, drain: Drain
) -> None:
    """The worker is cut off while it waits for the answer; the next finds the lease run out and nothing recorded."""
    made = await make_line(runtime.database)
    reached = asyncio.Event()
    async with receiving() as receiver:

        async def hold(_: web.Request) -> web.StreamResponse:
            reached.set()
            await asyncio.sleep(30)
            return web.Response()

        receiver.answers = [hold, 200]
        await point_at(runtime, made, receiver.url)
        await say(runtime, made, "a", "b")
        async with runtime.database.begin(SYSTEM) as uow:
            (work_id,) = list(await uow.session.scalars(sql("select id from work where kind = 'hook.push'")))
        dying = asyncio.create_task(do_work(runtime, HANDLERS, work_id))
        await reached.wait()
        async with runtime.database.begin(SYSTEM) as uow:  # as if it could not give its lease back
            await uow.session.execute(sql("update work set lease_token = gen_random_uuid() where id = :id"),
                                      {"id": work_id})  # fmt: skip
        dying.cancel()
        await asyncio.gather(dying, return_exceptions=True)
        await drain()
        assert texts(receiver) == ["a"], "the lease is still held"
        runtime.database.shift += timedelta(seconds=runtime.settings.lease_seconds)
        await drain()
    assert texts(receiver) == ["a", "a", "b"]
    assert (await waiting(runtime, made), await work_left(runtime)) == (0, 0)


async def test_two_workers_tell_it_once(runtime: Runtime) -> None:
    made = await make_line(runtime.database)
    async with receiving() as receiver:
        await point_at(runtime, made, receiver.url)
        await say(runtime, made, "a", "b", "c")
        async with runtime.database.begin(SYSTEM) as uow:
            (work_id,) = list(await uow.session.scalars(sql("select id from work where kind = 'hook.push'")))
        done = await asyncio.gather(*(do_work(runtime, HANDLERS, work_id) for _ in range(4)))
    assert sum(done) == 1
    assert texts(receiver) == ["a", "b", "c"]


async def test_a_dead_hook_holds_up_no_other_of_the_same_line(runtime: Runtime, drain: Drain) -> None:
    made = await make_line(runtime.database)
    async with receiving() as dead, receiving() as living:
        dead.answers = [500]
        await point_at(runtime, made, dead.url, living.url)
        await say(runtime, made, "a", "b")
        await drain()
        assert (texts(dead), texts(living)) == (["a"], ["a", "b"])
        dead.answers = [200]
        runtime.database.shift += 3 * SECOND
        await drain()
    assert texts(dead) == ["a", "a", "b"]


async def test_a_hook_that_is_set_again_is_tried_at_once_and_has_lost_nothing(runtime: Runtime, drain: Drain) -> None:
    made = await make_line(runtime.database)
    async with receiving() as receiver:
        receiver.answers = [500, 200]
        await point_at(runtime, made, receiver.url)
        await say(runtime, made, "a", "b")
        await drain()
        await point_at(runtime, made, receiver.url, mode="path")
        await drain()
    assert texts(receiver) == ["a", "a", "b"]
    assert [got.path for got in receiver.got] == ["/hook", "/hook/messages/post", "/hook/messages/post"]


async def test_a_hook_that_is_set_during_a_try_has_no_pause(runtime: Runtime, drain: Drain) -> None:
    made = await make_line(runtime.database)
    async with receiving() as receiver:

        async def answer(_: web.Request) -> web.StreamResponse:
            await point_at(runtime, made, receiver.url)
            return web.Response(status=500)

        receiver.answers = [answer, 200]
        await point_at(runtime, made, receiver.url)
        await say(runtime, made, "a")
        await drain()
    assert texts(receiver) == ["a", "a"]


@pytest.mark.parametrize("status", [200, 500])
async def test_a_hook_that_goes_during_a_try_is_gone(runtime: Runtime, drain: Drain, status: int) -> None:
    made = await make_line(runtime.database)

    async def answer(_: web.Request) -> web.StreamResponse:
        await change(runtime, made, {"webhooks": []})
        return web.Response(status=status)

    async with receiving() as receiver:
        receiver.answers = [answer, 200]
        await point_at(runtime, made, receiver.url)
        await say(runtime, made, "a", "b")
        await drain()
    assert texts(receiver) == ["a"]
    assert await work_left(runtime) == 0


@pytest.mark.parametrize("url", ["http://10.0.0.1/hook", "https://[::1]:8443/", "http://127.0.0.1:1/hook"])
async def test_an_address_that_cannot_be_dialled_only_costs_its_pause(runtime: Runtime, drain: Drain, url: str) -> None:
    """Also one that got in past the check, such as by an older rule."""
    made = await make_line(runtime.database)
    async with runtime.database.begin(made.tenant_id) as uow:
        await hooks.change_settings(uow, made.line, {"webhooks": [{"url": url, "events": OF_MESSAGES}]})
    await say(runtime, made, "a")
    await drain()
    async with runtime.database.begin(SYSTEM) as uow:
        row = (
            await uow.session.execute(sql("select push_failures, push_at is not null as waits from line_hooks"))
        ).one()
    assert (row.push_failures, row.waits, await waiting(runtime, made)) == (1, True, 1)


async def suspend(runtime: Runtime, made: Made, by: str | None) -> None:
    """An instance is suspended, or no longer."""
    async with runtime.database.begin(SYSTEM) as uow:
        (await instances.find(uow, made.instance_id)).suspended_by = by


async def test_nothing_is_told_while_the_instance_is_suspended_and_all_of_it_after(
    runtime: Runtime, drain: Drain
) -> None:
    made = await make_line(runtime.database)
    await suspend(runtime, made, "operator")
    async with receiving() as receiver:
        await point_at(runtime, made, receiver.url)
        await say(runtime, made, "private")
        await drain()
        assert receiver.got == []
        await suspend(runtime, made, None)
        runtime.database.shift += timedelta(seconds=60)
        await drain()
    assert texts(receiver) == ["private"]


async def test_an_instance_that_leaves_is_told_nothing_more(runtime: Runtime, drain: Drain) -> None:
    made = await make_line(runtime.database)
    async with receiving() as receiver:
        await point_at(runtime, made, receiver.url)
        await say(runtime, made, "a")
        async with runtime.database.begin(made.tenant_id) as uow:
            await instances.request_deletion(uow, await instances.find(uow, made.instance_id))
        async with runtime.database.begin(SYSTEM) as uow:
            rings = await work.due(uow, 10)
        await asyncio.gather(*(do_work(runtime, HANDLERS, ring.work_id) for ring in rings))
    assert receiver.got == []


async def test_a_hook_is_tried_with_a_sample_as_it_would_be_called(runtime: Runtime) -> None:
    made = await make_line(runtime.database)
    told: dict[str, Any] = {"type": "statuses", "mode": "method", "headers": {"X-Key": "s"}}
    async with receiving() as receiver:
        async with runtime.database.begin(SYSTEM) as uow:
            now = uow.now
        told["url"] = receiver.url
        reply = await hooks.send_sample(runtime.egress, made.line, told, now)
        receiver.answers = [500]
        failed = await hooks.send_sample(runtime.egress, made.line, told, now)
        for odd in ({"type": "weather"}, {"type": []}, {"mode": "header"}):
            with pytest.raises(SettingRefused):
                await hooks.send_sample(runtime.egress, made.line, told | odd, now)
        with pytest.raises(UrlRefused):
            await hooks.send_sample(runtime.egress, made.line, told | {"url": "http://10.0.0.1/"}, now)
    assert (reply.status, failed.status) == (200, 500)
    got = receiver.got[0]
    assert (got.verb, got.path, got.headers["x-key"]) == ("POST", "/hook/statuses", "s")
    assert got.event["statuses"][0]["status"] == "delivered"
    assert got.event["channel_id"] == f"CH{made.line.number}"


async def test_while_lists_change_and_a_server_fails_each_tellers_order_stays(runtime: Runtime, drain: Drain) -> None:
    """Many things come at once, the list of hooks is set again and again, every third answer is a failure."""
    made = await make_line(runtime.database)
    calls = 0

    async def answer(_: web.Request) -> web.StreamResponse:
        nonlocal calls
        calls += 1
        return web.Response(status=500 if calls % 3 == 0 else 200)

    async def tell(teller: int) -> None:
        for number in range(8):
            await say(runtime, made, f"{teller}:{number}")

    async def set_again() -> None:
        for place in range(8):
            await point_at(runtime, made, *([stays.url, comes.url] if place % 2 else [stays.url]))

    async def push() -> None:
        while not told.done() or await waiting(runtime, made):
            async with runtime.database.begin(SYSTEM) as uow:
                rings = await work.due(uow, 10)
            await asyncio.gather(*(do_work(runtime, HANDLERS, ring.work_id) for ring in rings))
            runtime.database.shift += 3 * SECOND

    async with receiving() as stays, receiving() as comes:
        stays.answers, comes.answers = [answer], [200]
        await point_at(runtime, made, stays.url)
        told = asyncio.gather(*(tell(teller) for teller in range(3)), set_again())
        await asyncio.gather(push(), told)
        await drain()
    seen = list(dict.fromkeys(texts(stays)))
    for teller in range(3):
        mine = [words for words in seen if words.startswith(f"{teller}:")]
        assert mine == [f"{teller}:{number}" for number in range(8)]
    receipts = [int(got.headers["webhook-id"].partition("-")[2]) for got in stays.got]
    assert receipts == sorted(receipts)
    async with runtime.database.begin(SYSTEM) as uow:
        assert await uow.session.scalar(sql("select count(*) from work where last_error is not null")) == 0
