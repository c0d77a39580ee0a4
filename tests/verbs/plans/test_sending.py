"""Limits and times of a plan hold under any concurrency and to the millisecond."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from app.kit import clock
from app.kit.db import SYSTEM
from app.kit.errors import AppError, Gone
from app.plans import service as plans
from app.plans.models import Subscription, UsageChat, UsageCounter
from app.plans.refusals import PaymentRequired, PlanLimitReached, TrialExpired, TrialNotStarted
from app.plans.service import Reservation
from app.runtime import Runtime
from tests.verbs.bare import Bare, make_bare

CHAT = "79990000001@c.us"


async def _send(runtime: Runtime, bare: Bare, chat_id: str = CHAT) -> Reservation:
    async with runtime.database.begin(bare.tenant_id) as uow:
        return await plans.reserve_send(uow, bare.tenant_id, bare.instance_id, chat_id)


async def _tried(runtime: Runtime, bare: Bare, chat_id: str = CHAT) -> AppError | Reservation:
    try:
        return await _send(runtime, bare, chat_id)
    except AppError as error:
        return error


async def _used(runtime: Runtime, bare: Bare) -> dict[str, int]:
    async with runtime.database.begin(bare.tenant_id) as uow:
        return (await plans.usage(uow, bare.tenant_id, bare.instance_id))[1]


async def _set_used(runtime: Runtime, bare: Bare, metric: str, used: int) -> None:
    async with runtime.database.begin(SYSTEM) as uow:
        on = clock.billing_day(uow.now) if metric == "messages" else clock.month_start(uow.now)
        uow.session.add(
            UsageCounter(tenant_id=bare.tenant_id, instance_id=bare.instance_id, metric=metric, period_on=on, used=used)
        )


async def _row(runtime: Runtime, bare: Bare) -> Subscription:
    async with runtime.database.begin(SYSTEM) as uow:
        row: Any = await uow.session.scalar(select(Subscription).where(Subscription.instance_id == bare.instance_id))
        return row  # type: ignore[no-any-return]


async def _shift_to(runtime: Runtime, instant: Any) -> None:
    """Move the clock so that the next transaction begins about then."""
    async with runtime.database.begin(SYSTEM) as uow:
        runtime.database.shift += instant - uow.now


async def test_two_hundred_rivals_with_a_hundred_left_let_a_hundred_through(runtime: Runtime) -> None:
    bare = await make_bare(runtime.database)
    await _set_used(runtime, bare, "messages", 50)
    results = await asyncio.gather(*(_tried(runtime, bare) for _ in range(200)))
    refused = [result for result in results if isinstance(result, AppError)]
    assert len(results) - len(refused) == 100
    assert {type(error) for error in refused} == {PlanLimitReached}
    assert (await _used(runtime, bare))["messages"] == 150


async def test_a_used_up_day_says_why_and_until_when(runtime: Runtime) -> None:
    bare = await make_bare(runtime.database)
    await _set_used(runtime, bare, "messages", 150)
    error = await _tried(runtime, bare)
    assert isinstance(error, PlanLimitReached)
    async with runtime.database.begin(SYSTEM) as uow:
        midnight = clock.to_wire(clock.next_day_start(uow.now))
    assert error.status == 402
    assert error.extra == {
        "reason": "quota_exceeded",
        "until": midnight,
        "metric": "messages",
        "limit": 150,
        "used": 150,
        "resets_at": midnight,
    }
    async with runtime.database.begin(bare.tenant_id) as uow:
        access = (await plans.access(uow, bare.tenant_id, [bare.instance_id]))[bare.instance_id]
    assert (access.allowed, access.reason, clock.to_wire(access.until)) == (False, "quota_exceeded", midnight)  # type: ignore[arg-type]
    runtime.database.shift += timedelta(days=1)
    assert isinstance(await _tried(runtime, bare), Reservation)


async def test_the_sixth_chat_is_refused_and_the_five_go_on(runtime: Runtime) -> None:
    bare = await make_bare(runtime.database)
    chats = [f"7999000{number:04}@c.us" for number in range(20)]
    results = await asyncio.gather(*(_tried(runtime, bare, chat) for chat in chats))
    allowed = [result.chat_id for result in results if isinstance(result, Reservation)]
    refused = [result for result in results if isinstance(result, PlanLimitReached)]
    assert (len(allowed), len(refused)) == (5, 15)
    assert refused[0].extra["metric"] == "chats"
    assert refused[0].extra["limit"] == 5
    for chat in allowed:
        assert isinstance(await _tried(runtime, bare, chat), Reservation)
    assert await _used(runtime, bare) == {"messages": 10, "chats": 5}


async def test_rivals_for_one_new_chat_count_it_once(runtime: Runtime) -> None:
    bare = await make_bare(runtime.database)
    await asyncio.gather(*(_send(runtime, bare) for _ in range(20)))
    assert await _used(runtime, bare) == {"messages": 20, "chats": 1}


async def test_what_was_not_sent_is_given_back_whole(runtime: Runtime) -> None:
    bare = await make_bare(runtime.database)
    first = await _send(runtime, bare)
    second = await _send(runtime, bare)
    async with runtime.database.begin(bare.tenant_id) as uow:
        await plans.give_back(uow, bare.tenant_id, bare.instance_id, first)
    assert await _used(runtime, bare) == {"messages": 1, "chats": 1}, "the other message still went to the chat"
    async with runtime.database.begin(bare.tenant_id) as uow:
        await plans.give_back(uow, bare.tenant_id, bare.instance_id, second)
    assert await _used(runtime, bare) == {"messages": 0, "chats": 0}
    async with runtime.database.begin(bare.tenant_id) as uow:
        assert await uow.session.scalar(select(UsageChat)) is None
        await plans.give_back(uow, bare.tenant_id, bare.instance_id, second)
    assert await _used(runtime, bare) == {"messages": 0, "chats": 0}, "never below nothing"


async def test_a_message_given_back_after_midnight_goes_to_its_own_day(runtime: Runtime) -> None:
    bare = await make_bare(runtime.database)
    made = await _send(runtime, bare)
    runtime.database.shift += timedelta(days=1)
    await _send(runtime, bare)
    async with runtime.database.begin(bare.tenant_id) as uow:
        await plans.give_back(uow, bare.tenant_id, bare.instance_id, made)
    assert (await _used(runtime, bare))["messages"] == 1


async def test_sending_and_giving_back_at_once_leaves_nothing_over(runtime: Runtime) -> None:
    bare = await make_bare(runtime.database)

    async def both(number: int) -> None:
        made = await _tried(runtime, bare, f"7999000{number % 9:04}@c.us")
        if isinstance(made, Reservation):
            async with runtime.database.begin(bare.tenant_id) as uow:
                await plans.give_back(uow, bare.tenant_id, bare.instance_id, made)

    await asyncio.gather(*(both(number) for number in range(60)))
    used = await _used(runtime, bare)
    assert (used["messages"], used["chats"]) == (0, 0)


async def test_a_trial_sends_to_its_last_moment_and_not_after(runtime: Runtime) -> None:
    bare = await make_bare(runtime.database)
    row = await _row(runtime, bare)
    assert row.trial_ends_at is not None
    await _shift_to(runtime, row.trial_ends_at - timedelta(seconds=20))
    await _send(runtime, bare)
    await _shift_to(runtime, row.trial_ends_at + timedelta(milliseconds=1))
    with pytest.raises(TrialExpired) as refused:
        await _send(runtime, bare)
    assert refused.value.extra == {"reason": "trial_expired", "until": clock.to_wire(row.trial_ends_at)}
    assert (await _used(runtime, bare))["messages"] == 1, "the refused one is not counted"


async def test_a_send_that_waited_past_the_end_is_refused(runtime: Runtime) -> None:
    """The gate is judged after the wait for the counter, not when the transaction began."""
    bare = await make_bare(runtime.database)
    await _send(runtime, bare)
    async with runtime.database.begin(SYSTEM) as uow:
        row: Any = await uow.session.scalar(select(Subscription))
        row.trial_ends_at = uow.now + timedelta(milliseconds=700)
    async with runtime.database.begin(SYSTEM) as holder:
        await holder.session.execute(text("select * from usage_counters for update"))
        waiting = asyncio.create_task(_tried(runtime, bare))
        await holder.session.execute(text("select pg_sleep(1)"))
    assert isinstance(await waiting, TrialExpired)
    assert (await _used(runtime, bare))["messages"] == 1


async def test_paid_time_ends_at_the_instant_and_reads_say_the_same(runtime: Runtime) -> None:
    bare = await make_bare(runtime.database)
    async with runtime.database.begin(SYSTEM) as uow:
        live = await plans.go_live(uow, bare.tenant_id, bare.instance_id, days=1, source="s", note=None)
    assert live.paid_through_at is not None
    await _shift_to(runtime, live.paid_through_at - timedelta(seconds=20))
    await _send(runtime, bare)
    await _shift_to(runtime, live.paid_through_at)
    with pytest.raises(PaymentRequired) as refused:
        await _send(runtime, bare)
    async with runtime.database.begin(bare.tenant_id) as uow:
        access = (await plans.access(uow, bare.tenant_id, [bare.instance_id]))[bare.instance_id]
    assert (access.allowed, access.reason, access.until) == (False, "payment_due", live.paid_through_at)
    assert refused.value.extra["reason"] == access.reason


async def test_live_has_no_limits_but_is_counted(runtime: Runtime) -> None:
    bare = await make_bare(runtime.database)
    async with runtime.database.begin(SYSTEM) as uow:
        await plans.go_live(uow, bare.tenant_id, bare.instance_id, days=1, source="s", note=None)
    await _set_used(runtime, bare, "messages", 150)
    for number in range(7):
        await _send(runtime, bare, f"7999000{number:04}@c.us")
    assert await _used(runtime, bare) == {"messages": 157, "chats": 7}


async def test_no_sending_before_the_instance_is_ready_and_after_it_is_closed(runtime: Runtime) -> None:
    bare = await make_bare(runtime.database, ready=False)
    assert isinstance(await _tried(runtime, bare), TrialNotStarted)
    async with runtime.database.begin(SYSTEM) as uow:
        await plans.start_clock(uow, bare.tenant_id, bare.instance_id)
    await _send(runtime, bare)
    async with runtime.database.begin(SYSTEM) as uow:
        await plans.close(uow, bare.tenant_id, bare.instance_id, source="op")
    assert isinstance(await _tried(runtime, bare), Gone)


async def test_the_thousandth_call_is_the_last_of_the_month(runtime: Runtime) -> None:
    bare = await make_bare(runtime.database)
    await _set_used(runtime, bare, "calls", 990)

    async def call() -> bool:
        try:
            async with runtime.database.begin(bare.tenant_id) as uow:
                await plans.reserve_call(uow, bare.tenant_id, bare.instance_id)
        except PlanLimitReached:
            return False
        return True

    assert sum(await asyncio.gather(*(call() for _ in range(30)))) == 10


async def test_another_tenants_instance_has_no_terms(runtime: Runtime) -> None:
    bare, other = await make_bare(runtime.database), await make_bare(runtime.database)
    async with runtime.database.begin(other.tenant_id) as uow:
        assert await plans.access(uow, other.tenant_id, [bare.instance_id]) == {}
        assert await plans.access(uow, bare.tenant_id, [bare.instance_id]) == {}, "the row policy holds"
        with pytest.raises(PaymentRequired):
            await plans.reserve_send(uow, other.tenant_id, bare.instance_id, CHAT)
