"""The tenants of a fresh house, made by the public HTTP API, as an outside client would."""

from dataclasses import dataclass, field

from dev.stack import Stack


@dataclass(frozen=True)
class Tenant:
    """An organization to play with: its key, and an instance it leases."""

    org_id: str
    api_key: str = field(repr=False)
    instance_id: str | None


def seed(stack: Stack) -> list[Tenant]:
    """Make the tenants of a house that has none.

    Asks `stack.api_url` only, with `stack.operator_key["secret"]` where an operator is needed, and
    reads sign-in codes from `stack.mailbox_url`. Called once per database: what it answers is kept
    in `.dev/stack.json` and shown again at the next start.
    """
    return []
