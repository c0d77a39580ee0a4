"""Statements of the hottest paths, run on the driver's own connection inside the unit of work's transaction.

SQLAlchemy spends five to twenty times as much on a statement as the driver does; a send has six that are plain SQL
anyway. Everything else goes through the session. Values are typed by casts in the statement; errors come out as
SQLAlchemy's, so that callers need not know which way a statement went.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import asyncpg
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.kit.db import UnitOfWork

PARAMETER: Final = re.compile(r"(?<![:\w]):(\w+)")


class Statement:
    """SQL with `:name` parameters, each cast to its type where PostgreSQL cannot tell it."""

    def __init__(self, sql: str) -> None:
        self.names = tuple(dict.fromkeys(PARAMETER.findall(sql)))
        places = {name: f"${place}" for place, name in enumerate(self.names, 1)}
        self.sql = PARAMETER.sub(lambda found: places[found.group(1)], sql)

    async def first(self, uow: UnitOfWork, values: Mapping[str, Any]) -> Any:
        """The first row, readable by name or place, or None.

        Raises:
            DBAPIError: the database refused the statement or is away.
        """
        rows = await self.all(uow, values)
        return rows[0] if rows else None

    async def all(self, uow: UnitOfWork, values: Mapping[str, Any]) -> Any:
        """Every row.

        Raises:
            DBAPIError: the database refused the statement or is away; IntegrityError when a constraint did.
        """
        connection = await uow.session.connection()
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        try:
            return await driver.fetch(self.sql, *[values[name] for name in self.names])
        except asyncpg.IntegrityConstraintViolationError as error:
            raise IntegrityError(self.sql, None, error, hide_parameters=True) from error
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise DBAPIError(self.sql, None, error, hide_parameters=True) from error
