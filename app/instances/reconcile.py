"""One step of an instance toward what is owed: claim, act, record. No transaction is open while upstream is asked.

A create is written down and committed before its first byte leaves. Whoever comes back to a row that says `calling`
treats the create as one of unknown outcome, whether its worker died, was cancelled, or got no answer.
"""

import time
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from app.instances import creation, deletion, desk, findings, lifecycle, pairing_links, service, store
from app.instances.creation import Turn
from app.instances.lifecycle import CreateVerdict, Facts, Found, LookVerdict, Step
from app.instances.models import Instance
from app.instances.trips import Plan, Tools, recording
from app.instances.watching import read_profile
from app.jobs import FundGateways, MailPairingLink, periodic
from app.kit import ids, work
from app.kit.db import SYSTEM, UnitOfWork
from app.kit.work import Claim
from app.operations import service as operations
from app.operations.models import Operation
from app.plans import service as plans
from app.providers.errors import ProviderError, Unreachable
from app.providers.port import Created, Link
from app.providers.registry import Registry
from app.suppliers import service as suppliers

log = structlog.get_logger()

CREATE_ETA_SECONDS: Final = 60.0
READY_ETA_SECONDS: Final = 45.0
LATEST_START_SECONDS: Final = 10.0


class _HeldUp(Unreachable):
    """It was this process that took too long: surely not done, and no fault of the gateway's."""


async def reconcile(tools: Tools, registry: Registry, claim: Claim) -> None:
    """Take the one step that an instance needs now; the record of it asks for the next."""
    async with tools.database.begin(SYSTEM) as uow:
        plan = await _plan(uow, tools, registry, claim)
    if plan is None:
        return
    match plan.step:
        case Step.CREATE:
            await _create(tools, registry, plan)
        case Step.PEEK | Step.LOOK:
            await _look(tools, plan)
        case Step.AWAIT_READY:
            await _await_ready(tools, plan)
        case _:
            await deletion.advance(tools, plan)


async def _plan(uow: UnitOfWork, tools: Tools, registry: Registry, claim: Claim) -> Plan | None:
    instance = await store.lock(uow, claim.tenant_id, claim.ref) if claim.tenant_id else None
    await work.hold(uow, claim)
    if instance is None:
        await work.settle(uow, claim)
        return None
    await _heed_cancellation(uow, instance)
    step = lifecycle.next_step(facts_of(instance), uow.now)
    if step is None:
        await work.settle(uow, claim)
        return None
    has_upstream = instance.upstream_account is not None
    provider = registry.get(instance.provider, instance.environment)
    plan = Plan(
        step=step,
        claim=claim,
        provider=provider,
        tenant_id=instance.tenant_id,
        instance_id=instance.id,
        tag=instance.tag,
        wish=await service.wish(uow, instance, tools.options, provider.traits),
        credentials=await service.credentials(uow, instance) if has_upstream else None,
        planned=time.monotonic(),
    )
    if step is Step.CREATE:
        turn = await creation.turn(uow, instance, provider.traits, tools.options.quiet_seconds)
        if turn.seconds > 0:
            await _wait(uow, plan, instance, turn)
            return None
        return await _plan_create(uow, tools, plan, instance)
    if step in (Step.PEEK, Step.LOOK):
        await store.end_lost_calls(uow, instance)
        return plan
    return plan if step is Step.AWAIT_READY else await deletion.prepare(uow, tools, plan, instance)


async def _heed_cancellation(uow: UnitOfWork, instance: Instance) -> None:
    """A wish whose operation was cancelled before anything was done is no wish any more."""
    if instance.status != "queued" or not instance.wanted or instance.create_attempts:
        return
    if await operations.find_open(uow, instance.tenant_id, instance.id, service.PROVISION) is None:
        instance.wanted, instance.status = False, "deleting"
        service.touch(instance)


def facts_of(instance: Instance) -> Facts:
    """What `next_step` needs of a row."""
    return Facts(
        status=instance.status,
        wanted=instance.wanted,
        has_upstream=instance.upstream_account is not None,
        is_calling=instance.calling_since is not None,
        quiet_until=instance.quiet_until,
        delete_step=instance.delete_step,
        is_remains=instance.remains_of is not None,
    )


async def _plan_create(uow: UnitOfWork, tools: Tools, plan: Plan, instance: Instance) -> Plan:
    instance.create_attempts += 1
    instance.calling_since = uow.now
    instance.quiet_until = uow.now + timedelta(seconds=tools.options.quiet_seconds)
    if instance.status != "provisioning":
        instance.status = "provisioning"
        service.touch(instance)
    call_id = store.write_call(uow, instance, "create", instance.create_attempts)
    operation = await _operation(uow, instance)
    if operation is not None:
        operation.attempts = instance.create_attempts
        await _tell(uow, operation, "creating", 10, CREATE_ETA_SECONDS)
    return replace(plan, call_id=call_id)


async def _wait(uow: UnitOfWork, plan: Plan, instance: Instance, turn: Turn) -> None:
    await work.settle(uow, plan.claim, again_seconds=turn.again_seconds)
    operation = await _operation(uow, instance)
    if operation is not None:
        eta_at = uow.now + timedelta(seconds=turn.seconds + READY_ETA_SECONDS)
        await operations.foresee(uow, operation, step="waiting_for_turn", eta_at=eta_at)


async def _create(tools: Tools, registry: Registry, plan: Plan) -> None:
    """Create, unless this process was held up since the plan: others may count the create as lost by now."""
    try:
        if time.monotonic() - plan.planned > LATEST_START_SECONDS:
            raise _HeldUp("the worker was held up before it could ask")
        ending: Created | ProviderError = await plan.provider.create(plan.wish)
    except ProviderError as error:
        ending = error
    async with recording(tools, plan) as (uow, instance):
        assert plan.call_id is not None
        if isinstance(ending, ProviderError):
            await _record_failed_create(uow, tools, registry, plan, instance, ending)
            return
        await work.settle(uow, plan.claim, again_seconds=tools.options.ready_poll_seconds)
        await store.end_call(uow, plan.tenant_id, plan.call_id, "done")
        await service.attach(uow, instance, ending)
        await suppliers.succeeded(uow, instance.provider, instance.environment)
        await _tell(uow, await _operation(uow, instance), "starting", 50, READY_ETA_SECONDS)


async def _record_failed_create(
    uow: UnitOfWork, tools: Tools, registry: Registry, plan: Plan, instance: Instance, error: ProviderError
) -> None:
    assert plan.call_id is not None
    await store.end_call(uow, plan.tenant_id, plan.call_id, str(error.outcome), error.detail)
    if not isinstance(error, _HeldUp):
        hold_seconds = plan.provider.traits.creation_seconds
        await suppliers.failed(uow, instance.provider, instance.environment, error, hold_seconds)
    operation = await _operation(uow, instance)
    refused = await store.count_calls(uow, instance, "create", "refused", _since(operation))
    verdict = lifecycle.after_failed_create(error, refused)
    log.warning("create_failed", outcome=str(error.outcome), detail=error.detail, verdict=str(verdict))
    if verdict is CreateVerdict.LOOK:
        quiet_seconds = tools.options.quiet_seconds
        again = lifecycle.peek_seconds(quiet_seconds, _quiet_left(uow, instance))
        await work.settle(uow, plan.claim, again_seconds=again)
        await _tell(uow, operation, "confirming_with_upstream", 25, _quiet_left(uow, instance) + READY_ETA_SECONDS)
        return
    instance.calling_since = instance.quiet_until = None
    if operation is not None and operation.input and operation.input.get("provider") == suppliers.AUTO:
        moved = await creation.stand_in(uow, registry, instance)
        if moved:
            await work.settle(uow, plan.claim, again_seconds=0)
            return
    if verdict is CreateVerdict.GIVE_UP:
        await work.settle(uow, plan.claim)
        await _give_up(uow, instance, "upstream_unavailable", "The gateway refused to create the instance.")
        return
    again = lifecycle.refused_seconds(error, refused)
    await work.settle(uow, plan.claim, again_seconds=again)
    await _tell(uow, operation, "waiting_for_upstream", 10, again + CREATE_ETA_SECONDS)


async def _look(tools: Tools, plan: Plan) -> None:
    """Find the account of a create of unknown outcome by its tag; several that wait share one listing."""
    conclusive = plan.step is Step.LOOK
    try:
        sheet = await desk.listing(plan.provider, not_before=plan.planned if conclusive else None)
    except ProviderError as error:
        log.warning("listing_failed", detail=error.detail)
        async with recording(tools, plan) as (uow, _):
            wait = max(tools.options.ready_poll_seconds, error.retry_after_seconds or 0.0)
            await work.settle(uow, plan.claim, again_seconds=wait)
        return
    hits = [listed for listed in sheet.listed if listed.tag.strip().lower() == plan.tag]
    async with recording(tools, plan) as (uow, instance):
        if instance.upstream_account is not None or instance.calling_since is None:
            await work.settle(uow, plan.claim, again_seconds=0)
            return
        since = _since(await _operation(uow, instance))
        lost = await store.count_calls(uow, instance, "create", "unknown", since)
        found = lifecycle.judge_look(hits, conclusive=conclusive, lost=lost, wanted=instance.wanted)
        await _record_look(uow, tools, plan, instance, found)


async def _record_look(uow: UnitOfWork, tools: Tools, plan: Plan, instance: Instance, found: Found) -> None:
    base_seconds = tools.options.ready_poll_seconds
    match found.verdict:
        case LookVerdict.AGAIN:
            left = _quiet_left(uow, instance)
            again = lifecycle.peek_seconds(tools.options.quiet_seconds, left) if left > 0 else base_seconds
            await work.settle(uow, plan.claim, again_seconds=again)
        case LookVerdict.ADOPT:
            assert found.adopt is not None
            await work.settle(uow, plan.claim, again_seconds=0)
            log.info("instance_adopted", upstream_account=found.adopt.account, surplus=len(found.surplus))
            await service.attach(uow, instance, found.adopt)
            for listed in found.surplus:
                await findings.note(uow, instance, "surplus", listed.account, policy=tools.options.repair_policy)
            await _tell(uow, await _operation(uow, instance), "starting", 50, READY_ETA_SECONDS)
        case LookVerdict.GIVE_UP:
            await work.settle(uow, plan.claim)
            instance.calling_since = instance.quiet_until = None
            detail = f"{instance.create_attempts} creates had an unknown outcome and none is listed."
            await _give_up(uow, instance, "upstream_error", detail)
        case LookVerdict.ABSENT | LookVerdict.NEVER_WAS:
            await work.settle(uow, plan.claim, again_seconds=0)
            instance.calling_since = instance.quiet_until = None


async def _await_ready(tools: Tools, plan: Plan) -> None:
    """Ready means: out of its warm-up, and its settings read back as we want them."""
    assert plan.credentials is not None
    link, step = Link.UNKNOWN, "starting"
    is_ready = False
    try:
        link = await plan.provider.link(plan.credentials)
        if lifecycle.is_usable(link):
            is_ready = await plan.provider.configured(plan.credentials, plan.wish)
            if not is_ready:
                step = "configuring"
                await plan.provider.configure(plan.credentials, plan.wish)
    except ProviderError as error:
        log.info("not_ready_yet", detail=error.detail)
        is_ready = False
    phone, name = await read_profile(plan.provider, plan.credentials, link) if is_ready else (None, None)
    async with recording(tools, plan) as (uow, instance):
        if not is_ready or not instance.wanted:
            age = (uow.now - (instance.upstream_created_at or uow.now)).total_seconds()
            is_late = age > tools.options.ready_deadline_seconds
            # Where calls are counted, a trial must have some left when it gets ready after all.
            most = plan.provider.traits.watch_seconds if is_late else 0.0
            again = lifecycle.poll_seconds(tools.options.ready_poll_seconds, age, most)
            await work.settle(uow, plan.claim, again_seconds=again if instance.wanted else 0)
            operation = await _operation(uow, instance)
            if operation is not None and is_late:
                await _call_late(uow, instance)
            elif step == "configuring":
                await _tell(uow, operation, step, 80, READY_ETA_SECONDS)
            return
        await work.settle(uow, plan.claim)
        await _record_ready(uow, tools, instance, link, phone, name)


async def _record_ready(
    uow: UnitOfWork, tools: Tools, instance: Instance, link: Link, phone: str | None, name: str | None
) -> None:
    instance.status = "suspended" if instance.suspended_by else "active"
    instance.ready_at, instance.failure = uow.now, None
    service.touch(instance)
    ended = await _operations(uow, instance)
    await plans.start_clock(uow, instance.tenant_id, instance.id)
    await service.say(uow, instance, "instance.provisioned", {})
    if instance.away_since is not None and link is not Link.CONNECTED:
        address = pairing_links.make(uow, instance).address(uow.keyring, tools.options.public_url)
        await service.say(uow, instance, "instance.pairing_required", {"reason": "moved", "pairing_url": address})
        uow.defer(MailPairingLink(ref=instance.id, tenant_id=instance.tenant_id))
    await service.observe(uow, instance, link, phone, profile_name=name)
    if instance.upstream_funded_until is not None and instance.moves:
        uow.defer(periodic(FundGateways))  # it may be paid for already
    for operation in ended:
        await operations.succeed(uow, operation, {"instance_id": ids.to_wire(ids.INSTANCE, instance.id)})


async def _call_late(uow: UnitOfWork, instance: Instance) -> None:
    """Nobody waits for ever: the operation fails, the account is watched on and may still become ready."""
    instance.failure = "It was created and has not become ready in time; a reboot upstream may help."
    log.error("never_ready", upstream_account=instance.upstream_account)
    await service.say(uow, instance, "instance.provision_failed", {"code": "upstream_unavailable"})
    for operation in await _operations(uow, instance):
        await operations.fail(
            uow, operation, "upstream_unavailable", "The gateway has not made the instance ready in time."
        )


async def _give_up(uow: UnitOfWork, instance: Instance, code: str, detail: str) -> None:
    """No further try: the operator sees why, the tenant's operation has failed."""
    instance.failure = detail
    log.error("provisioning_failed", detail=detail)
    if not instance.wanted:
        return
    instance.status = "failed"
    service.touch(instance)
    await service.say(uow, instance, "instance.provision_failed", {"code": code})
    for operation in await _operations(uow, instance):
        await operations.fail(uow, operation, code, "The gateway could not provide the instance.")


async def _operation(uow: UnitOfWork, instance: Instance) -> Operation | None:
    """What is being done is told by; the one that began last, if an instance is moved before it was ready."""
    found = await _operations(uow, instance)
    return found[0] if found else None


async def _operations(uow: UnitOfWork, instance: Instance) -> list[Operation]:
    place = (uow, instance.tenant_id, instance.id)
    found = [await operations.find_open(*place, kind) for kind in (service.MOVE, service.PROVISION)]
    return [each for each in found if each is not None]


def _since(operation: Operation | None) -> datetime | None:
    """When the tries that count began: what failed before an operator's retry is forgiven."""
    return None if operation is None else operation.created_at


async def _tell(uow: UnitOfWork, operation: Operation | None, step: str, percent: int, eta_seconds: float) -> None:
    if operation is not None:
        eta_at = uow.now + timedelta(seconds=eta_seconds)
        await operations.progress(uow, operation, step=step, percent=percent, eta_at=eta_at)


def _quiet_left(uow: UnitOfWork, instance: Instance) -> float:
    if instance.quiet_until is None:
        return 0.0
    return max(0.0, (instance.quiet_until - uow.now).total_seconds())
