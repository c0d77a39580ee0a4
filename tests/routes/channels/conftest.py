"""A channel of a tenant, called as Whapi's clients call theirs, over both gateways."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest

from app.channels import table
from app.instances import watching
from app.instances.trips import Tools
from app.kit.db import UnitOfWork
from app.lines import service as lines
from app.lines.models import Line
from app.providers.port import Native
from app.runtime import Runtime
from tests.conftest import Drain, Upstream
from tests.factories import bearer, make_ready_instance, make_tenant
from tests.routes.compat.conftest import LineClient, make_line
from tests.routes.compat.speaking.foreign import Abroad, abroad
from tests.routes.compat.speaking.stage import Stage

ANN = "79990003344@s.whatsapp.net"
BOB = "79990005566@s.whatsapp.net"

AUTO_DOWNLOAD = b'{"media": {"auto_download": ["image", "audio", "voice", "video", "document", "sticker"]}}'


@dataclass
class Client:
    """What a customer has: a host and a bearer token. Whatever is answered is kept."""

    http: httpx2.AsyncClient
    line: LineClient
    stage: Stage
    away: Abroad | None = None
    said: list[str] = field(default_factory=list)
    count: int = 0
    asked: set[str] = field(default_factory=set)

    async def call(self, verb: str, path: str, *, token: str | None = None, **more: Any) -> httpx2.Response:
        """One call."""
        self.stage._afresh()
        route, _ = table.find(verb, path.partition("?")[0])
        if route is not None:
            self.asked.add(route.name)
        headers = bearer(self.line.token if token is None else token) | more.pop("headers", {})
        reply = await self.http.request(verb, f"/whapi{path}", headers=headers, **more)
        self.said.append(f"{verb} {path} {reply.status_code} {reply.headers} {reply.text}")
        return reply

    async def ok(self, verb: str, path: str, **more: Any) -> Any:
        """The answer to a call that succeeds."""
        reply = await self.call(verb, path, **more)
        assert reply.status_code == 200, f"{verb} {path}: {reply.status_code} {reply.text}"
        return reply.json()

    async def receive(self, words: str = "hi") -> str:
        """Ann writes; the message's id."""
        if self.away is not None:
            return await self.away.channel.receive(words)
        self.count += 1
        message_id = f"3A{self.count:06d}"
        await self.stage.act("receive", chat_id="79990003344@c.us", text=words, id_message=message_id)
        await asyncio.sleep(0.2)
        await self.stage.heard()
        return message_id

    async def row(self, uow: UnitOfWork) -> Line:
        """The line's row."""
        found = await lines.of(uow, self.line.tenant.tenant_id, self.line.instance.id)
        assert found is not None
        return found

    async def unlinked(self) -> None:
        """We have come to know that no phone is linked."""
        runtime, instance = self.stage.runtime, self.line.instance
        tools = Tools(runtime.database, runtime.instance_options)
        await watching.watch(tools, runtime.registry, instance.tenant_id, instance.id)
        await asyncio.sleep(0.55)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no answer may hold."""
        if self.away is not None:
            return tuple(each for each in self.away.secrets if each != "whapi")
        return (str(self.line.instance.upstream_account), self.stage.upstream.url)


Opened = Callable[[], AbstractAsyncContextManager[Client]]


@pytest.fixture
async def line(runtime: Runtime, client: httpx2.AsyncClient, drain: Drain, upstream: Upstream) -> LineClient:
    """A line of Ada's whose phone is linked."""
    ada = await make_tenant(runtime, name="Ada")
    return await make_line(runtime, client, ada, await make_ready_instance(runtime, drain, upstream, ada))


@pytest.fixture
async def stage(runtime: Runtime, line: LineClient, upstream: Upstream) -> Stage:
    """Ada's line and its simulator; nothing is fetched from where links lead."""
    await upstream.control("POST", "config", {"fetch_files": False, "min_delay_ms_override": 0})
    return Stage(runtime, line, upstream)


@pytest.fixture(params=["green_api", "whapi"])
def opened(request: pytest.FixtureRequest, client: httpx2.AsyncClient, stage: Stage) -> Opened:
    """Opens the channel, over one gateway and over the other, with a phone."""

    @asynccontextmanager
    async def over() -> AsyncIterator[Client]:
        if request.param == "green_api":
            yield Client(client, stage.line, stage)
            return
        async with abroad(stage) as away:
            await away.channel.phone("scan", phone="79990001122", name="Shop")
            kept = Native("/settings", "PATCH", body=AUTO_DOWNLOAD, content_type="application/json")
            assert (await away.channel.wing.native(away.channel.credentials, kept)).status == 200
            yield Client(client, stage.line, stage, away)

    return over
