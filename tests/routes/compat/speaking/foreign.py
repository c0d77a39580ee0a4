"""A line whose instance is taken for a channel of Whapi, called through its wing over its simulator."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2

from app.instances.models import Instance
from app.kit.crypto import Secret
from app.kit.db import SYSTEM
from app.providers.port import Credentials
from app.providers.whapi.adapter import WhapiCloud
from tests.providers.whapi.conftest import WHAPI_TOKEN, Line, playing
from tests.routes.compat.speaking.stage import Stage

PLAIN = frozenset({"hosts", "read_notice", "likeness", "conclude", "sent_by", "drafted", "close"})


class Foreign:
    """A gateway that takes every account for one channel of its own."""

    def __init__(self, inner: WhapiCloud, credentials: Credentials) -> None:
        self._inner, self._credentials = inner, credentials
        self.traits = inner.traits

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        return found if name in PLAIN else lambda _, *rest, **more: found(self._credentials, *rest, **more)


class Abroad:
    """The line, and the channel behind it."""

    def __init__(self, stage: Stage, channel: Line) -> None:
        self.stage, self.channel = stage, channel
        self.said: list[str] = []

    async def call(self, verb: str, method: str, **more: Any) -> httpx2.Response:
        """A call as GREEN-API's clients make it; its reply is kept."""
        self.stage._afresh()
        reply = await self.stage.line.call(verb, method, **more)
        self.said.append(f"{method} {reply.status_code} {reply.text}")
        return reply

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no reply may hold."""
        credentials = self.channel.credentials
        return (credentials.account, credentials.token.reveal(), credentials.base_url, "whapi", WHAPI_TOKEN)


@asynccontextmanager
async def abroad(stage: Stage) -> AsyncIterator[Abroad]:
    """A live channel that waits for a phone."""
    async with playing() as upstream:
        project = (await upstream.manager("GET", "/projects"))["projects"][0]["id"]
        made = await upstream.manager("PUT", "/channels", {"name": "slt1-one", "projectId": project})
        await upstream.manager("PATCH", f"/channels/{made['id']}/mode", {"mode": "live"})
        await upstream.advance(31)
        wing = WhapiCloud(upstream.manager_url, Secret(WHAPI_TOKEN), timeout_seconds=3.0, connect_seconds=1.0)
        credentials = Credentials(made["id"], Secret(made["token"]), made["apiUrl"])
        await wing.link(credentials)
        await upstream.advance(0.01)
        providers: dict[Any, Any] = stage.runtime.registry._providers
        key = (stage.line.instance.provider, stage.line.instance.environment)
        kept = providers[key]
        providers[key] = Foreign(wing, credentials)
        async with stage.runtime.database.begin(SYSTEM) as uow:
            row = await uow.session.get_one(Instance, (stage.line.tenant.tenant_id, stage.line.instance.id))
            row.upstream_account = credentials.account
        stage._afresh()
        try:
            yield Abroad(stage, Line(upstream, wing, credentials))
        finally:
            providers[key] = kept
            stage._afresh()
            await wing.close()
