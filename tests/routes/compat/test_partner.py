"""The partner's face, and the tokens it is entered with."""

import asyncio

import httpx2
import pytest
from sqlalchemy import Engine, event

from app.accounts.models import Tenant
from app.accounts.scopes import TENANT_SCOPES, Scope
from app.kit import ids
from app.kit.crypto import new_token
from app.kit.db import SYSTEM
from app.lines import reach
from app.runtime import Runtime
from tests.conftest import Drain, Upstream
from tests.factories import TestTenant, make_key, make_tenant, make_user
from tests.verbs.bare import make_bare

UNAUTHORIZED = b'{"code":401,"description":"Unauthorized"}'
NOT_FOUND = b'{"code":404,"description":"Not found"}'


async def token_of(client: httpx2.AsyncClient, tenant: TestTenant) -> str:
    """A new partner token."""
    reply = await client.post("/v1/partner_tokens", headers=tenant.headers, json={"name": "CRM"})
    assert reply.status_code == 201, reply.text
    secret: str = reply.json()["secret"]
    return secret


async def test_an_instance_is_made_listed_used_and_deleted(
    client: httpx2.AsyncClient, runtime: Runtime, drain: Drain, upstream: Upstream
) -> None:
    ada = await make_tenant(runtime, name="Ada")
    token = await token_of(client, ada)
    wish = {"name": "shop 17", "incomingWebhook": "yes", "webhookUrl": "http://127.0.0.1:9999/x", "stateWebhook": "no"}
    made = await client.post(f"/partner/CreateInstance/{token}", json=wish)
    assert made.status_code == 200, made.text
    assert list(made.json()) == ["idInstance", "apiTokenInstance", "typeInstance"]
    number, key = made.json()["idInstance"], made.json()["apiTokenInstance"]
    assert (type(number), len(key), made.json()["typeInstance"]) == (int, 50, "whatsapp")
    path = f"/waInstance{number}/%s/{key}"
    assert (await client.get(path % "getStateInstance")).status_code == 401
    assert (await client.get(path % "getSettings")).content == b""

    async def is_ready() -> bool:
        return (await client.get(path % "getStateInstance")).text == '{"stateInstance":"notAuthorized"}'

    await drain(until=is_ready)
    settings = (await client.get(path % "getSettings")).json()
    assert {name: settings[name] for name in wish if name != "name"} == {k: v for k, v in wish.items() if k != "name"}
    rows = (await client.get(f"/partner/getInstances/{token}")).json()
    assert list(rows[0]) == [
        *("idInstance", "name", "typeInstance", "typeAccount", "partnerUserUiid", "timeCreated", "timeDeleted"),
        *("apiTokenInstance", "deleted", "tariff", "isFree", "isPartner", "expirationDate", "isExpired"),
    ]
    assert [(row["idInstance"], row["name"], row["apiTokenInstance"]) for row in rows] == [(number, "shop 17", key)]
    assert (rows[0]["timeDeleted"], rows[0]["deleted"]) == ("0001-01-01T00:00:00", False)
    assert (await client.post(f"/partner/getInstances/{token}")).json() == rows
    assert str((await upstream.instances())[0]["id_instance"]) not in str(rows) + made.text
    gone = await client.post(f"/partner/deleteInstanceAccount/{token}", json={"idInstance": number})
    assert (gone.status_code, gone.content) == (200, b'{"deleteInstanceAccount":true}')
    again = await client.post(f"/partner/deleteInstanceAccount/{token}", json={"idInstance": str(number)})
    assert (again.status_code, again.content) == (200, NOT_FOUND)
    assert (await client.get(path % "getStateInstance")).text == "Instance is deleted"
    await drain()
    assert [row["deleted_at"] is not None for row in await upstream.instances()] == [True]


async def test_refusals_are_in_the_partners_manner(client: httpx2.AsyncClient, runtime: Runtime) -> None:
    ada, bo = await make_tenant(runtime, name="Ada"), await make_tenant(runtime, name="Bo")
    token, others = await token_of(client, ada), await token_of(client, bo)
    number = (await client.post(f"/partner/createInstance/{token}", json={"name": "a"})).json()["idInstance"]
    for wrong in ("gac.x", new_token("gac.", 31), token[:-1] + ("a" if token[-1] != "a" else "b"), "x" * 200):
        for verb, method in (("POST", "createInstance"), ("GET", "getInstances"), ("POST", "deleteInstanceAccount")):
            reply = await client.request(verb, f"/partner/{method}/{wrong}")
            assert (reply.status_code, reply.content) == (200, UNAUTHORIZED)
    foreign = await client.post(f"/partner/deleteInstanceAccount/{others}", json={"idInstance": number})
    assert (foreign.status_code, foreign.content) == (200, NOT_FOUND)
    assert (await client.get(f"/partner/getInstances/{others}")).json() == []
    second = await client.post(f"/partner/createInstance/{token}", json={"name": "b"})
    assert (second.status_code, second.json()["code"]) == (200, 402)
    assert "trial" in second.json()["description"]
    odd = await client.post(f"/partner/deleteInstanceAccount/{token}", json={"idInstance": "x"})
    assert odd.status_code == 400
    for body, status in ((b"{no", 400), (b"[]", 400), (b'{"name":"' + b"x" * 103_000 + b'"}', 500)):
        reply = await client.post(f"/partner/createInstance/{token}", content=body)
        assert reply.status_code == status
    bad = await client.post(f"/partner/createInstance/{others}", json={"name": "x", "stateWebhook": "maybe"})
    assert bad.json()["message"] == "Validation failed. Details: 'stateWebhook' must be one of [yes, no]"
    assert token not in odd.text + bad.text
    async with runtime.database.begin(SYSTEM) as uow:
        (await uow.session.get_one(Tenant, bo.tenant_id)).status = "suspended"
    await asyncio.sleep(0.6)  # what is tested: that a token is trusted no longer than half a second
    assert (await client.get(f"/partner/getInstances/{others}")).content == UNAUTHORIZED


async def test_the_same_name_twice_is_no_reason_to_refuse(
    client: httpx2.AsyncClient, runtime: Runtime, drain: Drain
) -> None:
    ada = await make_tenant(runtime)
    token = await token_of(client, ada)
    for name in ("shop", "", "two\nlines", "x" * 300):
        made = await client.post(f"/partner/createInstance/{token}", json={"name": name})
        assert made.status_code == 200
        assert "idInstance" in made.json() or made.json()["code"] == 402


async def test_a_token_is_shown_once_and_ends_when_revoked(client: httpx2.AsyncClient, runtime: Runtime) -> None:
    ada = await make_tenant(runtime)
    bo = await make_tenant(runtime, name="Bo")
    body = {"name": "CRM"}
    made = await client.post("/v1/partner_tokens", headers=ada.headers | {"Idempotency-Key": "k"}, json=body)
    again = await client.post("/v1/partner_tokens", headers=ada.headers | {"Idempotency-Key": "k"}, json=body)
    assert made.json() == again.json()
    secret, token_id = made.json()["secret"], made.json()["id"]
    assert (secret[:4], len(secret), made.json()["last4"]) == ("gac.", 41, secret[-4:])
    where = f"/v1/partner_tokens/{token_id}"
    assert made.headers["location"] == where
    for path in ("/v1/partner_tokens", where):
        shown = await client.get(path, headers=ada.headers)
        assert token_id in shown.text
        assert secret not in shown.text
    assert (await client.get("/v1/partner_tokens", headers=bo.headers)).json()["data"] == []
    for verb in ("GET", "DELETE"):
        assert (await client.request(verb, where, headers=bo.headers)).status_code == 404
    test_key = await make_key(runtime, ada, environment="test")
    assert (await client.get(where, headers=test_key)).status_code == 404
    assert (await client.get(f"/partner/getInstances/{secret}")).json() == []
    assert (await client.delete(where, headers=ada.headers)).status_code == 204
    assert (await client.delete(where, headers=ada.headers)).status_code == 404
    await asyncio.sleep(0.6)  # what is tested: that a token is trusted no longer than half a second
    assert (await client.get(f"/partner/getInstances/{secret}")).content == UNAUTHORIZED


@pytest.mark.parametrize(
    "scopes",
    [
        [Scope.KEYS_WRITE],
        [Scope.KEYS_WRITE, Scope.INSTANCES_READ, Scope.INSTANCES_WRITE],
        *([each for each in TENANT_SCOPES if each != lacking] for lacking in sorted(reach.REACH)),
    ],
)
async def test_a_key_cannot_make_a_token_that_does_more_than_itself(
    client: httpx2.AsyncClient, runtime: Runtime, scopes: list[Scope]
) -> None:
    ada = await make_tenant(runtime)
    weak = await make_key(runtime, ada, scopes=scopes)
    narrow = await make_key(runtime, ada, instance_ids=[ids.new_id()])
    for headers in (weak, narrow):
        reply = await client.post("/v1/partner_tokens", headers=headers, json={"name": "x"})
        assert reply.status_code == 403
    other = await client.post("/v1/partner_tokens", headers=ada.headers, json={"name": "x", "environment": "test"})
    assert other.status_code == 403
    user = await make_user(runtime, ada)
    both = await client.post("/v1/partner_tokens", headers=user, json={"name": "x", "environment": "test"})
    assert (both.status_code, both.json()["environment"]) == (201, "test")


async def test_a_long_list_takes_a_few_queries(client: httpx2.AsyncClient, runtime: Runtime) -> None:
    ada = await make_tenant(runtime)
    token = await token_of(client, ada)
    for _ in range(30):
        await make_bare(runtime.database, tenant_id=ada.tenant_id)
    first = (await client.get(f"/partner/getInstances/{token}")).json()
    asked = 0

    def count(*_: object) -> None:
        nonlocal asked
        asked += 1

    event.listen(Engine, "before_cursor_execute", count)
    try:
        again = (await client.get(f"/partner/getInstances/{token}")).json()
    finally:
        event.remove(Engine, "before_cursor_execute", count)
    assert again == first
    assert len({row["idInstance"] for row in first}) == len({row["apiTokenInstance"] for row in first}) == 30
    assert 0 < asked < 15


async def test_a_storm_of_partner_calls_is_slowed(client: httpx2.AsyncClient, runtime: Runtime) -> None:
    ada, bo = await make_tenant(runtime), await make_tenant(runtime, name="Bo")
    token, others = await token_of(client, ada), await token_of(client, bo)
    storm = [client.post(f"/partner/createInstance/{token}", json={"name": "x"}) for _ in range(40)]
    replies = await asyncio.gather(*storm)
    slowed = [reply for reply in replies if reply.status_code == 429]
    assert slowed
    assert {(reply.content, reply.headers["retry-after"]) for reply in slowed} == {(b"", "1")}
    assert len([reply for reply in replies if "idInstance" in reply.text]) == 1, "one trial, however many ask at once"
    made = await client.post(f"/partner/createInstance/{others}", json={"name": "x"})
    assert "idInstance" in made.json(), "another tenant does not wait for it"
