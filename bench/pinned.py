"""`python -m bench.pinned 0,2 program …`: become the program, held to these cores, with all that it starts.

Also which core the measured program gets, and which the rest: where the system knows no such thing nothing is held.
"""

import os
import sys
from collections.abc import Sequence

import psutil

CAN_PIN = hasattr(os, "sched_setaffinity")


def cores() -> tuple[list[int], list[int]]:
    """The core of the program that is measured, and those of everything else; empty where nothing can be held."""
    ours = sorted(os.sched_getaffinity(0)) if CAN_PIN else []
    return (ours[:1], ours[1:]) if len(ours) > 1 else ([], [])


def pinned(where: Sequence[int], argv: Sequence[str]) -> list[str]:
    """The command that runs a command on some cores; anywhere if there are none."""
    if not where:
        return list(argv)
    return [sys.executable, "-m", "bench.pinned", ",".join(map(str, where)), *argv]


def move(pid: int, where: Sequence[int]) -> None:
    """Hold a process that runs, and its children, to some cores."""
    if not where or not pid:
        return
    process = psutil.Process(pid)
    for each in [process, *process.children(recursive=True)]:
        try:
            for thread in each.threads():
                os.sched_setaffinity(thread.id, where)
        except (psutil.NoSuchProcess, ProcessLookupError, PermissionError):
            continue


if __name__ == "__main__":
    os.sched_setaffinity(0, [int(core) for core in sys.argv[1].split(",")])
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606  # the bench's own commands
