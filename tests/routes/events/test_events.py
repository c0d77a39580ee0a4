"""Events over HTTP: newest first, or everything after one."""

from typing import Any

import httpx2
import pytest

from app.accounts.scopes import Scope
from app.events import service as events
from app.kit.db import SYSTEM
from app.kit.ids import EVENT, INSTANCE, new_id, to_wire
from app.runtime import Runtime
from tests.conftest import Drain
from tests.factories import TestTenant, make_key, make_tenant


async def publish(runtime: Runtime, tenant: TestTenant, **more: Any) -> str:
    """One event; its id."""
    values = {"type": "instance.created", "data": {"a": 1}, "environment": "live", **more}
    async with runtime.database.begin(SYSTEM) as uow:
        return to_wire(EVENT, (await events.publish(uow, tenant_id=tenant.tenant_id, **values)).id)


async def test_a_page_is_newest_first_and_links_to_the_next(runtime: Runtime, client: httpx2.AsyncClient) -> None:
    tenant = await make_tenant(runtime)
    made = [await publish(runtime, tenant) for _ in range(5)]
    page = await client.get("/v1/events?limit=2", headers=tenant.headers)
    body = page.json()
    assert ([row["id"] for row in body["data"]], body["object"], body["has_more"]) == (made[:2:-1], "list", True)
    following = page.headers["link"].split(">")[0].removeprefix("<")
    rest = (await client.get(following, headers=tenant.headers)).json()
    assert [row["id"] for row in rest["data"]] == [made[2], made[1]]
    last = (await client.get(f"/v1/events?limit=2&cursor={rest['next_cursor']}", headers=tenant.headers)).json()
    assert ([row["id"] for row in last["data"]], last["has_more"], last["next_cursor"]) == ([made[0]], False, None)


async def test_after_gives_what_followed_oldest_first(
    runtime: Runtime, client: httpx2.AsyncClient, drain: Drain
) -> None:
    tenant = await make_tenant(runtime)
    made = []
    for _ in range(4):
        made.append(await publish(runtime, tenant))
        await drain()
    page = (await client.get(f"/v1/events?after={made[0]}&limit=2", headers=tenant.headers)).json()
    assert ([row["id"] for row in page["data"]], page["has_more"]) == (made[1:3], True)
    page = (await client.get(f"/v1/events?after={made[2]}&limit=2", headers=tenant.headers)).json()
    assert ([row["id"] for row in page["data"]], page["has_more"]) == (made[3:], False)
    page = (await client.get(f"/v1/events?after={made[3]}", headers=tenant.headers)).json()
    assert page["data"] == []


async def test_filters_by_type_and_instance(runtime: Runtime, client: httpx2.AsyncClient, drain: Drain) -> None:
    tenant, instance_id = await make_tenant(runtime), new_id()
    first = await publish(runtime, tenant)
    await drain()
    received = await publish(runtime, tenant, type="message.received", instance_id=instance_id)
    failed = await publish(runtime, tenant, type="message.failed")
    await drain()
    for query, expected in (
        ("type=message.received", [received]),
        ("type=message.received&type=message.failed", [failed, received]),
        (f"instance_id={to_wire(INSTANCE, instance_id)}", [received]),
        (f"instance_id={to_wire(INSTANCE, new_id())}", []),
        (f"after={first}&type=message.failed", [failed]),
        ("type=no.such", []),
    ):
        page = (await client.get(f"/v1/events?{query}", headers=tenant.headers)).json()
        assert [row["id"] for row in page["data"]] == expected, query


async def test_an_event_has_an_etag_and_answers_304(runtime: Runtime, client: httpx2.AsyncClient) -> None:
    tenant = await make_tenant(runtime)
    event_id = await publish(runtime, tenant)
    shown = await client.get(f"/v1/events/{event_id}", headers=tenant.headers)
    assert shown.json()["object"] == "event"
    again = await client.get(
        f"/v1/events/{event_id}", headers={**tenant.headers, "If-None-Match": shown.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")


async def test_another_tenant_sees_404_and_an_empty_list(
    runtime: Runtime, client: httpx2.AsyncClient, drain: Drain
) -> None:
    tenant, other = await make_tenant(runtime), await make_tenant(runtime)
    event_id = await publish(runtime, tenant)
    await drain()
    blind = [
        other.headers,
        await make_key(runtime, tenant, environment="test"),
    ]
    for headers in blind:
        unknown = await client.get(f"/v1/events/{to_wire(EVENT, new_id())}", headers=headers)
        foreign = await client.get(f"/v1/events/{event_id}", headers=headers)
        assert foreign.status_code == unknown.status_code == 404
        assert foreign.json()["title"] == unknown.json()["title"]
        assert (await client.post(f"/v1/events/{event_id}/resend", headers=headers)).status_code == 404
        told = [
            (await client.get(f"/v1/events?after={name}", headers=headers)).json()
            for name in (event_id, to_wire(EVENT, new_id()))
        ]
        assert told[0]["errors"] == told[1]["errors"]
        assert told[0]["status"] == 400
        assert (await client.get("/v1/events", headers=headers)).json()["data"] == []


async def test_the_scope_is_needed(runtime: Runtime, client: httpx2.AsyncClient) -> None:
    tenant = await make_tenant(runtime, scopes={Scope.INSTANCES_READ})
    for path in ("/v1/events", f"/v1/events/{to_wire(EVENT, new_id())}", "/v1/event_types"):
        reply = await client.get(path, headers=tenant.headers)
        assert (reply.status_code, reply.json()["code"]) == (403, "insufficient_scope")
        assert (await client.get(path)).status_code == 401
    reader = await make_tenant(runtime, scopes={Scope.EVENTS_READ})
    resent = await client.post(f"/v1/events/{to_wire(EVENT, new_id())}/resend", headers=reader.headers)
    assert resent.status_code == 403


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=101", "limit=x", "after=evt_x", "after=msg_01m7zpzh3pekgt8zb1y8xg42jx", "cursor=nonsense",
     "instance_id=7", f"type={'a' * 101}", "after=", "cursor=%00", "type=%00"],
)  # fmt: skip
async def test_bad_queries_are_told(runtime: Runtime, client: httpx2.AsyncClient, query: str) -> None:
    tenant = await make_tenant(runtime)
    reply = await client.get(f"/v1/events?{query}", headers=tenant.headers)
    assert reply.status_code == 400, reply.text
    assert reply.headers["content-type"] == "application/problem+json"


async def test_after_and_cursor_exclude_each_other(runtime: Runtime, client: httpx2.AsyncClient) -> None:
    tenant = await make_tenant(runtime)
    for _ in range(2):
        event_id = await publish(runtime, tenant)
    cursor = (await client.get("/v1/events?limit=1", headers=tenant.headers)).json()["next_cursor"]
    reply = await client.get(f"/v1/events?after={event_id}&cursor={cursor}", headers=tenant.headers)
    assert (reply.status_code, reply.json()["errors"][0]["pointer"]) == (400, "?after")


async def test_the_types_are_listed_with_examples(runtime: Runtime, client: httpx2.AsyncClient) -> None:
    tenant = await make_tenant(runtime)
    body = (await client.get("/v1/event_types", headers=tenant.headers)).json()
    names = {row["name"] for row in body["data"]}
    assert {"message.received", "instance.connected", "gateway.event", "webhook_endpoint.test"} <= names
    assert all(row["example"] and row["description"] for row in body["data"])
