"""Who gets in: a number with its token, and nobody else."""

import asyncio
from urllib.parse import urlsplit

import httpx2

from app.accounts.models import Tenant
from app.instances import service as instances
from app.kit.db import SYSTEM
from app.lines.tokens import new_token
from app.plans import service as plans
from app.runtime import Runtime
from tests.conftest import Drain, Upstream
from tests.factories import make_ready_instance, make_tenant
from tests.routes.compat.conftest import LineClient, get, make_line, raw_request

EXPIRED = "Instance account is expired."


def refused(reply: httpx2.Response) -> bool:
    """Whether it is the 401 of a wrong token: nothing in it, so that nothing is learnt."""
    return (reply.status_code, reply.content) == (401, b"")


async def test_only_a_number_with_its_own_token_gets_in(
    line: LineClient, runtime: Runtime, drain: Drain, upstream: Upstream
) -> None:
    bo = await make_tenant(runtime, name="Bo")
    other = await make_line(runtime, line.http, bo, await make_ready_instance(runtime, drain, upstream, bo))
    assert (await other.call("GET", "getStateInstance")).status_code == 200
    wrong = (
        (line.number, other.token),
        (other.number, line.token),
        (line.number, new_token()),
        (line.number, line.token[:-1] + ("0" if line.token[-1] != "0" else "1")),
        (line.number, line.token.upper()),
        (line.number, "x"),
        (line.upstream_id, line.token),
        (9_999_999_999, new_token()),
        (0, line.token),
    )
    for number, token in wrong:
        assert refused(await line.http.get(f"/waInstance{number}/getStateInstance/{token}")), (number, token)
        assert refused(await line.http.post(f"/waInstance{number}/sendMessage/{token}", json={"chatId": "x"}))


async def test_the_token_is_looked_at_before_the_body(line: LineClient) -> None:
    path = f"/waInstance{line.number}/sendMessage/{new_token()}"
    assert refused(await line.http.post(path, content=b"{no json"))
    promised = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 90000000\r\n\r\n{{"
    assert (await raw_request(line.http, promised))[0] == 401
    upload = path.replace("sendMessage", "sendFileByUpload")
    assert (await raw_request(line.http, promised.replace(path, upload)))[0] == 401


async def test_a_new_token_ends_the_old_one_at_once(line: LineClient, runtime: Runtime) -> None:
    async with runtime.database.begin(SYSTEM) as uow:
        await plans.go_live(uow, line.tenant.tenant_id, line.instance.id, days=1, source="test", note=None)
    hello = {"chatId": "79990003344@c.us", "message": "Hello"}
    for _ in range(3):  # paid for and in use: such sends take the fast path
        assert (await line.call("POST", "sendMessage", json=hello)).status_code == 200
        await asyncio.sleep(0.2)
    reply = await line.call("GET", "updateApiToken")
    assert reply.status_code == 200
    assert list(reply.json()) == ["apiTokenInstance"]
    token = reply.json()["apiTokenInstance"]
    assert len(token) == 50
    assert refused(await line.call("POST", "sendMessage", json=hello))
    assert refused(await line.call("GET", "getStateInstance"))
    for method in ("sendMessage", "sendmessage"):
        path = f"/waInstance{line.number}/{method}/{token}"
        assert (await line.http.post(path, json=hello)).status_code == 200


async def test_what_was_deleted_says_so(line: LineClient, runtime: Runtime) -> None:
    async with runtime.database.begin(line.tenant.tenant_id) as uow:
        await instances.request_deletion(uow, await instances.find(uow, line.instance.id))
    await asyncio.sleep(0.6)  # what is tested: that a line is trusted no longer than half a second
    for verb, method in (("GET", "getStateInstance"), ("POST", "sendMessage"), ("GET", "getSettings")):
        reply = await line.call(verb, method)
        assert (reply.status_code, reply.text) == (400, "Instance is deleted")


async def test_what_is_suspended_can_be_read_and_left_but_not_used(
    line: LineClient, runtime: Runtime, upstream: Upstream
) -> None:
    async with runtime.database.begin(line.tenant.tenant_id) as uow:
        await instances.suspend(uow, await instances.find(uow, line.instance.id))
    await asyncio.sleep(0.6)  # as above
    await _only_readable(line)
    async with runtime.database.begin(line.tenant.tenant_id) as uow:
        await instances.resume(uow, await instances.find(uow, line.instance.id))
    async with runtime.database.begin(SYSTEM) as uow:
        tenant = await uow.session.get_one(Tenant, line.tenant.tenant_id)
        tenant.status = "suspended"
    await asyncio.sleep(0.6)  # as above
    await _only_readable(line)
    journal = await upstream.control("GET", f"journal?id_instance={line.upstream_id}&method=sendMessage")
    assert journal["entries"] == []


async def _only_readable(line: LineClient) -> None:
    for method in ("getStateInstance", "getSettings", "getWaSettings"):
        assert (await line.call("GET", method)).status_code == 200, method
    for verb, method in (("POST", "sendMessage"), ("GET", "getChats"), ("GET", "updateApiToken"), ("GET", "reboot")):
        reply = await line.call(verb, method, json={} if verb == "POST" else None)
        assert reply.status_code == 400, method
        assert reply.json()["statusCode"] == 400
        assert reply.json()["message"].startswith(EXPIRED)


async def test_who_guesses_is_made_to_wait_and_nobody_else(line: LineClient) -> None:
    loop = asyncio.get_running_loop()
    path = f"/waInstance{line.number}/getStateInstance/"
    async with httpx2.AsyncClient(base_url=line.http.base_url, timeout=30) as stranger:
        for _ in range(25):
            await stranger.get(path + new_token())
        began = loop.time()
        assert refused(await stranger.get(path + new_token()))
        assert loop.time() - began > 0.9
        for _ in range(5):  # a busy machine may take the second that guesses wait; once is enough
            guesses = [asyncio.ensure_future(stranger.get(path + new_token())) for _ in range(20)]
            await asyncio.sleep(0.1)
            assert (await line.call("GET", "getStateInstance")).status_code == 200
            was_first = not any(guess.done() for guess in guesses)
            assert all(refused(reply) for reply in await asyncio.gather(*guesses))
            if was_first:
                break
        assert was_first


async def test_an_instance_that_is_being_made_is_401_as_upstream_says(
    client: httpx2.AsyncClient, runtime: Runtime, upstream: Upstream
) -> None:
    ada = await make_tenant(runtime)
    async with runtime.database.begin(ada.tenant_id) as uow:
        instance, _ = await instances.request_instance(
            uow,
            tenant_id=ada.tenant_id,
            environment="live",
            name="New",
            provider="green_api",
            metadata={},
            options=runtime.instance_options,
        )
    line = await make_line(runtime, client, ada, instance)
    for method in ("getStateInstance", "getSettings", "qr"):
        assert refused(await line.call("GET", method))
    assert (await raw_request(client, get(line.path("getStateInstance"))))[0] == 401


async def test_a_request_that_never_came_whole_is_not_passed_on(line: LineClient, upstream: Upstream) -> None:
    before = (await upstream.control("GET", "journal"))["next"]
    at = urlsplit(str(line.http.base_url))
    for verb, method in (("POST", "sendMessage"), ("GET", "reboot")):
        _, writer = await asyncio.open_connection(at.hostname, at.port)
        writer.write(f"{verb} {line.path(method)} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{{".encode())
        await writer.drain()
        writer.close()
    assert (await line.call("GET", "getStateInstance")).status_code == 200
    entries = (await upstream.control("GET", f"journal?after={before}"))["entries"]
    assert {entry["method"] for entry in entries if entry["id_instance"] == line.upstream_id} == {"getStateInstance"}
