"""Five hundred sign-ups in a minute on two gateways that lose requests and answers, while workers die and Redis
forgets; then some pay, some write, some leave.

Afterwards the upstreams' truth and our rows agree, one account each, every day that an upstream billed, moved or kept
stands in the ledger, and each message was given to upstream once.
"""

import asyncio
import json
import os
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import httpx2
import pytest
import redis.asyncio as redis

from app.kit import ids
from dev import books
from dev import database as databases
from dev.spawn import free_port
from dev.stack import Options, Stack
from tests.journeys import wide
from tests.journeys.storm import Chat, House, Newcomer, Newcomers, kill_workers, wait_until

SIGN_UPS = int(os.environ.get("FAULT_RUN_SIGN_UPS", "500"))
SPREAD_SECONDS = 60.0 * SIGN_UPS / 500
SETTLE_SECONDS = 240.0
PAYING, LEAVING, WRITING, MESSAGES = SIGN_UPS * 3 // 50, SIGN_UPS // 40, 6, 4
"""Tenants of each gateway that pay, that leave afterwards, and that write, and what each of these writes."""
WIDE_WEIGHT = 34
"""Beside GREEN-API's 100: a quarter of them, since a channel costs more calls."""
WIDE_TOKEN = "canaryWidePartner00000000000000000"
LATE_SECONDS = 4.0
SIMULATOR = {
    "warmup_401_seconds": 0.5,
    "warmup_null_seconds": 0.5,
    "starting_seconds": 1.0,
    "listing_lag_seconds": [0.0, 3.0],
    "rate_limits": False,
    "min_delay_ms_override": 0,
    "whapi": {
        "init_seconds": 0.5,
        "launch_seconds": 0.5,
        "mode_change_seconds": 1.0,
        "listing_lag_seconds": 2.0,
        "creations": None,
        "pool_days": 1000,
    },
}
APP = {
    "SUBLET_UPSTREAM_TIMEOUT_SECONDS": "2.5",
    "SUBLET_LEASE_SECONDS": "10",
    "SUBLET_QUIET_SECONDS": "10",  # longer than the slowest create (4 s) and the longest listing lag (3 s) together
    "SUBLET_READY_POLL_SECONDS": "1",
    "SUBLET_SURPLUS_WAIT_SECONDS": "5",
    "SUBLET_LISTING_SECONDS": "15",
    "SUBLET_STATE_POLL_SECONDS": "600",
    "SUBLET_RESOLVE_SECONDS": "1",
    "SUBLET_JOURNAL_SECONDS": "5",  # the simulator's journals have no lag
    "SUBLET_WINGS": wide.__name__,
    "SUBLET_WIDE_PARTNER_TOKEN": WIDE_TOKEN,
}


def mishaps(method: str, **more: Any) -> list[dict[str, Any]]:
    """What befalls a create."""
    return [
        {"method": method, "kind": "lose_answer", "probability": 0.10, **more},
        {"method": method, "kind": "late", "probability": 0.05, "delay_seconds": LATE_SECONDS, **more},
        {"method": method, "kind": "lose_request", "probability": 0.03, **more},
    ]


FAULTS = [
    *mishaps("createInstance"),
    *mishaps("createChannel"),
    {"method": "getInstances", "kind": "status", "status": 502, "probability": 0.05},
    {"method": "getChannels", "kind": "status", "status": 502, "probability": 0.05},
    {"method": "getStateInstance", "kind": "lose_answer", "probability": 0.02},
    {"method": "checkHealth", "kind": "lose_answer", "probability": 0.02},
]
LATER_FAULTS = [
    {"method": "extendChannel", "kind": "lose_answer", "probability": 0.15},
    {"method": "extendChannel", "kind": "lose_request", "probability": 0.10},
    {"method": "extendChannel", "kind": "late", "probability": 0.05, "delay_seconds": LATE_SECONDS},
    {"method": "changeChannelMode", "kind": "lose_answer", "probability": 0.10},
    {"method": "getPartner", "kind": "status", "probability": 0.10},
    {"method": "deleteChannel", "kind": "lose_answer", "times": 1},  # a dozen channels go: by chance none may be met
    {"method": "deleteChannel", "kind": "lose_answer", "probability": 0.15},
    {"method": "deleteChannel", "kind": "lose_request", "probability": 0.15},
    {"method": "deleteInstanceAccount", "kind": "lose_answer", "probability": 0.15},
    {"method": "deleteInstanceAccount", "kind": "lose_request", "probability": 0.15},
    {"method": "sendMessage", "kind": "lose_answer", "probability": 0.25},
    {"method": "sendMessage", "kind": "lose_request", "probability": 0.15},
    {"method": "sendMessageText", "kind": "lose_answer", "probability": 0.25},
    {"method": "sendMessageText", "kind": "lose_request", "probability": 0.15},
    {"method": "statuses.post", "kind": "duplicate_notification", "probability": 0.3},
    {"method": "outgoingMessageStatus", "kind": "duplicate_notification", "probability": 0.3},
]
FAULTY = ("createInstance", "createChannel", "extendChannel", "deleteChannel", "sendMessage", "sendMessageText")
GONE = ("deleted", "vanished")
SENT = ("sent", "delivered", "read")


@pytest.fixture
def stack() -> Iterator[Stack]:
    """A private stack with two workers and two gateways."""
    port = free_port()
    faces = ("--config", json.dumps(SIMULATOR), "--whapi-token", WIDE_TOKEN, "--whapi-manager-port", str(port))
    env = {**APP, "SUBLET_WIDE_URL": f"http://127.0.0.1:{port}"}
    with Stack(Options(env=env, workers=2, simulator=faces)) as running:
        yield running


@asynccontextmanager
async def system_connection(stack: Stack) -> AsyncIterator[asyncpg.Connection]:
    """Our rows, as the system sees them."""
    connection = await asyncpg.connect(databases.plain(stack.servers.dsns.system))
    try:
        yield connection
    finally:
        await connection.close()


class Run:
    """The run, part by part."""

    def __init__(self, stack: Stack, http: httpx2.AsyncClient, connection: asyncpg.Connection) -> None:
        self.house, self.connection = House(stack, http), connection
        self.newcomers = Newcomers(stack, http)
        self.wrong: list[str] = []
        self.leaving: set[str] = set()

    async def everybody_signs_up(self) -> None:
        """All within a minute, while Redis forgets twice.

        Three lost creates in a row make a gateway unwell, and nobody would go there for minutes: the operator says that
        it is well.
        """
        signing = asyncio.create_task(self.newcomers.sign_up(SIGN_UPS, SPREAD_SECONDS))
        healing = asyncio.create_task(self._heal())
        wiper = redis.from_url(self.house.stack.servers.redis_url)
        for part in (1, 2):
            await asyncio.sleep(SPREAD_SECONDS * part / 3)
            await wiper.flushall()
        await wiper.aclose()
        await signing
        healing.cancel()
        await asyncio.sleep(10)

    async def _heal(self) -> None:
        while True:
            for name in ("green_api", wide.NAME):
                await self.house.operator("POST", f"/providers/{name}/live/resume")
            await asyncio.sleep(1)

    async def is_settled(self) -> bool:
        """Whether every instance is active, or gone if it was to go."""
        rows = await self.connection.fetch("select id, status from instances")
        gone = {ids.to_wire(ids.INSTANCE, row["id"]) for row in rows if row["status"] == "deleted"}
        return gone == self.leaving and all(row["status"] in ("active", "deleted") for row in rows)

    async def some_of(self, provider: str) -> list[tuple[Newcomer, str]]:
        """The tenants of a gateway, each with its upstream account."""
        query = "select id, upstream_account from instances where provider = $1 order by id"
        by_id = {who.instance_id: who for who in self.newcomers.all}
        rows = await self.connection.fetch(query, provider)
        return [(by_id[ids.to_wire(ids.INSTANCE, row["id"])], row["upstream_account"]) for row in rows]

    async def they_use_it(self) -> list[Chat]:
        """Of each gateway some pay, some of these leave, and others write, all at once."""
        acts, chats = [], []
        for provider in ("green_api", wide.NAME):
            some = await self.some_of(provider)
            assert len(some) >= PAYING + WRITING, "too few are on one of the gateways"
            for place, (who, account) in enumerate(some[: PAYING + WRITING]):
                if place < PAYING:
                    acts.append(self._pays(who, leaves=place < LEAVING))
                    self.leaving |= {who.instance_id} if place < LEAVING else set()
                else:
                    chats.append(Chat(self.house, who, account, is_green=provider == "green_api"))
                    acts.append(self._writes(chats[-1]))
        await asyncio.gather(*acts)
        return chats

    async def _pays(self, who: Newcomer, *, leaves: bool) -> None:
        paid = {"days": 30, "reference": "invoice-1"}
        for _ in range(2):
            await self.house.operator("POST", f"/instances/{who.instance_id}/go_live", paid)
        if leaves:
            await asyncio.sleep(1 + who.number % 5)
            reply = await self.house.ask(who, "DELETE", "")
            assert reply.status_code == 202, reply.text

    async def _writes(self, chat: Chat) -> None:
        await chat.link()
        await chat.send(MESSAGES)

    async def books_agree(self) -> bool:
        """Whether the ledger is what both upstreams say."""
        bills, told, channels = [await self.house.truth(path) for path in books.PATHS]
        await books.hurry(self.connection)
        truth = books.Told.of(bills, told, channels, WIDE_TOKEN)
        self.wrong = await books.differences(self.connection, truth, wide.NAME)
        return not self.wrong

    async def accounts(self) -> tuple[dict[str, str], list[str]]:
        """The living accounts upstream with their names, and the names of all that ever were."""
        green = (await self.house.truth("instances"))["instances"]
        channels = (await self.house.truth("whapi/channels"))["channels"]
        alive = {str(row["id_instance"]): row["name"] for row in green if row["deleted_at"] is None}
        alive |= {row["id"]: row["name"] for row in channels if row["state"] not in GONE}
        self.newcomers.secrets += [row["token"] for row in (*green, *channels)]
        return alive, [row["name"] for row in (*green, *channels)]


async def each_was_given_once(chats: list[Chat]) -> bool:
    """Whether the end of every message is known, and is what upstream says; never is one given twice."""
    for chat in chats:
        given, statuses = await chat.given(), await chat.statuses()
        assert max(given.values(), default=0) <= 1, f"a message was given twice: {given}"
        assert set(statuses) == set(chat.ids)
        if not set(statuses.values()) <= {*SENT, "not_sent"}:
            return False
        assert {text for text, status in statuses.items() if status in SENT} == set(given)
    return True


async def extensions_match(run: Run) -> None:
    """What we hold for done was done once, and none besides but where the account went before it was seen."""
    movements = (await run.house.truth("whapi/books"))["movements"]
    done = Counter(line["comment"] for line in movements if line["reason"] == "extension")
    rows = await run.connection.fetch("select comment, state from extensions")
    assert max(done.values()) == 1, "an extension was made twice"
    held, unseen = ({row["comment"] for row in rows if row["state"] == state} for state in ("done", "gone"))
    assert held <= set(done) <= held | unseen
    assert {row["state"] for row in rows} <= {"done", "lost", "refused", "gone"}


@pytest.mark.timeout(800)
async def test_five_hundred_sign_ups_on_two_gateways_through_every_fault(stack: Stack) -> None:
    limits = httpx2.Limits(max_connections=100)
    async with httpx2.AsyncClient(timeout=60, limits=limits) as http, system_connection(stack) as connection:
        run = Run(stack, http, connection)
        await run.house.operator("PUT", f"/providers/{wide.NAME}/live/weight", {"weight": WIDE_WEIGHT})
        await run.house.control("faults", {"rules": FAULTS, "seed": 7})
        killer = asyncio.create_task(kill_workers(stack))
        await run.everybody_signs_up()
        killer.cancel()
        assert await wait_until(run.is_settled, SETTLE_SECONDS), await connection.fetch(
            "select provider, status, failure, create_attempts, count(*) from instances group by 1, 2, 3, 4"
        )

        await run.house.control("faults", {"rules": LATER_FAULTS, "seed": 11})
        killer = asyncio.create_task(kill_workers(stack))
        chats = await run.they_use_it()
        killer.cancel()
        assert await wait_until(run.is_settled, 120), await connection.fetch(
            "select provider, status, delete_step, count(*) from instances group by 1, 2, 3"
        )
        assert await wait_until(lambda: each_was_given_once(chats), 90), [await chat.statuses() for chat in chats]
        assert await wait_until(run.books_agree, 60), run.wrong
        await extensions_match(run)

        ours = await connection.fetch("select upstream_account, tag, provider from instances where status = 'active'")
        alive, ever = await run.accounts()
        assert len(run.newcomers.all) == SIGN_UPS
        assert len(ours) == SIGN_UPS - 2 * LEAVING
        assert alive == {row["upstream_account"]: row["tag"] for row in ours}
        assert max(Counter(ever).values()) == 1, "an account was created twice"
        assert await connection.fetchval("select count(*) from work where dead_at is not null") == 0

        for method in FAULTY:
            calls = (await run.house.truth(f"journal?method={method}&limit=5000"))["entries"]
            assert any(call.get("told") != "ok" for call in calls), f"no fault of {method} was ever met"
        assert all(worker.starts > 3 for worker in stack.workers), "the workers were not killed"
        secrets = [*run.newcomers.secrets, stack.partner_token, WIDE_TOKEN, stack.operator_key["secret"]]
        assert_silent(stack, secrets)


def assert_silent(stack: Stack, secrets: list[str]) -> None:
    """No log of any process holds any secret of the run."""
    text = "\n".join(path.read_text(errors="replace") for path in stack.logs.rglob("*") if path.is_file())
    assert "worker_started" in text
    assert [secret[:12] for secret in secrets if secret in text] == []
