"""Databases and the three roles that may use them.

`sublet_owner` owns the tables and migrates them; `sublet_app` serves requests and sees what row
policies let it see; `sublet_system` is the workers' and the doors'. None is a superuser, none may
make roles or databases, and the last two own nothing. Migrations only grant to the last two.

A server may be shared by several stacks while roles belong to the whole server. So a role's
password is derived from the administrator's: every stack that knows one knows the other, with
nothing to keep. Where a role of ours exists and has another password (an operator made it), it is
left as it is: the stack then signs in as a role of its own that is a member of it.
"""

import asyncio
import base64
import hashlib
import hmac
import re
import secrets
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar
from urllib.parse import quote, unquote, urlsplit

import asyncpg  # type: ignore[import-untyped, unused-ignore]

OWNER, APP, SYSTEM = "sublet_owner", "sublet_app", "sublet_system"
_MEMBER = re.compile(r"sublet_(owner|app|system)_[0-9a-f]{8}")
_WEAK = "LOGIN INHERIT NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION"

Answer = TypeVar("Answer")
Connection: TypeAlias = Any  # asyncpg carries no types


@dataclass(frozen=True)
class Dsns:
    """One database, and its address for each of those who use it.

    `owner`, `app` and `system` begin with `postgresql+asyncpg://`, as SQLAlchemy wants them;
    `admin` is plain, leads to another database, and is for `clone` and `drop`.
    """

    name: str
    admin: str
    owner: str
    app: str
    system: str


def prepare(admin_dsn: str, name: str) -> Dsns:
    """Make an empty database and, where missing, the roles; safe to run again.

    Works with or without a running event loop, and blocks it for some 50 ms.
    """
    return _wait(lambda: _prepare(admin_dsn, name))


def adopt(database_dsn: str) -> Dsns:
    """Use an existing database; whoever the address names stays its owner, the other roles are made."""
    return _wait(lambda: _adopt(database_dsn))


def clone(template: Dsns, name: str | None = None) -> Dsns:
    """Copy a database, rows and all, under a name of its own; nobody may be connected to the template."""
    return _wait(lambda: _clone(template, name or f"{template.name[:40]}_{secrets.token_hex(6)}"))


def drop(dsns: Dsns) -> None:
    """Remove the database, whoever is connected; the roles stay."""
    _wait(lambda: _drop(dsns))


def dismiss(dsns: Dsns) -> None:
    """Remove the roles made for this stack alone, if any; its database must be gone or not theirs."""
    _wait(lambda: _dismiss(dsns))


def plain(dsn: str) -> str:
    """The address without SQLAlchemy's driver name, for asyncpg and psql."""
    return "postgresql://" + dsn.partition("://")[2]


async def _prepare(admin_dsn: str, name: str) -> Dsns:
    admin_dsn = plain(admin_dsn)
    connection: Connection = await asyncpg.connect(admin_dsn)
    try:
        signed = {role: await _login(connection, admin_dsn, role) for role in (OWNER, APP, SYSTEM)}
        await _be_member(connection, OWNER)
        if not await connection.fetchval("select exists(select from pg_database where datname = $1)", name):
            await connection.execute(f"CREATE DATABASE {_quoted(name)} OWNER {OWNER}")
        await _close_to_others(connection, name)
    finally:
        await connection.close()
    return _dsns(admin_dsn, name, signed)


async def _adopt(database_dsn: str) -> Dsns:
    database_dsn = plain(database_dsn)
    connection: Connection = await asyncpg.connect(database_dsn)
    try:
        name: str = await connection.fetchval("select current_database()")
        signed = {role: await _login(connection, database_dsn, role) for role in (APP, SYSTEM)}
        await connection.execute(f"GRANT CONNECT ON DATABASE {_quoted(name)} TO {APP}, {SYSTEM}")
    finally:
        await connection.close()
    owner = urlsplit(database_dsn)
    signed[OWNER] = (unquote(owner.username or ""), unquote(owner.password or ""))
    return _dsns(database_dsn, name, signed)


async def _clone(template: Dsns, name: str) -> Dsns:
    connection: Connection = await asyncpg.connect(template.admin)
    try:
        await connection.execute(
            f"CREATE DATABASE {_quoted(name)} OWNER {OWNER} TEMPLATE {_quoted(template.name)} STRATEGY file_copy"
        )
        await _close_to_others(connection, name)  # a copy does not inherit who may connect
    finally:
        await connection.close()

    def at(dsn: str) -> str:
        return urlsplit(dsn)._replace(path=f"/{quote(name)}").geturl()

    return Dsns(name, template.admin, at(template.owner), at(template.app), at(template.system))


async def _drop(dsns: Dsns) -> None:
    connection: Connection = await asyncpg.connect(dsns.admin)
    try:
        await connection.execute(f"DROP DATABASE IF EXISTS {_quoted(dsns.name)} WITH (FORCE)")
    finally:
        await connection.close()


async def _dismiss(dsns: Dsns) -> None:
    admin = urlsplit(dsns.admin).username
    users = {urlsplit(dsn).username or "" for dsn in (dsns.owner, dsns.app, dsns.system)} - {admin}
    connection: Connection = await asyncpg.connect(dsns.admin)
    try:
        for user in filter(_MEMBER.fullmatch, users):
            await connection.execute(f"DROP ROLE IF EXISTS {user}")
    finally:
        await connection.close()


async def _login(connection: Connection, admin_dsn: str, role: str) -> tuple[str, str]:
    """Name and password under which this stack acts as the role."""
    known = urlsplit(admin_dsn).password
    password = _derived(unquote(known), role) if known else secrets.token_urlsafe(24)
    try:
        await connection.execute(f"CREATE ROLE {role} {_WEAK} PASSWORD '{password}'")
        return role, password
    except (asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
        if known and await _opens(connection, admin_dsn, role, password):
            return role, password
    member, own = f"{role}_{secrets.token_hex(4)}", secrets.token_urlsafe(24)
    await connection.execute(f"CREATE ROLE {member} {_WEAK} PASSWORD '{own}' IN ROLE {role}")
    return member, own


async def _opens(connection: Connection, admin_dsn: str, role: str, password: str) -> bool:
    # Tried at the maintenance database, which every role may enter unless an operator said otherwise.
    try:
        trial: Connection = await asyncpg.connect(_address(admin_dsn, role, password, None))
    except (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError):
        return False
    except asyncpg.InsufficientPrivilegeError:  # the password was right, the room is closed
        return True
    await trial.close()
    return True


async def _be_member(connection: Connection, role: str) -> None:
    """Let an administrator who is no superuser give a database to the role."""
    if not await connection.fetchval("select rolsuper from pg_roles where rolname = current_user"):
        await connection.execute(f"GRANT {role} TO CURRENT_USER")


async def _close_to_others(connection: Connection, name: str) -> None:
    await connection.execute(f"REVOKE ALL ON DATABASE {_quoted(name)} FROM PUBLIC")
    await connection.execute(f"GRANT CONNECT ON DATABASE {_quoted(name)} TO {APP}, {SYSTEM}")


def _dsns(admin_dsn: str, name: str, signed: dict[str, tuple[str, str]]) -> Dsns:
    def address(role: str) -> str:
        user, password = signed[role]
        return _address(admin_dsn, user, password, name, driver="postgresql+asyncpg")

    return Dsns(name, admin_dsn, address(OWNER), address(APP), address(SYSTEM))


def _address(dsn: str, user: str, password: str, name: str | None, *, driver: str = "postgresql") -> str:
    parts = urlsplit(dsn)
    host = parts.netloc.rpartition("@")[2]
    signed = quote(user, safe="") + (f":{quote(password, safe='')}" if password else "")
    path = parts.path if name is None else f"/{quote(name)}"
    return parts._replace(scheme=driver, netloc=f"{signed}@{host}", path=path).geturl()


def _derived(admin_password: str, role: str) -> str:
    digest = hmac.digest(admin_password.encode(), f"sublet role {role}".encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _wait(work: Callable[[], Awaitable[Answer]]) -> Answer:
    """Run a coroutine to its end on a loop of its own, whether or not the caller has one."""
    answers: list[Answer] = []
    errors: list[BaseException] = []

    def run() -> None:
        async def main() -> Answer:
            return await work()

        try:
            answers.append(asyncio.run(main()))
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, name="database")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return answers[0]
