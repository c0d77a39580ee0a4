"""Prepaid pools on the wire, as the operator sees them."""

from typing import Annotated

from msgspec import Meta, Struct

from app.kit.wire import Timestamp


class PoolFinding(Struct):
    """An upstream account of whose days something could not be explained."""

    instance_id: str
    upstream_account: str
    note: str
    settled_at: Timestamp | None
    object: str = "pool_finding"


class PoolView(Struct):
    """What a partner account holds that is paid beforehand."""

    provider: str
    environment: str
    days: Annotated[int | None, Meta(description="The last balance that was read, less what was moved since.")]
    read_at: Timestamp | None
    prepaid_days: Annotated[int, Meta(description="Days on accounts that have not begun.")]
    spent_per_day: Annotated[float, Meta(description="What left the pool for good in the last 7 days, by day.")]
    days_to_empty: Annotated[float | None, Meta(description="How long the pool lasts like that; null: nothing leaves.")]
    low_since: Timestamp | None
    empty_since: Annotated[Timestamp | None, Meta(description="Since when extensions are refused for lack of days.")]
    open_extensions: Annotated[int, Meta(description="Extensions of which it is not known whether they were done.")]
    findings: list[PoolFinding]
    object: str = "pool"


class PoolList(Struct):
    """Every partner account that is paid beforehand."""

    data: list[PoolView]
    object: str = "list"
