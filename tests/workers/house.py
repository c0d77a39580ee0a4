"""An instance that the operator moves, behind the API, and the customer who sends through it."""

import asyncio
from dataclasses import dataclass
from typing import Any

import httpx2
from click.testing import CliRunner
from sqlalchemy import update

from app.cli import cli
from app.instances.models import Instance
from app.kit.db import SYSTEM
from app.kit.ids import INSTANCE, to_wire
from tests.conftest import draining
from tests.factories import TestTenant, read_instance
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

    async def connection(self) -> str:
        """Whether a phone is linked, as the gateway says now."""
        path = f"/v1/instances/{self.wire}/state?refresh=true"
        return str((await self.client.get(path, headers=self.tenant.headers)).json()["connection"])

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
