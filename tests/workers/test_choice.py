"""Which gateway a new instance goes to: by wish, weight, plan and health; and what the operator sees and sets."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from click.testing import CliRunner

from app.cli import cli
from app.instances import creation
from app.instances import service as instances
from app.kit.db import SYSTEM
from app.kit.ids import INSTANCE, to_wire
from app.providers.errors import CredentialRefused, TooFast, Unreachable
from app.suppliers import service as suppliers
from app.suppliers.service import NoneTakes
from dev import database as databases
from tests.conftest import free_socket, serving
from tests.factories import TestTenant, make_tenant, operator_headers, read_instance
from tests.workers.capped import Capped, capped

LIVE = "/operator/v1/providers/whapi/live"


@dataclass
class House:
    """Both gateways behind the API, and the operator's key."""

    capped: Capped
    client: httpx2.AsyncClient
    operator: dict[str, str]

    async def ask(self, verb: str, path: str, body: Any = None) -> Any:
        """One call of the operator."""
        reply = await self.client.request(verb, path, headers=self.operator, json=body)
        assert reply.status_code == 200, reply.text
        return reply.json()

    async def wish(self, tenant: TestTenant, name: str, provider: str = "auto") -> httpx2.Response:
        """One wish over HTTP."""
        body = {"name": name, "provider": provider}
        return await self.client.post("/v1/instances", headers=tenant.headers, json=body)

    async def shown(self, tenant: TestTenant, made: httpx2.Response) -> Any:
        """The instance that a wish made, as its tenant sees it."""
        path = f"/v1/instances/{made.headers['X-Instance-Id']}"
        return (await self.client.get(path, headers=tenant.headers)).json()

    async def chosen(self, count: int = 20) -> set[str]:
        """Where so many new instances would go."""
        runtime = self.capped.runtime
        return {await creation.choose(runtime.database, runtime.registry, "live") for _ in range(count)}

    async def command(self, *words: str, **changes: str) -> tuple[int, str]:
        """The command line: exit code and what it said."""
        env = self.capped.runtime.settings.as_environ() | changes
        result = await asyncio.to_thread(CliRunner().invoke, cli, list(words), env=env)
        return result.exit_code, result.output


@pytest.fixture
async def house(dsns: databases.Dsns, redis_url: str, clean: None, http: httpx2.AsyncClient) -> AsyncIterator[House]:
    """Both gateways behind the API."""
    async with (
        capped(dsns, redis_url, http) as made,
        serving(made.runtime, free_socket()) as url,
        httpx2.AsyncClient(base_url=url, timeout=30) as client,
    ):
        yield House(made, client, await operator_headers(made.runtime))


async def test_by_default_all_gateways_get_new_instances(house: House) -> None:
    assert await house.chosen(60) == {"green_api", "whapi"}


@pytest.mark.parametrize("name", ["green_api", "whapi"])
async def test_a_wish_is_followed(house: House, name: str) -> None:
    tenant = await make_tenant(house.capped.runtime)
    reply = await house.wish(tenant, "A", name)
    shown = await house.client.get(f"/v1/instances/{reply.headers['X-Instance-Id']}", headers=tenant.headers)
    assert shown.json()["provider"] == name


async def test_a_paused_gateway_takes_no_new_instances_and_keeps_its_own(house: House) -> None:
    tenant = await make_tenant(house.capped.runtime)
    before = await house.capped.wish(tenant, "before")
    paused = await house.ask("POST", f"{LIVE}/pause", {"reason": "dearer"})
    assert (paused["reason"], paused["paused_at"] is not None) == ("dearer", True)
    assert await house.chosen() == {"green_api"}
    refused = await house.wish(tenant, "B", "whapi")
    assert (refused.status_code, refused.json()["code"]) == (503, "upstream_unavailable")
    for _ in range(4):
        await house.capped.work()
        await house.capped.advance(10)
    assert (await read_instance(house.capped.runtime, before.id)).status == "active"
    assert (await house.ask("POST", f"{LIVE}/resume"))["paused_at"] is None
    other = await make_tenant(house.capped.runtime)
    assert (await house.wish(other, "B", "whapi")).status_code == 202


async def test_when_all_are_paused_nobody_takes_and_it_is_told_as_an_outage(house: House) -> None:
    for name in ("green_api", "whapi"):
        await house.ask("POST", f"/operator/v1/providers/{name}/live/pause", {"reason": "night"})
    with pytest.raises(NoneTakes):
        await house.chosen()
    reply = await house.wish(await make_tenant(house.capped.runtime), "A")
    assert (reply.status_code, reply.json()["retryable"]) == (503, True)


async def test_an_answer_that_was_given_is_given_again_although_it_is_paused_now(house: House) -> None:
    tenant = await make_tenant(house.capped.runtime)
    headers = tenant.headers | {"Idempotency-Key": "one"}
    body = {"name": "A", "provider": "whapi"}
    first = await house.client.post("/v1/instances", headers=headers, json=body)
    await house.ask("POST", f"{LIVE}/pause", {"reason": "night"})
    again = await house.client.post("/v1/instances", headers=headers, json=body)
    assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])


async def test_weights_and_plans_decide(house: House) -> None:
    await house.ask("PUT", f"{LIVE}/weight", {"weight": 0})
    assert await house.chosen() == {"green_api"}
    await house.ask("PUT", f"{LIVE}/weight", {"weight": 1000})
    await house.ask("PUT", "/operator/v1/providers/green_api/live/weight", {"weight": 1, "plans": ["live"]})
    assert await house.chosen() == {"whapi"}
    wrong = await house.client.put(f"{LIVE}/weight", headers=house.operator, json={"weight": 1, "plans": ["gold"]})
    assert wrong.status_code == 400
    wrong = await house.client.put(f"{LIVE}/weight", headers=house.operator, json={"weight": -1})
    assert wrong.status_code == 400


async def test_creations_that_fail_send_new_instances_elsewhere_for_a_while(house: House) -> None:
    tenant = await make_tenant(house.capped.runtime)
    rule = {"method": "createChannel", "kind": "status", "status": 400, "times": 3, "provider": "whapi"}
    await house.capped.upstream.faults(rule)
    for number in range(3):
        await house.capped.wish(tenant, f"{number}")
    await house.capped.work()
    (row,) = [
        each for each in (await house.ask("GET", "/operator/v1/providers"))["data"] if each["provider"] == "whapi"
    ]
    assert (row["is_well"], row["failures"]) == (False, 3)
    assert await house.chosen() == {"green_api"}
    await house.ask("POST", "/operator/v1/providers/green_api/live/pause", {"reason": "night"})
    assert await house.chosen() == {"whapi"}
    await house.ask("POST", "/operator/v1/providers/green_api/live/resume")
    for _ in range(6):
        await house.capped.advance(10)
        await house.capped.work()
    assert await house.chosen(60) == {"green_api", "whapi"}


async def test_a_wish_that_left_the_choice_to_us_goes_to_another_when_its_gateway_is_ill(house: House) -> None:
    """The first tries are refused at Whapi; one that named it stays there, one that did not is made elsewhere."""
    await house.ask("POST", "/operator/v1/providers/green_api/live/pause", {"reason": "so that it begins at Whapi"})
    ours, named = [await make_tenant(house.capped.runtime) for _ in range(2)]
    made = [await house.wish(ours, "A"), await house.wish(named, "B", "whapi")]
    await house.ask("POST", "/operator/v1/providers/green_api/live/resume")
    rule = {"method": "createChannel", "kind": "status", "status": 400, "times": 100, "provider": "whapi"}
    await house.capped.upstream.faults(rule)
    for _ in range(8):
        await house.capped.work()
        await house.capped.advance(10)
    shown = [await house.shown(tenant, reply) for tenant, reply in zip((ours, named), made, strict=True)]
    assert [(each["provider"], each["status"]) for each in shown] == [
        ("green_api", "active"),
        ("whapi", "provisioning"),
    ]
    assert await house.capped.channels() == []


async def test_a_create_of_unknown_outcome_binds_a_wish_to_its_gateway(house: House) -> None:
    await house.ask("POST", "/operator/v1/providers/green_api/live/pause", {"reason": "so that it begins at Whapi"})
    tenant = await make_tenant(house.capped.runtime)
    made = await house.wish(tenant, "A")
    await house.ask("POST", "/operator/v1/providers/green_api/live/resume")
    lost = {"method": "createChannel", "kind": "lose_request", "times": 1, "provider": "whapi"}
    refused = {"method": "createChannel", "kind": "status", "status": 400, "times": 5, "provider": "whapi"}
    await house.capped.upstream.faults(lost, refused)
    for _ in range(30):
        await house.capped.work()
        await house.capped.advance(10)
    shown = await house.shown(tenant, made)
    assert (shown["provider"], shown["status"]) == ("whapi", "active")


async def test_addresses_of_notifications_bear_the_word_of_the_gateway(house: House) -> None:
    runtime = house.capped.runtime
    tenant = await make_tenant(runtime)
    for provider, word in (("green_api", "green"), ("whapi", "whapi")):
        instance = await house.capped.wish(tenant, provider, provider=provider)
        async with runtime.database.begin(SYSTEM) as uow:
            traits = runtime.registry.get(provider, "live").traits
            wish = await instances.wish(uow, instance, runtime.instance_options, traits)
        assert wish.hook_url == f"http://127.0.0.1:9/hooks/{word}/{to_wire(INSTANCE, instance.id)}"


async def test_a_refused_token_is_enough_and_haste_is_no_illness(house: House) -> None:
    database = house.capped.runtime.database
    async with database.begin(SYSTEM) as uow:
        await suppliers.failed(uow, "whapi", "live", TooFast(), 1800.0)
    assert await house.chosen(60) == {"green_api", "whapi"}
    async with database.begin(SYSTEM) as uow:
        await suppliers.failed(uow, "whapi", "live", Unreachable(), 1800.0)
    assert await house.chosen(60) == {"green_api", "whapi"}
    async with database.begin(SYSTEM) as uow:
        await suppliers.failed(uow, "whapi", "live", CredentialRefused(), 1800.0)
    assert await house.chosen() == {"green_api"}
    await house.capped.advance(301)
    assert await house.chosen(60) == {"green_api", "whapi"}


async def test_the_operator_alone_sees_and_sets_gateways(house: House) -> None:
    tenant = await make_tenant(house.capped.runtime)
    calls = (
        ("GET", "/operator/v1/providers", None),
        ("POST", f"{LIVE}/check", None),
        ("POST", f"{LIVE}/pause", {"reason": "x"}),
        ("POST", f"{LIVE}/resume", None),
        ("PUT", f"{LIVE}/weight", {"weight": 1}),
    )
    for verb, path, body in calls:
        assert (await house.client.request(verb, path, headers=tenant.headers, json=body)).status_code == 403
        assert (await house.client.request(verb, path, json=body)).status_code == 401
        unknown = path.replace("whapi", "unknown")
        if unknown != path:
            reply = await house.client.request(verb, unknown, headers=house.operator, json=body)
            assert reply.status_code == 404


async def test_a_check_says_in_words_what_is_there(house: House) -> None:
    found = await house.ask("POST", f"{LIVE}/check")
    words = " ".join(each["text"] for each in found["remarks"])
    assert "accepts the partner token" in words
    assert "At most 20 accounts are created in 30 minutes: 0 were, there is room now" in words
    assert "pool" in words


async def test_the_command_line_lists_checks_pauses_resumes_and_weighs(house: House) -> None:
    code, said = await house.command("providers", "list", "-o", "json")
    assert (code, {each["provider"] for each in json.loads(said)}) == (0, {"green_api", "whapi"})
    code, said = await house.command("providers", "pause", "whapi", "--reason", "dearer")
    assert (code, json.loads(said)["reason"]) == (0, "dearer")
    code, said = await house.command("providers", "check", "whapi")
    assert "warning: It takes no new instances since" in said
    assert "ok: The pool holds" in said
    code, said = await house.command("providers", "check", "whapi", SUBLET_POOL_LOW_DAYS="1000000")
    assert "warning: The pool holds" in said
    code, said = await house.command("providers", "resume", "whapi")
    assert (code, json.loads(said)["paused_at"]) == (0, None)
    code, said = await house.command("providers", "weigh", "whapi", "7", "--plan", "trial")
    assert (code, json.loads(said)["weight"], json.loads(said)["plans"]) == (0, 7, ["trial"])
    assert (await house.command("providers", "pause", "unknown", "--reason", "x"))[0] == 3
    assert (await house.command("providers", "check", "unknown"))[0] == 3
