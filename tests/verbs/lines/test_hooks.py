"""Settings of a channel: what is set is told back, sealed where it is secret, and what waits stays where it belongs."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text as sql

from app.admin import retention
from app.kit.db import SYSTEM
from app.kit.egress import UrlRefused
from app.kit.errors import Gone
from app.lines import erasure
from app.lines.hooks import service as hooks
from app.lines.hooks.rules import SettingRefused
from app.providers.events import Unmapped
from app.runtime import Runtime
from tests.verbs.lines.hooks import OF_MESSAGES, change, happen, point_at, say, settings, waiting
from tests.verbs.lines.lines import Made, make_line

FIRST, SECOND = "https://first.example/hook", "https://second.example/hook"
NEW: dict[str, Any] = {
    "callback_backoff_delay_ms": 3000,
    "max_callback_backoff_delay_ms": 900_000,
    "callback_persist": True,
    "media": {"auto_download": [], "init_avatars": False},
    "webhooks": [],
    "proxy": "",
    "offline_mode": False,
    "full_history": False,
}


async def rows(runtime: Runtime, statement: str) -> list[Any]:
    """Rows of the database, whoever they belong to."""
    async with runtime.database.begin(SYSTEM) as uow:
        return list((await uow.session.execute(sql(statement))).all())


async def test_a_new_channel_has_settings_and_no_webhooks(runtime: Runtime) -> None:
    made = await make_line(runtime.database)
    assert await settings(runtime, made) == NEW


async def test_what_is_set_is_told_back_with_what_it_was_before(runtime: Runtime) -> None:
    made = await make_line(runtime.database)
    hook = {
        "url": FIRST,
        "mode": "path",
        "headers": {"Authorization": "Bearer canary"},
        "events": OF_MESSAGES,
        "webhook_max_age_seconds": 60,
    }
    told = await change(runtime, made, {"webhooks": [hook], "callback_backoff_delay_ms": 5000, "proxy": "socks5://x"})
    after = {**NEW, "webhooks": [hook], "callback_backoff_delay_ms": 5000}
    assert told == {
        "before_update": NEW,
        "after_update": after,
        "changes": ["callback_backoff_delay_ms", "webhooks"],
    }
    assert await settings(runtime, made) == after


async def test_the_list_is_replaced_as_a_whole_and_left_alone_when_it_is_not_named(runtime: Runtime) -> None:
    made = await make_line(runtime.database)
    await change(runtime, made, {"webhooks": [{"url": FIRST}, {"url": SECOND}]})
    await change(runtime, made, {"callback_persist": False})
    assert [hook["url"] for hook in (await settings(runtime, made))["webhooks"]] == [FIRST, SECOND]
    await change(runtime, made, {"webhooks": [{"url": SECOND}, {"url": FIRST}, {"url": FIRST}]})
    assert [hook["url"] for hook in (await settings(runtime, made))["webhooks"]] == [SECOND, FIRST, FIRST]
    await change(runtime, made, {"webhooks": []})
    assert await settings(runtime, made) == {**NEW, "callback_persist": False}


async def test_headers_are_sealed_at_rest_and_for_this_hook_alone(runtime: Runtime) -> None:
    made = await make_line(runtime.database)
    hook = {"url": FIRST, "headers": {"X-Key": "canary"}}
    await change(runtime, made, {"webhooks": [hook, {**hook, "url": SECOND}]})
    kept = await rows(runtime, "select headers_sealed, row_to_json(line_hooks)::text from line_hooks")
    assert not any(b"canary" in sealed or "canary" in row for sealed, row in kept)
    assert kept[0].headers_sealed != kept[1].headers_sealed
    async with runtime.database.begin(SYSTEM) as uow:
        await uow.session.execute(
            sql("update line_hooks a set headers_sealed = b.headers_sealed from line_hooks b where a.id <> b.id")
        )
    with pytest.raises(ValueError, match="could not be opened"):
        await settings(runtime, made)


@pytest.mark.parametrize(
    "url", ["http://10.0.0.1/hook", "https://[::1]:8443/", "http://shop.example/", "https://u:p@shop.example/"]
)
async def test_an_address_that_nothing_may_be_sent_to_is_refused_and_nothing_changes(
    runtime: Runtime, url: str
) -> None:
    made = await make_line(runtime.database)
    with pytest.raises(UrlRefused) as refusal:
        await change(runtime, made, {"webhooks": [{"url": FIRST}, {"url": url}], "callback_persist": False})
    assert [error.pointer for error in refusal.value.errors] == ["#/webhooks/1/url"]
    assert await settings(runtime, made) == NEW


async def test_what_does_not_fit_changes_nothing(runtime: Runtime) -> None:
    made = await make_line(runtime.database)
    await change(runtime, made, {"webhooks": [{"url": FIRST}]})
    with pytest.raises(SettingRefused):
        await change(runtime, made, {"webhooks": [], "callback_persist": "no"})
    assert [hook["url"] for hook in (await settings(runtime, made))["webhooks"]] == [FIRST]


async def test_a_reset_leaves_a_new_channel_and_tells_whether_it_was_one(runtime: Runtime) -> None:
    made = await make_line(runtime.database)

    async def reset() -> bool:
        async with runtime.database.begin(made.tenant_id) as uow:
            return await hooks.reset_settings(uow, made.line)

    assert not await reset()
    await change(runtime, made, {"callback_persist": True})
    assert not await reset(), "it was set to what it was"
    await point_at(runtime, made, FIRST)
    await say(runtime, made, "a")
    assert await reset()
    assert await settings(runtime, made) == NEW
    assert await rows(runtime, "select 1 from hook_notices") == []
    await say(runtime, made, "b")
    assert await waiting(runtime, made) == 0


async def test_each_hook_keeps_its_own_and_one_that_goes_takes_its_own_along(runtime: Runtime) -> None:
    made = await make_line(runtime.database)
    await point_at(runtime, made, FIRST, SECOND)
    await say(runtime, made, "a", "b")
    assert await waiting(runtime, made) == 4
    await point_at(runtime, made, SECOND)
    assert await waiting(runtime, made) == 2, "one that stays keeps what waits for it"
    await say(runtime, made, "c")
    assert await waiting(runtime, made) == 3


async def test_changes_at_the_same_time_leave_one_of_the_lists(runtime: Runtime) -> None:
    made = await make_line(runtime.database)
    lists = [[f"https://shop.example/{number}/{place}" for place in range(3)] for number in range(6)]
    await asyncio.gather(*(point_at(runtime, made, *urls) for urls in lists), say(runtime, made, "a", "b"))
    assert [hook["url"] for hook in (await settings(runtime, made))["webhooks"]] in lists


async def test_a_tenant_sees_no_hook_of_another(runtime: Runtime) -> None:
    ada, bo = await make_line(runtime.database), await make_line(runtime.database)
    await point_at(runtime, ada, FIRST)
    await say(runtime, ada, "a")
    foreign = Made(bo.tenant_id, ada.instance_id, ada.line, ada.token)
    async with runtime.database.begin(bo.tenant_id) as uow:
        with pytest.raises(Gone):
            await hooks.settings_of(uow, ada.line)
        with pytest.raises(Gone):
            await hooks.change_settings(uow, ada.line, {"webhooks": []})
        with pytest.raises(Gone):
            await hooks.reset_settings(uow, ada.line)
    assert await waiting(runtime, foreign) == 0
    assert await waiting(runtime, ada) == 1


async def test_only_what_a_hook_asks_for_is_kept(runtime: Runtime) -> None:
    made = await make_line(runtime.database)
    await change(runtime, made, {"webhooks": [{"url": FIRST, "events": [{"type": "groups"}]}]})
    await say(runtime, made, "a")
    await happen(runtime.database, made, Unmapped("incomingBlock"), words="other")
    assert await waiting(runtime, made) == 0
    told = {"groups_participants": [{"group_id": "1@g.us"}], "event": {"type": "groups", "event": "put"}}
    await happen(runtime.database, made, Unmapped("groups.put"), parsed=told, words="green_api")
    assert await waiting(runtime, made) == 0, "nothing is passed on from a gateway of other words"
    await happen(runtime.database, made, Unmapped("groups.put"), parsed=told, words="whapi")
    assert await waiting(runtime, made) == 1


async def test_an_instance_that_is_erased_leaves_nothing_and_others_keep_theirs(runtime: Runtime) -> None:
    ada, bo = await make_line(runtime.database), await make_line(runtime.database)
    for made in (ada, bo):
        await point_at(runtime, made, FIRST)
        await say(runtime, made, "canary")
    async with runtime.database.begin(SYSTEM) as uow:
        erased = [await erasure.erase(uow, ada.tenant_id, ada.instance_id) for _ in range(5)]
    assert 0 in erased
    assert erased.index(0) == len([count for count in erased if count])
    left = "select tenant_id from lines union all select tenant_id from line_hooks union all select tenant_id from"
    assert [row.tenant_id for row in await rows(runtime, f"{left} hook_notices")] == [bo.tenant_id] * 3


async def test_what_nobody_takes_is_forgotten_after_two_days(runtime: Runtime) -> None:
    made = await make_line(runtime.database)
    await point_at(runtime, made, FIRST)
    await say(runtime, made, "a")
    runtime.database.shift += timedelta(hours=47)
    await say(runtime, made, "b")
    async with runtime.database.begin(SYSTEM) as uow:
        await retention.clean(uow, 100)
    assert await waiting(runtime, made) == 2
    runtime.database.shift += timedelta(hours=2)
    async with runtime.database.begin(SYSTEM) as uow:
        assert await retention.clean(uow, 1), "a portion was full"
    assert await waiting(runtime, made) == 1
