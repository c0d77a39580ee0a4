"""Pairing watched live: several viewers of one instance in a process share one question to upstream."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import structlog
from msgspec import json, to_builtins

from app.instances import lifecycle, link, watching
from app.instances.link import Asker
from app.instances.models import Instance
from app.instances.schemas import CodeView, QrView
from app.kit.db import SYSTEM
from app.providers.errors import ProviderError
from app.providers.port import AlreadyLinked, Link, QrImage

log = structlog.get_logger()

Told = tuple[str, Any]
"""An event's name and data; the name `end` ends the stream."""
WAITING_EVENTS: Final = 50


@dataclass(frozen=True)
class Glance:
    """One question to upstream for all who look at about the same time; `begun` is a second of the loop's clock."""

    begun: float
    task: asyncio.Task[QrView]


class Stage:
    """One instance that is being watched, and who watches it."""

    def __init__(self, asker: Asker) -> None:
        self.asker = asker
        self.viewers: set[asyncio.Queue[Told]] = set()
        self.task: asyncio.Task[None] | None = None
        self.state: str | None = None
        self.picture: QrImage | None = None

    @property
    def account(self) -> str:
        """Whose pictures are shown."""
        return self.asker.credentials.account

    def tell(self, name: str, data: Any) -> None:
        """Say it to every viewer; one who does not listen loses the oldest."""
        for queue in self.viewers:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait((name, data))


class Hub:
    """The stages of a process."""

    def __init__(
        self,
        *,
        poll_seconds: float = 2.0,
        most_seconds: float = 300.0,
        heartbeat_seconds: float = 10.0,
        glance_seconds: float = 5.0,
    ) -> None:
        self._glance_seconds = glance_seconds
        self._glances: dict[tuple[UUID, str | None], Glance] = {}
        self._poll_seconds = poll_seconds
        self._most_seconds = most_seconds
        self._heartbeat_seconds = heartbeat_seconds
        self._stages: dict[UUID, Stage] = {}

    async def events(self, asker: Asker) -> AsyncIterator[dict[str, Any]]:
        """What happens while a phone is being linked, as events of a stream, until it is or the time is up."""
        queue: asyncio.Queue[Told] = asyncio.Queue(WAITING_EVENTS)
        stage = self._enter(asker, queue)
        ends = asyncio.get_running_loop().time() + self._most_seconds
        try:
            while (left := ends - asyncio.get_running_loop().time()) > 0:
                try:
                    name, data = await asyncio.wait_for(queue.get(), min(left, self._heartbeat_seconds))
                except TimeoutError:
                    yield {"comment": "waiting", "data": None}
                    continue
                if name == "end":
                    return
                yield _event(name, data)
                if name == "connected":
                    return
            yield _event("timeout", {"after_seconds": self._most_seconds})
        finally:
            self._leave(stage, queue)

    async def glance(self, instance: Instance, admit: Callable[[], Awaitable[Asker]]) -> QrView:
        """The picture of the moment for one who looks now and then. Only who asks upstream is let in and counted; who
        looks within some seconds sees, or is refused, the same. The caller has seen that the gate is open.

        Of an instance that was moved no picture of its old account is shown.

        Raises:
            As `link.let_in` and `link.picture`.
        """
        place, stage = (instance.id, instance.upstream_account), self._stages.get(instance.id)
        if stage is not None and stage.picture is not None and stage.account == instance.upstream_account:
            return link.shown(stage.asker, stage.picture)
        now = asyncio.get_running_loop().time()
        found = self._glances.get(place)
        if found is None or now - found.begun >= self._glance_seconds:
            recent = {key: one for key, one in self._glances.items() if now - one.begun < self._glance_seconds}
            found = Glance(now, asyncio.create_task(_glance(admit)))
            self._glances = {**recent, place: found}
        await asyncio.wait([found.task])  # who goes away takes the answer from nobody
        return found.task.result()

    def tell(self, instance_id: UUID, code: CodeView) -> None:
        """Show a code to those who watch the instance."""
        stage = self._stages.get(instance_id)
        if stage is not None:
            stage.tell("code", to_builtins(code))

    def _enter(self, asker: Asker, queue: asyncio.Queue[Told]) -> Stage:
        stage = self._stages.get(asker.instance_id)
        if stage is None:
            stage = self._stages[asker.instance_id] = Stage(asker)
            stage.task = asyncio.create_task(self._play(stage))
        if stage.state is not None:
            queue.put_nowait(("state", {"connection": stage.state}))
        if stage.picture is not None:
            queue.put_nowait(("qr", to_builtins(link.shown(asker, stage.picture))))
        stage.viewers.add(queue)
        return stage

    def _leave(self, stage: Stage, queue: asyncio.Queue[Told]) -> None:
        stage.viewers.discard(queue)
        if not stage.viewers:
            if self._stages.get(stage.asker.instance_id) is stage:
                del self._stages[stage.asker.instance_id]
            if stage.task is not None:
                stage.task.cancel()

    async def _play(self, stage: Stage) -> None:
        try:
            while await self._is_open(stage) and not await _ask(stage):
                await asyncio.sleep(self._poll_seconds)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            log.warning("pairing_stream_failed", error=type(error).__name__)
        if self._stages.get(stage.asker.instance_id) is stage:
            del self._stages[stage.asker.instance_id]
        stage.tell("end", None)

    async def _is_open(self, stage: Stage) -> bool:
        """Whether the instance may still be paired: its gate may have been closed, or it was moved, meanwhile."""
        asker = stage.asker
        async with asker.tools.database.begin(SYSTEM) as uow:
            instance = await watching.usable(uow, asker.tenant_id, asker.instance_id)
        return instance is not None and instance.upstream_account == stage.account


async def _glance(admit: Callable[[], Awaitable[Asker]]) -> QrView:
    return await link.picture(await admit())


async def _ask(stage: Stage) -> bool:
    """Ask upstream once and tell what is new; True when a phone is linked."""
    asker = stage.asker
    found: QrImage | AlreadyLinked | None = None
    state: Link | None = Link.UNPAIRED
    try:
        found = await asker.provider.qr(asker.credentials)
    except ProviderError:
        state = await watching.read_link(asker.provider, asker.credentials)
    if isinstance(found, AlreadyLinked) or state is Link.CONNECTED:
        await _tell_connected(stage)
        return True
    if state is not None and (word := lifecycle.connection_of(state)) != stage.state:
        stage.state = word
        stage.tell("state", {"connection": word})
    if isinstance(found, QrImage) and found != stage.picture:
        stage.picture = found
        stage.tell("qr", to_builtins(link.shown(asker, found)))
    return False


async def _tell_connected(stage: Stage) -> None:
    asker = stage.asker
    await link.look(asker)
    async with asker.tools.database.begin(SYSTEM) as uow:
        instance = await watching.usable(uow, asker.tenant_id, asker.instance_id)
    phone = instance.phone if instance else None
    name = instance.profile_name if instance else None
    stage.tell("connected", {"phone_number": f"+{phone}" if phone else None, "profile_name": name})


def _event(name: str, data: Any) -> dict[str, Any]:
    return {"event": name, "data": json.encode(data).decode()}


HUB: Final = Hub()
