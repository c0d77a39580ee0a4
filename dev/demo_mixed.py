"""Several customers on two gateways at once: none of them can tell which, and the operator's books hold both."""

import json
from collections import Counter
from typing import Any

from dev import phones
from dev.demo_lease import FRIEND, compare_books, text_to, until
from dev.demo_story import Story
from dev.gateways import WEIGHTS, weigh
from dev.outside import Customer, Outside, Unexpected
from dev.phones import Phone, phone_of

NAMES = ("Ada's Flowers", "Bo's Bikes", "Cy's Cakes", "Di's Dogs", "Ed's Eggs", "Flo's Films")
BY_WEIGHT = 4
Lease = tuple[Customer, Phone]


def tell_story(story: Story, outside: Outside) -> None:
    """Every step in order."""
    story.title = "Six leases on two gateways, from sign-up to equal books"
    leases = provision(story, outside, sign_up(story, outside))
    pair(story, leases)
    send_and_receive(story, leases)
    go_live(story, outside, leases)
    leave(story, outside, leases)
    compare_books(story, outside)


def sign_up(story: Story, outside: Outside) -> list[Customer]:
    """The weights choose; then each gateway is paused once, so that the other gets the next one for sure."""
    with story.step("Weigh two gateways, sign up six customers") as tell:
        weights = WEIGHTS["mixed"]
        weigh(outside, weights)
        customers = [_sign_up(outside, name) for name in NAMES[:BY_WEIGHT]]
        for name, paused in zip(NAMES[BY_WEIGHT:], weights, strict=True):
            outside.operator("POST", f"/providers/{paused}/live/pause", {"reason": "maintenance"})
            customers.append(_sign_up(outside, name))
            outside.operator("POST", f"/providers/{paused}/live/resume")
        tell(f"weights {json.dumps(dict(weights))}; the fifth while GREEN-API was paused, the sixth while Whapi was")
    return customers


def provision(story: Story, outside: Outside, customers: list[Customer]) -> list[Lease]:
    """The queue provisions each where it was chosen to be."""
    with story.step("Provision them through the queue") as tell:
        for customer in customers:
            customer.finished(customer.operation_id)
        leases = [(customer, phone_of(outside, customer.instance_id)) for customer in customers]
        shares = Counter(phone.title for _, phone in leases)
        if len(shares) != len(phones.PHONES) or phones.alive(outside) != len(leases):
            raise Unexpected(f"{shares} of {len(leases)}, {phones.alive(outside)} alive upstream")
        story.facts |= {"tenants": len(leases), "shares": dict(shares)}
        tell(", ".join(f"{count} at {title}" for title, count in sorted(shares.items())))
    return leases


def pair(story: Story, leases: list[Lease]) -> None:
    """The same request shows a QR, whoever made it."""
    with story.step("Pair six phones by QR") as tell:
        for number, (customer, phone) in enumerate(leases):
            customer.call("POST", f"/v1/instances/{customer.instance_id}/pairing", {"method": "qr"})
            phone.scan(f"7999000110{number}")
        for customer, _ in leases:
            customer.until("connection", "connected")
        tell("six QR codes, six phones connected")


def send_and_receive(story: Story, leases: list[Lease]) -> None:
    """One and the same code sends and reads on both."""
    with story.step("Send with one and the same code, and read the answers") as tell:
        path = "/v1/instances/{}/messages"
        sent = [
            customer.call(
                "POST", path.format(customer.instance_id), text_to(FRIEND, "Hello"), expect=202, Idempotency_Key="one"
            )
            for customer, _ in leases
        ]
        for (customer, phone), message in zip(leases, sent, strict=True):
            one = f"{path.format(customer.instance_id)}/{message['id']}"
            until(lambda: customer.call("GET", one)["status"] in ("delivered", "read"), "a message is not delivered")  # noqa: B023
            phone.receive(FRIEND, "Hello to you")
            until(lambda: "inbound" in _directions(customer), "an answer did not come")  # noqa: B023
            if phone.texts() != ["Hello"]:
                raise Unexpected(f"{phone.title} was given {phone.texts()}")
        tell("six delivered, each given once; six answers read")


def go_live(story: Story, outside: Outside, leases: list[Lease]) -> None:
    """All pay. Whapi's days come from a pool; the answer of one extension is lost, and it is not made again."""
    with story.step("All pay for 30 days; one extension's answer is lost") as tell:
        rule = {"method": "extendChannel", "kind": "lose_answer", "times": 1}
        outside.upstream("POST", "faults", {"rules": [rule], "seed": 1})
        prepaid = [phone for _, phone in leases if phone.pool_days() is not None]
        before = prepaid[0].pool_days()
        for customer, _ in leases:
            outside.operator("POST", f"/instances/{customer.instance_id}/go_live", {"days": 30, "reference": "one"})
        until(lambda: all(phone.is_live() for _, phone in leases), "not all are served as paid ones", 45)
        lost = outside.upstream("GET", "journal?method=extendChannel&kind=call")["entries"]
        if sum(call["told"] != "ok" for call in lost) != 1:
            raise Unexpected("no answer of an extension was lost")
        after = prepaid[0].pool_days()
        if before is None or after is None or before - after != 7 * len(prepaid):
            raise Unexpected(f"the pool went from {before} to {after} days for {len(prepaid)} channels")
        story.facts["pool_days"] = [before, after]
        tell(f"pool {before:g} → {after:g} days: a first step of 7 for each of {len(prepaid)} channels, none twice")


def leave(story: Story, outside: Outside, leases: list[Lease]) -> None:
    """One of each gateway leaves."""
    with story.step("One of each gateway leaves") as tell:
        gone = list({phone.title: (customer, phone) for customer, phone in leases}.values())
        asked = [customer.call("DELETE", f"/v1/instances/{customer.instance_id}", expect=202) for customer, _ in gone]
        for (customer, phone), operation in zip(gone, asked, strict=True):
            receipt: dict[str, Any] = customer.finished(operation["id"])["result"]
            if not phone.is_gone():
                raise Unexpected(f"{phone.title} still has {phone.account}")
            tell(f"{phone.title}: {receipt['reclaimed_days']} days returned")
            pool = phone.pool_days()
            if pool is not None:
                story.facts["pool_days"].append(pool)
                tell(f"pool at {pool:g}")
        story.facts["upstream_instances"] = phones.alive(outside)


def _sign_up(outside: Outside, name: str) -> Customer:
    return outside.sign_up(f"{name.partition(chr(39))[0].lower()}@example.com", name)


def _directions(customer: Customer) -> list[str]:
    found = customer.call("GET", f"/v1/instances/{customer.instance_id}/messages")["data"]
    return [message["direction"] for message in found]
