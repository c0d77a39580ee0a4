"""When days are charged, ends are announced, and what is old is forgotten."""

from typing import Final

from app.admin import retention
from app.instances import charging
from app.jobs import ChargeDays, Clean, EndTrials
from app.kit import work
from app.kit.db import SYSTEM
from app.kit.work import Claim
from app.plans import service as plans
from app.runtime import Runtime

CHARGE_BATCH: Final = 5000
ANNOUNCE_BATCH: Final = 200
CLEAN_BATCH: Final = 1000
AT_ONCE_SECONDS: Final = 0.0


async def charge_days(runtime: Runtime, claim: Claim) -> None:
    """Book one batch of instance-days; a full batch is followed by the next at once."""
    prepaid = {name for name, _, provider in runtime.registry.all() if provider.traits.is_prepaid}
    async with runtime.database.begin(SYSTEM) as uow:
        await work.hold(uow, claim)
        booked = await charging.charge(uow, uow.now, CHARGE_BATCH, prepaid=prepaid)
        more = booked >= CHARGE_BATCH
        await work.settle(uow, claim, again_seconds=AT_ONCE_SECONDS if more else ChargeDays.every_seconds)


async def end_trials(runtime: Runtime, claim: Claim) -> None:
    """Announce one batch of trials and paid time that end soon or have ended."""
    async with runtime.database.begin(SYSTEM) as uow:
        await work.hold(uow, claim)
        said = await plans.announce(uow, ANNOUNCE_BATCH)
        more = said >= ANNOUNCE_BATCH
        await work.settle(uow, claim, again_seconds=AT_ONCE_SECONDS if more else EndTrials.every_seconds)


async def clean(runtime: Runtime, claim: Claim) -> None:
    """Delete one batch of what is past its keeping."""
    async with runtime.database.begin(SYSTEM) as uow:
        await work.hold(uow, claim)
        more = await retention.clean(uow, CLEAN_BATCH)
        await work.settle(uow, claim, again_seconds=AT_ONCE_SECONDS if more else Clean.every_seconds)
