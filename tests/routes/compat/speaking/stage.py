"""One line whose gateway is taken now for GREEN-API's words, now for others: each call is asked both ways.

The gateway is the GREEN-API wing itself, so that whatever differs is the second way's own doing.
"""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, cast

import httpx2
import msgspec

from app.providers.green_api.adapter import GreenApi
from app.providers.port import Native, Provider
from app.runtime import Runtime
from tests.conftest import Upstream
from tests.routes.compat.conftest import LineClient

CHAT: Final = "79990003344@c.us"
SEALED: Final = re.compile(r"/files/[0-9A-Za-z_-]+")
OWN_TRAITS: Final = msgspec.structs.replace(GreenApi.traits, words="other")


class Other:
    """A gateway that is spoken to in our words alone: its native calls are an error of ours."""

    def __init__(self, inner: Provider, **traits: Any) -> None:
        self._inner = inner
        self.traits = msgspec.structs.replace(OWN_TRAITS, **traits)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def native(self, credentials: object, call: Native) -> object:
        raise AssertionError(f"asked natively: {call.method}")

    async def native_stream(self, credentials: object, method: str, *_: object, **__: object) -> object:
        raise AssertionError(f"asked natively: {method}")

    def drafted(self, method: str, body: bytes) -> None:
        raise AssertionError(f"drafted natively: {method}")


class Stage:
    """A line, its simulator, and both ways."""

    def __init__(self, runtime: Runtime, line: LineClient, upstream: Upstream) -> None:
        self.runtime, self.line, self.upstream = runtime, line, upstream
        self.account = line.instance.upstream_account

    @contextmanager
    def other(self, **traits: Any) -> Iterator[None]:
        """The gateway has other words meanwhile."""
        providers: dict[Any, Any] = self.runtime.registry._providers
        key = (self.line.instance.provider, self.line.instance.environment)
        kept = providers[key]
        providers[key] = Other(kept, **traits)
        self._afresh()
        try:
            yield
        finally:
            providers[key] = kept
            self._afresh()

    async def native(self, verb: str, method: str, **more: Any) -> httpx2.Response:
        """The reply of the first way."""
        self._afresh()
        return await self.line.call(verb, method, **more)

    async def spoken(
        self, verb: str, method: str, traits: dict[str, Any] | None = None, **more: Any
    ) -> httpx2.Response:
        """The reply of the second way."""
        with self.other(**(traits or {})):
            return await self.line.call(verb, method, **more)

    async def act(self, act: str, /, **body: Any) -> Any:
        """Something befalls the account."""
        return await self.upstream.control("POST", f"instances/{self.account}/{act}", body)

    async def idle(self) -> None:
        """Wait until nothing waits to be sent, and what was sent has come."""
        async with asyncio.timeout(60):
            while any(row["status"] == "queued" for row in await self.messages()):
                await asyncio.sleep(0.02)
        await asyncio.sleep(0.3)
        await self.heard()

    async def heard(self) -> None:
        """Wait until we have taken every notification that the gateway has for us."""
        async with asyncio.timeout(60):
            while True:
                page = await self.upstream.control("GET", "journal?kind=notification&limit=9999")
                ends = [row["event"] for row in page["entries"] if row["id_instance"] == self.account]
                if ends.count("queued") <= ends.count("acknowledged"):
                    return
                await asyncio.sleep(0.05)

    async def messages(self) -> list[dict[str, Any]]:
        """The truth about the account's messages."""
        found = await self.upstream.control("GET", f"messages?id_instance={self.account}")
        return cast(list[dict[str, Any]], found["messages"])

    async def history(self) -> list[dict[str, Any]]:
        """What the account has sent, as the gateway's own journal has it, oldest first."""
        rows = (await self.native("GET", "lastOutgoingMessages")).json()
        return [row for row in reversed(rows) if row["sendByApi"]]

    def _afresh(self) -> None:
        self.runtime.snapshots.forget()
        self.runtime.snapshots._made.clear()
        self.runtime.gateway.pace._free_at.clear()


def shown(reply: httpx2.Response) -> Any:
    """What a reply says: JSON where it is some, with the secret part of our links masked."""
    text = SEALED.sub("/files/~", reply.text)
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


def unlike(one: Any, other: Any, at: str = "") -> set[str]:
    """Where two values differ: in the value, in the type, in the keys or in their order."""
    if isinstance(one, dict) and isinstance(other, dict):
        both = [name for name in one if name in other]
        found = {f"{at}.{name}" for name in one.keys() ^ other.keys()}
        if both != [name for name in other if name in one]:
            found.add(f"{at}.order")
        return found.union(*(unlike(one[name], other[name], f"{at}.{name}") for name in both))
    if isinstance(one, list) and isinstance(other, list):
        if len(one) != len(other):
            return {f"{at}.length"}
        return set().union(*(unlike(each, twin, f"{at}[]") for each, twin in zip(one, other, strict=True)))
    return set() if type(one) is type(other) and one == other else {at}
