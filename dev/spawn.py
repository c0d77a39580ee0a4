"""Starting programs that cannot outlive the process that wanted them."""

import ctypes
import os
import pwd
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None

Stream = IO[bytes] | int | None


@dataclass(frozen=True)
class Account:
    """The user a program runs as, when it must not run as us."""

    name: str
    uid: int
    gid: int


def unprivileged() -> Account | None:
    """Whom root becomes for programs that refuse to be root; None when we are not root."""
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam("nobody")
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def spawn(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: Stream = subprocess.DEVNULL,
    output: Stream = None,
    errors: Stream = subprocess.STDOUT,
    account: Account | None = None,
    on_parent_death: signal.Signals = signal.SIGKILL,
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own; on Linux it is signalled when we die, however we die."""

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [str(part) for part in argv],
            env=dict(env) if env is not None else None,
            cwd=cwd,
            stdin=stdin,
            stdout=output,
            stderr=errors,
            start_new_session=True,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            preexec_fn=_tie(os.getpid(), on_parent_death),  # runs after the change of user, which would undo it
        )

    return _spawner.run(start)


def free_port() -> int:
    """A loopback port nobody listened on a moment ago; whoever takes it must be ready to lose the race."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def is_port_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def end(process: subprocess.Popen[bytes], gentle: signal.Signals, grace_seconds: float) -> int:
    """Ask the program to stop, insist after the grace, and answer its exit code."""
    if process.poll() is None:
        process.send_signal(gentle)
        try:
            process.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()


def _tie(parent: int, number: signal.Signals) -> Callable[[], None]:
    def tie() -> None:
        if _libc is None:
            return
        _libc.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != parent:  # the parent died before the kernel was told
            os._exit(1)

    return tie


class _Spawner:
    """One thread that lives as long as the process and makes every child.

    The kernel sends the parent-death signal when the *thread* that forked ends; a child made by a
    pool's thread would be killed with that thread, long before the process is done with it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owner = 0
        self._orders: queue.SimpleQueue[
            tuple[Future[subprocess.Popen[bytes]], Callable[[], subprocess.Popen[bytes]]]
        ] = queue.SimpleQueue()

    def run(self, start: Callable[[], subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
        answer: Future[subprocess.Popen[bytes]] = Future()
        with self._lock:
            if self._owner != os.getpid():  # first use, or the first after a fork
                self._owner = os.getpid()
                self._orders = queue.SimpleQueue()
                threading.Thread(target=self._serve, name="spawner", daemon=True).start()
        self._orders.put((answer, start))
        return answer.result()

    def _serve(self) -> None:
        while True:
            answer, start = self._orders.get()
            try:
                answer.set_result(start())
            except BaseException as error:  # the caller raises it, this thread must go on
                answer.set_exception(error)


_spawner = _Spawner()
