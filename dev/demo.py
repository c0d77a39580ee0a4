"""`make demo`: the whole lease of an instance, told while it happens, by an outside client of a real stack."""

import base64
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
from rich.console import Console
from rich.table import Table

from dev.demo_gateway import more_than_text, old_code
from dev.outside import Customer, Outside, Unexpected
from dev.processes import ChildFailed
from dev.receiver import Receiver
from dev.stack import CommandFailed, Options, Stack

SIMULATOR = {
    "warmup_401_seconds": 0.3,
    "warmup_null_seconds": 0.3,
    "starting_seconds": 0.6,
    "restart_seconds": 0.5,
    "listing_lag_seconds": 1.0,
    "deliver_after_seconds": 0.4,
    "read_after_seconds": 0.8,
}
PACE = {
    "SUBLET_UPSTREAM_TIMEOUT_SECONDS": "3",
    "SUBLET_LEASE_SECONDS": "12",
    "SUBLET_QUIET_SECONDS": "5",
    "SUBLET_READY_POLL_SECONDS": "0.5",
    "SUBLET_SURPLUS_WAIT_SECONDS": "2",
}
WID = "79990001122@c.us"
FRIEND = "79995550000@c.us"


class Story:
    """The steps with their times; a step that fails ends the story."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.steps: list[tuple[str, float, str]] = []
        self.facts: dict[str, Any] = {}

    @contextmanager
    def step(self, title: str) -> Iterator[Callable[[str], None]]:
        """One step; the caller tells what came of it."""
        told: list[str] = []
        started = time.perf_counter()
        with self.console.status(f"[bold]{title}[/]"):
            yield told.append
        seconds = time.perf_counter() - started
        outcome = "; ".join(told)
        self.steps.append((title, seconds, outcome))
        self.console.print(f"[green]✓[/] [bold]{title}[/] [dim]{seconds:5.2f} s[/]  {outcome}", highlight=False)

    def summary(self) -> Table:
        """All steps with their times."""
        table = Table("step", "seconds", "outcome", title="One lease, from sign-up to receipt", title_justify="left")
        for title, seconds, outcome in self.steps:
            table.add_row(title, f"{seconds:.2f}", outcome)
        table.add_row("together", f"{sum(seconds for _, seconds, _ in self.steps):.2f}", "", style="bold")
        return table


def main() -> int:
    """Tell the story; 0 only when every step held."""
    console = Console(width=None if sys.stdout.isatty() else 150)
    story = Story(console)
    options = Options(env=PACE, simulator=("--config", json.dumps(SIMULATOR)))
    stack = Stack(options)
    try:
        with story.step("Start PostgreSQL, Redis, simulator, API and worker") as tell:
            stack.start()
            tell(f"API at {stack.api_url}")
        with Outside(stack) as outside, Receiver() as receiver:
            tell_story(story, outside, receiver)
    except (Unexpected, TimeoutError, ChildFailed, CommandFailed, httpx2.HTTPError, KeyError) as error:
        console.print(f"[red]✗[/] {type(error).__name__}: {error}", highlight=False)
        _show_logs(console, stack)
        print("demo: failed")
        return 1
    finally:
        stack.stop()
    console.print(story.summary())
    story.facts["seconds"] = round(sum(seconds for _, seconds, _ in story.steps), 1)
    print("demo: ok " + json.dumps(story.facts))
    return 0


def tell_story(story: Story, outside: Outside, receiver: Receiver) -> None:
    """Every step in order."""
    ada = sign_up(story, outside)
    listen(story, ada, receiver)
    provision(story, ada, outside, receiver)
    pair(story, ada, outside, receiver)
    send(story, ada, outside, receiver)
    receive(story, ada, outside, receiver)
    reach_the_limit(story, ada, outside)
    go_live(story, ada, outside)
    use_the_gateway(story, ada, outside)
    lose_an_answer(story, outside)
    leave(story, ada, outside, receiver)


def sign_up(story: Story, outside: Outside) -> Customer:
    """A customer signs up over REST with a code from the mail."""
    with story.step("Sign up with a code from the mail") as tell:
        ada = outside.sign_up("ada@example.com", "Ada's Flowers")
        tell(f"{ada.org_id}, key {ada.api_key[:16]}…")
    return ada


def listen(story: Story, ada: Customer, receiver: Receiver) -> None:
    """Her server subscribes to events."""
    with story.step("Register a webhook endpoint") as tell:
        made = ada.call("POST", "/v1/webhook_endpoints", {"url": receiver.url}, expect=201)
        receiver.secret = made.get("secret") or ada.call("GET", f"/v1/webhook_endpoints/{made['id']}/secret")["secret"]
        tell(f"{made['id']}, signed by Standard Webhooks")


def provision(story: Story, ada: Customer, outside: Outside, receiver: Receiver) -> None:
    """The queue provisions the instance upstream."""
    with story.step("Provision the instance through the queue") as tell:
        operation = ada.finished(ada.operation_id)
        seen = ada.until("status", "active")
        truth = outside.truth(ada.instance_id)
        story.facts["instance_id"] = ada.instance_id
        tell(
            f"{operation['type']} {operation['status']}; upstream {truth['id_instance']}; "
            f"trial to {seen['trial_ends_at']}"
        )


def pair(story: Story, ada: Customer, outside: Outside, receiver: Receiver) -> None:
    """She gets a QR, her phone scans it, the state change arrives by notification."""
    with story.step("Pair a phone by QR") as tell:
        shown = ada.call("POST", f"/v1/instances/{ada.instance_id}/pairing", {"method": "qr"})
        picture = base64.b64decode(shown["qr"]["data"])
        if not picture.startswith(b"\x89PNG"):
            raise Unexpected("the QR is no PNG")
        outside.scan(ada, WID)
        event = receiver.wait_for("instance.connected")
        seen = ada.until("connection", "connected")
        tell(f"QR of {len(picture)} bytes scanned; {event['type']} for {seen['phone_number']}")


def send(story: Story, ada: Customer, outside: Outside, receiver: Receiver) -> None:
    """Her code sends; the same key sends once; the delivery is reported."""
    with story.step("Send a message, twice with one key") as tell:
        path, body = f"/v1/instances/{ada.instance_id}/messages", text_to(FRIEND, "Your tulips are on their way")
        first = ada.call("POST", path, body, expect=202, Idempotency_Key="tulips-1")
        again = ada.call("POST", path, body, expect=202, Idempotency_Key="tulips-1")
        if first != again:
            raise Unexpected("the same key gave another answer")
        id_instance = outside.truth(ada.instance_id)["id_instance"]
        accepted = outside.upstream("GET", f"messages?id_instance={id_instance}")["messages"]
        if len(accepted) != 1:
            raise Unexpected(f"upstream accepted {len(accepted)} messages")
        tell(f"{first['id']} {first['status']}; upstream accepted one")
    with story.step("Learn that it was delivered") as tell:
        event = receiver.wait_for(
            "message.status_changed",
            such=lambda event: (
                event["data"].get("status") in ("delivered", "read")
                and event["data"].get("message_id", event["data"].get("id")) == first["id"]
            ),
        )
        tell(f"{event['type']}: {event['data']['status']}")


def receive(story: Story, ada: Customer, outside: Outside, receiver: Receiver) -> None:
    """A friend answers; the message reaches her server, signed."""
    with story.step("Receive an answer on her own server") as tell:
        id_instance = outside.truth(ada.instance_id)["id_instance"]
        outside.upstream("POST", f"instances/{id_instance}/receive", {"chat_id": FRIEND, "text": "Thank you, Ada!"})
        event = receiver.wait_for("message.received")
        if receiver.refused:
            raise Unexpected(f"{receiver.refused} deliveries did not verify")
        tell(f"“{event['data']['text']}” verified; {len(receiver.events)} events, none forged")


def reach_the_limit(story: Story, ada: Customer, outside: Outside) -> None:
    """The trial allows five chats a month; the sixth is refused, and it says why."""
    with story.step("Reach the trial's limit") as tell:
        path = f"/v1/instances/{ada.instance_id}/messages"
        for number in range(1, 5):
            ada.call("POST", path, text_to(f"7999555000{number}@c.us", "Spring sale"), expect=202)
        refused = ada.call("POST", path, text_to("79995550009@c.us", "Spring sale"), expect=402)
        tell(f"402 {refused['code']}: {refused['detail']}")


def go_live(story: Story, ada: Customer, outside: Outside) -> None:
    """The operator books a payment; the same reference is booked once; then seven days more."""
    with story.step("Go live for 30 days, extend by 7") as tell:
        path = f"/instances/{ada.instance_id}"
        paid = {"days": 30, "reference": "invoice-1001"}
        first = outside.operator("POST", f"{path}/go_live", paid)
        again = outside.operator("POST", f"{path}/go_live", paid)
        if first["paid_through_at"] != again["paid_through_at"]:
            raise Unexpected("one payment was booked twice")
        extended = outside.operator("POST", f"{path}/extend", {"days": 7, "reference": "invoice-1002"})
        ada.call("POST", f"/v1/instances/{ada.instance_id}/messages", text_to("79995550009@c.us", "Sale!"), expect=202)
        tell(f"paid through {extended['paid_through_at']}; the sixth chat is open")


def use_the_gateway(story: Story, ada: Customer, outside: Outside) -> None:
    """Every kind of message by the typed face; then code that was written for GREEN-API."""
    with story.step("Send a picture and a poll, make a group") as tell:
        tell(more_than_text(ada))
    with story.step("Run her old GREEN-API code, host changed") as tell:
        tell(old_code(ada, outside))


def lose_an_answer(story: Story, outside: Outside) -> None:
    """Upstream creates an instance and its answer is lost: found by its tag, adopted, never created twice."""
    with story.step("Lose the answer of a create, and repair it") as tell:
        rule = {"method": "createInstance", "kind": "lose_answer", "probability": 1, "times": 1}
        outside.upstream("POST", "faults", {"rules": [rule], "seed": 1})
        bo = outside.sign_up("bo@example.com", "Bo's Bikes")
        steps: list[str] = []
        operation = bo.call("GET", f"/v1/operations/{bo.operation_id}")
        while operation["status"] in ("queued", "running"):
            step = operation["progress"]["step"]
            if step and step not in steps:
                steps.append(step)
            time.sleep(0.1)
            operation = bo.call("GET", f"/v1/operations/{bo.operation_id}")
        outside.truth(bo.instance_id)
        alive = [row for row in outside.upstream("GET", "instances")["instances"] if row["deleted_at"] is None]
        if len(alive) != 2:
            raise Unexpected(f"{len(alive)} instances are alive upstream, not 2")
        story.facts["upstream_instances"] = len(alive)
        tell(f"{operation['status']} by way of {', '.join(steps)}; 2 customers, 2 upstream instances")


def leave(story: Story, ada: Customer, outside: Outside, receiver: Receiver) -> None:
    """She leaves: logged out, deleted upstream, unused days returned, data erased, with a receipt."""
    with story.step("Leave, with a receipt") as tell:
        asked = ada.call("DELETE", f"/v1/instances/{ada.instance_id}", expect=202)
        receipt = ada.finished(asked["id"])["result"]
        refused = ada.call("POST", f"/v1/instances/{ada.instance_id}/messages", text_to(FRIEND, "Late"), expect=410)
        truth = outside.truth(ada.instance_id)
        if truth["deleted_at"] is None or truth["linked_device_left"]:
            raise Unexpected("upstream still has the instance or the phone's link")
        receiver.wait_for("instance.deleted")
        ledger = outside.operator("GET", f"/instances/{ada.instance_id}/ledger")
        story.facts |= {"reclaimed_days": receipt["reclaimed_days"], "balance_days": ledger["balance_days"]}
        tell(f"{receipt['reclaimed_days']} days returned, balance {ledger['balance_days']}; then 410 {refused['code']}")


def text_to(chat: str, body: str) -> dict[str, Any]:
    """A text message as the API takes it."""
    return {"to": chat, "type": "text", "text": {"body": body}}


def _show_logs(console: Console, stack: Stack) -> None:
    for path in sorted(stack.logs.glob("*.log")):
        lines = path.read_text(errors="replace").splitlines()[-15:]
        console.print(f"[dim]{path.name}[/]", *lines, sep="\n", markup=False, highlight=False)
