"""Callbacks: who hears of what, in which of three modes, and again with a pause that grows by steps."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp
import msgspec

from simulator.clock import Timer
from simulator.whapi.channel import Channel
from simulator.whapi.settings import MILLISECONDS, OLD_TYPES

if TYPE_CHECKING:
    from simulator.faults import Fault
    from simulator.world import World

FAILURES_A_JUMP = 20
"""Failed attempts after which a jump no longer waits for a receiver."""
OUTCOMES = {"refused": "refused", "unreachable": "lost", "timeout": "lost", "dropped": "lost", "expired": "lost"}


@dataclass(frozen=True, slots=True)
class Hook:
    """One webhook as it is set; `events` None: everything (choice)."""

    url: str
    mode: str = "body"
    headers: tuple[tuple[str, str], ...] = ()
    events: tuple[tuple[str, str | None], ...] | None = None
    max_age: float | None = None

    @classmethod
    def of(cls, settings: dict[str, Any]) -> "Hook":
        """Of a row that was checked when it was set."""
        events = settings.get("events")
        pairs = None if events is None else tuple((row["type"], row.get("method")) for row in events)
        headers = tuple((settings.get("headers") or {}).items())
        age = settings.get("webhook_max_age_seconds")
        return cls(settings["url"], settings.get("mode") or "body", headers, pairs, age)

    def wants(self, type_: str, verb: str) -> bool:
        """The event is among those asked for; one without a verb means every verb."""
        if self.events is None:
            return True
        return any(OLD_TYPES.get(name, name) == type_ and wanted in (None, verb) for name, wanted in self.events)


@dataclass(slots=True, eq=False)
class Callback:
    """One event on its way to one webhook."""

    channel: Channel | None
    hook: Hook
    type: str
    verb: str
    body: dict[str, Any]
    at: float
    attempts: int = 0
    is_over: bool = False
    """The attempt under way is decided."""
    timer: Timer | None = None
    task: "asyncio.Task[None] | None" = None


@dataclass(slots=True, eq=False)
class Lane:
    """The callbacks of one channel to one address: one at a time, in their order as long as none fails."""

    waiting: deque[Callback] = field(default_factory=deque)
    flying: Callback | None = None
    paused: dict[Callback, None] = field(default_factory=dict)
    failures: int = 0
    is_hopeless: bool = False


Key = tuple[str, str]


class Webhooks:
    """Sends callbacks by real HTTP; timeouts and pauses are virtual."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._lanes: dict[Key, Lane] = {}
        self._tasks: dict[asyncio.Task[None], Lane] = {}
        self._session: aiohttp.ClientSession | None = None

    def hooks(self, channel: Channel) -> Iterator[Hook]:
        """The webhooks of a channel."""
        return map(Hook.of, channel.settings["webhooks"])

    def emit(self, channel: Channel, type_: str, verb: str, payload: dict[str, Any]) -> None:
        """An event of a channel to every webhook that wants it, faults and knobs included."""
        if not channel.is_alive:
            return
        world = self._world
        for hook in self.hooks(channel):
            if not hook.wants(type_, verb):
                continue
            fault = world.faults.for_notice(
                f"{type_}.{verb}", None, channel.name, channel_id=channel.id, provider="whapi"
            )
            chance = world.config.whapi.webhook_duplicates
            if fault is not None:
                self._befall(channel, hook, type_, verb, payload, fault)
                continue
            self.send(channel, hook, type_, verb, payload)
            if chance > 0 and world.faults.rng.random() < chance:
                self.send(channel, hook, type_, verb, payload)

    def send(self, channel: Channel | None, hook: Hook, type_: str, verb: str, payload: dict[str, Any]) -> None:
        """Queue one callback; without a channel it is the partner's."""
        callback = Callback(channel, hook, type_, verb, self._body(channel, hook, type_, verb, payload), 0.0)
        self._queue(callback)

    def begin_jump(self) -> None:
        """Hope anew for every receiver."""
        for lane in self._lanes.values():
            lane.failures = 0
            lane.is_hopeless = False

    async def settle(self) -> None:
        """Wait in real time for attempts in flight, but for a silent or dead receiver only once a jump."""
        patience = self._world.config.jump_settle_seconds
        while waiting := [task for task, lane in self._tasks.items() if not lane.is_hopeless and not task.done()]:
            done, _ = await asyncio.wait(waiting, timeout=patience)
            if not done:
                for task in waiting:
                    if task in self._tasks:
                        self._tasks[task].is_hopeless = True

    def drop(self, channel: Channel) -> None:
        """Give up whatever waits for a channel that is gone."""
        for key in [key for key in self._lanes if key[0] == channel.id]:
            self._end_lane(self._lanes.pop(key))

    def abandon(self) -> None:
        """Give up everything."""
        for lane in self._lanes.values():
            self._end_lane(lane)
        self._lanes.clear()
        for task in self._tasks:
            task.cancel()

    async def close(self) -> None:
        """End every attempt and its connection."""
        self.abandon()
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._session is not None:
            await self._session.close()

    def _body(
        self, channel: Channel | None, hook: Hook, type_: str, verb: str, payload: dict[str, Any]
    ) -> dict[str, Any]:
        body = dict(payload)
        if hook.mode != "method":
            key = self._world.config.whapi.event_key
            names = ("event", "method") if key == "both" else (key,)
            body["event"] = {"type": type_, **dict.fromkeys(names, verb)}
        if channel is not None:
            body["channel_id"] = channel.id
        return body

    def _befall(
        self, channel: Channel, hook: Hook, type_: str, verb: str, payload: dict[str, Any], fault: "Fault"
    ) -> None:
        callback = Callback(channel, hook, type_, verb, self._body(channel, hook, type_, verb, payload), 0.0)
        if fault.kind == "drop_notification":
            self._note(callback, "dropped")
        elif fault.kind == "duplicate_notification":
            self._queue(callback)
            self.send(channel, hook, type_, verb, payload)
        else:
            # Late, and for that reason overtaken by those that follow within the delay.
            self._note(callback, "held")
            self._world.clock.after(fault.delay_seconds, lambda: self._queue(callback))

    def _queue(self, callback: Callback) -> None:
        channel = callback.channel
        if channel is not None and not channel.is_alive:
            return
        callback.at = self._world.clock.now()
        lane = self._lanes.setdefault(self._key(callback), Lane())
        lane.waiting.append(callback)
        self._note(callback, "queued")
        self._pump(lane)

    def _key(self, callback: Callback) -> Key:
        return ("" if callback.channel is None else callback.channel.id, callback.hook.url)

    def _pump(self, lane: Lane) -> None:
        if lane.flying is not None or (lane.paused and self._world.config.whapi.webhook_ordered):
            return
        while lane.waiting:
            callback = lane.waiting.popleft()
            age = callback.hook.max_age
            if age is not None and self._world.clock.now() - callback.at > age:
                self._note(callback, "expired")
                continue
            self._attempt(lane, callback)
            return

    def _attempt(self, lane: Lane, callback: Callback) -> None:
        world = self._world
        lane.flying = callback
        callback.attempts += 1
        callback.is_over = False
        if lane.is_hopeless and world.clock.is_jumping:
            # Within a jump a dead receiver is known to be dead: no connection for each of a thousand attempts.
            callback.timer = world.clock.after(0, lambda: self._end(lane, callback, None, "unreachable"))
            return
        limit = world.config.whapi.webhook_timeout_seconds
        callback.timer = world.clock.after(limit, lambda: self._end(lane, callback, None, "timeout"))
        callback.task = asyncio.get_running_loop().create_task(self._post(lane, callback))
        self._tasks[callback.task] = lane
        callback.task.add_done_callback(self._tasks.pop)

    async def _post(self, lane: Lane, callback: Callback) -> None:
        hook = callback.hook
        url, verb = hook.url, "POST"
        if hook.mode == "path":
            url = f"{url.rstrip('/')}/{callback.type}/{callback.verb}"
        elif hook.mode == "method":
            url, verb = f"{url.rstrip('/')}/{callback.type}", callback.verb.upper()
        headers = {"Content-Type": "application/json", "User-Agent": "simulator-callback", **dict(hook.headers)}
        status: int | None = None
        event = "unreachable"
        with contextlib.suppress(aiohttp.ClientError, OSError, ValueError, TimeoutError):
            body = msgspec.json.encode(callback.body)
            async with self._opened().request(verb, url, data=body, headers=headers, allow_redirects=False) as response:
                status = response.status
                event = "acknowledged" if status == 200 else "refused"
        self._end(lane, callback, status, event)

    def _end(self, lane: Lane, callback: Callback, status: int | None, event: str) -> None:
        if callback.is_over:
            return
        callback.is_over = True
        lane.flying = None
        if callback.timer is not None:
            callback.timer.cancel()
        if event == "timeout" and callback.task is not None:
            callback.task.cancel()
        self._note(callback, event, status)
        if event != "acknowledged":
            lane.failures += 1
            lane.is_hopeless = lane.is_hopeless or lane.failures >= FAILURES_A_JUMP
            self._retry(lane, callback)
        self._pump(lane)

    def _retry(self, lane: Lane, callback: Callback) -> None:
        config, channel = self._world.config.whapi, callback.channel
        settings = {} if channel is None else channel.settings
        persists = False
        if channel is not None:
            persists = settings["callback_persist"] if config.webhook_persist == "at_once" else channel.persists
        if not persists and callback.attempts >= config.webhook_attempts:
            self._note(callback, "dropped")
            return
        step = settings.get("callback_backoff_delay_ms", MILLISECONDS["callback_backoff_delay_ms"][0])
        most = settings.get("max_callback_backoff_delay_ms", 900_000)
        lane.paused[callback] = None
        callback.timer = self._world.clock.after(
            min(callback.attempts * step, most) / 1000, lambda: self._again(lane, callback)
        )

    def _again(self, lane: Lane, callback: Callback) -> None:
        del lane.paused[callback]
        lane.waiting.appendleft(callback)
        self._pump(lane)

    def _end_lane(self, lane: Lane) -> None:
        lane.waiting.clear()
        for callback in (*lane.paused, *([] if lane.flying is None else [lane.flying])):
            callback.is_over = True
            if callback.timer is not None:
                callback.timer.cancel()
            if callback.task is not None:
                callback.task.cancel()
        lane.paused.clear()

    def _note(self, callback: Callback, event: str, status: int | None = None) -> None:
        channel = callback.channel
        name = None if channel is None else channel.name
        entry = self._world.journal.add("notification", f"{callback.type}.{callback.verb}", None, name, callback.body)
        entry.real = OUTCOMES.get(event, "done")
        entry.http_status = status
        entry.told = "ok" if event == "acknowledged" else "nothing" if status is None else f"status:{status}"
        channel_id = None if channel is None else channel.id
        entry.more = {"provider": "whapi", "channel_id": channel_id, "event": event, "attempt": callback.attempts}
        entry.more["url"] = callback.hook.url

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
