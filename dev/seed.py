"""The tenants of a fresh house, made by the public HTTP API, as an outside client would."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dev.gateways import GATEWAYS, weigh
from dev.outside import Outside
from dev.phones import phone_of
from dev.stack import Stack

NEWCOMERS = (
    ("ada@example.com", "Ada's Flowers", "green_api", "79990001122"),
    ("bo@example.com", "Bo's Bikes", "green_api", None),
    ("cy@example.com", "Cy's Cakes", "whapi", "79990003344"),
)


@dataclass(frozen=True)
class Tenant:
    """An organization to play with: its key, and an instance it leases."""

    org_id: str
    api_key: str = field(repr=False)
    instance_id: str | None
    name: str = ""
    provider: str = ""


def seed(stack: Stack, weights: Mapping[str, int]) -> list[Tenant]:
    """Make the tenants of a house that has none: one on each gateway with a phone linked, one that waits for its QR
    to be scanned; then give the gateways their shares of new instances.

    With a real gateway behind the live environment nobody signs up by himself, for each sign-up would be billed.
    """
    if stack.options.real:
        return []
    made = []
    with Outside(stack) as outside:
        for email, name, provider, number in NEWCOMERS:
            weigh(outside, {each: 100 * (each == provider) for each in GATEWAYS})
            customer = outside.sign_up(email, name)
            customer.finished(customer.operation_id)
            if number is not None:
                phone_of(outside, customer.instance_id).scan(number)
                customer.until("connection", "connected")
            made.append(Tenant(customer.org_id, customer.api_key, customer.instance_id, name, provider))
        for environment in ("live", "test"):
            weigh(outside, weights, environment)
    return made
