"""When prepaid days are moved."""

from app.funding import alerts, rounds
from app.jobs import FundGateways
from app.kit.work import Claim
from app.runtime import Runtime


async def fund_gateways(runtime: Runtime, claim: Claim) -> None:
    """Ring for every partner account that is paid beforehand."""
    await rounds.ring(runtime.database, runtime.registry, claim, again_seconds=FundGateways.every_seconds)


async def fund_gateway(runtime: Runtime, claim: Claim) -> None:
    """A round over one of them."""
    budget_seconds = runtime.settings.lease_seconds / 3
    await rounds.fund(runtime.database, runtime.registry, runtime.funding_options, claim, budget_seconds=budget_seconds)


async def mail_pool_alert(runtime: Runtime, claim: Claim) -> None:
    """The operator is told of a pool that is low."""
    await alerts.send(runtime.database, runtime.registry, runtime.mailer, runtime.funding_options, claim)
