"""Pairing links: who has one may link a phone to one instance for some hours, and nothing else."""

import asyncio
import base64
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from app.instances import service
from app.instances.models import Instance
from app.instances.pairing_links import PLACE, PairingLink, read
from app.instances.pairing_page import MOST_SHOWN, REFRESH_SECONDS
from app.kit import ids
from app.kit.db import SYSTEM
from app.kit.log import mask
from app.plans import service as plans
from app.runtime import Runtime
from tests.conftest import Drain, Upstream
from tests.factories import TestTenant, make_ready_instance, make_tenant, read_instance
from tests.witness import watching

Client = httpx2.AsyncClient
Ready = Callable[..., Awaitable[tuple[TestTenant, Instance]]]


@pytest.fixture
async def ready(runtime: Runtime, drain: Drain, upstream: Upstream) -> Ready:
    """Makes an active instance without a phone and tells its tenant."""

    async def make(*, linked: bool = False) -> tuple[TestTenant, Instance]:
        tenant = await make_tenant(runtime)
        return tenant, await make_ready_instance(runtime, drain, upstream, tenant, linked=linked)

    return make


def links_of(instance: Instance) -> str:
    """Where links to an instance are made."""
    return f"/v1/instances/{ids.to_wire(ids.INSTANCE, instance.id)}/pairing/links"


async def link_to(client: Client, tenant: TestTenant, instance: Instance, **wish: Any) -> str:
    """The address of a new link."""
    reply = await client.post(links_of(instance), json=wish, headers=tenant.headers)
    assert reply.status_code == 201, reply.text
    assert reply.headers["cache-control"] == "no-store"
    return str(reply.json()["url"])


async def asked(upstream: Upstream, method: str) -> int:
    """How often upstream was asked."""
    return len((await upstream.control("GET", f"journal?method={method}&kind=call"))["entries"])


async def counted(runtime: Runtime, instance: Instance) -> int:
    """Calls that are counted of the instance's month."""
    async with runtime.database.begin(instance.tenant_id) as uow:
        _, used = await plans.usage(uow, instance.tenant_id, instance.id)
    return used.get("calls", 0)


async def shown(client: Client, url: str, word: str) -> str:
    """The page, once it says something."""
    async with asyncio.timeout(60):
        while word not in (page := (await client.get(url)).text):
            await asyncio.sleep(0.1)
    return page


async def test_whoever_has_the_link_scans_without_a_key(client: Client, upstream: Upstream, ready: Ready) -> None:
    tenant, instance = await ready()
    url = await link_to(client, tenant, instance)
    reply = await client.get(url)
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-type"].startswith("text/html")
    picture = re.search(r'src="data:image/png;base64,([^"]+)"', reply.text)
    assert picture is not None
    assert base64.b64decode(picture.group(1)).startswith(b"\x89PNG")
    assert f'content="{REFRESH_SECONDS};url=?n=1"' in reply.text
    assert instance.upstream_id is not None
    await upstream.scan(instance.upstream_id)
    page = await shown(client, url, "Linked<")
    assert "ends in 1122" in page
    assert "79990001122" not in page
    assert "data:image" not in page
    assert "refresh" not in page


async def test_the_page_is_kept_nowhere_tells_nobody_and_runs_nothing(client: Client, ready: Ready) -> None:
    tenant, instance = await ready()
    url = await link_to(client, tenant, instance)
    for reply in (await client.get(url), await client.post(url, data={"phone": "x"}), await client.get(url[:-1])):
        assert reply.headers["cache-control"] == "no-store"
        assert reply.headers["referrer-policy"] == "no-referrer"
        assert reply.headers["x-robots-tag"] == "noindex"
        policy = reply.headers["content-security-policy"]
        for rule in ("default-src 'none'", "img-src data:", "form-action 'self'", "frame-ancestors 'none'"):
            assert rule in policy
        text = reply.text.lower()
        for word in (
            "<script",
            "green",
            "whapi",
            ids.to_wire(ids.INSTANCE, instance.id),
            str(instance.upstream_account),
        ):
            assert word not in text


async def test_many_open_pages_ask_upstream_once_and_count_once(
    client: Client, runtime: Runtime, upstream: Upstream, ready: Ready
) -> None:
    tenant, instance = await ready()
    url = await link_to(client, tenant, instance)
    before, counted_before = await asked(upstream, "qr"), await counted(runtime, instance)
    replies = await asyncio.gather(*(client.get(url) for _ in range(6)))
    assert all("data:image/png" in reply.text for reply in replies)
    assert await asked(upstream, "qr") == before + 1
    assert await counted(runtime, instance) == counted_before + 1


async def test_a_page_that_is_left_open_stops_asking(client: Client, upstream: Upstream, ready: Ready) -> None:
    tenant, instance = await ready()
    url = await link_to(client, tenant, instance)
    before = await asked(upstream, "qr")
    page = (await client.get(f"{url}?n={MOST_SHOWN}")).text
    assert '<a href="?">Show a new code</a>' in page
    assert "http-equiv" not in page
    assert "data:image" not in page
    assert await asked(upstream, "qr") == before
    assert f"url=?n={MOST_SHOWN}" in (await client.get(f"{url}?n={MOST_SHOWN - 1}")).text
    odd = await client.get(f"{url}?n=-1")
    assert odd.status_code == 400
    assert url.rpartition("/")[2] not in odd.text


async def test_a_number_is_typed_on_a_page_that_does_not_refresh_itself(
    client: Client, runtime: Runtime, upstream: Upstream, ready: Ready
) -> None:
    """A field on a page that does is emptied while it is typed into."""
    tenant, instance = await ready()
    url = await link_to(client, tenant, instance)
    first = (await client.get(url)).text
    assert "http-equiv" in first
    assert "<input" not in first
    assert '<a href="?by=number">' in first
    before, counted_before = await asked(upstream, "qr"), await counted(runtime, instance)
    reply = await client.get(f"{url}?by=number")
    assert (reply.status_code, reply.headers["cache-control"]) == (200, "no-store")
    assert '<form method="post"' in reply.text
    for word in ("http-equiv", "data:image", "<script"):
        assert word not in reply.text
    assert (await asked(upstream, "qr"), await counted(runtime, instance)) == (before, counted_before)
    runtime.database.shift += timedelta(hours=25)
    assert (await client.get(f"{url}?by=number")).status_code == 410


async def test_whoever_has_typed_the_code_is_told_whether_it_is_done(
    client: Client, upstream: Upstream, ready: Ready
) -> None:
    tenant, instance = await ready()
    url = await link_to(client, tenant, instance)
    assert '<a href="?by=typed">' in (await client.post(url, data={"phone": "+79990001122"})).text
    page = (await client.get(f"{url}?by=typed")).text
    assert "not linked yet" in page
    assert "url=?n=1" in page
    assert await asked(upstream, "qr") == 0
    assert instance.upstream_id is not None
    await upstream.scan(instance.upstream_id)
    assert "Linked<" in await shown(client, url, "Linked<")
    assert "Linked<" in (await client.get(f"{url}?by=typed")).text


async def test_a_database_that_is_away_is_a_page_that_tries_again(
    client: Client, runtime: Runtime, ready: Ready
) -> None:
    tenant, instance = await ready()
    url = await link_to(client, tenant, instance)
    engine = runtime.database.tenant_engine
    held = [await engine.connect() for _ in range(runtime.settings.pool_size)]
    patience, engine.pool._timeout = engine.pool._timeout, 0.1  # type: ignore[attr-defined]
    replies = [await client.get(url), await client.post(url, data={"phone": "+79990001122"})]
    for each in held:
        await each.close()
    engine.pool._timeout = patience  # type: ignore[attr-defined]
    for reply in replies:
        assert (reply.status_code, reply.headers["referrer-policy"]) == (503, "no-referrer")
        assert "url=?n=1" in reply.text
    assert "data:image" in (await client.get(url)).text


async def test_a_code_for_the_phone_of_a_number_links_it(client: Client, upstream: Upstream, ready: Ready) -> None:
    tenant, instance = await ready()
    url = await link_to(client, tenant, instance)
    reply = await client.post(url, data={"phone": "7 (999) 000-11-22"})
    assert reply.status_code == 200, reply.text
    code = re.search(r'class="code">([^<]+)<', reply.text)
    assert code is not None
    await upstream.control("POST", f"instances/{instance.upstream_id}/enter_code", {"code": code.group(1)})
    assert "ends in 1122" in await shown(client, url, "Linked<")


@pytest.mark.parametrize("phone", ["", "12", "+0000000000", "<b>", "+7999\x00", "9" * 2500, "+٣"])
async def test_a_bad_number_is_told_and_costs_nothing(
    client: Client, upstream: Upstream, ready: Ready, phone: str
) -> None:
    tenant, instance = await ready()
    url = await link_to(client, tenant, instance)
    before = len((await upstream.control("GET", "journal?kind=call"))["entries"])
    reply = await client.post(url, data={"phone": phone})
    assert reply.status_code == (413 if len(phone) > 2000 else 400)
    assert "<b>" not in reply.text.replace("<b>Link", "")
    assert not await asked(upstream, "getAuthorizationCode")
    assert len((await upstream.control("GET", "journal?kind=call"))["entries"]) == before


def sealed(runtime: Runtime, text: str, place: str = PLACE) -> str:
    """A link with a token of our own making."""
    token = base64.urlsafe_b64encode(runtime.keyring.seal_system(text, place)).decode()
    return f"/pair/{token}"


async def test_a_forged_link_and_one_to_nothing_look_alike(client: Client, runtime: Runtime, ready: Ready) -> None:
    tenant, instance = await ready()
    url = await link_to(client, tenant, instance)
    plain = f"{instance.tenant_id.hex}{instance.id.hex}{0x7FFFFFFF:08x}"
    assert (await client.get(sealed(runtime, plain))).status_code == 200
    stranger = await make_tenant(runtime, name="Bo")
    wrong = [
        url[:-1],
        url[:-1] + ("A" if url[-1] != "A" else "B"),
        url[:-20],
        url + "A",
        "/pair/x",
        "/pair/" + "A" * 136,
        sealed(runtime, plain, "email_codes.code|1"),
        sealed(runtime, plain[:-8] + "zzzzzzzz"),
        sealed(runtime, f"{instance.tenant_id.hex}{ids.new_id().hex}7fffffff"),
        sealed(runtime, f"{stranger.tenant_id.hex}{instance.id.hex}7fffffff"),
        sealed(runtime, f"{ids.new_id().hex}{instance.id.hex}7fffffff"),
    ]
    pages = set()
    for each in wrong:
        for reply in (await client.get(each), await client.post(each, data={"phone": "+79990001122"})):
            assert reply.status_code == 404, each
            pages.add(reply.text)
    assert len(pages) == 1
    assert "This link does not work" in pages.pop()


async def test_a_link_ends_with_its_hours(client: Client, runtime: Runtime, ready: Ready) -> None:
    tenant, instance = await ready()
    short, usual = await link_to(client, tenant, instance, valid_hours=1), await link_to(client, tenant, instance)
    runtime.database.shift += timedelta(hours=1, seconds=1)
    ended = await client.get(short)
    assert ended.status_code == 410
    assert "expired" in ended.text
    assert (await client.post(short, data={"phone": "+79990001122"})).status_code == 410
    assert (await client.get(usual)).status_code == 200
    runtime.database.shift += timedelta(hours=23)
    assert (await client.get(usual)).status_code == 410


async def test_a_link_ends_with_the_gate_of_its_instance(client: Client, runtime: Runtime, ready: Ready) -> None:
    tenant, instance = await ready()
    url = await link_to(client, tenant, instance)
    assert "data:image" in (await client.get(url)).text
    async with runtime.database.begin(SYSTEM) as uow:
        await service.suspend(uow, await service.find(uow, instance.id), by="operator")
    suspended = await client.get(url)
    assert suspended.status_code == 410
    assert "data:image" not in suspended.text
    assert (await client.post(links_of(instance), json={}, headers=tenant.headers)).status_code == 403
    async with runtime.database.begin(SYSTEM) as uow:
        await service.request_deletion(uow, await service.find(uow, instance.id))
    assert (await client.get(url)).status_code == 410
    assert (await client.post(links_of(instance), json={}, headers=tenant.headers)).status_code == 410


async def test_a_link_may_be_older_than_the_account_and_says_to_wait(client: Client, runtime: Runtime) -> None:
    tenant = await make_tenant(runtime)
    made = await client.post("/v1/instances", json={"name": "New"}, headers=tenant.headers)
    wished = await read_instance(runtime, ids.from_wire(ids.INSTANCE, made.headers["x-instance-id"]))
    reply = await client.get(await link_to(client, tenant, wished))
    assert reply.status_code == 200
    assert "A moment" in reply.text
    assert "url=?n=1" in reply.text


async def test_a_gateway_that_fails_is_asked_again_by_the_page(
    client: Client, upstream: Upstream, ready: Ready
) -> None:
    tenant, instance = await ready()
    url = await link_to(client, tenant, instance)
    await upstream.faults({"method": "*", "kind": "status", "status": 502})
    for reply in (await client.get(url), await client.post(url, data={"phone": "+79990001122"})):
        assert reply.status_code == 503
        assert "url=?n=1" in reply.text
    assert "Show a new code" in (await client.get(f"{url}?n={MOST_SHOWN}")).text


async def test_an_allowance_that_is_used_up_closes_the_page_too(
    client: Client, runtime: Runtime, upstream: Upstream, ready: Ready
) -> None:
    tenant, instance = await ready()
    url = await link_to(client, tenant, instance)
    used = await counted(runtime, instance)
    async with runtime.database.begin(SYSTEM) as uow:
        for _ in range(1000 - used):
            await plans.reserve_call(uow, instance.tenant_id, instance.id)
    before = await asked(upstream, "qr")
    assert (await client.get(url)).status_code == 402
    assert (await client.post(url, data={"phone": "+79990001122"})).status_code == 402
    assert await asked(upstream, "qr") == before


@pytest.mark.parametrize("hours", [0, 73, "24", 1.5, None])
async def test_hours_out_of_bounds_are_refused_with_a_pointer(client: Client, ready: Ready, hours: Any) -> None:
    tenant, instance = await ready()
    reply = await client.post(links_of(instance), json={"valid_hours": hours}, headers=tenant.headers)
    assert reply.status_code == 400
    assert reply.json()["errors"][0]["pointer"] == "#/valid_hours"


async def test_one_key_makes_one_link(client: Client, ready: Ready) -> None:
    tenant, instance = await ready()
    headers = tenant.headers | {"Idempotency-Key": "link-1"}
    first, again = [await client.post(links_of(instance), json={}, headers=headers) for _ in range(2)]
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()


async def test_nobody_makes_a_link_to_another_tenants_instance(client: Client, runtime: Runtime, ready: Ready) -> None:
    _, instance = await ready()
    bo = await make_tenant(runtime, name="Bo")
    assert (await client.post(links_of(instance), json={}, headers=bo.headers)).status_code == 404


async def test_no_log_holds_a_token(client: Client, ready: Ready) -> None:
    tenant, instance = await ready()
    async with watching() as witness:
        url = await link_to(client, tenant, instance)
        witness.hide("token", url.rpartition("/")[2])
        await client.get(url)
        await client.post(url, data={"phone": "+79990001122"})
        await client.get(f"{url}?n=x")
        assert witness.logs.getvalue().count("/pair/{token}") >= 3
        assert witness.in_logs() == set()
    assert mask(f"GET {url} HTTP/1.1").endswith("/pair/*** HTTP/1.1")
    assert mask("/v1/instances/inst_1/pairing/links") == "/v1/instances/inst_1/pairing/links"


async def test_a_link_is_read_back_as_it_was_made(runtime: Runtime) -> None:
    async with runtime.database.begin(SYSTEM) as uow:
        made = PairingLink(ids.new_id(), ids.new_id(), uow.now.replace(microsecond=0))
    address = made.address(runtime.keyring, "https://api.example.com/")
    assert address.startswith("https://api.example.com/pair/")
    assert read(runtime.keyring, address.rpartition("/")[2]) == made
