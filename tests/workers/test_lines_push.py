"""Push: the oldest first, the same again until a 200, those behind it wait."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from sqlalchemy import text

from app.accounts.models import Tenant
from app.instances import service as instances
from app.kit import work
from app.kit.db import SYSTEM
from app.lines import service as lines
from app.lines.pushing import MOST_A_CLAIM
from app.lines.service import PAUSE_SECONDS
from app.plans.models import Subscription
from app.runtime import Runtime
from tests.conftest import Drain
from tests.receiver import Receiver, receiving
from tests.verbs.lines.lines import Made, first, incoming, keep, make_line, waiting
from workers.main import HANDLERS
from workers.task import do_work

PAUSE = timedelta(seconds=PAUSE_SECONDS)


def texts(receiver: Receiver) -> list[str]:
    """What the messages said that came."""
    return [json.loads(got.body)["messageData"]["textMessageData"]["textMessage"] for got in receiver.got]


async def change(runtime: Runtime, made: Made, **changes: Any) -> None:
    """Set settings of a line."""
    async with runtime.database.begin(made.tenant_id) as uow:
        await lines.change(uow, made.line, changes, check_url=runtime.egress.check_url)


async def say(runtime: Runtime, made: Made, *words: str) -> None:
    """Keep messages."""
    await keep(runtime.database, made, *(incoming(word) for word in words))


async def test_the_kept_body_is_told_as_it_is_with_the_tenants_token(runtime: Runtime, drain: Drain) -> None:
    made = await make_line(runtime.database)
    await say(runtime, made, "Grüße")
    kept = await first(runtime.database, made)
    assert kept is not None
    async with receiving() as receiver:
        await change(runtime, made, webhookUrl=receiver.url, webhookUrlToken="secret")
        await drain()
    (got,) = receiver.got
    assert got.body == kept.body.encode()
    assert got.headers["authorization"] == "Bearer secret"
    assert got.headers["content-type"] == "application/json"
    assert got.headers["webhook-id"] == f"{made.line.number}-{kept.receipt}"
    assert int(got.headers["webhook-timestamp"])
    assert await waiting(runtime.database, made) == 0


@pytest.mark.parametrize(("token", "header"), [("Basic YTpi", "Basic YTpi"), ("Basically", "Bearer Basically"),
                                               ("", None)])  # fmt: skip
async def test_the_token_stands_in_the_header_as_upstream_writes_it(
    runtime: Runtime, drain: Drain, token: str, header: str | None
) -> None:
    made = await make_line(runtime.database)
    async with receiving() as receiver:
        await change(runtime, made, webhookUrl=receiver.url, webhookUrlToken=token)
        await say(runtime, made, "a")
        await drain()
    assert [got.headers.get("authorization") for got in receiver.got] == [header]


async def test_without_an_address_nothing_is_pushed(runtime: Runtime, drain: Drain) -> None:
    made = await make_line(runtime.database)
    async with receiving() as receiver:
        await change(runtime, made, webhookUrl=receiver.url)
        await change(runtime, made, webhookUrl="")
        await say(runtime, made, "a")
        await drain()
    assert receiver.got == []
    assert await waiting(runtime.database, made) == 1


async def test_many_are_told_in_order_one_at_a_time(runtime: Runtime, drain: Drain) -> None:
    made = await make_line(runtime.database)
    words = [f"number {number}" for number in range(MOST_A_CLAIM + 10)]
    await say(runtime, made, *words)
    async with receiving() as receiver:
        await change(runtime, made, webhookUrl=receiver.url)
        await drain()
    assert texts(receiver) == words
    assert receiver.most == 1


@pytest.mark.parametrize("status", [201, 204, 301, 400, 429, 500])
async def test_anything_but_200_is_followed_by_a_pause_and_the_same_again(
    runtime: Runtime, drain: Drain, status: int
) -> None:
    made = await make_line(runtime.database)
    async with receiving() as receiver:
        receiver.answers = [status, status, 200]
        await change(runtime, made, webhookUrl=receiver.url)
        await say(runtime, made, "first", "second")
        await drain()
        assert texts(receiver) == ["first"]
        await say(runtime, made, "third")
        await drain()
        assert texts(receiver) == ["first"], "what comes meanwhile does not end the pause"
        runtime.database.shift += PAUSE
        await drain()
        assert texts(receiver) == ["first"] * 2
        runtime.database.shift += PAUSE
        await drain()
        assert texts(receiver) == ["first", "first", "first", "second", "third"]
    ids = [got.headers["webhook-id"] for got in receiver.got]
    assert len(set(ids[:3])) == 1


async def test_one_that_nobody_takes_for_a_day_is_given_up(runtime: Runtime, drain: Drain) -> None:
    made = await make_line(runtime.database)
    async with receiving() as receiver:
        receiver.answers = [500, 200]
        await change(runtime, made, webhookUrl=receiver.url)
        await say(runtime, made, "old")
        await drain()
        runtime.database.shift += timedelta(hours=24)
        await say(runtime, made, "new")
        await drain()
    assert texts(receiver) == ["old", "new"]


async def test_a_new_address_is_tried_at_once(runtime: Runtime, drain: Drain) -> None:
    made = await make_line(runtime.database)
    async with receiving() as broken, receiving() as mended:
        broken.answers = [500]
        await change(runtime, made, webhookUrl=broken.url)
        await say(runtime, made, "a", "b")
        await drain()
        await change(runtime, made, webhookUrl=mended.url)
        await drain()
    assert texts(broken) == ["a"]
    assert texts(mended) == ["a", "b"]


def then(act: Callable[[], Awaitable[None]], status: int) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """An answer that comes after something else has happened."""

    async def answer(_: web.Request) -> web.StreamResponse:
        await act()
        return web.Response(status=status)

    return answer


async def test_an_address_that_changes_during_a_try_has_no_pause(runtime: Runtime, drain: Drain) -> None:
    made = await make_line(runtime.database)
    async with receiving() as broken, receiving() as mended:
        broken.answers = [then(lambda: change(runtime, made, webhookUrl=mended.url), 500)]
        await change(runtime, made, webhookUrl=broken.url)
        await say(runtime, made, "a")
        await drain()
    assert texts(broken) == texts(mended) == ["a"]


async def test_pull_takes_over_during_a_try(runtime: Runtime, drain: Drain) -> None:
    made = await make_line(runtime.database)
    async with receiving() as receiver:
        receiver.answers = [then(lambda: change(runtime, made, webhookUrl=""), 500)]
        await change(runtime, made, webhookUrl=receiver.url)
        await say(runtime, made, "a")
        await drain()
    assert texts(receiver) == ["a"]
    assert await waiting(runtime.database, made) == 1


async def test_a_crash_after_the_answer_tells_it_once_more_and_loses_none(runtime: Runtime, drain: Drain) -> None:
    """Another worker has taken the lease by the time the answer is recorded: nothing of it is."""
    made = await make_line(runtime.database)

    async def steal() -> None:
        async with runtime.database.begin(SYSTEM) as uow:
            await uow.session.execute(
                text("update work set lease_token = gen_random_uuid(), lease_until = :past where kind = 'line.push'"),
                {"past": uow.now - timedelta(seconds=1)},
            )

    async with receiving() as receiver:
        receiver.answers = [then(steal, 200), 200]
        await change(runtime, made, webhookUrl=receiver.url)
        await say(runtime, made, "a", "b")
        await drain()
    assert texts(receiver) == ["a", "a", "b"]
    assert await waiting(runtime.database, made) == 0


async def test_two_workers_tell_it_once(runtime: Runtime) -> None:
    made = await make_line(runtime.database)
    async with receiving() as receiver:
        await change(runtime, made, webhookUrl=receiver.url)
        await say(runtime, made, "a", "b", "c")
        async with runtime.database.begin(SYSTEM) as uow:
            found = await uow.session.scalars(text("select id from work where kind = 'line.push'"))
            (work_id,) = found.all()  # a line is one piece of work
        done = await asyncio.gather(*(do_work(runtime, HANDLERS, work_id) for _ in range(4)))
        assert sum(done) == 1
    assert texts(receiver) == ["a", "b", "c"]


async def test_what_is_kept_during_a_try_is_told_after_it(runtime: Runtime, drain: Drain) -> None:
    made = await make_line(runtime.database)
    async with receiving() as receiver:
        receiver.answers = [then(lambda: say(runtime, made, "b"), 200), then(lambda: say(runtime, made, "c"), 200), 200]
        await change(runtime, made, webhookUrl=receiver.url)
        await say(runtime, made, "a")
        await drain()
    assert texts(receiver) == ["a", "b", "c"]
    async with runtime.database.begin(SYSTEM) as uow:
        assert await uow.session.scalar(text("select count(*) from work where kind = 'line.push'")) == 0


async def test_a_server_that_does_not_answer_in_time_is_tried_again(runtime: Runtime, drain: Drain) -> None:
    made = await make_line(runtime.database)
    late = asyncio.Event()
    async with receiving() as receiver:

        async def never(_: web.Request) -> web.StreamResponse:
            await late.wait()
            return web.Response()

        receiver.answers = [never, 200]
        await change(runtime, made, webhookUrl=receiver.url)
        await say(runtime, made, "a")
        await drain()
        assert await waiting(runtime.database, made) == 1
        runtime.database.shift += PAUSE
        await drain()
        late.set()
    assert texts(receiver) == ["a", "a"]
    assert await waiting(runtime.database, made) == 0


@pytest.mark.parametrize("url", ["http://10.0.0.1/hook", "https://[::1]:8443/", "http://127.0.0.1:1/hook"])
async def test_an_address_that_cannot_be_dialled_only_costs_its_pause(runtime: Runtime, drain: Drain, url: str) -> None:
    """Also one that got in past the check, such as by an older rule."""
    made = await make_line(runtime.database)
    async with runtime.database.begin(made.tenant_id) as uow:
        await lines.change(uow, made.line, {"webhookUrl": url})
    await say(runtime, made, "a")
    await drain()
    async with runtime.database.begin(SYSTEM) as uow:
        line = await lines.of(uow, made.tenant_id, made.instance_id)
        assert line is not None
        assert (line.push_failures, line.push_at is not None) == (1, True)
    assert await waiting(runtime.database, made) == 1


async def test_an_instance_that_leaves_is_pushed_nothing_more(runtime: Runtime, drain: Drain) -> None:
    made = await make_line(runtime.database)
    async with receiving() as receiver:
        receiver.answers = [500, 200]
        await change(runtime, made, webhookUrl=receiver.url)
        await say(runtime, made, "a")
        await drain()
        async with runtime.database.begin(made.tenant_id) as uow:
            await instances.request_deletion(uow, await instances.find(uow, made.instance_id))
        runtime.database.shift += PAUSE
        async with runtime.database.begin(SYSTEM) as uow:
            rings = await work.due(uow, 10)
        await asyncio.gather(*(do_work(runtime, HANDLERS, ring.work_id) for ring in rings))
    assert texts(receiver) == ["a"]


async def test_one_dead_receiver_does_not_hold_up_another(runtime: Runtime, drain: Drain) -> None:
    dead, living = await make_line(runtime.database), await make_line(runtime.database)
    async with receiving() as silent, receiving() as receiver:
        silent.answers = [500]
        await change(runtime, dead, webhookUrl=silent.url)
        await change(runtime, living, webhookUrl=receiver.url)
        await asyncio.gather(say(runtime, dead, "a", "b"), say(runtime, living, "a", "b"))
        await drain()
    assert texts(silent) == ["a"]
    assert texts(receiver) == ["a", "b"]


async def test_a_clock_that_goes_back_prolongs_no_pause(runtime: Runtime, drain: Drain) -> None:
    made = await make_line(runtime.database)
    async with receiving() as receiver:
        receiver.answers = [500, 200]
        runtime.database.shift += timedelta(hours=5)
        await change(runtime, made, webhookUrl=receiver.url)
        await say(runtime, made, "a")
        await drain()
        runtime.database.shift -= timedelta(hours=5)
        await change(runtime, made, incomingWebhook="yes")
        await say(runtime, made, "b")
        async with runtime.database.begin(SYSTEM) as uow:
            await uow.session.execute(text("update work set run_at = :now where kind = 'line.push'"), {"now": uow.now})
        await drain()
    assert texts(receiver) == ["a", "a", "b"]


@pytest.mark.parametrize("why", ["instance", "organization", "payment"])
async def test_nothing_is_told_while_it_may_not_be_fetched_either(runtime: Runtime, drain: Drain, why: str) -> None:
    made = await make_line(runtime.database)

    async def suspend(*, is_on: bool) -> None:
        async with runtime.database.begin(SYSTEM) as uow:
            instance = await instances.find(uow, made.instance_id)
            terms = await uow.session.get_one(Subscription, (made.tenant_id, made.instance_id))
            if why == "instance":
                instance.suspended_by = "operator" if is_on else None
            elif why == "organization":
                (await uow.session.get_one(Tenant, made.tenant_id)).status = "suspended" if is_on else "active"
            else:
                terms.billing_mode, terms.plan = "live", "live"
                terms.paid_through_at = uow.now if is_on else uow.now + timedelta(days=1)

    await suspend(is_on=True)
    async with receiving() as receiver:
        await change(runtime, made, webhookUrl=receiver.url)
        await say(runtime, made, "private")
        await drain()
        assert receiver.got == []
        await suspend(is_on=False)
        await drain()
        assert receiver.got == [], "it is looked at again after a pause"
        runtime.database.shift += PAUSE
        await drain()
    assert texts(receiver) == ["private"]
