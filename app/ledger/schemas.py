"""The ledger on the wire, as the owner of an instance sees it."""

from typing import Annotated

from msgspec import Meta, Struct

from app.kit import ids
from app.kit.clock import to_wire
from app.kit.wire import Timestamp
from app.ledger.service import Movement


class LedgerLine(Struct):
    """One movement on the account of an instance."""

    id: Annotated[str, Meta(pattern=ids.pattern(ids.LEDGER_TRANSACTION))]
    kind: Annotated[
        str, Meta(description="grant (days added), charge (a day used) or close (given back).", examples=["grant"])
    ]
    days: Annotated[int, Meta(description="What it changed for the instance; 0 where the operator bore the day.")]
    billing_on: Annotated[str | None, Meta(description="The billing day (UTC+3) it is about.", examples=["2026-11-21"])]
    posted_at: Timestamp
    object: Annotated[str, Meta(extra_json_schema={"const": "ledger_transaction"})] = "ledger_transaction"


class LedgerPage(Struct):
    """One page of movements, newest first."""

    object: Annotated[str, Meta(extra_json_schema={"const": "list"})]
    data: list[LedgerLine]
    has_more: bool
    next_cursor: str | None
    balance_days: Annotated[int, Meta(description="Days that are owned and not used.")]


def line(movement: Movement, account: str) -> LedgerLine:
    """A movement as the API shows it."""
    return LedgerLine(
        id=ids.to_wire(ids.LEDGER_TRANSACTION, movement.id),
        kind=movement.kind,
        days=movement.entries.get(account, 0),
        billing_on=None if movement.day is None else movement.day.isoformat(),
        posted_at=to_wire(movement.posted_at),
    )
