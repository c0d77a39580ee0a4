"""The operator moves instances over HTTP and at the command line; and what is sent meanwhile waits."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from click.testing import CliRunner
from sqlalchemy import update

from app.cli import cli
from app.gateway import releasing
from app.instances.models import Instance
from app.kit.db import SYSTEM
from app.kit.ids import INSTANCE, new_id, to_wire
from tests.conftest import draining, free_socket, serving
from tests.factories import TestTenant, make_tenant, operator_headers, read_instance
from tests.workers.funds import Funds
from tests.workers.wishes import reached


@dataclass
class House:
    """Both gateways behind the API, a customer with a linked instance at the first, and the operator."""

    funds: Funds
    client: httpx2.AsyncClient
    operator: dict[str, str]
    tenant: TestTenant
    instance: Instance

    @property
    def wire(self) -> str:
        return to_wire(INSTANCE, self.instance.id)

    async def move(
        self, body: Any, headers: dict[str, str] | None = None, *, wire: str | None = None
    ) -> httpx2.Response:
        """Ask for a move."""
        path = f"/operator/v1/instances/{wire or self.wire}/move"
        return await self.client.post(path, json=body, headers=self.operator if headers is None else headers)

    async def send(self, text: str, key: str, **more: Any) -> httpx2.Response:
        """One message of the customer."""
        body = {"to": "+79990005544", "type": "text", "text": {"body": text}, **more}
        headers = self.tenant.headers | {"Idempotency-Key": key}
        return await self.client.post(f"/v1/instances/{self.wire}/messages", json=body, headers=headers)

    async def status(self, message_id: str) -> str:
        """How far a message is."""
        reply = await self.client.get(f"/v1/instances/{self.wire}/messages/{message_id}", headers=self.tenant.headers)
        return str(reply.json()["status"])

    async def texts(self) -> list[str]:
        """What the second gateway was given to send, in order."""
        found: list[str] = []
        for channel in (await self.funds.upstream.control("GET", "whapi/channels"))["channels"]:
            path = f"whapi/messages?from_me=true&channel_id={channel['id']}"
            rows = (await self.funds.upstream.control("GET", path))["messages"]
            found += [row["text"]["body"] for row in rows]
        return found

    async def link(self) -> None:
        """The owner scans the new code."""
        await draining(self.funds.runtime)(until=reached(self.funds.runtime, self.instance))
        row = await read_instance(self.funds.runtime, self.instance.id)
        path = f"whapi/channels/{row.upstream_account}/scan"
        await self.funds.upstream.control("POST", path, {"phone": "79990001122"})
        await self.client.get(f"/v1/instances/{self.wire}/state?refresh=true", headers=self.tenant.headers)
        async with self.funds.runtime.database.begin(SYSTEM) as uow:
            await uow.session.execute(update(Instance).where(Instance.id == row.id).values(connection="connected"))

    async def command(self, *words: str) -> tuple[int, str]:
        """The command line: exit code and what it said."""
        env = self.funds.runtime.settings.as_environ()
        result = await asyncio.to_thread(CliRunner().invoke, cli, list(words), env=env)
        return result.exit_code, result.output


@pytest.fixture
async def house(funds: Funds) -> AsyncIterator[House]:
    """See `House`."""
    tenant = await make_tenant(funds.runtime)
    instance = await funds.instance(days=10, provider="green_api", tenant=tenant)
    async with (
        serving(funds.runtime, free_socket()) as url,
        httpx2.AsyncClient(base_url=url, timeout=30) as client,
    ):
        yield House(funds, client, await operator_headers(funds.runtime), tenant, instance)


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
