"""The whole stack comes up as separate processes and survives what is done to it."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from app.settings import Settings
from dev.processes import status_of
from dev.stack import ROOT, Options, Stack, write_private

pytestmark = pytest.mark.skipif(not (ROOT / "app/__main__.py").exists(), reason="the app has no command yet")


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Stack(Options(workers=2)) as running:
        yield running


def _until(true: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)


def test_the_api_is_ready_and_the_operator_has_a_key(stack: Stack) -> None:
    assert status_of(f"{stack.api_url}/readyz", 20) == 200
    assert status_of(f"{stack.mailbox_url}/health", 20) == 200
    assert stack.operator_key["id"]
    assert stack.operator_key["secret"]


def test_the_app_is_told_nothing_it_does_not_know(stack: Stack) -> None:
    assert set(stack.env) <= set(Settings.names())


def test_only_the_migration_may_sign_in_as_owner(stack: Stack) -> None:
    for child in (stack.api, *stack.workers, stack.simulator, stack.mailbox):
        environment = psutil.Process(child.pid).environ()
        assert not [value for value in environment.values() if "sublet_owner" in value]
    for child in (stack.simulator, stack.mailbox):
        environment = psutil.Process(child.pid).environ()
        assert not [name for name in environment if name.startswith("SUBLET_")]


def test_a_killed_worker_is_replaced(stack: Stack) -> None:
    before = stack.workers[0].pid
    stack.workers[0].kill()
    _until(lambda: stack.workers[0].pid not in {0, before})


def test_workers_come_back_after_redis_does(stack: Stack) -> None:
    assert stack.servers.redis is not None
    stack.servers.redis.crash()
    stack.servers.redis.resume()
    _until(lambda: all(worker.pid for worker in stack.workers))
    _until(lambda: status_of(f"{stack.api_url}/readyz") == 200)


def test_a_private_file_is_whole_and_private(tmp_path: Path) -> None:
    place = tmp_path / "secret.json"
    write_private(place, json.dumps({"a": 1}))
    write_private(place, json.dumps({"a": 2}))
    assert json.loads(place.read_text()) == {"a": 2}
    assert place.stat().st_mode & 0o777 == 0o600
