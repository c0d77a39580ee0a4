"""A tenant with a linked instance that sends, and the gateway's own truth about what it accepted."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx2
import msgspec

from app.instances.models import Instance
from app.kit import ids
from app.runtime import Runtime
from tests.conftest import Drain, Upstream
from tests.factories import TestTenant, make_ready_instance, make_tenant

FRIEND = "+79990005544"
CHAT = "79990005544@c.us"


@dataclass
class Sender:
    """A tenant with a linked instance, and its client."""

    runtime: Runtime
    client: httpx2.AsyncClient
    drain: Drain
    upstream: Upstream
    tenant: TestTenant
    instance: Instance

    @property
    def path(self) -> str:
        return f"/v1/instances/{ids.to_wire(ids.INSTANCE, self.instance.id)}/messages"

    async def send(
        self, body: str = "Hello", *, to: str = FRIEND, key: str | None = None, **more: Any
    ) -> httpx2.Response:
        headers = {**self.tenant.headers, "Content-Type": "application/json"}
        if key is not None:
            headers["Idempotency-Key"] = key
        return await self.client.post(self.path, headers=headers, content=self.body(body, to=to, **more))

    @staticmethod
    def body(body: str, *, to: str = FRIEND, **more: Any) -> bytes:
        """The request's body."""
        return msgspec.json.encode({"to": to, "type": "text", "text": {"body": body}, **more})

    async def accepted(self) -> list[dict[str, Any]]:
        rows = (await self.upstream.control("GET", f"messages?id_instance={self.instance.upstream_id}"))["messages"]
        return [row for row in rows if row["direction"] == "outgoing"]

    async def message(self, message_id: str) -> dict[str, Any]:
        reply = await self.client.get(f"{self.path}/{message_id}", headers=self.tenant.headers)
        assert reply.status_code == 200, reply.text
        return dict(reply.json())

    async def settled(self, message_id: str) -> dict[str, Any]:
        """The message once its outcome is known."""
        return await self.until(message_id, lambda status: status not in ("sending", "unknown"))

    async def until(self, message_id: str, such: Callable[[str], bool]) -> dict[str, Any]:
        """The message once its status is such."""

        async def reached() -> bool:
            return such((await self.message(message_id))["status"])

        await self.drain(until=reached)
        return await self.message(message_id)

    async def used(self) -> dict[str, int]:
        """What the plan has counted."""
        path = self.path.replace("/messages", "/usage")
        reply = await self.client.get(path, headers=self.tenant.headers)
        return {line["metric"]: line["used"] for line in reply.json()["usage"]}


async def make_sender(
    runtime: Runtime, client: httpx2.AsyncClient, drain: Drain, upstream: Upstream, **more: Any
) -> Sender:
    """Sign up, provision, link."""
    tenant = await make_tenant(runtime)
    instance = await make_ready_instance(runtime, drain, upstream, tenant, **more)
    return Sender(runtime, client, drain, upstream, tenant, instance)
