"""Finding out whether a send of unknown outcome was accepted. It is never sent again by us.

The traces of an accepted message are, in the order of cost: the echo notification, the gateway's queue, its journal.
A trace belongs to the message when chat and likeness agree, its time fits, and its id is not known as another
message's: so that equal messages are told apart as a multiset. That there is no trace is only believed after two
complete readings, far enough apart for the journal's lag.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec
import structlog
from msgspec import Struct

from app.gateway.counting import units_of
from app.gateway.options import Options
from app.gateway.relay import answer_of
from app.idempotency import service as idempotency
from app.instances import moving
from app.instances import service as instances
from app.instances.models import Instance
from app.jobs import ResolveMessage
from app.kit import work
from app.kit.crypto import Unreadable
from app.kit.db import SYSTEM, Database, UnitOfWork
from app.kit.errors import AppError
from app.kit.work import Claim
from app.messages import service as messages
from app.messages import store
from app.messages.models import Message
from app.plans import leases
from app.plans import service as plans
from app.plans.service import Reservation
from app.providers.errors import ProviderError
from app.providers.likeness import likeness
from app.providers.port import Credentials, Provider, Seen
from app.providers.registry import Registry

log = structlog.get_logger()

GIVE_UP_AFTER: Final = timedelta(minutes=10)
FORGET_AFTER: Final = store.SEARCHED
SLOW_SECONDS: Final = 600.0
LOOK_SECONDS: Final = (5.0, 10.0, 20.0, 30.0)
CLOCK_SLACK: Final = timedelta(seconds=30)
SWEEP_BATCH: Final = 500


@dataclass(frozen=True)
class Search:
    """A message to be looked for, and where."""

    row: Message
    provider: Provider
    credentials: Credentials
    minutes: int


async def sweep(database: Database, options: Options, claim: Claim, every_seconds: float) -> None:
    """Take over what processes that died have left: sends without an outcome, echoes without a record, leases.

    Both lock counters, each in the one order that there is: so each in a transaction of its own.
    """
    async with database.begin(SYSTEM) as uow:
        await leases.end(uow)
    async with database.begin(SYSTEM) as uow:
        await work.settle(uow, claim, again_seconds=every_seconds)
        for row in await store.overdue(uow, uow.now - options.lease, SWEEP_BATCH):
            if await messages.lost(uow, row):
                uow.defer(ResolveMessage(ref=row.id, tenant_id=row.tenant_id))
        adopted = await messages.adopt(uow, SWEEP_BATCH)
        lost = [_lost(row) for row in adopted if not await store.passed_on(uow, row)]
        if lost:
            await plans.count_sends(uow, msgspec.json.encode(lost).decode())


class _Lost(Struct, frozen=True):
    """A message whose record, and with it its count, was lost: what was taken for it beforehand was given back."""

    tenant_id: UUID
    instance_id: UUID
    day_on: date
    month_on: date
    chat_id: str


def _lost(row: Message) -> _Lost:
    at = Reservation.at(row.created_at, row.chat_id)
    return _Lost(row.tenant_id, row.instance_id, at.day_on, at.month_on, at.chat_id)


async def resolve(database: Database, registry: Registry, options: Options, claim: Claim) -> None:
    """One look for a message; the next is rung until it is found, or proved never sent."""
    async with database.begin(SYSTEM) as uow:
        search = await _begin(uow, registry, options, claim)
    if search is None:
        return
    seen = await _look(search)
    async with database.begin(SYSTEM) as uow:
        await work.hold(uow, claim)
        again_seconds = await _record(uow, options, search, seen, claim.attempt)
        await work.settle(uow, claim, again_seconds=again_seconds)


async def _begin(uow: UnitOfWork, registry: Registry, options: Options, claim: Claim) -> Search | None:
    """What to look for; None when this round has ended already."""
    row = None if claim.tenant_id is None else await store.get(uow, claim.ref, tenant_id=claim.tenant_id, lock=True)
    if row is None or row.status not in store.UNSETTLED or row.forwarded_at is None:
        await work.settle(uow, claim)
        return None
    if row.status == "sending":
        left = max(row.forwarded_at, row.updated_at) + options.lease - uow.now
        if left > timedelta():
            await work.settle(uow, claim, again_seconds=left.total_seconds())
            return None
        await messages.lost(uow, row)
    if row.likeness is None:
        row.likeness = likeness(row.kind, row.content)  # of a process with the code before likenesses were kept
        await uow.session.flush()
    account = await moving.account_at(uow, await instances.find(uow, row.instance_id), row.forwarded_at)
    is_left = account.remains_of is not None
    told = await store.early_for(uow, row, before=account.created_at if is_left else None)
    if told is not None:
        await work.settle(uow, claim)
        await _found(uow, row, await instances.find(uow, row.instance_id), told)
        return None
    try:
        credentials = await instances.credentials(uow, account)
        provider = registry.get(account.provider, account.environment)
    except (AppError, Unreadable) as error:
        log.warning("message_out_of_reach", error=type(error).__name__)
        await _undecided(uow, row)
        await work.settle(uow, claim)
        return None
    minutes = int((uow.now - row.forwarded_at + CLOCK_SLACK) / timedelta(minutes=1)) + 2
    return Search(row, provider, credentials, min(minutes, 24 * 60))


async def _look(search: Search) -> list[Seen] | None:
    """Every trace of outgoing messages, or None when a reading failed and nothing may be concluded."""
    try:
        waiting = await search.provider.waiting(search.credentials)
        return [*waiting, *await search.provider.sent_since(search.credentials, search.minutes)]
    except ProviderError as error:
        log.info("message_not_looked_for", error=type(error).__name__)
        return None


async def _record(
    uow: UnitOfWork, options: Options, search: Search, seen: list[Seen] | None, attempt: int
) -> float | None:
    """Draw the conclusion; seconds until the next look, or None when there is none."""
    row = await store.get(uow, search.row.id, tenant_id=search.row.tenant_id, lock=True)
    if row is None or row.status != "unknown" or row.forwarded_at is None:
        return None
    instance = await instances.find(uow, row.instance_id)
    if await store.in_flight(uow, row, uow.now - options.lease):
        return 1.0
    if row.likeness is None:
        seen = None  # it leaves no trace that could be told from another's
    if seen is not None:
        ours = [each for each in seen if _fits(each, row, row.forwarded_at)]
        others = await store.known(uow, row.tenant_id, row.instance_id, [each.message_id for each in ours])
        free = [each.message_id for each in ours if each.message_id not in others]
        if free:
            await _found(uow, row, instance, free[-1])
            return None
        if row.looked_at is not None and uow.now - row.looked_at >= timedelta(seconds=options.journal_seconds):
            environment = instance.environment
            await never_sent(uow, row, environment, "upstream_timeout", "The gateway never took it.")
            return None
        if row.looked_at is None:
            row.looked_at = uow.now
        row.looks += 1
        await uow.session.flush()
    if uow.now - row.forwarded_at >= FORGET_AFTER:
        await _undecided(uow, row)
        return None
    if uow.now - row.forwarded_at >= GIVE_UP_AFTER and seen is None:
        await _undecided(uow, row)
        return SLOW_SECONDS
    return _next_look(row, uow.now, options)


def _fits(seen: Seen, row: Message, forwarded_at: datetime) -> bool:
    """Whether a trace may be this message's: same chat, alike, not older."""
    if row.likeness is None or seen.chat_id != row.chat_id or messages.plain(seen.likeness) != row.likeness:
        return False
    return seen.sent_at is None or seen.sent_at >= forwarded_at - CLOCK_SLACK


def _next_look(row: Message, now: datetime, options: Options) -> float:
    """Soon at first; and just when the second reading counts."""
    soon = LOOK_SECONDS[min(row.looks, len(LOOK_SECONDS) - 1)]
    if row.looked_at is None:
        return min(soon, options.journal_seconds)
    left = options.journal_seconds - (now - row.looked_at).total_seconds()
    return max(0.05, min(soon, left + 0.05))


async def _found(uow: UnitOfWork, row: Message, instance: Instance, upstream_message_id: str) -> None:
    """Upstream has it: the key's answer is the one that was lost."""
    status = await messages.accepted(uow, row, upstream_message_id)
    if status is None:
        return
    await uow.session.refresh(row)
    use = await _use_of(uow, row)
    if use is not None:
        await idempotency.finish(uow, use, answer_of(row))
    await messages.tell_progress(uow, instance.environment, row, row.status)


async def never_sent(uow: UnitOfWork, row: Message, environment: str, code: str, detail: str) -> None:
    """Nothing of it is upstream, surely. What was counted is given back, and the key may be used again."""
    if not await messages.not_sent(uow, row, code, detail):
        return
    reservation = Reservation.at(row.created_at, row.chat_id, units_of(row.kind, row.content))
    await plans.give_back(uow, row.tenant_id, row.instance_id, reservation)
    use = await _use_of(uow, row)
    if use is not None:
        await idempotency.release(uow, use)
    await uow.session.refresh(row)
    await messages.tell(uow, environment, row, "message.failed", {"error": row.error})


async def _undecided(uow: UnitOfWork, row: Message) -> None:
    """Say once that it cannot be found out."""
    if row.error is not None:
        return
    row.error = {"code": "outcome_unknown", "detail": "It cannot be found out whether it was sent."}
    row.version += 1
    row.updated_at = uow.now
    await uow.session.flush()
    environment = (await instances.find(uow, row.instance_id)).environment
    await messages.tell(uow, environment, row, "message.outcome_unknown", {"error": row.error})


async def _use_of(uow: UnitOfWork, row: Message) -> idempotency.Use | None:
    if row.idempotency_key is None:
        return None
    return await idempotency.use_of_ref(uow, row.tenant_id, row.idempotency_key, row.id)
