"""Pure rules: what the difference between a listing and our rows means, and what may be done about it.

Only names that are tags of exactly this deployment are ever touched; anything else in the partner account is foreign.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from app.instances.options import RepairPolicy
from app.instances.tags import read_tag
from app.providers.port import Listed

Kind = Literal["orphan", "surplus", "ghost", "late"]
Action = Literal["none", "wait", "delete", "adopt", "report", "held"]

MOST_SHARE: Final = 0.05
ALWAYS_ALLOWED: Final = 3


@dataclass(frozen=True)
class Known:
    """What the comparison with a listing needs of a row."""

    tenant_id: UUID
    id: UUID
    tag: str
    status: str
    wanted: bool
    environment: str
    provider: str
    upstream_account: str | None
    is_calling: bool
    created_at: datetime | None
    seen_at: datetime | None


@dataclass(frozen=True)
class Difference:
    """One thing in which the listing and the rows differ.

    `awaited`: the row still wants an account and has none. `adoptable`: it did, and gave up.
    """

    kind: Kind
    upstream_account: str
    tag: str
    instance_id: UUID | None
    tenant_id: UUID | None
    created_at: datetime | None = None
    awaited: bool = False
    adoptable: bool = False

    @property
    def subject(self) -> str:
        """What identifies it from one round to the next."""
        return self.upstream_account


@dataclass(frozen=True)
class Match:
    """A row and its account in the listing."""

    known: Known
    listed: Listed


@dataclass(frozen=True)
class Comparison:
    """All that a round found; `waiting` are rows whose create may be looked for, `size` counts the whole listing."""

    matches: tuple[Match, ...]
    differences: tuple[Difference, ...]
    waiting: tuple[Known, ...]
    size: int


def compare(
    listed: Sequence[Listed], rows: Iterable[Known], deployment: str, *, begun_at: datetime, lag_seconds: float
) -> Comparison:
    """Set a listing beside the rows. A row is a ghost only when it is older than any lag of the listing."""
    by_id = {row.id: row for row in rows}
    by_tag = {row.tag: row for row in by_id.values()}
    tagged = [(listed_one, read_tag(deployment, listed_one.tag)) for listed_one in listed]
    matches: list[Match] = []
    differences: list[Difference] = []
    waiting: list[Known] = []
    for account, instance_id in tagged:
        if instance_id is None:
            continue
        row = by_tag.get(account.tag.strip().lower()) or by_id.get(instance_id)
        if row is None:
            differences.append(_difference("orphan", account, None))
        elif row.upstream_account == account.account and row.status != "deleted":
            matches.append(Match(row, account))
        elif row.is_calling and row.upstream_account is None:
            waiting.append(row)
        else:
            differences.append(_beside(row, account))
    seen = {account.account for account in listed}
    oldest = begun_at - timedelta(seconds=lag_seconds)
    for row in by_id.values():
        if row.upstream_account is None or row.upstream_account in seen or row.status in ("deleting", "deleted"):
            continue
        if row.created_at is not None and row.created_at < oldest:
            differences.append(
                Difference("ghost", row.upstream_account, row.tag, row.id, row.tenant_id, row.created_at)
            )
    return Comparison(tuple(matches), tuple(differences), tuple(waiting), len(listed))


def _beside(row: Known, account: Listed) -> Difference:
    """An account with the tag of a row that does not count on it: the row has another, has given up or has moved."""
    if account.tag.strip().lower() != row.tag:
        return _difference("surplus", account, row)
    if row.upstream_account is not None or not row.wanted or row.status == "deleted":
        return _difference("surplus", account, row)
    has_token = bool(account.token.reveal())
    awaited = has_token and row.status in ("queued", "provisioning")
    return _difference("late", account, row, awaited=awaited, adoptable=has_token)


def _difference(
    kind: Kind, account: Listed, row: Known | None, *, awaited: bool = False, adoptable: bool = False
) -> Difference:
    return Difference(
        kind,
        account.account,
        account.tag,
        row.id if row else None,
        row.tenant_id if row else None,
        account.created_at,
        awaited,
        adoptable,
    )


@dataclass(frozen=True)
class Sighting:
    """How often, and since when, a difference has been seen in listings, this one included."""

    sightings: int
    first_seen_at: datetime


def action_of(
    difference: Difference, seen: Sighting, policy: RepairPolicy, now: datetime, surplus_wait_seconds: float
) -> Action:
    """What to do about a difference: nothing on the first sight of it, and never more than the policy allows.

    An account that a row still waits for is adopted at once, lest another be created beside it; one for which a row
    has given up only by policy.
    """
    if difference.awaited:
        return "adopt"
    if difference.kind == "ghost":
        return "report" if seen.sightings >= 2 else "wait"
    if difference.adoptable and policy == "adopt":
        return "adopt"
    if policy != "delete":
        return "report"
    is_old = now - seen.first_seen_at >= timedelta(seconds=surplus_wait_seconds)
    return "delete" if seen.sightings >= 2 and is_old else "wait"


def too_many(count: int, size: int) -> bool:
    """Whether so many deletions in one round are rather a mistake of ours than of the upstream's."""
    return count > max(ALWAYS_ALLOWED, int(size * MOST_SHARE))


def with_brake(actions: Mapping[str, Action], size: int, *, approved: bool) -> dict[str, Action]:
    """The actions of a round; when too many are deletions none of them is done without the operator's approval."""
    doomed = [subject for subject, action in actions.items() if action == "delete"]
    if approved or not too_many(len(doomed), size):
        return dict(actions)
    return {subject: "held" if action == "delete" else action for subject, action in actions.items()}
