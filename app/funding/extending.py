"""An extension that is never made twice: its row is committed before the call leaves, and the account's end, read
before and after, says whether it was done.

Sources: Whapi partner notes, extend knows no key against doubles, and confirms itself by activeTill (read 2026-11-21).
"""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid5

import structlog

from app.funding import rules, store
from app.funding.books import Books
from app.funding.models import Extension, Pool, PrepaidAccount
from app.funding.options import Options
from app.funding.rules import Verdict
from app.funding.store import Due, End
from app.instances import store as instances
from app.instances.models import Instance
from app.kit.db import SYSTEM, Database, UnitOfWork
from app.kit.ids import new_id
from app.providers.errors import Outcome, PoolEmpty, ProviderError, Unreachable
from app.providers.port import Listed, Provider

log = structlog.get_logger()

LATEST_START_SECONDS: Final = 10.0
_GATEWAYS: Final = UUID("9a0f7c1e-3c55-5b0a-8f0e-6a1d2b7c4e90")


def ref_of(name: str, environment: str) -> UUID:
    """The ref of a partner account's jobs."""
    return uuid5(_GATEWAYS, f"{name}:{environment}")


@dataclass(frozen=True)
class Gateway:
    """One partner account that is paid beforehand, and what acts on it are given."""

    name: str
    environment: str
    provider: Provider
    database: Database
    options: Options

    def books(self, uow: UnitOfWork) -> Books:
        """Its books."""
        return Books(uow, self.name, self.environment)


@dataclass(frozen=True)
class Intent:
    """What an extension's row says, for those who hold no transaction; `planned` is a monotonic second."""

    tenant_id: UUID
    id: UUID
    instance_id: UUID
    account: str
    days: int
    comment: str
    before: datetime | None
    started_at: datetime
    quiet_until: datetime
    planned: float

    @classmethod
    def of(cls, row: Extension) -> "Intent":
        """What a row says."""
        return cls(
            tenant_id=row.tenant_id,
            id=row.id,
            instance_id=row.instance_id,
            account=row.account,
            days=row.days,
            comment=row.comment,
            before=row.before_until,
            started_at=row.started_at,
            quiet_until=row.quiet_until,
            planned=time.monotonic(),
        )


async def serve(gateway: Gateway, due: Due) -> bool:
    """Put on an account what it needs, then end its trial mode if it is to go live; whether the pool may have moved.

    In this order: an extension that fails leaves the trial as it was. It is never both in doubt and changed.
    """
    intent = await intend(gateway, due)
    if intent is not None and not await carry_out(gateway, intent):
        return True
    if due.goes_live:
        await go_live(gateway, due)
    return intent is not None


async def intend(gateway: Gateway, due: Due) -> Intent | None:
    """Write down what is about to be asked for.

    None when nothing is needed after all, nothing can be known, another is at it, or the pool has nothing to give.
    """
    try:
        told = await gateway.provider.one(due.account)
    except ProviderError as error:
        log.warning("account_not_read", detail=error.detail)
        return None
    if told is None:
        log.warning("account_missing", upstream_account=due.account)  # the comparison of listings judges it
        return None
    async with gateway.database.begin(SYSTEM) as uow:
        instance = await instances.lock(uow, due.tenant_id, due.instance_id)
        if instance is None or instance.upstream_funded_until != due.funded_until:
            return None
        if await store.is_in_doubt(uow, due.tenant_id, due.instance_id):
            return None
        if await _may_be_old(gateway, uow, instance, told.funded_until):
            return None
        row = await store.lock(uow, due.tenant_id, due.instance_id)
        await take_note(gateway, uow, instance, row, told.funded_until)
        await uow.session.flush()
        still = await _still_due(uow, gateway, instance)
        days = _needed(uow, gateway, still, row) if still else 0
        if days:
            days = await _at_most(uow, gateway, days)
        return Intent.of(_write(uow, gateway, instance, days)) if days else None


async def _still_due(uow: UnitOfWork, gateway: Gateway, instance: Instance) -> Due | None:
    found = await store.due(uow, gateway.name, gateway.environment, gateway.options.margin, instance_id=instance.id)
    return found[0] if found else None


def _needed(uow: UnitOfWork, gateway: Gateway, due: Due, row: PrepaidAccount) -> int:
    """What an account needs; the first paid days before its mode is changed, whatever is left of the gift."""
    return rules.wanted(
        due.entitled_until,
        due.funded_until,
        uow.now,
        step_days=gateway.options.step_days,
        margin=gateway.options.margin,
        at_once=due.goes_live and row.put_days == row.gift_days,
    )


async def _at_most(uow: UnitOfWork, gateway: Gateway, days: int) -> int:
    """What the pool may be asked for: a day at a time since it was found empty, so that many get some, and nothing
    while it holds nothing, which is looked up before each round.
    """
    pool = await store.pool(uow, gateway.name, gateway.environment)
    if pool.empty_since is None:
        return days
    return 0 if pool.holds_nothing else 1


def _write(uow: UnitOfWork, gateway: Gateway, instance: Instance, days: int) -> Extension:
    extension_id = new_id()
    assert instance.upstream_account is not None
    row = Extension(
        tenant_id=instance.tenant_id,
        id=extension_id,
        instance_id=instance.id,
        provider=gateway.name,
        environment=gateway.environment,
        account=instance.upstream_account,
        days=days,
        comment=f"slt-{gateway.options.deployment}-{extension_id.hex}",
        before_until=instance.upstream_funded_until,
        state="intended",
        quiet_until=uow.now + timedelta(seconds=gateway.options.quiet_seconds),
        started_at=uow.now,
    )
    uow.session.add(row)
    return row


async def carry_out(gateway: Gateway, intent: Intent) -> bool:
    """Make the call of an intent, once; True when it is known to be done."""
    try:
        if time.monotonic() - intent.planned > LATEST_START_SECONDS:
            raise Unreachable("the worker was held up before it could ask")
        await gateway.provider.fund(intent.account, intent.days, intent.comment)
    except ProviderError as error:
        await _record_failure(gateway, intent, error)
        return False
    after = await _read(gateway, intent.account)
    await _record_done(gateway, intent, after.funded_until if after else None)
    return True


async def resolve(gateway: Gateway, intent: Intent) -> bool:
    """Find out how an extension ended that nobody knows of; True when the pool may have moved.

    Not done, and never to be, is one whose account ends as before by a reading begun after the quiet period.
    """
    async with gateway.database.begin(SYSTEM) as uow:
        now = uow.now
    try:
        told = await gateway.provider.one(intent.account)
    except ProviderError as error:
        log.warning("extension_not_judged", detail=error.detail)
        return False
    is_quiet_over = now >= intent.quiet_until
    if told is None:
        if is_quiet_over:
            await _end(gateway, intent, "gone", "the account went before its days could be seen")
        return is_quiet_over
    verdict = _judge(intent, told.funded_until, now)
    if verdict is Verdict.DONE:
        await _record_done(gateway, intent, told.funded_until)
        return True
    if verdict is Verdict.UNDONE and is_quiet_over:
        await _end(gateway, intent, "lost", "the account ends as before")
    return False


async def go_live(gateway: Gateway, due: Due) -> None:
    """End the trial mode of an account that has what it needs; until it is back from its restart it is left alone.

    To repeat it is safe.
    """
    restart = timedelta(seconds=gateway.provider.traits.restart_seconds)
    async with gateway.database.begin(SYSTEM) as uow:
        instance = await instances.lock(uow, due.tenant_id, due.instance_id)
        still = await _still_due(uow, gateway, instance) if instance else None
        if still is None or not still.goes_live or still.funded_until is None or still.funded_until <= uow.now:
            return
        row = await store.lock(uow, due.tenant_id, due.instance_id)
        if _needed(uow, gateway, still, row):
            return
        row.busy_until = uow.now + restart  # before the call: sends wait from now on
    try:
        await gateway.provider.go_live(due.account)
    except ProviderError as error:
        log.warning("not_live_yet", detail=error.detail)
        if error.outcome is Outcome.REFUSED:
            async with gateway.database.begin(SYSTEM) as uow:
                (await store.lock(uow, due.tenant_id, due.instance_id)).busy_until = None
        return
    async with gateway.database.begin(SYSTEM) as uow:
        row = await store.lock(uow, due.tenant_id, due.instance_id)
        row.live_at = uow.now
        row.busy_until = uow.now + restart


async def take_note(
    gateway: Gateway, uow: UnitOfWork, instance: Instance, row: PrepaidAccount, told: datetime | None
) -> None:
    """Believe what upstream tells of an account's end; days that nobody here has put on it are booked as found, those
    that it lost before they began as forfeited: no customer has used them.
    """
    told = rules.plausible(told, uow.now)
    if instance.upstream_funded_until is None and not row.put_days:  # its end was not told when it was made
        gift = rules.gift(instance.upstream_created_at, told)
        if gift and await gateway.books(uow).gift(row.account, gift):
            row.gift_days = row.put_days = gift
    found = rules.found_days(instance.upstream_funded_until, told, uow.now)
    lost = min(rules.lost_days(instance.upstream_funded_until, told, uow.now), row.put_days - row.used_days)
    if lost > 0:
        log.warning("days_lost", upstream_account=row.account, days=lost)
        row.put_days -= lost
        row.note = f"{lost} days were taken from it upstream, seen {uow.now.date()}"
        await gateway.books(uow).loss(row.account, lost)
    if found:
        log.warning("days_found", upstream_account=row.account, days=found)
        row.put_days += found
        row.note = f"{found} days were put on it by somebody else, seen {uow.now.date()}"
        await gateway.books(uow).extension(row.account, found, f"found:{new_id()}")
    if told is not None:
        instance.upstream_funded_until = told


async def _may_be_old(gateway: Gateway, uow: UnitOfWork, instance: Instance, told: datetime | None) -> bool:
    """Whether an end may be that of before an extension that was seen done a moment ago: it would be made again."""
    known = instance.upstream_funded_until
    if told is None or known is None or told >= known - rules.SLACK:
        return False
    quiet = timedelta(seconds=gateway.options.quiet_seconds)
    return await store.was_extended(uow, instance.tenant_id, instance.id, quiet)


async def believe(gateway: Gateway, known: End, told: datetime) -> None:
    """Take note of an end that upstream tells otherwise, unless ours has moved since it was compared."""
    async with gateway.database.begin(SYSTEM) as uow:
        instance = await instances.lock(uow, known.tenant_id, known.instance_id)
        if instance is None or instance.upstream_funded_until != known.funded_until:
            return
        row = await store.lock(uow, known.tenant_id, known.instance_id)
        if row.settled_at is not None or await store.is_in_doubt(uow, known.tenant_id, known.instance_id):
            return
        if await _may_be_old(gateway, uow, instance, told):
            return
        await take_note(gateway, uow, instance, row, told)


async def _read(gateway: Gateway, account: str) -> Listed | None:
    try:
        return await gateway.provider.one(account)
    except ProviderError:
        return None


async def _record_failure(gateway: Gateway, intent: Intent, error: ProviderError) -> None:
    refused = error.outcome is Outcome.REFUSED
    log.warning("extension_failed", outcome=str(error.outcome), detail=error.detail)
    async with gateway.database.begin(SYSTEM) as uow:
        row = await store.lock_extension(uow, intent.tenant_id, intent.id)
        if row.finished_at is not None:
            return
        row.state, row.detail = "refused" if refused else "unknown", error.detail
        row.finished_at = uow.now if refused else None
        if isinstance(error, PoolEmpty):
            row.state = "short"
            _note_empty(uow, await store.pool(uow, gateway.name, gateway.environment), intent)


def _note_empty(uow: UnitOfWork, pool: Pool, intent: Intent) -> None:
    """Say once that the pool does not hold what is wanted."""
    if pool.empty_since is None:
        pool.empty_since = uow.now
        log.error("pool_empty", provider=pool.provider, environment=pool.environment, wanted=intent.days)


async def _record_done(gateway: Gateway, intent: Intent, told: datetime | None) -> None:
    """Book an extension, once. A reading that does not show it yet is made up for by what was put on the account;
    what one shows beyond that was put on it by somebody else.
    """
    async with gateway.database.begin(SYSTEM) as uow:
        instance = await instances.lock(uow, intent.tenant_id, intent.instance_id)
        account = await store.lock(uow, intent.tenant_id, intent.instance_id)
        row = await store.lock_extension(uow, intent.tenant_id, intent.id)
        if row.finished_at is not None or instance is None:
            return
        account.put_days += intent.days
        instance.upstream_funded_until = rules.extended(intent.before, intent.started_at, intent.days)
        await gateway.books(uow).extension(intent.account, intent.days, intent.comment)
        if _judge(intent, told, uow.now) is Verdict.DONE:
            await take_note(gateway, uow, instance, account, told)
        row.state, row.finished_at, row.after_until = "done", uow.now, instance.upstream_funded_until
        pool = await store.pool(uow, gateway.name, gateway.environment)
        if pool.days is not None:
            pool.days -= intent.days


async def _end(gateway: Gateway, intent: Intent, state: str, detail: str) -> None:
    """Close an extension that was not done, or of which nobody will know.

    A gateway may tell a pool that is too small by a server error (Whapi notes: undocumented, 503 is the candidate).
    """
    async with gateway.database.begin(SYSTEM) as uow:
        row = await store.lock_extension(uow, intent.tenant_id, intent.id)
        if row.finished_at is not None:
            return
        row.state, row.finished_at, row.detail = state, uow.now, detail
        pool = await store.pool(uow, gateway.name, gateway.environment)
        if state == "lost" and pool.days is not None and pool.days < intent.days:
            _note_empty(uow, pool, intent)


def _judge(intent: Intent, told: datetime | None, now: datetime) -> Verdict:
    return rules.judge(intent.before, rules.plausible(told, now), intent.started_at, intent.days)
