"""What a tenant is owed for an instance, and what it may do now.

A trial begins when the instance is ready and ends to the instant; limits hold under any concurrency, for they are
taken in the transaction that uses them. Paid time is counted in days of 24 hours from going live.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from app.kit import clock
from app.kit.db import UnitOfWork
from app.kit.errors import Conflict, FieldError, Gone, InvalidRequest, NotFound
from app.ledger import service as ledger
from app.plans import gate, store, telling
from app.plans.catalogue import LIVE, MAX_AHEAD, MAX_DAYS, PERIODS, PLANS, TRIAL, Limit, Metric, Plan
from app.plans.gate import Allow, Deny, Terms
from app.plans.models import Subscription
from app.plans.refusals import PlanLimitReached, refuse

FIRST_PLAN = TRIAL.id
"""What every instance begins with."""


class SourceReused(Conflict):
    """The source names days that were booked otherwise."""


@dataclass(frozen=True)
class Reservation:
    """One send that was counted; made again from its instant, chat and units, it can be given back later."""

    day_on: date
    month_on: date
    chat_id: str
    units: int = 1

    @classmethod
    def at(cls, instant: datetime, chat_id: str, units: int = 1) -> "Reservation":
        """The reservation of a send that was admitted at an instant."""
        return cls(clock.billing_day(instant), clock.month_start(instant), chat_id, units)


@dataclass(frozen=True)
class Access:
    """Whether an instance may send now. `until`: allowed or over, when its time ends or ended; a used-up limit, when
    it begins anew."""

    allowed: bool
    reason: str | None
    until: datetime | None
    billing_mode: str
    trial_ends_at: datetime | None
    paid_through_at: datetime | None
    plan: str


async def begin_trial(
    uow: UnitOfWork, tenant_id: UUID, instance_id: UUID, environment: str, *, quota_free: bool = False
) -> Subscription:
    """Give a new instance its terms: a trial whose clock starts when the instance is ready.

    A tenant may have one instance per environment that was never paid for, present and past ones counted. Once it
    went live the next may be tried, or when it was closed without ever having had an account. `quota_free` is the
    operator's exception.

    Raises:
        PlanLimitReached: the tenant has or had such an instance.
    """
    await store.lock_tenant(uow, tenant_id)
    if not quota_free:
        used = await store.open_trials(uow, tenant_id, environment)
        if used >= 1:
            raise PlanLimitReached(
                "There is one trial instance for each organization; let it go live to get another.",
                extra={"reason": "trial_used", "limit": 1, "used": used, "until": None},
            )
    row = Subscription(
        tenant_id=tenant_id,
        instance_id=instance_id,
        environment=environment,
        plan=TRIAL.id,
        billing_mode=TRIAL.billing_mode,
        trial_ends_at=None,
        paid_through_at=None,
        announced=None,
        created_at=uow.now,
        closed_at=None,
    )
    uow.session.add(row)
    await uow.session.flush()
    return row


async def owe_nothing(uow: UnitOfWork, tenant_id: UUID, instance_id: UUID, environment: str) -> None:
    """Give a row of the house terms that have ended."""
    row = await begin_trial(uow, tenant_id, instance_id, environment, quota_free=True)
    row.closed_at = uow.now
    await uow.session.flush()


async def start_clock(uow: UnitOfWork, tenant_id: UUID, instance_id: UUID) -> None:
    """The instance became ready: its trial runs from now, once."""
    ends_at = uow.now + TRIAL.length
    environment = await store.set_trial_end(uow, tenant_id, instance_id, ends_at)
    if environment is None:
        return
    data = {"plan": TRIAL.id, "trial_ends_at": clock.to_wire(ends_at), "trial_days": TRIAL.days}
    await telling.of_instance(uow, tenant_id, instance_id, environment, "trial.started", data)


async def access(uow: UnitOfWork, tenant_id: UUID, instance_ids: Sequence[UUID]) -> dict[UUID, Access]:
    """Whether instances may send now, and why not; two queries for any number of them."""
    if not instance_ids:
        return {}
    rows = await store.of_instances(uow, tenant_id, instance_ids)
    limited = [row.instance_id for row in rows if limit_of(row, "messages") is not None]
    used = await store.used(uow, tenant_id, limited, uow.now) if limited else {}
    return {row.instance_id: _access(row, used.get((row.instance_id, "messages"), 0), uow.now) for row in rows}


async def reserve_send(
    uow: UnitOfWork, tenant_id: UUID, instance_id: UUID, chat_id: str, *, units: int = 1
) -> Reservation:
    """Count a send to a chat, if the terms allow it at this instant; the gate is judged after the last wait.

    It is one message, or several (`units`): then all of them or none.

    Whoever is refused must roll back; so it is with an exception that leaves the unit of work.

    Raises:
        TrialExpired, PaymentRequired, PlanLimitReached: 402, with the reason and until when.
        TrialNotStarted, Gone: the instance is not yet, or no more.
    """
    row = await store.get(uow, tenant_id, instance_id)
    refuse(gate.may_send(terms_of(row), uow.now))
    assert row is not None
    messages, chats = limit_of(row, "messages"), limit_of(row, "chats")
    reservation = Reservation.at(uow.now, chat_id, units)
    taken = await store.take(
        uow,
        {
            **_place(tenant_id, instance_id, reservation),
            "most_messages": messages.amount if messages else None,
            "most_chats": chats.amount if chats else None,
        },
    )
    if messages is not None and taken.messages is None:
        refuse(gate.over_limit(messages, messages.amount, uow.now), "messages")
    if chats is not None and taken.uses == 1 and taken.chats is None:
        refuse(gate.over_limit(chats, chats.amount, uow.now), "chats")
    refuse(gate.may_send(terms_of(row), uow.now + taken.elapsed))
    return reservation


async def count_sends(uow: UnitOfWork, rows: str) -> None:
    """Count messages that have gone under a plan without limits, or with a block of one.

    `rows` is a JSON array of objects with `tenant_id`, `instance_id`, `chat_id`, `day_on`, `month_on` and, for those
    sent with a block, its `holder`. Needs the system's scope.
    """
    await store.count(uow, rows)


async def reserve_call(uow: UnitOfWork, tenant_id: UUID, instance_id: UUID) -> None:
    """Count one call to the gateway that is no message.

    Raises:
        TrialExpired, PaymentRequired, PlanLimitReached: 402.
    """
    row = await store.get(uow, tenant_id, instance_id)
    refuse(gate.may_send(terms_of(row), uow.now))
    assert row is not None
    limit = limit_of(row, "calls")
    month_on = clock.month_start(uow.now)
    taken = await store.take_call(uow, tenant_id, instance_id, month_on, limit.amount if limit else None)
    if taken is None and limit is not None:
        refuse(gate.over_limit(limit, limit.amount, uow.now), "calls")


async def give_back(uow: UnitOfWork, tenant_id: UUID, instance_id: UUID, reservation: Reservation) -> None:
    """Uncount a message that was surely not sent; its chat too, unless another message went there in the month."""
    await store.give_back(uow, _place(tenant_id, instance_id, reservation))


async def go_live(
    uow: UnitOfWork, tenant_id: UUID, instance_id: UUID, *, days: int, source: str, note: str | None
) -> Subscription:
    """Add paid days: from now when the instance is on trial or its time is over, else after what is paid already.

    The same source adds its days once. Needs the system's scope.

    Raises:
        NotFound: the tenant has no such instance. Gone: it was deleted.
        SourceReused: the source was used for other days or another instance.
        InvalidRequest: days out of bounds.
    """
    if not 1 <= days <= MAX_DAYS:
        raise _bad_days(f"Between 1 and {MAX_DAYS} days can be added at once.")
    row = await store.get(uow, tenant_id, instance_id, lock=True)
    if row is None:
        raise NotFound()
    account = ledger.instance_account(instance_id)
    booked = await ledger.booked(uow, "grant", source)
    if booked is not None:
        return _same(booked, account, days, row)
    if row.closed_at is not None:
        raise Gone()
    first = row.billing_mode == "trial"
    starts_at = uow.now if row.paid_through_at is None else max(uow.now, row.paid_through_at)
    if starts_at + timedelta(days=days) > uow.now + MAX_AHEAD:
        raise _bad_days(f"An instance can be paid for {MAX_AHEAD.days} days ahead at most.")
    movements = {ledger.POOL: -days, account: days}
    if not await ledger.post(
        uow,
        kind="grant",
        source=source,
        movements=movements,
        tenant_id=tenant_id,
        instance_id=instance_id,
        day=clock.billing_day(uow.now),
        note=note,
    ):
        raise SourceReused("This reference was used for another instance just now.")
    row.billing_mode, row.plan, row.announced = LIVE.billing_mode, LIVE.id, None
    row.paid_through_at = starts_at + timedelta(days=days)
    await uow.session.flush()
    await telling.of_days(uow, row, days, first=first)
    return row


async def set_limits(
    uow: UnitOfWork, tenant_id: UUID, instance_id: UUID, limits: dict[Metric, int | None]
) -> Subscription:
    """Let amounts stand in place of the plan's for one instance; None lifts a limit, none given brings the plan's back.

    Processes that send for it follow within a second. Needs the system's scope.

    Raises:
        NotFound: the tenant has no such instance. Gone: it was deleted.
    """
    row = await store.get(uow, tenant_id, instance_id, lock=True)
    if row is None:
        raise NotFound()
    if row.closed_at is not None:
        raise Gone()
    row.limits = {str(metric): amount for metric, amount in limits.items()} or None
    await uow.session.flush()
    return row


async def close(uow: UnitOfWork, tenant_id: UUID, instance_id: UUID, *, source: str, used: bool = True) -> int:
    """End the terms and empty the instance's account; returns the days that went back to the pool. Repeatable.

    A trial that was not `used`, because the gateway gave no account for it, leaves the tenant another.

    Given back are whole days of 24 hours that have not begun (never more than the account holds). What is left then
    is the day that is under way: its charge was borne by the house (the day of creation) or will be, when its charge
    is booked after this; so the rest goes to the house. In whatever order charges and closing are booked, the sums
    are the same, and the account ends at zero. Needs the system's scope.
    """
    row = await store.get(uow, tenant_id, instance_id, lock=True)
    if row is None:
        return 0
    account = ledger.instance_account(instance_id)
    if row.closed_at is not None:
        booked = await ledger.booked(uow, "close", str(instance_id))
        return booked.entries.get(ledger.POOL, 0) if booked is not None else 0
    row.closed_at = uow.now
    if used and row.billing_mode == "trial":
        row.trial_ends_at = row.trial_ends_at or uow.now
    await uow.session.flush()
    balance = await ledger.balance(uow, account)
    if balance <= 0:
        return 0
    unused = gate.unused_days(row.paid_through_at, uow.now, balance)
    await ledger.post(
        uow,
        kind="close",
        source=str(instance_id),
        movements={account: -balance, ledger.POOL: unused, ledger.HOUSE: balance - unused},
        tenant_id=tenant_id,
        instance_id=instance_id,
        day=clock.billing_day(uow.now),
        note=source,
    )
    return unused


async def announce(uow: UnitOfWork, limit: int) -> int:
    """Say of trials and paid time that they end in 3 days, in 1, or have ended: each once; returns how many."""
    rows = await store.to_announce(uow, uow.now, limit)
    for row in rows:
        end = row.trial_ends_at if row.billing_mode == "trial" else row.paid_through_at
        said = gate.announcement(end, uow.now) if end is not None else None
        if said is None or end is None:
            continue
        row.announced = said
        await uow.session.flush()
        await telling.of_end(uow, row, said, end)
    return len(rows)


async def usage(uow: UnitOfWork, tenant_id: UUID, instance_id: UUID) -> tuple[Subscription, dict[str, int]]:
    """An instance's terms and what it has used in the present day and month.

    Raises:
        NotFound: the tenant has no such instance.
    """
    row = await store.get(uow, tenant_id, instance_id)
    if row is None:
        raise NotFound()
    used = await store.used(uow, tenant_id, [instance_id], uow.now)
    return row, {metric: count for (_, metric), count in used.items()}


def _access(row: Subscription, used: int, now: datetime) -> Access:
    verdict = gate.may_send(terms_of(row), now)
    limit = limit_of(row, "messages")
    if isinstance(verdict, Allow) and limit is not None and used >= limit.amount:
        verdict = gate.over_limit(limit, used, now)
    return Access(
        allowed=isinstance(verdict, Allow),
        reason=verdict.reason if isinstance(verdict, Deny) else None,
        until=verdict.until,
        billing_mode=row.billing_mode,
        trial_ends_at=row.trial_ends_at,
        paid_through_at=row.paid_through_at,
        plan=row.plan,
    )


def terms_of(row: Subscription | None) -> Terms | None:
    """What the gate needs of a subscription."""
    if row is None:
        return None
    return Terms(row.billing_mode, row.trial_ends_at, row.paid_through_at, row.closed_at)


def limit_of(row: Subscription, metric: Metric) -> Limit | None:
    """The limit of a metric under an instance's terms: the plan's, unless the operator has set or lifted it."""
    amount = amount_of(PLANS[row.plan], row.limits, metric)
    return None if amount is None else Limit(metric, amount, PERIODS[metric], "the operator's or the plan's")


def amount_of(plan: Plan, limits: dict[str, Any] | None, metric: Metric) -> int | None:
    """How much of a metric a plan allows, with what the operator has set in its place; None is without limit."""
    if limits is not None and metric in limits:
        amount = limits[metric]
        return amount if isinstance(amount, int) else None
    planned = plan.limit(metric)
    return None if planned is None else planned.amount


def _place(tenant_id: UUID, instance_id: UUID, reservation: Reservation) -> dict[str, Any]:
    return {
        "tenant_id": tenant_id,
        "instance_id": instance_id,
        "day_on": reservation.day_on,
        "month_on": reservation.month_on,
        "chat_id": reservation.chat_id,
        "units": reservation.units,
    }


def _bad_days(text: str) -> InvalidRequest:
    return InvalidRequest(text, errors=(FieldError("#/days", "invalid_value", text),))


def _same(booked: ledger.Movement, account: str, days: int, row: Subscription) -> Subscription:
    if booked.entries.get(account) != days:
        raise SourceReused("This reference was used for other days or another instance.")
    return row
