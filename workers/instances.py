"""Instances, when nobody waits: one step at a time, commands, the sweep and the comparison of listings."""

from collections.abc import Mapping
from typing import Final

from app.events import erasure as events
from app.files import uploads
from app.gateway import erasure as gateway
from app.gateway.mailroom import Mailroom
from app.idempotency import erasure as idempotency
from app.inbound import erasure as inbound
from app.instances import commands, listing, pairing_mail, reconcile, watching
from app.instances.trips import Eraser, Tools
from app.kit.work import Claim
from app.lines import erasure as lines
from app.lines.service import told_state
from app.messages import erasure as messages
from app.plans import erasure as plans
from app.runtime import Runtime
from app.webhooks import erasure as webhooks

ERASERS: Final[Mapping[str, Eraser]] = {
    "messages": messages.erase,
    "notices": inbound.erase,
    "events": events.erase,
    "chats": plans.erase,
    "answers": idempotency.erase,
    "replies": webhooks.erase,
    "lines": lines.erase,
    "uploads": uploads.erase,
    "calls": gateway.erase,
}
"""What each room above or below keeps of an instance; the deletion knows them by this list only."""


async def reconcile_instance(runtime: Runtime, claim: Claim) -> None:
    """One step toward what is owed; its record asks for the next."""
    await reconcile.reconcile(_tools(runtime), runtime.registry, claim)


async def mail_pairing_link(runtime: Runtime, claim: Claim) -> None:
    """Tell the owners of an instance that was moved; a mail server that is away is asked again for a day."""
    await pairing_mail.send(runtime.database, runtime.mailer, runtime.instance_options, claim)


async def run_instance_command(runtime: Runtime, claim: Claim) -> None:
    """A reboot or logout that a tenant asked for."""
    await commands.run(_tools(runtime), runtime.registry, claim)


async def sweep_instances(runtime: Runtime, claim: Claim) -> None:
    """Ring for what is on its way, read the state of what is in use."""
    budget_seconds = runtime.settings.lease_seconds / 3
    await watching.sweep(_tools(runtime), runtime.registry, claim, budget_seconds=budget_seconds)


async def reconcile_listing(runtime: Runtime, claim: Claim) -> None:
    """The upstream's listing beside our rows."""
    await listing.reconcile(runtime.database, runtime.registry, runtime.instance_options, claim)


def _tools(runtime: Runtime) -> Tools:
    return Tools(runtime.database, runtime.instance_options, ERASERS, Mailroom(), told_state)
