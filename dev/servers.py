"""PostgreSQL and Redis for one stack: private ones, or those the environment names."""

import os
import secrets
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

from dev import database
from dev.database import Dsns
from dev.postgres import PostgresServer
from dev.redis import RedisServer

DATABASE = "sublet"


class Servers:
    """What the stack stands on. `postgres` and `redis` are None where somebody else runs them.

    Servers of others are named by SUBLET_DATABASE_URL (a role that may make databases and roles)
    and SUBLET_REDIS_URL. A throw-away stack makes a database there and drops it; one that is kept
    uses the very database that is named.
    """

    def __init__(self, home: Path, durable: bool, environment: Mapping[str, str] = os.environ) -> None:
        self.postgres: PostgresServer | None = None
        self.redis: RedisServer | None = None
        self.dsns = Dsns("", "", "", "", "")
        self.redis_url = environment.get("SUBLET_REDIS_URL", "")
        self._database_url = environment.get("SUBLET_DATABASE_URL", "")
        self._home = home
        self._durable = durable

    def start(self) -> Self:
        """Start what is not running elsewhere, and make the database and its roles."""
        try:
            with ThreadPoolExecutor(2) as pool:
                base = pool.submit(self._start_postgres)
                queue = pool.submit(self._start_redis)
                base.result()
                queue.result()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop our own servers; on somebody else's, remove what was made for this stack alone."""
        if self._database_url and self.dsns.name:
            if not self._durable:
                database.drop(self.dsns)
            database.dismiss(self.dsns)
        if self.redis:
            self.redis.stop()
        if self.postgres:
            self.postgres.stop()

    def _start_postgres(self) -> None:
        if not self._database_url:
            self.postgres = PostgresServer.start(self._home / "postgres", durable=self._durable)
            self.dsns = database.prepare(self.postgres.admin_dsn, DATABASE)
        elif self._durable:
            self.dsns = database.adopt(self._database_url)
        else:
            self.dsns = database.prepare(self._database_url, f"{DATABASE}_{secrets.token_hex(6)}")

    def _start_redis(self) -> None:
        if not self.redis_url:
            self.redis = RedisServer.start(self._home / "redis")
            self.redis_url = self.redis.url
