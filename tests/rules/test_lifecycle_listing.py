"""What the difference between a listing and our rows means, and what may be done about it."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from app.instances.comparing import Action, Difference, Known, Sighting, action_of, compare, too_many, with_brake
from app.instances.options import RepairPolicy
from app.instances.tags import make_tag
from app.kit.crypto import Secret
from app.kit.ids import new_id
from app.providers.port import Listed

NOW = datetime(2026, 11, 21, 18, 0, tzinfo=UTC)
OLD = NOW - timedelta(hours=1)
TENANT = new_id()


def row(
    status: str = "active",
    upstream_id: int | None = 7,
    *,
    wanted: bool = True,
    is_calling: bool = False,
    created_at: datetime | None = OLD,
) -> Known:
    instance_id = new_id()
    tag = make_tag("prod", instance_id)
    return Known(
        TENANT,
        instance_id,
        tag,
        status,
        wanted,
        "live",
        "green_api",
        None if upstream_id is None else str(upstream_id),
        is_calling,
        created_at,
        None,
    )


def account(upstream_id: int, tag: str, shown: str = "t") -> Listed:
    return Listed(str(upstream_id), tag, Secret(shown), OLD)


def kinds(listed: list[Listed], rows: list[Known]) -> list[tuple[str, int]]:
    found = compare(listed, rows, "prod", begun_at=NOW, lag_seconds=120)
    return [(item.kind, int(item.upstream_account)) for item in found.differences]


def test_what_fits_is_no_difference() -> None:
    one = row()
    found = compare([account(7, one.tag)], [one], "prod", begun_at=NOW, lag_seconds=120)
    assert found.differences == ()
    assert [match.known.id for match in found.matches] == [one.id]


def test_foreign_names_are_never_a_difference() -> None:
    names = ["", "shop", "slt1-prod-xyz", make_tag("staging", new_id()), make_tag("prod", new_id())[:-1] + "x"]
    assert kinds([account(number, name) for number, name in enumerate(names)], []) == []


def test_a_tag_of_ours_without_a_row_is_an_orphan() -> None:
    assert kinds([account(9, make_tag("prod", new_id()))], []) == [("orphan", 9)]


@pytest.mark.parametrize("status", ["active", "suspended", "deleting", "failed", "provisioning"])
def test_a_second_account_of_a_row_is_surplus(status: str) -> None:
    one = row(status)
    assert kinds([account(7, one.tag), account(8, one.tag)], [one]) == [("surplus", 8)]


def test_an_account_of_a_deleted_row_is_surplus() -> None:
    one = row("deleted", wanted=False)
    assert kinds([account(7, one.tag)], [one]) == [("surplus", 7)]
    never = row("deleted", None, wanted=False)
    assert kinds([account(7, never.tag)], [never]) == [("surplus", 7)]


def test_an_account_of_a_deletion_under_way_is_not_touched() -> None:
    one = row("deleting", wanted=False)
    assert kinds([account(7, one.tag)], [one]) == []


def test_a_create_that_is_open_is_left_to_its_own_look() -> None:
    for wanted in (True, False):
        one = row("provisioning", None, is_calling=True, wanted=wanted)
        found = compare([account(7, one.tag)], [one], "prod", begun_at=NOW, lag_seconds=120)
        assert found.differences == ()
        assert [item.id for item in found.waiting] == [one.id]


def test_an_account_that_came_too_late_is_late() -> None:
    for status, awaited in (("queued", True), ("provisioning", True), ("failed", False)):
        one = row(status, None)
        found = compare([account(7, one.tag)], [one], "prod", begun_at=NOW, lag_seconds=120)
        assert [(item.kind, item.awaited, item.adoptable) for item in found.differences] == [("late", awaited, True)]
        hidden = compare([account(7, one.tag, shown="")], [one], "prod", begun_at=NOW, lag_seconds=120)
        assert [(item.awaited, item.adoptable) for item in hidden.differences] == [(False, False)]


def test_a_row_that_is_not_listed_is_a_ghost_only_when_no_lag_explains_it() -> None:
    assert kinds([], [row()]) == [("ghost", 7)]
    assert kinds([], [row(created_at=NOW - timedelta(seconds=60))]) == []
    assert kinds([], [row(created_at=None)]) == []
    for status in ("deleting", "deleted"):
        assert kinds([], [row(status)]) == []
    assert kinds([], [row("queued", None)]) == []


def difference(kind: str = "surplus", *, awaited: bool = False, adoptable: bool = False) -> Difference:
    return Difference(kind, 7, "tag", UUID(int=1), TENANT, OLD, awaited, adoptable)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "sightings", "age_seconds", "policy", "action"),
    [
        (difference(), 1, 0, "delete", "wait"),
        (difference(), 1, 900, "delete", "wait"),
        (difference(), 2, 299, "delete", "wait"),
        (difference(), 2, 300, "delete", "delete"),
        (difference(), 9, 900, "report", "report"),
        (difference(), 9, 900, "adopt", "report"),
        (difference("orphan"), 2, 300, "delete", "delete"),
        (difference("orphan"), 9, 900, "adopt", "report"),
        (difference("late", awaited=True, adoptable=True), 1, 0, "report", "adopt"),
        (difference("late", adoptable=True), 1, 0, "adopt", "adopt"),
        (difference("late", adoptable=True), 1, 0, "delete", "wait"),
        (difference("late", adoptable=True), 2, 300, "delete", "delete"),
        (difference("ghost"), 1, 900, "delete", "wait"),
        (difference("ghost"), 2, 900, "delete", "report"),
    ],
)
def test_what_is_done_about_it(
    one: Difference, sightings: int, age_seconds: int, policy: RepairPolicy, action: Action
) -> None:
    seen = Sighting(sightings, NOW - timedelta(seconds=age_seconds))
    assert action_of(one, seen, policy, NOW, 300) == action


def test_too_many_deletions_in_a_round_stop_all_of_them() -> None:
    assert not too_many(3, 0)
    assert too_many(4, 79)
    assert not too_many(4, 80)
    assert not too_many(50, 1000)
    assert too_many(51, 1000)
    actions: dict[str, Action] = {"1": "delete", "2": "delete", "3": "delete", "4": "delete", "5": "report"}
    held = with_brake(actions, 10, approved=False)
    assert held == {"1": "held", "2": "held", "3": "held", "4": "held", "5": "report"}
    assert with_brake(actions, 10, approved=True) == actions
    assert with_brake(actions, 100, approved=False) == actions
