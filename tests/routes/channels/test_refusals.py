"""Refusals in Whapi's nested shape, each with the status that its clients know, and nothing asked or counted."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from app.accounts.models import Tenant
from app.instances import service as instances
from app.kit.db import SYSTEM
from app.runtime import Runtime
from tests.conftest import Drain, Upstream
from tests.factories import bearer, make_ready_instance, make_tenant
from tests.receiver import receiving
from tests.routes.channels.conftest import ANN, Client, Opened
from tests.routes.compat.conftest import LineClient, make_line
from tests.routes.compat.speaking.stage import Stage
from tests.routes.compat.test_gates import use_up

HELLO = {"to": ANN, "body": "Hello"}
WRONG: dict[str, tuple[str, str, dict[str, Any]]] = {
    "a text without a recipient": ("POST", "/messages/text", {"body": "x"}),
    "a text without a text": ("POST", "/messages/text", {"to": ANN}),
    "a recipient that is none": ("POST", "/messages/text", {"to": "Ann", "body": "x"}),
    "a picture without a file": ("POST", "/messages/image", {"to": ANN}),
    "a file that is none": ("POST", "/messages/image", {"to": ANN, "media": "what is this?"}),
    "an edit of a picture": ("POST", "/messages/image", {"to": ANN, "media": "https://a.example/a.jpg", "edit": "X"}),
    "a place beyond all": ("POST", "/messages/location", {"to": ANN, "latitude": 10**400, "longitude": 0}),
    "a place beyond the pole": ("POST", "/messages/location", {"to": ANN, "latitude": 91, "longitude": 0}),
    "a card without a number": ("POST", "/messages/contact", {"to": ANN, "name": "Ann", "vcard": "BEGIN:VCARD"}),
    "a poll of one option": ("POST", "/messages/poll", {"to": ANN, "title": "?", "options": ["a"]}),
    "a forward to nobody": ("POST", "/messages/ABCDEF", {}),
    "a chat that changes nothing": ("PATCH", f"/chats/{ANN}", {}),
    "a chat that is none": ("POST", "/chats/xyz", {"archive": True}),
    "an unknown presence": ("PUT", f"/presences/{ANN}", {"presence": "sleeping"}),
    "no numbers to check": ("POST", "/contacts", {"contacts": []}),
    "a group of nobody": ("POST", "/groups", {"subject": "crew", "participants": []}),
    "an unknown policy": ("PATCH", "/groups/120363000@g.us", {"setting": "send_messages", "policy": "nobody"}),
    "a story in a colour that is none": ("POST", "/stories/send/text", {"caption": "x", "background_color": "red"}),
    "an upload of nothing": ("POST", "/media", {}),
    "a webhook without an address": ("PATCH", "/settings", {"webhooks": [{"mode": "body"}]}),
    "a webhook to a private address": ("PATCH", "/settings", {"webhooks": [{"url": "http://10.0.0.1/"}]}),
}
READS = (
    "/messages/list?count=0",
    "/messages/list?count=501",
    "/messages/list?sort=up",
    "/messages/list/nobody",
    "/chats?offset=-1",
    "/contacts/nobody",
    "/groups/79990003344",
    "/users/login/12",
)


@pytest.fixture
def client_of(client: httpx2.AsyncClient, stage: Stage) -> Client:
    """Ada's channel over GREEN-API."""
    return Client(client, stage.line, stage)


def check(reply: httpx2.Response, status: int) -> str:
    """The nested shape; its details."""
    assert reply.status_code == status, reply.text
    error = reply.json()["error"]
    assert error["code"] == status
    assert error["message"]
    return str(error.get("details", ""))


async def sent(stage: Stage) -> int:
    """How many messages left."""
    return sum(row["direction"] == "outgoing" for row in await stage.messages())


async def test_only_the_token_of_a_channel_opens_it(
    client_of: Client, runtime: Runtime, client: httpx2.AsyncClient, drain: Drain, upstream: Upstream
) -> None:
    line = client_of.line
    for token in ("x", "0" * 50, line.token[:-1], line.token + "0", line.tenant.api_key):
        check(await client_of.call("POST", "/messages/text", json=HELLO, token=token), 401)
    check(await client.get(f"/whapi/health?token={line.token}"), 401)
    check(await client.get("/whapi/health", headers={"Authorization": line.token}), 401)
    eve = await make_tenant(runtime, name="Eve")
    other = await make_line(
        runtime, client, eve, await make_ready_instance(runtime, drain, upstream, eve, linked=False)
    )
    stored = await client_of.ok("POST", "/media", content=b"%PDF-1.4", headers={"Content-Type": "application/pdf"})
    media_id = stored["media"][0]["id"]
    health = await client_of.ok("GET", "/health")
    theirs = await client_of.call("GET", "/health", token=other.token)
    assert theirs.json()["channel_id"] != health["channel_id"]
    check(await client_of.call("GET", f"/media/{media_id}", token=other.token), 404)
    hook = {"webhooks": [{"url": "https://hooks.example.org/w"}]}
    await client_of.ok("PATCH", "/settings", json=hook)
    assert (await client_of.ok("GET", "/settings", token=other.token))["webhooks"] == []


async def test_what_cannot_be_understood_is_400_and_asks_nothing(client_of: Client, stage: Stage) -> None:
    for case, (verb, path, body) in WRONG.items():
        reply = await client_of.call(verb, path, json=body)
        assert check(reply, 400), case
    assert await sent(stage) == 0


async def test_what_cannot_be_read_is_refused(client_of: Client, stage: Stage) -> None:
    for path in READS:
        assert check(await client_of.call("GET", path), 400), path
    raw = {"Content-Type": "application/json"}
    for body in (b"{", b"[]", b'"x"', b"\xff"):
        check(await client_of.call("POST", "/messages/text", content=body, headers=raw), 400)
    check(await client_of.call("POST", "/messages/text", content=b" " * 300_000, headers=raw), 413)
    check(await client_of.call("POST", "/messages/image", content=b" " * 13_000_000, headers=raw), 413)
    check(await client_of.call("POST", "/messages/text", data={"to": ANN}, files={"x": ("a", b"b", "a/b")}), 400)
    check(await client_of.call("GET", "/nothing/here"), 404)
    for path in ("/labels/%2e%2e/settings", "/labels/%2e/x", "/labels/..%2fsettings", "/labels/ä/ö"):
        reply = await client_of.call("DELETE", path)
        assert check(reply, 404) == "there is no such path", path
    allowed = await client_of.call("POST", "/health")
    check(allowed, 405)
    for path in ("/messages/NONE0000", "/chats/79991112233@s.whatsapp.net", "/media/upload-" + "0" * 32):
        check(await client_of.call("GET", path), 404)
    check(await client_of.call("POST", "/messages/image", json={"to": ANN, "media": "jpeg-5f0c9d2ea41b-30a7"}), 404)
    assert await sent(stage) == 0


async def test_limits_and_the_end_of_a_trial_are_402(client_of: Client, runtime: Runtime, stage: Stage) -> None:
    await client_of.ok("POST", "/messages/text", json=HELLO)
    await use_up(runtime, client_of.line, "messages", 150)
    assert "messages of this day" in check(await client_of.call("POST", "/messages/text", json=HELLO), 402)
    assert (await client_of.ok("GET", "/limits"))["messages"] == 0
    runtime.database.shift += timedelta(days=6)
    assert "trial" in check(await client_of.call("POST", "/messages/text", json=HELLO), 402)
    check(await client_of.call("POST", "/contacts", json={"contacts": ["79990003344"]}), 402)
    assert (await client_of.ok("GET", "/health"))["status"]["text"] == "AUTH"
    assert await sent(stage) == 1


async def test_a_channel_without_a_phone_is_401_and_can_log_in(opened: Opened) -> None:
    async with opened() as client:
        await client.ok("POST", "/users/logout")
        await client.unlinked()
        check(await client.call("POST", "/messages/text", json=HELLO), 401)
        assert (await client.ok("GET", "/health"))["status"] == {"code": 3, "text": "QR"}
        shown = await client.ok("GET", "/users/login")
        assert shown["status"] == "OK"
        assert shown["base64"].startswith("data:image/png;base64,")
        image = await client.call("GET", "/users/login/image")
        assert (image.status_code, image.headers["content-type"]) == (200, "image/png")
        assert image.content.startswith(b"\x89PNG")
        assert len((await client.ok("GET", "/users/login/79990001122"))["code"]) == 8
        check(await client.call("POST", "/users/logout"), 409)


async def test_calls_that_come_too_fast_are_429_with_a_time(client_of: Client) -> None:
    await client_of.ok("GET", "/health")
    headers = bearer(client_of.line.token)
    path = "/whapi/groups/120363000@g.us"
    replies = await asyncio.gather(*(client_of.http.get(path, headers=headers) for _ in range(4)))
    fast = [reply for reply in replies if reply.status_code == 429]
    assert fast
    for reply in fast:
        check(reply, 429)
        assert reply.headers["retry-after"] == "1"


async def test_an_answer_that_never_came_is_504_and_is_not_sent_again(
    client_of: Client, stage: Stage, upstream: Upstream
) -> None:
    await upstream.faults({"method": "sendMessage", "kind": "lose_answer", "times": 1})
    key: dict[str, Any] = {"headers": {"Idempotency-Key": "k1"}}
    for _ in range(2):
        reply = await client_of.call("POST", "/messages/text", json=HELLO, **key)
        assert "before you ask again" in check(reply, 504)
    assert await sent(stage) <= 1


async def test_what_is_gone_suspended_or_starting_says_so(client_of: Client, runtime: Runtime, stage: Stage) -> None:
    async with runtime.database.begin(SYSTEM) as uow:
        tenant = await uow.session.get_one(Tenant, stage.line.tenant.tenant_id)
        tenant.status = "suspended"
    await forgotten()
    assert "suspended" in check(await client_of.call("POST", "/messages/text", json=HELLO), 403)
    assert (await client_of.call("GET", "/health")).status_code == 200
    line: LineClient = stage.line
    async with runtime.database.begin(SYSTEM) as uow:
        tenant = await uow.session.get_one(Tenant, line.tenant.tenant_id)
        tenant.status = "active"
        row = await uow.session.get_one(type(line.instance), (line.tenant.tenant_id, line.instance.id))
        row.wanted = False
    await forgotten()
    assert check(await client_of.call("GET", "/health"), 404) == "channel not found"


async def test_a_channel_that_is_being_made_says_that_it_starts(
    client: httpx2.AsyncClient, runtime: Runtime, stage: Stage
) -> None:
    tenant = await make_tenant(runtime, name="Bea")
    async with runtime.database.begin(tenant.tenant_id) as uow:
        made, _ = await instances.request_instance(
            uow,
            tenant_id=tenant.tenant_id,
            environment="live",
            name="New",
            provider="green_api",
            metadata={},
            options=runtime.instance_options,
        )
    caller = Client(client, await make_line(runtime, client, tenant, made), stage)
    assert (await caller.ok("GET", "/health"))["status"]["text"] == "INIT"
    assert await caller.ok("GET", "/users/login") == {"status": "WAITING"}
    check(await caller.call("GET", "/users/login/image"), 422)
    starting = await caller.call("GET", "/chats")
    assert "starting" in check(starting, 503)
    assert starting.headers["retry-after"]
    check(await caller.call("POST", "/messages/text", json=HELLO), 401)


async def test_files_at_an_address_are_fetched_by_us_with_care(client_of: Client) -> None:
    async with receiving() as receiver:
        stored = await client_of.ok("POST", "/media", json={"media": receiver.url})
        where = await client_of.call("GET", f"/media/{stored['media'][0]['id']}")
        assert where.status_code == 302
        assert receiver.url not in where.headers["location"]
        check(await client_of.call("PATCH", "/users/profile", json={"icon": receiver.url}), 415)
        assert len(receiver.got) == 2
    for url in ("http://10.0.0.1/a.jpg", "http://[::1]:1/a.jpg", "https://localhost.invalid/a.jpg"):
        reply = await client_of.call("POST", "/media", json={"media": url})
        check(reply, 502)


async def forgotten() -> None:
    """Wait until what was looked up is trusted no more."""
    await asyncio.sleep(0.55)
