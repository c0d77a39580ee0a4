"""A channel's way from sleep to a linked phone and back."""

from __future__ import annotations

import base64

from tests.simulator.whapi.conftest import Whapi, started


async def test_a_new_channel_sleeps_until_it_is_asked_with_wakeup(whapi: Whapi) -> None:
    channel = await whapi.create()
    assert await channel.state() == "NOT_INIT"
    await whapi.advance(60)
    assert await channel.state() == "NOT_INIT"
    assert (await channel.gate("GET", "health")).ok()["status"] == {"code": 1, "text": "INIT"}
    await whapi.advance(5)
    assert await channel.state() == "LAUNCH"
    await whapi.advance(3)
    assert (await channel.gate("GET", "health?wakeup=false")).ok()["status"] == {"code": 3, "text": "QR"}


async def test_a_flag_in_the_query_is_a_word(whapi: Whapi) -> None:
    channel = await whapi.create()
    assert (await channel.gate("GET", "health?wakeup=0")).status == 400


async def test_the_code_waits_shows_rotates_and_ends_with_the_scan(whapi: Whapi) -> None:
    channel = await whapi.create()
    assert (await channel.gate("GET", "users/login")).ok() == {"status": "WAITING"}
    await whapi.advance(8)
    first = (await channel.gate("GET", "users/login")).ok()
    assert first["status"] == "OK"
    assert 15 <= first["expire"] <= 20
    picture = base64.b64decode(first["base64"].removeprefix("data:image/png;base64,"))
    assert picture.startswith(b"\x89PNG")
    await whapi.advance(20)
    second = (await channel.gate("GET", "users/login/rowdata")).ok()
    assert second["rowdata"] != first["rowdata"]
    assert "base64" not in second
    image = await channel.gate("GET", "users/login/image")
    assert image.status == 200
    assert image.headers["Content-Type"] == "image/png"
    await channel.act("scan", {"phone": "15550000001", "name": "Ada"})
    for path in ("users/login", "users/login/image", "users/login/rowdata", "users/login/15550000001"):
        assert (await channel.gate("GET", path)).status == 409
    health = (await channel.gate("GET", "health")).ok()
    assert health["status"]["text"] == "AUTH"
    assert health["user"]["id"] == "15550000001"


async def test_a_row_of_codes_ends_with_timeout_when_the_knob_says_so() -> None:
    async with started(qr_codes=2) as whapi:
        channel = await whapi.create()
        await channel.up()
        await whapi.advance(45)
        assert (await channel.gate("GET", "users/login")).ok() == {"status": "TIMEOUT"}
        assert (await channel.gate("GET", "users/login")).ok()["status"] == "OK"


async def test_an_unlinked_channel_falls_asleep_when_the_knob_says_so_and_a_linked_one_does_not() -> None:
    async with started(sleep_after_seconds=60) as whapi:
        one, two = await whapi.create("one"), await whapi.linked("two")
        await one.up()
        await whapi.advance(61)
        assert await one.state() == "NOT_INIT"
        assert await two.state() == "AUTH"


async def test_the_right_code_links_and_a_wrong_or_old_one_does_not(whapi: Whapi) -> None:
    channel = await whapi.create()
    assert (await channel.gate("GET", "users/login/15550000001")).status == 422
    await whapi.advance(8)
    assert (await channel.gate("GET", "users/login/+1555")).status == 400
    code = (await channel.gate("GET", "users/login/15550000001")).ok()["code"]
    await channel.act("enter_code", {"code": "WRONG"}, 409)
    await whapi.advance(181)
    await channel.act("enter_code", {"code": code}, 409)
    code = (await channel.gate("GET", "users/login/15550000001")).ok()["code"]
    assert (await channel.act("enter_code", {"code": code.replace("-", "").lower()}))["phone"] == "15550000001"
    assert await channel.state() == "AUTH"


async def test_logout_unlinks_once(whapi: Whapi) -> None:
    channel = await whapi.linked()
    assert (await channel.gate("POST", "users/logout")).ok() == {"success": True}
    assert (await channel.gate("POST", "users/logout")).status == 409
    assert await channel.state() == "LAUNCH"
    await whapi.advance(3)
    assert await channel.state() == "QR"
    await channel.act("unlink", {}, 409)


async def test_a_wrong_token_is_401_and_that_of_a_deleted_channel_404(whapi: Whapi) -> None:
    channel = await whapi.create()
    token, channel.token = channel.token, "x" * 32
    assert (await channel.gate("GET", "health")).status == 401
    channel.token = token
    assert (await channel.manage("DELETE")).ok() == {"success": True}
    gone = await channel.gate("GET", "health")
    assert gone.status == 404
    assert gone.error["details"] == "channel not found"
    assert (await whapi.manager("GET", "/channels/list", token="nobody")).status == 401


async def test_a_phone_of_the_mobile_type_pairs_by_no_code(whapi: Whapi) -> None:
    channel = await whapi.create()
    await channel.gate("GET", "health?channel_type=mobile")
    await whapi.advance(8)
    assert (await channel.gate("GET", "users/login")).status == 406
