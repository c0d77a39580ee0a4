"""The operator sees what is left in prepaid pools, and nobody else does."""

from datetime import timedelta

import httpx2

from app.funding import gauges
from app.funding.books import Books
from app.funding.models import Pool
from app.kit.db import SYSTEM, Database
from app.runtime import Runtime
from tests.factories import make_tenant, operator_headers

PATH = "/operator/v1/pools"


async def test_a_pool_is_shown_with_how_long_it_lasts(runtime: Runtime, client: httpx2.AsyncClient) -> None:
    async with runtime.database.begin(SYSTEM) as uow:
        uow.session.add(Pool(provider="whapi", environment="live", days=90, read_at=uow.now, low_since=uow.now))
        books = Books(uow, "whapi", "live")
        await books.extension("RAVENX-7Q2LM", 26, "one")
        await books.end("RAVENX-7Q2LM", 5, 0)
    shown = (await client.get(PATH, headers=await operator_headers(runtime))).json()["data"]
    (pool,) = shown
    assert (pool["provider"], pool["days"], pool["prepaid_days"]) == ("whapi", 90, 0)  # there are no accounts
    assert (pool["spent_per_day"], pool["days_to_empty"]) == (3.0, 30.0)
    assert (pool["low_since"] is not None, pool["empty_since"], pool["findings"]) == (True, None, [])
    runtime.database.shift += timedelta(days=8)
    (pool,) = (await client.get(PATH, headers=await operator_headers(runtime))).json()["data"]
    assert (pool["spent_per_day"], pool["days_to_empty"]) == (0.0, None)


async def test_metrics_tell_what_is_known_of_pools(runtime: Runtime, client: httpx2.AsyncClient) -> None:
    async with runtime.database.begin(SYSTEM) as uow:
        uow.session.add(Pool(provider="whapi", environment="live", days=90, read_at=uow.now, low_since=uow.now))
        uow.session.add(Pool(provider="other", environment="test"))
        books = Books(uow, "whapi", "live")
        await books.extension("RAVENX-7Q2LM", 26, "one")
        await books.end("RAVENX-7Q2LM", 5, 0)
    told = (await client.get("/metrics")).text
    lines = [line for line in told.splitlines() if line.startswith("sublet_pool_")]
    live, test = '{environment="live",provider="whapi"}', '{environment="test",provider="other"}'
    assert {f"sublet_pool_days{live} 90.0", f"sublet_pool_days_to_empty{live} 30.0"} <= set(lines)
    assert {f"sublet_pool_low{live} 1.0", f"sublet_pool_low{test} 0.0"} <= set(lines)
    assert [line for line in lines if test in line] == [f"sublet_pool_low{test} 0.0"]
    assert "sublet_http_requests_total" in told


async def test_metrics_are_told_while_the_database_is_away(runtime: Runtime) -> None:
    nowhere = "postgresql+asyncpg://nobody@127.0.0.1:9/none"
    database = Database(
        nowhere, nowhere, keyring=runtime.keyring, bell=runtime.database.bell, recorder=runtime.database.recorder
    )
    assert await gauges.told(database) == b""
    await database.close()


async def test_without_prepaid_gateways_there_is_none(runtime: Runtime, client: httpx2.AsyncClient) -> None:
    shown = await client.get(PATH, headers=await operator_headers(runtime))
    assert (shown.status_code, shown.json()["data"]) == (200, [])


async def test_nobody_else_sees_pools(runtime: Runtime, client: httpx2.AsyncClient) -> None:
    assert (await client.get(PATH, headers=(await make_tenant(runtime)).headers)).status_code == 403
    assert (await client.get(PATH)).status_code == 401
