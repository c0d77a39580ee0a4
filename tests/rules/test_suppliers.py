"""Which gateway a new instance goes to, and whose turn it is to be created: as arithmetic."""

import random
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from app.suppliers.rules import Queuer, Standing, candidates, free_in, pick, place

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
MOST, WINDOW = 20, 1800.0


@pytest.mark.parametrize(
    ("standings", "names"),
    [
        ([Standing("a"), Standing("b")], ["a", "b"]),
        ([Standing("a", is_paused=True), Standing("b")], ["b"]),
        ([Standing("a", weight=0), Standing("b")], ["b"]),
        ([Standing("a", plans=("live",)), Standing("b")], ["b"]),
        ([Standing("a", plans=("trial",)), Standing("b")], ["a", "b"]),
        ([Standing("a", is_well=False), Standing("b")], ["b"]),
        ([Standing("a", is_well=False), Standing("b", is_paused=True)], ["a"]),
        ([Standing("a", is_well=False), Standing("b", is_well=False)], ["a", "b"]),
        ([Standing("a", is_paused=True)], []),
    ],
    ids=str,
)
def test_who_may_be_chosen(standings: list[Standing], names: list[str]) -> None:
    assert [each.name for each in candidates(standings, "trial")] == names


def test_each_is_chosen_as_often_as_its_weight() -> None:
    draws, standings = random.Random(7), [Standing("a", weight=30), Standing("b", weight=10)]
    found = Counter(pick(standings, draws.random()) for _ in range(4000))
    assert 2850 < found["a"] < 3150
    assert found["a"] + found["b"] == 4000


def test_the_ends_of_the_draw_choose_somebody_and_of_nobody_nobody() -> None:
    standings = [Standing("a", weight=1), Standing("b", weight=1)]
    assert [pick(standings, draw) for draw in (0.0, 0.999999)] == ["a", "b"]
    assert pick([], 0.5) is None


def tenant(number: int, waiting: int, served: float | None = None, since: float = 0.0, given: int = 0) -> Queuer:
    """A tenant in the queue; times in seconds before now."""
    served_at = None if served is None else NOW - timedelta(seconds=served)
    return Queuer(UUID(int=number), waiting, NOW - timedelta(seconds=since), given, served_at)


def test_tenants_go_round_whoever_asks_for_more() -> None:
    many, one = tenant(1, 200, since=100), tenant(2, 1, since=1)
    assert [place([many, one], many, ahead) for ahead in (0, 1, 2)] == [0, 2, 3]
    assert place([many, one], one, 0) == 1


def test_who_was_served_or_has_asked_the_longest_ago_is_next() -> None:
    lately, asks = tenant(1, 5, served=10, since=500), tenant(2, 5, since=11)
    assert place([lately, asks], asks, 0) == 0
    assert place([lately, asks], lately, 0) == 1
    after = tenant(3, 5, since=9)
    assert place([lately, after], after, 0) == 1


def test_what_was_given_in_this_window_are_rounds_that_one_has_had() -> None:
    full, new = tenant(1, 5, served=900, since=500, given=3), tenant(2, 5, since=1)
    assert [place([full, new], new, ahead) for ahead in (0, 1, 2, 3)] == [0, 1, 2, 4]
    assert [place([full, new], full, ahead) for ahead in (0, 1, 2)] == [3, 5, 7]


def test_places_of_a_queue_are_each_number_once() -> None:
    draws = random.Random(3)
    for _ in range(20):
        queue = [
            tenant(
                each,
                draws.randint(1, 9),
                draws.choice((None, draws.random() * 99)),
                draws.random() * 99,
                draws.randint(0, 3),
            )
            for each in range(draws.randint(1, 12))
        ]
        places = [place(queue, each, ahead) for each in queue for ahead in range(each.waiting)]
        assert sorted(places) == list(range(len(places)))


def ends(*seconds: float) -> list[datetime]:
    """Moments after now."""
    return [NOW + timedelta(seconds=each) for each in seconds]


@pytest.mark.parametrize(
    ("at", "busy", "wait"),
    [
        (0, [], 0.0),
        (19, [], 0.0),
        (20, [], 1800.0),
        (45, [], 3600.0),
        (0, ends(*range(1, 21)), 1.0),
        (19, ends(*range(1, 21)), 20.0),
        (20, ends(*range(1, 21)), 1801.0),
        (0, ends(5.0), 0.0),
        (19, ends(5.0), 5.0),
        (0, ends(-5.0) + ends(*range(1, 20)), 0.0),
        (0, ends(*range(1, 26)), 6.0),
    ],
)
def test_when_there_is_room(at: int, busy: list[datetime], wait: float) -> None:
    assert free_in(at, busy, MOST, WINDOW, NOW) == wait


def test_fifty_who_want_one_are_done_before_one_who_wants_two_hundred() -> None:
    """Played out by the rules: the limit holds in every window, and each forecast comes true within a fifth."""
    waits = {0: 200} | dict.fromkeys(range(1, 51), 1)
    since = {each: NOW - timedelta(seconds=60 - each) for each in waits}
    begun: list[tuple[int, datetime]] = []
    done: dict[int, datetime] = {}
    now, forecast = NOW, dict[int, float]()
    while waits:
        running = [(who, at + timedelta(seconds=WINDOW)) for who, at in begun if at + timedelta(seconds=WINDOW) > now]
        given, served = Counter(who for who, _ in running), dict(begun)
        queue = {
            each: Queuer(UUID(int=each), left, since[each], given[each], served.get(each))
            for each, left in waits.items()
        }
        ends = [end for _, end in running]
        if not forecast:
            last = {each: place(queue.values(), mine, mine.waiting - 1) for each, mine in queue.items()}
            forecast = {each: free_in(at, ends, MOST, WINDOW, now) for each, at in last.items()}
        chosen = next(each for each, mine in queue.items() if place(queue.values(), mine, 0) == 0)
        now += timedelta(seconds=free_in(0, ends, MOST, WINDOW, now))
        begun.append((chosen, now))
        waits[chosen] -= 1
        if not waits[chosen]:
            del waits[chosen]
            done[chosen] = now
    assert max(done[each] for each in range(1, 51)) < done[0]
    assert most_within([at for _, at in begun]) <= MOST
    for each, at in done.items():
        assert abs((at - NOW).total_seconds() - forecast[each]) <= 0.2 * max(forecast[each], 1.0)


def most_within(moments: Sequence[datetime]) -> int:
    """The most that lie within one window."""
    ordered = sorted(moments)
    return max(sum(0 <= (each - first).total_seconds() < WINDOW for each in ordered) for first in ordered)
