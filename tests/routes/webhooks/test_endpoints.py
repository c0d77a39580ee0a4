"""Webhook endpoints over HTTP: what is accepted, what is refused, and who may see what."""

from typing import Any

import httpx2
import pytest
from sqlalchemy import select

from app.accounts.scopes import Scope
from app.kit.db import SYSTEM
from app.kit.ids import INSTANCE, WEBHOOK_ENDPOINT, new_id, to_wire
from app.runtime import Runtime
from app.webhooks.models import WebhookEndpoint
from app.webhooks.service import MOST_ENDPOINTS
from tests.factories import TestTenant, make_key, make_tenant
from tests.rules.test_egress import REFUSED

URL = "https://example.com/hooks/sublet"
PATH = "/v1/webhook_endpoints"


async def create(client: httpx2.AsyncClient, headers: dict[str, str], **more: Any) -> dict[str, Any]:
    """A new endpoint."""
    reply = await client.post(PATH, headers=headers, json={"url": URL, **more})
    assert reply.status_code == 201, reply.text
    made: dict[str, Any] = reply.json()
    return made


async def test_an_endpoint_is_made_read_listed_changed_and_deleted(
    runtime: Runtime, client: httpx2.AsyncClient
) -> None:
    tenant = await make_tenant(runtime)
    wish = {"event_types": ["message.*"], "description": "Main", "metadata": {"crm": "1"}}
    reply = await client.post(PATH, headers=tenant.headers, json={"url": URL, **wish})
    made = reply.json()
    assert (reply.status_code, reply.headers["location"]) == (201, f"{PATH}/{made['id']}")
    assert {name: made[name] for name in wish} == wish
    assert (made["object"], made["status"], made["environment"]) == ("webhook_endpoint", "enabled", "live")
    one = f"{PATH}/{made['id']}"
    shown = await client.get(one, headers=tenant.headers)
    assert shown.json() == made
    assert shown.headers["etag"] == reply.headers["etag"] == '"v1"'
    listed = (await client.get(PATH, headers=tenant.headers)).json()
    assert listed["data"] == [made]
    changed = await client.patch(one, headers=tenant.headers, json={"description": None, "metadata": {"b": "2"}})
    assert (changed.json()["description"], changed.json()["metadata"]) == (None, {"crm": "1", "b": "2"})
    assert changed.headers["etag"] == '"v2"'
    assert (await client.delete(one, headers=tenant.headers)).status_code == 204
    for again in (client.get(one, headers=tenant.headers), client.delete(one, headers=tenant.headers)):
        assert (await again).status_code == 404
    assert (await client.get(PATH, headers=tenant.headers)).json()["data"] == []


async def test_a_change_minds_the_version_that_was_read(runtime: Runtime, client: httpx2.AsyncClient) -> None:
    tenant = await make_tenant(runtime)
    one = f"{PATH}/{(await create(client, tenant.headers))['id']}"
    stale = {**tenant.headers, "If-Match": '"v0"'}
    for refused in (client.patch(one, headers=stale, json={}), client.delete(one, headers=stale)):
        reply = await refused
        assert (reply.status_code, reply.headers["etag"]) == (412, '"v1"')
    fresh = {**tenant.headers, "If-Match": '"v1"'}
    assert (await client.patch(one, headers=fresh, json={"status": "disabled"})).status_code == 200
    unchanged = await client.get(one, headers={**tenant.headers, "If-None-Match": '"v2"'})
    assert unchanged.status_code == 304


async def test_disabling_and_enabling_are_the_tenants(runtime: Runtime, client: httpx2.AsyncClient) -> None:
    tenant = await make_tenant(runtime)
    one = f"{PATH}/{(await create(client, tenant.headers))['id']}"
    off = (await client.patch(one, headers=tenant.headers, json={"status": "disabled"})).json()
    assert (off["status"], off["disabled_reason"]) == ("disabled", "requested")
    for path, body in (("test", None), ("recover", {"since": "2026-11-01T00:00:00Z"})):
        refused = await client.post(f"{one}/{path}", headers=tenant.headers, json=body)
        assert refused.status_code == 409
    on = (await client.patch(one, headers=tenant.headers, json={"status": "enabled"})).json()
    assert (on["status"], on["disabled_reason"]) == ("enabled", None)


async def test_the_secret_is_sealed_and_shown_only_to_writers(runtime: Runtime, client: httpx2.AsyncClient) -> None:
    tenant = await make_tenant(runtime)
    reader = await make_key(runtime, tenant, scopes={Scope.WEBHOOKS_READ})
    made = await create(client, tenant.headers)
    one = f"{PATH}/{made['id']}"
    secret = (await client.get(f"{one}/secret", headers=tenant.headers)).json()["secret"]
    assert secret.startswith("whsec_")
    assert (await client.get(f"{one}/secret", headers=reader)).status_code == 403
    for path in (one, PATH, f"{one}/deliveries"):
        shown = await client.get(path, headers=reader)
        assert shown.status_code == 200
        assert "whsec_" not in shown.text
    async with runtime.database.begin(SYSTEM) as uow:
        row = (await uow.session.scalars(select(WebhookEndpoint))).one()
    assert secret.removeprefix("whsec_").encode() not in row.secret_sealed


async def test_a_rotation_repeated_under_its_key_gives_the_same_secret(
    runtime: Runtime, client: httpx2.AsyncClient
) -> None:
    tenant = await make_tenant(runtime)
    one = f"{PATH}/{(await create(client, tenant.headers))['id']}"
    keyed = {**tenant.headers, "Idempotency-Key": "rotate-1"}
    first = await client.post(f"{one}/rotate_secret", headers=keyed, json={})
    again = await client.post(f"{one}/rotate_secret", headers=keyed, json={})
    assert first.json()["secret"] == again.json()["secret"]
    assert again.headers["idempotent-replayed"] == "true"
    assert first.json()["old_secret_expires_at"] is not None


async def test_a_creation_repeated_under_its_key_makes_one(runtime: Runtime, client: httpx2.AsyncClient) -> None:
    tenant = await make_tenant(runtime)
    keyed = {**tenant.headers, "Idempotency-Key": "endpoint-1"}
    first = await create(client, keyed)
    assert await create(client, keyed) == first
    assert len((await client.get(PATH, headers=tenant.headers)).json()["data"]) == 1


INNER_NAMES = ("localhost", "redis", ".internal", ".local", ".arpa")


async def test_a_url_that_cannot_be_delivered_to_is_refused_at_once(
    runtime: Runtime, client: httpx2.AsyncClient
) -> None:
    """Loopback is allowed in the tests' deployment, and with it inner names by https; the rest is as in production."""
    tenant = await make_tenant(runtime)
    one = f"{PATH}/{(await create(client, tenant.headers))['id']}"
    urls = [url for url in REFUSED if "127." not in url and not any(name in url.lower() for name in INNER_NAMES)]
    assert len(urls) > 50
    for url in urls:
        for reply in (
            await client.post(PATH, headers=tenant.headers, json={"url": url}),
            await client.patch(one, headers=tenant.headers, json={"url": url}),
        ):
            assert reply.status_code == 400, url
            assert reply.json()["errors"][0]["pointer"] == "#/url", url


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#/url"),
        ({"url": URL, "event_types": ["message.unheard_of"]}, "#/event_types/0"),
        ({"url": URL, "event_types": ["message.received", "*"]}, "#/event_types"),
        ({"url": URL, "event_types": []}, "#/event_types"),
        ({"url": URL, "instance_ids": ["7103000001"]}, "#/instance_ids"),
        ({"url": URL, "instance_ids": []}, "#/instance_ids"),
        ({"url": URL, "secret": "whsec_x"}, "#/secret"),
        ({"url": URL, "description": "a\x00b"}, "#/description"),
        ({"url": URL, "description": "x" * 501}, "#/description"),
        ({"url": URL, "metadata": {"a": 1}}, "#/metadata"),
        ({"url": 5}, "#/url"),
        ({"url": None}, "#/url"),
    ],
)
async def test_a_bad_wish_is_told_with_its_place(
    runtime: Runtime, client: httpx2.AsyncClient, body: dict[str, Any], pointer: str
) -> None:
    tenant = await make_tenant(runtime)
    reply = await client.post(PATH, headers=tenant.headers, json=body)
    assert reply.status_code == 400, reply.text
    assert reply.json()["errors"][0]["pointer"].startswith(pointer)
    assert (await client.get(PATH, headers=tenant.headers)).json()["data"] == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("rotate_secret", {"expire_old_after_seconds": -1}),
        ("rotate_secret", {"expire_old_after_seconds": 604_801}),
        ("rotate_secret", {"expire_old_after_seconds": 1.5}),
        ("recover", {}),
        ("recover", {"since": "yesterday"}),
        ("recover", {"since": "2026-11-21T00:00:00"}),
        ("recover", {"since": "2026-11-21"}),
        ("recover", {"since": 5}),
        ("recover", {"since": "2026-02-30T00:00:00Z"}),
        ("recover", {"since": "2026-11-21T25:00:00Z"}),
        ("recover", {"since": "0001-01-01T00:00:00+14:00"}),
    ],
)
async def test_a_bad_command_is_refused(
    runtime: Runtime, client: httpx2.AsyncClient, path: str, body: dict[str, Any]
) -> None:
    tenant = await make_tenant(runtime)
    one = f"{PATH}/{(await create(client, tenant.headers))['id']}"
    assert (await client.post(f"{one}/{path}", headers=tenant.headers, json=body)).status_code == 400


@pytest.mark.parametrize("since", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-11-21T00:00:00.123456+14:00"])
async def test_any_instant_may_be_recovered_from(runtime: Runtime, client: httpx2.AsyncClient, since: str) -> None:
    tenant = await make_tenant(runtime)
    one = f"{PATH}/{(await create(client, tenant.headers))['id']}"
    reply = await client.post(f"{one}/recover", headers=tenant.headers, json={"since": since})
    assert (reply.status_code, reply.json()["delivery_count"]) == (202, 0), reply.text


async def test_another_tenant_and_environment_see_404_on_every_route(
    runtime: Runtime, client: httpx2.AsyncClient
) -> None:
    tenant, other = await make_tenant(runtime), await make_tenant(runtime)
    sandbox = await make_key(runtime, tenant, environment="test")
    one = f"{PATH}/{(await create(client, tenant.headers))['id']}"
    unknown = f"{PATH}/{to_wire(WEBHOOK_ENDPOINT, new_id())}"
    for headers, path in (
        (other.headers, one),
        (sandbox, one),
        (tenant.headers, unknown),
        (tenant.headers, f"{PATH}/x"),
    ):
        for reply in (
            await client.get(path, headers=headers),
            await client.patch(path, headers=headers, json={"description": "mine"}),
            await client.delete(path, headers=headers),
            await client.get(f"{path}/secret", headers=headers),
            await client.post(f"{path}/rotate_secret", headers=headers, json={}),
            await client.post(f"{path}/test", headers=headers),
            await client.get(f"{path}/deliveries", headers=headers),
            await client.post(f"{path}/recover", headers=headers, json={"since": "2026-11-01T00:00:00Z"}),
        ):
            assert (reply.status_code, reply.json()["code"]) == (404, "resource_not_found")
    assert (await client.get(PATH, headers=other.headers)).json()["data"] == []
    assert (await client.get(PATH, headers=sandbox)).json()["data"] == []
    assert (await client.get(one, headers=tenant.headers)).status_code == 200


async def test_a_reader_may_not_write(runtime: Runtime, client: httpx2.AsyncClient) -> None:
    tenant = await make_tenant(runtime)
    reader = await make_key(runtime, tenant, scopes={Scope.WEBHOOKS_READ, Scope.EVENTS_READ})
    one = f"{PATH}/{(await create(client, tenant.headers))['id']}"
    for reply in (
        await client.post(PATH, headers=reader, json={"url": URL}),
        await client.patch(one, headers=reader, json={}),
        await client.delete(one, headers=reader),
        await client.post(f"{one}/rotate_secret", headers=reader, json={}),
        await client.post(f"{one}/test", headers=reader),
        await client.post(f"{one}/recover", headers=reader, json={"since": "2026-11-01T00:00:00Z"}),
    ):
        assert (reply.status_code, reply.json()["required_scopes"]) == (403, ["webhooks:write"])


async def test_a_key_of_some_instances_cannot_listen_to_others(runtime: Runtime, client: httpx2.AsyncClient) -> None:
    """Else a key that may use one instance would hear the messages of all."""
    tenant, mine, other = await make_tenant(runtime), new_id(), new_id()
    limited = await limited_key(runtime, tenant, mine)
    everything = await create(client, tenant.headers)
    for wish in ({}, {"instance_ids": [to_wire(INSTANCE, other)]}, {"instance_ids": None}):
        reply = await client.post(PATH, headers=limited, json={"url": URL, **wish})
        assert reply.status_code == 403, reply.text
    made = await create(client, limited, instance_ids=[to_wire(INSTANCE, mine)])
    one = f"{PATH}/{made['id']}"
    for widened in (None, [to_wire(INSTANCE, mine), to_wire(INSTANCE, other)]):
        assert (await client.patch(one, headers=limited, json={"instance_ids": widened})).status_code == 403
    assert [row["id"] for row in (await client.get(PATH, headers=limited)).json()["data"]] == [made["id"]]
    assert (await client.get(f"{PATH}/{everything['id']}", headers=limited)).status_code == 404
    assert (await client.get(f"{PATH}/{everything['id']}/secret", headers=limited)).status_code == 404


async def limited_key(runtime: Runtime, tenant: TestTenant, instance_id: Any) -> dict[str, str]:
    """Headers with a key for one instance."""
    return await make_key(runtime, tenant, instance_ids=[instance_id])


async def test_there_is_an_end_to_endpoints(runtime: Runtime, client: httpx2.AsyncClient) -> None:
    tenant = await make_tenant(runtime)
    for _ in range(MOST_ENDPOINTS):
        await create(client, tenant.headers)
    assert (await client.post(PATH, headers=tenant.headers, json={"url": URL})).status_code == 409
    listed = (await client.get(f"{PATH}?limit=100", headers=tenant.headers)).json()
    await client.delete(f"{PATH}/{listed['data'][0]['id']}", headers=tenant.headers)
    await create(client, tenant.headers)
