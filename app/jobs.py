"""What may be asked of the workers: one struct a job, ids only. A test pairs each with one handler in `workers`."""

from typing import ClassVar
from uuid import UUID, uuid5

from msgspec import Struct

NO_ONE = UUID(int=0)
_PERIODIC = UUID("7e0d2a52-2f0e-5cde-9d0c-2f4f7c6f0a11")


class Job(Struct, frozen=True):
    """A thing to be done about one row, `ref`. While it waits there is one row of work per kind and ref."""

    kind: ClassVar[str] = ""
    ref: UUID
    tenant_id: UUID | None = None


class SendEmailCode(Job, frozen=True):
    """Mail a code; ref is the e-mail code's row."""

    kind = "email_code.send"


class ReconcileInstance(Job, frozen=True):
    """Take one step of an instance toward what is owed."""

    kind = "instance.reconcile"


class MailPairingLink(Job, frozen=True):
    """Mail a pairing link to the owners of an instance that was moved; ref is the instance."""

    kind = "pairing_link.mail"


class RunInstanceCommand(Job, frozen=True):
    """Run a reboot or logout that a tenant asked for; ref is the operation."""

    kind = "instance.command"


class ResolveMessage(Job, frozen=True):
    """Find out whether a send with an unknown outcome was accepted; ref is the message."""

    kind = "message.resolve"


class SendHeld(Job, frozen=True):
    """Hand over sends that waited while their instance was being moved; ref is the instance."""

    kind = "messages.send_held"


class DispatchEvent(Job, frozen=True):
    """Make a delivery for each endpoint that subscribes to an event."""

    kind = "event.dispatch"


class DeliverEvent(Job, frozen=True):
    """Try one delivery; ref is the delivery."""

    kind = "delivery.attempt"


class PushNotices(Job, frozen=True):
    """Tell a line's oldest kept notifications to the tenant's address, in order; ref is the instance."""

    kind = "line.push"


class PushHook(Job, frozen=True):
    """Tell what is kept for one webhook in Whapi's shape, in order; ref is the hook."""

    kind = "hook.push"


class FundGateway(Job, frozen=True):
    """Bring the prepaid days of one partner account to what is owed; ref is made of its gateway and environment."""

    kind = "gateway.fund"


class MailPoolAlert(Job, frozen=True):
    """Mail the operator that a prepaid pool is low; ref as of `FundGateway`."""

    kind = "pool_alert.mail"


class Periodic(Job, frozen=True):
    """Work that comes back by itself; its ref is made from its kind, so there is one row for ever."""

    every_seconds: ClassVar[float] = 300.0


class SweepInstances(Periodic, frozen=True):
    """Ring for every instance whose state differs from what is owed; watch the state of live ones."""

    kind = "instances.sweep"
    every_seconds = 30.0


class SweepMessages(Periodic, frozen=True):
    """Take over sends whose process died before it recorded how they ended."""

    kind = "messages.sweep"
    every_seconds = 5.0


class ReconcileListing(Periodic, frozen=True):
    """Compare the upstream's listing with our rows: orphans, ghosts, surplus."""

    kind = "listing.reconcile"
    every_seconds = 300.0


class ChargeDays(Periodic, frozen=True):
    """Book every instance-day up to now that is not booked yet."""

    kind = "days.charge"
    every_seconds = 60.0


class FundGateways(Periodic, frozen=True):
    """Ring for every partner account that is paid beforehand."""

    kind = "gateways.fund"
    every_seconds = 60.0


class EndTrials(Periodic, frozen=True):
    """Announce trials and paid time that are about to end or have ended."""

    kind = "trials.end"
    every_seconds = 30.0


class Clean(Periodic, frozen=True):
    """Delete what has outlived its retention: codes, idempotency answers, notices, old events."""

    kind = "retention.clean"
    every_seconds = 3600.0


JOBS: tuple[type[Job], ...] = (
    SendEmailCode,
    ReconcileInstance,
    MailPairingLink,
    RunInstanceCommand,
    ResolveMessage,
    SendHeld,
    DispatchEvent,
    DeliverEvent,
    PushNotices,
    PushHook,
    FundGateway,
    MailPoolAlert,
    SweepInstances,
    SweepMessages,
    ReconcileListing,
    ChargeDays,
    FundGateways,
    EndTrials,
    Clean,
)
PERIODIC: tuple[type[Periodic], ...] = tuple(job for job in JOBS if issubclass(job, Periodic))


def periodic(kind: type[Periodic]) -> Periodic:
    """The one job of a periodic kind."""
    return kind(ref=uuid5(_PERIODIC, kind.kind))
