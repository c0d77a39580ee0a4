"""The demo is the main job as an outside client lives it, on either gateway and on both."""

import json
import shutil
import subprocess
import sys
from typing import Any

import pytest

from dev.stack import ROOT


def demo(*words: str) -> subprocess.CompletedProcess[str]:
    """The demo, to its end."""
    command = [sys.executable, "-m", "dev", "demo", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=450, check=False)


def facts_of(*words: str) -> dict[str, Any]:
    """What the last line of a demo that ended well says."""
    result = demo(*words)
    assert result.returncode == 0, result.stdout[-6000:] + result.stderr[-2000:]
    last = result.stdout.strip().splitlines()[-1]
    assert last.startswith("demo: ok ")
    facts: dict[str, Any] = json.loads(last.removeprefix("demo: ok "))
    return facts


@pytest.mark.timeout(480)
def test_the_demo_ends_well() -> None:
    facts = facts_of()
    assert facts["provider"] == "green_api"
    assert facts["upstream_instances"] == 2
    assert facts["reclaimed_days"] == 36
    assert facts["balance_days"] == 0
    assert facts["billed_days"] >= 2


@pytest.mark.timeout(480)
def test_the_demo_on_whapi_ends_with_the_days_back_in_the_pool() -> None:
    facts = facts_of("whapi")
    assert facts["provider"] == "whapi"
    assert facts["upstream_instances"] == 2
    assert facts["reclaimed_days"] == 36
    assert facts["pool_days"] == [100, 93, 100]
    assert facts["billed_days"] == 0


@pytest.mark.timeout(480)
def test_the_demo_on_both_gateways_ends_with_equal_books() -> None:
    facts = facts_of("mixed")
    at_green, at_whapi = facts["shares"]["GREEN-API"], facts["shares"]["Whapi"]
    assert at_green + at_whapi == facts["tenants"] == 6
    assert facts["billed_days"] >= at_green > 0
    assert facts["pool_days"] == [100, 100 - 7 * at_whapi, 107 - 7 * at_whapi]
    assert facts["upstream_instances"] == 4


def test_a_gateway_that_nobody_knows_is_told_with_the_ones_that_are_known() -> None:
    result = demo("wapi")
    assert result.returncode == 2
    for word in ("wapi", "green_api", "whapi", "mixed"):
        assert word in result.stderr


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
def test_make_hands_the_gateway_on() -> None:
    said = subprocess.run(
        ["make", "-n", "demo", "run", "PROVIDER=mixed"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "-m dev demo mixed" in said.stdout
    assert "-m dev up mixed" in said.stdout
