"""What people see in a browser comes from us alone, and the service tells how it is."""

import re

import httpx2

from app.pages import known
from app.runtime import Runtime
from tests.factories import make_tenant


async def test_the_docs_page_asks_nobody_but_us(client: httpx2.AsyncClient) -> None:
    page = await client.get("/docs")
    assert page.status_code == 200
    assets = re.findall(r"""(?:src|href)=["']([^"']+)["']""", page.text)
    assert any(asset.endswith("swagger-ui-bundle.js") for asset in assets)
    for asset in assets:
        assert asset.startswith(("/_assets/", "data:")), asset
        if asset.startswith("/"):
            assert (await client.get(asset)).status_code == 200, asset


async def test_the_contract_is_served_as_it_is_committed(client: httpx2.AsyncClient) -> None:
    served = (await client.get("/docs/openapi.json")).json()
    assert "sendMessage" in {
        operation["operationId"]
        for item in served["paths"].values()
        for verb, operation in item.items()
        if verb in ("get", "post", "patch", "delete")
    }
    assert (await client.get("/docs/openapi.yaml")).status_code == 200


async def test_a_problems_type_leads_to_a_page(client: httpx2.AsyncClient, runtime: Runtime) -> None:
    tenant = await make_tenant(runtime)
    problem = (await client.get("/v1/instances/nonsense", headers=tenant.headers)).json()
    page = await client.get(problem["type"])
    assert page.status_code == 200
    assert problem["code"] in page.text
    for code in known():
        assert (await client.get(f"/errors/{code}")).status_code == 200
    assert (await client.get("/errors/no_such_code")).status_code == 404
    assert "<script>" not in (await client.get("/errors/%3Cscript%3E")).text


async def test_health_and_metrics(client: httpx2.AsyncClient) -> None:
    assert (await client.get("/livez")).json() == {"status": "ok"}
    assert (await client.get("/readyz")).json() == {"status": "ok"}
    metrics = (await client.get("/metrics")).text
    assert "sublet_http_requests_total" in metrics


async def test_every_answer_has_an_id_and_is_not_kept(client: httpx2.AsyncClient) -> None:
    reply = await client.get("/v1/plans", headers={"X-Request-Id": "mine-1"})
    assert reply.headers["x-request-id"].startswith("req_")
    assert reply.headers["x-client-request-id"] == "mine-1"
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert "server" not in reply.headers
