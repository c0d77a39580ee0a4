"""How fast an instance may be called, on a clock of the test's own."""

import pytest

from app.gateway.catalogue import METHODS
from app.gateway.pacing import CalledTooFast, Pace
from app.kit.ids import new_id

SENDS, STATES, PICTURES = METHODS["sendmessage"], METHODS["getstateinstance"], METHODS["setprofilepicture"]


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_second_has_as_many_as_the_rate_says() -> None:
    clock = Clock()
    pace, instance = Pace(clock), new_id()
    assert sum(pace.take(instance, SENDS) for _ in range(200)) == 50
    clock.now += 1.0
    assert sum(pace.take(instance, SENDS) for _ in range(200)) == 50
    clock.now += 0.1
    assert sum(pace.take(instance, SENDS) for _ in range(200)) == 5


def test_a_long_rest_saves_up_no_more_than_a_second() -> None:
    clock = Clock()
    pace, instance = Pace(clock), new_id()
    clock.now += 3600
    assert sum(pace.take(instance, SENDS) for _ in range(200)) == 50


def test_slow_methods_save_nothing_up() -> None:
    clock = Clock()
    pace, instance = Pace(clock), new_id()
    assert [pace.take(instance, PICTURES) for _ in range(3)] == [True, False, False]
    clock.now += 9.9
    assert not pace.take(instance, PICTURES)
    clock.now += 0.2
    assert pace.take(instance, PICTURES)


def test_instances_and_methods_do_not_share_a_pace() -> None:
    pace, one, other = Pace(Clock()), new_id(), new_id()
    assert pace.take(one, STATES)
    assert not pace.take(one, STATES)
    assert pace.take(other, STATES)
    assert pace.take(one, PICTURES)


async def test_who_would_wait_longer_than_a_second_is_refused_and_books_nothing() -> None:
    clock = Clock()
    pace, instance = Pace(clock), new_id()
    assert pace.take(instance, PICTURES)
    for _ in range(3):
        with pytest.raises(CalledTooFast) as refused:
            await pace.wait(instance, PICTURES)
    assert refused.value.headers == {"Retry-After": "1"}
    clock.now += 10.1
    await pace.wait(instance, PICTURES)
