"""A linked instance: called by its tenant, moved by the people around it, with the gateway's journal as the truth."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx2

from app.kit.db import SYSTEM
from tests.senders import Sender

FRIEND, CHAT = "+79990005544", "79990005544@c.us"
OTHER, OTHER_CHAT = "+79990005545", "79990005545@c.us"
JPEG = b"\xff\xd8\xff\xe0" + b"picture" * 100


@dataclass
class Phone:
    """Calls go to paths below the instance; acts go to the simulator's own face."""

    sender: Sender

    @property
    def base(self) -> str:
        return self.sender.path.removesuffix("/messages")

    async def call(
        self, verb: str, tail: str, body: Any = None, *, headers: dict[str, str] | None = None, **more: Any
    ) -> httpx2.Response:
        """One call, by the tenant unless other credentials are given; `key` is an `Idempotency-Key`."""
        sent = dict(headers or self.sender.tenant.headers)
        if key := more.pop("key", None):
            sent["Idempotency-Key"] = key
        if kind := more.pop("kind", None):
            sent["Content-Type"] = kind
        if body is not None:
            more["json"] = body
        return await self.sender.client.request(verb, f"{self.base}/{tail}", headers=sent, **more)

    async def good(self, verb: str, tail: str, body: Any = None, **more: Any) -> Any:
        """The answer to a call that must go well; None for 204."""
        reply = await self.call(verb, tail, body, **more)
        assert reply.status_code < 300, f"{verb} {tail}: {reply.status_code} {reply.text}"
        assert str(self.sender.instance.upstream_id) not in reply.text
        assert self.sender.upstream.url not in reply.text
        return reply.json() if reply.content else None

    async def act(self, act: str, /, **body: Any) -> Any:
        """Somebody does something at the phone or around it."""
        return await self.sender.upstream.control("POST", f"instances/{self.sender.instance.upstream_id}/{act}", body)

    async def truth(self, name: str) -> Any:
        """The world's own state."""
        return await self.sender.upstream.control("GET", f"instances/{self.sender.instance.upstream_id}/{name}")

    async def asked(self, method: str) -> list[dict[str, Any]]:
        """The gateway's calls of one method, oldest first."""
        path = f"journal?id_instance={self.sender.instance.upstream_id}&method={method}&kind=call"
        return list((await self.sender.upstream.control("GET", path))["entries"])

    async def end_trial(self) -> None:
        """The trial is over since a moment."""
        runtime = self.sender.runtime
        reply = await self.sender.client.get(self.base, headers=self.sender.tenant.headers)
        ends_at = datetime.fromisoformat(reply.json()["trial_ends_at"])
        async with runtime.database.begin(SYSTEM) as uow:
            runtime.database.shift += ends_at + timedelta(milliseconds=1) - uow.now
        runtime.authenticator.forget()
