"""The embedded servers come up alone, let nobody in without the password, and leave nothing behind."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest
import redis

from dev.places import Scratch, can_enter, stand_in
from dev.postgres import PostgresServer, _copied, _installed, resting_place
from dev.redis import RedisServer
from dev.servers import Servers
from dev.spawn import unprivileged

ROOT = Path(__file__).resolve().parents[2]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder a server can keep, wherever pytest has its own."""
    scratch = Scratch()
    yield scratch.path / "kept"
    scratch.close()


@pytest.fixture
def closed_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder that only we can enter."""
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o700)
    yield folder
    if os.geteuid() == 0:
        subprocess.run(["rm", "-rf", resting_place(folder / "postgres").parent], check=True)


async def test_postgres_starts_answers_and_goes_without_a_trace() -> None:
    server = PostgresServer.start()
    family = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
    connection = await asyncpg.connect(server.admin_dsn)
    assert await connection.fetchval("select 1") == 1
    await connection.close()
    server.stop()
    _gone, alive = psutil.wait_procs(family, timeout=30)
    assert alive == []
    assert not server.directory.exists()
    server.stop()  # stopping twice is no error


async def test_postgres_lets_nobody_in_without_the_password() -> None:
    with PostgresServer.start() as server:
        assert psutil.Process(server.pid).uids().effective != 0
        bare = server.admin_dsn.replace(f":{server.password}@", "@")
        wrong = server.admin_dsn.replace(server.password, "wrong")
        for dsn in (bare, wrong):
            with pytest.raises(asyncpg.InvalidPasswordError):
                await asyncpg.connect(dsn)
        arguments = " ".join(psutil.Process(server.pid).cmdline())
        assert server.password not in arguments


def test_redis_lets_nobody_in_without_the_password() -> None:
    with RedisServer.start() as server:
        assert redis.from_url(server.url).ping() is True
        with pytest.raises(redis.AuthenticationError):
            redis.from_url(server.url.replace(f":{server.password}@", "")).ping()
        assert server.password not in " ".join(psutil.Process(server.pid).cmdline())
        listening = {line.laddr.ip for line in psutil.Process(server.pid).net_connections("tcp")}
        assert listening == {"127.0.0.1"}
        process = psutil.Process(server.pid)
    assert not process.is_running()
    assert not server.directory.exists()


def test_two_of_each_run_side_by_side() -> None:
    with PostgresServer.start() as one, PostgresServer.start() as two:
        assert one.port != two.port
        assert one.directory != two.directory
    with RedisServer.start() as first, RedisServer.start() as second:
        assert first.url != second.url


async def test_a_kept_directory_keeps_its_data_through_a_crash_and_a_stop(folder: Path) -> None:
    with PostgresServer.start(folder, durable=True) as server:
        await _execute(server.admin_dsn, "create table kept (n int); insert into kept values (7)")
        server.crash()
        assert server.pid == 0
        server.resume()
        assert await _value(server.admin_dsn, "select n from kept") == 7
    with PostgresServer.start(folder, durable=True) as server:
        assert await _value(server.admin_dsn, "select n from kept") == 7
        assert await _value(server.admin_dsn, "show fsync") == "on"


def test_redis_comes_back_empty_at_the_same_address() -> None:
    with RedisServer.start() as server:
        client = redis.from_url(server.url)
        client.set("a", "1")
        server.crash()
        server.resume()
        assert client.get("a") is None


def test_killing_us_takes_the_servers_along() -> None:
    script = (
        "import time; from dev.postgres import PostgresServer; from dev.redis import RedisServer\n"
        "print(PostgresServer.start().pid, RedisServer.start().pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    servers = [psutil.Process(int(pid)) for pid in parent.stdout.readline().split()]
    assert len(servers) == 2
    servers += servers[0].children()
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    _gone, alive = psutil.wait_procs(servers, timeout=30)
    assert alive == []
    Scratch().close()  # making the next scratch place sweeps what the dead one left


def test_a_server_outlives_the_thread_that_started_it() -> None:
    started: list[RedisServer] = []
    thread = threading.Thread(target=lambda: started.append(RedisServer.start()))
    thread.start()
    thread.join()
    with started[0] as server:
        with pytest.raises(psutil.TimeoutExpired):
            psutil.Process(server.pid).wait(0.3)
        assert redis.from_url(server.url).ping() is True


def test_what_a_dead_run_left_is_swept_and_what_a_living_one_uses_is_not() -> None:
    mine = Scratch()
    script = "from dev.places import Scratch; import os; print(Scratch().path, flush=True); os._exit(9)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    left = Path(done.stdout.strip())
    other = Scratch()
    assert not left.exists()
    assert mine.path.exists()
    for scratch in (mine, other):
        scratch.close()


@as_root
async def test_root_may_keep_its_data_in_a_folder_closed_to_others(closed_folder: Path) -> None:
    with PostgresServer.start(closed_folder / "postgres") as server:
        assert await _value(server.admin_dsn, "select 1") == 1
        assert server.directory == resting_place(closed_folder / "postgres")
        assert server.directory.parent == stand_in(closed_folder / "postgres")


@as_root
def test_root_may_have_the_programs_in_a_folder_closed_to_others() -> None:
    account = unprivileged()
    assert account is not None
    programs = _copied(_installed()[0])
    try:
        assert can_enter(programs, account)
        done = subprocess.run(
            [programs / "initdb", "--version"],
            user=account.uid,
            group=account.gid,
            extra_groups=[],
            capture_output=True,
            text=True,
            check=True,
        )
        assert "PostgreSQL" in done.stdout
    finally:
        subprocess.run(["rm", "-rf", stand_in(_installed()[0])], check=True)


async def test_servers_named_in_the_environment_are_used_and_left_clean(tmp_path: Path) -> None:
    with PostgresServer.start() as base, RedisServer.start() as queue:
        await _execute(base.admin_dsn, "create role sublet_app login password 'an operator made it'")
        roles = "select count(*) from pg_roles where rolname like 'sublet_app_%'"
        environment = {"SUBLET_DATABASE_URL": base.admin_dsn, "SUBLET_REDIS_URL": queue.url}
        servers = Servers(tmp_path, durable=False, environment=environment).start()
        assert servers.postgres is None
        assert servers.redis_url == queue.url
        names = "select count(*) from pg_database where datname = $1"
        assert await _value(base.admin_dsn, names, servers.dsns.name) == 1
        assert await _value(base.admin_dsn, roles) == 1
        servers.stop()
        assert await _value(base.admin_dsn, names, servers.dsns.name) == 0
        assert await _value(base.admin_dsn, roles) == 0


async def _execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(statement)
    await connection.close()


async def _value(dsn: str, query: str, *arguments: object) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(query, *arguments)
    finally:
        await connection.close()
