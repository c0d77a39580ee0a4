"""When sends of unknown outcome are looked for."""

from app.gateway import releasing, resolver
from app.jobs import SweepMessages
from app.kit.work import Claim
from app.runtime import Runtime


async def resolve_message(runtime: Runtime, claim: Claim) -> None:
    """One look for one message; it rings its next."""
    await resolver.resolve(runtime.database, runtime.registry, runtime.gateway_options, claim)


async def send_held(runtime: Runtime, claim: Claim) -> None:
    """Sends that waited while their instance was being moved."""
    await releasing.release(runtime.database, runtime.registry, runtime.gateway_options, claim)


async def sweep_messages(runtime: Runtime, claim: Claim) -> None:
    """Take over sends whose process died."""
    await resolver.sweep(runtime.database, runtime.gateway_options, claim, SweepMessages.every_seconds)
