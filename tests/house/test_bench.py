"""The bench measures what it says; how fast anything is, no test asks."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from bench.course import http
from bench.figures import percentile, spread
from bench.hammer import Seen, Stretch, hammer
from bench.load import Phase, Shape, drive
from bench.upstream import Answering, whole

Answer = Callable[[web.Request], Awaitable[web.Response]]


@asynccontextmanager
async def answering(answer: Answer) -> AsyncIterator[str]:
    """A server on loopback that answers every POST so."""
    app = web.Application()
    app.add_routes([web.post("/", answer)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("share", "expected"), [(0.0, 1.0), (0.5, 50.0), (0.95, 95.0), (0.951, 96.0), (0.99, 99.0), (1.0, 100.0)]
)
def test_a_percentile_is_a_sample_that_was_seen(share: float, expected: float) -> None:
    assert percentile([float(number) for number in range(1, 101)], share) == expected


def test_one_sample_is_every_percentile() -> None:
    seen = spread([7.0])
    assert (seen.count, seen.p50_ms, seen.p95_ms, seen.p99_ms, seen.max_ms) == (1, 7.0, 7.0, 7.0, 7.0)


def test_no_samples_are_no_figure() -> None:
    with pytest.raises(ValueError, match="no samples"):
        spread([])


async def test_an_open_loop_counts_a_stall_for_all_who_wait_through_it() -> None:
    gate = asyncio.Lock()

    async def one_at_a_time(_: web.Request) -> web.Response:
        async with gate:
            await asyncio.sleep(0.05)
        return web.Response()

    async with answering(one_at_a_time) as url:
        shape = Shape(seconds=0.2, rate=50)
        (outcome,) = await drive([Phase(name="open", url=url, body="{}", shape=shape)])
    ordered = sorted(outcome.latencies_ms)
    assert len(ordered) == 10
    assert ordered[0] >= 45
    assert ordered[-1] >= 10 * 50 - 9 * 20 - 20  # the tenth was due at 180 ms and answered at 500 ms


async def test_a_closed_loop_has_no_more_requests_under_way_than_connections() -> None:
    under_way = most = 0

    async def count(_: web.Request) -> web.Response:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.005)
        under_way -= 1
        return web.Response()

    async with answering(count) as url:
        shape = Shape(seconds=0.6, connections=3)
        (outcome,) = await drive([Phase(name="closed", url=url, body="{}", shape=shape)])
    assert most == 3
    assert len(outcome.latencies_ms) > 3


async def test_no_two_requests_bear_the_same_mark() -> None:
    seen: list[tuple[str, str]] = []

    async def keep(request: web.Request) -> web.Response:
        seen.append((request.headers["Idempotency-Key"], await request.text()))
        return web.Response(status=202)

    async with answering(keep) as url:
        phase = Phase(
            name="marked",
            url=url,
            body='{"a": "{n}"}',
            headers={"Idempotency-Key": "{n}"},
            expect=202,
            shape=Shape(seconds=0.1, connections=2, warmup=2),
        )
        (outcome,) = await drive([phase])
        await drive([phase])
    assert len({key for key, _ in seen}) == len(seen) > len(outcome.latencies_ms)
    assert all(body == f'{{"a": "{key}"}}' for key, body in seen)


async def test_an_answer_of_another_status_is_a_failure_and_no_latency() -> None:
    async def refuse(_: web.Request) -> web.Response:
        return web.Response(status=402, text="payment_required")

    async with answering(refuse) as url:
        phase = Phase(name="refused", url=url, body="{}", expect=202, shape=Shape(seconds=0.2, rate=20))
        (outcome,) = await drive([phase])
    assert outcome.latencies_ms == []
    assert outcome.failures == {"402 payment_required": 4}


async def test_a_server_that_is_not_there_is_a_failure_too() -> None:
    phase = Phase(name="gone", url="http://127.0.0.1:1/", body="{}", shape=Shape(seconds=0.1, rate=20))
    (outcome,) = await drive([phase])
    assert outcome.latencies_ms == []
    assert sum(outcome.failures.values()) == 2


async def hammered(url: str, *, expect: int = 200, rate: float = 0.0, key: str = "", connections: int = 3) -> Seen:
    """A fifth of a second of the fast driver."""
    port = int(url.split(":")[2].rstrip("/"))
    stretch = Stretch(
        name="fast",
        port=port,
        requests=[http("/", '{"a": 1}', bearer="k", key=key)],
        expect=expect,
        seconds=0.2,
        connections=connections,
        rate=rate,
        warmup_seconds=0.05,
    )
    [seen] = await hammer([stretch])
    return seen


async def test_the_fast_driver_has_one_request_under_way_on_each_connection() -> None:
    under_way = most = 0

    async def count(request: web.Request) -> web.Response:
        nonlocal under_way, most
        assert await request.text() == '{"a": 1}'
        assert request.headers["Authorization"] == "Bearer k"
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.005)
        under_way -= 1
        return web.Response(text="x" * 200_000)

    async with answering(count) as url:
        seen = await hammered(url)
    assert most == 3
    assert 3 < len(seen.latencies_ms) <= seen.answered
    assert min(seen.latencies_ms) >= 4.9
    assert seen.failures == {}


async def test_the_fast_driver_counts_a_stall_for_all_who_wait_through_it() -> None:
    gate = asyncio.Lock()

    async def one_at_a_time(_: web.Request) -> web.Response:
        async with gate:
            await asyncio.sleep(0.05)
        return web.Response()

    async with answering(one_at_a_time) as url:
        seen = await hammered(url, rate=50, connections=2)
    assert max(seen.latencies_ms) >= 10 * 50 - 9 * 20 - 20


async def test_the_fast_driver_tells_answers_of_another_status_by_their_code() -> None:
    async def refuse(_: web.Request) -> web.Response:
        return web.Response(status=402, text='{"code":"payment_required"}')

    async with answering(refuse) as url:
        seen = await hammered(url, expect=202, rate=20)
    assert (seen.latencies_ms, seen.answered) == ([], 0)
    assert list(seen.failures) == ["402 payment_required"]


async def test_the_fast_driver_marks_each_request_anew() -> None:
    keys: list[str] = []

    async def keep(request: web.Request) -> web.Response:
        keys.append(request.headers["Idempotency-Key"])
        return web.Response()

    async with answering(keep) as url:
        await hammered(url, key="{n}")
        await hammered(url, key="{n}")
    assert len(set(keys)) == len(keys) > 6


@pytest.mark.parametrize("size", [1, 7, 10_000])
async def test_the_upstream_answers_each_request_once_however_the_bytes_come(size: int) -> None:
    server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    sent = http("/x", '{"a": 1}', bearer="k").encode() + b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"
    for start in range(0, len(sent), size):
        writer.write(sent[start : start + size])
        await writer.drain()
        await asyncio.sleep(0)
    told = b""
    while told.count(b"}") < 2:
        told += await reader.read(1000)
    first = told[: whole(told)]
    assert whole(told[len(first) :]) == len(told) - len(first)
    assert first[-36:] != told[-36:]
    writer.close()
    server.close()
