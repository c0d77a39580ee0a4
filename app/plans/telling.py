"""What tenants are told about their plans."""

from datetime import datetime
from typing import Any
from uuid import UUID

from app.events import service as events
from app.kit import clock
from app.kit.db import UnitOfWork
from app.kit.ids import INSTANCE, to_wire
from app.plans.models import Subscription


async def of_instance(
    uow: UnitOfWork, tenant_id: UUID, instance_id: UUID, environment: str, kind: str, data: dict[str, Any]
) -> None:
    """Publish a fact about an instance's terms."""
    await events.publish(
        uow,
        tenant_id=tenant_id,
        type=kind,
        data={"instance_id": to_wire(INSTANCE, instance_id), **data},
        environment=environment,
        instance_id=instance_id,
    )


async def of_days(uow: UnitOfWork, row: Subscription, days: int, *, first: bool) -> None:
    """Days were added; the first ones also make the instance live."""
    assert row.paid_through_at is not None
    data = {"plan": row.plan, "days": days, "paid_through_at": clock.to_wire(row.paid_through_at)}
    kinds = ("subscription.activated", "instance.went_live") if first else ("subscription.extended",)
    for kind in kinds:
        await of_instance(uow, row.tenant_id, row.instance_id, row.environment, kind, data)


async def of_end(uow: UnitOfWork, row: Subscription, said: str, end: datetime) -> None:
    """An end is near or has come."""
    trial = row.billing_mode == "trial"
    data: dict[str, Any] = {
        "plan": row.plan,
        "trial_ends_at" if trial else "paid_through_at": clock.to_wire(end),
    }
    if said == "ended":
        kind = "trial.ended" if trial else "subscription.past_due"
    else:
        kind = "trial.ending" if trial else "subscription.ending"
        data["days_left"] = int(said.removeprefix("ending_"))
    await of_instance(uow, row.tenant_id, row.instance_id, row.environment, kind, data)
