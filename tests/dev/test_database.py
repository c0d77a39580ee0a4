"""The three roles are as weak as promised, on our own server and on somebody else's."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import asyncpg
import pytest

from dev import database
from dev.database import Dsns, plain
from dev.postgres import PostgresServer


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with PostgresServer.start() as running:
        yield running


@pytest.fixture(scope="module")
def dsns(server: PostgresServer) -> Dsns:
    return database.prepare(server.admin_dsn, "house")


@pytest.mark.parametrize("who", ["owner", "app", "system"])
async def test_no_role_is_more_than_a_role(dsns: Dsns, who: str) -> None:
    row = await _row(getattr(dsns, who), "select * from pg_roles where rolname = current_user")
    assert row["rolname"] == f"sublet_{who}"
    powers = ("rolsuper", "rolbypassrls", "rolcreatedb", "rolcreaterole", "rolreplication")
    assert [row[power] for power in powers] == [False] * len(powers)


@pytest.mark.parametrize("who", ["app", "system"])
@pytest.mark.parametrize(
    "statement",
    [
        "create table mine (n int)",
        "create schema mine",
        "create temp table mine (n int)",
        "create database mine",
        "create role mine",
        "select * from private_things",
        "set role sublet_owner",
        "alter role sublet_owner password 'x'",
        "copy (select 1) to program 'true'",
    ],
)
async def test_those_who_serve_own_nothing_and_may_make_nothing(dsns: Dsns, who: str, statement: str) -> None:
    await _execute(dsns.owner, "create table if not exists private_things (n int)")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await _execute(getattr(dsns, who), statement)


async def test_row_policies_bind_the_app(dsns: Dsns) -> None:
    await _execute(
        dsns.owner,
        """
        create table rows (tenant int);
        insert into rows values (1), (2);
        alter table rows enable row level security;
        alter table rows force row level security;
        create policy own on rows to sublet_app using (tenant = 1);
        grant select on rows to sublet_app;
        """,
    )
    assert (await _row(dsns.app, "select count(*) from rows"))["count"] == 1
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await _execute(dsns.system, "select * from rows")


async def test_a_stranger_with_a_login_cannot_connect(server: PostgresServer, dsns: Dsns) -> None:
    await _execute(server.admin_dsn, "create role stranger login password 'known'")
    stranger = urlsplit(plain(dsns.app))._replace(netloc=f"stranger:known@127.0.0.1:{server.port}").geturl()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(stranger)
    copy = database.clone(dsns)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(stranger.replace("/house", f"/{copy.name}"))
    database.drop(copy)


async def test_preparing_again_changes_no_address(server: PostgresServer, dsns: Dsns) -> None:
    assert database.prepare(server.admin_dsn, "house") == dsns
    assert (await _row(dsns.app, "select 1 as one"))["one"] == 1


async def test_a_clone_has_the_rows_and_its_own_life(server: PostgresServer) -> None:
    template = database.prepare(server.admin_dsn, "template")
    await _execute(template.owner, "create table t (n int); insert into t values (1); grant all on t to sublet_app")
    copy = database.clone(template)
    await _execute(copy.app, "insert into t values (2)")
    assert (await _row(copy.owner, "select count(*) from t"))["count"] == 2
    assert (await _row(template.owner, "select count(*) from t"))["count"] == 1
    database.drop(copy)
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await asyncpg.connect(plain(copy.app))


async def test_roles_an_operator_made_are_joined_not_changed() -> None:
    with PostgresServer.start() as server:
        await _execute(server.admin_dsn, "create role sublet_app login password 'the operator knows it'")
        made = database.prepare(server.admin_dsn, "house")
        assert (await _row(made.app, "select current_user::text as name"))["name"].startswith("sublet_app_")
        await _execute(made.owner, "create table t (n int); grant select on t to sublet_app")
        assert (await _row(made.app, "select count(*) from t"))["count"] == 0
        old = plain(made.app).partition("@")[2]
        connection = await asyncpg.connect(f"postgresql://sublet_app:the%20operator%20knows%20it@{old}")
        await connection.close()


async def test_an_administrator_need_not_be_a_superuser() -> None:
    with PostgresServer.start() as server:
        await _execute(server.admin_dsn, "create role boss login createdb createrole password 'b'")
        boss = f"postgresql://boss:b@127.0.0.1:{server.port}/postgres"
        made = database.prepare(boss, "house")
        await _execute(made.owner, "create table t (n int)")
        copy = database.clone(made)
        assert (await _row(copy.owner, "select count(*) from t"))["count"] == 0
        database.drop(copy)
        database.drop(made)


async def test_an_existing_database_is_adopted_as_it_is(server: PostgresServer) -> None:
    await _execute(server.admin_dsn, "create database theirs")
    named = server.admin_dsn.replace("/postgres", "/theirs")
    adopted = database.adopt(named)
    assert plain(adopted.owner) == named
    assert (await _row(adopted.system, "select current_database()::text as name"))["name"] == "theirs"


async def _execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(plain(dsn))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def _row(dsn: str, query: str) -> asyncpg.Record:
    connection = await asyncpg.connect(plain(dsn))
    try:
        return await connection.fetchrow(query)
    finally:
        await connection.close()
