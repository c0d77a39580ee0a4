"""Nothing of upstream reaches a tenant: whatever it says is replayed, and everything that leaves is searched."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

import httpx2
import pytest
import structlog
from prometheus_client import Counter

from app.accounts.vault import open_vault
from app.instances import service as instances
from app.kit import ids
from app.kit.db import SYSTEM
from app.runtime import Runtime
from tests.conftest import PARTNER_LIVE, PARTNER_TEST, Drain, Upstream
from tests.factories import bearer
from tests.house.leaks_upstream import CONSOLE, SENTENCES, WORST, errors, poisoned, secrets_of, worst
from tests.house.methods_calls import ALL, Attempt
from tests.house.methods_matrix import Matrix
from tests.house.methods_seats import CHAT, Seat, Seats
from tests.receiver import Got, Receiver, receiving
from tests.verbs.lines.lines import ALL_ON
from tests.witness import Witness, watching
from tests.workers.test_lines_notices import HAPPENINGS, WRITTEN

OFTEN = (
    *("sendMessage", "sendFileByUrl", "sendPoll", "uploadFile", "sendFileByUpload", "forwardMessages"),
    *("checkWhatsapp", "getAvatar", "readChat", "archiveChat", "deleteMessage", "addGroupParticipant", "deleteStatus"),
    *("getChats", "addContact", "getStateInstanceHistory", "getMessage", "sendTyping", "sendTextStatus"),
)
"""Methods that may be called often: each meets every shape of every error."""


@pytest.fixture
async def witness() -> AsyncIterator[Witness]:
    """Watches from before the first request."""
    async with watching() as seen:
        yield seen


@dataclass
class Watch:
    """A world whose every answer is kept, and what a tenant can read of it."""

    witness: Witness
    seats: Seats
    hook_tokens: dict[int, str] = field(default_factory=dict)
    got: list[tuple[str, Got]] = field(default_factory=list)

    async def hide(self, seat: Seat) -> None:
        """Nothing of this account may be seen."""
        runtime, number = self.seats.runtime, seat.upstream_id
        async with runtime.database.begin(SYSTEM) as uow:
            row = await instances.find(uow, seat.instance.id)
            vault = await open_vault(uow, row.tenant_id)
            assert row.hook_token_sealed is not None
            hook = vault.open(row.hook_token_sealed, f"instances.hook_token|{row.id}")
        self.hook_tokens[number] = hook
        self.witness.hide(f"hook token of {number}", hook)
        self.witness.hide(f"token of {number}", seat.upstream_token)
        self.witness.hide(f"number {number}", str(number))
        self.witness.hide(f"path of {number}", f"waInstance{number}")

    def hide_the_house(self) -> None:
        """Nor of the upstream itself."""
        self.witness.hide("partner token", PARTNER_LIVE)
        self.witness.hide("partner token, test", PARTNER_TEST)
        for host in self.seats.runtime.registry.get("green_api", "live").hosts():
            self.witness.hide(f"host {host}", host)
        self.witness.hide("console", CONSOLE)
        for sentence in SENTENCES:
            self.witness.hide(f"sentence {sentence!r}", sentence)

    async def read(self, seat: Seat) -> None:
        """All that the tenant can ask for."""
        client, headers = self.seats.client, seat.tenant.headers
        for tail in ("", "/state", "/usage", "/subscription", "/credentials", "/messages?limit=100"):
            await client.get(f"{seat.path}{tail}", headers=headers)
        for path in ("/v1/operations", "/v1/instances", "/metrics", "/v1/event_types"):
            await client.get(path, headers=headers)
        after = {"limit": "100"}
        while True:
            page = (await client.get("/v1/events", headers=headers, params=after)).json()
            if not page.get("next_cursor"):
                break
            after["cursor"] = page["next_cursor"]

    async def pull(self, seat: Seat) -> int:
        """Take every kept notification out, as a bot does."""
        client, taken = self.seats.client, 0
        while (notice := (await client.get(seat.line("receiveNotification"))).json()) is not None:
            await client.delete(f"{seat.line('deleteNotification')}/{notice['receiptId']}")
            taken += 1
        return taken

    def leaks(self) -> set[str]:
        """Where what was hidden stands."""
        pushed = [(f"push to {where}", f"{got.path} {got.headers!r} {got.body.decode()}") for where, got in self.got]
        return self.witness.in_answers() | self.witness.in_logs() | self.witness.found(pushed)


@pytest.fixture
async def watch(
    witness: Witness, runtime: Runtime, client: httpx2.AsyncClient, drain: Drain, upstream: Upstream
) -> AsyncIterator[Watch]:
    """See `Watch`."""
    await upstream.control("POST", "config", {"fetch_files": False, "min_delay_ms_override": 0, "stall_seconds": 4})
    hooks = {"response": [witness.keep]}
    limits = httpx2.Limits(max_connections=120)
    async with httpx2.AsyncClient(base_url=client.base_url, timeout=60, event_hooks=hooks, limits=limits) as watched:
        made = Watch(witness, await Seats.open(runtime, watched, upstream, drain))
        made.hide_the_house()
        yield made


async def twice(matrix: Matrix, attempt: Attempt, seat: Seat, number: int) -> None:
    """One call, with words of its own; what may be replayed is asked for again under its key."""
    if attempt.face != "typed" or attempt.verb != "POST":
        await matrix.call(attempt, seat)
        return
    if isinstance(attempt.body, dict) and isinstance(attempt.body.get("text"), dict):
        attempt = replace(attempt, body={**attempt.body, "text": {"body": f"Hello {number}"}})
    headers = {**seat.tenant.headers, "Idempotency-Key": f"{attempt.label}-{number}"}
    for _ in range(2):
        await matrix.call(attempt, seat, headers)


@pytest.mark.timeout(300)
async def test_no_shape_of_an_error_leaks(watch: Watch) -> None:
    matrix = Matrix(watch.seats, faults={})
    await matrix.prepare(("told",))
    by_face = {face: seat for (face, _), seat in matrix.own.items()}
    for seat in by_face.values():
        await watch.hide(seat)
    often = [attempt for attempt in ALL if attempt.method.name in OFTEN]
    lists = [list(errors(seat)) for seat in by_face.values()]
    for number, told in enumerate(zip(*lists, strict=True)):
        rules = [
            {"method": "*", "id_instance": seat.upstream_id, **each.rule}
            for seat, each in zip(by_face.values(), told, strict=True)
        ]
        await watch.seats.upstream.faults(*rules)
        some = [attempt for place, attempt in enumerate(often) if place % 6 == number % 6]
        await asyncio.gather(*(twice(matrix, attempt, by_face[attempt.face], number) for attempt in some))
    await watch.seats.upstream.faults()
    for seat in by_face.values():
        await watch.read(seat)
    assert len(watch.witness.answers) > 1000
    replays = [headers for _, headers in watch.witness.answers if "idempotent-replayed" in headers]
    assert len(replays) > 50
    assert watch.leaks() == set()


@pytest.mark.timeout(300)
async def test_no_method_leaks_the_worst_of_them(watch: Watch) -> None:
    faults = {name: lambda seat, name=name: worst(name, seat) for name in WORST}
    matrix = Matrix(watch.seats, faults=faults)
    await matrix.prepare(())
    for seat in [*matrix.own.values(), *matrix.spare.values()]:
        await watch.hide(seat)
    for name in WORST:
        for attempt in ALL:
            await matrix.outcome(name, attempt)
    for seat in matrix.own.values():
        await watch.read(seat)
    assert watch.leaks() == set()


async def true_notices(watch: Watch, seat: Seat) -> list[dict[str, Any]]:
    """Every kind of notification as the simulator tells it."""
    for body in WRITTEN:
        if "green-api" in str(body):
            continue  # people may write of it; that is theirs
        for act in ("receive", "send_from_phone"):
            own = {} if act == "receive" else {"id_message": f"3B{len(str(body))}{ids.new_id().hex[:8]}"}
            await watch.seats.act(seat, act, chat_id=CHAT, **{**body, **own})
    for act, body in HAPPENINGS:
        await watch.seats.act(seat, act, **body)

    async def is_quiet() -> bool:
        rows = await watch.seats.upstream.instances()
        return not next(row for row in rows if row["id_instance"] == seat.upstream_id)["notification_queue"]

    await watch.seats.drain(until=is_quiet, seconds=60)
    query = f"journal?kind=notification&id_instance={seat.upstream_id}&limit=9999"
    entries = (await watch.seats.upstream.control("GET", query))["entries"]
    quota = {"method": "correspondents", "used": 3, "total": 3, "status": "x", "description": secrets_of(seat)}
    extra = [
        {
            "typeWebhook": "quotaExceeded",
            "instanceData": {"idInstance": seat.upstream_id, "wid": "1@c.us", "typeInstance": "whatsapp"},
            "quotaData": quota,
        },
        {
            "typeWebhook": "somethingNew",
            "instanceData": {"idInstance": seat.upstream_id, "wid": "1@c.us", "typeInstance": "whatsapp"},
            "timestamp": 1795304977,
            "text": secrets_of(seat),
        },
    ]
    told = [entry["request"] for entry in entries if entry["event"] == "acknowledged"]
    kinds = {(body["typeWebhook"], body.get("messageData", {}).get("typeMessage")): body for body in told}
    return [*kinds.values(), *extra]


async def all_on(watch: Watch, seat: Seat, **settings: Any) -> None:
    """The line wants everything, of upstream too."""
    reply = await watch.seats.client.post(seat.line("setSettings"), json={**ALL_ON, **settings})
    assert reply.json() == {"saveSettings": True}, reply.text
    await watch.seats.settled(seat)


@pytest.mark.timeout(300)
async def test_no_notification_leaks(watch: Watch) -> None:
    """Through events, webhooks, rows, the queue that is pulled, and the address that is pushed to."""
    pulled, pushed = await watch.seats.make(2)
    client, headers = watch.seats.client, watch.seats.tenant.headers
    async with receiving() as receiver:
        made = await client.post("/v1/webhook_endpoints", headers=headers, json={"url": receiver.url})
        assert made.status_code == 201, made.text
        await all_on(watch, pulled)
        await all_on(watch, pushed, webhookUrl=receiver.url.replace("hook", "line"), webhookUrlToken="mine")
        for seat in (pulled, pushed):
            await watch.hide(seat)
            kinds = await true_notices(watch, seat)
            assert len({body["typeWebhook"] for body in kinds}) >= 11, {body["typeWebhook"] for body in kinds}
            hook = f"/hooks/green/{ids.to_wire(ids.INSTANCE, seat.instance.id)}"
            sent = 0
            for body in kinds:
                for changed in poisoned(seat, body)[0 if seat is pulled else -1 :]:
                    # With an id of its own it is told again; upstream's own are as they were.
                    if "idMessage" in changed:
                        changed["idMessage"] = f"3C{sent:06d}"
                    reply = await client.post(hook, headers=bearer(watch.hook_tokens[seat.upstream_id]), json=changed)
                    assert reply.status_code == 200
                    sent += 1
            assert sent >= len(kinds)
            await watch.read(seat)
        assert await watch.pull(pulled) > 150
        await watch.seats.drain(seconds=120)
        watch.got = [(got.path, got) for got in receiver.got]
        assert len([path for path, _ in watch.got if path == "/hook"]) > 200
        assert len([path for path, _ in watch.got if path == "/line"]) > 50
    assert watch.leaks() == set()


@pytest.mark.timeout(300)
async def test_no_file_leaks_where_it_comes_from(watch: Watch) -> None:
    [seat] = await watch.seats.make(1)
    await watch.hide(seat)
    link = await uploaded(watch, seat, b"picture")
    said = f"https://{CONSOLE}.invalid/waInstance{seat.upstream_id}/{seat.upstream_token}"
    for kind in ("stall", "half_body", "garbage"):
        await watch.seats.upstream.faults({"method": "_files", "kind": kind})
        with contextlib.suppress(httpx2.HTTPError):  # a file that breaks off
            await watch.seats.client.get(link)
    for told in errors(seat):
        if told.status != 200 and told.shape in ("page", "text"):
            body = said if told.status in (301, 302) else told.body
            rule = {"method": "_files", "kind": "status", "status": told.status, "body": body}
            await watch.seats.upstream.faults(rule)
            reply = await watch.seats.client.get(link)
            assert reply.status_code in (404, 416, 502), reply.text
    await watch.seats.upstream.faults()
    fine = await watch.seats.client.get(link)
    assert (fine.status_code, fine.content) == (200, b"picture")
    assert watch.leaks() == set()


async def uploaded(watch: Watch, seat: Seat, content: bytes) -> str:
    """Our link to a file that the gateway stores."""
    more = {"headers": {"Content-Type": "image/jpeg", "GA-Filename": "a.jpg"}}
    reply = await watch.seats.client.post(seat.line("uploadFile"), content=content, **more)
    assert reply.status_code == 200, reply.text
    link: str = reply.json()["urlFile"]
    return link


PLANTED = Counter("sublet_test_planted", "A leak into the metrics.", ["what"])
CHANNELS = {
    "drop-in answer": "GET /waInstance7",
    "drop-in queue": "/receiveNotification/",
    "native answer": "/gateway/getChatHistory",
    "typed answer": "/recent_messages",
    "rows": "/messages",
    "replay": "POST /v1/instances/",
    "events": "GET /v1/events",
    "webhook": "push to /hook",
    "push": "push to /line",
    "file": "GET /files/",
    "metrics": "GET /metrics",
    "log": "log: ",
}


@pytest.mark.timeout(120)
async def test_a_planted_leak_is_found_in_each_channel(watch: Watch) -> None:
    """What people write flows through every channel: here it is the secret."""
    secret = f"leak-{uuid4().hex}"
    pulled, pushed = await watch.seats.make(2)
    client, headers = watch.seats.client, watch.seats.tenant.headers
    async with receiving() as receiver:
        await client.post("/v1/webhook_endpoints", headers=headers, json={"url": receiver.url})
        await all_on(watch, pulled)
        await all_on(watch, pushed, webhookUrl=receiver.url.replace("hook", "line"))
        assert watch.leaks() == set()
        watch.witness.hide("planted", secret)
        for seat in (pulled, pushed):
            await watch.seats.act(seat, "receive", chat_id=CHAT, text=secret)
        await watch.seats.drain(until=lambda: _has(receiver, 2))
        await watch.pull(pulled)
        await client.get(pulled.line("lastIncomingMessages"))
        history = {"json": {"chatId": CHAT}, "headers": headers}
        await client.post(f"{pulled.path}/gateway/getChatHistory", **history)
        await client.get(f"{pulled.path}/recent_messages", headers=headers)
        body = {"to": CHAT, "type": "text", "text": {"body": secret}}
        for _ in range(2):
            sent = await client.post(f"{pulled.path}/messages", headers={**headers, "Idempotency-Key": "k"}, json=body)
        assert sent.headers["Idempotent-Replayed"] == "true"
        await client.get(await uploaded(watch, pulled, secret.encode()))
        PLANTED.labels(secret).inc()
        structlog.get_logger().debug("oops", value=secret)
        await watch.read(pulled)
        watch.got = [(got.path, got) for got in receiver.got]
    PLANTED.clear()
    found = watch.leaks()
    for channel, where in CHANNELS.items():
        assert [leak for leak in found if where in leak], f"{channel}: {found}"
    replays = [(where, text) for where, text in watch.witness.answers if "idempotent-replayed" in text]
    assert watch.witness.found(replays)


async def _has(receiver: Receiver, count: int) -> bool:
    return len([got for got in receiver.got if b"leak-" in got.body]) >= count
