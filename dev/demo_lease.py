"""The whole lease of one customer, step by step, on either gateway."""

import base64
import time
from collections.abc import Callable
from typing import Any

from dev import books, phones
from dev.demo_gateway import more_than_text, old_code
from dev.demo_story import Story
from dev.outside import Customer, Outside, Unexpected
from dev.phones import Phone, phone_of
from dev.receiver import Receiver

PHONE = "79990001122"
FRIEND = "79995550000"
TULIPS = "Your tulips are on their way"


def tell_story(story: Story, outside: Outside, receiver: Receiver) -> None:
    """Every step in order."""
    ada = sign_up(story, outside)
    listen(story, ada, receiver)
    phone = provision(story, ada, outside)
    pair(story, ada, phone, receiver)
    send(story, ada, phone, receiver)
    receive(story, ada, phone, receiver)
    reach_the_limit(story, ada)
    go_live(story, ada, outside, phone)
    use_the_gateway(story, ada, outside)
    lose_an_answer(story, outside, phone)
    leave(story, ada, outside, phone, receiver)
    compare_books(story, outside)


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


def provision(story: Story, ada: Customer, outside: Outside) -> Phone:
    """The queue provisions the instance upstream."""
    with story.step("Provision the instance through the queue") as tell:
        operation = ada.finished(ada.operation_id)
        seen = ada.until("status", "active")
        phone = phone_of(outside, ada.instance_id)
        story.facts |= {"provider": seen["provider"], "instance_id": ada.instance_id}
        tell(
            f"{operation['type']} {operation['status']}; {phone.account} at {phone.title}; "
            f"trial to {seen['trial_ends_at']}"
        )
    return phone


def pair(story: Story, ada: Customer, phone: Phone, receiver: Receiver) -> None:
    """She gets a QR, her phone scans it, the state change arrives by notification."""
    with story.step("Pair a phone by QR") as tell:
        shown = ada.call("POST", f"/v1/instances/{ada.instance_id}/pairing", {"method": "qr"})
        picture = base64.b64decode(shown["qr"]["data"])
        if not picture.startswith(b"\x89PNG"):
            raise Unexpected("the QR is no PNG")
        phone.scan(PHONE)
        event = receiver.wait_for("instance.connected")
        seen = ada.until("connection", "connected")
        tell(f"QR of {len(picture)} bytes scanned; {event['type']} for {seen['phone_number']}")


def send(story: Story, ada: Customer, phone: Phone, receiver: Receiver) -> None:
    """Her code sends; the same key sends once; the delivery is reported."""
    with story.step("Send a message, twice with one key") as tell:
        path, body = f"/v1/instances/{ada.instance_id}/messages", text_to(FRIEND, TULIPS)
        first = ada.call("POST", path, body, expect=202, Idempotency_Key="tulips-1")
        again = ada.call("POST", path, body, expect=202, Idempotency_Key="tulips-1")
        if first != again:
            raise Unexpected("the same key gave another answer")
        if phone.texts() != [TULIPS]:
            raise Unexpected(f"upstream was given {phone.texts()}")
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


def receive(story: Story, ada: Customer, phone: Phone, receiver: Receiver) -> None:
    """A friend answers; the message reaches her server, signed."""
    with story.step("Receive an answer on her own server") as tell:
        phone.receive(FRIEND, "Thank you, Ada!")
        event = receiver.wait_for("message.received")
        if receiver.refused:
            raise Unexpected(f"{receiver.refused} deliveries did not verify")
        tell(f"“{event['data']['text']}” verified; {len(receiver.events)} events, none forged")


def reach_the_limit(story: Story, ada: Customer) -> None:
    """The trial allows five chats a month; the sixth is refused, and it says why."""
    with story.step("Reach the trial's limit") as tell:
        path = f"/v1/instances/{ada.instance_id}/messages"
        for number in range(1, 5):
            ada.call("POST", path, text_to(f"7999555000{number}", "Spring sale"), expect=202)
        refused = ada.call("POST", path, text_to("79995550009", "Spring sale"), expect=402)
        tell(f"402 {refused['code']}: {refused['detail']}")


def go_live(story: Story, ada: Customer, outside: Outside, phone: Phone) -> None:
    """The operator books a payment; the same reference is booked once; then seven days more."""
    with story.step("Go live for 30 days, extend by 7") as tell:
        pool, path = phone.pool_days(), f"/instances/{ada.instance_id}"
        paid = {"days": 30, "reference": "invoice-1001"}
        first = outside.operator("POST", f"{path}/go_live", paid)
        again = outside.operator("POST", f"{path}/go_live", paid)
        if first["paid_through_at"] != again["paid_through_at"]:
            raise Unexpected("one payment was booked twice")
        extended = outside.operator("POST", f"{path}/extend", {"days": 7, "reference": "invoice-1002"})
        until(phone.is_live, "the gateway does not serve the account as a paid one")
        ada.until("connection", "connected")
        ada.call("POST", f"/v1/instances/{ada.instance_id}/messages", text_to("79995550009", "Sale!"), expect=202)
        tell(f"paid through {extended['paid_through_at']}; the sixth chat is open")
        if pool is not None:
            tell(f"pool {pool:g} → {phone.pool_days():g} days: the first step of 37")
            story.facts["pool_days"] = [pool, phone.pool_days()]


def use_the_gateway(story: Story, ada: Customer, outside: Outside) -> None:
    """Every kind of message by the typed face; then code that was written for GREEN-API."""
    with story.step("Send a picture and a poll, make a group") as tell:
        tell(more_than_text(ada))
    with story.step("Run her old GREEN-API code, host changed") as tell:
        tell(old_code(ada, outside))


def lose_an_answer(story: Story, outside: Outside, phone: Phone) -> None:
    """Upstream creates an instance and its answer is lost: found by its tag, adopted, never created twice."""
    with story.step("Lose the answer of a create, and repair it") as tell:
        rule = {"method": phone.create, "kind": "lose_answer", "probability": 1, "times": 1}
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
        found = phone_of(outside, bo.instance_id).account
        if phones.alive(outside) != 2:
            raise Unexpected(f"{phones.alive(outside)} accounts are alive upstream, not 2")
        story.facts["upstream_instances"] = 2
        tell(f"{operation['status']} by way of {', '.join(steps)}; {found} found; 2 customers, 2 upstream")


def leave(story: Story, ada: Customer, outside: Outside, phone: Phone, receiver: Receiver) -> None:
    """She leaves: logged out, deleted upstream, unused days returned, data erased, with a receipt."""
    with story.step("Leave, with a receipt") as tell:
        asked = ada.call("DELETE", f"/v1/instances/{ada.instance_id}", expect=202)
        receipt = ada.finished(asked["id"])["result"]
        refused = ada.call("POST", f"/v1/instances/{ada.instance_id}/messages", text_to(FRIEND, "Late"), expect=410)
        if not phone.is_gone():
            raise Unexpected("upstream still has the instance or the phone's link")
        receiver.wait_for("instance.deleted")
        ledger = outside.operator("GET", f"/instances/{ada.instance_id}/ledger")
        story.facts |= {"reclaimed_days": receipt["reclaimed_days"], "balance_days": ledger["balance_days"]}
        tell(f"{receipt['reclaimed_days']} days returned, balance {ledger['balance_days']}; then 410 {refused['code']}")
        pool = phone.pool_days()
        if pool is not None:
            tell(f"pool back at {pool:g} days")
            story.facts["pool_days"].append(pool)


def compare_books(story: Story, outside: Outside) -> None:
    """Every day that a gateway billed, moved or kept stands in our ledger."""
    with story.step("Compare the ledger with the gateways' books") as tell:
        told = books.agreed(outside)
        story.facts["billed_days"] = len(told.bills)
        if told.bills:
            tell(f"GREEN-API billed {len(told.bills)} days")
        if told.balances:
            tell(f"Whapi's pool holds {told.balances['pool']:g}")
        tell("no difference")


def until(true: Callable[[], bool], otherwise: str, seconds: float = 30) -> None:
    """Wait until something holds.

    Raises:
        Unexpected: it does not in time; the message is `otherwise`.
    """
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise Unexpected(otherwise)
        time.sleep(0.1)


def text_to(number: str, body: str) -> dict[str, Any]:
    """A text message as the API takes it."""
    return {"to": f"+{number}", "type": "text", "text": {"body": body}}
