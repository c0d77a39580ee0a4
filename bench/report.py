"""What is shown and what is kept of a run."""

import os
import platform
import subprocess
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import Struct, field
from rich.table import Table

from bench.figures import Spread, percentile
from bench.lanes import Lane, Speed
from bench.measures import Notes, Sends, SignUps, Throughput
from bench.watch import Memory
from dev.stack import ROOT

RESULTS = ROOT / ".bench" / "results.json"
SIGN_UP_P95_MS = 300.0
ADDED_P50_MS = 10.0
API_MB = 150.0
TO_FLOOR, TO_PEER, TWO_TO_ONE = 0.6, 40.0, 1.8
ADDED_P99_MS, HALF = 15.0, 0.5
FLUSHES = 50


class Machine(Struct):
    """Where the figures were taken; only ratios travel from one machine to another."""

    cores: int
    python: str
    system: str
    flush_p50_ms: float
    load_before: float


class Verdict(Struct):
    """One promise, and what was seen of it: below the bound, or where it is a ratio at least that."""

    figure: str
    seen: float
    bound: float
    is_met: bool
    is_least: bool = False


class Results(Struct, kw_only=True):
    """Everything that was measured; what was not is null."""

    taken_at: str
    revision: str
    machine: Machine
    quick: bool
    send: dict[str, float | None] = field(default_factory=dict)
    lane: Lane | None = None
    sign_ups: SignUps | None = None
    sends: dict[str, Sends] = field(default_factory=dict)
    sends_at_once: Throughput | None = None
    notices_at_once: Throughput | None = None
    memory: dict[str, Memory] = field(default_factory=dict)
    verdicts: list[Verdict] = field(default_factory=list)
    other_cores: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def judge(self, notes: Notes) -> None:
        """Compare with what is promised."""
        promises = []
        if self.sign_ups is not None:
            promises.append(("sign-up p95, ms", self.sign_ups.sign_up.p95_ms, SIGN_UP_P95_MS))
            promises.append(("sign-up, code redeemed, p95, ms", self.sign_ups.session.p95_ms, SIGN_UP_P95_MS))
        for name, sends in self.sends.items():
            promises.append((f"added by us, {name}, p50, ms", sends.added_p50_ms, ADDED_P50_MS))
        if "api" in self.memory:
            promises.append(("API resident at its peak, MB", self.memory["api"].peak_mb, API_MB))
        self.verdicts = [Verdict(figure, seen, below, seen < below) for figure, seen, below in promises]
        if self.lane is not None:
            self.send = self.lane.send
            self.verdicts += _of_the_lane(self.lane)
        self.notes = notes.lines

    def keep(self) -> Path:
        """Write them down as JSON."""
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n")
        return RESULTS


def _of_the_lane(lane: Lane) -> list[Verdict]:
    ratios = [("live sends at 64 connections, ours / floor", lane.ours_to_floor, TO_FLOOR)]
    ratios.append(("live sends at 64 connections, ours / peer", lane.ours_to_peer, TO_PEER))
    if lane.scaling is not None and lane.scaling.cores_are_free:
        ratios.append(("live sends, two processes / one", lane.scaling.ours_ratio, TWO_TO_ONE))
    halves = [each.added_p99_ms for each in lane.steady if each.of_maximum == HALF]
    return [Verdict(figure, seen, least, seen >= least, True) for figure, seen, least in ratios] + [
        Verdict("added by the lane at half of its maximum, p99, ms", late, ADDED_P99_MS, late < ADDED_P99_MS)
        for late in halves
    ]


def begun(*, quick: bool) -> Results:
    """Results with nothing measured yet."""
    return Results(
        taken_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), revision=_revision(), machine=machine(), quick=quick
    )


def machine() -> Machine:
    """Facts that the figures hang on; a commit waits for one flush of the disk at least."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Machine(
        cores=cores,
        python=platform.python_version(),
        system=f"{platform.system()} {platform.machine()}",
        flush_p50_ms=_flush_p50_ms(),
        load_before=round(os.getloadavg()[0], 2),
    )


def tables(results: Results) -> list[Table]:
    """The figures for a person."""
    shown = [_latencies(results), _rates(results)]
    if results.lane is not None:
        shown += [_lane(results.lane), _steady(results.lane)]
    if results.memory:
        shown.append(_memory(results))
    return [table for table in (*shown, _verdicts(results)) if table.row_count]


def _latencies(results: Results) -> Table:
    table = _table("Latency, ms", "p50", "p95", "p99", "max", "samples", "added p50")
    if results.sign_ups is not None:
        _row(table, "sign-up: code asked for", results.sign_ups.sign_up)
        _row(table, "sign-up: code redeemed", results.sign_ups.session)
        _row(table, "sign-up: instance ready (not a request)", results.sign_ups.provisioned)
    for name, sends in results.sends.items():
        table.add_section()
        _row(table, f"send, {name}: upstream itself", sends.floor)
        _row(table, f"send, {name}: through us", sends.ours, f"{sends.added_p50_ms:.2f}")
        if sends.peer is not None:
            _row(table, f"send, {name}: through peer", sends.peer, f"{sends.peer.p50_ms - sends.floor.p50_ms:.2f}")
    return table


def _rates(results: Results) -> Table:
    table = _table("Throughput", "a second", "p50 ms", "p99 ms", "ours / it", "processor ms each")
    for name, load in (("sends", results.sends_at_once), ("notices", results.notices_at_once)):
        if load is None:
            continue
        table.add_section()
        rows = [("upstream itself", load.floor, load.ours_to_floor), ("ours", load.ours, None)]
        for who, rate, ratio in [*rows, ("peer", load.peer, load.ours_to_peer)]:
            if rate is not None:
                spent = " ".join(f"{process} {ms:.2f}" for process, ms in rate.cpu_ms.items() if ms >= 0.05)
                against = "" if ratio is None else f"{ratio:.2f}"
                latency = rate.latency
                figures = (f"{rate.per_second:.0f}", f"{latency.p50_ms:.1f}", f"{latency.p99_ms:.1f}", against)
                table.add_row(f"{name}: {who}", *figures, spent)
    return table


def _lane(lane: Lane) -> Table:
    table = _table(f"Live sends ({lane.pinned})", "a second", "p50 ms", "p99 ms", "not 2xx", "µs each", "to floor")
    floor = lane.send["floor"] or 1
    for title, speeds in (("64", lane.many), ("16", lane.few), ("16, ordinary way", lane.ordinary)):
        table.add_section()
        for name, speed in speeds.items():
            against = f"{speed.per_second / floor:.3f}" if title == "64" else ""
            table.add_row(f"{name}, connections: {title}", *_speed(speed), against)
    if lane.scaling is not None:
        table.add_section()
        for who, seen, ratio in (
            ("ours", lane.scaling.ours, lane.scaling.ours_ratio),
            ("floor", lane.scaling.floor, lane.scaling.floor_ratio),
        ):
            free = "" if lane.scaling.cores_are_free else ", load on the same cores"
            both = " / ".join(f"{each:.0f}" for each in seen)
            table.add_row(f"{who}, one process / two{free}", both, "", "", "", "", f"×{ratio:.2f}")
    return table


def _steady(lane: Lane) -> Table:
    table = _table(
        "Live sends at a steady rate", "a second", "p50 ms", "p99 ms", "not 2xx", "µs each", "added p50, p99"
    )
    for each in lane.steady:
        table.add_section()
        title = f"{each.of_maximum:.0%} of our maximum"
        table.add_row(f"{title}: upstream itself", *_speed(each.upstream), "")
        table.add_row(f"{title}: floor", *_speed(each.floor), "")
        table.add_row(f"{title}: ours", *_speed(each.ours), f"{each.added_p50_ms:.1f}, {each.added_p99_ms:.1f}")
    return table


def _speed(speed: Speed) -> list[str]:
    figures = [f"{speed.per_second:.0f}", f"{speed.p50_ms:.1f}", f"{speed.p99_ms:.1f}"]
    return [*figures, str(speed.not_2xx), f"{speed.cpu_us:.0f}"]


def _memory(results: Results) -> Table:
    table = _table("Resident, MB", "before", "peak", "after")
    for name, memory in results.memory.items():
        table.add_row(name, f"{memory.before_mb:.0f}", f"{memory.peak_mb:.0f}", f"{memory.after_mb:.0f}")
    return table


def _verdicts(results: Results) -> Table:
    table = _table("Promise", "seen", "promised", "")
    for verdict in results.verdicts:
        word = "[green]met[/]" if verdict.is_met else "[red]missed[/]"
        bound = f"≥ {verdict.bound:g}" if verdict.is_least else f"< {verdict.bound:g}"
        table.add_row(verdict.figure, f"{verdict.seen:.2f}", bound, word)
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", show_header=True)
    table.add_column("")
    for column in columns:
        table.add_column(column, justify="left" if column.startswith("processor") else "right")
    return table


def _row(table: Table, name: str, seen: Spread, added: str = "") -> None:
    figures = [f"{value:.1f}" for value in (seen.p50_ms, seen.p95_ms, seen.p99_ms, seen.max_ms)]
    table.add_row(name, *figures, str(seen.count), added)


def _flush_p50_ms() -> float:
    took = []
    with tempfile.TemporaryFile() as file:
        for _ in range(FLUSHES):
            started = time.perf_counter()
            file.write(b"x" * 8192)
            file.flush()
            os.fsync(file.fileno())
            took.append((time.perf_counter() - started) * 1000)
    return round(percentile(sorted(took), 0.5), 3)


def _revision() -> str:
    asked = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    try:
        return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
