"""The fully gated live send beside the limit, the floor and the peer: how many, how late, how it scales."""

import http.client
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import Struct, field

from bench import course as places
from bench.course import Course, Program
from bench.figures import spread
from bench.hammer import Seen
from bench.watch import processor_seconds

MANY, FEW = 64, 16
SLOW_WARMUP, WARMUP = 1.2, 0.5
BUSY = 0.85
COUNTED = b'sublet_lane_sends_total{outcome="accepted"} '


@dataclass(frozen=True)
class Amount:
    """How much of it is measured."""

    instances: int = 400
    trials: int = 40
    rounds: int = 2
    seconds: float = 2.5
    shares: tuple[float, ...] = (0.25, 0.5)
    is_whole: bool = True


class Speed(Struct):
    """One program under one load. `cpu_us` is the program's processor time for each, `driver` the load's share."""

    per_second: float
    p50_ms: float
    p99_ms: float
    not_2xx: int
    cpu_us: float
    driver: float
    failures: dict[str, int] = field(default_factory=dict)


class Steady(Struct):
    """What a steady rate costs: the same requests to the upstream, through the floor and through us."""

    rate: float
    of_maximum: float
    upstream: Speed
    floor: Speed
    ours: Speed
    added_p50_ms: float
    added_p99_ms: float


class Scaling(Struct):
    """Requests a second with one process and with two, under the same load."""

    ours: list[float]
    floor: list[float]
    ours_ratio: float
    floor_ratio: float
    cores_are_free: bool


class Lane(Struct):
    """All of it; a program that could not be measured is left out."""

    pinned: str
    limit_missing: str
    many: dict[str, Speed]
    few: dict[str, Speed] = field(default_factory=dict)
    ordinary: dict[str, Speed] = field(default_factory=dict)
    steady: list[Steady] = field(default_factory=list)
    scaling: Scaling | None = None
    lane_share: float = 0.0
    ours_to_floor: float = 0.0
    ours_to_peer: float = 0.0
    send: dict[str, float | None] = field(default_factory=dict)


def measure(course: Course, amount: Amount, notes: list[str]) -> Lane:
    """Everything about the fast path."""
    names = [places.UPSTREAM, places.LIMIT, places.FLOOR, places.FLOOR_UVICORN, places.PEER, *places.FACES]
    present = [course.programs[name] for name in names if name in course.programs]
    lane = Lane(course.pinned, course.no_limit, _beside(course, present, MANY, amount, amount.rounds))
    many = lane.many
    lane.lane_share = round(_accepted(course) / sum(course.answered[name] for name in places.FACES), 3)
    lane.few = _beside(course, present if amount.is_whole else present[-3:-2], FEW, amount, 1)
    ordinary = [course.programs[places.KEYED], course.programs[places.TRIAL]]
    lane.ordinary = _beside(course, ordinary, FEW, amount, 1)
    most = many[places.TYPED].per_second
    lane.steady = [_steady(course, most, share, amount) for share in (amount.shares if amount.is_whole else (0.5,))]
    lane.send = {
        "limit": many[places.LIMIT].per_second if places.LIMIT in many else None,
        "floor": max(many[name].per_second for name in (places.FLOOR, places.FLOOR_UVICORN)),
        "peer": many[places.PEER].per_second,
        "ours": most,
    }
    lane.ours_to_floor = round(most / (lane.send["floor"] or 1), 3)
    lane.ours_to_peer = round(most / many[places.PEER].per_second, 1)
    _note(lane, notes)
    return lane


def scaling(course: Course, amount: Amount) -> Scaling:
    """One process and two, of ours and of the floor; nothing of before can be measured after it."""
    course.make_room()
    seen: dict[str, list[float]] = {places.FLOOR: [], places.TYPED: []}
    for processes in (1, 2):
        for name in seen:
            with course.several(name, processes) as program:
                warmup = SLOW_WARMUP if name == places.TYPED else WARMUP
                stretch = program.stretch(amount.seconds, MANY, warmup=warmup)
                seen[name].append(_per_second(course.run(stretch)))
    ours, floor = seen[places.TYPED], seen[places.FLOOR]
    return Scaling(ours, floor, round(ours[1] / ours[0], 2), round(floor[1] / floor[0], 2), len(course.rest) >= 3)


def _beside(
    course: Course, programs: Sequence[Program], connections: int, amount: Amount, rounds: int
) -> dict[str, Speed]:
    """A B C A B C: what disturbs the machine for a while disturbs all of them."""
    seen: dict[str, list[Speed]] = {program.name: [] for program in programs}
    for _ in range(rounds):
        for program in programs:
            seen[program.name].append(_speed(course, program, connections, amount.seconds))
    return {name: _middle(speeds) for name, speeds in seen.items()}


def _speed(course: Course, program: Program, connections: int, seconds: float, rate: float = 0.0) -> Speed:
    warmup = SLOW_WARMUP if program.name.startswith("ours") else WARMUP
    with processor_seconds({"it": program.child.pid}) as taken:
        seen = course.run(program.stretch(seconds, connections, rate=rate, warmup=warmup))
    latency = spread(seen.latencies_ms)
    return Speed(
        per_second=round(_per_second(seen), 1),
        p50_ms=latency.p50_ms,
        p99_ms=latency.p99_ms,
        not_2xx=sum(seen.failures.values()),
        cpu_us=round(taken["it"] / seen.answered * 1e6, 1),
        driver=seen.busy,
        failures=seen.failures,
    )


def _middle(speeds: Sequence[Speed]) -> Speed:
    """The rounds as one: means of what is counted, the worst of what is late."""

    def mean(name: str) -> float:
        return round(statistics.fmean(getattr(speed, name) for speed in speeds), 3)

    failures: dict[str, int] = {}
    for speed in speeds:
        for why, count in speed.failures.items():
            failures[why] = failures.get(why, 0) + count
    return Speed(
        mean("per_second"),
        mean("p50_ms"),
        max(speed.p99_ms for speed in speeds),
        sum(failures.values()),
        mean("cpu_us"),
        mean("driver"),
        failures,
    )


def _steady(course: Course, most: float, share: float, amount: Amount) -> Steady:
    rate = round(most * share)
    upstream, floor, ours = (
        _speed(course, course.programs[name], MANY, amount.seconds, rate)
        for name in (places.UPSTREAM, places.FLOOR, places.TYPED)
    )
    return Steady(
        rate=rate,
        of_maximum=share,
        upstream=upstream,
        floor=floor,
        ours=ours,
        added_p50_ms=round(ours.p50_ms - upstream.p50_ms, 3),
        added_p99_ms=round(ours.p99_ms - upstream.p99_ms, 3),
    )


def _note(lane: Lane, notes: list[str]) -> None:
    if lane.limit_missing:
        notes.append(f"limit: not measured, {lane.limit_missing}")
    tables = {f"at {MANY}": lane.many, f"at {FEW}": lane.few, "ordinary way": lane.ordinary}
    for where, table in tables.items():
        for name, speed in table.items():
            if speed.failures:
                notes.append(f"{name}, {where}: not as expected {speed.failures}")
            if speed.driver > BUSY:
                notes.append(f"{name}, {where}: the driver was busy for {speed.driver:.0%} of a core")
    if lane.lane_share < 0.95:
        notes.append(f"only {lane.lane_share:.0%} of the live sends took the lane")


def _per_second(seen: Seen) -> float:
    return len(seen.latencies_ms) / seen.seconds


def _accepted(course: Course) -> float:
    """How many sends the lane of ours has taken since it started."""
    line = http.client.HTTPConnection("127.0.0.1", course.programs[places.TYPED].port, timeout=10)
    try:
        line.request("GET", "/metrics")
        told = line.getresponse().read()
    finally:
        line.close()
    found = [each for each in told.splitlines() if each.startswith(COUNTED)]
    return float(found[0].removeprefix(COUNTED)) if found else 0.0
