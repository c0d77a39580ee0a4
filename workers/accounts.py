"""Work about accounts."""

from app.accounts import codes
from app.kit.work import Claim
from app.runtime import Runtime


async def send_email_code(runtime: Runtime, claim: Claim) -> None:
    """Mail a code; a mail server that is away is asked again until the code expires."""
    await codes.send(runtime.database, runtime.mailer, claim)
