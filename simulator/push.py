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


FAILURES_A_JUMP = 20
"""Failed attempts after which a jump no longer waits for the receiver of an instance."""


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
        self._tasks: dict[asyncio.Task[None], int] = {}
        self._failures: dict[int, int] = {}
        self._hopeless: set[int] = set()
        self._session: aiohttp.ClientSession | None = None

    def wake(self, instance: Instance) -> None:
        """There may be something to push; does nothing while an attempt or its pause is on."""
        if instance.notices and instance.settings["webhookUrl"] and instance.id_instance not in self._flights:
            self._begin(instance)

    def begin_jump(self) -> None:
        """Hope anew for every receiver."""
        self._failures.clear()
        self._hopeless.clear()

    async def settle(self) -> None:
        """Wait in real time for the attempts in flight, as long as some of them come to an end.

        A receiver that stays silent, or fails again and again, is not waited for a second time in the
        same jump: one dead receiver must neither slow a long jump nor spoil it for the living ones.
        """
        patience = self._world.config.jump_settle_seconds
        while True:
            waiting = [task for task, owner in self._tasks.items() if owner not in self._hopeless and not task.done()]
            if not waiting:
                return
            done, _ = await asyncio.wait(waiting, timeout=patience)
            if not done:
                self._hopeless.update(self._tasks[task] for task in waiting if task in self._tasks)

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
        self._tasks[flight.task] = instance.id_instance
        flight.task.add_done_callback(self._tasks.pop)

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
            failures = self._failures[instance.id_instance] = self._failures.get(instance.id_instance, 0) + 1
            if failures >= FAILURES_A_JUMP:
                self._hopeless.add(instance.id_instance)
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
