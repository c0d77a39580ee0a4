"""What the figures are taken on: a private stack, one customer who may send without limit, and the peer."""

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from bench.load import Outcome, Phase, Shape, Target
from dev import database
from dev.outside import Customer, Outside
from dev.places import Scratch
from dev.processes import Child, plain_environment
from dev.spawn import free_port, spawn
from dev.stack import ROOT, Options, Stack

SIMULATOR = {
    "warmup_401_seconds": 0.2,
    "warmup_null_seconds": 0.2,
    "starting_seconds": 0.4,
    "restart_seconds": 0.2,
    "rate_limits": False,
    "deliver_after_seconds": None,
}
PACE = {"SUBLET_READY_POLL_SECONDS": "0.5"}
SENDERS = 10
"""A gateway takes fifty sends a second of an instance, and so do we."""
WID = 79990001122
FRIEND = "79995550000@c.us"
WORDS = "Your tulips are on their way, they will be with you before noon."
SLACK_SECONDS = 120.0
QUIET_SECONDS = 20.0
FAILED_SHARE = 0.01


class BenchFailed(RuntimeError):
    """A measurement could not be taken; the message says why."""


@dataclass(frozen=True)
class Sender:
    """A connected, live instance, and what is known of it upstream."""

    instance_id: str
    api_key: str = field(repr=False)
    upstream_id: int
    upstream_token: str = field(repr=False)
    hook_url: str
    hook_token: str = field(repr=False)


@dataclass(frozen=True)
class Stage:
    """Everything that is measured, running."""

    stack: Stack
    outside: Outside
    senders: list[Sender]
    mute: Sender
    peer: Child
    peer_url: str
    peer_key: str = field(repr=False)

    @property
    def sender(self) -> Sender:
        """One of them."""
        return self.senders[0]

    def pids(self) -> dict[str, int]:
        """The processes by name, PostgreSQL's and Redis' own only if we run them."""
        stack = self.stack
        children = [stack.api, *stack.workers, stack.simulator, self.peer]
        pids = {child.name: child.pid for child in children}
        if stack.servers.postgres is not None:
            pids["postgres"] = stack.servers.postgres.pid
        return pids

    def ours(self, shape: Shape) -> Phase:
        """Sends through us, each with a key of its own as the API's pages advise."""
        first, *others = [
            Target(
                f"{self.stack.api_url}/v1/instances/{sender.instance_id}/messages",
                {"Authorization": f"Bearer {sender.api_key}", "Idempotency-Key": "{n}"},
            )
            for sender in self.senders
        ]
        return Phase(
            name="sends through us",
            url=first.url,
            body=_message(),
            headers=first.headers,
            others=others,
            expect=202,
            shape=shape,
        )

    def floor(self, shape: Shape) -> Phase:
        """Sends to the upstream itself."""
        path = f"/waInstance{self.mute.upstream_id}/sendMessage/{self.mute.upstream_token}"
        return Phase(
            name="sends to the upstream",
            url=self.stack.simulator_url + path,
            body=json.dumps({"chatId": FRIEND, "message": WORDS}),
            shape=shape,
        )

    def by_peer(self, shape: Shape) -> Phase:
        """Sends through the peer."""
        return Phase(
            name="sends through the peer",
            url=f"{self.peer_url}/instances/1/messages",
            body=_message(),
            headers={"Authorization": f"Bearer {self.peer_key}"},
            expect=202,
            shape=shape,
        )

    def notices(self, shape: Shape) -> Phase:
        """Incoming messages, told to us as upstream tells them."""
        return Phase(
            name="notices to us",
            url=self.sender.hook_url,
            body=self._notice(),
            headers={"Authorization": f"Bearer {self.sender.hook_token}"},
            shape=shape,
        )

    def notices_to_peer(self, shape: Shape) -> Phase:
        """The same, told to the peer."""
        return Phase(
            name="notices to the peer",
            url=f"{self.peer_url}/hooks/1",
            body=self._notice(),
            headers={"Authorization": f"Bearer {self.peer_key}"},
            shape=shape,
        )

    def _notice(self) -> str:
        sender = {"chatId": FRIEND, "chatName": "Bo", "sender": FRIEND, "senderName": "Bo", "senderContactName": ""}
        notice = {
            "typeWebhook": "incomingMessageReceived",
            "instanceData": {"idInstance": self.sender.upstream_id, "wid": _wid(0), "typeInstance": "whatsapp"},
            "timestamp": 1795286400,
            "idMessage": "{n}",
            "senderData": sender,
            "messageData": {"typeMessage": "textMessage", "textMessageData": {"textMessage": WORDS}},
        }
        return json.dumps(notice)


@contextmanager
def staged() -> Iterator[Stage]:
    """Start everything; nothing is left of it afterwards.

    Our own PostgreSQL runs with its safety on, so that a commit costs what it costs in production. On somebody else's
    server a database is made for the run, and dropped.
    """
    with ExitStack() as open_things:
        home: Path | None = None
        if "SUBLET_DATABASE_URL" not in os.environ:
            scratch = Scratch()
            open_things.callback(scratch.close)
            home = scratch.path / "stack"
            home.mkdir(mode=0o711)
        stack = open_things.enter_context(
            Stack(Options(home=home, env=PACE, simulator=("--config", json.dumps(SIMULATOR))))
        )
        outside = open_things.enter_context(Outside(stack))
        *senders, mute = _senders(outside)
        _silence(outside, mute)
        peer, url, key = open_things.enter_context(_peer(stack, mute))
        yield Stage(stack, outside, senders, mute, peer, url, key)


@contextmanager
def loading(phases: Sequence[Phase]) -> Iterator[Callable[[], list[Outcome]]]:
    """Have a load process run the phases; what is yielded waits for its end. Left early, it is ended."""
    child = spawn(
        [sys.executable, "-m", "bench.load"],
        env=plain_environment(),
        cwd=ROOT,
        stdin=subprocess.PIPE,
        output=subprocess.PIPE,
        errors=subprocess.PIPE,
    )
    try:
        assert child.stdin is not None
        with child.stdin as plan:
            plan.write(msgspec.json.encode(list(phases)))
        child.stdin = None
        yield lambda: _outcomes(child, sum(phase.shape.seconds for phase in phases) + SLACK_SECONDS)
    finally:
        if child.poll() is None:
            child.kill()
            child.communicate()


def run_load(phases: Sequence[Phase]) -> list[Outcome]:
    """Run the phases in a load process, and wait.

    Raises:
        BenchFailed: it ended with an error, or more than two requests and one in a hundred of a phase failed.
    """
    with loading(phases) as finish:
        return finish()


def _outcomes(child: subprocess.Popen[bytes], seconds: float) -> list[Outcome]:
    try:
        said, complained = child.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        raise BenchFailed("the load driver did not come to an end") from None
    if child.returncode != 0:
        raise BenchFailed(f"the load driver failed:\n{complained.decode(errors='replace')[-2000:]}")
    outcomes = msgspec.json.decode(said, type=list[Outcome])
    for outcome in outcomes:
        failed = sum(outcome.failures.values())
        if failed > max(2, FAILED_SHARE * (failed + len(outcome.latencies_ms))) or not outcome.latencies_ms:
            raise BenchFailed(f"{outcome.name}: {failed} requests failed: {outcome.failures}")
    return outcomes


def _message() -> str:
    return json.dumps({"to": FRIEND, "type": "text", "text": {"body": WORDS}})


def _wid(number: int) -> str:
    return f"{WID + number}@c.us"


def _senders(outside: Outside) -> list[Sender]:
    customers = [
        outside.sign_up(f"sender{number}@example.com", f"The Sender {number}") for number in range(SENDERS + 1)
    ]
    for customer in customers:
        customer.finished(customer.operation_id)
    for number, customer in enumerate(customers):
        outside.scan(customer, _wid(number))
    return [_live(outside, customer, number) for number, customer in enumerate(customers)]


def _silence(outside: Outside, sender: Sender) -> None:
    """Let upstream tell us nothing of what others send past us: taking that in would count as ours."""
    account = f"{outside.stack.simulator_url}/waInstance{sender.upstream_id}"
    reply = outside.http.post(f"{account}/setSettings/{sender.upstream_token}", json={"webhookUrl": ""})
    until = time.monotonic() + QUIET_SECONDS
    while reply.status_code != 200 or reply.json().get("stateInstance", "") != "authorized":
        if time.monotonic() > until:
            raise BenchFailed("the account that others send through is not quiet")
        time.sleep(0.1)
        reply = outside.http.get(f"{account}/getStateInstance/{sender.upstream_token}")


def _live(outside: Outside, customer: Customer, number: int) -> Sender:
    customer.until("connection", "connected")
    paid = {"days": 30, "reference": f"bench {number}"}
    outside.operator("POST", f"/instances/{customer.instance_id}/go_live", paid)
    truth = outside.truth(customer.instance_id)
    return Sender(
        instance_id=customer.instance_id,
        api_key=customer.api_key,
        upstream_id=truth["id_instance"],
        upstream_token=truth["token"],
        hook_url=truth["settings"]["webhookUrl"],
        hook_token=truth["settings"]["webhookUrlToken"],
    )


@contextmanager
def _peer(stack: Stack, sender: Sender) -> Iterator[tuple[Child, str, str]]:
    dsns = database.prepare(stack.servers.dsns.admin, f"sublet_peer_{secrets.token_hex(4)}")
    key, port = secrets.token_urlsafe(32), free_port()
    config = {
        "port": port,
        "database_url": dsns.owner,
        "upstream_url": stack.simulator_url,
        "key": key,
        "upstream_id": sender.upstream_id,
        "upstream_token": sender.upstream_token,
    }
    env = {**plain_environment(), "PEER": json.dumps(config)}
    child = Child("peer", [sys.executable, "-m", "bench.peer"], env=env, cwd=ROOT, logs=stack.logs)
    try:
        child.start()
        child.wait_for(f"http://127.0.0.1:{port}/health")
        yield child, f"http://127.0.0.1:{port}", key
    finally:
        child.stop()
        database.drop(dsns)
        database.dismiss(dsns)
