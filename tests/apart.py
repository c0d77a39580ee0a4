"""The API as a process of its own, over the run's servers: what it costs can be measured."""

import asyncio
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from app.settings import PREFIX, Settings
from dev.processes import Child, plain_environment
from dev.spawn import free_port
from dev.stack import ROOT


@dataclass(frozen=True)
class Apart:
    """A running API process."""

    url: str
    port: int
    child: Child

    @property
    def process(self) -> psutil.Process:
        """The process itself."""
        return psutil.Process(self.child.pid)

    @property
    def memory(self) -> int:
        """Bytes of it that are in memory."""
        return int(self.process.memory_info().rss)

    @property
    def sockets(self) -> int:
        """Connections of clients that it holds."""
        return sum(
            1
            for each in self.process.net_connections("tcp")
            if each.laddr.port == self.port and each.status != psutil.CONN_LISTEN
        )


class Peak:
    """The most memory that a process had while this was open; looked at by a thread, for the loop may be busy."""

    def __init__(self, apart: Apart) -> None:
        self._apart = apart
        self._over = threading.Event()
        self._watcher = threading.Thread(target=self._watch)
        self.bytes = apart.memory

    def __enter__(self) -> "Peak":
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._watcher.join()

    def _watch(self) -> None:
        while not self._over.wait(0.005):
            self.bytes = max(self.bytes, self._apart.memory)
        self.bytes = max(self.bytes, self._apart.memory)


@asynccontextmanager
async def apart(settings: Settings, logs: Path, **changes: Any) -> AsyncIterator[Apart]:
    """Start `sublet serve` with these settings and end it."""
    started = await asyncio.to_thread(_start, settings, logs, changes)
    try:
        yield started
    finally:
        await asyncio.to_thread(started.child.stop, 10)


def _start(settings: Settings, logs: Path, changes: dict[str, Any]) -> Apart:
    """Until it serves; at another port when somebody took the one it was to have."""
    while True:
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        values = {"host": "127.0.0.1", "port": port, "public_url": url, "owner_database_url": "", **changes}
        env = settings.as_environ() | {PREFIX + name.upper(): str(value) for name, value in values.items()}
        command = [sys.executable, "-m", "app", "serve"]
        child = Child("api", command, env={**plain_environment(), **env}, cwd=ROOT, logs=logs)
        child.start()
        try:
            child.wait_for(f"{url}/readyz", 60)
        except BaseException:
            child.stop(10)
            if "ddress already in use" in child.log_end() and "port" not in changes:
                child.log_path.unlink()
                continue
            raise
        return Apart(url, port, child)
