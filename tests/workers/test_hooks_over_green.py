"""A tenant on GREEN-API whose webhooks have Whapi's shape: whatever that gateway pushes comes so, and names nobody."""

import json
from typing import Any

from app.kit.db import SYSTEM
from app.lines import service as lines
from app.lines.hooks import service as hooks
from app.providers import events
from app.providers.whapi.notices import read_notice
from app.runtime import Runtime
from tests.conftest import Drain, Upstream
from tests.factories import make_ready_instance, make_tenant
from tests.receiver import receiving
from tests.workers.test_lines_notices import CHAT, HAPPENINGS, WRITTEN

OWN = 5
"""How many kinds the account itself writes too."""


async def test_everything_that_happens_comes_in_whapis_shape_and_in_order(
    runtime: Runtime, drain: Drain, upstream: Upstream
) -> None:
    tenant = await make_tenant(runtime)
    instance = await make_ready_instance(runtime, drain, upstream, tenant)
    async with receiving() as receiver:
        async with runtime.database.begin(tenant.tenant_id) as uow:
            line = await lines.ensure(uow, instance)
            told = {"webhooks": [{"url": receiver.url, "headers": {"X-Key": "s"}}]}
            await hooks.change_settings(uow, line, told, check_url=runtime.egress.check_url)
        for number, body in enumerate(WRITTEN):
            for act in ("receive", "send_from_phone")[: 2 if number < OWN else 1]:
                said = {"chat_id": CHAT, **body, "id_message": body.get("id_message", f"3A{act[:1]}{number:04d}")}
                await upstream.control("POST", f"instances/{instance.upstream_id}/{act}", said)
        for act, body in HAPPENINGS:
            await upstream.control("POST", f"instances/{instance.upstream_id}/{act}", body)

        async def is_quiet() -> bool:
            rows = await upstream.instances()
            row = next(row for row in rows if row["id_instance"] == instance.upstream_id)
            async with runtime.database.begin(SYSTEM) as uow:
                return not row["notification_queue"] and not await hooks.waiting(uow, line)

        await drain(until=is_quiet)
    bodies = [got.event for got in receiver.got]
    assert {body["channel_id"] for body in bodies} == {f"CH{line.number}"}
    assert {got.headers["x-key"] for got in receiver.got} == {"s"}
    receipts = [int(got.headers["webhook-id"].partition("-")[2]) for got in receiver.got]
    assert receipts == sorted(receipts)
    assert len(receipts) >= len(WRITTEN) + OWN + len(HAPPENINGS) - 5, "Whapi has no event for five of them"
    read = [read_notice(body).what for body in bodies]
    assert not [body for body, what in zip(bodies, read, strict=True) if is_lost(body, what)]
    kinds = {what.kind for what in read if isinstance(what, events.MessageReceived)}
    assert kinds >= {"text", "image", "audio", "document", "sticker", "location", "contact", "contacts", "poll", "list"}
    assert {type(what).__name__ for what in read} >= {
        "MessageReceived", "MessageEchoed", "MessageEdited", "MessageDeleted", "ReactionReceived", "PollVoted",
        "MessageProgressed", "CallChanged", "StateChanged",
    }  # fmt: skip
    ours = [words(body) for body in bodies if words(body)]
    assert ours[:2] == [WRITTEN[0]["text"]] * 2
    text = json.dumps([body for body in bodies if not words(body)])
    assert str(instance.upstream_id) not in text
    assert upstream.url not in text


def is_lost(body: dict[str, Any], what: events.Happening) -> bool:
    """Whether Whapi's own reader finds nothing in it, though it is no message without words."""
    (first,) = body.get("messages") or [{}]
    is_vote = first.get("action", {}).get("type") == "vote"
    return isinstance(what, events.Unmapped) and not is_vote


def words(body: dict[str, Any]) -> str:
    """What a text says."""
    rows = body.get("messages") or [{}]
    found: str = rows[0].get("text", {}).get("body", "")
    return found
