"""The next step of an instance, and what each outcome lets us conclude."""

from datetime import UTC, datetime, timedelta

import pytest

from app.instances.lifecycle import (
    MOST_LOST_CREATES,
    MOST_REFUSED_CREATES,
    CreateVerdict,
    Facts,
    LookVerdict,
    Step,
    after_failed_create,
    connection_of,
    is_usable,
    judge_look,
    next_step,
    peek_seconds,
    poll_seconds,
    refused_seconds,
)
from app.kit.crypto import Secret
from app.providers.errors import (
    CredentialRefused,
    OutcomeUnknown,
    ProviderError,
    QuotaReached,
    Refused,
    TooFast,
    Unreachable,
)
from app.providers.port import Link, Listed

NOW = datetime(2026, 11, 21, 18, 0, tzinfo=UTC)
LATER, EARLIER = NOW + timedelta(seconds=30), NOW - timedelta(seconds=30)


@pytest.mark.parametrize(
    ("facts", "step"),
    [
        (Facts("queued", True, False), Step.CREATE),
        (Facts("provisioning", True, False), Step.CREATE),
        (Facts("provisioning", True, False, is_calling=True, quiet_until=LATER), Step.PEEK),
        (Facts("provisioning", True, False, is_calling=True, quiet_until=NOW), Step.LOOK),
        (Facts("provisioning", True, False, is_calling=True, quiet_until=EARLIER), Step.LOOK),
        (Facts("provisioning", True, False, is_calling=True), Step.LOOK),
        (Facts("provisioning", True, True), Step.AWAIT_READY),
        (Facts("active", True, True), None),
        (Facts("suspended", True, True), None),
        (Facts("failed", True, False), None),
        (Facts("failed", True, True), None),
        (Facts("deleted", False, True), None),
        (Facts("deleted", False, False, is_calling=True), None),
        (Facts("deleting", False, True), Step.CLEAR_QUEUES),
        (Facts("deleting", False, False), Step.RECLAIM),
        (Facts("deleting", False, False, is_calling=True, quiet_until=LATER), Step.PEEK),
        (Facts("deleting", False, False, is_calling=True, quiet_until=EARLIER), Step.LOOK),
        *((Facts("deleting", False, True, delete_step=str(step)), step) for step in list(Step)[4:]),
    ],
    ids=str,
)
def test_the_next_step(facts: Facts, step: Step | None) -> None:
    assert next_step(facts, NOW) is step


def test_no_row_is_created_for_while_a_create_is_open() -> None:
    for status in ("queued", "provisioning", "deleting", "failed", "active"):
        for wanted in (True, False):
            step = next_step(Facts(status, wanted, False, is_calling=True, quiet_until=LATER), NOW)
            assert step is Step.PEEK


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (OutcomeUnknown(), CreateVerdict.LOOK),
        (Unreachable(), CreateVerdict.AGAIN),
        (Refused(), CreateVerdict.AGAIN),
        (TooFast(), CreateVerdict.AGAIN),
        (QuotaReached(), CreateVerdict.AGAIN),
        (CredentialRefused(), CreateVerdict.AGAIN),
    ],
)
def test_only_a_sure_refusal_may_be_repeated_without_looking(error: ProviderError, verdict: CreateVerdict) -> None:
    assert after_failed_create(error, 1) is verdict
    if verdict is CreateVerdict.AGAIN:
        assert after_failed_create(error, MOST_REFUSED_CREATES) is CreateVerdict.GIVE_UP
    else:
        assert after_failed_create(error, MOST_REFUSED_CREATES) is CreateVerdict.LOOK


def test_the_gateways_wish_for_patience_is_heeded() -> None:
    assert refused_seconds(TooFast(retry_after_seconds=900), 1) == 900
    assert 1 < refused_seconds(Refused(), 1) < 3
    assert 200 < refused_seconds(Refused(), 50) < 400


def hit(upstream_id: int, created: datetime | None = NOW, shown: str = "t") -> Listed:
    return Listed(str(upstream_id), "tag", Secret(shown), created)


@pytest.mark.parametrize(
    ("hits", "conclusive", "lost", "wanted", "verdict", "adopted"),
    [
        ([], False, 1, True, LookVerdict.AGAIN, None),
        ([], True, 1, True, LookVerdict.ABSENT, None),
        ([], True, MOST_LOST_CREATES, True, LookVerdict.GIVE_UP, None),
        ([], True, 1, False, LookVerdict.NEVER_WAS, None),
        ([], True, MOST_LOST_CREATES, False, LookVerdict.NEVER_WAS, None),
        ([hit(7)], False, 1, True, LookVerdict.ADOPT, 7),
        ([hit(7)], True, MOST_LOST_CREATES, True, LookVerdict.ADOPT, 7),
        ([hit(7)], True, 1, False, LookVerdict.ADOPT, 7),
        ([hit(7), hit(5, EARLIER)], True, 1, True, LookVerdict.ADOPT, 5),
        ([hit(7, None), hit(9)], True, 1, True, LookVerdict.ADOPT, 9),
        ([hit(7), hit(6)], True, 1, True, LookVerdict.ADOPT, 6),
        ([hit(7, shown="")], True, 1, True, LookVerdict.AGAIN, None),
        ([hit(5, EARLIER, shown=""), hit(7)], True, 1, True, LookVerdict.ADOPT, 7),
    ],
)
def test_what_a_look_says(
    hits: list[Listed], conclusive: bool, lost: int, wanted: bool, verdict: LookVerdict, adopted: int | None
) -> None:
    found = judge_look(hits, conclusive=conclusive, lost=lost, wanted=wanted)
    assert found.verdict is verdict
    assert (int(found.adopt.account) if found.adopt else None) == adopted
    if found.adopt:
        assert {item.account for item in found.surplus} == {item.account for item in hits} - {str(adopted)}


def test_waits_grow_and_are_bounded() -> None:
    assert poll_seconds(5, 0) == 5
    assert poll_seconds(5, 100) == 10
    assert poll_seconds(5, 10_000) == 25
    assert peek_seconds(120, 120) == 15
    assert peek_seconds(120, 3) == pytest.approx(3.01)
    assert peek_seconds(120, -5) > 0


def test_only_an_account_past_its_warm_up_is_usable() -> None:
    assert {link for link in Link if not is_usable(link)} == {Link.NOT_READY, Link.STARTING, Link.UNKNOWN}
    assert connection_of(Link.NOT_READY) == "starting"
    assert connection_of(Link.CONNECTED) == "connected"
