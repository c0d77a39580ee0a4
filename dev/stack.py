"""The whole of Sublet on one machine: servers, mailbox, simulator, API and workers, each a process."""

import base64
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from dev.places import Scratch
from dev.processes import Child, plain_environment, stop_together
from dev.servers import Servers
from dev.spawn import free_port, spawn

ROOT = Path(__file__).resolve().parent.parent
_WORKER_GRACE_SECONDS = 30.0  # a worker finishes its job within 25
_COMMAND_SECONDS = 120.0


class CommandFailed(RuntimeError):
    """A command of the app ended with an error; what it said is in the message."""


@dataclass(frozen=True)
class Options:
    """How a stack is to be.

    Without a home all of it is thrown away at the end. `env` goes to every process of the app, over
    what the stack sets. `gateways` are those that the simulator plays for the app. With `real`, the settings of
    gateways that are not played, live instances are theirs and the simulator serves tests only.
    """

    home: Path | None = None
    port: int = 0
    workers: int = 1
    env: Mapping[str, str] = field(default_factory=dict)
    simulator: Sequence[str] = ()
    gateways: Sequence[str] = ("green_api",)
    real: Mapping[str, str] = field(default_factory=dict, repr=False)


class Stack:
    """One running stack; use it as a context, or call `start` and `stop`.

    The children `api`, `simulator`, `mailbox` and each of `workers` may be killed, stopped and
    started by name; `servers.postgres` and `servers.redis` may be crashed and resumed.
    """

    api: Child
    simulator: Child
    mailbox: Child

    def __init__(self, options: Options | None = None) -> None:
        self.options = options or Options()
        self._scratch = None if self.options.home else Scratch()
        self.home = self._scratch.path if self._scratch else (self.options.home or ROOT)
        self.logs = self.home / "logs"
        self.servers = Servers(self.home, durable=self.options.home is not None)
        self.workers: list[Child] = []
        self.api_url = self.simulator_url = self.whapi_url = self.mailbox_url = self.smtp_url = ""
        self.operator_key: dict[str, str] = {}
        self.env: dict[str, str] = {}
        self._children: list[Child] = []
        self._secrets: dict[str, Any] = {}

    def start(self) -> Self:
        """Bring everything up, in about four seconds; on failure nothing is left running."""
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Take everything down in the reverse order; a throw-away stack leaves no file."""
        above = [child for child in self._children if child not in self._neighbours()]
        stop_together(above, _WORKER_GRACE_SECONDS)
        stop_together(self._neighbours(), 5)
        self.servers.stop()
        if self._scratch:
            self._scratch.close()

    def run(self, *argv: str, owner: bool = False) -> str:
        """Run `python -m app ...` to its end and answer what it printed; `owner` lets it migrate.

        Raises:
            CommandFailed: it ended with an error.
        """
        env = {**plain_environment(), **self.env}
        if owner:
            env["SUBLET_OWNER_DATABASE_URL"] = self.servers.dsns.owner
        child = spawn(
            [sys.executable, "-m", "app", *argv],
            env=env,
            cwd=ROOT,
            output=subprocess.PIPE,
            errors=subprocess.PIPE,
        )
        try:
            said, complained = child.communicate(timeout=_COMMAND_SECONDS)
        except BaseException:
            child.kill()
            child.communicate()
            raise
        if child.returncode != 0:
            heard = (complained or said).decode(errors="replace").strip()
            raise CommandFailed(f"`python -m app {' '.join(argv)}` ended with {child.returncode}:\n{heard}")
        return said.decode()

    @property
    def partner_token(self) -> str:
        """The simulator's token for live instances."""
        return str(self._secrets["partner_token"])

    @property
    def test_partner_token(self) -> str:
        """The simulator's token for test instances."""
        return str(self._secrets["test_partner_token"])

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _start(self) -> None:
        self.logs.mkdir(parents=True, exist_ok=True)
        self.logs.chmod(0o700)  # logs name people
        self._secrets = self._load_secrets()
        self._start_neighbours()
        self.servers.start()
        self._read_neighbours()
        self.api_url = f"http://127.0.0.1:{self.options.port or free_port()}"
        self.env = self._environment()
        self.run("migrate", owner=True)
        self.api = self._child("api", "-m", "app", "serve", "--host", "127.0.0.1", "--port", self._port())
        self.api.start()
        self.operator_key = self._operator_key()
        self.api.wait_for(f"{self.api_url}/readyz", 60)
        for number in range(1, self.options.workers + 1):
            worker = self._child(f"worker-{number}", "-m", "workers", revive=True)
            worker.start()
            self.workers.append(worker)

    def _start_neighbours(self) -> None:
        """Those outside the house: they need nothing of ours, so they start first."""
        self.mailbox = self._child("mailbox", "-m", "dev.mailbox", speaks=True)
        tokens = ["--partner-token", self.partner_token, "--partner-token", self.test_partner_token]
        tokens += ["--whapi-token", self.partner_token, "--whapi-token", self.test_partner_token]
        face = ["--host", "127.0.0.1", "--port", "0", *tokens, *self.options.simulator]
        self.simulator = self._child("simulator", "-m", "simulator", *face, speaks=True)
        self.mailbox.start()
        self.simulator.start()

    def _read_neighbours(self) -> None:
        said = self.mailbox.first_line()
        self.smtp_url, self.mailbox_url = said["smtp"], said["http"]
        said = self.simulator.first_line()
        self.simulator_url, self.whapi_url = said["url"], said["whapi_manager_url"]

    def _neighbours(self) -> list[Child]:
        return [child for child in self._children if child.name in {"mailbox", "simulator"}]

    def _environment(self) -> dict[str, str]:
        return {
            "SUBLET_DEPLOYMENT": "dev",
            "SUBLET_DATABASE_URL": self.servers.dsns.app,
            "SUBLET_SYSTEM_DATABASE_URL": self.servers.dsns.system,
            "SUBLET_REDIS_URL": self.servers.redis_url,
            "SUBLET_SECRET_KEYS": str(self._secrets["secret_keys"]),
            "SUBLET_PUBLIC_URL": self.api_url,
            "SUBLET_SMTP_URL": self.smtp_url,
            "SUBLET_MAIL_FROM": "Sublet <no-reply@sublet.example>",
            **gateway_settings(
                self.options,
                {"green_api": self.simulator_url, "whapi": self.whapi_url},
                {"": self.partner_token, "_TEST": self.test_partner_token},
            ),
            "SUBLET_EGRESS_ALLOW": "127.0.0.0/8",
            "SUBLET_LOG_LEVEL": "info",
            **self.options.env,
        }

    def _child(self, name: str, *argv: str, revive: bool = False, speaks: bool = False) -> Child:
        env = {**plain_environment(), **self.env}
        command = [sys.executable, *argv]
        child = Child(name, command, env=env, cwd=ROOT, logs=self.logs, revive=revive, speaks=speaks)
        self._children.append(child)
        return child

    def _port(self) -> str:
        return self.api_url.rpartition(":")[2]

    def _operator_key(self) -> dict[str, str]:
        """The operator's key for this database, made once."""
        kept = self._secrets.get("operator_key", {})
        place = self.servers.dsns.owner.rpartition("@")[2].rpartition("/")[2]
        if kept and self.servers.postgres and kept["database"] == place:
            return {"id": kept["id"], "secret": kept["secret"]}
        made = json.loads(self.run("operator-keys", "create", "--name", "dev", "--json"))
        self._secrets["operator_key"] = {**made, "database": place}
        self._save_secrets()
        return {"id": made["id"], "secret": made["secret"]}

    def _load_secrets(self) -> dict[str, Any]:
        """What must be the same at the next start, or the data of this one is lost."""
        keeper = self.home / "secrets.json"
        if keeper.exists():
            found: dict[str, Any] = json.loads(keeper.read_text())
            return found
        self._secrets = {
            "secret_keys": "1:" + base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            "partner_token": "gac." + secrets.token_hex(19),
            "test_partner_token": "gac." + secrets.token_hex(19),
        }
        self._save_secrets()
        return self._secrets

    def _save_secrets(self) -> None:
        write_private(self.home / "secrets.json", json.dumps(self._secrets))


def gateway_settings(options: Options, urls: Mapping[str, str], tokens: Mapping[str, str]) -> dict[str, str]:
    """What the app is told of gateways: where those that are wanted are played, by name, and the tokens for it by
    environment (`` is live, `_TEST` is test), and of those that are real.
    """
    played: dict[str, str] = {}
    for name in options.gateways:
        for place, token in tokens.items():
            if place or not options.real:
                played[f"SUBLET_{name.upper()}{place}_URL"] = urls[name]
                played[f"SUBLET_{name.upper()}{place}_PARTNER_TOKEN"] = token
    return {**played, **options.real}


def write_private(path: Path, content: str) -> None:
    """Write a file only its owner can read, whole or not at all."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        file.write(content)
    draft.replace(path)
