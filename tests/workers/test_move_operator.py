"""The operator moves instances over HTTP and at the command line; and what is sent meanwhile waits."""

import json
from datetime import timedelta

from app.gateway import releasing
from app.kit.ids import INSTANCE, new_id, to_wire
from tests.conftest import draining
from tests.factories import read_instance
from tests.workers.house import House
from tests.workers.wishes import reached


async def test_the_operator_alone_moves_and_what_is_wrong_is_told(house: House) -> None:
    assert (await house.move({}, house.tenant.headers)).status_code == 403
    assert (await house.move({}, {})).status_code == 401
    for body, code in (({"provider": "green_api"}, 409), ({"provider": "nobody"}, 400), ({"to": "whapi"}, 400)):
        reply = await house.move(body)
        assert (reply.status_code, reply.headers["content-type"]) == (code, "application/problem+json")
    assert (await house.move({}, wire=to_wire(INSTANCE, new_id()))).status_code == 404
    first = await house.move({"provider": "whapi"}, house.operator | {"Idempotency-Key": "one"})
    again = await house.move({"provider": "whapi"}, house.operator | {"Idempotency-Key": "one"})
    assert (first.status_code, again.status_code, first.json()["id"]) == (202, 202, again.json()["id"])
    assert (await house.move({})).status_code == 409


async def test_the_command_line_moves_one_and_all(house: House) -> None:
    code, said = await house.command("instances", "move", house.wire, "--to", "whapi")
    assert (code, json.loads(said)["type"]) == (0, "instance.move")
    others = [await house.funds.instance(provider="green_api", name=f"N{n}") for n in range(2)]
    code, said = await house.command("providers", "evacuate", "green_api", "-o", "json")
    assert (code, [each["result"] for each in json.loads(said)]) == (0, ["moves", "moves"])
    await draining(house.funds.runtime)(until=reached(house.funds.runtime, *others))
    assert {(await read_instance(house.funds.runtime, each.id)).provider for each in others} == {"whapi"}
    code, said = await house.command("providers", "list", "-o", "json")
    assert [each["reason"] for each in json.loads(said) if each["paused_at"]] == ["evacuated"]
    assert (await house.command("providers", "evacuate", "nobody"))[0] == 3


async def test_sends_wait_for_the_new_phone_and_leave_once_in_their_order(house: House) -> None:
    await house.move({"provider": "whapi"})
    texts = [f"text {number}" for number in range(5)]
    replies = [await house.send(text, text) for text in texts]
    assert {(reply.status_code, reply.json()["status"]) for reply in replies} == {(202, "held")}
    again = await house.send(texts[0], texts[0])
    assert (again.status_code, again.json()["id"]) == (202, replies[0].json()["id"])
    await house.link()

    async def have_left() -> bool:
        house.funds.runtime.database.shift += timedelta(seconds=2)
        return len(await house.texts()) >= len(texts)

    await draining(house.funds.runtime)(until=have_left)
    assert await house.texts() == texts
    assert "held" not in {await house.status(reply.json()["id"]) for reply in replies}

    async def is_home() -> bool:
        return (await read_instance(house.funds.runtime, house.instance.id)).away_since is None

    await draining(house.funds.runtime)(until=is_home)
    assert (await house.send("after", "after")).json()["status"] == "queued"


async def test_a_send_that_waits_for_a_day_has_failed_and_its_key_is_free(house: House) -> None:
    await house.move({"provider": "whapi"})
    sent = (await house.send("old", "old")).json()["id"]
    house.funds.runtime.database.shift += releasing.HELD_FOR + timedelta(minutes=1)

    async def has_failed() -> bool:
        return await house.status(sent) == "not_sent"

    await draining(house.funds.runtime)(until=has_failed)
    again = await house.send("old", "old")
    assert again.status_code == 202, again.text
    assert again.json()["id"] != sent
    assert await house.texts() == []
