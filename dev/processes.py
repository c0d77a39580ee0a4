"""Our own programs as child processes: logs, readiness, restarts, and an end in order."""

import http.client
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dev.spawn import end, spawn

_FIRST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 5.0
_STEADY_SECONDS = 10.0


class ChildFailed(RuntimeError):
    """A program did not become ready; the end of its log is in the message."""


class Child:
    """One program and its log; with `revive` it is started again whenever it ends by itself.

    What it writes goes to `<name>.log`; with `speaks`, its standard output goes to `<name>.out`
    instead, where `first_line` reads what it has to say about itself.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str | Path],
        *,
        env: Mapping[str, str],
        cwd: Path,
        logs: Path,
        revive: bool = False,
        speaks: bool = False,
    ) -> None:
        self.name = name
        self.argv = list(argv)
        self.env = dict(env)
        self.cwd = cwd
        self.log_path = logs / f"{name}.log"
        self.starts = 0
        self._said_path = logs / f"{name}.out" if speaks else None
        self._revive = revive
        self._process: subprocess.Popen[bytes] | None = None
        self._over = threading.Event()
        self._lock = threading.Lock()

    @property
    def pid(self) -> int:
        """The process, or 0 while there is none."""
        process = self._process
        return process.pid if process and process.poll() is None else 0

    @property
    def exit_code(self) -> int | None:
        """How the last process ended; None while it runs or before it began."""
        return self._process.poll() if self._process else None

    def start(self) -> None:
        """Start it; nothing happens if it runs."""
        with self._lock:
            if self.pid:
                return
            self._over.set()  # one that waits to revive the last process is too late
            self._over = threading.Event()
            process = self._launch()
        if self._revive:
            threading.Thread(
                target=self._keep, args=(process, self._over), name=f"keep-{self.name}", daemon=True
            ).start()

    def kill(self, *, revive: bool = True) -> None:
        """End it with SIGKILL, as the machine would; `revive=False` keeps a restarted program down."""
        with self._lock:
            if not revive:
                self._over.set()
            process = self._process
        if process:
            end(process, signal.SIGKILL, 0)

    def ask_to_stop(self) -> None:
        """Send SIGTERM and do not wait; it is not started again."""
        with self._lock:
            self._over.set()
            if self.pid and self._process:
                self._process.send_signal(signal.SIGTERM)

    def stop(self, grace_seconds: float = 10.0) -> int | None:
        """Stop it, by force after the grace, and answer its exit code."""
        with self._lock:
            self._over.set()
            process = self._process
        return end(process, signal.SIGTERM, grace_seconds) if process else None

    def first_line(self, seconds: float = 60.0) -> dict[str, Any]:
        """The JSON object it prints when it is ready.

        Raises:
            ChildFailed: it ended, or said nothing in time.
        """
        assert self._said_path is not None
        for _ in self._attempts(seconds):
            line, newline, _rest = self._said_path.read_text().partition("\n")
            if newline:
                found: dict[str, Any] = json.loads(line)
                return found
        raise self._failure("said nothing")

    def wait_for(self, url: str, seconds: float = 30.0) -> None:
        """Wait until a GET of the URL answers 200.

        Raises:
            ChildFailed: it ended, or did not answer in time.
        """
        for _ in self._attempts(seconds):
            if status_of(url) == 200:
                return
        raise self._failure(f"did not answer at {url}")

    def log_end(self, lines: int = 20) -> str:
        """The last lines of its log."""
        if not self.log_path.exists():
            return ""
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-lines:])

    def _launch(self) -> subprocess.Popen[bytes]:
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        with self.log_path.open("ab") as log:
            if self._said_path is None:
                process = spawn(self.argv, env=self.env, cwd=self.cwd, output=log)
            else:
                with self._said_path.open("wb") as said:
                    process = spawn(self.argv, env=self.env, cwd=self.cwd, output=said, errors=log)
        self._process = process
        self.starts += 1
        return process

    def _keep(self, process: subprocess.Popen[bytes], over: threading.Event) -> None:
        pause = _FIRST_PAUSE_SECONDS
        while True:
            began = time.monotonic()
            process.wait()
            if time.monotonic() - began > _STEADY_SECONDS or process.returncode == -signal.SIGKILL:
                pause = _FIRST_PAUSE_SECONDS  # somebody else ended it; it is not what fails
            if over.wait(pause):
                return
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
            with self._lock:
                if over.is_set():
                    return
                process = self._launch()

    def _attempts(self, seconds: float) -> Iterable[None]:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            running = bool(self.pid) or self._revive
            yield  # one look after its end as well: it may have spoken and gone
            if not running:
                return
            time.sleep(0.02)

    def _failure(self, what: str) -> ChildFailed:
        code = self.exit_code
        ending = "" if code is None else f" and ended with code {code}"
        return ChildFailed(f"{self.name} {what}{ending}; {self.log_path} ends with:\n{self.log_end()}")


def stop_together(children: Iterable[Child], grace_seconds: float) -> None:
    """Stop programs that do not need one another; the grace is for all, not for each."""
    going = list(children)
    for child in going:
        child.ask_to_stop()
    deadline = time.monotonic() + grace_seconds
    for child in going:
        child.stop(max(0.0, deadline - time.monotonic()))


def status_of(url: str, seconds: float = 2.0) -> int:
    """The status a GET answers, or 0 when nobody does."""
    parts = urlsplit(url)
    line = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=seconds)
    try:
        line.request("GET", parts.path or "/")
        return line.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        line.close()


def plain_environment() -> dict[str, str]:
    """Our environment without any `SUBLET_` variable: children get theirs by name."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SUBLET_")}
    return {**kept, "PYTHONUNBUFFERED": "1"}
