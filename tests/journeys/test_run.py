"""`make run` as the README tells it: its curl lines do what they say, and Ctrl-C leaves nothing behind."""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from dev.stack import ROOT


@pytest.fixture
def checkout() -> Iterator[Path]:
    """The checkout's files in a folder of their own, with its virtual environment: a developer may be running his.

    Everybody may enter the folder, so that root's servers, which run as somebody else, need no copy elsewhere.
    """
    ignore = shutil.ignore_patterns(".git", ".venv", ".dev", "__pycache__", ".*_cache", ".hypothesis")
    with tempfile.TemporaryDirectory(prefix="sublet-checkout-") as folder:
        Path(folder).chmod(0o755)
        shutil.copytree(ROOT, Path(folder) / "sublet", ignore=ignore)
        yield Path(folder) / "sublet"


def lines_to_type() -> str:
    """The README's shell block."""
    found = re.search(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S)
    assert found
    return found.group(1)


@pytest.mark.skipif(shutil.which("curl") is None, reason="the README's lines need curl")
@pytest.mark.timeout(480)
def test_the_readmes_lines_do_what_they_say_and_nothing_is_left(checkout: Path) -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith("SUBLET_")}
    python = ROOT / ".venv" / "bin" / "python"
    running = subprocess.Popen([str(python), "-m", "dev", "up"], cwd=checkout, env=env, start_new_session=True)
    try:
        stack = wait_for(checkout / ".dev" / "stack.json", running)
        assert (checkout / ".dev" / "stack.json").stat().st_mode & 0o777 == 0o600
        assert (checkout / ".dev" / "settings.sh").stat().st_mode & 0o777 == 0o600
        listing = f". .dev/settings.sh && {python} -m app instances list -o id"
        listed = subprocess.run(
            ["sh", "-c", listing], cwd=checkout, env=env, capture_output=True, text=True, check=True
        )
        assert sorted(listed.stdout.split()) == sorted(each["instance_id"] for each in tenants_of(stack))
        assert {"api", "simulator", "operator_key", "tenants", "mailbox"} <= set(stack)
        typed = subprocess.run(
            ["bash", "-ec", lines_to_type()],
            cwd=checkout,
            env=env,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert typed.returncode == 0, typed.stdout + typed.stderr
        for sign in ('"status":"queued"', '"object":"list"', '"connection":"connected"', '"object":"session"'):
            assert sign in typed.stdout, (sign, typed.stdout)
        for sign in ('"stateInstance":"authorized"', '"idMessage":"', '"object":"upload"', '"group_id":"'):
            assert sign in typed.stdout, (sign, typed.stdout)
        assert '"billing_mode":"live"' in typed.stdout
        assert '"balance_days":30' in typed.stdout
        for sign in ('"provider":"whapi"', '"object":"supplier_check"', '"is_usable":true', '"object":"pool"'):
            assert sign in typed.stdout, (sign, typed.stdout)
        weights = {(row["provider"], row["environment"]): row["weight"] for row in suppliers_in(typed.stdout)}
        gateways = {"green_api": 100, "whapi": 0}
        assert weights == {(name, place): gateways[name] for name in gateways for place in ("live", "test")}
        assert '"code":"' not in typed.stdout, typed.stdout
        children = psutil.Process(running.pid).children(recursive=True)
        assert len(children) >= 5
    finally:
        running.send_signal(signal.SIGINT)
        code = running.wait(90)
    assert code in (0, 130)
    gone, left = psutil.wait_procs(children, timeout=30)
    assert not left, [process.cmdline() for process in left]
    assert len(gone) == len(children)


def tenants_of(stack: dict[str, object]) -> list[dict[str, str]]:
    """The customers that are in the stack from the start."""
    assert isinstance(stack["tenants"], list)
    return stack["tenants"]


def suppliers_in(printed: str) -> list[dict[str, Any]]:
    """The gateways in what the shell lines printed: documents without a line between them."""
    found: dict[str, Any] = json.JSONDecoder().raw_decode(printed, printed.index('{"data":[{"provider":"green_api"'))[0]
    rows: list[dict[str, Any]] = found["data"]
    return rows


def wait_for(path: Path, running: subprocess.Popen[bytes]) -> dict[str, object]:
    """What the stack wrote when it was up."""
    deadline = time.monotonic() + 120
    while not path.exists():
        assert running.poll() is None, "it ended early"
        assert time.monotonic() < deadline, "it did not come up"
        time.sleep(0.2)
    found: dict[str, object] = json.loads(path.read_text())
    return found
