"""People who finish the sign-ups under load: they read their mail, come back with the code, and wait."""

import asyncio
import re
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import aiohttp

from bench.stage import BenchFailed

LOOK_SECONDS = 0.3
PATIENCE_SECONDS = 60.0
SLOWEST = 2.0  # newcomers a second
AT_ONCE = 16
CODE = re.compile(r"\b(\d{6})\b")


@dataclass
class Arrivals:
    """What the newcomers saw, in milliseconds; a session is their second call, which opens the account."""

    sessions_ms: list[float] = field(default_factory=list)
    ready_ms: list[float] = field(default_factory=list)


async def arrive(api_url: str, mailbox_url: str, domain: str, expected: int) -> Arrivals:
    """Bring everybody who gets a mail at the domain through to a provisioned instance.

    Raises:
        BenchFailed: not all came through in time.
    """
    crowd = _Crowd(api_url, mailbox_url, domain)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS + expected / SLOWEST):
            return await crowd.bring_in(expected)
    except (TimeoutError, ExceptionGroup) as error:
        seen = crowd.arrivals
        raise BenchFailed(
            f"of {expected} newcomers {len(crowd.known)} had mail, {len(seen.sessions_ms)} came in and "
            f"{len(seen.ready_ms)} have their instance: {_first(error)!r}"
        ) from None


class _Crowd:
    def __init__(self, api_url: str, mailbox_url: str, domain: str) -> None:
        self.arrivals = Arrivals()
        self.known: set[str] = set()
        self._api_url = api_url
        self._mailbox_url = mailbox_url
        self._domain = domain
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def bring_in(self, expected: int) -> Arrivals:
        async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as people:
            while len(self.known) < expected:
                for address, code in await self._mail(session):
                    people.create_task(self._come_in(session, address, code))
                await asyncio.sleep(LOOK_SECONDS)
        return self.arrivals

    async def _mail(self, session: aiohttp.ClientSession) -> list[tuple[str, str]]:
        async with session.get(f"{self._mailbox_url}/messages") as reply:
            letters = (await reply.json())["messages"]
        new = []
        for letter in letters:
            address, found = letter["to"][0], CODE.search(letter["text"])
            if found and address.endswith(self._domain) and address not in self.known:
                self.known.add(address)
                new.append((address, found.group(1)))
        return new

    async def _come_in(self, session: aiohttp.ClientSession, address: str, code: str) -> None:
        started = time.perf_counter()
        body = {"email": address, "code": code}
        async with session.post(f"{self._api_url}/v1/auth/sessions", json=body) as reply:
            made: dict[str, Any] = await reply.json()
            if reply.status != 201:
                raise BenchFailed(f"a session was refused: {reply.status} {made}")
        self.arrivals.sessions_ms.append((time.perf_counter() - started) * 1000)
        await self._wait(session, made["api_key"]["secret"], made["operation_id"])

    async def _wait(self, session: aiohttp.ClientSession, key: str, operation_id: str) -> None:
        """How long provisioning took is read from the operation itself, so it may be looked at seldom."""
        headers = {"Authorization": f"Bearer {key}"}
        while True:
            await asyncio.sleep(2)
            async with self._gate, session.get(f"{self._api_url}/v1/operations/{operation_id}", headers=headers) as got:
                seen: dict[str, Any] = await got.json()
            if seen["status"] == "succeeded":
                took = datetime.fromisoformat(seen["finished_at"]) - datetime.fromisoformat(seen["created_at"])
                self.arrivals.ready_ms.append(took.total_seconds() * 1000)
                return
            if seen["status"] not in ("queued", "running"):
                raise BenchFailed(f"provisioning failed: {seen['error']}")


def _first(error: Exception) -> Exception:
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error
