"""The gateways as the operator sees and sets them."""

from typing import Annotated, Final

from msgspec import Meta, Struct

from app.kit.wire import Line, Timestamp

MOST_WEIGHT: Final = 1000
Weight = Annotated[
    int, Meta(ge=0, le=MOST_WEIGHT, description="Share of new instances beside the others'.", examples=[100])
]
PlanId = Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,29}$", examples=["trial"])]


class SupplierView(Struct, omit_defaults=False):
    """A gateway: one partner account in one environment, with what was set and how it has been."""

    provider: Annotated[str, Meta(examples=["green_api"])]
    environment: Annotated[str, Meta(examples=["live"])]
    weight: int
    plans: Annotated[list[str] | None, Meta(description="Plans that it is chosen for; null is all.")]
    paused_at: Annotated[Timestamp | None, Meta(description="Since when it takes no new instances.")]
    reason: str | None
    is_well: Annotated[bool, Meta(description="False while its creations fail: another gets the new instances.")]
    failures: Annotated[int, Meta(description="Creations that failed in a row.")]
    last_failure: str | None
    held_until: Annotated[Timestamp | None, Meta(description="Until when nothing is created, as it said 429.")]
    creations_used: Annotated[int, Meta(description="Creations that count toward its limit now.")]
    creations_limit: Annotated[int | None, Meta(description="Most creations in `creations_seconds`; null is no limit.")]
    creations_seconds: int | None
    waiting: Annotated[int, Meta(description="Instances that wait to be created there.")]
    object: str = "supplier"


class SupplierList(Struct):
    """Every gateway that is set up."""

    data: list[SupplierView]
    object: str = "list"


class SupplierPause(Struct, forbid_unknown_fields=True):
    """Why it takes no new instances."""

    reason: Line


class SupplierWeight(Struct, forbid_unknown_fields=True):
    """Its share of new instances; 0 is none, unless asked for by name. `plans` null is all."""

    weight: Weight
    plans: Annotated[list[PlanId], Meta(min_length=1, max_length=20)] | None = None


class SupplierRemark(Struct):
    """One thing that was looked at: `ok`, `warning` or `error`, and what it means."""

    level: Annotated[str, Meta(examples=["ok"])]
    text: str


class SupplierCheck(Struct):
    """How a gateway was found just now."""

    provider: str
    environment: str
    is_usable: bool
    remarks: list[SupplierRemark]
    object: str = "supplier_check"
