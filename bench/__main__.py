"""`python -m bench`: measure, show, keep. A missed promise is a figure, not a failure."""

import argparse
import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType

import httpx2
from rich.console import Console

from bench import lanes, measures, report
from bench.course import TYPED, Course
from bench.lanes import Amount
from bench.measures import Notes, Plan
from bench.stage import BenchFailed, Stage, staged
from bench.watch import Others, Watch
from dev.outside import Unexpected
from dev.places import Unsafe
from dev.postgres import PostgresFailed, PostgresMissing
from dev.processes import ChildFailed
from dev.redis import RedisFailed, RedisMissing
from dev.stack import ROOT, CommandFailed

PARTS = ("sign-ups", "sends", "throughput", "notices", "lane")
QUICK = Plan(sign_ups=24, rounds=2, seconds=0.7, rates=(20.0,), warmup=20)
QUICK_LANE = Amount(instances=200, trials=20, rounds=1, seconds=1.0, is_whole=False)
_EXPECTED = (
    BenchFailed,
    ChildFailed,
    CommandFailed,
    PostgresFailed,
    PostgresMissing,
    RedisFailed,
    RedisMissing,
    Unexpected,
    Unsafe,
    httpx2.HTTPError,
)


def main() -> int:
    """Measure what was asked for; 0 when everything could be measured, whatever the figures."""
    given = _given()
    console = Console(width=None if sys.stdout.isatty() else 150)
    _end_with_make()
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, _interrupt)
    began = time.monotonic()
    results = report.begun(quick=given.quick)
    try:
        with console.status("Starting everything"), staged() as stage:
            _measure(console, stage, _plan(given), set(given.only or PARTS), results)
    except _EXPECTED as error:
        console.print(f"[red]✗[/] {type(error).__name__}: {error}", highlight=False)
        return 1
    except KeyboardInterrupt:
        return 130
    results.seconds = round(time.monotonic() - began, 1)
    _show(console, results)
    return 0


def _measure(console: Console, stage: Stage, plan: Plan, parts: set[str], results: report.Results) -> None:
    notes = Notes()
    watched = {name: pid for name, pid in stage.pids().items() if name == "api" or name.startswith("worker")}
    try:
        with Watch(watched) as watch:
            for name, take in _parts(stage, plan, notes, results):
                if name in parts:
                    console.print(f"[dim]measuring[/] {name}", highlight=False)
                    others = Others()
                    take()
                    results.other_cores[name] = others.cores()
                    notes.shared_with(name, results.other_cores[name])
            results.memory = watch.told()
        if "lane" in parts:
            others = Others()
            _fast(console, stage, results, notes)
            results.other_cores["lane"] = others.cores()
            notes.shared_with("lane", results.other_cores["lane"])
    except _EXPECTED:
        _show_logs(console, stage)
        raise
    results.judge(notes)


def _fast(console: Console, stage: Stage, results: report.Results, notes: Notes) -> None:
    """The fast path, on a course of its own in the same database."""
    console.print("[dim]measuring[/] lane", highlight=False)
    amount = QUICK_LANE if results.quick else Amount()
    with Course(stage.stack, amount.instances, amount.trials) as course:
        with Watch({"api": course.programs[TYPED].child.pid}) as watch:
            results.lane = lanes.measure(course, amount, notes.lines)
        results.memory["api, live sends"] = watch.told()["api"]
        if amount.is_whole:
            results.lane.scaling = lanes.scaling(course, amount)


def _parts(stage: Stage, plan: Plan, notes: Notes, results: report.Results) -> list[tuple[str, Callable[[], None]]]:
    def sign_ups() -> None:
        results.sign_ups = measures.sign_ups(stage, plan, notes)

    def sends() -> None:
        results.sends["one by one"] = measures.sends_one_by_one(stage, plan, notes)
        for rate in plan.rates:
            results.sends[f"{rate:g} a second"] = measures.sends_at_rate(stage, plan, rate, notes)

    def throughput() -> None:
        results.sends_at_once = measures.sends_at_once(stage, plan, notes)

    def notices() -> None:
        results.notices_at_once = measures.notices_at_once(stage, plan, notes)

    return list(zip(PARTS[:4], (sign_ups, sends, throughput, notices), strict=True))


def _show(console: Console, results: report.Results) -> None:
    for table in report.tables(results):
        console.print(table)
    machine = results.machine
    console.print(
        f"{machine.cores} cores, Python {machine.python}, {machine.system}, a flush takes {machine.flush_p50_ms} ms, "
        f"load {machine.load_before} before; {results.seconds:.0f} s; everything on this machine",
        highlight=False,
    )
    for line in results.notes:
        console.print(f"! {line}", style="yellow", highlight=False, markup=False)
    console.print(f"kept in {results.keep().relative_to(ROOT)}", highlight=False)


def _show_logs(console: Console, stage: Stage) -> None:
    for path in sorted(stage.stack.logs.glob("*.log")):
        lines = path.read_text(errors="replace").splitlines()[-15:]
        console.print(f"[dim]{path.name}[/]", *lines, sep="\n", markup=False, highlight=False)


def _given() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less of everything, in under a minute")
    parser.add_argument("--only", action="append", choices=PARTS, help="measure this part; may be repeated")
    parser.add_argument("--sign-ups", type=int, help="how many sign up")
    parser.add_argument("--sign-up-rate", type=float, help="how many a second")
    parser.add_argument("--seconds", type=float, help="length of each stretch of load")
    parser.add_argument("--rounds", type=int, help="how often the kinds of a comparison take turns")
    parser.add_argument("--connections", type=int, help="how many at once, for throughput")
    return parser.parse_args()


def _plan(given: argparse.Namespace) -> Plan:
    base = QUICK if given.quick else Plan()
    names = ("sign_ups", "sign_up_rate", "seconds", "rounds", "connections")
    chosen = {name: getattr(given, name) for name in names if getattr(given, name) is not None}
    if any(value <= 0 for value in chosen.values()):
        raise SystemExit("every amount must be above zero")
    return Plan(**{**{name: getattr(base, name) for name in Plan.__dataclass_fields__}, **chosen})


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _end_with_make() -> None:
    """Stop in order when the `make` that started us is killed: nobody else would tell us."""
    if "MAKELEVEL" in os.environ and sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, int(signal.SIGTERM), 0, 0, 0)


if __name__ == "__main__":
    sys.exit(main())
