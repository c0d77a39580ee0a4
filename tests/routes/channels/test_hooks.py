"""Webhooks as a customer who comes from Whapi sets them, through this face, and gets them."""

import httpx2

from app.kit.db import SYSTEM
from app.lines.hooks import service as hooks
from app.runtime import Runtime
from tests.conftest import Drain
from tests.receiver import receiving
from tests.routes.channels.conftest import ANN, Client
from tests.routes.compat.conftest import LineClient
from tests.routes.compat.speaking.stage import Stage


async def test_a_flow_appends_its_webhook_and_is_told_of_what_it_sent_and_got(
    client: httpx2.AsyncClient, runtime: Runtime, stage: Stage, line: LineClient, drain: Drain
) -> None:
    caller = Client(client, line, stage)
    async with receiving() as receiver:
        settings = await caller.ok("GET", "/settings")
        hook = {"url": receiver.url, "mode": "body", "events": [{"type": "messages", "method": "post"}]}
        # As n8n's trigger does it: everything that was read is written back, with one more of the webhooks.
        whole = {"success": True, **settings, "webhooks": [*settings["webhooks"], hook]}
        changed = await caller.ok("PATCH", "/settings", json=whole)
        assert [each["url"] for each in changed["after_update"]["webhooks"]] == [receiver.url]
        assert await caller.ok("POST", "/settings/webhook_test", json={**hook, "type": "messages"}) == {"success": True}
        sample = receiver.got.pop()
        message_id = await caller.receive("Is it ready?")

        async def is_told() -> bool:
            async with runtime.database.begin(SYSTEM) as uow:
                return bool(receiver.got) and not await hooks.waiting(uow, line_row)

        async with runtime.database.begin(line.tenant.tenant_id) as uow:
            line_row = await caller.row(uow)
        await drain(until=is_told)
        health = await caller.ok("GET", "/health")
        assert sample.event["channel_id"] == health["channel_id"]
        told = next(got.event for got in receiver.got if got.event["messages"][0]["id"] == message_id)
        assert told["channel_id"] == health["channel_id"]
        assert told["event"] == {"type": "messages", "event": "post"}
        row = told["messages"][0]
        assert row == {**await caller.ok("GET", f"/messages/{message_id}"), **_only_told(row)}
        assert (row["chat_id"], row["from_me"], row["text"]["body"]) == (ANN, False, "Is it ready?")
        removed = await caller.ok("PATCH", "/settings", json={"settings": {"webhooks": []}})
        assert removed["after_update"]["webhooks"] == [], "so the flow takes its webhook away"


def _only_told(row: dict[str, object]) -> dict[str, object]:
    """What a notice tells and a journal may tell otherwise: names, and the second of the moment."""
    return {name: value for name, value in row.items() if name in ("from_name", "timestamp")}
