"""Callbacks of Whapi at the hook: many entries at once, one that poisons, states that come again, names that stay."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from sqlalchemy import delete, func, select, update

from app.events.models import Event
from app.inbound.models import Notice
from app.instances import service as instances
from app.instances.models import Instance
from app.jobs import ReconcileInstance
from app.kit.crypto import Secret
from app.kit.db import SYSTEM
from app.kit.work import Work
from app.lines import service as lines
from app.lines.models import KeptNotice
from app.messages.models import Message
from app.providers.whapi.adapter import WhapiCloud
from app.runtime import Runtime
from tests.routes.inbound.test_apart import CHANNEL, entry
from tests.routes.inbound.test_hook import Hook, count, make_hook, only
from tests.verbs.lines.lines import ALL_ON


@pytest.fixture
async def hook(runtime: Runtime) -> AsyncIterator[Hook]:
    """An instance on a gateway that nobody can reach: notices need no call."""
    providers: dict[Any, Any] = runtime.registry._providers
    kept = providers.get(("whapi", "live"))
    providers["whapi", "live"] = WhapiCloud("http://127.0.0.1:9", Secret("none"))
    made = await make_hook(runtime, provider="whapi", upstream_id=None, upstream_account=CHANNEL)
    yield Hook(made.tenant, made.instance_id, made.path.replace("/green/", "/whapi/"), made.headers)
    await providers["whapi", "live"].close()
    del providers["whapi", "live"]
    if kept is not None:
        providers["whapi", "live"] = kept


def told(type_: str, verb: str, **payload: Any) -> dict[str, Any]:
    return {**payload, "event": {"type": type_, "event": verb}, "channel_id": CHANNEL}


async def test_hundreds_of_messages_in_one_callback_are_taken(
    runtime: Runtime, client: httpx2.AsyncClient, hook: Hook
) -> None:
    """What was kept when the time was up is not done again when the callback comes again."""
    body = told("messages", "post", messages=[entry(number) for number in range(450)])
    kept = [0]
    while (await client.post(hook.path, headers=hook.headers, json=body)).status_code != 200:
        kept.append(await count(runtime, Notice))
        assert kept[-1] > kept[-2]
    assert [await count(runtime, model) for model in (Notice, Message, Event)] == [450, 450, 450]


async def test_an_entry_that_cannot_be_dealt_with_takes_no_other_with_it(
    runtime: Runtime, client: httpx2.AsyncClient, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No input is known to do it: the wing that fails here stands for a mistake of ours."""

    class Faulty(WhapiCloud):
        def read_notice(self, body: Any) -> Any:
            if body["messages"][0]["id"] == entry(2)["id"]:
                raise ValueError("a mistake of ours")
            return super().read_notice(body)

    faulty = Faulty("http://127.0.0.1:9", Secret("none"))
    monkeypatch.setitem(runtime.registry._providers, ("whapi", "live"), faulty)
    body = told("messages", "post", messages=[entry(1), entry(2), entry(3)])
    for _ in range(2):
        assert (await client.post(hook.path, headers=hook.headers, json=body)).status_code == 200
    async with runtime.database.begin(SYSTEM) as uow:
        texts = [row.content["text"] for row in await uow.session.scalars(select(Message).order_by(Message.id))]
        states = sorted(await uow.session.scalars(select(Notice.state)))
    assert texts == ["Hi 1", "Hi 3"]
    assert states == ["accepted", "accepted", "failed"]


async def test_messages_with_half_a_character_or_an_endless_number_are_taken(
    runtime: Runtime, client: httpx2.AsyncClient, hook: Hook
) -> None:
    body = json.dumps(told("messages", "post", messages=[entry(1), entry(2) | {"n": 10**30}, entry(3)]))
    raw = body.replace("Hi 3", "Hi 3 \\ud83d").encode()
    headers = hook.headers | {"Content-Type": "application/json"}
    assert (await client.post(hook.path, headers=headers, content=raw)).status_code == 200
    async with runtime.database.begin(SYSTEM) as uow:
        texts = [row.content["text"] for row in await uow.session.scalars(select(Message).order_by(Message.id))]
    assert texts == ["Hi 1", "Hi 2", "Hi 3 \ufffd"]


async def test_a_pairing_that_is_told_as_an_earlier_one_is_looked_at(
    runtime: Runtime, client: httpx2.AsyncClient, hook: Hook
) -> None:
    """Such callbacks have no time: whether it is the earlier one again or a new one only a look tells."""
    paired = told("users", "post", user={"id": "79990001122", "name": "Shop"})

    async def tell_beside(connection: str) -> Any:
        """When it was looked at last, the row being so when the same callback comes again."""
        async with runtime.database.begin(SYSTEM) as uow:
            await uow.session.execute(update(Instance).values(connection=connection, state_checked_at=func.now()))
        assert (await client.post(hook.path, headers=hook.headers, json=paired)).status_code == 200
        return (await only(runtime, Instance)).state_checked_at

    assert await tell_beside("connected") is not None
    assert await tell_beside("connected") is not None  # it says what is known already
    assert await tell_beside("unpaired") is None


async def test_an_account_that_is_told_to_be_up_is_made_ready_at_once(
    runtime: Runtime, client: httpx2.AsyncClient, hook: Hook
) -> None:
    """One that was late is looked at once an hour."""
    async with runtime.database.begin(SYSTEM) as uow:
        await uow.session.execute(update(Instance).values(status="starting", ready_at=None, connection="starting"))
        await uow.session.execute(delete(Work))
    for state, is_rung in (("LAUNCH", False), ("QR", True)):
        health = {"start_at": 1795219200, "uptime": 80, "status": {"text": state}}
        body = told("channel", "post", health=health)
        assert (await client.post(hook.path, headers=hook.headers, json=body)).status_code == 200
        async with runtime.database.begin(SYSTEM) as uow:
            query = select(Work).where(Work.kind == ReconcileInstance.kind, Work.ref == hook.instance_id)
            found = (await uow.session.scalars(query)).one_or_none()
            assert (found is not None and found.run_at <= uow.now) is is_rung


async def test_a_linked_phone_that_is_told_late_is_looked_at(
    runtime: Runtime, client: httpx2.AsyncClient, hook: Hook
) -> None:
    """A callback that was tried again comes after a newer one: nobody would look for an hour, and sends be let in."""
    late = told("channel", "post", health={"start_at": 1795219200, "uptime": 80, "status": {"text": "AUTH"}})
    async with runtime.database.begin(SYSTEM) as uow:
        await uow.session.execute(update(Instance).values(connection="unpaired", connected_at=None))
    assert (await client.post(hook.path, headers=hook.headers, json=late)).status_code == 200
    instance = await only(runtime, Instance)
    assert (instance.connection, instance.state_checked_at) == ("connected", None)
    again = late | {"health": late["health"] | {"uptime": 90}}
    async with runtime.database.begin(SYSTEM) as uow:
        await uow.session.execute(update(Instance).values(state_checked_at=func.now()))
    assert (await client.post(hook.path, headers=hook.headers, json=again)).status_code == 200
    assert (await only(runtime, Instance)).state_checked_at is not None


@pytest.mark.parametrize(
    "body",
    [
        told("groups", "put", groups_participants=[{"group_id": "120363041234567890@g.us", "action": "add"}]),
        told(
            "messages",
            "patch",
            messages_updates=[
                {
                    "id": "Qk2mEXAMPLEid02-wBbDUxm1sWx",
                    "before_update": {},
                    "after_update": {
                        "image": {"link": "https://s3.eu-central-1.wasabisys.com/in-files/79990001122/a.jpg"}
                    },
                }
            ],
        ),
        told("service", "post", about=f"https://gate.whapi.cloud/health of {CHANNEL}", note=f"channel {CHANNEL} is up"),
        told("service", "post", whapi={"Whapi.Cloud": 1}),
    ],
    ids=["groups", "files", "service", "keys"],
)
async def test_what_has_no_word_is_passed_on_without_whapis_names(
    runtime: Runtime, client: httpx2.AsyncClient, hook: Hook, body: dict[str, Any]
) -> None:
    assert (await client.post(hook.path, headers=hook.headers, json=body)).status_code == 200
    event = await only(runtime, Event)
    assert event.type == "gateway.event"
    text = json.dumps(event.data).lower()
    for hidden in ("whapi", CHANNEL.lower(), "wasabi", "channel_id"):
        assert hidden not in text, text


async def test_a_line_is_told_in_which_chat_a_message_was_taken_back(
    runtime: Runtime, client: httpx2.AsyncClient, hook: Hook
) -> None:
    """The callback has the message's id alone. A message that waits to be sent is no news to GREEN-API's clients."""
    async with runtime.database.begin(hook.tenant.tenant_id) as uow:
        line = await lines.ensure(uow, await instances.find(uow, hook.instance_id))
        await lines.change(uow, line, ALL_ON)
    first = entry(1)
    pending = {"id": first["id"], "status": "pending", "recipient_id": first["chat_id"], "timestamp": "1795219265"}
    for body in (
        told("messages", "post", messages=[first]),
        told("statuses", "post", statuses=[pending]),
        told("messages", "delete", messages_removed=[first["id"]]),
    ):
        assert (await client.post(hook.path, headers=hook.headers, json=body)).status_code == 200
    async with runtime.database.begin(SYSTEM) as uow:
        rows = await uow.session.scalars(select(KeptNotice).order_by(KeptNotice.receipt))
        kept = [json.loads(row.body) for row in rows]
        types = [row.type for row in await uow.session.scalars(select(Event).order_by(Event.sequence))]
    assert [each["messageData"]["typeMessage"] for each in kept] == ["textMessage", "deletedMessage"]
    assert {each["senderData"]["chatId"] for each in kept} == {"79990003344@c.us"}
    assert types == ["message.received", "message.deleted"]
