"""A stack with both gateways: the one that charges by existence, and the one that is paid beforehand."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from aiohttp import web

from app.runtime import open_runtime
from dev import database as databases
from simulator.main import Running, start
from tests.conftest import FAST_UPSTREAM, PARTNER_LIVE, KeptBell, Upstream, free_socket, serving, settings_for
from tests.factories import make_tenant, operator_headers
from tests.workers.funds import POOL_DAYS, WHAPI_TOKEN, Funds
from tests.workers.house import House

FAST_WHAPI = {"init_seconds": 0, "launch_seconds": 0, "creations": None}


@pytest.fixture(scope="session")
async def both_simulators() -> AsyncIterator[Running]:
    """One world with both upstreams."""
    server = await start(partner_tokens=[PARTNER_LIVE], whapi_tokens=[WHAPI_TOKEN])
    yield server
    await server.close()


@pytest.fixture(scope="session")
async def deaf_door() -> AsyncIterator[str]:
    """Where notifications are taken and forgotten: what nobody takes is told again for months."""

    async def take(_: web.Request) -> web.Response:
        return web.json_response({})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.fixture
async def funds(
    dsns: databases.Dsns,
    redis_url: str,
    both_simulators: Running,
    deaf_door: str,
    clean: None,
    http: httpx2.AsyncClient,
) -> AsyncIterator[Funds]:
    """A runtime on both gateways, with empty tables and fresh upstreams."""
    upstream = Upstream(both_simulators.url, http)
    await upstream.control("POST", "reset")
    await upstream.control("POST", "config", {**FAST_UPSTREAM, "whapi": FAST_WHAPI})
    await upstream.control("POST", "whapi/partners", {"token": WHAPI_TOKEN, "days": POOL_DAYS})
    settings = settings_for(
        dsns,
        redis_url,
        both_simulators.url,
        "smtp://127.0.0.1:9",
        whapi_url=both_simulators.whapi_manager_url,
        whapi_partner_token=WHAPI_TOKEN,
        green_api_test_partner_token="",
        quiet_seconds=60.0,
        lease_seconds=30.0,  # a round over many accounts, on a busy machine
        ready_poll_seconds=0.01,
        public_url=deaf_door,
    )
    async with open_runtime(settings, bell=KeptBell()) as runtime:
        yield Funds(runtime, upstream)


@pytest.fixture
async def house(funds: Funds) -> AsyncIterator[House]:
    """See `House`."""
    # Else a channel that is paid for while it is linked restarts for half a minute.
    await funds.upstream.control("POST", "config", {"whapi": {**FAST_WHAPI, "mode_change_seconds": 0}})
    tenant = await make_tenant(funds.runtime)
    instance = await funds.instance(days=10, provider="green_api", tenant=tenant)
    async with (
        serving(funds.runtime, free_socket()) as url,
        httpx2.AsyncClient(base_url=url, timeout=30) as client,
    ):
        yield House(funds, client, await operator_headers(funds.runtime), tenant, instance)
