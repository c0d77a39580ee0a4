"""The command line: what is wrong is told in a line and by the exit code, what is printed is the answer and whole."""

import asyncio
import json
import os
import subprocess
import sys

import httpx2
import pytest
from click.testing import CliRunner, Result

from app.cli import ALL_AT_ONCE, cli
from app.kit.ids import INSTANCE, new_id, to_wire
from app.runtime import Runtime
from app.suppliers.service import NoneTakes
from dev.stack import ROOT
from tests.factories import make_tenant
from tests.workers.wishes import wish_for

NOBODY = "postgresql+asyncpg://sublet_system:canary@127.0.0.1:1/sublet"


async def sublet(runtime: Runtime, *words: str, **changes: str) -> Result:
    """The command line with the runtime's settings."""
    env = runtime.settings.as_environ() | {f"SUBLET_{name.upper()}": value for name, value in changes.items()}
    return await asyncio.to_thread(CliRunner().invoke, cli, list(words), env=env)


@pytest.mark.parametrize(
    "words",
    [
        ("instances", "move", "inst_x", "--to", ""),
        ("instances", "go-live", "inst_x", "--days", "3", "--reference", ""),
        ("instances", "go-live", "inst_x", "--days", "3", "--reference", "r" * 256),
        ("instances", "extend", "inst_x", "--days", "0", "--reference", "r"),
        ("instances", "extend", "inst_x", "--days", "3661", "--reference", "r"),
        ("instances", "list", "--status", "nonsense"),
        ("operator-keys", "create", "--name", ""),
        ("operator-keys", "create", "--name", "two\nlines"),
        ("providers", "pause", "green_api", "--reason", "r" * 501),
        ("providers", "evacuate", "green_api", "--to", ""),
        ("providers", "evacuate", "green_api", "--limit", str(10**20)),
    ],
    ids=lambda words: " ".join(words)[:40].replace("\n", " "),
)
async def test_what_http_would_refuse_is_wrong_usage_at_the_command_line_too(
    runtime: Runtime, words: tuple[str, ...]
) -> None:
    told = await sublet(runtime, *words)
    assert (told.exit_code, "Traceback" in told.output) == (2, False), told.output


@pytest.mark.parametrize(
    "words",
    [
        ("providers", "list"),
        ("providers", "check"),
        ("providers", "evacuate", "green_api"),
        ("instances", "list"),
        ("reconcile",),
        ("migrate",),
    ],
    ids=" ".join,
)
async def test_a_database_that_is_away_is_told_in_one_line(runtime: Runtime, words: tuple[str, ...]) -> None:
    told = await sublet(runtime, *words, system_database_url=NOBODY, owner_database_url=NOBODY)
    assert told.exit_code == 1
    assert told.output.startswith("sublet: the database cannot be used: ")
    assert (told.output.count("\n"), "canary" in told.output) == (1, False)


async def test_a_database_that_is_not_migrated_or_refuses_us_is_told_in_one_line(runtime: Runtime) -> None:
    url = runtime.settings.system_database_url
    elsewhere = await sublet(runtime, "instances", "list", system_database_url=url.rpartition("/")[0] + "/nowhere")
    assert (elsewhere.exit_code, elsewhere.output.count("\n")) == (1, 1), elsewhere.output
    assert "3D000" in elsewhere.output
    wrong = await sublet(runtime, "migrate", "--revision", "nope", owner_database_url=url)
    assert (wrong.exit_code, wrong.output.count("\n")) == (2, 1), wrong.output


async def test_a_gateway_that_is_not_set_up_is_named(runtime: Runtime) -> None:
    for words in (("pause", "nobody", "--reason", "x"), ("resume", "nobody"), ("weigh", "nobody", "1")):
        told = await sublet(runtime, "providers", *words)
        assert (told.exit_code, told.output) == (
            3,
            "sublet: No nobody account is set up for the live environment.\n",
        )
    told = await sublet(runtime, "providers", "check", "nobody")
    assert told.exit_code == 3
    assert "there are green_api (live), green_api (test)" in told.output


async def test_an_evacuation_that_cannot_be_pauses_nothing(runtime: Runtime) -> None:
    assert (await sublet(runtime, "providers", "evacuate", "green_api", "--to", "nobody")).exit_code == 3
    assert (await sublet(runtime, "providers", "evacuate", "green_api", "--to", "green_api")).exit_code == 1
    listed = json.loads((await sublet(runtime, "providers", "list", "-o", "json")).stdout)
    assert [each["paused_at"] for each in listed] == [None] * len(listed)


async def test_an_evacuation_that_nobody_takes_is_no_success(runtime: Runtime) -> None:
    instance = await wish_for(runtime, await make_tenant(runtime))
    told = await sublet(runtime, "providers", "evacuate", instance.provider, "-o", "json")
    assert told.exit_code == 1, told.output
    assert json.loads(told.stdout) == [{"id": to_wire(INSTANCE, instance.id), "result": NoneTakes.code}]


async def test_all_instances_are_listed_with_whole_ids(runtime: Runtime) -> None:
    tenant = await make_tenant(runtime)
    made = {to_wire(INSTANCE, (await wish_for(runtime, tenant, f"N{n}")).id) for n in range(ALL_AT_ONCE + 1)}
    listed = await sublet(runtime, "instances", "list", "--status", "queued", "-o", "id")
    assert set(listed.output.split()) == made
    table = await sublet(runtime, "instances", "list")
    assert all(each in table.output for each in made)
    assert {"provider", "remains_of"} <= set(table.output.split())


async def test_a_comparison_that_was_not_made_is_no_success(runtime: Runtime) -> None:
    told = await sublet(runtime, "reconcile", green_api_partner_token="gac.wrongcanary")
    assert told.exit_code == 1, told.output
    assert "unread" in told.stdout
    assert "canary" not in told.output


async def test_an_operators_key_that_leaked_is_ended(runtime: Runtime, client: httpx2.AsyncClient) -> None:
    secret = (await sublet(runtime, "operator-keys", "create", "--name", "laptop")).stdout.strip()
    listed = await sublet(runtime, "operator-keys", "list", "-o", "json")
    key = json.loads(listed.stdout)[0]
    assert (key["name"], key["last4"], key["revoked_at"]) == ("laptop", secret[-4:], None)
    assert secret not in listed.output
    assert (await sublet(runtime, "operator-keys", "revoke", key["id"])).exit_code == 0
    assert json.loads((await sublet(runtime, "operator-keys", "list", "-o", "json")).stdout)[0]["revoked_at"]
    headers = {"Authorization": f"Bearer {secret}"}
    assert (await client.get("/operator/v1/tenants", headers=headers)).status_code == 401
    assert (await sublet(runtime, "operator-keys", "revoke", str(new_id()))).exit_code == 3
    assert (await sublet(runtime, "operator-keys", "revoke", "laptop")).exit_code == 2


def test_the_coverage_needs_no_settings() -> None:
    told = CliRunner().invoke(cli, ["providers", "coverage"], env={"SUBLET_WINGS": ""})
    assert (told.exit_code, told.output[:11]) == (0, "| method | "), told.output


async def test_only_the_answer_is_on_stdout(runtime: Runtime) -> None:
    words = ["providers", "pause", "green_api", "--reason", "rest"]
    env = {**os.environ, **runtime.settings.as_environ()}
    told = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-m", "app", *words], cwd=ROOT, env=env, capture_output=True, check=True
    )
    assert json.loads(told.stdout)["reason"] == "rest"
    assert b"supplier_paused" in told.stderr
