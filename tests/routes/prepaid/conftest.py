"""The API over both gateways, and a tenant's instance on the one that is paid beforehand, with a phone linked."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from app.instances import service as instances
from app.instances.models import Instance
from app.kit import ids
from app.lines.switches import SWITCHES
from app.runtime import Runtime, open_runtime
from dev import database as databases
from dev.mailbox import Mailbox
from simulator.main import Running, start
from tests.conftest import (
    FAST_UPSTREAM,
    PARTNER_LIVE,
    Drain,
    KeptBell,
    Upstream,
    draining,
    free_socket,
    serving,
    settings_for,
)
from tests.factories import TestTenant, make_tenant, read_instance
from tests.routes.compat.conftest import LineClient, make_line

WHAPI_TOKEN = "canaryWhapiPartner1111111111111111"
OWN = "79990001122"
THEIR_ANN = "79990003344@s.whatsapp.net"
ANN = "79990003344@c.us"
FAST_WHAPI = {"init_seconds": 0, "launch_seconds": 0, "creations": None, "mode_change_seconds": 0}


@dataclass
class Shop:
    """Ada's instance on a channel of Whapi."""

    runtime: Runtime
    client: httpx2.AsyncClient
    upstream: Upstream
    drain: Drain
    tenant: TestTenant
    instance: Instance
    line: LineClient

    @property
    def path(self) -> str:
        """Where the instance is."""
        return f"/v1/instances/{ids.to_wire(ids.INSTANCE, self.instance.id)}"

    async def call(self, verb: str, tail: str, **more: Any) -> httpx2.Response:
        """A call of Ada's on her instance."""
        return await self.client.request(verb, f"{self.path}/{tail}", headers=self.tenant.headers, **more)

    async def phone(self, act: str, **body: Any) -> Any:
        """What happens on the phone, or at WhatsApp."""
        return await self.upstream.control("POST", f"whapi/channels/{self.instance.upstream_account}/{act}", body)

    async def told(self, part: str = "messageData") -> dict[str, Any]:
        """The next notification with that part, fetched as GREEN-API's clients do."""
        for _ in range(20):
            found = (await self.line.call("GET", "receiveNotification", params={"receiveTimeout": "5"})).json()
            assert found is not None, "nothing is told"
            await self.line.call("DELETE", "deleteNotification", f"/{found['receiptId']}")
            body: dict[str, Any] = found["body"]
            if part in body:
                return body
        raise AssertionError(f"nothing is told with {part}")

    async def now(self) -> Instance:
        """The instance as it is now."""
        return await read_instance(self.runtime, self.instance.id)


@pytest.fixture(scope="package")
async def whapi_upstream() -> AsyncIterator[Running]:
    """One world with both upstreams."""
    server = await start(partner_tokens=[PARTNER_LIVE], whapi_tokens=[WHAPI_TOKEN])
    yield server
    await server.close()


@pytest.fixture(scope="package")
async def whapi_stack(
    dsns: databases.Dsns, redis_url: str, whapi_upstream: Running, mailbox: Mailbox
) -> AsyncIterator[tuple[Runtime, str]]:
    """The API, which hears callbacks; files are fetched from public addresses and from the gateway alone."""
    listening = free_socket()
    public = f"http://127.0.0.1:{listening.getsockname()[1]}"
    settings = settings_for(
        dsns,
        redis_url,
        whapi_upstream.url,
        mailbox.smtp_url,
        whapi_url=whapi_upstream.whapi_manager_url,
        whapi_partner_token=WHAPI_TOKEN,
        green_api_test_partner_token="",
        egress_allow="",
        public_url=public,
        ready_poll_seconds=0.05,
    )
    async with open_runtime(settings, bell=KeptBell()) as runtime, serving(runtime, listening) as url:
        yield runtime, url


@pytest.fixture
async def shop(
    whapi_stack: tuple[Runtime, str], whapi_upstream: Running, clean: None, http: httpx2.AsyncClient
) -> AsyncIterator[Shop]:
    """Ada, ready to write."""
    runtime, url = whapi_stack
    runtime.authenticator.forget()
    runtime.snapshots.forget()
    upstream = Upstream(whapi_upstream.url, http)
    await upstream.control("POST", "reset")
    await upstream.control("POST", "config", {**FAST_UPSTREAM, "whapi": FAST_WHAPI})
    drain, ada = draining(runtime), await make_tenant(runtime, name="Ada")
    async with runtime.database.begin(ada.tenant_id) as uow:
        made, _ = await instances.request_instance(
            uow,
            tenant_id=ada.tenant_id,
            environment="live",
            name="Support",
            provider="whapi",
            metadata={},
            options=runtime.instance_options,
        )

    async def is_ready() -> bool:
        return (await read_instance(runtime, made.id)).status == "active"

    await drain(until=is_ready)
    instance = await read_instance(runtime, made.id)
    async with httpx2.AsyncClient(base_url=url, timeout=30) as client:
        line = await make_line(runtime, client, ada, instance)
        shop = Shop(runtime, client, upstream, drain, ada, instance, line)
        await shop.phone("scan", phone=OWN, name="Shop")

        async def is_linked() -> bool:
            return (await shop.now()).connection == "connected"

        await drain(until=is_linked)
        asked = await line.call("POST", "setSettings", json=dict.fromkeys(SWITCHES, "yes"))
        assert asked.status_code == 200, asked.text
        yield shop
    runtime.database.shift = type(runtime.database.shift)()
