"""No secret in any log, answer, row or key: real flows run, faults included, and everything is searched."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx2
import pytest
import structlog
from sqlalchemy import text

from app.accounts.vault import open_vault
from app.jobs import SendEmailCode
from app.kit import ids
from app.kit.db import SYSTEM
from app.kit.queue import RedisBell
from app.kit.work import Claim
from app.runtime import Runtime
from dev.database import Dsns
from dev.mailbox import Mailbox
from dev.postgres import PostgresServer
from tests.conftest import PARTNER_LIVE, PARTNER_TEST, Drain, KeptBell, Upstream
from tests.factories import bearer, operator_headers
from tests.receiver import receiving
from tests.witness import Witness, in_redis, stored, watching
from workers.main import HANDLERS
from workers.task import do_work

FAULTS = [
    "lose_answer", "late", "slow_answer", "refuse", "done_then_status", "plain_text_400", "half_body", "garbage",
    "wrong_content_type", "stall", "lose_request",
]  # fmt: skip
FRIEND = "+79990005544"


@pytest.fixture
async def witness() -> AsyncIterator[Witness]:
    """Watches from before the first request."""
    async with watching() as seen:
        yield seen


@pytest.fixture
async def watched(witness: Witness, client: httpx2.AsyncClient) -> AsyncIterator[httpx2.AsyncClient]:
    """A client whose answers are kept."""
    hooks = {"response": [witness.keep]}
    async with httpx2.AsyncClient(base_url=client.base_url, timeout=30, event_hooks=hooks) as made:
        yield made


class Story:
    """One customer's life; each act says what it learnt that must stay secret."""

    def __init__(self, witness: Witness, client: httpx2.AsyncClient, runtime: Runtime, drain: Drain) -> None:
        self.witness, self.client, self.runtime, self.drain = witness, client, runtime, drain
        self.headers: dict[str, str] = {}
        self.instance = ""

    async def post(self, path: str, body: Any = None, **headers: str) -> httpx2.Response:
        return await self.client.post(path, headers={**self.headers, **headers}, json=body)

    async def sign_up(self, mailbox: Mailbox) -> None:
        mailbox.letters.clear()
        await self.post("/v1/auth/sign_ups", {"email": "c@a.example", "organization_name": "A", "accept_terms": True})

        async def come() -> bool:
            return bool(mailbox.to("c@a.example"))

        await self.drain(come)
        found = re.search(r"\b\d{6}\b", mailbox.to("c@a.example")[0].text)
        assert found is not None
        self.witness.hide("e-mail code", found.group())
        for code in ("000000", found.group(), found.group()):
            made = await self.post("/v1/auth/sessions", {"email": "c@a.example", "code": code})
            if made.status_code == 201:
                first = made.json()
        self.witness.hide("session token", first["token"])
        self.witness.hide("first API key", first["api_key"]["secret"])
        self.headers, self.instance = bearer(first["api_key"]["secret"]), first["instance_id"]
        await self.client.get("/v1/me", headers=bearer(first["token"]))
        await self.client.get("/v1/me", params={"key": first["token"]}, headers=self.headers)
        await self.client.get(f"/v1/instances/{first['api_key']['secret']}", headers=self.headers)
        await self.client.delete("/v1/auth/sessions/current", headers=bearer(first["token"]))

    async def keys(self) -> None:
        wish = {"name": "Server", "scopes": "full"}
        for _ in range(2):
            made = await self.post("/v1/api_keys", wish, **{"Idempotency-Key": "k"})
            assert made.status_code == 201
        self.witness.hide("API key", made.json()["secret"])
        path = f"/v1/api_keys/{made.json()['id']}"
        turned = await self.post(f"{path}/rotate", {"expire_old_after_seconds": 60}, **{"Idempotency-Key": "r"})
        self.witness.hide("rotated API key", turned.json()["secret"])
        await self.client.get("/v1/me", headers=bearer(made.json()["secret"]))
        await self.client.get("/v1/api_keys", headers=self.headers)
        await self.client.delete(path, headers=self.headers)
        await self.client.get("/v1/me", headers=bearer(turned.json()["secret"]))

    async def provision(self, upstream: Upstream) -> dict[str, Any]:
        """Through lost answers of every call, until the phone is linked."""
        await upstream.faults(
            {"method": "createInstance", "kind": "lose_answer", "times": 1},
            {"method": "getInstances", "kind": "garbage", "times": 1},
            {"method": "getStateInstance", "script": ["half_body", "status", "plain_text_400"], "status": 500},
        )

        async def ready() -> bool:
            seen = await self.client.get(f"/v1/instances/{self.instance}", headers=self.headers)
            return bool(seen.json()["status"] == "active")

        await self.drain(ready, seconds=40)
        (truth,) = await upstream.instances()
        self.witness.hide("instance token", truth["token"])
        async with self.runtime.database.begin(SYSTEM) as uow:
            instance_id = ids.from_wire(ids.INSTANCE, self.instance)
            row = (await uow.session.execute(text("select tenant_id, hook_token_sealed from instances"))).one()
            vault = await open_vault(uow, row.tenant_id)
            self.witness.hide("hook token", vault.open(row.hook_token_sealed, f"instances.hook_token|{instance_id}"))
        for path in ("qr", "qr.png", "qr"):
            await self.client.get(f"/v1/instances/{self.instance}/{path}", headers=self.headers)
        await upstream.faults()
        await upstream.scan(truth["id_instance"])

        async def linked() -> bool:
            seen = await self.client.get(f"/v1/instances/{self.instance}", headers=self.headers)
            return bool(seen.json()["connection"] == "connected")

        await self.drain(linked)
        return dict(truth)

    async def send(self, upstream: Upstream) -> None:
        await upstream.faults({"method": "sendMessage", "script": FAULTS})
        sends = [self._send(f"text {number}") for number in range(len(FAULTS) + 2)]
        statuses = {answer.status_code for answer in await asyncio.gather(*sends)}
        assert {202, 504} <= statuses, statuses
        await upstream.faults()
        await self.drain(seconds=40)

    async def _send(self, body: str) -> httpx2.Response:
        return await self.post(
            f"/v1/instances/{self.instance}/messages",
            {"to": FRIEND, "type": "text", "text": {"body": body}},
            **{"Idempotency-Key": body},
        )

    async def notices(self, truth: dict[str, Any], hook_token: str) -> None:
        about = {"idInstance": truth["id_instance"], "apiTokenInstance": truth["token"], "wid": "1@c.us"}
        bodies: list[Any] = [
            {"typeWebhook": "incomingCall", "instanceData": about, "timestamp": 1, "webhookUrlToken": hook_token},
            {"typeWebhook": "deviceInfo", "instanceData": about, "x": f"https://api.green-api.com/{truth['token']}"},
            {"typeWebhook": "stateInstanceChanged", "instanceData": {**about, "idInstance": 1}, "timestamp": 2},
            [truth["token"]],
        ]
        path, good = f"/hooks/green/{self.instance}", bearer(hook_token)
        for body in bodies:
            assert (await self.client.post(path, headers=good, json=body)).status_code == 200
        half = json.dumps(bodies[0])[:-1].encode()
        headers = good | {"Content-Type": "application/json"}
        assert (await self.client.post(path, headers=headers, content=half)).status_code == 200
        wrong = bearer(f"{hook_token}x")
        assert (await self.client.post(path, headers=wrong, json=bodies[0])).status_code == 401
        assert (await self.client.post(f"{path}x", headers=good, json=bodies[0])).status_code == 404

    async def webhooks(self) -> None:
        """To one that takes them, one that refuses, one that never was; with a secret turned."""
        async with receiving() as receiver:
            receiver.answers = [500, 200]
            for url in (receiver.url, "http://127.0.0.1:1987/hook", f"{receiver.url}?token=of-the-tenant"):
                made = (await self.post("/v1/webhook_endpoints", {"url": url})).json()
                path = f"/v1/webhook_endpoints/{made['id']}"
                shown = (await self.client.get(f"{path}/secret", headers=self.headers)).json()["secret"]
                turned = (await self.post(f"{path}/rotate_secret", {}, **{"Idempotency-Key": path})).json()["secret"]
                for secret in (shown, turned):
                    self.witness.hide("webhook secret", secret)
                    self.witness.hide("webhook secret, bare", secret.removeprefix("whsec_"))
                await self.post(f"{path}/test")
            await self.drain()
            assert receiver.got
            for path in ("events", "webhook_endpoints", "event_types"):
                await self.client.get(f"/v1/{path}", headers=self.headers)
            await self.client.get(f"{path}/deliveries", headers=self.headers)

    async def break_the_database(self, witness: Witness) -> None:
        """A worker fails over a row that holds a secret."""
        canary = f"canary-{uuid4().hex[:20]}"
        witness.hide("value of a failed statement", canary)

        async def broken(runtime: Runtime, _: Claim) -> None:
            async with runtime.database.begin(SYSTEM) as uow:
                for _attempt in range(2):
                    await uow.session.execute(
                        text("insert into users values (gen_random_uuid(), :secret, :secret, now())"),
                        {"secret": canary},
                    )

        ref = ids.new_id()
        async with self.runtime.database.begin(SYSTEM) as uow:
            uow.defer(SendEmailCode(ref))
        async with self.runtime.database.begin(SYSTEM) as uow:
            work_id = await uow.session.scalar(text("select id from work where ref = :ref"), {"ref": ref})
        assert await do_work(self.runtime, {**HANDLERS, SendEmailCode.kind: broken}, work_id)
        assert "IntegrityError" in witness.logs.getvalue()

    async def leave(self) -> None:
        gone = await self.client.delete(f"/v1/instances/{self.instance}", headers=self.headers)
        assert gone.status_code == 202, gone.text

        async def deleted() -> bool:
            seen = await self.client.get(f"/v1/instances/{self.instance}", headers=self.headers)
            return seen.status_code == 410 or bool(seen.json().get("status") == "deleted")

        await self.drain(deleted, seconds=40)


async def test_no_secret_is_seen_where_it_does_not_belong(
    witness: Witness,
    watched: httpx2.AsyncClient,
    runtime: Runtime,
    drain: Drain,
    upstream: Upstream,
    mailbox: Mailbox,
    postgres: PostgresServer,
    dsns: Dsns,
    redis_url: str,
) -> None:
    witness.hide("partner token", PARTNER_LIVE)
    witness.hide("partner token, test", PARTNER_TEST)
    witness.hide("sealing key", runtime.settings.secret_keys.partition(":")[2].rstrip("="))
    operator = await operator_headers(runtime)
    witness.hide("operator key", operator["Authorization"].removeprefix("Bearer "))
    story = Story(witness, watched, runtime, drain)
    await story.sign_up(mailbox)
    await story.keys()
    truth = await story.provision(upstream)
    hook_token = next(secret for secret, name in witness.secrets.items() if name == "hook token")
    await story.webhooks()
    await story.notices(truth, hook_token)
    await story.send(upstream)
    await story.break_the_database(witness)
    for path in ("/metrics", "/docs/openapi.json", "/readyz"):
        assert (await watched.get(path)).status_code == 200
    await watched.get("/v1/operator/instances", headers=operator)
    assert len(witness.secrets) >= 14
    before = await stored(postgres.admin_dsn, dsns.name)
    await story.leave()
    after = await stored(postgres.admin_dsn, dsns.name)
    bell = RedisBell(redis_url)
    assert isinstance(runtime.database.bell, KeptBell)
    bell.ring(runtime.database.bell.rings[-200:])
    await bell.close()
    keys = await in_redis(redis_url)
    assert len(before) > 50
    assert keys
    assert len(witness.logs.getvalue().splitlines()) > 50
    assert len(witness.answers) > 40
    leaks = witness.in_logs() | witness.in_answers() | witness.found(before) | witness.found(after + keys)
    assert leaks == set()
    left = [place for place, row in after if "text 1" in row]
    assert left == [], "what was sent is left after the erasure"


async def test_a_planted_leak_is_found(
    witness: Witness, watched: httpx2.AsyncClient, runtime: Runtime, postgres: PostgresServer, dsns: Dsns,
    redis_url: str,
) -> None:  # fmt: skip
    secret = f"leak-{uuid4().hex}"
    witness.hide("planted", secret)
    structlog.get_logger().debug("oops", value=secret)
    assert len(witness.in_logs()) == 1
    witness.answers.append(("planted", secret))
    assert "planted in planted" in witness.in_answers()
    async with runtime.database.begin(SYSTEM) as uow:
        await uow.session.execute(
            text("insert into tenants (id, name, status, metadata, created_at, version)"
                 " values (gen_random_uuid(), 'x', 'active', jsonb_build_object('a', cast(:s as text)), now(), 1)"),
            {"s": secret},
        )  # fmt: skip
        await uow.session.execute(
            text("insert into tenant_keys select id, convert_to(cast(:s as text), 'UTF8'), now() from tenants"),
            {"s": secret},
        )
    rows = witness.found(await stored(postgres.admin_dsn, dsns.name))
    assert rows == {"planted in table tenants", "planted in table tenant_keys"}
