"""One PostgreSQL and one Redis a run; each test file may commit for real, tables are emptied after each test."""

import asyncio
import base64
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx2
import hypothesis
import pytest
import uvicorn

from app import migrate
from app.kit import work
from app.kit.crypto import new_key
from app.kit.db import SYSTEM, Ring
from app.kit.log import configure
from app.main import create_server_app
from app.runtime import Runtime, open_runtime
from app.serve import server_config
from app.settings import Settings
from dev import database as databases
from dev.mailbox import Mailbox
from dev.postgres import PostgresServer
from dev.redis import RedisServer
from simulator.main import Running, start
from workers.main import HANDLERS
from workers.task import do_work

configure("error")
hypothesis.settings.register_profile(  # the same examples everywhere, and no limit that a busy machine can miss
    "house", derandomize=True, deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("house")
PARTNER_LIVE, PARTNER_TEST = (
    "gac.canaryLive00000000000000000000000000000",
    "gac.canaryTest00000000000000000000000000000",
)

FAST_UPSTREAM = {
    "warmup_401_seconds": 0.05,
    "warmup_null_seconds": 0.05,
    "starting_seconds": 0.1,
    "restart_seconds": 0.2,
    "listing_lag_seconds": 0,
    "deliver_after_seconds": 0.1,
    "read_after_seconds": None,
    "push_pause_seconds": 0.3,
    "rate_limits": False,
}


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A server of the run's own."""
    with PostgresServer.start() as server:
        yield server


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A Redis of the run's own."""
    with RedisServer.start() as server:
        yield server.url


@pytest.fixture(scope="session")
def dsns(postgres: PostgresServer) -> databases.Dsns:
    """A migrated database with its three roles."""
    made = databases.prepare(postgres.admin_dsn, "sublet_test")
    migrate.upgrade(made.owner)
    return made


@pytest.fixture(scope="session")
async def admin(dsns: databases.Dsns) -> AsyncIterator[asyncpg.Connection]:
    """The owner's connection, for emptying tables; the superuser would see through row policies."""
    connection = await asyncpg.connect(databases.plain(dsns.owner))
    yield connection
    await connection.close()


@pytest.fixture
async def clean(admin: asyncpg.Connection) -> None:
    """Every table is empty when the test begins."""
    await empty(admin)


async def empty(admin: asyncpg.Connection) -> None:
    """Empty every table."""
    tables = await admin.fetch(
        "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
        " and relname <> 'alembic_version'"
    )
    names = ", ".join(row["relname"] for row in tables)
    for table in ("ledger_transactions", "ledger_entries"):
        await admin.execute(f"alter table {table} disable trigger {table}_no_truncate")
    for left in reversed(range(5)):
        try:  # a notification that the test before left on its way may hold a table
            await admin.execute(f"truncate {names}")
            break
        except asyncpg.DeadlockDetectedError:
            if not left:
                raise
    for table in ("ledger_transactions", "ledger_entries"):
        await admin.execute(f"alter table {table} enable trigger {table}_no_truncate")


@pytest.fixture(scope="session")
async def mailbox() -> AsyncIterator[Mailbox]:
    """A mail server that keeps what it is given."""
    async with Mailbox.running() as box:
        yield box


@pytest.fixture(scope="session")
async def simulator_server() -> AsyncIterator[Running]:
    """One upstream for the run."""
    server = await start(partner_tokens=[PARTNER_LIVE, PARTNER_TEST])
    yield server
    await server.close()


@dataclass
class Upstream:
    """The simulator's control face."""

    url: str
    http: httpx2.AsyncClient

    async def control(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """One call to `/_sim/…`."""
        reply = await self.http.request(method, f"{self.url}/_sim/{path}", json=body)
        assert reply.status_code < 300, reply.text
        return reply.json()

    async def faults(self, *rules: dict[str, Any], seed: int = 1) -> None:
        """Replace the fault rules."""
        await self.control("POST", "faults", {"rules": list(rules), "seed": seed})

    async def scan(self, upstream_id: int, wid: str = "79990001122@c.us") -> None:
        """A phone scans the QR."""
        await self.control("POST", f"instances/{upstream_id}/scan", {"wid": wid})

    async def instances(self) -> list[dict[str, Any]]:
        """The truth about every instance ever made."""
        rows: list[dict[str, Any]] = (await self.control("GET", "instances"))["instances"]
        return rows


@pytest.fixture
async def upstream(simulator_server: Running, http: httpx2.AsyncClient) -> Upstream:
    """A fresh, fast upstream without faults."""
    face = Upstream(simulator_server.url, http)
    await face.control("POST", "reset")
    await face.control("POST", "config", FAST_UPSTREAM)
    return face


@pytest.fixture(scope="session")
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    """A client for everything that is not the API."""
    async with httpx2.AsyncClient(timeout=30) as client:
        yield client


class KeptBell:
    """Keeps rings instead of sending them to Redis; `drain` does the work in the test's own loop."""

    def __init__(self) -> None:
        self.rings: list[Ring] = []

    def ring(self, rings: list[Ring]) -> None:
        """Keep them."""
        self.rings.extend(rings)

    async def close(self) -> None:
        """Nothing to close."""


def free_socket() -> socket.socket:
    """A listening socket on a free loopback port."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # else asyncio leaves Nagle on
    listening.bind(("127.0.0.1", 0))
    return listening


def settings_for(dsns: databases.Dsns, redis_url: str, upstream_url: str, smtp_url: str, **more: Any) -> Settings:
    """Settings of a fast test deployment."""
    values: dict[str, Any] = {
        "database_url": dsns.app,
        "system_database_url": dsns.system,
        "redis_url": redis_url,
        "secret_keys": "1:" + base64.urlsafe_b64encode(new_key()).decode(),
        "smtp_url": smtp_url,
        "egress_allow": "127.0.0.0/8",
        "green_api_url": upstream_url,
        "green_api_partner_token": PARTNER_LIVE,
        "green_api_test_url": upstream_url,
        "green_api_test_partner_token": PARTNER_TEST,
        "deployment": "t",
        "upstream_timeout_seconds": 1.5,
        "lease_seconds": 6.0,
        "quiet_seconds": 2.0,
        "ready_poll_seconds": 0.1,
        "surplus_wait_seconds": 0.5,
        "resolve_seconds": 0.2,
        "journal_seconds": 0.5,
        "pool_size": 5,
        **more,
    }
    theirs = {name: values.pop(name) for name in list(values) if name.startswith(("green_api_", "whapi_", "toy_"))}
    return Settings(**values, gateways=theirs)


@asynccontextmanager
async def serving(runtime: Runtime, listening: socket.socket) -> AsyncIterator[str]:
    """The API on a real socket, in this loop."""
    server = uvicorn.Server(server_config(create_server_app(runtime)))
    task = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started:
        await asyncio.sleep(0.01)
        if task.done():
            task.result()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    await task


@pytest.fixture(scope="session")
async def stack(
    dsns: databases.Dsns, redis_url: str, simulator_server: Running, mailbox: Mailbox
) -> AsyncIterator[tuple[Runtime, str]]:
    """The API over everything real, once a run; its work is done by `drain`."""
    listening = free_socket()
    public = f"http://127.0.0.1:{listening.getsockname()[1]}"
    settings = settings_for(dsns, redis_url, simulator_server.url, mailbox.smtp_url, public_url=public)
    async with open_runtime(settings, bell=KeptBell()) as runtime, serving(runtime, listening) as url:
        yield runtime, url


@pytest.fixture
async def runtime(stack: tuple[Runtime, str], clean: None, upstream: Upstream) -> AsyncIterator[Runtime]:
    """The runtime, with empty tables, a fresh upstream and the present time."""
    stack[0].authenticator.forget()
    stack[0].snapshots.forget()
    yield stack[0]
    stack[0].database.shift = type(stack[0].database.shift)()


@pytest.fixture
async def client(runtime: Runtime, stack: tuple[Runtime, str]) -> AsyncIterator[httpx2.AsyncClient]:
    """An HTTP client of the API without credentials."""
    async with httpx2.AsyncClient(base_url=stack[1], timeout=30) as made:
        yield made


Drain = Callable[..., Awaitable[int]]


@pytest.fixture
def drain(runtime: Runtime) -> Drain:
    """`await drain(until=…)`: do due work, again and again, until a condition holds or nothing is due."""
    return draining(runtime)


def draining(runtime: Runtime) -> Drain:
    """What the fixture `drain` gives, for a runtime that lives longer than one test."""

    async def run(until: Callable[[], Awaitable[bool]] | None = None, seconds: float = 90) -> int:
        done, deadline = 0, asyncio.get_running_loop().time() + seconds
        while True:
            async with runtime.database.begin(SYSTEM) as uow:
                rings = await work.due(uow, 100)
            results = await asyncio.gather(*(do_work(runtime, HANDLERS, ring.work_id) for ring in rings))
            done += sum(results)
            if until is not None and await until():
                return done
            if until is None and not rings:
                return done
            assert asyncio.get_running_loop().time() < deadline, "the work did not come to rest"
            if not rings:
                await asyncio.sleep(0.05)

    return run
