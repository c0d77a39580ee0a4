"""Handing over sends that waited while their instance was being moved.

One that is taken up says `sending` first, in a transaction of its own, so that it is handed over once; in doubt it is
looked for like any other.
"""

import asyncio
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import msgspec
import structlog
from sqlalchemy import and_, delete, exists, select

from app.accounts.vault import open_vault
from app.gateway import resolver
from app.gateway.endings import refusal
from app.gateway.held import place
from app.gateway.models import HeldSend
from app.gateway.options import Options
from app.instances import service as instances
from app.instances import store as instance_store
from app.instances.models import Instance
from app.jobs import FundGateways, ResolveMessage, periodic
from app.kit import work
from app.kit.crypto import Unreadable
from app.kit.db import SYSTEM, Database, UnitOfWork
from app.kit.errors import AppError
from app.kit.work import Claim
from app.messages import service as messages
from app.messages import store
from app.messages.models import Message
from app.providers.asks import Send
from app.providers.errors import (
    NotLinked,
    NotReady,
    Outcome,
    OutcomeUnknown,
    ProviderError,
    QuotaReached,
    TooFast,
    TryLater,
    Unreachable,
)
from app.providers.port import Credentials, Provider, Sent
from app.providers.registry import Registry

log = structlog.get_logger()

HELD_FOR: Final = timedelta(days=1)
"""As long as a gateway keeps a message for its phone. Source: GREEN-API sending pages (read 2026-11-21)."""
MOST: Final = 64
AT_ONCE: Final = 8
"""Of as many chats."""
LATER: Final = (NotLinked, NotReady, QuotaReached, TooFast, TryLater, Unreachable)
"""Refusals that end: a new account is on trial, and restarts when it is paid for."""
BUDGET_SECONDS: Final = 8.0
LOOK_SECONDS: Final = 5.0
AGAIN_SECONDS: Final = 2.0


CAME: Final = (HeldSend.held_at, HeldSend.message_id)
"""The order in which they came, by the database's clock: ids are made by that of each machine."""


@dataclass(frozen=True)
class Errand:
    """A message that is handed over now."""

    row: Message
    send: Send
    provider: Provider
    credentials: Credentials
    environment: str


async def release(database: Database, registry: Registry, options: Options, claim: Claim) -> None:
    """Hand over what waits for an instance, oldest first in each chat, as long as nothing stands in the way."""
    ends = time.monotonic() + BUDGET_SECONDS
    while True:
        planned = time.monotonic()
        async with database.begin(SYSTEM) as uow:
            assert claim.tenant_id is not None
            instance = await instance_store.lock(uow, claim.tenant_id, claim.ref)  # before its work, as everywhere
            await work.hold(uow, claim)
            errands = await _next(uow, registry, claim, instance)
        if not errands:
            return
        endings = await asyncio.gather(*(_hand_over(errand, options, planned) for errand in errands))
        async with database.begin(SYSTEM) as uow:
            waits = [await _record(uow, *each, options) for each in zip(errands, endings, strict=True)]
            await work.hold(uow, claim)  # last: whoever lets a send wait holds counters, and rings the work at the end
            again_seconds = max((wait for wait in waits if wait is not None), default=None)
            if again_seconds is not None or time.monotonic() > ends:
                await work.settle(uow, claim, again_seconds=again_seconds or 0.0)
                return


async def _next(uow: UnitOfWork, registry: Registry, claim: Claim, instance: Instance | None) -> list[Errand]:
    """Those that go now, marked as handed over; none when it is not time, or none waits: then it is settled."""
    if instance is None or instance.status in ("deleting", "deleted"):
        await work.settle(uow, claim)
        return []
    await _expire(uow, instance)
    held = await _oldest(uow, instance)
    if not held:
        await work.settle(uow, claim)
        if instance.status == "active" and instance.connection == "connected":
            instance.away_since = None
        return []
    try:
        instances.usable(instance)
        if instance.connection != "connected":
            raise instances.InstanceNotReady()
        credentials = await instances.credentials(uow, instance)
        provider = registry.get(instance.provider, instance.environment)
    except AppError:
        await work.settle(uow, claim, again_seconds=LOOK_SECONDS)
        return []
    vault = await open_vault(uow, instance.tenant_id)
    errands: dict[str, Errand] = {}
    for each, row in held:
        if row.chat_id in errands or len(errands) == AT_ONCE:
            continue
        try:
            send = msgspec.json.decode(vault.open(each.send_sealed, place(row.id)), type=Send)
        except (Unreadable, msgspec.MsgspecError):  # of other code, or a key that is gone: it stands in nobody's way
            await resolver.never_sent(uow, row, instance.environment, "internal_error", "It cannot be read any more.")
            continue
        row.status, row.forwarded_at, row.updated_at = "sending", uow.now, uow.now
        row.likeness = provider.likeness(row.kind, row.content)
        row.version += 1
        errands[row.chat_id] = Errand(row, send, provider, credentials, instance.environment)
    await uow.session.flush()
    if not errands:
        await work.settle(uow, claim, again_seconds=0.0)
    return list(errands.values())


async def _oldest(uow: UnitOfWork, instance: Instance) -> list[tuple[HeldSend, Message]]:
    mine = (HeldSend.tenant_id == instance.tenant_id, HeldSend.instance_id == instance.id)
    same = (Message.tenant_id == HeldSend.tenant_id, Message.id == HeldSend.message_id)
    over = ~exists().where(*same, Message.status == "held")
    await uow.session.execute(delete(HeldSend).where(*mine, over).execution_options(synchronize_session=False))
    query = select(HeldSend, Message).join(Message, and_(*same)).where(*mine).order_by(*CAME).limit(MOST)
    return [(row.HeldSend, row.Message) for row in await uow.session.execute(query.with_for_update(of=Message))]


async def _hand_over(errand: Errand, options: Options, planned: float) -> Sent | ProviderError:
    """Send it, unless this process stood still since it was planned: it may have been given up as lost meanwhile."""
    if time.monotonic() - planned >= options.lease_seconds:
        return Unreachable("it was too late to ask the gateway")
    try:
        return await errand.provider.send(errand.credentials, errand.send)
    except ProviderError as error:
        return error
    except Exception as error:
        log.error("send_crashed", error=type(error).__name__)
        return OutcomeUnknown()


async def _record(uow: UnitOfWork, errand: Errand, ending: Sent | ProviderError, options: Options) -> float | None:
    """Write down how it ended; the seconds to wait before the next, where something stands in the way."""
    row = await store.get(uow, errand.row.id, tenant_id=errand.row.tenant_id, lock=True)
    if row is None:
        return None  # erased with its instance
    if isinstance(ending, Sent):
        status = await messages.accepted(uow, row, ending.message_id)
        if status is not None and status != "queued":
            await uow.session.refresh(row)
            await messages.tell_progress(uow, errand.environment, row, status)
        return None
    if ending.outcome is Outcome.UNKNOWN:
        if await messages.lost(uow, row):
            job = ResolveMessage(ref=row.id, tenant_id=row.tenant_id)
            uow.defer(job, after_seconds=options.resolve_seconds)
        return None
    if isinstance(ending, LATER):
        await store.hold(uow, row)
        if isinstance(ending, QuotaReached):
            uow.defer(periodic(FundGateways))  # an account on trial that may be paid for
        return max(AGAIN_SECONDS, ending.retry_after_seconds or 0.0)
    await resolver.never_sent(uow, row, errand.environment, refusal(ending).error.code, ending.detail)
    return None


async def _expire(uow: UnitOfWork, instance: Instance) -> None:
    """What has waited for a day has failed."""
    query = select(HeldSend.message_id).where(
        HeldSend.tenant_id == instance.tenant_id,
        HeldSend.instance_id == instance.id,
        HeldSend.held_at < uow.now - HELD_FOR,
    )
    for message_id in (await uow.session.scalars(query.limit(500))).all():
        row = await store.get(uow, message_id, tenant_id=instance.tenant_id, lock=True)
        if row is not None and row.status == "held":
            await resolver.never_sent(
                uow, row, instance.environment, "instance_not_connected", "No phone was linked for a day."
            )
