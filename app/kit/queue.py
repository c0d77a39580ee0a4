"""The bell: arq in Redis wakes a worker for a row of work. Nothing lives in Redis that PostgreSQL does not know."""

import asyncio
from collections import deque
from typing import Any, Final

import msgspec
import structlog
from arq.connections import ArqRedis, RedisSettings, create_pool

from app.kit.db import Ring

log = structlog.get_logger()

QUEUE_NAME: Final = "sublet:bell"
FUNCTION: Final = "do_work"
MAX_WAITING: Final = 10_000
FARTHEST_RING_SECONDS: Final = 120.0


def serialize(value: dict[str, Any]) -> bytes:
    """MessagePack in place of arq's default, which would run code that it reads from Redis."""
    return msgspec.msgpack.encode(value, enc_hook=str)


def deserialize(raw: bytes) -> dict[str, Any]:
    """What `serialize` wrote."""
    return msgspec.msgpack.decode(raw, type=dict[str, Any])


class RedisBell:
    """Rings in the background, so that no request waits for Redis; while Redis is away the rings are dropped."""

    def __init__(self, redis_url: str) -> None:
        self._settings = redis_settings(redis_url)
        self._waiting: deque[Ring] = deque(maxlen=MAX_WAITING)
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._pool: ArqRedis | None = None

    def ring(self, rings: list[Ring]) -> None:
        """Wake a worker for each, now or after its delay; never blocks and never fails."""
        self._waiting.extend(ring for ring in rings if ring.delay_seconds <= FARTHEST_RING_SECONDS)
        self._wake.set()
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Ring what waits, within half a second, and let go of Redis."""
        if self._task is not None:
            with_deadline = asyncio.wait_for(self._drained(), 0.5)
            await asyncio.gather(with_deadline, return_exceptions=True)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._pool is not None:
            await self._pool.aclose()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                ring = self._waiting[0]
                try:
                    async with asyncio.timeout(2):
                        await self._enqueue(ring)
                except Exception as error:
                    log.warning("bell_lost", error=type(error).__name__, waiting=len(self._waiting))
                    self._waiting.clear()
                    break
                self._waiting.popleft()

    async def _drained(self) -> None:
        while self._waiting:
            await asyncio.sleep(0.01)

    async def _enqueue(self, ring: Ring) -> None:
        if self._pool is None:
            self._pool = await create_pool(
                self._settings,
                job_serializer=serialize,
                job_deserializer=deserialize,
                default_queue_name=QUEUE_NAME,
            )
        await self._pool.enqueue_job(
            FUNCTION,
            str(ring.work_id),
            _job_id=f"{ring.work_id}:{ring.round}",
            _defer_by=ring.delay_seconds or None,
        )


class SilentBell:
    """Rings nothing: for commands that leave the waking to the workers' own sweep."""

    def ring(self, rings: list[Ring]) -> None:
        """Do nothing; the sweep finds the rows."""

    async def close(self) -> None:
        """Nothing to close."""


def redis_settings(redis_url: str) -> RedisSettings:
    """arq's settings for a URL; a lost connection is reported at once, since a sweep makes up for it."""
    settings = RedisSettings.from_dsn(redis_url)
    settings.conn_timeout = 2
    settings.conn_retries = 1
    settings.conn_retry_delay = 0
    return settings
