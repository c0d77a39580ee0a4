"""The partner's three methods: refusals inside HTTP 200, a listing that lags, rows that stay."""

from __future__ import annotations

from .conftest import OTHER_PARTNER, PARTNER, Caller


async def test_an_unknown_partner_token_is_refused_inside_http_200_with_the_exact_text(sim: Caller) -> None:
    for verb, method in (("POST", "createInstance"), ("GET", "getInstances"), ("POST", "deleteInstanceAccount")):
        status, text, _ = await sim.raw(verb, f"/partner/{method}/gac.nobody", data=b"not json")
        assert (status, text) == (200, '{"code":401,"description":"Unauthorized"}')


async def test_a_created_instance_is_told_without_hosts_and_listed_with_its_name(sim: Caller) -> None:
    made = await sim.partner("createInstance", {"name": "shop 17", "stateWebhook": "yes"})
    assert set(made) == {"idInstance", "apiTokenInstance", "typeInstance"}
    assert len(made["apiTokenInstance"]) == 50
    (row,) = await sim.partner("getInstances")
    assert row["name"] == "shop 17"
    assert row["idInstance"] == made["idInstance"]
    assert row["apiTokenInstance"] == made["apiTokenInstance"]
    assert row["timeDeleted"] == "0001-01-01T00:00:00"
    assert (row["deleted"], row["isPartner"], row["tariff"]) == (False, True, "PARTNER_23")


async def test_the_same_name_twice_makes_two_instances(sim: Caller) -> None:
    first, second = await sim.create("twin"), await sim.create("twin")
    assert first.id != second.id
    assert len((await sim.sim("instances?name=twin"))["instances"]) == 2


async def test_unfit_settings_are_refused_and_nothing_is_made(sim: Caller) -> None:
    for body in ({"incomingWebhook": "maybe"}, {"webhookUrl": 5}, {"delaySendMessagesMilliseconds": 10**9}):
        status, text, _ = await sim.raw("POST", f"/partner/createInstance/{PARTNER}", json=body)
        assert status == 400
        assert "Validation failed" in text
    assert await sim.partner("getInstances") == []


async def test_a_partner_sees_and_deletes_only_its_own(sim: Caller) -> None:
    mine = await sim.create()
    assert await sim.partner("getInstances", token=OTHER_PARTNER) == []
    refused = await sim.partner("deleteInstanceAccount", {"idInstance": mine.id}, token=OTHER_PARTNER)
    assert refused == {"code": 404, "description": "Not found"}
    assert (await mine.truth())["deleted_at"] is None


async def test_a_deleted_row_stays_three_months_and_answers_that_it_is_deleted(sim: Caller) -> None:
    instance = await sim.create()
    asked = {"idInstance": instance.id}
    assert await sim.partner("deleteInstanceAccount", asked) == {"deleteInstanceAccount": True}
    assert await sim.partner("deleteInstanceAccount", asked) == {"code": 404, "description": "Not found"}
    (row,) = await sim.partner("getInstances")
    assert row["deleted"] is True
    assert row["timeDeleted"] >= row["timeCreated"]
    assert (await instance.raw("getStateInstance"))[:2] == (400, "Instance is deleted")
    await sim.advance(89 * 86400)
    assert len(await sim.partner("getInstances")) == 1
    await sim.advance(3 * 86400)
    assert await sim.partner("getInstances") == []
    assert (await instance.truth())["state"] == "deleted"


async def test_deleting_does_not_take_the_device_off_the_phone_but_logout_before_does(sim: Caller) -> None:
    left, clean = await sim.linked("left"), await sim.linked("clean")
    await clean.call("logout")
    for instance in (left, clean):
        await sim.partner("deleteInstanceAccount", {"idInstance": instance.id})
    assert (await left.truth())["linked_device_left"] is True
    assert (await clean.truth())["linked_device_left"] is False


async def test_a_deleted_instance_may_go_on_telling_starting(sim: Caller) -> None:
    await sim.sim("config", {"deleted_answers_starting_seconds": 60})
    instance = await sim.create()
    await sim.partner("deleteInstanceAccount", {"idInstance": instance.id})
    assert await instance.call("getStateInstance") == {"stateInstance": "starting"}
    await sim.advance(61)
    assert (await instance.raw("getStateInstance"))[0] == 400


async def test_a_new_instance_is_listed_only_after_the_lag_though_it_truly_exists(sim: Caller) -> None:
    await sim.sim("config", {"listing_lag_seconds": [40, 50]})
    instance = await sim.create("lagging")
    assert await sim.partner("getInstances") == []
    assert len((await sim.sim("instances?name=lagging"))["instances"]) == 1
    await sim.advance(39)
    assert await sim.partner("getInstances") == []
    await sim.advance(12)
    assert [row["idInstance"] for row in await sim.partner("getInstances")] == [instance.id]


async def test_a_stale_listing_shows_the_past(sim: Caller) -> None:
    old = await sim.create("old")
    await sim.advance(100)
    await sim.sim("config", {"listing_stale_probability": 1, "listing_stale_seconds": 30})
    await sim.create("new")
    await sim.partner("deleteInstanceAccount", {"idInstance": old.id})
    (row,) = await sim.partner("getInstances")
    assert (row["name"], row["deleted"]) == ("old", False)
    await sim.advance(31)
    assert [row["deleted"] for row in await sim.partner("getInstances")] == [True, False]


async def test_a_listing_may_miss_rows(sim: Caller) -> None:
    for number in range(20):
        await sim.create(f"n{number}")
    await sim.sim("config", {"listing_partial_probability": 1})
    shown = {row["name"] for row in await sim.partner("getInstances")}
    assert 0 < len(shown) < 20


async def test_a_changed_token_opens_and_the_old_one_does_not(sim: Caller) -> None:
    instance = await sim.linked()
    token = (await instance.phone("change_token", {}))["token"]
    assert (await instance.raw("getSettings"))[0] == 401
    instance.token = token
    assert (await instance.raw("getSettings"))[0] == 200
    assert (await sim.partner("getInstances"))[0]["apiTokenInstance"] == token


async def test_the_expiration_moves_on_each_night_and_stops_with_the_deletion(sim: Caller) -> None:
    instance = await sim.create()
    before = (await sim.partner("getInstances"))[0]["expirationDate"]
    await sim.advance(86400)
    after = (await sim.partner("getInstances"))[0]["expirationDate"]
    assert after > before
    await sim.partner("deleteInstanceAccount", {"idInstance": instance.id})
    await sim.advance(5 * 86400)
    assert (await sim.partner("getInstances"))[0]["expirationDate"] == after


async def test_addresses_are_read_leniently(sim: Caller) -> None:
    instance = await sim.create()
    await instance.until("notAuthorized")
    for path in (
        f"//waInstance{instance.id}/GETSTATEINSTANCE/{instance.token}",
        f"/waInstance{instance.id}//getStateInstance/{instance.token}/",
        f"/wainstance{instance.id}/GetStateInstance/{instance.token}",
    ):
        status, text, _ = await sim.raw("GET", path)
        assert (status, text) == (200, '{"stateInstance":"notAuthorized"}'), path
    assert (await sim.raw("POST", f"/Partner/CreateInstance/{PARTNER}", json={"name": "x"}))[0] == 200


async def test_wrong_addresses_verbs_and_ids_are_refused(sim: Caller) -> None:
    instance = await sim.create()
    await instance.until("notAuthorized")
    cases = [
        ("GET", "/", 404),
        ("GET", f"/waInstance{instance.id}/noSuchMethod/{instance.token}", 404),
        ("DELETE", instance.path("getStateInstance"), 404),
        ("GET", f"/partner/createInstance/{PARTNER}", 404),
        ("GET", f"/waInstance1/getStateInstance/{instance.token}", 403),
        ("GET", f"/waInstanceabc/getStateInstance/{instance.token}", 403),
        ("GET", f"/waInstance{instance.id}/getStateInstance/wrong", 401),
    ]
    for verb, path, expected in cases:
        assert (await sim.raw(verb, path))[0] == expected, path


async def test_a_wrong_token_is_told_before_a_wrong_body_and_with_an_empty_one(sim: Caller) -> None:
    instance = await sim.create()
    path = f"/waInstance{instance.id}/sendMessage/wrong"
    status, text, headers = await sim.raw("POST", path, data=b"{not json")
    assert (status, text, headers["Content-Length"]) == (401, "", "0")


async def test_preflight_is_answered_for_browsers(sim: Caller) -> None:
    status, text, headers = await sim.raw("OPTIONS", "/waInstance1/sendMessage/x")
    assert (status, text) == (200, "")
    assert headers["Access-Control-Allow-Origin"] == "*"


async def test_the_partner_rate_is_ten_a_second_with_a_burst_of_twenty(sim: Caller) -> None:
    await sim.sim("config", {"rate_limits": True})
    await sim.sim("clock", {"speed": 0})
    path = f"/partner/createInstance/{PARTNER}"
    answers = [await sim.raw("POST", path, json={"name": "x"}) for _ in range(21)]
    assert [status for status, _, _ in answers] == [200] * 20 + [429]
    assert answers[0][2]["X-RateLimit-Remaining"] == "19"
    assert answers[0][2]["X-RateLimit-Replenish-Rate"] == "10"
    assert answers[0][2]["X-RateLimit-Burst-Capacity"] == "20"
    assert answers[20][1] == ""
    await sim.advance(0.5)
    statuses = [(await sim.raw("POST", path, json={"name": "x"}))[0] for _ in range(6)]
    assert statuses == [200] * 5 + [429]
    assert len((await sim.sim("instances"))["instances"]) == 25
