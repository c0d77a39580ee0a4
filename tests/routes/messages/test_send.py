"""Sending, seen by a client, with the gateway's own journal as the truth."""

from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

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

    client: httpx2.AsyncClient
    upstream: Upstream
    tenant: TestTenant
    instance: Instance

    @property
    def path(self) -> str:
        return f"/v1/instances/{ids.to_wire(ids.INSTANCE, self.instance.id)}/messages"

    async def send(
        self, body: str = "Hello", *, to: str = FRIEND, key: str | None = None, **more: Any
    ) -> httpx2.Response:
        headers = dict(self.tenant.headers) | ({"Idempotency-Key": key} if key else {})
        return await self.client.post(
            self.path, headers=headers, json={"to": to, "type": "text", "text": {"body": body}, **more}
        )

    async def accepted(self) -> list[dict[str, Any]]:
        rows = (await self.upstream.control("GET", f"messages?id_instance={self.instance.upstream_id}"))["messages"]
        return [row for row in rows if row["direction"] == "outgoing"]

    async def message(self, message_id: str) -> dict[str, Any]:
        reply = await self.client.get(f"{self.path}/{message_id}", headers=self.tenant.headers)
        assert reply.status_code == 200, reply.text
        return dict(reply.json())


@pytest.fixture
async def sender(runtime: Runtime, client: httpx2.AsyncClient, drain: Drain, upstream: Upstream) -> Sender:
    tenant = await make_tenant(runtime)
    instance = await make_ready_instance(runtime, drain, upstream, tenant)
    return Sender(client, upstream, tenant, instance)


async def test_a_text_is_handed_to_the_gateway(sender: Sender) -> None:
    reply = await sender.send("Hello", client_reference="order 7")
    assert reply.status_code == 202, reply.text
    made = reply.json()
    assert (made["object"], made["status"], made["chat_id"], made["text"]) == (
        "message",
        "queued",
        CHAT,
        {"body": "Hello"},
    )
    assert made["client_reference"] == "order 7"
    assert reply.headers["Idempotency-Key"].startswith("auto-")
    [seen] = await sender.accepted()
    assert (seen["id_message"], seen["chat_id"], seen["text"]) == (made["upstream_message_id"], CHAT, "Hello")


async def test_the_same_key_sends_once_and_answers_byte_for_byte(sender: Sender) -> None:
    first = await sender.send(key="k1")
    again = await sender.send(key="k1")
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert first.headers["content-type"] == again.headers["content-type"]
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(await sender.accepted()) == 1
    other = await sender.send("Bye", key="k1")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert len(await sender.accepted()) == 1
