"""The ledger of days: what is bought, moved, consumed and given back, and what a low balance tells."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator.whapi.conftest import DAY, OTHER, TOKEN, Channel, Receiver, Whapi, started


async def _sums(whapi: Whapi) -> dict[str, float]:
    """The balances, checked against the movements and against what the channels say they have."""
    books = await whapi.books()
    found: dict[str, float] = books["balances"][TOKEN]
    assert sum(found.values()) == pytest.approx(0)
    rows = (await whapi.sim(f"whapi/channels?partner={TOKEN}"))["channels"]
    # Seconds may pass between the two looks.
    assert found["channels"] == pytest.approx(sum(row["days_left"] for row in rows), abs=0.001)
    return found


async def _till(channel: Channel) -> int:
    return int((await channel.manage("GET")).ok()["activeTill"])


async def test_an_extension_moves_days_from_the_pool_to_the_end_of_the_channel(whapi: Whapi) -> None:
    channel = await whapi.create()
    before = await _till(channel)
    assert (await channel.extend(30, "order 7")).ok() == {"success": True}
    assert await _till(channel) - before == 30 * DAY * 1000
    assert (await whapi.manager("GET", "/partners")).ok()["pwr"] == 70
    line = (await whapi.books())["movements"][-2:]
    assert ("extension", "order 7", 30) in [(row["reason"], row["comment"], row["days"]) for row in line]
    await _sums(whapi)


async def test_twice_is_twice(whapi: Whapi) -> None:
    channel = await whapi.create()
    before = await _till(channel)
    await channel.extend(1, "same key")
    await channel.extend(1, "same key")
    assert await _till(channel) - before == 2 * DAY * 1000


async def test_an_extension_that_the_pool_does_not_cover_moves_nothing(whapi: Whapi) -> None:
    channel = await whapi.create()
    before = await _till(channel)
    refused = await channel.extend(101)
    assert refused.status == 400
    assert refused.error["code"] == 400
    assert await _till(channel) == before
    assert await whapi.pool() == 100
    await whapi.knobs(extend_short_status=503)
    assert (await channel.extend(101)).status == 503
    assert (await channel.extend(100)).status == 200
    assert await whapi.pool() == 0


@pytest.mark.parametrize(
    "body",
    [
        {"days": 0, "comment": "x"},
        {"days": -1, "comment": "x"},
        {"days": 1.5, "comment": "x"},
        {"days": "3", "comment": "x"},
        {"days": True, "comment": "x"},
        {"days": 3},
        {"days": 3, "comment": ""},
    ],
)
async def test_days_are_a_positive_whole_number_and_come_with_a_comment(whapi: Whapi, body: dict[str, Any]) -> None:
    channel = await whapi.create()
    assert (await channel.manage("POST", "/extend", body)).status == 400
    assert await whapi.pool() == 100


async def test_half_days_pass_when_the_knob_lets_them(whapi: Whapi) -> None:
    channel = await whapi.create()
    await whapi.knobs(whole_days=False)
    assert (await channel.extend(1.5)).status == 200
    assert (await whapi.manager("GET", "/partners")).ok()["pwr"] == 98.5


async def test_a_channel_stops_itself_when_its_days_are_over_and_comes_back_with_new_ones(whapi: Whapi) -> None:
    channel = await whapi.linked()
    await channel.extend(1)
    await whapi.advance(7 * DAY + 60)
    assert await channel.state() == "STOP"
    row = (await channel.manage("GET")).ok()
    assert row["stopped"]
    assert (await channel.gate("GET", "users/profile")).status == 401
    assert (await channel.manage("POST", "/start")).status == 400
    await whapi.advance(10 * DAY)
    now = await whapi.sim("clock")
    await channel.extend(2)
    left = (await channel.truth())["days_left"]
    assert left == pytest.approx(2, abs=0.001), now
    await whapi.advance(8)
    assert await channel.state() == "AUTH"
    await whapi.advance(2 * DAY)
    assert await channel.state() == "STOP"
    sums = await _sums(whapi)
    assert sums["consumed"] == pytest.approx(9)
    assert sums["pool"] == 97


async def test_deletion_gives_whole_paid_days_back_and_no_gift(whapi: Whapi) -> None:
    channel = await whapi.create()
    await channel.extend(30)
    await whapi.advance(1 * DAY)
    await channel.manage("DELETE")
    assert await whapi.pool() == 100
    later = await whapi.create()
    await later.extend(30)
    await whapi.advance(10.5 * DAY)
    await later.manage("DELETE")
    sums = await _sums(whapi)
    assert sums["pool"] == 70 + 25
    assert sums["forfeited"] == pytest.approx(5 + 0.5, abs=0.001)
    assert sums["consumed"] == pytest.approx(11.5, abs=0.001)
    assert sums["channels"] == 0


@pytest.mark.parametrize(
    ("knobs", "pool"),
    [
        ({"refund_rounding": "floor"}, 95),
        ({"refund_rounding": "nearest"}, 96),
        ({"refund_rounding": "none"}, 70),
        ({"refund_rounding": "exact"}, 95.6),
    ],
)
async def test_what_becomes_of_a_part_used_day_is_a_knob(knobs: dict[str, Any], pool: float) -> None:
    async with started(**knobs) as whapi:
        channel = await whapi.create()
        await channel.extend(30)
        await whapi.advance(10.4 * DAY)
        await channel.manage("DELETE")
        assert await whapi.pool() == pytest.approx(pool, abs=0.001)
        await _sums(whapi)


async def test_gifts_and_days_of_blocked_channels_come_back_or_not_by_knobs() -> None:
    async with started(trial_refunded=True, blocked_refunded=False) as whapi:
        one, two = await whapi.create("one"), await whapi.create("two")
        await whapi.advance(1)
        await one.manage("DELETE")
        assert await whapi.pool() == 105
        await two.extend(10)
        await two.act("block")
        await two.manage("DELETE")
        assert await whapi.pool() == 95
        await _sums(whapi)


async def test_stop_with_save_days_takes_them_to_the_pool(whapi: Whapi) -> None:
    channel = await whapi.linked()
    await channel.extend(30)
    await channel.manage("POST", "/stop", {"saveDays": True})
    assert await whapi.pool() == 100
    assert (await channel.truth())["days_left"] == 0
    assert (await channel.manage("POST", "/start")).status == 400
    await channel.extend(3)
    assert await channel.state() == "STOP"
    assert (await channel.manage("POST", "/start")).status == 200
    await whapi.advance(8)
    assert await channel.state() == "AUTH"
    await _sums(whapi)


async def test_saved_days_stay_on_the_channel_when_the_knob_says_so() -> None:
    async with started(saved_days_go="channel") as whapi:
        channel = await whapi.linked()
        await channel.extend(30)
        await channel.manage("POST", "/stop", {"saveDays": True})
        await whapi.advance(100 * DAY)
        assert (await channel.truth())["days_left"] == pytest.approx(36, abs=0.001)
        await channel.extend(1)
        await channel.manage("POST", "/start")
        assert (await channel.truth())["days_left"] == pytest.approx(37, abs=0.001)
        await whapi.advance(8)
        await _sums(whapi)
        await channel.manage("DELETE")
        assert await whapi.pool() == 100


async def test_days_of_a_stopped_channel_run_on_unless_the_knob_says_otherwise(whapi: Whapi) -> None:
    channel = await whapi.linked()
    await channel.manage("POST", "/stop")
    await whapi.advance(2 * DAY)
    assert (await channel.truth())["days_left"] == pytest.approx(4, abs=0.001)
    await whapi.knobs(stopped_days_run=False)
    other = await whapi.linked("other")
    await other.manage("POST", "/stop")
    await whapi.advance(2 * DAY)
    assert (await other.truth())["days_left"] == pytest.approx(6, abs=0.001)
    await _sums(whapi)


@pytest.mark.parametrize(("mode", "pool", "state"), [("free", 100, "NOT_INIT"), ("paid", 95, "NOT_INIT")])
async def test_first_days_are_a_gift_or_are_paid(mode: str, pool: float, state: str) -> None:
    async with started(trial_mode=mode) as whapi:
        channel = await whapi.create()
        assert await whapi.pool() == pool
        assert await channel.state() == state


async def test_a_partner_without_trials_has_to_extend_first() -> None:
    async with started(trial_mode="none") as whapi:
        channel = await whapi.create()
        assert "trial" not in channel.row
        assert await channel.state() == "STOP"
        await channel.extend(1)
        assert await channel.state() == "INIT"
        await _sums(whapi)


@pytest.mark.parametrize(("base", "left"), [("later", 16), ("now", 10), ("active_till", 16)])
async def test_what_days_are_added_to_is_a_knob(base: str, left: float) -> None:
    async with started(extend_from=base) as whapi:
        channel = await whapi.create()
        await channel.extend(10)
        assert (await channel.truth())["days_left"] == pytest.approx(left, abs=0.001)
        await whapi.advance(20 * DAY)
        await channel.extend(5)
        late = 5 - (20 - left) if base == "active_till" else 5
        assert (await channel.truth())["days_left"] == pytest.approx(max(0, late), abs=0.001)
        await _sums(whapi)


async def test_a_low_balance_is_told_once_at_the_crossing(whapi: Whapi, receiver: Receiver) -> None:
    me = (await whapi.manager("GET", "/partners")).ok()["codename"]
    path = f"/partners/{me}/settings"
    hooks = [{"url": receiver.url, "mode": "body", "events": [{"type": "days", "method": "post"}]}]
    told = await whapi.manager("PATCH", path, {"webhooks": hooks, "days_limit": 30, "noChat": True})
    assert told.ok() == {"success": True}
    assert (await whapi.manager("GET", path)).ok() == {"webhooks": hooks, "days_limit": 30, "noChat": True}
    channel = await whapi.create()
    await channel.extend(70)
    assert receiver.got == []
    await channel.extend(1)
    await receiver.has(1)
    await channel.extend(1)
    await whapi.sim("whapi/partners", {"token": TOKEN, "top_up": 10})
    await channel.extend(20)
    await receiver.has(2)
    event = {"type": "days", "event": "post"}
    assert receiver.got == [{"event": event, "partner": me, "days": days} for days in (29, 18)]


async def test_a_low_balance_is_told_at_each_movement_and_bare_when_the_knobs_say_so(receiver: Receiver) -> None:
    async with started(days_notice="each", days_payload="bare", days_limit=99) as whapi:
        me = (await whapi.manager("GET", "/partners")).ok()["codename"]
        await whapi.manager("PATCH", f"/partners/{me}/settings", {"webhooks": [{"url": receiver.url}]})
        channel = await whapi.create()
        for _ in range(3):
            await channel.extend(1)
        await receiver.has(2)
        assert receiver.got == [{"event": {"type": "days", "event": "post"}}] * 2


async def test_settings_of_another_partner_are_403_and_unfit_ones_400(whapi: Whapi) -> None:
    me = (await whapi.manager("GET", "/partners")).ok()["codename"]
    assert (await whapi.manager("GET", f"/partners/{me}/settings", token=OTHER)).status == 403
    for body in (
        {"webhooks": {}},
        {"webhooks": [{"url": "ftp://x"}]},
        {"webhooks": [{"url": "http://x.test", "events": [{"type": "messages"}]}]},
        {"days_limit": -1},
        {"noChat": "yes"},
    ):
        assert (await whapi.manager("PATCH", f"/partners/{me}/settings", body)).status == 400


async def test_the_other_shape_of_the_balance_is_a_knob(whapi: Whapi) -> None:
    await whapi.knobs(partner_shape="balance")
    told = (await whapi.manager("GET", "/partners")).ok()
    assert (told["liveDays"], "pwr" in told) == (100, False)


async def test_pools_are_set_and_topped_up_and_accounts_opened_by_the_control_face(whapi: Whapi) -> None:
    assert (await whapi.sim("whapi/partners", {"token": TOKEN, "days": 40}))["pool_days"] == 40
    assert (await whapi.sim("whapi/partners", {"token": TOKEN, "top_up": 2.5}))["pool_days"] == 42.5
    assert (await whapi.sim("whapi/partners", {"token": "new", "days": 1}))["pool_days"] == 1
    await whapi.sim("whapi/partners", {"token": TOKEN, "days": -1}, status=400)
    await whapi.sim("whapi/partners", {"days": 1}, status=400)
    assert (await whapi.manager("GET", "/partners", token="new")).ok()["pwr"] == 1


async def test_half_a_year_of_many_channels_passes_quickly_and_the_books_add_up(whapi: Whapi) -> None:
    await whapi.knobs(creations=None)
    await whapi.sim("whapi/partners", {"token": TOKEN, "days": 10_000})
    channels = [await whapi.linked(f"n{number}") for number in range(20)]
    for month in range(6):
        for number, channel in enumerate(channels):
            if number % 4 != month % 4:
                assert (await channel.extend(30)).status == 200
        await whapi.advance(30 * DAY)
    for channel in channels[::2]:
        await channel.manage("DELETE")
    sums = await _sums(whapi)
    bought = 20 * 30 * 6 - 30 * sum(1 for month in range(6) for n in range(20) if n % 4 == month % 4)
    assert sums["pool"] + sums["channels"] + sums["consumed"] + sums["forfeited"] == pytest.approx(10_000 + 120)
    assert sums["pool"] >= 10_000 - bought
