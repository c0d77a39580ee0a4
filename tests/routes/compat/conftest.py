"""A line of a tenant, called as its clients call it."""

import asyncio
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from app.instances.models import Instance
from app.lines import service as lines
from app.runtime import Runtime
from tests.conftest import Drain, Upstream
from tests.factories import TestTenant, make_ready_instance, make_tenant


@dataclass(frozen=True)
class LineClient:
    """One line; `call` speaks as an SDK does."""

    http: httpx2.AsyncClient
    tenant: TestTenant
    instance: Instance
    number: int
    token: str = field(repr=False)

    @property
    def upstream_id(self) -> int:
        """The account's number at the gateway."""
        assert self.instance.upstream_id is not None
        return self.instance.upstream_id

    def path(self, method: str, tail: str = "") -> str:
        """The path of a method."""
        return f"/waInstance{self.number}/{method}/{self.token}{tail}"

    async def call(self, verb: str, method: str, tail: str = "", **more: Any) -> httpx2.Response:
        """One request."""
        return await self.http.request(verb, self.path(method, tail), **more)


async def make_line(runtime: Runtime, client: httpx2.AsyncClient, tenant: TestTenant, instance: Instance) -> LineClient:
    """The line of an instance."""
    async with runtime.database.begin(tenant.tenant_id) as uow:
        line = await lines.ensure(uow, instance)
        number, token = await lines.shown(uow, line)
    return LineClient(client, tenant, instance, number, token)


@pytest.fixture
async def line(runtime: Runtime, client: httpx2.AsyncClient, drain: Drain, upstream: Upstream) -> LineClient:
    """A line of Ada's whose phone is linked."""
    ada = await make_tenant(runtime, name="Ada")
    return await make_line(runtime, client, ada, await make_ready_instance(runtime, drain, upstream, ada))


async def raw_request(client: httpx2.AsyncClient, text: str) -> tuple[int, dict[str, str], bytes]:
    """One request written byte by byte, for addresses that clients' libraries would tidy; status, headers, body."""
    at = urlsplit(str(client.base_url))
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    try:
        writer.write(text.encode("latin-1"))
        head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)).decode("latin-1")
        first, *lines_of = head.strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (row.partition(":") for row in lines_of)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        return int(first.split()[1]), headers, body
    finally:
        writer.close()


def get(path: str, verb: str = "GET") -> str:
    """The bytes of a request without a body."""
    return f"{verb} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
