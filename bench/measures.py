"""The measurements themselves, one function each; every figure stands beside what it is compared with."""

import asyncio
import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from msgspec import Struct, field

from bench.figures import Spread, spread
from bench.load import Outcome, Phase, Shape
from bench.newcomers import arrive
from bench.stage import BenchFailed, Stage, loading, run_load
from bench.watch import processor_seconds

BUSY = 0.85
QUIET_CORES = 0.2
AGAIN = 5


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    sign_ups: int = 96
    sign_up_rate: float = 8.0
    rounds: int = 2
    seconds: float = 2.5
    rates: tuple[float, ...] = (20.0, 50.0)
    connections: int = 16
    warmup: int = 40


class SignUps(Struct):
    """Asking for a code, coming in with it, and the time until the instance can be paired."""

    sign_up: Spread
    session: Spread
    provisioned: Spread


class Sends(Struct):
    """One shape of load on the upstream itself, through us, and perhaps through the peer, in turn."""

    floor: Spread
    ours: Spread
    added_p50_ms: float
    peer: Spread | None = None


class Rate(Struct):
    """Requests a second over several connections, and the processor time that each cost, by process."""

    per_second: float
    latency: Spread
    cpu_ms: dict[str, float]


class Throughput(Struct):
    """The same load on each, one after the other."""

    ours: Rate
    peer: Rate
    ours_to_peer: float
    floor: Rate | None = None
    ours_to_floor: float | None = None


class Notes(Struct):
    """What a reader of the figures must know: failed requests, a driver at its own limit, a machine not ours alone."""

    lines: list[str] = field(default_factory=list)

    def look_at(self, outcomes: Sequence[Outcome]) -> None:
        """Note what is wrong with some outcomes."""
        for outcome in outcomes:
            if outcome.failures:
                self.lines.append(f"{outcome.name}: failed requests {outcome.failures}")
            if outcome.busy > BUSY:
                self.lines.append(f"{outcome.name}: the driver was busy for {outcome.busy:.0%} of a core")

    def shared_with(self, part: str, cores: float) -> None:
        """Note that other programs ran meanwhile."""
        if cores > QUIET_CORES:
            self.lines.append(
                f"{part}: other programs took {cores:.1f} cores meanwhile; the figures are theirs as well"
            )


def sign_ups(stage: Stage, plan: Plan, notes: Notes) -> SignUps:
    """People sign up at a steady rate while those who came before are provisioned."""
    domain = f"@{secrets.token_hex(4)}.example.com"
    body = {"email": "{n}" + domain, "organization_name": "Bench {n}", "accept_terms": True}
    phase = Phase(
        name="sign-ups",
        url=f"{stage.stack.api_url}/v1/auth/sign_ups",
        body=json.dumps(body),
        expect=202,
        shape=Shape(seconds=plan.sign_ups / plan.sign_up_rate, rate=plan.sign_up_rate),
    )
    with loading([phase]) as finish:
        try:
            arrivals = asyncio.run(arrive(stage.stack.api_url, stage.stack.mailbox_url, domain, plan.sign_ups))
        except BenchFailed:
            finish()  # if sign-ups failed, that is the better reason
            raise
        outcomes = finish()
    notes.look_at(outcomes)
    return SignUps(spread(outcomes[0].latencies_ms), spread(arrivals.sessions_ms), spread(arrivals.ready_ms))


def sends_one_by_one(stage: Stage, plan: Plan, notes: Notes) -> Sends:
    """A closed loop over one connection."""
    floor, ours, peer = _in_turn(plan, 0.0, notes, [stage.floor, stage.ours, stage.by_peer])
    return _compared(floor, ours, peer)


def sends_at_rate(stage: Stage, plan: Plan, rate: float, notes: Notes) -> Sends:
    """An open loop at a steady rate."""
    floor, ours = _in_turn(plan, rate, notes, [stage.floor, stage.ours])
    return _compared(floor, ours, None)


def sends_at_once(stage: Stage, plan: Plan, notes: Notes) -> Throughput:
    """As many sends as will go through, over several connections, to one instance."""
    shape = Shape(seconds=plan.seconds, connections=plan.connections, warmup=plan.warmup)
    floor = _rate(stage, stage.floor(shape), notes)
    ours = _rate(stage, stage.ours(shape), notes)
    peer = _rate(stage, stage.by_peer(shape), notes)
    return Throughput(ours, peer, _ratio(ours, peer), floor, _ratio(ours, floor))


def notices_at_once(stage: Stage, plan: Plan, notes: Notes) -> Throughput:
    """As many incoming messages as will come in; each is committed before its 200."""
    if not stage.sender.hook_url:
        raise BenchFailed("the instance has no hook")
    shape = Shape(seconds=plan.seconds, connections=plan.connections, warmup=plan.warmup)
    ours = _rate(stage, stage.notices(shape), notes)
    peer = _rate(stage, stage.notices_to_peer(shape), notes)
    return Throughput(ours, peer, _ratio(ours, peer))


def _in_turn(plan: Plan, rate: float, notes: Notes, kinds: Sequence[Callable[[Shape], Phase]]) -> list[list[float]]:
    """A B A B: what disturbs the machine for a while disturbs all of them. Latencies of each kind, rounds joined."""
    first = Shape(seconds=plan.seconds, rate=rate, warmup=plan.warmup)
    later = Shape(seconds=plan.seconds, rate=rate, warmup=AGAIN)
    outcomes = run_load([kind(later if number else first) for number in range(plan.rounds) for kind in kinds])
    notes.look_at(outcomes)
    return [
        [latency for outcome in outcomes[place :: len(kinds)] for latency in outcome.latencies_ms]
        for place in range(len(kinds))
    ]


def _compared(floor: list[float], ours: list[float], peer: list[float] | None) -> Sends:
    asked, through = spread(floor), spread(ours)
    return Sends(asked, through, round(through.p50_ms - asked.p50_ms, 3), spread(peer) if peer else None)


def _rate(stage: Stage, phase: Phase, notes: Notes) -> Rate:
    with processor_seconds(stage.pids()) as taken:
        outcomes = run_load([phase])
    notes.look_at(outcomes)
    latencies, seconds = outcomes[0].latencies_ms, outcomes[0].seconds
    served = len(latencies) + phase.shape.warmup
    cpu_ms = {name: round(used * 1000 / served, 3) for name, used in taken.items()}
    cpu_ms["driver"] = round(outcomes[0].busy * seconds * 1000 / len(latencies), 3)
    return Rate(round(len(latencies) / seconds, 1), spread(latencies), cpu_ms)


def _ratio(one: Rate, other: Rate) -> float:
    return round(one.per_second / other.per_second, 3)
