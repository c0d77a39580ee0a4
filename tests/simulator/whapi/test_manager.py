"""Channels and projects of a partner."""

from __future__ import annotations

import re

from tests.simulator.whapi.conftest import DAY, OTHER, TOKEN, Whapi, started


async def test_a_new_channel_is_a_trial_with_a_token_and_is_listed(whapi: Whapi) -> None:
    channel = await whapi.create("tenant 1")
    row = channel.row
    assert re.fullmatch("[A-Z]{6}-[A-Z0-9]{5}", row["id"])
    assert re.fullmatch("[A-Za-z0-9]{32}", row["token"])
    assert row["apiUrl"] == whapi.running.whapi_gate_url
    assert row["mode"] == "trial"
    assert row["trial"] - row["creationTS"] == 5 * DAY * 1000
    assert row["activeTill"] - row["creationTS"] == 6 * DAY * 1000
    listed = (await whapi.manager("GET", "/channels/list")).ok()
    assert listed == {"channels": [row], "count": 1, "total": 1, "offset": 0}
    assert (await channel.manage("GET")).ok() == row


async def test_creation_wants_a_name_and_a_known_project(whapi: Whapi) -> None:
    project = await whapi.project()
    for body, status in (
        ({"projectId": project}, 400),
        ({"name": "one"}, 400),
        ({"name": "one", "projectId": project, "phone": "+1"}, 400),
        ({"name": "one", "projectId": "x" * 20}, 404),
        ({"name": "one", "projectId": await whapi.project(OTHER)}, 404),
        ({"name": "one", "projectId": "default"}, 200),
    ):
        assert (await whapi.manager("PUT", "/channels", body)).status == status, body
    assert (await whapi.manager("PUT", "/channels", data=b"{")).status == 400
    assert (await whapi.manager("GET", "/channels/list")).ok()["total"] == 1


async def test_a_partner_sees_only_his_own(whapi: Whapi) -> None:
    channel = await whapi.create()
    assert (await whapi.manager("GET", "/channels/list", token=OTHER)).ok()["total"] == 0
    channel.partner = OTHER
    for verb, path, body in (("GET", "", None), ("DELETE", "", None), ("POST", "/restart", None)):
        assert (await channel.manage(verb, path, body)).status == 404
    assert (await whapi.project()) != (await whapi.project(OTHER))


async def test_the_21st_creation_in_half_an_hour_is_429_and_a_later_one_is_not(whapi: Whapi) -> None:
    for number in range(20):
        await whapi.create(f"n{number}")
    body = {"name": "more", "projectId": await whapi.project()}
    refused = await whapi.manager("PUT", "/channels", body)
    assert refused.status == 429
    assert refused.error["code"] == 429
    await whapi.create("of another partner", OTHER)
    await whapi.advance(1800)
    assert (await whapi.manager("PUT", "/channels", body)).status == 200


async def test_a_fixed_window_begins_with_the_first_creation() -> None:
    async with started(creations=2, creation_window="fixed", retry_after=True) as whapi:
        body = {"name": "one", "projectId": await whapi.project()}
        await whapi.manager("PUT", "/channels", body)
        await whapi.advance(1700)
        await whapi.manager("PUT", "/channels", body)
        refused = await whapi.manager("PUT", "/channels", body)
        assert refused.status == 429
        assert 90 <= int(refused.headers["Retry-After"]) <= 100
        await whapi.advance(110)
        assert [(await whapi.manager("PUT", "/channels", body)).status for _ in range(3)] == [200, 200, 429]


async def test_lists_are_paged(whapi: Whapi) -> None:
    made = [(await whapi.create(f"n{number}")).id for number in range(5)]
    page = (await whapi.manager("GET", "/channels/list?count=2&offset=2&uid=me")).ok()
    assert [row["id"] for row in page["channels"]] == made[2:4]
    assert (page["count"], page["total"], page["offset"]) == (2, 5, 2)
    for query in ("count=0", "count=501", "offset=-1", "uid=somebody"):
        assert (await whapi.manager("GET", f"/channels/list?{query}")).status == 400


async def test_a_new_channel_is_missing_from_the_list_for_as_long_as_the_knob_says() -> None:
    async with started(listing_lag_seconds=30) as whapi:
        channel = await whapi.create()
        assert (await whapi.manager("GET", "/channels/list")).ok()["total"] == 0
        assert (await channel.manage("GET")).status == 200
        await whapi.advance(31)
        assert (await whapi.manager("GET", "/channels/list")).ok()["total"] == 1


async def test_a_deleted_channel_is_listed_for_as_long_as_the_knob_says() -> None:
    async with started(listing_deleted_seconds=30) as whapi:
        channel = await whapi.create()
        await channel.manage("DELETE")
        assert (await whapi.manager("GET", "/channels/list")).ok()["total"] == 1
        assert (await channel.manage("GET")).status == 404
        await whapi.advance(31)
        assert (await whapi.manager("GET", "/channels/list")).ok()["total"] == 0


async def test_a_channel_is_renamed_and_moved(whapi: Whapi) -> None:
    channel = await whapi.create()
    project = (await whapi.manager("PUT", "/projects", {"name": "Brand"})).ok()["id"]
    assert (await channel.manage("PATCH", "", {"name": "two"})).status == 400
    assert (await channel.manage("PATCH", "", {"name": "two", "projectId": project})).ok() == {"success": True}
    inside = (await whapi.manager("GET", f"/channels/list/{project}")).ok()["channels"]
    assert [row["name"] for row in inside] == ["two"]
    assert (await whapi.manager("GET", "/channels/list/default")).ok()["total"] == 0
    assert (await whapi.manager("GET", f"/channels/list/{'x' * 20}")).status == 404
    assert (await whapi.sim("whapi/channels?name=one"))["channels"] == []


async def test_projects_are_made_renamed_and_deleted_but_for_the_default_one(whapi: Whapi) -> None:
    project = (await whapi.manager("PUT", "/projects", {"name": "Brand"})).ok()
    assert not project["isDefault"]
    path = f"/projects/{project['id']}"
    assert (await whapi.manager("PATCH", path, {"name": "Label"})).ok() == {"success": True}
    channel = await whapi.create()
    await channel.manage("PATCH", "", {"name": "one", "projectId": project["id"]})
    shown = (await whapi.manager("GET", path)).ok()
    assert (shown["name"], [row["id"] for row in shown["channels"]]) == ("Label", [channel.id])
    assert (await whapi.manager("GET", "/projects")).ok()["total"] == 2
    assert (await whapi.manager("DELETE", path)).ok() == {"success": True}
    assert (await whapi.manager("DELETE", path)).status == 404
    assert (await whapi.manager("DELETE", "/projects/default")).status == 400
    assert (await channel.manage("GET")).ok()["projectId"] == await whapi.project()


async def test_a_deleted_channel_is_gone_and_a_vanished_one_as_well(whapi: Whapi) -> None:
    one, two = await whapi.create("one"), await whapi.create("two")
    assert (await one.manage("DELETE")).ok() == {"success": True}
    assert (await one.manage("DELETE")).status == 404
    assert (await whapi.manager("GET", "/channels/no-id")).status == 400
    await two.act("vanish")
    assert (await two.manage("GET")).status == 404
    assert (await two.gate("GET", "health")).status == 404
    states = [row["state"] for row in (await whapi.sim("whapi/channels"))["channels"]]
    assert states == ["deleted", "vanished"]


async def test_a_mode_change_takes_the_channel_away_for_thirty_seconds(whapi: Whapi) -> None:
    channel = await whapi.linked()
    assert (await channel.manage("PATCH", "/mode", {"mode": "gold"})).status == 400
    assert (await channel.manage("PATCH", "/mode", {})).ok() == {"success": True}
    assert (await channel.manage("GET")).ok()["mode"] == "live"
    for path in ("/start", "/stop", "/restart"):
        assert (await channel.manage("POST", path)).status == 503
    assert (await channel.gate("GET", "users/profile")).status == 401
    seen = []
    for _ in range(4):
        seen.append(await channel.state())
        await whapi.advance(10)
    assert seen == ["INIT", "INIT", "INIT", "AUTH"]
    assert (await channel.manage("POST", "/restart")).status == 200
    assert (await channel.manage("POST", "/restart")).status == 503


async def test_live_goes_back_to_sandbox_unless_the_knob_forbids_it(whapi: Whapi) -> None:
    channel = await whapi.create()
    await channel.manage("PATCH", "/mode", {"mode": "live"})
    assert (await channel.manage("PATCH", "/mode", {"mode": "dev"})).status == 200
    await channel.manage("PATCH", "/mode", {"mode": "live"})
    await whapi.knobs(back_to_trial=False)
    assert (await channel.manage("PATCH", "/mode", {"mode": "trial"})).status == 403
    assert (await channel.manage("GET")).ok()["mode"] == "live"


async def test_stop_and_start_keep_the_link(whapi: Whapi) -> None:
    channel = await whapi.linked()
    assert (await channel.manage("POST", "/stop")).ok() == {"success": True}
    assert (await channel.gate("GET", "health")).ok()["status"]["text"] == "STOP"
    assert (await channel.manage("GET")).ok()["stopped"]
    assert (await channel.gate("GET", "users/profile")).status == 401
    assert (await channel.manage("POST", "/restart")).status == 400
    assert (await channel.manage("POST", "/start")).ok() == {"success": True}
    assert (await channel.manage("POST", "/start")).status == 503
    await whapi.advance(8)
    assert await channel.state() == "AUTH"
    assert not (await channel.manage("GET")).ok()["stopped"]


async def test_a_blocked_channel_is_in_error_until_it_is_not_blocked(whapi: Whapi) -> None:
    channel = await whapi.linked()
    await channel.act("block")
    assert (await channel.manage("GET")).ok()["blocked"]
    assert await channel.state() == "ERROR"
    assert (await channel.manage("PATCH", "/mode", {})).status == 403
    await channel.manage("POST", "/restart")
    await whapi.advance(8)
    assert await channel.state() == "ERROR"
    await channel.act("unblock")
    await channel.act("unblock", status=409)
    await whapi.advance(8)
    assert await channel.state() == "AUTH"


async def test_what_breaks_is_mended_by_a_restart_and_what_is_out_of_step_by_a_new_login(whapi: Whapi) -> None:
    channel = await whapi.linked()
    await channel.act("break")
    assert await channel.state() == "ERROR"
    assert (await channel.gate("GET", "users/login")).ok() == {"status": "ERROR"}
    await channel.manage("POST", "/restart")
    await whapi.advance(8)
    await channel.act("sync_error")
    await channel.manage("POST", "/restart")
    await whapi.advance(8)
    assert await channel.state() == "SYNC_ERROR"
    await channel.gate("POST", "users/logout")
    await whapi.advance(3)
    await channel.act("scan")
    assert await channel.state() == "AUTH"
    await channel.act("blink")
    assert await channel.state() == "LAUNCH"
    await whapi.advance(3)
    assert await channel.state() == "AUTH"


async def test_what_is_no_operation_is_404(whapi: Whapi) -> None:
    channel = await whapi.create()
    for path in ("status", "settings/qr", "users/logout"):
        assert (await channel.gate("GET", path)).status == 404
    assert (await whapi.manager("GET", "/channels")).status == 404
    assert (await whapi.manager("GET", "//channels//list/")).status == 200
    plain = await whapi.call(f"{whapi.running.whapi_manager_url}/channels/list?token={TOKEN}", "GET", None)
    assert plain.status == 200


async def test_a_reset_leaves_the_accounts_and_no_channel(whapi: Whapi) -> None:
    channel = await whapi.create()
    await channel.extend(5)
    await whapi.sim("reset", {})
    assert (await whapi.manager("GET", "/channels/list")).ok()["total"] == 0
    assert await whapi.pool() == 100
    assert (await channel.gate("GET", "health")).status == 401
