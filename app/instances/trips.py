"""What the trips of an instance share: the plan made in the first transaction, and its record in the last."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from app.instances import store
from app.instances.lifecycle import Step
from app.instances.models import Instance
from app.instances.options import Options
from app.kit import work
from app.kit.db import SYSTEM, Database, UnitOfWork
from app.kit.work import Claim
from app.providers.port import AccountWish, Credentials, Link, Provider

Eraser = Callable[[UnitOfWork, UUID, UUID], Awaitable[int]]
"""Erases some of what a room keeps of (tenant, instance) and says how many rows; 0 when nothing is left."""


class Mailroom(Protocol):
    """What the rooms above know of messages that went through an account which is left behind."""

    async def is_searched(self, uow: UnitOfWork, remains: Instance) -> bool:
        """Whether a message is still looked for there."""
        ...

    async def drop(self, uow: UnitOfWork, remains: Instance, upstream_ids: Sequence[str]) -> int:
        """Messages that waited there are about to be deleted from its queue; how many are known here."""
        ...


TellState = Callable[[UnitOfWork, Instance, Link, str | None], Awaitable[None]]
"""Tells a state that no notification told, where instances are told of in other words; last the number before it."""


class NoMail:
    """Nobody knows of any."""

    async def is_searched(self, uow: UnitOfWork, remains: Instance) -> bool:
        """See `Mailroom`."""
        return False

    async def drop(self, uow: UnitOfWork, remains: Instance, upstream_ids: Sequence[str]) -> int:
        """See `Mailroom`."""
        return 0


@dataclass(frozen=True)
class Tools:
    """What trips are given by the worker."""

    database: Database
    options: Options
    erasers: Mapping[str, Eraser] = field(default_factory=dict)
    mailroom: Mailroom = field(default_factory=NoMail)
    tell_state: TellState | None = None


@dataclass(frozen=True)
class Plan:
    """A step that was decided on, with all that its act needs; no row is held while it is acted.

    `planned` is a monotonic second at which the plan was made: a listing begun after it knows all that was before.
    """

    step: Step
    claim: Claim
    provider: Provider
    tenant_id: UUID
    instance_id: UUID
    tag: str
    wish: AccountWish
    credentials: Credentials | None
    planned: float
    call_id: UUID | None = None
    tries: int = 0
    is_searched: bool = False


@asynccontextmanager
async def recording(tools: Tools, plan: Plan) -> AsyncIterator[tuple[UnitOfWork, Instance]]:
    """The last transaction of a trip: the instance as it is now, and the lease on its work before anything is written.

    Verbs lock the instance and ring its work when they commit; in the other order the two would wait for each other.

    Raises:
        LeaseLost: somebody else has the work; nothing may be recorded.
    """
    async with tools.database.begin(SYSTEM) as uow:
        instance = await store.lock(uow, plan.tenant_id, plan.instance_id)
        await work.hold(uow, plan.claim)
        if instance is None:
            raise LookupError("the instance is gone")
        yield uow, instance
