"""What waits for an address of a tenant's, in order: that of a line in GREEN-API's words, or of a hook in Whapi's."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, Protocol
from uuid import UUID

import msgspec

from app.jobs import PushHook, PushNotices
from app.kit.db import UnitOfWork
from app.lines import service, store, switches
from app.lines.channel_words.happenings import Told
from app.lines.hooks import rules
from app.lines.hooks import service as hooks
from app.lines.hooks import store as hook_store
from app.lines.models import LineHook
from app.lines.service import PAUSE_SECONDS


@dataclass(frozen=True)
class Turn:
    """The oldest of a queue, which may not be tried for `pause_seconds`; `owner` is its line's instance or its hook.

    By `version` a change of the settings is seen that was made meanwhile.
    """

    tenant_id: UUID
    owner: UUID
    receipt: int
    version: int
    failures: int
    pause_seconds: float
    verb: str
    url: str
    body: bytes
    headers: dict[str, str] = field(repr=False)


class Queue(Protocol):
    """One kind of queue. Everything runs in the system's scope."""

    async def first(self, uow: UnitOfWork, tenant_id: UUID, owner: UUID) -> Turn | None:
        """The turn of the oldest, or None: then there is work again when something is kept."""

    async def drop(self, uow: UnitOfWork, turn: Turn) -> None:
        """It was taken."""

    async def hold(self, uow: UnitOfWork, turn: Turn) -> Any:
        """Hold the owner, before the work: so does whoever keeps something. None: it is gone, or was changed."""

    async def note(self, uow: UnitOfWork, turn: Turn, held: Any, *, is_taken: bool) -> float:
        """Write down how a try ended at an owner that is held; the pause in seconds."""


class LineQueue:
    """A line's kept notices. Source: GREEN-API issue 313, a pause of 60 seconds (read 2026-11-21)."""

    async def first(self, uow: UnitOfWork, tenant_id: UUID, owner: UUID) -> Turn | None:
        """The oldest notice of a line that has an address."""
        line = await store.pushable(uow, tenant_id, owner)
        notice = None if line is None else await service.next_notice(uow, line)
        if line is None or notice is None:
            return None
        pause = PAUSE_SECONDS if await service.is_withheld(uow, line) else service.pause_seconds(line, uow.now)
        headers = _headers(uow, f"{line.number}-{notice.receipt}")
        authorization = switches.authorization(await service.webhook_token(uow, line))
        if authorization is not None:
            headers["Authorization"] = authorization
        kept = (line.tenant_id, line.instance_id, notice.receipt, line.version, line.push_failures, pause)
        return Turn(*kept, "POST", line.webhook_url, notice.body.encode(), headers)

    async def drop(self, uow: UnitOfWork, turn: Turn) -> None:
        """Take it out."""
        await store.drop(uow, turn.tenant_id, turn.owner, turn.receipt)

    async def hold(self, uow: UnitOfWork, turn: Turn) -> Any:
        """The line, unless its settings were changed."""
        line = await store.lock(uow, turn.tenant_id, turn.owner)
        return line if line is not None and line.version == turn.version else None

    async def note(self, uow: UnitOfWork, turn: Turn, held: Any, *, is_taken: bool) -> float:
        """Always the same pause."""
        held.push_failures = 0 if is_taken else held.push_failures + 1
        held.push_at = None if is_taken else uow.now + timedelta(seconds=PAUSE_SECONDS)
        return 0.0 if is_taken else PAUSE_SECONDS


class HookQueue:
    """What is kept for a hook in Whapi's shape."""

    async def first(self, uow: UnitOfWork, tenant_id: UUID, owner: UUID) -> Turn | None:
        """The oldest event of a hook."""
        found = await hook_store.pushable(uow, tenant_id, owner)
        notice = None if found is None else await hook_store.oldest(uow, found[0])
        if found is None or notice is None:
            return None
        hook, line = found
        pause = PAUSE_SECONDS if await service.is_withheld(uow, line) else hooks.pause_seconds(hook, line, uow.now)
        event = Told(notice.type, notice.verb, msgspec.json.decode(notice.payload))
        verb, url = rules.address(hook.url, hook.mode, event.type, event.verb)
        own = await hooks.headers_of(uow, hook)
        named = {name.lower() for name in own}
        framing = _headers(uow, f"{line.number}-{notice.receipt}")
        headers = {name: text for name, text in framing.items() if name.lower() not in named} | own
        kept = (tenant_id, hook.id, notice.receipt, hook.version, hook.push_failures, pause)
        return Turn(*kept, verb, url, hooks.body_of(event, hook.mode, line.number), headers)

    async def drop(self, uow: UnitOfWork, turn: Turn) -> None:
        """Take it out."""
        await hook_store.drop(uow, turn.tenant_id, turn.owner, turn.receipt)

    async def hold(self, uow: UnitOfWork, turn: Turn) -> Any:
        """The hook, unless it was set anew."""
        hook = await hook_store.lock(uow, turn.tenant_id, turn.owner)
        return hook if hook is not None and hook.version == turn.version else None

    async def note(self, uow: UnitOfWork, turn: Turn, held: Any, *, is_taken: bool) -> float:
        """A pause that grows with each failure; what is not persisted makes way for the next after a few."""
        hook: LineHook = held
        if is_taken:
            hook.push_failures, hook.push_at = 0, None
            return 0.0
        line = await store.get(uow, hook.tenant_id, hook.instance_id)
        settings = (None if line is None else line.channel_settings) or {}
        failures = hook.push_failures + 1
        if rules.is_given_up(settings, failures):
            await self.drop(uow, turn)
            hook.push_failures, hook.push_at = 0, None
            return 0.0
        pause = rules.wait_seconds(settings, failures)
        hook.push_failures, hook.push_at = failures, uow.now + timedelta(seconds=pause)
        return pause


def _headers(uow: UnitOfWork, notice_id: str) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "webhook-id": notice_id,
        "webhook-timestamp": str(int(uow.now.timestamp())),
    }


QUEUES: Final[Mapping[str, Queue]] = {PushNotices.kind: LineQueue(), PushHook.kind: HookQueue()}
"""By the kind of the work."""
