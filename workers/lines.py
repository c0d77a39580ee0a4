"""Notifications of lines, told to addresses of the tenants' choosing."""

from app.kit.work import Claim
from app.runtime import Runtime


async def push_notices(runtime: Runtime, claim: Claim) -> None:
    """Some of what waits for a line's address or a hook's, or one try of the oldest and then its pause."""
    await runtime.pusher.push(claim)
