"""What an instance may do, told to its owner and to nobody else."""

from datetime import timedelta

import httpx2
import pytest

from app.accounts.scopes import Scope
from app.kit import clock, ids
from app.kit.db import SYSTEM
from app.plans import service as plans
from app.runtime import Runtime
from tests.factories import TestTenant, make_key, make_tenant
from tests.verbs.bare import Bare, make_bare


@pytest.fixture
async def tenant(runtime: Runtime) -> TestTenant:
    """A tenant."""
    return await make_tenant(runtime)


@pytest.fixture
async def bare(runtime: Runtime, tenant: TestTenant) -> Bare:
    """Its instance on trial."""
    return await make_bare(runtime.database, tenant_id=tenant.tenant_id)


def _id(bare: Bare) -> str:
    return ids.to_wire(ids.INSTANCE, bare.instance_id)


async def test_anyone_may_read_the_plans(client: httpx2.AsyncClient) -> None:
    reply = await client.get("/v1/plans")
    assert reply.status_code == 200
    trial, live = reply.json()["data"]
    assert (trial["id"], trial["days"]) == ("trial", 5)
    assert {limit["metric"]: (limit["amount"], limit["period"]) for limit in trial["limits"]} == {
        "messages": (150, "day"),
        "chats": (5, "month"),
        "calls": (1000, "month"),
    }
    assert (live["id"], live["limits"], live["days"]) == ("live", [], None)


async def test_terms_and_usage_say_what_is_left(
    runtime: Runtime, client: httpx2.AsyncClient, tenant: TestTenant, bare: Bare
) -> None:
    async with runtime.database.begin(bare.tenant_id) as uow:
        await plans.reserve_send(uow, bare.tenant_id, bare.instance_id, "79990000001@c.us")
        midnight = clock.to_wire(clock.next_day_start(uow.now))
    by_query = await client.get("/v1/subscription", params={"instance_id": _id(bare)}, headers=tenant.headers)
    by_path = await client.get(f"/v1/instances/{_id(bare)}/usage", headers=tenant.headers)
    assert by_query.status_code == by_path.status_code == 200
    assert by_query.json() == by_path.json()
    told = by_path.json()
    assert (told["billing_mode"], told["allowed"], told["reason"], told["trial_days_left"]) == ("trial", True, None, 4)
    assert told["until"] == told["trial_ends_at"]
    assert told["usage"][0] == {"metric": "messages", "used": 1, "limit": 150, "resets_at": midnight}
    runtime.database.shift += timedelta(days=6)
    runtime.authenticator.forget()
    told = (await client.get(f"/v1/instances/{_id(bare)}/usage", headers=tenant.headers)).json()
    assert (told["allowed"], told["reason"], told["trial_days_left"]) == (False, "trial_expired", 0)
    assert "go live" in told["what_happens_next"]


async def test_the_ledger_of_an_instance_is_its_owners(
    runtime: Runtime, client: httpx2.AsyncClient, tenant: TestTenant, bare: Bare
) -> None:
    async with runtime.database.begin(SYSTEM) as uow:
        for number in range(3):
            await plans.go_live(
                uow, bare.tenant_id, bare.instance_id, days=number + 1, source=f"s{number}", note="hush"
            )
    first = await client.get(f"/v1/instances/{_id(bare)}/ledger", params={"limit": 2}, headers=tenant.headers)
    page = first.json()
    assert ([line["days"] for line in page["data"]], page["has_more"], page["balance_days"]) == ([3, 2], True, 6)
    assert 'rel="next"' in first.headers["Link"]
    assert "hush" not in first.text, "the operator's notes stay with the operator"
    rest = await client.get(
        f"/v1/instances/{_id(bare)}/ledger", params={"cursor": page["next_cursor"]}, headers=tenant.headers
    )
    assert [line["days"] for line in rest.json()["data"]] == [1]


@pytest.mark.parametrize(
    "path", ["/v1/instances/{}/usage", "/v1/instances/{}/ledger", "/v1/subscription?instance_id={}"]
)
async def test_others_see_404_and_lesser_keys_403(
    runtime: Runtime, client: httpx2.AsyncClient, tenant: TestTenant, bare: Bare, path: str
) -> None:
    where = path.format(_id(bare))
    assert (await client.get(where, headers=tenant.headers)).status_code == 200
    other = await make_tenant(runtime)
    narrow = await make_key(runtime, tenant, instance_ids=[ids.new_id()])
    sandbox = await make_key(runtime, tenant, environment="test")
    for headers in (other.headers, narrow, sandbox):
        reply = await client.get(where, headers=headers)
        assert (reply.status_code, reply.json()["code"]) == (404, "resource_not_found")
    lesser = await make_key(runtime, tenant, scopes=[Scope.MESSAGES_SEND])
    assert (await client.get(where, headers=lesser)).status_code == 403
    assert (await client.get(where)).status_code == 401
    assert (await client.get(path.format("inst_x"), headers=tenant.headers)).status_code == 404
