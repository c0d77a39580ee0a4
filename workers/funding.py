"""When prepaid days are moved."""

from app.funding import rounds
from app.funding.options import Options
from app.jobs import FundGateways
from app.kit.work import Claim
from app.runtime import Runtime


async def fund_gateways(runtime: Runtime, claim: Claim) -> None:
    """Ring for every partner account that is paid beforehand."""
    await rounds.ring(runtime.database, runtime.registry, claim, again_seconds=FundGateways.every_seconds)


async def fund_gateway(runtime: Runtime, claim: Claim) -> None:
    """A round over one of them."""
    settings = runtime.settings
    options = Options(
        deployment=settings.deployment,
        step_days=settings.fund_step_days,
        margin_days=settings.fund_margin_days,
        quiet_seconds=settings.quiet_seconds,
        balance_seconds=settings.balance_seconds,
        low_days=settings.pool_low_days,
    )
    budget_seconds = settings.lease_seconds / 3
    await rounds.fund(runtime.database, runtime.registry, options, claim, budget_seconds=budget_seconds)
