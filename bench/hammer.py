"""The load driver for the fast path, a process of its own: stretches as JSON on standard input, outcomes on output.

Requests are bytes made beforehand, and of an answer only its status and its length are read, so that the driver takes
a small part of what it measures. A closed loop sends the next request of a connection when the answer to the last is
there. An open loop sends when a request is due, and counts each latency from then: a stall is felt by all who wait.
"""

import asyncio
import itertools
import re
import secrets
import sys
import time
from array import array
from collections import Counter, deque
from typing import cast

import msgspec
import uvloop
from msgspec import Struct, field

from bench.figures import percentile
from bench.upstream import whole

MARK = b"{n}"
CODE = re.compile(rb'"code":"(\w+)"')
TICK_SECONDS = 0.001
PATIENCE_SECONDS = 10.0


class Stretch(Struct, kw_only=True, frozen=True):
    """Some seconds of load on one port. With a rate it is an open loop of so many a second, else a closed one.

    The requests are sent in turn; `{n}` in one becomes a text that no other has.
    """

    name: str
    port: int
    requests: list[str]
    expect: int
    seconds: float
    connections: int
    rate: float = 0.0
    warmup_seconds: float = 0.3


class Seen(Struct, kw_only=True):
    """What came of a stretch. `busy` is the driver's share of a core, `late_p99_ms` how late an open loop sent.

    `answered` counts every good answer, those of the warming up and after the end among them.
    """

    name: str
    answered: int
    latencies_ms: list[float]
    failures: dict[str, int] = field(default_factory=dict)
    seconds: float
    busy: float
    late_p99_ms: float = 0.0


class Line(asyncio.Protocol):
    """One connection, with one request under way at most."""

    def __init__(self, load: "Load") -> None:
        self._load = load
        self._rest = b""
        self.since = 0.0
        self.is_busy = False
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ready for a request."""
        self.transport = cast(asyncio.Transport, transport)

    def send(self, since: float) -> None:
        """Write the next request; its latency counts from `since`."""
        assert self.transport is not None
        self.since, self.is_busy = since, True
        self.transport.write(self._load.request())

    def data_received(self, data: bytes) -> None:
        """An answer, or a part of one."""
        data = self._rest + data if self._rest else data
        end = whole(data)
        if end == 0:
            self._rest = data
            return
        self._rest, self.is_busy = b"", False
        self._load.answered(self, data[9:12], data)

    def connection_lost(self, exc: Exception | None) -> None:
        """The server hung up."""
        self._load.lost(self)


class Load:
    """One stretch."""

    def __init__(self, stretch: Stretch) -> None:
        self._stretch = stretch
        self._expect = str(stretch.expect).encode()
        self._requests = itertools.cycle([request.encode() for request in stretch.requests])
        self._marks = map(f"{secrets.token_hex(6)}-{{}}".format, itertools.count(1))
        self._is_marked = MARK in stretch.requests[0].encode()
        self._idle: deque[Line] = deque()
        self._due: deque[float] = deque()
        self._measures = self._is_over = False
        self.good = 0
        self.latencies = array("d")
        self.lateness = array("d")
        self.failures: Counter[str] = Counter()

    def request(self) -> bytes:
        """The bytes of the next one."""
        request = next(self._requests)
        return request.replace(MARK, next(self._marks).encode()) if self._is_marked else request

    def answered(self, line: Line, status: bytes, answer: bytes) -> None:
        """Count it, and send the next one."""
        now = time.perf_counter()
        if status != self._expect:
            self.failures[f"{status.decode()} {_code(answer)}".rstrip()] += 1
        else:
            self.good += 1
            if self._measures:
                self.latencies.append(now - line.since)
        if self._due:
            self._late(line, self._due.popleft(), now)
        elif self._stretch.rate:
            self._idle.append(line)
        elif not self._is_over:
            line.send(now)

    def lost(self, line: Line) -> None:
        """Count a request that was under way, and go on with those that are left."""
        if line.is_busy:
            self.failures["connection lost"] += 1
        if line in self._idle:
            self._idle.remove(line)

    async def run(self) -> Seen:
        """Warm up, measure, and wait for the last answers.

        Raises:
            OSError: nobody listens.
        """
        loop, stretch = asyncio.get_running_loop(), self._stretch
        lines = [
            (await loop.create_connection(lambda: Line(self), "127.0.0.1", stretch.port))[1]
            for _ in range(stretch.connections)
        ]
        warm = time.perf_counter() + stretch.warmup_seconds
        if stretch.rate:
            self._idle.extend(lines)
            await self._keep_rate(time.perf_counter(), stretch.warmup_seconds)
            await self._all_answered(lines)
        else:
            for line in lines:
                line.send(time.perf_counter())
            await asyncio.sleep(max(0.0, warm - time.perf_counter()))
        self._measures, self.failures = True, Counter()
        self.lateness = array("d")
        busy, started = time.process_time(), time.perf_counter()
        if stretch.rate:
            await self._keep_rate(started, stretch.seconds)
        else:
            await asyncio.sleep(stretch.seconds)
        taken, seconds = time.process_time() - busy, time.perf_counter() - started
        if not stretch.rate:
            self._measures = False
        self._is_over = True
        await self._all_answered(lines)
        if left := len(self._due) + sum(line.is_busy for line in lines):
            self.failures["no answer"] += left
        for line in lines:
            line.is_busy = False
            if line.transport is not None:
                line.transport.close()
        return Seen(
            name=stretch.name,
            answered=self.good,
            latencies_ms=[round(latency * 1000, 3) for latency in self.latencies],
            failures=dict(self.failures),
            seconds=seconds,
            busy=round(taken / seconds, 3),
            late_p99_ms=round(percentile(sorted(self.lateness), 0.99) * 1000, 3) if self.lateness else 0.0,
        )

    async def _keep_rate(self, started: float, seconds: float) -> None:
        rate, sent, most = self._stretch.rate, 0, round(seconds * self._stretch.rate)
        while sent < most:
            now = time.perf_counter()
            while sent < most and started + sent / rate <= now:
                due = started + sent / rate
                sent += 1
                if self._idle:
                    self._late(self._idle.popleft(), due, now)
                else:
                    self._due.append(due)
            await asyncio.sleep(TICK_SECONDS)

    def _late(self, line: Line, due: float, now: float) -> None:
        self.lateness.append(now - due)
        line.send(due)

    async def _all_answered(self, lines: list[Line]) -> None:
        until = time.perf_counter() + PATIENCE_SECONDS
        while (self._due or any(line.is_busy for line in lines)) and time.perf_counter() < until:
            await asyncio.sleep(TICK_SECONDS)


def _code(answer: bytes) -> str:
    found = CODE.search(answer)
    return found.group(1).decode() if found else ""


async def hammer(stretches: list[Stretch]) -> list[Seen]:
    """Run the stretches one after the other, each over connections of its own."""
    return [await Load(stretch).run() for stretch in stretches]


def main() -> None:
    """Read the stretches, run them, tell."""
    stretches = msgspec.json.decode(sys.stdin.buffer.read(), type=list[Stretch])
    told = msgspec.json.encode(uvloop.run(hammer(stretches)))
    with open(sys.stdout.fileno(), "wb", closefd=False) as output:  # where Python is unbuffered, `write` may be partial
        output.write(told)


if __name__ == "__main__":
    main()
