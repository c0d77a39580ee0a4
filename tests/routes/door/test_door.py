"""What strangers and slow clients can do to the process: nothing that others notice."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlsplit

import httpx2
from prometheus_client import generate_latest

from app.runtime import Runtime
from tests.factories import make_tenant
from tests.witness import watching

NOBODY = "inst_01m7zpzh3pekgt8zb1y8xg42jx"


@asynccontextmanager
async def raw(client: httpx2.AsyncClient, text: str) -> AsyncIterator[asyncio.StreamReader]:
    """A connection on which some bytes were written, and no more come."""
    at = urlsplit(str(client.base_url))
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    writer.write(text.encode("latin-1"))
    await writer.drain()
    try:
        yield reader
    finally:
        writer.close()


async def test_bodies_that_never_come_hold_no_connection_to_the_database(
    client: httpx2.AsyncClient, runtime: Runtime
) -> None:
    tenant = await make_tenant(runtime)
    head = (
        f"POST /v1/instances/{NOBODY}/suspend HTTP/1.1\r\nHost: x\r\nAuthorization: {tenant.headers['Authorization']}"
        "\r\nIdempotency-Key: k\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    )
    async with asyncio.timeout(30), AsyncExitStack() as slow:
        for _ in range(7):
            await slow.enter_async_context(raw(client, head))
        await asyncio.sleep(0.3)  # what is tested: that by now none of them has a connection
        assert runtime.database.tenant_engine.pool.checkedout() == 0  # type: ignore[attr-defined]
        answer = await asyncio.wait_for(client.get("/v1/organization", headers=tenant.headers), 9)
        assert answer.status_code == 200


async def test_a_method_of_a_strangers_invention_makes_no_metric(client: httpx2.AsyncClient) -> None:
    for method in ("PROPFIND", "MKCALENDAR", "PURGE"):
        await client.request(method, "/v1/instances")
    told = generate_latest().decode()
    assert "PROPFIND" not in told
    assert 'method="other"' in told


async def test_a_client_that_goes_away_is_no_crash(client: httpx2.AsyncClient, runtime: Runtime) -> None:
    tenant = await make_tenant(runtime)
    async with watching() as witness:
        for path in (f"instances/{NOBODY}/suspend", "api_keys"):
            head = (
                f"POST /v1/{path} HTTP/1.1\r\nHost: x\r\nAuthorization: {tenant.headers['Authorization']}"
                "\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
            )
            async with raw(client, head):
                await asyncio.sleep(0.2)
        async with asyncio.timeout(30):
            while witness.logs.getvalue().count('"event": "request"') < 2:
                await asyncio.sleep(0.05)
        assert witness.logs.getvalue().count('"event": "request"') == 2, witness.logs.getvalue()
        assert "request_crashed" not in witness.logs.getvalue()
