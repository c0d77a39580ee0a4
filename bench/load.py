"""The load driver, a process of its own: phases as JSON on standard input, what came of them on standard output.

A closed loop sends the next request when the answer to the last is there. An open loop sends when a request is due,
whatever became of the others, and counts each latency from the moment it was due: a stall is felt by all who wait.
"""

import asyncio
import itertools
import secrets
import sys
import time
from collections import Counter

import aiohttp
import msgspec
import uvloop
from msgspec import Struct, field

from bench.figures import percentile

MARK = "{n}"
PATIENCE_SECONDS = 60.0


class Shape(Struct, kw_only=True, frozen=True):
    """How hard and how long. With a rate it is an open loop of so many a second, else a closed one."""

    seconds: float
    rate: float = 0.0
    connections: int = 1
    warmup: int = 0


class Target(Struct, frozen=True):
    """Another address that the requests of a phase go to in turn, with what its headers have besides."""

    url: str
    headers: dict[str, str]


class Phase(Struct, kw_only=True, frozen=True):
    """One stretch of load. Each `{n}` in the body and the headers becomes a text that no other request has."""

    name: str
    url: str
    body: str
    headers: dict[str, str] = field(default_factory=dict)
    others: list[Target] = field(default_factory=list)
    expect: int = 200
    shape: Shape


class Outcome(Struct, kw_only=True):
    """What a phase saw. `busy` is the driver's share of one core, `late_p99_ms` how late an open loop sent."""

    name: str
    latencies_ms: list[float]
    failures: dict[str, int]
    seconds: float
    busy: float
    late_p99_ms: float = 0.0


class Driver:
    """Sends the requests of one phase and keeps the latency of each good answer."""

    def __init__(self, session: aiohttp.ClientSession, phase: Phase) -> None:
        self._session = session
        self._phase = phase
        self._texts = map(f"{secrets.token_hex(6)}-{{}}".format, itertools.count(1))
        self._body = phase.body.encode().split(MARK.encode())
        common = {"Content-Type": "application/json", **phase.headers}
        targets = [Target(phase.url, common), *(Target(each.url, {**common, **each.headers}) for each in phase.others)]
        self._targets = itertools.cycle(targets)
        self._varying = [name for name, value in common.items() if MARK in value]
        self.latencies: list[float] = []
        self.lateness: list[float] = []
        self.failures: Counter[str] = Counter()

    async def run(self) -> Outcome:
        """Warm up, then measure."""
        for _ in range(self._phase.shape.warmup):
            await self._send(time.perf_counter())
        self.latencies.clear()
        self.failures.clear()
        busy, started = time.process_time(), time.perf_counter()
        if self._phase.shape.rate:
            await self._open(started)
        else:
            await asyncio.gather(*(self._closed(started) for _ in range(self._phase.shape.connections)))
        seconds = time.perf_counter() - started
        return Outcome(
            name=self._phase.name,
            latencies_ms=[round(latency * 1000, 4) for latency in self.latencies],
            failures=dict(self.failures),
            seconds=seconds,
            busy=round((time.process_time() - busy) / seconds, 3),
            late_p99_ms=round(percentile(sorted(self.lateness), 0.99) * 1000, 3) if self.lateness else 0.0,
        )

    async def _closed(self, started: float) -> None:
        until = started + self._phase.shape.seconds
        while (now := time.perf_counter()) < until:
            await self._send(now)

    async def _open(self, started: float) -> None:
        rate = self._phase.shape.rate
        async with asyncio.TaskGroup() as flying:
            for number in range(round(self._phase.shape.seconds * rate)):
                due = started + number / rate
                pause = due - time.perf_counter()
                if pause > 0:
                    await asyncio.sleep(pause)
                self.lateness.append(max(0.0, time.perf_counter() - due))
                flying.create_task(self._send(due))

    async def _send(self, since: float) -> None:
        text, target = next(self._texts), next(self._targets)
        headers = target.headers
        if self._varying:
            headers = {**headers, **{name: headers[name].replace(MARK, text) for name in self._varying}}
        try:
            async with self._session.post(
                target.url, data=text.encode().join(self._body), headers=headers, allow_redirects=False
            ) as reply:
                answer = await reply.read()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            self.failures[type(error).__name__] += 1
            return
        if reply.status == self._phase.expect:
            self.latencies.append(time.perf_counter() - since)
        else:
            self.failures[f"{reply.status} {answer[:200].decode(errors='replace')}"[:160]] += 1


async def drive(phases: list[Phase]) -> list[Outcome]:
    """Run the phases one after the other over the same connections."""
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=60),
        timeout=aiohttp.ClientTimeout(total=PATIENCE_SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
    ) as session:
        return [await Driver(session, phase).run() for phase in phases]


def main() -> None:
    """Read the phases, run them, tell."""
    phases = msgspec.json.decode(sys.stdin.buffer.read(), type=list[Phase])
    told = msgspec.json.encode(uvloop.run(drive(phases)))
    with open(sys.stdout.fileno(), "wb", closefd=False) as output:  # where Python is unbuffered, `write` may be partial
        output.write(told)


if __name__ == "__main__":
    main()
