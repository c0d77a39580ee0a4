"""Files that are given by their address: looked at when a send is asked for, fetched when its turn comes."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiohttp

from simulator.storage import Blob, TooLarge

if TYPE_CHECKING:
    from simulator.world import World

CHUNK = 256 * 1024
LOOK_SECONDS = 3.0
"""Real seconds a look at an address takes at most; an address that says nothing is taken on trust."""
Then = Callable[[Blob | None, str], None]


def is_address(url: str) -> bool:
    """An absolute http or https address."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and not any(map(str.isspace, url))
    except ValueError:
        return False


class Fetches:
    """The fetches under way; a jump of the clock waits for them as long as for a silent receiver."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None

    async def size(self, url: str) -> int | None:
        """How large the file says it is, in bytes; None when nobody says."""
        blob = self._world.storage.of_url(url)
        if blob is not None:
            return blob.size
        try:
            async with self._opened().head(
                url, allow_redirects=True, timeout=aiohttp.ClientTimeout(total=LOOK_SECONDS)
            ) as answer:
                return answer.content_length if answer.status == 200 else None
        except (aiohttp.ClientError, OSError, ValueError, TimeoutError):
            return None

    def begin(self, url: str, name: str, then: Then) -> None:
        """Fetch, then tell the blob, or None and why there is none."""
        task = asyncio.get_running_loop().create_task(self._run(url, name, then))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settle(self) -> None:
        """Wait in real time for the fetches under way."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._world.config.jump_settle_seconds)

    def abandon(self) -> None:
        """Let every fetch go; nobody is told."""
        for task in self._tasks:
            task.cancel()

    async def close(self) -> None:
        """End every fetch and its connection."""
        self.abandon()
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._session is not None:
            await self._session.close()

    async def _run(self, url: str, name: str, then: Then) -> None:
        storage = self._world.storage
        own = storage.of_url(url)
        if own is not None:
            then(own, "")
            return
        storage.make_room()
        blob: Blob | None = None
        why = ""
        try:
            limit = aiohttp.ClientTimeout(total=self._world.config.fetch_seconds)
            async with self._opened().get(url, timeout=limit) as answer:
                if answer.status != 200:
                    why = f"file from url answered {answer.status}"
                else:
                    blob = storage.open(name, answer.content_type if "Content-Type" in answer.headers else "")
                    async for chunk in answer.content.iter_chunked(CHUNK):
                        blob.write(chunk)
                    blob.close()
        except TooLarge:
            why = "file from url exceeded max upload size"
        except (aiohttp.ClientError, OSError, ValueError, TimeoutError):
            why = "file from url could not be loaded"
        except asyncio.CancelledError:
            if blob is not None:
                storage.drop(blob)
            raise
        if why and blob is not None:
            storage.drop(blob)
        then(None if why else blob, why)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False)
        return self._session
