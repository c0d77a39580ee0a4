"""The mail with a pairing link, to the owners of an instance that was moved and waits for its phone."""

from datetime import timedelta
from typing import Final

import structlog

from app.accounts import store as accounts
from app.instances import pairing_links, store
from app.instances.models import Instance
from app.instances.options import Options
from app.instances.pairing_links import DEFAULT_HOURS
from app.kit import work
from app.kit.db import SYSTEM, Database, UnitOfWork
from app.kit.mail import Mailer, MailFailed
from app.kit.work import Claim

log = structlog.get_logger()

LIFE: Final = timedelta(hours=DEFAULT_HOURS)
SUSPENDED_SECONDS: Final = 60.0
SUBJECT: Final = "Link your WhatsApp phone again"
TEXT: Final = (
    "“{name}” has been moved to another connection, and its phone has to be linked again."
    " Open this page within {hours} hours and scan the code that it shows:\n\n{address}\n\n"
    "Whoever has this address can link a phone; do not pass it on.\n"
)


async def send(database: Database, mailer: Mailer, options: Options, claim: Claim) -> None:
    """Mail the link to every owner, unless a phone is linked by now. One who has it already is not sent it twice.

    Of a suspended one they are told when it is resumed, if that is within the day.

    Raises:
        MailFailed: the mail server took none; the work is tried again for a day.
    """
    async with database.begin(SYSTEM) as uow:
        instance = await store.get(uow, claim.ref)
        if instance is not None and instance.status == "suspended" and _in_time(uow, instance):
            await work.settle(uow, claim, again_seconds=SUSPENDED_SECONDS)  # its link opens when it is resumed
            return
        addresses, text = await _write(uow, options, instance)
    sent = 0
    for address in addresses:
        try:
            await mailer.send(address, SUBJECT, text)
            sent += 1
        except MailFailed as error:
            log.warning("pairing_mail_failed", detail=str(error))
    if addresses and not sent:
        raise MailFailed("no owner could be told of the pairing link")
    async with database.begin(SYSTEM) as uow:
        await work.settle(uow, claim)


async def _write(uow: UnitOfWork, options: Options, instance: Instance | None) -> tuple[list[str], str]:
    """Whom to tell what; nobody when it is too late for it."""
    if instance is None or instance.status != "active" or instance.connection == "connected":
        return [], ""
    if not _in_time(uow, instance):
        return [], ""
    link = pairing_links.make(uow, instance)
    address = link.address(uow.keyring, options.public_url)
    owners = await accounts.owners(uow, instance.tenant_id)
    return [each.email for each in owners], TEXT.format(name=instance.name, hours=DEFAULT_HOURS, address=address)


def _in_time(uow: UnitOfWork, instance: Instance) -> bool:
    return instance.ready_at is not None and uow.now < instance.ready_at + LIFE
