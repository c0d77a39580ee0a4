"""The push sender: one notification at a time per instance, the same one again until a 200 or its age ends it."""

import asyncio
import contextlib
from typing import TYPE_CHECKING

import aiohttp
import msgspec

from simulator import notices
from simulator.clock import Timer
from simulator.instance import Instance, Notice

if TYPE_CHECKING:
    from simulator.world import World


class Flight:
    """An attempt under way, or the pause after one that failed."""

    __slots__ = ("is_over", "notice", "task", "timer")

    def __init__(self, notice: Notice) -> None:
        self.notice = notice
        self.is_over = False
        self.task: asyncio.Task[None] | None = None
        self.timer: Timer | None = None


class Push:
    """Holds one flight for each instance that has something waiting, and nothing for the others."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._flights: dict[int, Flight] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None

    def wake(self, instance: Instance) -> None:
        """There may be something to push; does nothing while an attempt or its pause is on."""
        if instance.notices and instance.settings["webhookUrl"] and instance.id_instance not in self._flights:
            self._begin(instance)

    async def settle(self, patience: float) -> float:
        """Give attempts in flight some real seconds to end; tells what is left of the patience."""
        loop = asyncio.get_running_loop()
        limit = loop.time() + patience
        while self._tasks and (left := limit - loop.time()) > 0:
            await asyncio.wait(self._tasks, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        return max(0.0, limit - loop.time()) if patience > 0 else 0.0

    def abandon(self) -> None:
        """Forget every flight; answers that come now change nothing."""
        for flight in self._flights.values():
            flight.is_over = True
            if flight.timer is not None:
                flight.timer.cancel()
        self._flights.clear()
        for task in self._tasks:
            task.cancel()

    async def close(self) -> None:
        """End every attempt and its connection."""
        self.abandon()
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._session is not None:
            await self._session.close()

    def _begin(self, instance: Instance) -> None:
        world = self._world
        self._flights.pop(instance.id_instance, None)
        url = instance.settings["webhookUrl"]
        if not instance.is_alive or not url:
            return
        notice = notices.head(world, instance)
        if notice is None:
            return
        notice.attempts += 1
        flight = self._flights[instance.id_instance] = Flight(notice)
        flight.timer = world.clock.after(
            world.config.push_timeout_seconds, lambda: self._end(instance, flight, None, "timeout")
        )
        flight.task = asyncio.get_running_loop().create_task(self._post(instance, flight, url))
        self._tasks.add(flight.task)
        flight.task.add_done_callback(self._tasks.discard)

    async def _post(self, instance: Instance, flight: Flight, url: str) -> None:
        status: int | None = None
        event = "unreachable"
        headers = {"Content-Type": "application/json", "User-Agent": "simulator-push"}
        token = instance.settings["webhookUrlToken"]
        if token:
            headers["Authorization"] = token if token.startswith("Basic ") else f"Bearer {token}"
        with contextlib.suppress(aiohttp.ClientError, OSError, ValueError, TimeoutError):
            async with self._opened().post(
                url, data=msgspec.json.encode(flight.notice.body), headers=headers, allow_redirects=False
            ) as response:
                status = response.status
                event = "acknowledged" if status == 200 else "refused"
        self._end(instance, flight, status, event)

    def _end(self, instance: Instance, flight: Flight, status: int | None, event: str) -> None:
        if flight.is_over:
            return
        flight.is_over = True
        world = self._world
        if flight.timer is not None:
            flight.timer.cancel()
        if event == "timeout" and flight.task is not None:
            flight.task.cancel()
        notices.note(world, instance, flight.notice, event, http_status=status)
        if status == 200:
            notices.acknowledge(world, instance, flight.notice)
            self._begin(instance)
        else:
            flight.timer = world.clock.after(world.config.push_pause_seconds, lambda: self._begin(instance))

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            # No total timeout: how long to wait is decided in virtual time.
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._world.config.push_connections),
                timeout=aiohttp.ClientTimeout(total=None),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            )
        return self._session
