"""What a credential must look like, and what becomes of those that do not."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from app.accounts import service as accounts
from app.accounts.models import ApiKey, Membership, Tenant
from app.accounts.tokens import new_api_key, new_operator_key, new_session_token
from app.kit.db import SYSTEM
from app.runtime import Runtime
from tests.factories import bearer, make_tenant, make_user, operator_headers


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "unauthenticated"),
        ("", "unauthenticated"),
        ("Bearer", "unauthenticated"),
        ("Basic YTpi", "unauthenticated"),
        ("slt_sk_live_x", "unauthenticated"),
        ("Bearer x", "key_not_found"),
        ("Bearer slt_sk_live_" + "a" * 43, "key_not_found"),
        ("Bearer slt_sk_live_" + "é" * 43, "key_not_found"),
        ("Bearer " + new_api_key("live"), "key_not_found"),
        ("Bearer " + new_api_key("live") + " more", "key_not_found"),
        ("Bearer " + new_operator_key(), "key_not_found"),
        ("Bearer " + new_session_token(), "session_expired"),
        ("Bearer " + "slt_sk_live_" * 2000, "key_not_found"),
    ],
    ids=range(13),
)
async def test_what_is_no_credential_is_refused(client: httpx2.AsyncClient, header: str | None, code: str) -> None:
    headers = [] if header is None else [(b"Authorization", header.encode())]
    answer = await client.get("/v1/me", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, code)
    assert answer.headers["WWW-Authenticate"] == f'Bearer realm="api", error="{code}"'


async def test_the_scheme_is_read_in_any_case_and_spaces_do_no_harm(
    client: httpx2.AsyncClient, runtime: Runtime
) -> None:
    tenant = await make_tenant(runtime)
    for header in (f"bearer {tenant.api_key}", f"BEARER   {tenant.api_key}"):
        assert (await client.get("/v1/me", headers={"Authorization": header})).status_code == 200


async def test_a_credential_in_a_url_is_refused_however_it_is_spelt(
    client: httpx2.AsyncClient, runtime: Runtime
) -> None:
    tenant = await make_tenant(runtime)
    key = tenant.api_key
    for query in (f"api_key={key}", f"x={key.replace('slt_', '%73lt%5F')}", f"a={new_session_token()}"):
        for headers in ({}, tenant.headers):
            answer = await client.get(f"/v1/me?{query}", headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (400, "credential_in_url")
            assert key not in answer.text
    in_path = await client.get(f"/v1/api_keys/{key}", headers=tenant.headers)
    assert (in_path.status_code, in_path.json()["code"]) == (400, "credential_in_url")
    assert (await client.get("/v1/me?note=slt_marine", headers=tenant.headers)).status_code == 200


@pytest.mark.parametrize("status", ["suspended", "closed"])
async def test_a_tenant_that_is_not_active_is_refused_within_a_second(
    client: httpx2.AsyncClient, runtime: Runtime, status: str
) -> None:
    tenant = await make_tenant(runtime)
    session = await make_user(runtime, tenant)
    for headers in (tenant.headers, session):
        assert (await client.get("/v1/me", headers=headers)).status_code == 200
    async with runtime.database.begin(SYSTEM) as uow:
        (await uow.session.scalars(select(Tenant))).one().status = status
    loop = asyncio.get_running_loop()
    deadline = loop.time() + 1
    for headers in (tenant.headers, session):
        asked_at = loop.time()
        while (answer := await client.get("/v1/me", headers=headers)).status_code == 200:
            assert asked_at < deadline
            asked_at = loop.time()
        assert (answer.status_code, answer.json()["code"]) == (403, "organization_suspended")


async def test_a_session_has_the_role_that_its_user_has_now(client: httpx2.AsyncClient, runtime: Runtime) -> None:
    tenant = await make_tenant(runtime)
    session = await make_user(runtime, tenant)
    async with runtime.database.begin(SYSTEM) as uow:
        (await uow.session.scalars(select(Membership))).one().role = "viewer"
    refused = await client.patch("/v1/organization", headers=session, json={"name": "No"})
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope")
    async with runtime.database.begin(SYSTEM) as uow:
        await uow.session.delete((await uow.session.scalars(select(Membership))).one())
    runtime.authenticator.forget()
    assert (await client.get("/v1/me", headers=session)).json()["code"] == "session_expired"


async def test_use_is_noted_once_a_minute_and_never_waits(client: httpx2.AsyncClient, runtime: Runtime) -> None:
    tenant = await make_tenant(runtime)

    async def used_at() -> datetime | None:
        async with runtime.database.begin(tenant.tenant_id) as uow:
            return (await uow.session.scalars(select(ApiKey))).one().last_used_at

    assert await used_at() is None
    answers = await asyncio.gather(*(client.get("/v1/me", headers=tenant.headers) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    first = await used_at()
    assert first is not None
    runtime.authenticator.forget()
    await client.get("/v1/me", headers=tenant.headers)
    assert await used_at() == first
    runtime.database.shift = timedelta(seconds=61)
    async with runtime.database.begin(tenant.tenant_id) as uow:
        await uow.session.execute(select(ApiKey).with_for_update())
        runtime.authenticator.forget()
        async with asyncio.timeout(4):  # the row is locked by us: nobody waits for it (for 5 s, `lock_timeout`)
            principal = await runtime.authenticator.authenticate(tenant.headers["Authorization"])
    assert principal.tenant_id == tenant.tenant_id
    assert await used_at() == first
    runtime.authenticator.forget()
    await client.get("/v1/me", headers=tenant.headers)
    again = await used_at()
    assert again is not None
    assert (again - first).total_seconds() >= 60
    assert abs(again - datetime.now(UTC)) < timedelta(minutes=2)


async def test_a_revoked_operator_key_is_refused(runtime: Runtime, client: httpx2.AsyncClient) -> None:
    operator = await operator_headers(runtime)
    assert (await client.get("/v1/me", headers=operator)).status_code == 403
    async with runtime.database.begin(SYSTEM) as uow:
        key = (await accounts.list_operator_keys(uow))[0]
        assert (await accounts.revoke_operator_key(uow, key.id)).revoked_at is not None
    runtime.authenticator.forget()
    assert (await client.get("/v1/me", headers=operator)).json()["code"] == "key_disabled"


async def test_a_key_whose_scope_no_longer_exists_still_works(client: httpx2.AsyncClient, runtime: Runtime) -> None:
    tenant = await make_tenant(runtime)
    async with runtime.database.begin(SYSTEM) as uow:
        (await uow.session.scalars(select(ApiKey))).one().scopes = ["messages:send", "gone:read"]
    assert (await client.get("/v1/me", headers=tenant.headers)).json()["scopes"] == ["messages:send"]


async def test_a_database_error_tells_no_value(runtime: Runtime) -> None:
    async with runtime.database.begin(SYSTEM) as uow:
        with pytest.raises(DBAPIError) as failed:
            await uow.session.execute(text("select cast(:value as integer) / 0"), {"value": 424242})
        assert "424242" not in str(failed.value)


async def test_another_deployments_key_is_unknown(client: httpx2.AsyncClient, runtime: Runtime) -> None:
    assert (await client.get("/v1/me", headers=bearer(new_api_key("test")))).json()["code"] == "key_not_found"
