"""Memory and processor time of the stack's processes while the load runs."""

import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Self

import psutil
from msgspec import Struct

MEBIBYTE = 1024 * 1024
EVERY_SECONDS = 0.25


class Memory(Struct):
    """Resident memory of one process, in mebibytes."""

    before_mb: float
    peak_mb: float
    after_mb: float


class Watch:
    """Looks at the resident memory of some processes, children included, four times a second."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = dict(pids)
        self._seen: dict[str, list[float]] = {name: [resident_mb(pid)] for name, pid in pids.items()}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="watch", daemon=True)

    def told(self) -> dict[str, Memory]:
        """What was seen so far."""
        return {
            name: Memory(before_mb=round(seen[0], 1), peak_mb=round(max(seen), 1), after_mb=round(seen[-1], 1))
            for name, seen in self._seen.items()
        }

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(EVERY_SECONDS):
            for name, pid in self._pids.items():
                seen = resident_mb(pid)
                if seen:  # one that ended leaves its last figure
                    self._seen[name].append(seen)


@contextmanager
def processor_seconds(pids: Mapping[str, int]) -> Iterator[dict[str, float]]:
    """The processor time that each of these takes within the context, children included; filled at its end."""
    before = {name: _seconds(pid) for name, pid in pids.items()}
    taken: dict[str, float] = {}
    yield taken
    taken.update({name: round(_seconds(pid) - before[name], 3) for name, pid in pids.items()})


class Others:
    """How many cores the programs that are not ours took, since it was made."""

    def __init__(self) -> None:
        self._since = time.monotonic()
        self._before = _machine_seconds() - _seconds(os.getpid())

    def cores(self) -> float:
        """The mean until now; the time that a host gave to other machines counts as theirs."""
        taken = _machine_seconds() - _seconds(os.getpid()) - self._before
        return round(max(0.0, taken / (time.monotonic() - self._since)), 2)


def resident_mb(pid: int) -> float:
    """Resident memory of a process and its children; 0 when it is gone."""
    return sum(process.memory_info().rss for process in _family(pid)) / MEBIBYTE


def _seconds(pid: int) -> float:
    total = 0.0
    for process in _family(pid):
        times = process.cpu_times()
        total += times.user + times.system + times.children_user + times.children_system
    return total


def _machine_seconds() -> float:
    times = psutil.cpu_times()
    idle = times.idle + getattr(times, "iowait", 0.0) + getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)
    return float(sum(times) - idle)


def _family(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
