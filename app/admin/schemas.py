"""What the operator sends and sees."""

from typing import Annotated, Final

from msgspec import UNSET, Meta, Struct, UnsetType

from app.kit.wire import Line, Reference, Timestamp

MOST_DAYS: Final = 3660
Days = Annotated[int, Meta(ge=1, le=MOST_DAYS, description="Whole days, 1 to 3660.", examples=[30])]

GatewayName = Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,29}$", examples=["whapi"])]


class OperatorOrganizationView(Struct, omit_defaults=False):
    """A tenant. `status`: active, suspended, closed."""

    id: str
    name: str
    status: str
    created_at: Timestamp
    object: str = "organization"


class OperatorOrganizationPage(Struct):
    """Organizations, newest first."""

    data: list[OperatorOrganizationView]
    has_more: bool
    next_cursor: str | None
    object: str = "list"


class OperatorInstanceView(Struct):
    """An instance as the operator sees it, with its upstream side and without any token."""

    id: str
    organization_id: str
    name: str
    environment: str
    provider: str
    status: str
    connection: str
    suspended_by: str | None
    billing_mode: str | None
    trial_ends_at: Timestamp | None
    paid_through_at: Timestamp | None
    limits: Annotated[dict[str, int | None] | None, Meta(description="Amounts in place of the plan's, by metric.")]
    upstream_account: str | None
    tag: str
    remains_of: Annotated[str | None, Meta(description="The instance that left this account behind when it moved.")]
    create_attempts: int
    failure: str | None
    created_at: Timestamp
    ready_at: Timestamp | None
    deleted_at: Timestamp | None
    object: str = "instance"


class OperatorInstancePage(Struct):
    """Instances of all tenants, newest first."""

    data: list[OperatorInstanceView]
    has_more: bool
    next_cursor: str | None
    object: str = "list"


class DaysPaid(Struct, forbid_unknown_fields=True):
    """A payment for days; the same `reference` is booked once."""

    days: Days
    reference: Reference
    note: Line | None = None


class LimitsSet(Struct, forbid_unknown_fields=True):
    """Amounts that stand in place of the plan's for one instance: null is without limit, left out as the plan says."""

    messages_per_day: Annotated[int, Meta(ge=0, le=100_000_000)] | UnsetType | None = UNSET
    chats_per_month: Annotated[int, Meta(ge=0, le=100_000_000)] | UnsetType | None = UNSET
    calls_per_month: Annotated[int, Meta(ge=0, le=100_000_000)] | UnsetType | None = UNSET


class Move(Struct, forbid_unknown_fields=True):
    """Where an instance is moved to; null leaves the choice to us."""

    provider: GatewayName | None = None


class Reason(Struct, forbid_unknown_fields=True):
    """Why; it goes to the log and to the tenant's event."""

    reason: Line


class OperatorLedgerLine(Struct):
    """One movement of an instance's days."""

    id: str
    kind: str
    source: Annotated[str, Meta(description="What it was booked for, once: of a payment its `reference`.")]
    note: str | None
    day: Annotated[str | None, Meta(description="The billing day (UTC+3) it is about.")]
    movements: Annotated[dict[str, int], Meta(description="Days by account; together they are 0.")]
    posted_at: Timestamp
    object: str = "ledger_transaction"


class LedgerStatement(Struct):
    """The newest movements of an instance and what is left."""

    balance_days: int
    data: list[OperatorLedgerLine]
    object: str = "ledger_statement"


class ReconcileRequest(Struct, forbid_unknown_fields=True):
    """Compare the upstream listing with our rows; `dry_run` only tells.

    `approved` lets a round delete although it would delete so much that it is held.
    """

    dry_run: bool = True
    approved: bool = False


class Difference(Struct):
    """One difference. `kind`: orphan, surplus, ghost, late; `action` is what was (or would be) done about it.

    The kind `unread` is none: the listing of the gateway that `subject` names could not be had, so nothing is known.
    """

    kind: str
    environment: str
    subject: str
    tag: str | None
    upstream_account: str | None
    instance_id: str | None
    sightings: int
    action: str
    object: str = "difference"


class Reconciliation(Struct):
    """What a comparison found."""

    dry_run: bool
    differences: list[Difference]
    object: str = "reconciliation"


class DeadWork(Struct):
    """Work that is out of tries."""

    id: str
    kind: str
    ref: str
    attempts: int
    last_error: str | None
    dead_at: Timestamp
    object: str = "dead_work"


class DeadWorkList(Struct):
    """The newest hundred."""

    data: list[DeadWork]
    object: str = "list"
