"""A line with webhooks in Whapi's shape, and what tests do with it."""

import json
from typing import Any

from app.instances import service as instances
from app.kit.db import SYSTEM, Database
from app.lines import service as lines
from app.lines.hooks import service as hooks
from app.providers.events import Happening, MessageReceived, Notification
from app.runtime import Runtime
from tests.receiver import Receiver
from tests.verbs.lines.lines import Made, links

ANN = "79990003344@c.us"
OF_MESSAGES = [{"type": "messages", "method": "post"}]


async def change(runtime: Runtime, made: Made, told: dict[str, Any]) -> dict[str, Any]:
    """Set settings of a channel as its tenant."""
    async with runtime.database.begin(made.tenant_id) as uow:
        return await hooks.change_settings(uow, made.line, told, check_url=runtime.egress.check_url)


async def point_at(runtime: Runtime, made: Made, *urls: str, **more: Any) -> None:
    """Set the webhooks of a channel to these addresses, all for the same events."""
    await change(runtime, made, {"webhooks": [{"url": url, "events": OF_MESSAGES, **more} for url in urls]})


async def settings(runtime: Runtime, made: Made) -> dict[str, Any]:
    """The settings of a channel."""
    async with runtime.database.begin(made.tenant_id) as uow:
        return await hooks.settings_of(uow, made.line)


def text(words: str) -> MessageReceived:
    """Somebody writes."""
    return MessageReceived("M1", ANN, ANN, "Ada", "text", {"text": words})


async def happen(
    database: Database, made: Made, *whats: Happening, parsed: dict[str, Any] | None = None, words: str = "other"
) -> None:
    """A gateway of some words tells of things, each in a transaction of its own."""
    for place, what in enumerate(whats):
        async with database.begin(SYSTEM) as uow:
            instance = await instances.find(uow, made.instance_id)
            said = Notification(instance.upstream_account, "k", f"{place}".encode(), uow.now, what)
            await lines.keep(uow, instance, said, parsed or {}, links=links, words=words)


async def say(runtime: Runtime, made: Made, *words: str) -> None:
    """Messages come in."""
    await happen(runtime.database, made, *(text(word) for word in words))


async def waiting(runtime: Runtime, made: Made) -> int:
    """How many events wait."""
    async with runtime.database.begin(made.tenant_id) as uow:
        return await hooks.waiting(uow, made.line)


def texts(receiver: Receiver) -> list[str]:
    """What the messages said that came."""
    return [json.loads(got.body)["messages"][0]["text"]["body"] for got in receiver.got]
