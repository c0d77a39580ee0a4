"""What only the operator may do, over HTTP and at the command line."""

import asyncio
import json
from datetime import timedelta

import httpx2
from click.testing import CliRunner

from app.cli import cli
from app.instances import service as instances
from app.instances.tags import make_tag
from app.kit import ids
from app.kit.db import SYSTEM
from app.kit.ids import new_id
from app.runtime import Runtime
from tests.conftest import Drain, Upstream
from tests.factories import make_tenant, operator_headers
from tests.senders import make_sender
from tests.workers.wishes import failed_instance, make_account, reached, wish_for


async def sublet(runtime: Runtime, *words: str) -> tuple[int, str]:
    """The command line with the runtime's settings: exit code and what it said."""
    env = runtime.settings.as_environ()
    result = await asyncio.to_thread(CliRunner().invoke, cli, list(words), env=env)
    return result.exit_code, result.output


async def test_a_failed_instance_is_provisioned_again(
    runtime: Runtime, drain: Drain, upstream: Upstream, client: httpx2.AsyncClient
) -> None:
    instance = await failed_instance(runtime, drain, upstream)
    path = f"/operator/v1/instances/{ids.to_wire(ids.INSTANCE, instance.id)}/retry"
    headers = await operator_headers(runtime)
    tried = await client.post(path, headers=headers)
    assert (tried.status_code, tried.json()["status"]) == (202, "provisioning")
    again = await client.post(path, headers=headers)
    assert (again.status_code, again.headers["content-type"]) == (409, "application/problem+json")
    await drain(until=reached(runtime, instance))


async def test_nobody_else_retries(
    runtime: Runtime, drain: Drain, upstream: Upstream, client: httpx2.AsyncClient
) -> None:
    tenant = await make_tenant(runtime)
    path = f"/operator/v1/instances/{ids.to_wire(ids.INSTANCE, new_id())}/retry"
    assert (await client.post(path, headers=tenant.headers)).status_code == 403
    assert (await client.post(path)).status_code == 401
    assert (await client.post(path, headers=await operator_headers(runtime))).status_code == 404


async def test_the_command_line_retries(runtime: Runtime, drain: Drain, upstream: Upstream) -> None:
    instance = await failed_instance(runtime, drain, upstream)
    wire = ids.to_wire(ids.INSTANCE, instance.id)
    code, said = await sublet(runtime, "instances", "retry", wire)
    assert (code, json.loads(said)["status"]) == (0, "provisioning")
    assert (await sublet(runtime, "instances", "retry", wire))[0] == 5
    assert (await sublet(runtime, "instances", "retry", ids.to_wire(ids.INSTANCE, new_id())))[0] == 3


async def test_what_is_held_is_deleted_when_the_operator_approves(
    runtime: Runtime, upstream: Upstream, client: httpx2.AsyncClient
) -> None:
    async def orphans() -> None:
        for _ in range(4):
            await make_account(runtime, make_tag("t", new_id()))

    async def living() -> int:
        return len([item for item in await upstream.instances() if item["deleted_at"] is None])

    async def compare(**body: bool) -> set[str]:
        reply = await client.post("/operator/v1/reconciliations", headers=headers, json=body)
        assert reply.status_code == 200
        return {item["action"] for item in reply.json()["differences"]}

    headers = await operator_headers(runtime)
    await orphans()
    assert await compare(dry_run=False) == {"wait"}
    runtime.database.shift += timedelta(seconds=60)
    assert await compare(dry_run=False) == {"held"}
    assert await compare(dry_run=True, approved=True) == {"delete"}
    assert await living() == 4
    assert await compare(dry_run=False, approved=True) == {"delete"}
    assert await living() == 0


async def test_approving_at_the_command_line_goes_with_applying(runtime: Runtime, upstream: Upstream) -> None:
    assert (await sublet(runtime, "reconcile", "--approve"))[0] == 2
    assert (await sublet(runtime, "reconcile", "--apply", "--approve"))[0] == 0


async def test_the_operators_ledger_names_the_payment(runtime: Runtime, client: httpx2.AsyncClient) -> None:
    instance = await wish_for(runtime, await make_tenant(runtime))
    path = f"/operator/v1/instances/{ids.to_wire(ids.INSTANCE, instance.id)}"
    headers = await operator_headers(runtime)
    paid = {"days": 3, "reference": "invoice-1", "note": "by card"}
    assert (await client.post(f"{path}/go_live", headers=headers, json=paid)).status_code == 200
    line = (await client.get(f"{path}/ledger", headers=headers)).json()["data"][0]
    assert (line["source"], line["note"], sum(line["movements"].values())) == ("invoice-1", "by card", 0)


async def test_a_body_that_is_missing_is_told_so(runtime: Runtime, client: httpx2.AsyncClient) -> None:
    reply = await client.post("/operator/v1/reconciliations", headers=await operator_headers(runtime))
    assert (reply.status_code, reply.json()["detail"]) == (400, "A body is required.")
    assert reply.json()["errors"] == [{"pointer": "#", "code": "required", "detail": "A body is required."}]


async def test_a_status_that_there_is_not_is_told_so(runtime: Runtime, client: httpx2.AsyncClient) -> None:
    path, headers = "/operator/v1/instances", await operator_headers(runtime)
    assert (await client.get(path, headers=headers, params={"status": "failed"})).status_code == 200
    wrong = await client.get(path, headers=headers, params={"status": "nonsense"})
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (400, "?status")


async def test_days_are_not_sold_for_an_instance_that_leaves(
    runtime: Runtime, drain: Drain, upstream: Upstream, client: httpx2.AsyncClient
) -> None:
    instance = await failed_instance(runtime, drain, upstream)
    path = f"/operator/v1/instances/{ids.to_wire(ids.INSTANCE, instance.id)}/go_live"
    headers = await operator_headers(runtime)
    first = await client.post(path, headers=headers, json={"days": 3, "reference": "r1"})
    assert first.status_code == 200
    async with runtime.database.begin(SYSTEM) as uow:
        await instances.request_deletion(uow, await instances.find(uow, instance.id))
    assert (await client.post(path, headers=headers, json={"days": 3, "reference": "r2"})).status_code == 410
    assert (await client.post(path, headers=headers, json={"days": 3, "reference": "r1"})).status_code == 200


async def test_limits_of_an_instance_stand_in_place_of_its_plans(
    runtime: Runtime, drain: Drain, upstream: Upstream, client: httpx2.AsyncClient
) -> None:
    sender = await make_sender(runtime, client, drain, upstream)
    wire, headers = ids.to_wire(ids.INSTANCE, sender.instance.id), await operator_headers(runtime)
    path = f"/operator/v1/instances/{wire}/limits"
    changed = await client.put(path, headers=headers, json={"messages_per_day": 2, "calls_per_month": None})
    assert (changed.status_code, changed.json()["limits"]) == (200, {"messages": 2, "calls": None})
    usage = await client.get(f"/v1/instances/{wire}/usage", headers=sender.tenant.headers)
    assert {line["metric"]: line["limit"] for line in usage.json()["usage"]} == {
        "messages": 2, "chats": 5, "calls": None,
    }  # fmt: skip
    assert [(await sender.send(f"{number}")).status_code for number in range(3)] == [202, 202, 402]
    assert (await client.put(path, headers=headers, json={})).json()["limits"] is None
    assert (await sender.send("more")).status_code == 202


async def test_limits_are_the_operators_and_within_reason(runtime: Runtime, client: httpx2.AsyncClient) -> None:
    tenant, headers = await make_tenant(runtime), await operator_headers(runtime)
    path = f"/operator/v1/instances/{ids.to_wire(ids.INSTANCE, new_id())}/limits"
    assert (await client.put(path, headers=tenant.headers, json={})).status_code == 403
    assert (await client.put(path, headers=headers, json={})).status_code == 404
    for body in ({"messages_per_day": -1}, {"messages_per_day": "9"}, {"messages": 1}):
        assert (await client.put(path, headers=headers, json=body)).status_code == 400
