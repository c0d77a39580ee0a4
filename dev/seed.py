"""The tenants of a fresh house, made by the public HTTP API, as an outside client would."""

from dataclasses import dataclass, field

from dev.outside import Outside
from dev.stack import Stack

NEWCOMERS = (("ada@example.com", "Ada's Flowers", "79990001122@c.us"), ("bo@example.com", "Bo's Bikes", None))


@dataclass(frozen=True)
class Tenant:
    """An organization to play with: its key, and an instance it leases."""

    org_id: str
    api_key: str = field(repr=False)
    instance_id: str | None


def seed(stack: Stack) -> list[Tenant]:
    """Make the tenants of a house that has none: one with a phone linked, one that waits for its QR to be scanned.

    With a real gateway behind the live environment nobody signs up by himself, for each sign-up would be billed.
    """
    if stack.options.upstream is not None:
        return []
    made = []
    with Outside(stack) as outside:
        for email, name, wid in NEWCOMERS:
            customer = outside.sign_up(email, name)
            customer.finished(customer.operation_id)
            if wid is not None:
                outside.scan(customer, wid)
                customer.until("connection", "connected")
            made.append(Tenant(customer.org_id, customer.api_key, customer.instance_id))
    return made
