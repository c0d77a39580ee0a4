"""The second net: the upstream's listing beside our rows. Finds orphans, surplus, late ones and ghosts, and repairs.

Nothing is deleted on its first sight, nothing whose name is not our exact tag, and nothing at all in a round that would
delete too much. Every finding is written down.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import text

from app.instances import charging, comparing, desk, service, store
from app.instances.charging import Stray
from app.instances.comparing import Action, Comparison, Difference, Match, Sighting
from app.instances.models import Finding, Instance
from app.instances.options import Options
from app.instances.tags import read_tag
from app.jobs import ReconcileInstance
from app.kit import work
from app.kit.clock import billing_day
from app.kit.db import SYSTEM, Database, UnitOfWork
from app.kit.ids import new_id
from app.kit.work import Claim
from app.operations import service as operations
from app.providers.errors import ProviderError
from app.providers.port import Listed, Provider
from app.providers.registry import Registry

log = structlog.get_logger()

LOCK: Final = 7_303_013
MOST_DELETED: Final = 50
SEEN_EVERY: Final = timedelta(minutes=10)


@dataclass(frozen=True)
class Found:
    """A difference and what was, or in a dry run would be, done about it; or (`unread`) that there is no knowing."""

    kind: str
    environment: str
    subject: str
    tag: str | None
    upstream_account: str | None
    instance_id: UUID | None
    sightings: int
    action: str


@dataclass(frozen=True)
class Account:
    """One partner account and what it listed."""

    name: str
    environment: str
    provider: Provider
    listed: tuple[Listed, ...]
    begun_at: datetime


@dataclass(frozen=True)
class Doomed:
    """An upstream account that is about to be deleted; all of it is committed before."""

    finding_id: UUID
    stray: Stray
    booked_on: date
    call_id: UUID | None


async def reconcile(database: Database, registry: Registry, options: Options, claim: Claim) -> None:
    """The periodic round over every partner account."""
    await compare(database, registry, options, dry_run=False)
    async with database.begin(SYSTEM) as uow:
        await work.settle(uow, claim, again_seconds=options.listing_seconds)


async def compare(
    database: Database, registry: Registry, options: Options, *, dry_run: bool, approved: bool = False
) -> list[Found]:
    """Compare every partner account with our rows, and repair by the policy unless it is a dry run.

    `approved` lifts the brake on too many deletions. A partner account whose listing cannot be had is
    told as `unread`, its gateway's name as the subject, and nothing is done about it.
    """
    found: list[Found] = []
    for name, environment, provider in registry.all():
        async with database.begin(SYSTEM) as uow:
            begun_at = uow.now
        try:
            sheet = await desk.listing(provider, not_before=time.monotonic())
        except ProviderError as error:
            log.warning("listing_failed", provider=name, environment=environment, detail=error.detail)
            found.append(Found("unread", environment, name, None, None, None, sightings=0, action="none"))
            continue
        account = Account(name, environment, provider, sheet.listed, begun_at)
        async with database.begin(SYSTEM) as uow:
            told, doomed = await _judge(uow, account, options, dry_run=dry_run, approved=approved)
        found += told
        for one in doomed:
            await _delete(database, provider, one)
    return found


async def _judge(
    uow: UnitOfWork, account: Account, options: Options, *, dry_run: bool, approved: bool
) -> tuple[list[Found], list[Doomed]]:
    await uow.session.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    comparison = await _compare(uow, account, options)
    findings = {
        (row.kind, row.subject): row for row in await store.open_findings(uow, account.name, account.environment)
    }
    seen = {
        item.subject: _sighting(findings.get((item.kind, item.subject)), uow.now) for item in comparison.differences
    }
    wanted = {
        item.subject: comparing.action_of(
            item, seen[item.subject], options.repair_policy, uow.now, options.surplus_wait_seconds
        )
        for item in comparison.differences
    }
    actions = comparing.with_brake(wanted, comparison.size, approved=approved)
    told = [_told(item, account, seen[item.subject], actions[item.subject]) for item in comparison.differences]
    if "held" in actions.values():
        log.error("too_many_deletions", marked=list(actions.values()).count("held"), listed=comparison.size)
    if dry_run:
        return told, []
    await _note_matches(uow, comparison.matches)
    for row in comparison.waiting:
        uow.defer(ReconcileInstance(ref=row.id, tenant_id=row.tenant_id))
    doomed: list[Doomed] = []
    for item in comparison.differences:
        action, known = actions[item.subject], findings.pop((item.kind, item.subject), None)
        if item.kind != "ghost" and action != "adopt" and not account.provider.traits.is_prepaid:
            await _bear(uow, account, item, known, seen[item.subject])
        finding = _write(uow, account, options, item, known, seen[item.subject])
        if action == "delete" and len(doomed) >= MOST_DELETED:
            continue  # it is the next round's: a lease does not last for all of them
        one = await _act(uow, account, item, finding, action)
        if one is not None:
            doomed.append(one)
    listed = {match.known.id for match in comparison.matches}
    for finding in findings.values():
        finding.closed_at, finding.outcome = uow.now, finding.outcome or "gone"
        if finding.kind == "ghost" and finding.instance_id in listed:
            await store.mark_returned(uow, finding.instance_id)
    await uow.session.flush()
    return told, doomed


async def _compare(uow: UnitOfWork, account: Account, options: Options) -> Comparison:
    """Rows of other environments may share the partner account; what is theirs is foreign here.

    Not so what an instance that moved away has left under a former tag.
    """
    listed = {one.account: one for one in account.listed}
    ids = {one.account: read_tag(options.deployment, one.tag) for one in listed.values()}
    tags = {one.account: one.tag.strip().lower() for one in listed.values()}
    found = [instance_id for instance_id in ids.values() if instance_id is not None]
    former = [tags[account_id] for account_id, instance_id in ids.items() if instance_id is not None]
    rows = await store.known(uow, account.name, account.environment, found, former)
    others = [row for row in rows if (row.provider, row.environment) != (account.name, account.environment)]
    taken = {row.tag for row in others}
    elsewhere = {row.id for row in others if row.environment != account.environment}
    return comparing.compare(
        [one for one in listed.values() if tags[one.account] not in taken and ids[one.account] not in elsewhere],
        [row for row in rows if row not in others],
        options.deployment,
        begun_at=account.begun_at,
        lag_seconds=options.quiet_seconds,
    )


def _sighting(known: Finding | None, now: datetime) -> Sighting:
    if known is None or known.sightings == 0:
        return Sighting(1, now)
    return Sighting(known.sightings + 1, known.first_seen_at)


def _write(
    uow: UnitOfWork, account: Account, options: Options, item: Difference, known: Finding | None, seen: Sighting
) -> Finding:
    finding = known or Finding(
        id=new_id(),
        environment=account.environment,
        provider=account.name,
        kind=item.kind,
        subject=item.subject,
        upstream_account=item.upstream_account,
        tag=item.tag,
        instance_id=item.instance_id,
    )
    finding.policy, finding.sightings = options.repair_policy, seen.sightings
    finding.first_seen_at, finding.last_seen_at = seen.first_seen_at, uow.now
    if known is None:
        log.warning(
            "listing_differs", kind=item.kind, upstream_account=item.upstream_account, instance=str(item.instance_id)
        )
        uow.session.add(finding)
    return finding


async def _act(uow: UnitOfWork, account: Account, item: Difference, finding: Finding, action: Action) -> Doomed | None:
    instance = None
    if finding.outcome == "deleting":
        finding.outcome = None  # whoever was at it has died, or does not know how it ended
    if item.tenant_id is not None and item.instance_id is not None and action in ("adopt", "delete", "report"):
        instance = await store.lock(uow, item.tenant_id, item.instance_id)
    match action:
        case "delete":
            if instance is not None and _counts_on(instance, item):
                return None
            finding.outcome = "deleting"
            call_id = store.write_call(uow, instance, "delete", finding.sightings) if instance else None
            return Doomed(finding.id, _stray(account, item), billing_day(account.begun_at), call_id)
        case "adopt" if instance is not None:
            await _adopt(uow, account, item, finding, instance)
        case "report" if item.kind == "ghost" and finding.outcome is None and instance is not None:
            finding.outcome = "reported"
            await _mourn(uow, instance, finding.first_seen_at)
        case "held":
            finding.outcome = "held"
    return None


def _counts_on(instance: Instance, item: Difference) -> bool:
    """Whether by now the row has the account, or is looking for one of its tag."""
    if instance.upstream_account == item.upstream_account:
        return instance.status != "deleted"
    return instance.upstream_account is None and instance.calling_since is not None


def _stray(account: Account, item: Difference) -> Stray:
    return Stray(account.environment, account.name, item.upstream_account, item.tenant_id)


async def _bear(uow: UnitOfWork, account: Account, item: Difference, known: Finding | None, seen: Sighting) -> None:
    """Book what an account costs that nobody counts on: the day it was made, then every day until it is gone.

    The listing may still show one that is gone, so its first sight proves the day of creation only.
    """
    created_at = min(item.created_at or seen.first_seen_at, account.begun_at)
    first, last = billing_day(created_at), billing_day(account.begun_at)
    if seen.sightings == 1:
        last = first
    elif seen.sightings > 2 and known is not None:
        first = max(first, billing_day(known.last_seen_at))
    await charging.bear(uow, _stray(account, item), first, last)


async def _adopt(uow: UnitOfWork, account: Account, item: Difference, finding: Finding, instance: Instance) -> None:
    """Give a row the account that came too late for it, if the row still has none and none is being created."""
    facts_fit = instance.upstream_account is None and instance.calling_since is None and instance.wanted
    listed = next((one for one in account.listed if one.account == item.upstream_account), None)
    if not facts_fit or listed is None or instance.status not in ("queued", "provisioning", "failed"):
        return
    await service.attach(uow, instance, listed)
    instance.status, instance.failure = "provisioning", None
    finding.closed_at, finding.outcome = uow.now, "adopted"
    uow.defer(ReconcileInstance(ref=instance.id, tenant_id=instance.tenant_id))


async def _mourn(uow: UnitOfWork, instance: Instance, missed_at: datetime) -> None:
    """An account of ours is gone although nobody deleted it: nothing is known of its link any more, and since it was
    missed it is not charged.

    One that was in use stays, for the tenant to delete; one that was still being made ready has failed.
    """
    was_connected = instance.connected_at is not None
    instance.connection, instance.connected_at = "unknown", None
    instance.upstream_deleted_at = instance.upstream_deleted_at or missed_at
    service.touch(instance)
    if instance.status in ("queued", "provisioning"):
        instance.status, instance.failure = "failed", "the account vanished upstream before it was ready"
        await service.say(uow, instance, "instance.provision_failed", {"code": "upstream_error"})
        for kind in (service.PROVISION, service.MOVE):
            operation = await operations.find_open(uow, instance.tenant_id, instance.id, kind)
            if operation is not None:
                await operations.fail(uow, operation, "upstream_error", "The gateway lost the instance.")
    elif was_connected:
        await service.say(uow, instance, "instance.disconnected", {"connection": "unknown"})


async def _note_matches(uow: UnitOfWork, matches: Sequence[Match]) -> None:
    """That they were seen, and when upstream says they were made: charges are counted from there."""
    stale = [
        match.known.id for match in matches if match.known.seen_at is None or uow.now - match.known.seen_at > SEEN_EVERY
    ]
    await store.mark_seen(uow, stale)
    for match in matches:
        exact = match.listed.created_at
        if exact is not None and exact != match.known.created_at:
            await store.correct_creation(uow, match.known, exact)


async def _delete(database: Database, provider: Provider, doomed: Doomed) -> None:
    """Delete one surplus account; of unknown outcome it stays a finding, and the next round sees it or not."""
    outcome, detail = "done", None
    try:
        await provider.delete(doomed.stray.upstream_account)
    except ProviderError as error:
        outcome, detail = str(error.outcome), error.detail
    log.warning("surplus_deleted", upstream_account=doomed.stray.upstream_account, outcome=outcome)
    async with database.begin(SYSTEM) as uow:
        await store.end_finding(uow, doomed.finding_id, "deleted" if outcome == "done" else None)
        if doomed.stray.tenant_id is not None and doomed.call_id is not None:
            await store.end_call(uow, doomed.stray.tenant_id, doomed.call_id, outcome, detail)
        if outcome == "done" and not provider.traits.is_prepaid:
            await charging.bear(uow, doomed.stray, doomed.booked_on, billing_day(uow.now))


def _told(item: Difference, account: Account, seen: Sighting, action: Action) -> Found:
    return Found(
        kind=item.kind,
        environment=account.environment,
        subject=item.subject,
        tag=item.tag,
        upstream_account=item.upstream_account,
        instance_id=item.instance_id,
        sightings=seen.sightings,
        action=action,
    )
