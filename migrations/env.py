"""Runs the migrations: one advisory lock, short lock waits, the owner's role, metadata from `app.metadata`."""

import asyncio
from typing import Any

from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from app.metadata import metadata

ADVISORY_LOCK = 7_303_011


def run(connection: Connection) -> None:
    """Upgrade or downgrade on one connection, one transaction per revision."""
    connection.execute(text("select pg_advisory_lock(:lock)"), {"lock": ADVISORY_LOCK})
    connection.execute(text("set lock_timeout = '5s'"))
    connection.execute(text("set statement_timeout = '10min'"))
    connection.commit()
    context.configure(
        connection=connection,
        target_metadata=metadata,
        transaction_per_migration=True,
        compare_type=True,
        compare_server_default=False,
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.execute(text("select pg_advisory_unlock(:lock)"), {"lock": ADVISORY_LOCK})
    connection.commit()


async def connect_and_run(url: str) -> None:
    """Open the one connection that migrates."""
    engine = create_async_engine(url, poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(run)
    await engine.dispose()


def main() -> None:
    """Use the connection or the URL that the caller put into the configuration's attributes."""
    attributes: dict[str, Any] = context.config.attributes
    asyncio.run(connect_and_run(attributes["url"]))


main()
