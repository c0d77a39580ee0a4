"""Methods that upstream serves, through the compatible face over real HTTP."""

import httpx2
import pytest

from app.runtime import Runtime
from tests.conftest import Upstream
from tests.routes.compat.conftest import LineClient

HELLO = {"chatId": "79990003344@c.us", "message": "Hello"}


async def test_a_send_is_200_with_the_upstreams_body_and_a_message_of_ours(
    line: LineClient, upstream: Upstream
) -> None:
    reply = await line.call("POST", "sendMessage", json=HELLO)
    assert reply.status_code == 200, reply.text
    assert list(reply.json()) == ["idMessage"]
    sent = await upstream.control("GET", f"messages?id_instance={line.upstream_id}")
    assert [message["id"] for message in sent["messages"]] == [reply.json()["idMessage"]]
    kept = await line.http.get("/v1/instances", headers=line.tenant.headers)
    instance_id = kept.json()["data"][0]["id"]
    messages = await line.http.get(f"/v1/instances/{instance_id}/messages", headers=line.tenant.headers)
    assert [row["upstream_message_id"] for row in messages.json()["data"]] == [reply.json()["idMessage"]]
