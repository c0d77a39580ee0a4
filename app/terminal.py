"""What the commands of `sublet` share: settings, a runtime, words checked as over HTTP, and an ending in words."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, NoReturn

import asyncpg
import msgspec
import rich_click as click
from rich import box
from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import SQLAlchemyError

from app.kit.db import SYSTEM, UnitOfWork
from app.kit.errors import AppError, NotFound
from app.kit.log import describe
from app.kit.queue import SilentBell
from app.runtime import Runtime, open_runtime
from app.settings import Settings, SettingsInvalid

EXIT_FAILED, EXIT_USAGE, EXIT_NOT_FOUND, EXIT_CONFLICT = 1, 2, 3, 5
DATABASE_ERRORS: Final = (OSError, SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError)
WIDEST: Final = 10_000


def text(kind: Any, bounds: str) -> Callable[[str], str]:
    """A text within the bounds of a type of the wire, which are told in words when it is not."""

    def text(given: str) -> str:
        try:
            return str(msgspec.convert(given, kind))
        except msgspec.ValidationError:
            raise click.BadParameter(f"It should be {bounds}.") from None

    return text


def run(command: Callable[[UnitOfWork, Runtime], Awaitable[Any]]) -> Any:
    """One command in one system transaction; see `trip`."""

    async def act(runtime: Runtime) -> Any:
        async with runtime.database.begin(SYSTEM) as uow:
            return await command(uow, runtime)

    return trip(act)


def trip(command: Callable[[Runtime], Awaitable[Any]]) -> Any:
    """One command that opens its transactions itself; what stands in its way is told in a line and by the exit code."""
    settings = load()

    async def act() -> Any:
        async with open_runtime(settings, bell=SilentBell(), application="cli") as runtime:
            return await command(runtime)

    try:
        return asyncio.run(act())
    except NotFound as error:
        fail(str(error), EXIT_NOT_FOUND)
    except AppError as error:
        fail(f"{error.code}: {error}", EXIT_CONFLICT if error.status == 409 else EXIT_FAILED)
    except DATABASE_ERRORS as error:
        fail_of_database(error)


def fail_of_database(error: BaseException) -> NoReturn:
    """Say that it cannot be used, without its address, which holds a password."""
    fail(f"the database cannot be used: {describe(error)}. Is it there, and migrated (`sublet migrate`)?", EXIT_FAILED)


def load() -> Settings:
    """The settings, or a clear line about what is wrong with them."""
    try:
        return Settings.load()
    except SettingsInvalid as error:
        fail(f"{error} (.env.example explains every setting)", EXIT_USAGE)


def fail(text: str, code: int) -> NoReturn:
    """Say why on stderr and leave."""
    click.echo(f"sublet: {text}", err=True)
    sys.exit(code)


def show(rows: Sequence[dict[str, Any]], columns: list[str], output: str) -> None:
    """Rows as a table, as JSON, or as ids only. No cell of the table is cut, however narrow the window."""
    if output == "json":
        click.echo(json.dumps(rows, indent=2))
    elif output == "id":
        for row in rows:
            click.echo(row["id"])
    else:
        table = Table(*columns, box=box.SIMPLE_HEAD)
        for row in rows:
            cells = (row.get(column) for column in columns)
            table.add_row(*("" if cell is None else str(cell) for cell in cells))
        width = Console(width=WIDEST).measure(table).maximum
        Console(width=width).print(table, markup=False)


def plain(struct: msgspec.Struct) -> dict[str, Any]:
    """A document as over HTTP."""
    made: dict[str, Any] = msgspec.to_builtins(struct)
    return made
