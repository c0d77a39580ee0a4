"""Where the fast path is measured: each program alone on one core, upstream, load and servers on the rest."""

import json
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import msgspec

from bench import floor, limit
from bench.hammer import Seen, Stretch
from bench.pinned import cores, move, pinned
from bench.rented import Rented, rent
from bench.stage import BenchFailed
from dev import database
from dev.processes import Child, plain_environment
from dev.spawn import free_port, spawn
from dev.stack import ROOT, Stack

WORDS = "Your tulips are on their way, they will be with you before noon."
CHATS = tuple(f"{79995550000 + number}@c.us" for number in range(4))
JSON = "application/json"
READY_SECONDS = 30.0
SLACK_SECONDS = 60.0
LIMIT, FLOOR, FLOOR_UVICORN, PEER = "limit: nginx and Lua", "floor: granian", "floor: uvicorn", "peer"
TYPED, NATIVE, DROP_IN = "ours, typed", "ours, native", "ours, drop-in"
KEYED, TRIAL = "ours, Idempotency-Key", "ours, trial"
UPSTREAM = "upstream asked directly"
FACES = (TYPED, NATIVE, DROP_IN)


@dataclass(frozen=True)
class Program:
    """Something that takes sends: where, how it is asked, and whose processor time counts."""

    name: str
    child: Child
    port: int
    expect: int
    requests: list[str] = field(repr=False)

    def stretch(self, seconds: float, connections: int, *, rate: float = 0.0, warmup: float = 0.5) -> Stretch:
        """Some load on it."""
        return Stretch(
            name=self.name,
            port=self.port,
            requests=self.requests,
            expect=self.expect,
            seconds=seconds,
            connections=connections,
            rate=rate,
            warmup_seconds=warmup,
        )


class Course:
    """The programs, started; `measured` is the core of the program under test, `rest` those of everything else.

    `answered` counts the good answers of each, those while warming up among them.
    """

    def __init__(self, stack: Stack, instances: int, trials: int) -> None:
        self._stack = stack
        self._open = ExitStack()
        self.measured, self.rest = cores()
        self.no_limit = limit.missing()
        self.programs: dict[str, Program] = {}
        self.answered: dict[str, int] = {}
        self._instances, self._trials = instances, trials
        self._live: list[Rented] = []
        self._upstream = 0

    def __enter__(self) -> "Course":
        try:
            self._start()
        except BaseException:
            self._open.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @property
    def pinned(self) -> str:
        """What runs where, in words."""
        if not self.measured:
            return "nothing is held to a core: the system cannot, or has one only"
        on = ", ".join(map(str, self.rest))
        return f"the program measured on core {self.measured[0]}; upstream, load and PostgreSQL on {on}"

    def run(self, stretch: Stretch) -> Seen:
        """Load for one stretch, from a process on the other cores.

        Raises:
            BenchFailed: it ended with an error, or nothing was answered as expected.
        """
        child = spawn(
            pinned(self.rest, [sys.executable, "-m", "bench.hammer"]),
            env=plain_environment(),
            cwd=ROOT,
            stdin=subprocess.PIPE,
            output=subprocess.PIPE,
            errors=subprocess.PIPE,
        )
        try:
            said, complained = child.communicate(
                msgspec.json.encode([stretch]), timeout=stretch.seconds + stretch.warmup_seconds + SLACK_SECONDS
            )
        except BaseException:
            child.kill()
            child.communicate()
            raise
        if child.returncode != 0:
            raise BenchFailed(f"the load driver failed:\n{complained.decode(errors='replace')[-2000:]}")
        [seen] = msgspec.json.decode(said, type=list[Seen])
        self.answered[stretch.name] = self.answered.get(stretch.name, 0) + seen.answered
        if not seen.latencies_ms:
            raise BenchFailed(f"{stretch.name}: no request was answered well: {seen.failures}")
        return seen

    def make_room(self) -> None:
        """End the programs that ran alone: what follows has the machine, and PostgreSQL's connections, to itself."""
        for program in self.programs.values():
            if program.name != UPSTREAM:
                program.child.stop(45)

    @contextmanager
    def several(self, name: str, processes: int) -> Iterator[Program]:
        """The floor or ours in so many processes, on so many cores if there are enough, else on all of them."""
        own = [*self.measured, *self.rest][:processes] if len(self.rest) >= processes + 1 else []
        with ExitStack() as stack:
            make = self._ours if name == TYPED else self._granian
            yield make(stack, processes=processes, where=own)[name]

    def _start(self) -> None:
        stack = self._stack
        for worker in stack.workers:
            worker.stop()  # the accounts behind the instances are made up: nobody may look for them
        live, trial = rent(stack.env, live=self._instances, trial=self._trials)
        self._live, self._trial = live, trial
        if stack.servers.postgres is not None:
            move(stack.servers.postgres.pid, self.rest)
        upstream = self._child("upstream", lambda port: [sys.executable, "-m", "bench.upstream", str(port)], self.rest)
        self._upstream = upstream[1]
        direct = self._plain("/waInstance1/sendMessage/token", "upstream")
        self.programs[UPSTREAM] = Program(UPSTREAM, *upstream, 200, [direct])
        if not self.no_limit:
            home = stack.home / "nginx"
            started = self._child("nginx", lambda port: limit.command(home, port, self._upstream), self.measured)
            self.programs[LIMIT] = Program(LIMIT, *started, 200, [self._plain("/send", limit.KEY)])
        self.programs |= self._granian(self._open, processes=1, where=self.measured)
        self.programs |= self._uvicorn()
        self.programs |= self._peer()
        self.programs |= self._ours(self._open, processes=1, where=self.measured)

    def _granian(self, stack: ExitStack, *, processes: int, where: Sequence[int]) -> dict[str, Program]:
        def command(port: int) -> list[str]:
            settings = ["--interface", "asgi", "--loop", "uvloop", "--no-ws", "--log-level", "warning"]
            workers = ["--workers", str(processes), "--port", str(port)]
            return [sys.executable, "-m", "granian", *settings, *workers, "bench.floor:app"]

        started = self._child(f"floor-{processes}", command, where, stack, self._floor_env())
        return {FLOOR: Program(FLOOR, *started, 200, [self._plain("/send", floor.KEY)])}

    def _uvicorn(self) -> dict[str, Program]:
        def command(port: int) -> list[str]:
            settings = ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"]
            return [sys.executable, "-m", "uvicorn", *settings, "--port", str(port), "bench.floor:app"]

        started = self._child("floor-uvicorn", command, self.measured, env=self._floor_env())
        return {FLOOR_UVICORN: Program(FLOOR_UVICORN, *started, 200, [self._plain("/send", floor.KEY)])}

    def _peer(self) -> dict[str, Program]:
        dsns = database.prepare(self._stack.servers.dsns.admin, f"sublet_peer_{secrets.token_hex(4)}")
        self._open.callback(database.dismiss, dsns)
        self._open.callback(database.drop, dsns)
        key = secrets.token_urlsafe(32)

        def env(port: int) -> dict[str, str]:
            config = {
                "port": port,
                "database_url": dsns.owner,
                "upstream_url": f"http://127.0.0.1:{self._upstream}",
                "key": key,
                "upstream_id": 1101000001,
                "upstream_token": "token",
            }
            return {"PEER": json.dumps(config)}

        started = self._child(
            "fast-peer", lambda _: [sys.executable, "-m", "bench.peer"], self.measured, self._open, env
        )
        request = http("/instances/1/messages", _typed_body(CHATS[0]), bearer=key)
        return {PEER: Program(PEER, *started, 202, [request])}

    def _ours(self, stack: ExitStack, *, processes: int, where: Sequence[int]) -> dict[str, Program]:
        def command(port: int) -> list[str]:
            serve = [sys.executable, "-m", "app", "serve", "--host", "127.0.0.1", "--port", str(port)]
            return [*serve, "--processes", str(processes)]

        env = {**self._stack.env, "SUBLET_GREEN_API_URL": f"http://127.0.0.1:{self._upstream}"}
        child, port = self._child(f"lane-{processes}", command, where, stack, env)
        pairs = [(chat, each) for chat in CHATS for each in self._live]
        trials = [(chat, each) for chat in CHATS for each in self._trial]
        return {
            TYPED: Program(TYPED, child, port, 202, [_typed(chat, each) for chat, each in pairs]),
            NATIVE: Program(NATIVE, child, port, 200, [_native(chat, each) for chat, each in pairs]),
            DROP_IN: Program(DROP_IN, child, port, 200, [_drop_in(chat, each) for chat, each in pairs]),
            KEYED: Program(KEYED, child, port, 202, [_typed(chat, each, key="{n}") for chat, each in pairs]),
            TRIAL: Program(TRIAL, child, port, 202, [_typed(chat, each) for chat, each in trials]),
        }

    def _child(
        self,
        name: str,
        command: Callable[[int], list[str]],
        where: Sequence[int],
        stack: ExitStack | None = None,
        env: dict[str, str] | Callable[[int], dict[str, str]] | None = None,
    ) -> tuple[Child, int]:
        """A program on some cores, when somebody listens on its port."""
        port = free_port()
        more = env(port) if callable(env) else env or {}
        child = Child(
            name,
            pinned(where, command(port)),
            env={**plain_environment(), **more},
            cwd=ROOT,
            logs=self._stack.logs,
        )
        (stack or self._open).callback(child.stop, 45)
        child.start()
        until = time.monotonic() + READY_SECONDS
        while not _listens(port):
            if time.monotonic() > until or not child.pid:
                raise BenchFailed(f"{name} did not start:\n{child.log_end()}")
            time.sleep(0.05)
        return child, port

    def _floor_env(self) -> dict[str, str]:
        return {"FLOOR": f"http://127.0.0.1:{self._upstream}"}

    def _plain(self, path: str, bearer: str) -> str:
        return http(path, json.dumps({"chatId": CHATS[0], "message": WORDS}), bearer=bearer)


def http(path: str, body: str, *, bearer: str = "", key: str = "") -> str:
    """A request as it goes over the wire."""
    head = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Type: {JSON}", f"Content-Length: {len(body)}"]
    head += [f"Authorization: Bearer {bearer}"] if bearer else []
    head += [f"Idempotency-Key: {key}"] if key else []
    return "\r\n".join([*head, "", body])


def _typed(chat: str, rented: Rented, *, key: str = "") -> str:
    path = f"/v1/instances/{rented.instance_id}/messages"
    return http(path, _typed_body(chat), bearer=rented.api_key, key=key)


def _native(chat: str, rented: Rented) -> str:
    path = f"/v1/instances/{rented.instance_id}/gateway/sendMessage"
    return http(path, json.dumps({"chatId": chat, "message": WORDS}), bearer=rented.api_key)


def _drop_in(chat: str, rented: Rented) -> str:
    path = f"/waInstance{rented.number}/sendMessage/{rented.token}"
    return http(path, json.dumps({"chatId": chat, "message": WORDS}))


def _typed_body(chat: str) -> str:
    return json.dumps({"to": chat, "type": "text", "text": {"body": WORDS}})


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
