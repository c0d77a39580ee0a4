"""Thousands of good and bad requests made from the contract: no 5xx, only declared answers, bad input refused."""

import asyncio
import sys
from pathlib import Path

import httpx2
import pytest

from app.runtime import Runtime
from tests.factories import make_tenant, operator_headers

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,"
    "negative_data_rejection"
)
STREAMS = r"/(stream|qr\.png)$"


async def fuzz(url: str, headers: dict[str, str], include: str, examples: int) -> None:
    """One run; its findings are the failure."""
    tool = Path(sys.executable).parent / "schemathesis"
    process = await asyncio.create_subprocess_exec(
        str(tool),
        "run",
        f"{url}/docs/openapi.json",
        "--checks",
        CHECKS,
        "--phases",
        "examples,coverage,fuzzing",
        "--max-examples",
        str(examples),
        "--seed",
        "1",
        "--header",
        f"Authorization: {headers['Authorization']}",
        "--include-path-regex",
        include,
        "--exclude-path-regex",
        STREAMS,
        "--suppress-health-check",
        "all",
        "--no-color",
        "--request-timeout",
        "30",
        "--no-shrink",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode(errors="replace")


@pytest.mark.timeout(600)
async def test_the_tenants_routes(client: httpx2.AsyncClient, runtime: Runtime) -> None:
    tenant = await make_tenant(runtime)
    await fuzz(str(client.base_url).rstrip("/"), tenant.headers, "^/v1/", 15)


@pytest.mark.timeout(600)
async def test_the_operators_routes(client: httpx2.AsyncClient, runtime: Runtime) -> None:
    headers = await operator_headers(runtime)
    await fuzz(str(client.base_url).rstrip("/"), headers, "^/operator/", 15)
