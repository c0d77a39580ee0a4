"""What a gateway is told 200 for is kept, once, and becomes one event."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import func, select, update

from app.accounts.vault import open_vault
from app.events.models import Event
from app.inbound.models import Notice
from app.instances.models import Finding, Instance
from app.kit.crypto import new_token
from app.kit.db import SYSTEM
from app.kit.ids import INSTANCE, new_id, to_wire
from app.messages.models import Message
from app.runtime import Runtime
from tests.factories import TestTenant, make_tenant

UPSTREAM = 7103000001


@dataclass(frozen=True)
class Hook:
    """An instance's hook and its token."""

    tenant: TestTenant
    instance_id: UUID
    path: str
    headers: dict[str, str]


async def make_hook(runtime: Runtime, *, upstream_id: int | None = UPSTREAM, **more: Any) -> Hook:
    """A tenant with one instance that upstream may talk to."""
    tenant, instance_id, token = await make_tenant(runtime), new_id(), new_token("hook_")
    async with runtime.database.begin(SYSTEM) as uow:
        uow.session.add(
            Instance(
                **{
                    "tenant_id": tenant.tenant_id,
                    "id": instance_id,
                    "name": "Support",
                    "environment": "live",
                    "provider": "green_api",
                    "status": "active",
                    "connection": "connected",
                    "connected_at": uow.now,
                    "tag": f"tag-{instance_id}",
                    "upstream_id": upstream_id,
                    "hook_token_sealed": b"",
                    "hook_token_hash": runtime.keyring.fingerprint(token),
                    "created_at": uow.now,
                    **more,
                }
            )
        )
    return Hook(
        tenant,
        instance_id,
        f"/hooks/green/{to_wire(INSTANCE, instance_id)}",
        {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )


def incoming(text: str = "Hello", message_id: str = "A1", upstream_id: int = UPSTREAM) -> dict[str, Any]:
    """A message as GREEN-API tells it."""
    return {
        "typeWebhook": "incomingMessageReceived",
        "instanceData": {"idInstance": upstream_id, "wid": "79990001122@c.us", "typeInstance": "whatsapp"},
        "timestamp": 1763749443,
        "idMessage": message_id,
        "senderData": {
            "chatId": "79990003344@c.us",
            "sender": "79990003344@c.us",
            "chatName": "Ada",
            "senderName": "Ada",
        },
        "messageData": {"typeMessage": "textMessage", "textMessageData": {"textMessage": text}},
    }


def unmapped(**more: Any) -> dict[str, Any]:
    """Something without a word of ours."""
    return {
        "typeWebhook": "incomingCall",
        "instanceData": {"idInstance": UPSTREAM, "wid": "79990001122@c.us", "typeInstance": "whatsapp"},
        "timestamp": 1763749443,
        "from": "79990003344@c.us",
        **more,
    }


async def count(runtime: Runtime, model: Any) -> int:
    """Rows of a table."""
    async with runtime.database.begin(SYSTEM) as uow:
        return int(await uow.session.scalar(select(func.count()).select_from(model)) or 0)


async def only(runtime: Runtime, model: Any) -> Any:
    """The one row of a table."""
    async with runtime.database.begin(SYSTEM) as uow:
        return (await uow.session.scalars(select(model))).one()


async def test_a_message_becomes_one_notice_one_message_one_event(runtime: Runtime, client: httpx2.AsyncClient) -> None:
    hook = await make_hook(runtime)
    reply = await client.post(hook.path, headers=hook.headers, json=incoming())
    assert (reply.status_code, reply.content) == (200, b"{}")
    notice, event = await only(runtime, Notice), await only(runtime, Event)
    assert (notice.state, notice.kind, notice.instance_id) == ("accepted", "message_received", hook.instance_id)
    assert (event.type, event.instance_id, event.sequence) == ("message.received", hook.instance_id, 1)
    assert (await only(runtime, Message)).chat_id == "79990003344@c.us"


async def test_the_kept_body_is_sealed_and_whole(runtime: Runtime, client: httpx2.AsyncClient) -> None:
    hook = await make_hook(runtime)
    body = json.dumps(incoming("a private word")).encode()
    await client.post(hook.path, headers=hook.headers, content=body)
    notice = await only(runtime, Notice)
    assert b"private" not in notice.body_sealed
    async with runtime.database.begin(SYSTEM) as uow:
        vault = await open_vault(uow, hook.tenant.tenant_id)
    assert vault.open(notice.body_sealed, f"notices.body|{hook.instance_id}") == body.decode()


async def test_the_same_notice_again_changes_nothing_and_is_answered_alike(
    runtime: Runtime, client: httpx2.AsyncClient
) -> None:
    """As after a crash between the commit and the answer."""
    hook = await make_hook(runtime)
    first = await client.post(hook.path, headers=hook.headers, json=incoming())
    for _ in range(3):
        again = await client.post(hook.path, headers=hook.headers, json=incoming())
        assert (again.status_code, again.content) == (first.status_code, first.content) == (200, b"{}")
    assert [await count(runtime, model) for model in (Notice, Event, Message)] == [1, 1, 1]


async def test_the_same_notice_at_the_same_time_is_kept_once(runtime: Runtime, client: httpx2.AsyncClient) -> None:
    hook = await make_hook(runtime)
    sent = [client.post(hook.path, headers=hook.headers, json=incoming()) for _ in range(8)]
    assert {reply.status_code for reply in await asyncio.gather(*sent)} == {200}
    assert [await count(runtime, model) for model in (Notice, Event, Message)] == [1, 1, 1]


async def test_many_notices_at_once_are_numbered_without_gaps(runtime: Runtime, client: httpx2.AsyncClient) -> None:
    hook = await make_hook(runtime)
    sent = [client.post(hook.path, headers=hook.headers, json=incoming(message_id=f"M{n}")) for n in range(30)]
    assert {reply.status_code for reply in await asyncio.gather(*sent)} == {200}
    async with runtime.database.begin(SYSTEM) as uow:
        sequences = (await uow.session.scalars(select(Event.sequence).order_by(Event.sequence))).all()
    assert list(sequences) == list(range(1, 31))


@pytest.mark.parametrize(
    "authorization",
    ["Bearer wrong", "Bearer", "Basic x", "", "Bearer \u00e9".encode().decode("latin-1")],
)
async def test_a_wrong_token_is_refused_and_nothing_is_kept(
    runtime: Runtime, client: httpx2.AsyncClient, authorization: str
) -> None:
    hook = await make_hook(runtime)
    headers = [(b"content-type", b"application/json"), (b"authorization", authorization.encode("latin-1"))]
    reply = await client.post(hook.path, headers=headers, json=incoming())
    assert (reply.status_code, reply.content) == (401, b"")
    assert await count(runtime, Notice) == 0


async def test_a_token_that_was_changed_is_refused_at_once(runtime: Runtime, client: httpx2.AsyncClient) -> None:
    hook = await make_hook(runtime)
    assert (await client.post(hook.path, headers=hook.headers, json=incoming())).status_code == 200
    async with runtime.database.begin(SYSTEM) as uow:
        await uow.session.execute(update(Instance).values(hook_token_hash=runtime.keyring.fingerprint("new")))
    reply = await client.post(hook.path, headers=hook.headers, json=incoming(message_id="second"))
    assert (reply.status_code, reply.content) == (401, b"")
    renewed = {**hook.headers, "Authorization": "Bearer new"}
    assert (await client.post(hook.path, headers=renewed, json=incoming(message_id="second"))).status_code == 200
    assert await count(runtime, Notice) == 2


async def test_another_instances_token_is_refused(runtime: Runtime, client: httpx2.AsyncClient) -> None:
    hook = await make_hook(runtime)
    other = await make_hook(runtime, upstream_id=UPSTREAM + 1)
    reply = await client.post(hook.path, headers=other.headers, json=incoming())
    assert (reply.status_code, reply.content) == (401, b"")
    assert await count(runtime, Notice) == 0


async def test_a_wrong_token_is_refused_before_the_body_is_read(runtime: Runtime, stack: tuple[Runtime, str]) -> None:
    hook = await make_hook(runtime)
    host, port = stack[1].removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = f"POST {hook.path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer no\r\nContent-Length: 1000000\r\n"
    writer.write((head + "Content-Type: application/json\r\n\r\n{").encode())
    line = await asyncio.wait_for(reader.readline(), 5)
    writer.close()
    assert line.split()[1] == b"401"


async def test_an_unknown_instance_is_not_found(runtime: Runtime, client: httpx2.AsyncClient) -> None:
    hook = await make_hook(runtime)
    for name in (to_wire(INSTANCE, new_id()), "inst_x", "7103000001", to_wire("msg", hook.instance_id)):
        reply = await client.post(f"/hooks/green/{name}", headers=hook.headers, json=incoming())
        assert (reply.status_code, reply.content) == (404, b"")


@pytest.mark.parametrize("status", ["deleting", "deleted"])
async def test_an_instance_that_is_leaving_hears_nothing_and_blocks_nothing(
    runtime: Runtime, client: httpx2.AsyncClient, status: str
) -> None:
    hook = await make_hook(runtime, status=status)
    reply = await client.post(hook.path, headers=hook.headers, json=incoming())
    assert (reply.status_code, reply.content) == (200, b"{}")
    assert [await count(runtime, model) for model in (Notice, Event)] == [0, 0]


async def test_a_notice_about_another_upstream_account_is_kept_and_not_acted_on(
    runtime: Runtime, client: httpx2.AsyncClient
) -> None:
    hook = await make_hook(runtime)
    reply = await client.post(hook.path, headers=hook.headers, json=incoming(upstream_id=UPSTREAM + 5))
    assert reply.status_code == 200
    assert (await only(runtime, Notice)).state == "foreign"
    assert [await count(runtime, model) for model in (Event, Message)] == [0, 0]
    finding = await only(runtime, Finding)
    assert (finding.kind, finding.upstream_account) == ("surplus", str(UPSTREAM + 5))


async def test_a_notice_for_an_instance_without_upstream_is_kept(runtime: Runtime, client: httpx2.AsyncClient) -> None:
    hook = await make_hook(runtime, upstream_id=None, status="provisioning")
    reply = await client.post(hook.path, headers=hook.headers, json=incoming())
    assert reply.status_code == 200
    assert (await only(runtime, Notice)).state == "foreign"


DEEP = b'{"a":' * 33 + b"1" + b"}" * 33


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"not json",
        b"[]",
        b'"text"',
        b"null",
        b"\xff\xfe",
        DEEP,
        b"[" * 200_000,
        b"{}" * 2,
    ],
    ids=["empty", "half", "text", "list", "string", "null", "bytes", "deep", "deeper", "two"],
)
async def test_what_cannot_be_read_is_kept_and_answered(
    runtime: Runtime, client: httpx2.AsyncClient, body: bytes
) -> None:
    hook = await make_hook(runtime)
    for _ in range(2):
        reply = await client.post(hook.path, headers=hook.headers, content=body)
        assert (reply.status_code, reply.content) == (200, b"{}")
    assert (await only(runtime, Notice)).state == "unreadable"
    assert await count(runtime, Event) == 0


async def test_a_body_beyond_a_mebibyte_is_cut_and_passed_over(runtime: Runtime, client: httpx2.AsyncClient) -> None:
    hook = await make_hook(runtime)
    body = json.dumps(incoming("x" * 1_200_000)).encode()
    reply = await client.post(hook.path, headers=hook.headers, content=body)
    assert reply.status_code == 200
    notice = await only(runtime, Notice)
    assert notice.state == "unreadable"
    assert len(notice.body_sealed) < 1_100_000
    huge = await client.post(hook.path, headers=hook.headers, content=b"x" * (9 * 1024 * 1024))
    assert huge.status_code == 413


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_only_json_is_taken(runtime: Runtime, client: httpx2.AsyncClient, media_type: str) -> None:
    hook = await make_hook(runtime)
    headers = {**hook.headers, "Content-Type": media_type}
    reply = await client.post(hook.path, headers=headers, content=json.dumps(incoming()).encode())
    assert reply.status_code == 415
    accepted = {**hook.headers, "Content-Type": "application/json; charset=utf-8"}
    reply = await client.post(hook.path, headers=accepted, content=json.dumps(incoming()).encode())
    assert reply.status_code == 200


async def test_texts_that_a_database_cannot_hold_are_cleaned(runtime: Runtime, client: httpx2.AsyncClient) -> None:
    hook = await make_hook(runtime)
    for body in (incoming("nul\x00 in it"), unmapped(**{"a\x00b": "c\x00d", "n": [1.5, 10**30, -(2**63) - 1]})):
        reply = await client.post(hook.path, headers=hook.headers, json=body)
        assert reply.status_code == 200
    async with runtime.database.begin(SYSTEM) as uow:
        kinds = (await uow.session.scalars(select(Notice.state).order_by(Notice.id))).all()
        types = (await uow.session.scalars(select(Event.type).order_by(Event.id))).all()
    assert list(kinds) == ["accepted", "unmapped"]
    assert list(types) == ["message.received", "gateway.event"]


async def test_what_has_no_word_is_passed_on_without_the_gateways_names(
    runtime: Runtime, client: httpx2.AsyncClient
) -> None:
    hook = await make_hook(runtime)
    body = unmapped(
        link="see https://7103.api.green-api.com/waInstance7103000001/getState/abc0123 now",
        nested=[{"downloadUrl": "https://media.green-api.com/x/y.jpg?t=1", "webhookUrlToken": "secret-token"}],
        other="https://example.com/kept",
    )
    await client.post(hook.path, headers=hook.headers, json=body)
    event = await only(runtime, Event)
    text = json.dumps(event.data)
    assert event.type == "gateway.event"
    assert event.data["type"] == "incomingCall"
    assert event.data["raw"]["other"] == "https://example.com/kept"
    for hidden in ("green-api", "7103000001", "abc0123", "secret-token", "idInstance"):
        assert hidden not in text


async def test_a_change_of_state_is_seen_by_the_tenant(runtime: Runtime, client: httpx2.AsyncClient) -> None:
    hook = await make_hook(runtime)
    body = {
        "typeWebhook": "stateInstanceChanged",
        "instanceData": {"idInstance": UPSTREAM, "wid": "79990001122@c.us", "typeInstance": "whatsapp"},
        "timestamp": 1763749443,
        "stateInstance": "blocked",
    }
    for _ in range(2):
        assert (await client.post(hook.path, headers=hook.headers, json=body)).status_code == 200
    assert (await only(runtime, Event)).type == "instance.blocked"
    assert (await only(runtime, Instance)).connection == "blocked"


async def test_a_database_that_is_away_is_answered_503_and_nothing_is_lost(
    runtime: Runtime, client: httpx2.AsyncClient
) -> None:
    """The connections are taken away: the budget of two seconds ends it, and the repeat is taken."""
    hook = await make_hook(runtime)
    engine = runtime.database.system_engine
    held = [await engine.connect() for _ in range(runtime.settings.pool_size)]
    started = asyncio.get_running_loop().time()
    reply = await client.post(hook.path, headers=hook.headers, json=incoming())
    took = asyncio.get_running_loop().time() - started
    for connection in held:
        await connection.close()
    assert (reply.status_code, reply.content) == (503, b"")
    assert took < 9, "less than the ten seconds that a connection is waited for"
    assert (await client.post(hook.path, headers=hook.headers, json=incoming())).status_code == 200
    assert await count(runtime, Event) == 1


async def test_a_notice_that_cannot_be_dealt_with_is_set_aside(runtime: Runtime, client: httpx2.AsyncClient) -> None:
    """The gateway of the instance is not set up any more; refused for ever, the notice would block all after it."""
    hook = await make_hook(runtime, provider="another")
    for _ in range(2):
        reply = await client.post(hook.path, headers=hook.headers, json=incoming())
        assert reply.status_code == 200
    assert (await only(runtime, Notice)).state == "failed"
    assert await count(runtime, Event) == 0


async def test_nothing_is_acknowledged_that_could_not_be_committed(
    runtime: Runtime, client: httpx2.AsyncClient
) -> None:
    """The stream of the instance is locked by another transaction: no answer but 503, and no half of the work."""
    hook = await make_hook(runtime)
    await client.post(hook.path, headers=hook.headers, json=incoming(message_id="first"))
    async with runtime.database.begin(SYSTEM) as uow:
        await uow.session.execute(select(Instance).where(Instance.id == hook.instance_id).with_for_update())
        reply = await client.post(hook.path, headers=hook.headers, json=incoming(message_id="second"))
    assert reply.status_code == 503
    assert [await count(runtime, model) for model in (Notice, Event, Message)] == [1, 1, 1]
    again = await client.post(hook.path, headers=hook.headers, json=incoming(message_id="second"))
    assert again.status_code == 200
    assert [await count(runtime, model) for model in (Notice, Event, Message)] == [2, 2, 2]


async def test_the_hook_is_not_in_the_contract(client: httpx2.AsyncClient) -> None:
    assert "/hooks/green" not in (await client.get("/docs/openapi.json")).text
