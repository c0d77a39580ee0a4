"""A line of a bare instance, and what tests do with it."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.instances import service as instances
from app.kit.db import SYSTEM, Database
from app.lines import service as lines
from app.lines.models import KeptNotice, Line
from app.lines.switches import SWITCHES
from app.providers.events import Notification, Unmapped
from tests.verbs.bare import make_bare

UPSTREAM = 7103000001
ALL_ON = dict.fromkeys(SWITCHES, "yes")


@dataclass(frozen=True)
class Made:
    """A tenant's line."""

    tenant_id: UUID
    instance_id: UUID
    line: Line
    token: str


async def make_line(database: Database, **settings: Any) -> Made:
    """A tenant with one instance and its line; every switch is on unless told otherwise."""
    bare = await make_bare(database)
    async with database.begin(bare.tenant_id) as uow:
        instance = await instances.find(uow, bare.instance_id)
        instance.upstream_id = UPSTREAM + int.from_bytes(bare.instance_id.bytes[-4:], "big")
        line = await lines.ensure(uow, instance)
        await lines.change(uow, line, ALL_ON | settings)
        _, token = await lines.shown(uow, line)
    return Made(bare.tenant_id, bare.instance_id, line, token)


def links(url: str, name: str) -> str:
    """A link of ours that shows nothing of the other."""
    return f"https://ours.example/files/{len(url)}-{name}"


def incoming(text: str = "Hello", **more: Any) -> dict[str, Any]:
    """A message as GREEN-API tells it."""
    return {
        "typeWebhook": "incomingMessageReceived",
        "instanceData": {"idInstance": UPSTREAM, "wid": "79990001122@c.us", "typeInstance": "whatsapp"},
        "timestamp": 1763749443,
        "idMessage": "A1",
        "senderData": {"chatId": "79990003344@c.us", "sender": "79990003344@c.us", "senderName": "Ada"},
        "messageData": {"typeMessage": "textMessage", "textMessageData": {"textMessage": text}},
        **more,
    }


async def keep(database: Database, made: Made, *bodies: dict[str, Any]) -> None:
    """Keep notifications, each in a transaction of its own."""
    for body in bodies:
        async with database.begin(SYSTEM) as uow:
            instance = await instances.find(uow, made.instance_id)
            said = Notification(instance.upstream_id, "unmapped", b"", None, Unmapped(""))
            await lines.keep(uow, instance, said, body, links=links)


async def first(database: Database, made: Made) -> KeptNotice | None:
    """What is told next."""
    async with database.begin(made.tenant_id) as uow:
        return await lines.next_notice(uow, made.line)


async def waiting(database: Database, made: Made) -> int:
    """How many wait."""
    async with database.begin(made.tenant_id) as uow:
        return await lines.count(uow, made.line)
