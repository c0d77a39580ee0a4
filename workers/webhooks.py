"""What happened goes out to the tenants."""

from app.kit.work import Claim
from app.runtime import Runtime
from app.webhooks import outbound


async def dispatch_event(runtime: Runtime, claim: Claim) -> None:
    """Make the deliveries of an event."""
    await outbound.dispatch(runtime.database, claim)


async def deliver_event(runtime: Runtime, claim: Claim) -> None:
    """Try one delivery."""
    await outbound.deliver(runtime.database, runtime.egress, claim)
