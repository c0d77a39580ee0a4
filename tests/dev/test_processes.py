"""Child processes are watched, restarted and ended as promised."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from dev.house import InUse, occupied, reset
from dev.processes import Child, ChildFailed, plain_environment, stop_together

ROOT = Path(__file__).resolve().parents[2]
SLEEPS = "import time; time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(15, signal.SIG_IGN); print('{}', flush=True); time.sleep(60)"

Make = Callable[..., Child]


@pytest.fixture
def make(tmp_path: Path):
    """Children from a line of Python each, all ended with the test."""
    made: list[Child] = []

    def child(script: str, *, revive: bool = False, speaks: bool = False) -> Child:
        argv = [sys.executable, "-c", script]
        name = f"child-{len(made)}"
        made.append(Child(name, argv, env=plain_environment(), cwd=ROOT, logs=tmp_path, revive=revive, speaks=speaks))
        return made[-1]

    yield child
    for one in made:
        one.kill(revive=False)


def _until(true: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.01)


def test_a_child_that_ends_is_started_again(make: Make) -> None:
    child = make("raise SystemExit(1)", revive=True)
    child.start()
    _until(lambda: child.starts >= 3)
    child.stop()
    starts = child.starts
    assert child.pid == 0
    time.sleep(0.5)  # the claim is that nothing happens: there is no event to wait for
    assert child.starts == starts


def test_a_killed_child_comes_back_unless_told_otherwise(make: Make) -> None:
    child = make(SLEEPS, revive=True)
    child.start()
    first = child.pid
    child.kill()
    _until(lambda: child.pid not in {0, first})
    child.kill(revive=False)
    assert child.pid == 0
    child.start()
    _until(lambda: child.pid != 0)


def test_a_stubborn_child_is_ended_by_force_after_the_grace(make: Make) -> None:
    stubborn, docile = make(STUBBORN, speaks=True), make(SLEEPS)
    stubborn.start()
    docile.start()
    stubborn.first_line()
    stop_together([stubborn, docile], grace_seconds=2)
    assert stubborn.exit_code == -signal.SIGKILL
    assert docile.exit_code == -signal.SIGTERM


def test_a_child_says_where_it_is(make: Make) -> None:
    child = make("import json; print(json.dumps({'url': 'http://here'}), flush=True); " + SLEEPS, speaks=True)
    child.start()
    assert child.first_line() == {"url": "http://here"}


def test_a_child_that_fails_is_reported_with_its_last_words(make: Make) -> None:
    child = make("raise ValueError('no such luck')", speaks=True)
    child.start()
    with pytest.raises(ChildFailed, match=r"ended with code 1(.|\n)*no such luck"):
        child.first_line()
    with pytest.raises(ChildFailed, match="did not answer"):
        child.wait_for("http://127.0.0.1:9/readyz", 5)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
def test_killing_us_takes_the_children_along(tmp_path: Path) -> None:
    script = f"""
import sys, time
from pathlib import Path
from dev.processes import Child, plain_environment
child = Child("c", [sys.executable, "-c", {STUBBORN!r}], env=plain_environment(), cwd=Path("."),
              logs=Path({str(tmp_path)!r}), revive=True, speaks=True)
child.start()
child.first_line()
print(child.pid, flush=True)
time.sleep(60)
"""
    parent = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.communicate()
    _gone, alive = psutil.wait_procs([child], timeout=30)
    assert alive == []


def test_children_get_none_of_our_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUBLET_OWNER_DATABASE_URL", "postgresql://somewhere")
    assert not [name for name in plain_environment() if name.startswith("SUBLET_")]


def test_one_checkout_is_used_by_one_at_a_time(tmp_path: Path) -> None:
    home = tmp_path / ".dev"
    with occupied(home), pytest.raises(InUse, match="already runs"), occupied(home):
        pass
    with occupied(home):
        (home / "kept").write_text("x")
        with pytest.raises(InUse):
            reset(home)
        assert (home / "kept").exists()
    assert reset(home) is True
    assert reset(home) is False
