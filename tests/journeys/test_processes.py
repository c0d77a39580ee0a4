"""Several processes serve one port: one may die, all end together, and none outlives the parent."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator

import psutil
import pytest

from dev.processes import status_of
from dev.stack import Options, Stack

pytestmark = pytest.mark.skipif(not hasattr(socket, "SO_REUSEPORT"), reason="the system cannot share a port")

BODY = b'{"email": "a@example.com", "code": "12"}'
HEAD = (
    b"POST /v1/auth/sessions HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
    b"Expect: 100-continue\r\n\r\n" % len(BODY)
)
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@pytest.fixture(scope="module")
def running() -> Iterator[Stack]:
    with Stack(Options(env={"SUBLET_PROCESSES": "2"})) as stack:
        yield stack


@pytest.fixture
def stack(running: Stack) -> Stack:
    """The stack, its API started again if the test before has ended it; each of its processes serves."""
    running.api.start()
    running.api.wait_for(f"{running.api_url}/readyz", 60)
    until(lambda: len(children(running)) == 2 and all(listens(pid, running) for pid in children(running)))
    return running


def children(stack: Stack) -> set[int]:
    """The serving processes."""
    return {child.pid for child in psutil.Process(stack.api.pid).children() if child.status() != psutil.STATUS_ZOMBIE}


def listens(pid: int, stack: Stack) -> bool:
    """Whether this one takes connections itself: the port answers as soon as any of them does."""
    port = int(stack.api_url.rpartition(":")[2])
    kept = psutil.Process(pid).net_connections(kind="tcp")
    return any(each.laddr.port == port and each.status == psutil.CONN_LISTEN for each in kept)


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for it."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)


def connected(stack: Stack) -> socket.socket:
    """A connection to the API."""
    return socket.create_connection(("127.0.0.1", int(stack.api_url.rpartition(":")[2])), timeout=60)


def is_gone(pid: int) -> bool:
    """Whether a process has ended, buried or not."""
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_one_that_is_killed_is_replaced_while_the_other_serves(stack: Stack) -> None:
    before = children(stack)
    lost = min(before)
    os.kill(lost, signal.SIGKILL)
    until(lambda: is_gone(lost))
    asked = [status_of(f"{stack.api_url}/readyz", 20) for _ in range(20)]
    assert set(asked) == {200}
    until(lambda: len(children(stack)) == 2)
    assert children(stack) & before == before - {lost}
    asked = [status_of(f"{stack.api_url}/readyz", 20) for _ in range(20)]
    assert set(asked) == {200}


def test_a_request_under_way_is_answered_before_all_end(stack: Stack) -> None:
    serving, parent = children(stack), stack.api.pid
    with connected(stack) as line:
        line.sendall(HEAD)
        assert line.recv(len(CONTINUE)) == CONTINUE  # one of them has taken it up, and reads
        line.sendall(BODY[:20])
        stack.api.ask_to_stop()
        until(lambda: status_of(f"{stack.api_url}/livez") == 0)
        assert psutil.pid_exists(parent)
        line.sendall(BODY[20:])
        assert line.recv(12) == b"HTTP/1.1 400"  # no code is that short: it was read to its end
    until(lambda: all(map(is_gone, serving)))
    until(lambda: stack.api.exit_code is not None)
    assert stack.api.exit_code == 0


def test_children_do_not_outlive_a_parent_that_is_killed(stack: Stack) -> None:
    serving = children(stack)
    stack.api.kill()
    until(lambda: all(map(is_gone, serving)))


def test_a_port_that_somebody_has_is_not_shared_with_him(stack: Stack) -> None:
    host, port = ["--host", "127.0.0.1"], ["--port", stack.api_url.rpartition(":")[2]]
    second = subprocess.run(
        [*stack.api.argv[:4], *host, *port, "--processes", "2"],
        env=stack.api.env,
        cwd=stack.api.cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert second.returncode == 1
    assert "Address already in use" in second.stderr
    assert status_of(f"{stack.api_url}/livez", 20) == 200
