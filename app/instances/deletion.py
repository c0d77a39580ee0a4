"""A deletion, station by station: queues, logout, upstream, proof, days, data. Each is repeatable and has its own try.

What is learnt on the way is kept in the operation's `input` until it becomes the receipt.
"""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import msgspec
import structlog

from app.instances import desk, lifecycle, service, store
from app.instances.lifecycle import Step
from app.instances.models import Instance
from app.instances.trips import Plan, Tools, recording
from app.kit import ids, work
from app.kit.clock import to_wire
from app.kit.db import UnitOfWork
from app.operations import service as operations
from app.operations.models import Operation
from app.plans import service as plans
from app.providers.errors import NotLinked, NotThere, Outcome, ProviderError, TooFast
from app.providers.port import Link

log = structlog.get_logger()

MOST_TRIES: Final[Mapping[Step, int]] = {
    Step.DRAIN: 20,
    Step.CLEAR_QUEUES: 5,
    Step.LOGOUT: 6,
    Step.CONFIRM_LOGOUT: 10,
    Step.CONFIRM_DELETE: 14,
}
PERCENT: Final[Mapping[Step, int]] = {
    Step.DRAIN: 5,
    Step.CLEAR_QUEUES: 10,
    Step.LOGOUT: 25,
    Step.CONFIRM_LOGOUT: 40,
    Step.DELETE: 55,
    Step.CONFIRM_DELETE: 70,
    Step.RECLAIM: 85,
    Step.ERASE: 90,
}
WORDS: Final[Mapping[Step, str]] = {
    Step.DRAIN: "draining_queue",
    Step.CLEAR_QUEUES: "clearing_queues",
    Step.LOGOUT: "logging_out",
    Step.CONFIRM_LOGOUT: "confirming_logout",
    Step.DELETE: "deleting_upstream",
    Step.CONFIRM_DELETE: "confirming_deletion",
    Step.RECLAIM: "reclaiming_days",
    Step.ERASE: "erasing_data",
}
AGAIN_DELETE_EVERY: Final = 4


@dataclass(frozen=True)
class Turn:
    """How a try at a station ended: where to go (None: the same again), when, and what was learnt."""

    to: Step | None
    after_seconds: float = 0.0
    learnt: dict[str, Any] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()


async def prepare(uow: UnitOfWork, tools: Tools, plan: Plan, instance: Instance) -> Plan:
    """The plan of a station: the row says which it is before anything is asked."""
    instance.delete_step = str(plan.step)
    operation = await _operation(uow, instance)
    await operations.progress(uow, operation, step=WORDS[plan.step], percent=PERCENT[plan.step])
    operation.attempts += plan.step is Step.DELETE
    call_id = store.write_call(uow, instance, "delete", operation.attempts) if plan.step is Step.DELETE else None
    is_searched = plan.step is Step.DRAIN and await tools.mailroom.is_searched(uow, instance)
    tries = int((operation.input or {}).get("tries", 0))
    return replace(plan, call_id=call_id, tries=tries, is_searched=is_searched)


async def advance(tools: Tools, plan: Plan) -> None:
    """Act at the station of the plan and record where to go."""
    if plan.step is Step.RECLAIM:
        await _reclaim(tools, plan)
    elif plan.step is Step.ERASE:
        await _erase(tools, plan)
    else:
        turn = await _ACTS[plan.step](tools, plan)
        async with recording(tools, plan) as (uow, instance):
            if turn.dropped:
                await tools.mailroom.drop(uow, instance, turn.dropped)
            await _record(uow, plan, instance, turn)


async def _record(uow: UnitOfWork, plan: Plan, instance: Instance, turn: Turn) -> None:
    await work.settle(uow, plan.claim, again_seconds=turn.after_seconds)
    if plan.call_id is not None:
        outcome = "done" if turn.to else "unknown"
        await store.end_call(uow, plan.tenant_id, plan.call_id, outcome, turn.learnt.pop("detail", None))
    if plan.step is Step.DELETE and turn.to is not None:
        instance.upstream_deleted_at = instance.upstream_deleted_at or uow.now
        if instance.upstream_created_at is None:  # created over a cut, and never listed: not before its create began
            instance.upstream_created_at = await store.last_create(uow, instance) or instance.created_at
        turn.learnt["upstream_deleted_at"] = to_wire(instance.upstream_deleted_at)
    if turn.learnt.pop("seen_deleted", False):
        turn.learnt["seen_deleted_at"] = to_wire(uow.now)
    instance.delete_step = str(turn.to or plan.step)
    operation = await _operation(uow, instance)
    kept = operation.input or {}
    operation.input = {**kept, **turn.learnt, "tries": 0 if turn.to else plan.tries + 1}


async def _drain(tools: Tools, plan: Plan) -> Turn:
    """What a moved instance had handed over leaves the way it was handed over, as long as that goes on; and the account
    stays while a message of unknown outcome is looked for there: its journal goes with it.
    """
    assert plan.credentials is not None
    waits = Turn(None, lifecycle.step_seconds(tools.options.ready_poll_seconds, plan.tries))
    if plan.is_searched:
        return waits
    try:
        waiting = await plan.provider.waiting(plan.credentials)
    except NotThere:
        return Turn(Step.CLEAR_QUEUES)
    except ProviderError as error:
        return _again_or(tools, plan, Turn(Step.CLEAR_QUEUES), error)
    if not waiting:
        return Turn(Step.CLEAR_QUEUES)
    dropped = tuple(each.message_id for each in waiting)
    return _again_or(tools, plan, Turn(Step.CLEAR_QUEUES, dropped=dropped), None)


async def _clear_queues(tools: Tools, plan: Plan) -> Turn:
    assert plan.credentials is not None
    try:
        await plan.provider.clear_queues(plan.credentials)
    except TooFast as error:
        if error.status is None:  # the messages are gone, the notifications were cleared a moment ago
            return Turn(Step.LOGOUT, learnt={"queues_cleared": True})
        return _again_or(tools, plan, Turn(Step.LOGOUT, learnt={"queues_cleared": False}), error)
    except (NotThere, NotLinked):
        return Turn(Step.LOGOUT, learnt={"queues_cleared": False})
    except ProviderError as error:
        return _again_or(tools, plan, Turn(Step.LOGOUT, learnt={"queues_cleared": False}), error)
    return Turn(Step.LOGOUT, learnt={"queues_cleared": True})


async def _logout(tools: Tools, plan: Plan) -> Turn:
    assert plan.credentials is not None
    try:
        await plan.provider.logout(plan.credentials)
    except NotLinked:
        return Turn(Step.CONFIRM_LOGOUT)
    except NotThere:
        return Turn(Step.DELETE, learnt={"logged_out": False})
    except ProviderError as error:
        if error.outcome is Outcome.UNKNOWN:
            return Turn(Step.CONFIRM_LOGOUT)
        return _again_or(tools, plan, Turn(Step.CONFIRM_LOGOUT), error)
    return Turn(Step.CONFIRM_LOGOUT)


async def _confirm_logout(tools: Tools, plan: Plan) -> Turn:
    """Only upstream's own word that no phone is linked confirms it; a phone still linked is logged out again."""
    assert plan.credentials is not None
    given_up = Turn(Step.DELETE, learnt={"logged_out": False})
    try:
        link = await plan.provider.link(plan.credentials)
        if link is Link.UNPAIRED:
            return Turn(Step.DELETE, learnt={"logged_out": True})
        if link is Link.CONNECTED and plan.tries:
            await plan.provider.logout(plan.credentials)
    except NotThere:
        return given_up
    except ProviderError as error:
        return _again_or(tools, plan, given_up, error)
    return _again_or(tools, plan, given_up, None)


async def _delete(tools: Tools, plan: Plan) -> Turn:
    """Repeated until it is known: an account that is not there counts as deleted."""
    assert plan.credentials is not None
    try:
        await plan.provider.delete(plan.credentials.account)
    except ProviderError as error:
        wait = lifecycle.step_seconds(tools.options.ready_poll_seconds, plan.tries)
        return Turn(None, max(wait, error.retry_after_seconds or 0.0), {"detail": error.detail})
    return Turn(Step.CONFIRM_DELETE)


async def _confirm_delete(tools: Tools, plan: Plan) -> Turn:
    """Seen as gone in a listing begun after the delete; one that is still listed is deleted again now and then."""
    assert plan.credentials is not None
    upstream_account = plan.credentials.account
    given_up = Turn(Step.RECLAIM, learnt={"seen_deleted_at": None})
    try:
        if plan.tries and plan.tries % AGAIN_DELETE_EVERY == 0:
            await plan.provider.delete(upstream_account)
        sheet = await desk.listing(plan.provider, not_before=plan.planned)
    except ProviderError as error:
        return _again_or(tools, plan, given_up, error)
    if all(listed.account != upstream_account for listed in sheet.listed):
        return Turn(Step.RECLAIM, learnt={"seen_deleted": True})
    return _again_or(tools, plan, given_up, None)


async def _reclaim(tools: Tools, plan: Plan) -> None:
    """Unused days go back; booked once however often this runs."""
    async with recording(tools, plan) as (uow, instance):
        used = instance.upstream_account is not None and instance.failure is None
        days = await plans.close(uow, instance.tenant_id, instance.id, source="instance.delete", used=used)
        await _record(uow, plan, instance, Turn(Step.ERASE, learnt={"reclaimed_days": days}))


async def _erase(tools: Tools, plan: Plan) -> None:
    """Erase in portions, each in a transaction of its own; the last one ends the deletion with its receipt."""
    async with recording(tools, plan) as (uow, instance):
        counts = {name: await eraser(uow, plan.tenant_id, plan.instance_id) for name, eraser in tools.erasers.items()}
        operation = await _operation(uow, instance)
        before = (operation.input or {}).get("erased", {})
        erased = {name: before.get(name, 0) + count for name, count in counts.items()}
        if any(counts.values()):
            await _record(uow, plan, instance, Turn(Step.ERASE, learnt={"erased": erased}))
            return
        await work.settle(uow, plan.claim)
        receipt = _receipt(uow, instance, operation, erased)
        _blank(uow, instance)
        operation.input = None
        await service.say(uow, instance, "instance.deleted", {"digest": receipt["digest"]})
        await operations.succeed(uow, operation, receipt)


def _receipt(uow: UnitOfWork, instance: Instance, operation: Operation, erased: dict[str, int]) -> dict[str, Any]:
    """What was done, in one document that its digest covers."""
    learnt = operation.input or {}
    had_upstream = instance.upstream_account is not None
    receipt: dict[str, Any] = {
        "instance_id": ids.to_wire(ids.INSTANCE, instance.id),
        "requested_at": to_wire(operation.created_at),
        "had_upstream": had_upstream,
        "queues_cleared": bool(learnt.get("queues_cleared", False)),
        "logged_out": bool(learnt.get("logged_out", False)),
        "upstream_deleted_at": learnt.get("upstream_deleted_at"),
        "seen_deleted_at": learnt.get("seen_deleted_at"),
        "reclaimed_days": int(learnt.get("reclaimed_days", 0)),
        "erased": erased,
        "deleted_at": to_wire(uow.now),
    }
    return {**receipt, "digest": digest_of(receipt)}


def digest_of(receipt: Mapping[str, Any]) -> str:
    """SHA-256 over the receipt without its digest, as JSON with sorted keys and no spaces."""
    plain = {name: value for name, value in receipt.items() if name != "digest"}
    return "sha256:" + hashlib.sha256(msgspec.json.encode(plain, order="sorted")).hexdigest()


def _blank(uow: UnitOfWork, instance: Instance) -> None:
    """What is left of the row: ids, times and the label, for the listing's comparison and the ledger."""
    instance.status, instance.connection, instance.deleted_at = "deleted", "unknown", uow.now
    instance.upstream_token_sealed = None
    instance.hook_token_sealed = instance.hook_token_hash = b""
    instance.phone = instance.profile_name = instance.connected_at = None
    instance.delete_step = None
    instance.details = {}
    service.touch(instance)


def _again_or(tools: Tools, plan: Plan, given_up: Turn, error: ProviderError | None) -> Turn:
    """The same station again after a while, or on without it when its tries are used up."""
    if plan.tries + 1 >= MOST_TRIES[plan.step]:
        log.warning("deletion_goes_on", step=str(plan.step), detail=error.detail if error else "not confirmed")
        return given_up
    wait = lifecycle.step_seconds(tools.options.ready_poll_seconds, plan.tries)
    return Turn(None, max(wait, error.retry_after_seconds or 0.0) if error else wait)


async def _operation(uow: UnitOfWork, instance: Instance) -> Operation:
    """The deletion's operation; a deletion that nobody asked for by a request gets one here."""
    found = await operations.find_open(uow, instance.tenant_id, instance.id, service.DELETE)
    return found or await operations.start(
        uow,
        tenant_id=instance.tenant_id,
        type=service.DELETE,
        environment=instance.environment,
        resource_type="instance",
        resource_id=instance.id,
    )


_ACTS: Final[Mapping[Step, Callable[[Tools, Plan], Awaitable[Turn]]]] = {
    Step.DRAIN: _drain,
    Step.CLEAR_QUEUES: _clear_queues,
    Step.LOGOUT: _logout,
    Step.CONFIRM_LOGOUT: _confirm_logout,
    Step.DELETE: _delete,
    Step.CONFIRM_DELETE: _confirm_delete,
}
