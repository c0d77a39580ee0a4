"""Linking a phone: pictures, codes and the live stream, fetched fresh and kept nowhere."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from app.instances import link, service
from app.instances.viewing import Hub
from app.kit import ids
from app.kit.db import SYSTEM
from app.runtime import Runtime
from tests.conftest import Drain, Upstream
from tests.factories import TestTenant, make_ready_instance, make_tenant

Client = httpx2.AsyncClient
Ready = Callable[..., Awaitable[tuple[TestTenant, str, int]]]


@pytest.fixture
async def ready(runtime: Runtime, drain: Drain, upstream: Upstream) -> Ready:
    """Makes an active instance without a phone and tells its tenant, its public id and its upstream id."""

    async def make(*, linked: bool = False) -> tuple[TestTenant, str, int]:
        tenant = await make_tenant(runtime)
        instance = await make_ready_instance(runtime, drain, upstream, tenant, linked=linked)
        assert instance.upstream_id is not None
        return tenant, f"/v1/instances/{ids.to_wire(ids.INSTANCE, instance.id)}", instance.upstream_id

    return make


async def test_a_qr_code_is_a_fresh_picture_that_expires(client: Client, ready: Ready) -> None:
    tenant, where, _ = await ready()
    for reply in (
        await client.get(f"{where}/pairing", headers=tenant.headers),
        await client.post(f"{where}/pairing", json={}, headers=tenant.headers),
        await client.post(f"{where}/pairing", json={"method": "qr"}, headers=tenant.headers),
    ):
        assert reply.status_code == 200, reply.text
        assert reply.headers["cache-control"] == "no-store"
        told = reply.json()
        assert told["id"].startswith("pair_")
        assert told["status"] == "waiting_for_scan"
        assert told["code"] is None
        assert told["qr"]["media_type"] == "image/png"
        assert base64.b64decode(told["qr"]["data"]).startswith(b"\x89PNG")
        assert told["qr"]["expires_at"].endswith("Z")


async def test_the_picture_alone_is_a_png_nobody_keeps(client: Client, ready: Ready) -> None:
    tenant, where, _ = await ready()
    reply = await client.get(f"{where}/pairing/qr.png", headers=tenant.headers)
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "image/png"
    assert reply.headers["cache-control"] == "no-store"
    assert reply.content.startswith(b"\x89PNG")


async def test_a_code_links_the_phone_that_it_was_made_for(
    client: Client, runtime: Runtime, upstream: Upstream, ready: Ready
) -> None:
    tenant, where, upstream_id = await ready()
    body = {"method": "phone_code", "phone": "+7 999 000-11-22"}
    reply = await client.post(f"{where}/pairing", json=body, headers=tenant.headers)
    assert reply.status_code == 200, reply.text
    told = reply.json()
    assert told["qr"] is None
    assert told["status"] == "waiting_for_code"
    await upstream.control("POST", f"instances/{upstream_id}/enter_code", {"code": told["code"]["value"]})
    runtime.database.shift += timedelta(seconds=10)
    state = await client.get(f"{where}/state?refresh=true", headers=tenant.headers)
    assert state.json()["connection"] == "connected"


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({"method": "phone_code"}, "invalid_phone_number", "#/phone"),
        ({"method": "phone_code", "phone": "79990001122"}, "invalid_phone_number", "#/phone"),
        ({"method": "phone_code", "phone": "+7"}, "invalid_phone_number", "#/phone"),
        ({"method": "phone_code", "phone": "+0000000000"}, "invalid_phone_number", "#/phone"),
        ({"method": "phone_code", "phone": "+7999\x00"}, "invalid_request", "#/phone"),
        ({"method": "phone_code", "phone": "+" + "7" * 40}, "invalid_request", "#/phone"),
        ({"method": "smoke"}, "invalid_request", "#/method"),
        ({"method": "qr", "size": 3}, "unknown_field", "#/size"),
    ],
)
async def test_a_bad_wish_is_refused_with_a_pointer(
    client: Client, ready: Ready, body: dict[str, Any], code: str, pointer: str
) -> None:
    tenant, where, _ = await ready()
    reply = await client.post(f"{where}/pairing", json=body, headers=tenant.headers)
    assert reply.status_code == 400
    assert reply.json()["code"] == code
    assert reply.json()["errors"][0]["pointer"] == pointer


async def test_a_linked_instance_is_already_connected_and_then_known_so(
    client: Client, upstream: Upstream, ready: Ready
) -> None:
    tenant, where, upstream_id = await ready()
    await upstream.scan(upstream_id)
    for reply in (
        await client.get(f"{where}/pairing", headers=tenant.headers),
        await client.get(f"{where}/pairing/qr.png", headers=tenant.headers),
        await client.post(
            f"{where}/pairing", json={"method": "phone_code", "phone": "+79990001122"}, headers=tenant.headers
        ),
    ):
        assert reply.status_code == 409
        assert reply.json()["code"] == "already_connected"
    seen = (await client.get(where, headers=tenant.headers)).json()
    assert (seen["connection"], seen["phone_number"]) == ("connected", "+79990001122")


async def test_an_instance_that_restarts_says_when_to_come_back(
    client: Client, upstream: Upstream, ready: Ready
) -> None:
    tenant, where, upstream_id = await ready()
    await upstream.control("POST", f"instances/{upstream_id}/stick_starting", {"seconds": 30})
    for body in ({"method": "qr"}, {"method": "phone_code", "phone": "+79990001122"}):
        reply = await client.post(f"{where}/pairing", json=body, headers=tenant.headers)
        assert reply.status_code == 409, reply.text
        assert reply.json()["code"] == "instance_not_ready"
        assert int(reply.headers["retry-after"]) > 0


@pytest.mark.parametrize(
    ("rule", "status", "code"),
    [
        ({"kind": "status", "status": 502}, 502, "upstream_error"),
        ({"kind": "status", "status": 429}, 503, "upstream_unavailable"),
        ({"kind": "garbage"}, 502, "upstream_error"),
        ({"kind": "lose_answer"}, 502, "upstream_error"),
    ],
)
async def test_a_gateway_that_fails_is_a_problem_without_its_words(
    client: Client, upstream: Upstream, ready: Ready, rule: dict[str, Any], status: int, code: str
) -> None:
    tenant, where, _ = await ready()
    await upstream.faults({"method": "qr", **rule})
    reply = await client.get(f"{where}/pairing", headers=tenant.headers)
    assert reply.status_code == status
    assert reply.json()["code"] == code
    assert "green" not in reply.text.lower()


async def test_no_picture_and_no_code_is_kept(client: Client, runtime: Runtime, ready: Ready) -> None:
    tenant, where, _ = await ready()
    headers = tenant.headers | {"Idempotency-Key": "k"}
    reply = await client.post(
        f"{where}/pairing", json={"method": "phone_code", "phone": "+79990001122"}, headers=headers
    )
    assert reply.status_code == 200
    async with runtime.database.begin(SYSTEM) as uow:
        assert await uow.session.scalar(text("select count(*) from idempotent_requests")) == 0


async def read_events(reply: httpx2.Response) -> AsyncIterator[tuple[str, Any]]:
    """The events of a stream as they come."""
    name = ""
    async for line in reply.aiter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: ") and name:
            yield name, json.loads(line.removeprefix("data: "))
            name = ""


async def test_the_stream_shows_the_code_and_the_moment_of_linking(
    client: Client, upstream: Upstream, ready: Ready
) -> None:
    tenant, where, upstream_id = await ready()
    seen: list[tuple[str, Any]] = []
    async with client.stream("GET", f"{where}/pairing/stream", headers=tenant.headers) as reply:
        assert reply.status_code == 200
        assert reply.headers["content-type"].startswith("text/event-stream")
        assert reply.headers["cache-control"] == "no-store"
        async for name, data in read_events(reply):
            seen.append((name, data))
            if name == "qr":
                await upstream.scan(upstream_id)
    assert [name for name, _ in seen] == ["state", "qr", "connected"]
    assert seen[0][1] == {"connection": "unpaired"}
    assert base64.b64decode(seen[1][1]["data"]).startswith(b"\x89PNG")
    assert seen[2][1]["phone_number"] == "+79990001122"
    assert (await client.get(where, headers=tenant.headers)).json()["connection"] == "connected"


async def test_the_stream_holds_no_transaction(client: Client, runtime: Runtime, ready: Ready) -> None:
    """More streams than the pool has connections, and the API still answers."""
    tenant, where, _ = await ready()
    count = runtime.settings.pool_size + 3

    async def first_event() -> asyncio.Task[None]:
        opened = asyncio.Event()

        async def watch() -> None:
            async with client.stream("GET", f"{where}/pairing/stream", headers=tenant.headers) as reply:
                async for _ in read_events(reply):
                    opened.set()

        task = asyncio.create_task(watch())
        await asyncio.wait_for(opened.wait(), 10)
        return task

    tasks = [await first_event() for _ in range(count)]
    assert (await client.get(where, headers=tenant.headers)).status_code == 200
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def asker_of(runtime: Runtime, tenant: TestTenant, where: str) -> link.Asker:
    """One who may pair the instance."""
    async with runtime.database.begin(tenant.tenant_id) as uow:
        instance = await service.find(uow, ids.from_wire(ids.INSTANCE, where.rpartition("/")[2]))
    principal = await runtime.authenticator.authenticate(tenant.headers["Authorization"])
    return await link.let_in(runtime.database, runtime.registry, runtime.instance_options, principal, instance.id)


async def test_several_viewers_share_one_question_to_upstream(
    runtime: Runtime, upstream: Upstream, ready: Ready
) -> None:
    tenant, where, upstream_id = await ready()
    hub = Hub(poll_seconds=1)
    asker = await asker_of(runtime, tenant, where)
    seen: list[list[str]] = [[] for _ in range(5)]

    async def view(names: list[str]) -> None:
        async for event in hub.events(asker):
            names.append(event.get("event", ""))

    viewers = [asyncio.create_task(view(names)) for names in seen]
    while not all(seen):
        await asyncio.sleep(0.02)
    asked = len((await upstream.control("GET", "journal?method=qr&kind=call"))["entries"])
    assert asked < len(seen)
    await upstream.scan(upstream_id)
    await asyncio.wait_for(asyncio.gather(*viewers), 60)
    assert all(names[-1] == "connected" for names in seen)


async def test_a_stream_ends_with_its_time_and_with_its_instance(
    runtime: Runtime, upstream: Upstream, ready: Ready
) -> None:
    tenant, where, _ = await ready()
    asker = await asker_of(runtime, tenant, where)
    short = Hub(poll_seconds=0.05, most_seconds=0.5, heartbeat_seconds=0.1)
    events = [event async for event in short.events(asker)]
    assert events[-1]["event"] == "timeout"
    assert {"comment": "waiting", "data": None} in events
    async with runtime.database.begin(SYSTEM) as uow:
        await service.suspend(uow, await service.find(uow, asker.instance_id), by="operator")
    ended = [event async for event in Hub(poll_seconds=0.05).events(asker)]
    assert ended == []


async def test_a_stream_that_nobody_watches_asks_nothing_more(
    runtime: Runtime, upstream: Upstream, ready: Ready
) -> None:
    tenant, where, _ = await ready()
    hub = Hub(poll_seconds=0.05)
    events = hub.events(await asker_of(runtime, tenant, where))
    await anext(events)
    await events.aclose()  # type: ignore[attr-defined]

    async def count() -> int:
        return len((await upstream.control("GET", "journal?method=qr&kind=call"))["entries"])

    before = await count()
    await asyncio.sleep(0.3)
    assert await count() <= before + 1
