"""A kept answer is for the credential that got it: no other of the tenant reads it by guessing its key and body."""

from typing import Any

import httpx2

from app.accounts.scopes import Scope
from app.kit import ids
from app.runtime import Runtime
from tests.conftest import Drain, Upstream
from tests.factories import make_key, make_ready_instance, make_tenant, make_user
from tests.senders import Sender, make_sender

WISH: dict[str, Any] = {"name": "Server", "scopes": "full"}


async def test_a_lesser_key_gets_no_secret_that_a_greater_one_was_given(
    client: httpx2.AsyncClient, runtime: Runtime
) -> None:
    tenant = await make_tenant(runtime)
    keyed = {"Idempotency-Key": "guessable"}
    made = await client.post("/v1/api_keys", headers=tenant.headers | keyed, json=WISH)
    assert made.status_code == 201
    lesser = await make_key(runtime, tenant, scopes=[Scope.KEYS_WRITE])
    caught = await client.post("/v1/api_keys", headers=lesser | keyed, json=WISH)
    assert caught.status_code == 422
    assert caught.json()["code"] == "idempotency_key_reused"
    assert made.json()["secret"] not in caught.text
    again = await client.post("/v1/api_keys", headers=tenant.headers | keyed, json=WISH)
    assert again.content == made.content


async def test_a_session_and_a_key_do_not_share_answers(client: httpx2.AsyncClient, runtime: Runtime) -> None:
    tenant = await make_tenant(runtime)
    keyed = {"Idempotency-Key": "guessable"}
    person = await make_user(runtime, tenant)
    assert (await client.post("/v1/api_keys", headers=person | keyed, json=WISH)).status_code == 201
    caught = await client.post("/v1/api_keys", headers=tenant.headers | keyed, json=WISH)
    assert caught.status_code == 422


async def test_a_key_of_another_instance_gets_no_answer_about_this_one(
    runtime: Runtime, client: httpx2.AsyncClient, drain: Drain, upstream: Upstream
) -> None:
    sender = await make_sender(runtime, client, drain, upstream)
    assert (await sender.send(key="k1")).status_code == 202
    limited = await make_key(runtime, sender.tenant, instance_ids=[ids.new_id()])
    caught = await _send_as(sender, limited)
    assert caught.status_code == 404
    assert "Hello" not in caught.text


async def test_another_key_of_the_tenant_does_not_send_a_second_time(
    runtime: Runtime, client: httpx2.AsyncClient, drain: Drain, upstream: Upstream
) -> None:
    sender = await make_sender(runtime, client, drain, upstream)
    await sender.send(key="k1")
    caught = await _send_as(sender, await make_key(runtime, sender.tenant))
    assert (caught.status_code, caught.json()["code"]) == (422, "idempotency_key_reused")
    assert len(await sender.accepted()) == 1


async def test_a_key_narrowed_since_gets_no_answer_of_before(
    runtime: Runtime, client: httpx2.AsyncClient, drain: Drain, upstream: Upstream
) -> None:
    tenant = await make_tenant(runtime)
    made = (await client.post("/v1/api_keys", headers=tenant.headers, json=WISH)).json()
    mine = {"Authorization": f"Bearer {made['secret']}", "Idempotency-Key": "k"}
    kept = await client.post("/v1/api_keys", headers=mine, json=WISH)
    narrow = {"scopes": ["keys:write"]}
    assert (await client.patch(f"/v1/api_keys/{made['id']}", headers=tenant.headers, json=narrow)).status_code == 200
    runtime.authenticator.forget()
    caught = await client.post("/v1/api_keys", headers=mine, json=WISH)
    assert caught.status_code == 422
    assert kept.json()["secret"] not in caught.text


async def test_a_path_of_any_length_is_refused_with_a_problem(client: httpx2.AsyncClient, runtime: Runtime) -> None:
    tenant = await make_tenant(runtime)
    odd = "".join(f"{number:x}-" for number in range(2000))
    path = f"/v1/instances/{odd}/suspend"
    caught = await client.post(path, headers=tenant.headers | {"Idempotency-Key": "k"})
    assert (caught.status_code, caught.json()["code"]) == (404, "resource_not_found")


async def test_what_was_answered_about_an_instance_is_erased_with_it(
    runtime: Runtime, client: httpx2.AsyncClient, drain: Drain, upstream: Upstream
) -> None:
    sender = await make_sender(runtime, client, drain, upstream)
    other = await make_ready_instance(runtime, drain, upstream, await make_tenant(runtime, name="Bo"))
    assert (await sender.send("canary text", key="k1")).status_code == 202
    gone = await client.delete(sender.path.removesuffix("/messages"), headers=sender.tenant.headers)
    assert gone.status_code == 202, gone.text
    operation = gone.json()["id"]

    async def done() -> bool:
        told = await client.get(f"/v1/operations/{operation}", headers=sender.tenant.headers)
        return bool(told.json()["status"] == "succeeded")

    await drain(until=done)
    caught = await sender.send("canary text", key="k1")
    assert caught.status_code == 410, caught.text
    assert "canary text" not in caught.text
    assert other.status == "active"


async def _send_as(sender: Sender, headers: dict[str, str]) -> httpx2.Response:
    headers = {**headers, "Content-Type": "application/json", "Idempotency-Key": "k1"}
    return await sender.client.post(sender.path, headers=headers, content=sender.body("Hello"))


async def test_another_spelling_of_the_path_is_the_same_request(
    runtime: Runtime, client: httpx2.AsyncClient, drain: Drain, upstream: Upstream
) -> None:
    sender = await make_sender(runtime, client, drain, upstream)
    first = await sender.send(key="k1")
    headers = {**sender.tenant.headers, "Content-Type": "application/json", "Idempotency-Key": "k1"}
    for path in (f"{sender.path}/", sender.path.replace("/messages", "//messages"), f"/{sender.path}"):
        again = await client.post(f"{client.base_url}{path}", headers=headers, content=sender.body("Hello"))
        assert again.status_code in (202, 404), again.text
        if again.status_code == 202:
            assert again.content == first.content
    assert len(await sender.accepted()) == 1
