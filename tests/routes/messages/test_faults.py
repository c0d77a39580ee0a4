"""Whatever goes wrong on the way: the gateway accepts one message for a key at most, and the truth is found out."""

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from app.accounts.principal import Principal
from app.accounts.scopes import TENANT_SCOPES
from app.events.models import Event
from app.gateway import drafting
from app.gateway.relay import Asked, Relay
from app.idempotency.once import bound
from app.idempotency.service import Kept
from app.jobs import SweepMessages, periodic
from app.kit.crypto import Secret
from app.kit.db import SYSTEM
from app.kit.ids import API_KEY, from_wire
from app.kit.problem import document
from app.providers.asks import Send, Text
from app.providers.green_api.adapter import GreenApi
from app.providers.likeness import likeness
from app.providers.port import Credentials, Provider, Sent
from app.providers.registry import Registry
from app.runtime import Runtime
from tests.conftest import PARTNER_LIVE, Upstream
from tests.senders import CHAT, Sender

# Whether the simulator accepts the message although the client is told otherwise, or nothing.
DONE_UNSEEN = {"lose_answer", "late", "done_then_status", "half_body", "garbage"}
UNKNOWN = [
    {"kind": "lose_answer"},
    {"kind": "late", "delay_seconds": 1.9},
    {"kind": "done_then_status", "status": 502},
    {"kind": "half_body"},
    {"kind": "garbage"},
    {"kind": "status", "status": 502},
    {"kind": "status", "status": 500},
    {"kind": "lose_request"},
    {"kind": "stall"},
]
SILENCE = [
    {"method": "outgoingAPIMessageReceived", "kind": "drop_notification"},
    {"method": "outgoingMessageStatus", "kind": "drop_notification"},
]
REFUSED = [
    ({"kind": "status", "status": 429}, 429, "send_rate_limited", True),
    ({"kind": "status", "status": 466}, 429, "quota_exceeded", True),
    ({"kind": "status", "status": 403}, 502, "upstream_error", False),
]


def _named(fault: Any) -> str:
    rule = fault[0] if isinstance(fault, tuple) else fault
    return f"{rule['kind']}{rule.get('status', '')}"


@pytest.mark.parametrize("fault", UNKNOWN, ids=_named)
async def test_a_lost_answer_is_found_out_and_never_sent_again(sender: Sender, fault: dict[str, Any]) -> None:
    await sender.upstream.faults({"method": "sendMessage", "times": 1, **fault}, *SILENCE)
    first = await sender.send(key="k1")
    assert (first.status_code, first.json()["code"]) == (504, "upstream_timeout"), first.text
    assert first.json()["retryable"] is False
    message_id = first.json()["message_id"]
    assert first.headers["Idempotency-Key"] == "k1"
    again = await sender.send(key="k1")
    assert again.status_code == 202
    assert (again.json()["id"], again.json()["status_url"]) == (message_id, first.json()["status_url"])
    equal = await sender.send(key="k2")
    assert (equal.status_code, equal.json()["code"]) == (409, "message_unresolved")
    assert equal.headers["Retry-After"]
    message = await sender.settled(message_id)
    accepted = await sender.accepted()
    if fault["kind"] in DONE_UNSEEN:
        assert message["status"] in ("queued", "sent", "delivered")
        assert [row["id_message"] for row in accepted] == [message["upstream_message_id"]]
        assert (await sender.used())["messages"] == 1
    else:
        assert (message["status"], accepted) == ("not_sent", [])
        assert (await sender.used()) == {"messages": 0, "chats": 0, "calls": 0}
    last = await sender.send(key="k1")
    assert last.status_code == 202
    assert len(await sender.accepted()) == 1, "one accepted message for the key, whatever happened"
    assert (last.json()["id"] == message_id) is (fault["kind"] in DONE_UNSEEN)
    assert (await sender.send(key="k1")).content == last.content


@pytest.mark.parametrize(("fault", "status", "code", "may_repeat"), REFUSED, ids=["429", "466", "400"])
async def test_a_refusal_gives_everything_back(
    sender: Sender, fault: dict[str, Any], status: int, code: str, may_repeat: bool
) -> None:
    await sender.upstream.faults({"method": "sendMessage", "times": 1, **fault})
    first = await sender.send(key="k1")
    assert (first.status_code, first.json()["code"]) == (status, code), first.text
    assert "green" not in first.text.lower()
    assert await sender.used() == {"messages": 0, "chats": 0, "calls": 0}
    listed = (await sender.client.get(sender.path, headers=sender.tenant.headers)).json()["data"]
    assert [row["status"] for row in listed] == ["not_sent"]
    again = await sender.send(key="k1")
    if may_repeat:
        assert again.status_code == 202
        assert len(await sender.accepted()) == 1
    else:
        assert (again.status_code, again.content) == (first.status_code, first.content)
        assert again.headers["Idempotent-Replayed"] == "true"
        assert again.headers["content-type"] == "application/problem+json"
        assert await sender.accepted() == []
    assert (await sender.send(key="k9")).status_code == 202, "another key is another message"


async def test_a_gateway_that_cannot_be_reached_is_told_apart(sender: Sender) -> None:
    away = GreenApi("http://127.0.0.1:9", Secret(PARTNER_LIVE), timeout_seconds=1.5)
    relay = _relay(sender.runtime, away)
    answer = await _ask(sender, relay, "k1")
    assert answer.status == 503
    assert b"upstream_unavailable" in answer.body
    assert await sender.used() == {"messages": 0, "chats": 0, "calls": 0}
    assert (await sender.send(key="k1")).status_code == 202
    await away.close()


class Dying:
    """A gateway during whose call the process dies, before or after the message was accepted."""

    name = "green_api"

    def __init__(self, real: Provider | None) -> None:
        self.real = real
        self.reached = asyncio.Event()

    def likeness(self, kind: str, content: Mapping[str, Any]) -> str | None:
        return likeness(kind, content)

    async def send(self, credentials: Credentials, send: Send) -> Sent:
        if self.real is not None:
            await self.real.send(credentials, send)
        self.reached.set()
        await asyncio.Event().wait()
        raise AssertionError


@pytest.mark.parametrize("called", [False, True])
async def test_a_process_that_dies_between_forward_and_settle(sender: Sender, called: bool) -> None:
    """S2, S3, S4: the row says `sending`; after its lease it is taken over and the truth is found."""
    real = sender.runtime.registry.get("green_api", "live")
    dying: Any = Dying(real if called else None)
    relay = _relay(sender.runtime, dying)
    asking = asyncio.create_task(_ask(sender, relay, "k1"))
    await dying.reached.wait()
    await _kill(asking)
    inflight = await sender.send(key="k1")
    assert (inflight.status_code, inflight.json()["code"]) == (409, "idempotency_in_flight")
    listed = (await sender.client.get(sender.path, headers=sender.tenant.headers)).json()["data"]
    assert [row["status"] for row in listed] == ["sending"]
    sender.runtime.database.shift += sender.runtime.gateway_options.lease
    sender.runtime.authenticator.forget()
    again = await sender.send(key="k1")
    assert (again.status_code, again.json()["status"]) == (202, "unknown")
    async with sender.runtime.database.begin(SYSTEM) as uow:
        uow.defer(periodic(SweepMessages))
    message = await sender.settled(listed[0]["id"])
    assert len(await sender.accepted()) == int(called)
    assert (message["status"] == "not_sent") is not called
    assert (await sender.send(key="k1")).status_code == 202
    assert len(await sender.accepted()) == 1


async def test_a_client_that_goes_away_does_not_stop_the_record(sender: Sender, upstream: Upstream) -> None:
    """S6: the handler is cancelled while the gateway is asked; the outcome is recorded all the same."""
    await upstream.faults({"method": "sendMessage", "kind": "slow_answer", "delay_seconds": 1.3, "times": 1})
    asking = asyncio.create_task(_ask(sender, sender.runtime.relay, "k1"))
    while not await sender.accepted():
        await asyncio.sleep(0.02)
    asking.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asking
    listed = (await sender.client.get(sender.path, headers=sender.tenant.headers)).json()["data"]
    message = await sender.settled(listed[0]["id"])
    assert message["status"] in ("queued", "sent", "delivered")
    again = await sender.send(key="k1")
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(await sender.accepted()) == 1


async def test_equal_messages_of_unknown_outcome_are_told_apart(sender: Sender) -> None:
    """Two were handed over at once, both answers lost, one accepted: one is found, one was never sent."""
    await sender.upstream.faults(
        {"method": "sendMessage", "script": [{"kind": "late", "delay_seconds": 1.8}, {"kind": "stall"}]}, *SILENCE
    )
    replies = await asyncio.gather(sender.send(key="k1"), sender.send(key="k2"))
    assert [reply.status_code for reply in replies] == [504, 504]
    messages = [await sender.settled(reply.json()["message_id"]) for reply in replies]
    assert sorted(message["status"] == "not_sent" for message in messages) == [False, True]
    assert (await sender.used())["messages"] == 1
    assert len(await sender.accepted()) == 1


@pytest.mark.parametrize("fault", ["lose_answer", "done_then_status"])
async def test_the_echo_of_a_message_tells_that_it_was_sent(sender: Sender, fault: str) -> None:
    """No call to the gateway is needed: its notification brings the id, before or after the answer is given up."""
    await sender.upstream.faults(
        {"method": "sendMessage", "kind": fault, "times": 1},
        {"method": "lastOutgoingMessages", "kind": "status", "status": 502},
        {"method": "showMessagesQueue", "kind": "status", "status": 502},
    )
    message_id = (await sender.send(key="k1")).json()["message_id"]
    message = await sender.settled(message_id)
    assert message["upstream_message_id"] == (await sender.accepted())[0]["id_message"]
    replays = [await sender.send(key="k1") for _ in range(2)]
    assert [reply.headers.get("Idempotent-Replayed") for reply in replays] == ["true", "true"]
    assert replays[0].content == replays[1].content
    assert replays[0].json()["status"] == "queued"
    assert len(await sender.accepted()) == 1


async def test_what_cannot_be_found_out_is_said_once(sender: Sender) -> None:
    await sender.upstream.faults(
        {"method": "sendMessage", "kind": "lose_answer", "times": 1},
        {"method": "lastOutgoingMessages", "kind": "status", "status": 502},
        {"method": "showMessagesQueue", "kind": "status", "status": 502},
        *SILENCE,
    )
    first = await sender.send(key="k1")

    async def said() -> bool:
        sender.runtime.database.shift += sender.runtime.gateway_options.lease
        async with sender.runtime.database.begin(SYSTEM) as uow:
            rows = (await uow.session.scalars(select(Event).where(Event.type == "message.outcome_unknown"))).all()
        return bool(rows)

    await sender.drain(until=said)
    sender.runtime.authenticator.forget()
    assert (await sender.message(first.json()["message_id"]))["status"] == "unknown"
    again = await sender.send(key="k1")
    assert (again.status_code, again.json()["status"]) == (202, "unknown")
    assert len(await sender.accepted()) == 1


def _relay(runtime: Runtime, provider: Provider) -> Relay:
    return Relay(runtime.database, Registry({("green_api", "live"): provider}), runtime.gateway_options)


async def _ask(sender: Sender, relay: Relay, key: str) -> Any:
    """The same request as `sender.send(key=…)`, given to a relay of our own."""
    key_id = from_wire(API_KEY, sender.tenant.key_id)
    principal = Principal("api_key", key_id, sender.tenant.tenant_id, "live", TENANT_SCOPES)
    use = bound(principal, key, "POST", sender.path, sender.body("Hello"))

    def problem(error: Any) -> Kept:
        return Kept(error.status, {}, msgspec.json.encode(document(error, docs_url="", request_id="req_1")))

    return await relay.send(Asked(principal, sender.instance.id, drafting.of(CHAT, Text("Hello")), use, problem))


async def _kill(asking: asyncio.Task[Any]) -> None:
    """End every task of a relay, as a death of its process would."""
    for task in asyncio.all_tasks():
        if task is asking or "_forward" in repr(task.get_coro()):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
