"""Several processes that do one thing, started again when one dies; made by forking, before any loop or thread.

Each child holds one end of a pipe of which the parent has the other, so that it learns of the parent's death, however
that came.
"""

import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import structlog

log = structlog.get_logger()

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
FIRST_PAUSE_SECONDS: Final = 0.2
LONGEST_PAUSE_SECONDS: Final = 10.0
STEADY_SECONDS: Final = 10.0
LOOK_SECONDS: Final = 1.0

Work = Callable[[int], None]
"""What a child does until it is told to stop; it is given the file that can be read when the parent is dead."""


@dataclass
class _Place:
    pid: int = 0
    began: float = 0.0
    pause: float = FIRST_PAUSE_SECONDS
    due: float = field(default_factory=time.monotonic)


class Family:
    """So many children, each doing the work."""

    def __init__(self, count: int, work: Work, *, grace_seconds: float) -> None:
        self._work = work
        self._grace_seconds = grace_seconds
        self._places = [_Place() for _ in range(count)]
        self._told: list[int] = []

    def run(self) -> int:
        """Keep the children running until told to end, then end them; the exit code."""
        alive, ours = os.pipe()
        bell, ringing = socket.socketpair()
        for each in (bell, ringing):
            each.setblocking(False)
        self._listen(ringing)
        try:
            while not self._told:
                self._look()
                for place in self._places:
                    if not place.pid and place.due <= time.monotonic():
                        self._start(place, alive, (ours, bell.fileno(), ringing.fileno()))
                _wait(bell, self._next())
            return self._end(bell)
        finally:
            signal.set_wakeup_fd(-1)
            os.close(ours)

    def _listen(self, ringing: socket.socket) -> None:
        signal.set_wakeup_fd(ringing.fileno(), warn_on_full_buffer=False)
        for number in SIGNALS:
            signal.signal(number, lambda told, _: self._told.append(told))
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def _start(self, place: _Place, alive: int, others: tuple[int, ...]) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # one that comes now is the child's when it can take it
        pid = os.fork()
        if pid:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
            place.pid, place.began = pid, time.monotonic()
            return
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            for number in (*SIGNALS, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
            for each in others:
                os.close(each)
            self._work(alive)
            code = 0
        except BaseException:
            log.exception("process_failed")
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _look(self) -> None:
        """Bury the dead, and say when each is started again: at once, but later and later one that does not last."""
        for place in self._places:
            if not place.pid:
                continue
            pid, status = os.waitpid(place.pid, os.WNOHANG)
            if not pid:
                continue
            now = time.monotonic()
            if now - place.began > STEADY_SECONDS:
                place.pause = FIRST_PAUSE_SECONDS
            code = os.waitstatus_to_exitcode(status)
            log.warning("process_ended", pid=pid, exit_code=code, again_in_seconds=place.pause)
            place.pid, place.due = 0, now + place.pause
            place.pause = min(place.pause * 2, LONGEST_PAUSE_SECONDS)

    def _next(self) -> float:
        dues = [place.due for place in self._places if not place.pid]
        return min([LOOK_SECONDS, *(max(0.0, due - time.monotonic()) for due in dues)])

    def _end(self, bell: socket.socket) -> int:
        """Tell the children to stop, and again whenever we are told; whoever does not within the grace is killed."""
        until, told = time.monotonic() + self._grace_seconds, 0
        while any(place.pid for place in self._places):
            is_late = time.monotonic() > until
            for place in self._places:
                if place.pid and (is_late or told < len(self._told)):
                    os.kill(place.pid, signal.SIGKILL if is_late else signal.SIGTERM)
            told = len(self._told)
            _wait(bell, LOOK_SECONDS)
            for place in self._places:
                if place.pid and os.waitpid(place.pid, os.WNOHANG)[0]:
                    place.pid = 0
        return 0


def _wait(bell: socket.socket, seconds: float) -> None:
    select.select([bell], [], [], seconds)
    try:
        while bell.recv(256):
            pass
    except BlockingIOError:
        pass
