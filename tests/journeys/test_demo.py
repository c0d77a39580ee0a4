"""The demo is the main job as an outside client lives it."""

import json
import subprocess
import sys

import pytest

from dev.stack import ROOT


@pytest.mark.timeout(240)
def test_the_demo_ends_well() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "dev", "demo"], cwd=ROOT, capture_output=True, text=True, timeout=220, check=False
    )
    assert result.returncode == 0, result.stdout[-6000:] + result.stderr[-2000:]
    last = result.stdout.strip().splitlines()[-1]
    assert last.startswith("demo: ok ")
    facts = json.loads(last.removeprefix("demo: ok "))
    assert facts["upstream_instances"] == 2
    assert facts["reclaimed_days"] == 36
    assert facts["balance_days"] == 0
