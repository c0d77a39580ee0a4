"""Five hundred sign-ups in a minute against an upstream that loses answers, while workers die and Redis forgets.

Afterwards the upstream's truth and our rows agree, one instance each, and every charge stands in the ledger.
"""

import asyncio
import json
import os
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

import asyncpg
import httpx2
import pytest
import redis.asyncio as redis

from dev import database as databases
from dev.stack import Options, Stack

SIGN_UPS = int(os.environ.get("FAULT_RUN_SIGN_UPS", "500"))
SPREAD_SECONDS = 60.0 * SIGN_UPS / 500
SETTLE_SECONDS = 240.0
SIMULATOR = {
    "warmup_401_seconds": 0.5,
    "warmup_null_seconds": 0.5,
    "starting_seconds": 1.0,
    "listing_lag_seconds": [0.0, 3.0],
    "rate_limits": False,
}
LATE_SECONDS = 4.0
APP = {
    "SUBLET_UPSTREAM_TIMEOUT_SECONDS": "2.5",
    "SUBLET_LEASE_SECONDS": "10",
    "SUBLET_QUIET_SECONDS": "10",  # longer than the slowest create (4 s) and the longest listing lag (3 s) together
    "SUBLET_READY_POLL_SECONDS": "1",
    "SUBLET_SURPLUS_WAIT_SECONDS": "5",
    "SUBLET_LISTING_SECONDS": "15",
    "SUBLET_STATE_POLL_SECONDS": "600",
}
FAULTS = [
    {"method": "createInstance", "kind": "lose_answer", "probability": 0.10},
    {"method": "createInstance", "kind": "late", "probability": 0.05, "delay_seconds": LATE_SECONDS},
    {"method": "createInstance", "kind": "lose_request", "probability": 0.03},
    {"method": "getInstances", "kind": "status", "status": 502, "probability": 0.05},
    {"method": "getStateInstance", "kind": "lose_answer", "probability": 0.02},
]


@pytest.fixture
def stack() -> Iterator[Stack]:
    """A private stack with two workers."""
    options = Options(env=APP, workers=2, simulator=("--config", json.dumps(SIMULATOR)))
    with Stack(options) as running:
        yield running


class Newcomers:
    """All who sign up: they read their own mail and nobody helps them."""

    def __init__(self, stack: Stack, http: httpx2.AsyncClient) -> None:
        self.stack, self.http = stack, http
        self.codes: dict[str, str] = {}
        self.secrets: list[str] = []
        self.sign_up_ms: list[float] = []
        self.instances: set[str] = set()

    async def all(self) -> None:
        """Everybody, evenly over the minute."""
        postman = asyncio.create_task(self._read_mail())
        await asyncio.gather(*(self._one(number) for number in range(SIGN_UPS)))
        postman.cancel()

    async def _one(self, number: int) -> None:
        await asyncio.sleep(SPREAD_SECONDS * number / SIGN_UPS)
        email = f"person{number}@example.com"
        started = time.perf_counter()
        asked = {"email": email, "organization_name": f"Shop {number}", "accept_terms": True}
        reply = await self.http.post(f"{self.stack.api_url}/v1/auth/sign_ups", json=asked)
        self.sign_up_ms.append((time.perf_counter() - started) * 1000)
        assert reply.status_code == 202, reply.text
        while email not in self.codes:
            await asyncio.sleep(0.1)
        proof = {"email": email, "code": self.codes[email]}
        reply = await self.http.post(f"{self.stack.api_url}/v1/auth/sessions", json=proof)
        assert reply.status_code == 201, reply.text
        made = reply.json()
        self.secrets += [made["token"], made["api_key"]["secret"]]
        self.instances.add(made["instance_id"])

    async def _read_mail(self) -> None:
        while True:
            reply = await self.http.get(f"{self.stack.mailbox_url}/messages")
            for mail in reply.json()["messages"]:
                found = re.search(r"\b(\d{6})\b", mail["text"])
                if found:
                    to = mail["to"]
                    self.codes[to if isinstance(to, str) else to[0]] = found.group(1)
            await asyncio.sleep(0.3)


async def kill_workers(stack: Stack) -> None:
    """SIGKILL one worker after the other, every few seconds; the supervisor starts it again."""
    turn = 0
    while True:
        await asyncio.sleep(3.5)
        await asyncio.to_thread(stack.workers[turn % len(stack.workers)].kill)
        turn += 1


@asynccontextmanager
async def system_connection(stack: Stack) -> AsyncIterator[asyncpg.Connection]:
    """Our rows, as the system sees them."""
    connection = await asyncpg.connect(databases.plain(stack.servers.dsns.system))
    try:
        yield connection
    finally:
        await connection.close()


async def truth(stack: Stack, http: httpx2.AsyncClient, path: str) -> Any:
    """The simulator's own books."""
    return (await http.get(f"{stack.simulator_url}/_sim/{path}")).json()


async def settled(connection: asyncpg.Connection) -> bool:
    """Whether every instance is active."""
    rows = await connection.fetch("select status, count(*) from instances group by 1")
    return {row["status"] for row in rows} == {"active"}


async def charges_match(stack: Stack, http: httpx2.AsyncClient, connection: asyncpg.Connection) -> bool:
    """Whether each instance-day that the upstream bills is booked once, and nothing else is."""
    billed = Counter((bill["id_instance"], bill["day"]) for bill in (await truth(stack, http, "bills"))["bills"])
    rows = await connection.fetch(
        "select i.upstream_id, t.day from ledger_transactions t"
        " join instances i on i.tenant_id = t.tenant_id and i.id = t.instance_id where t.kind = 'charge'"
        " union all select split_part(source, ':', 3)::bigint, day from ledger_transactions where kind = 'surplus'"
    )
    booked = Counter((row["upstream_id"], _day(row["day"])) for row in rows)
    return billed == booked


def _day(value: date) -> str:
    return value.isoformat()


async def wait_until(condition: Any, seconds: float) -> bool:
    """Ask again and again."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if await condition():
            return True
        await asyncio.sleep(1)
    return False


@pytest.mark.timeout(600)
async def test_five_hundred_sign_ups_through_every_fault(stack: Stack) -> None:
    limits = httpx2.Limits(max_connections=100)
    async with httpx2.AsyncClient(timeout=60, limits=limits) as http, system_connection(stack) as connection:
        await http.post(f"{stack.simulator_url}/_sim/faults", json={"rules": FAULTS, "seed": 7})
        newcomers = Newcomers(stack, http)
        killer = asyncio.create_task(kill_workers(stack))
        signing = asyncio.create_task(newcomers.all())
        wiper = redis.from_url(stack.servers.redis_url)
        for part in (1, 2):
            await asyncio.sleep(SPREAD_SECONDS * part / 3)
            await wiper.flushall()
        await wiper.aclose()
        await signing
        await asyncio.sleep(10)
        killer.cancel()

        assert await wait_until(lambda: settled(connection), SETTLE_SECONDS), await connection.fetch(
            "select status, failure, create_attempts, count(*) from instances group by 1, 2, 3"
        )
        assert await wait_until(lambda: charges_match(stack, http, connection), 130)

        ours = {
            row["upstream_id"]: row["tag"] for row in await connection.fetch("select upstream_id, tag from instances")
        }
        theirs = (await truth(stack, http, "instances"))["instances"]
        alive = {row["id_instance"]: row["name"] for row in theirs if row["deleted_at"] is None}
        assert len(ours) == len(newcomers.instances) == SIGN_UPS
        assert alive == ours
        assert max(Counter(row["name"] for row in theirs).values()) == 1, "an instance was created twice"
        assert await connection.fetchval("select coalesce(sum(days), 0) from ledger_entries") == 0
        assert await connection.fetchval("select count(*) from work where dead_at is not null") == 0

        lost = (await truth(stack, http, "journal?method=createInstance&limit=5000"))["entries"]
        assert any(call.get("told") != "ok" for call in lost), "no fault was ever met"
        assert all(worker.starts > 3 for worker in stack.workers), "the workers were not killed"
        secrets = (
            newcomers.secrets + [row["token"] for row in theirs] + [stack.partner_token, stack.operator_key["secret"]]
        )
        assert_silent(stack, secrets)


def assert_silent(stack: Stack, secrets: list[str]) -> None:
    """No log of any process holds any secret of the run."""
    text = "\n".join(path.read_text(errors="replace") for path in stack.logs.rglob("*") if path.is_file())
    assert "worker_started" in text
    assert [secret[:12] for secret in secrets if secret in text] == []
