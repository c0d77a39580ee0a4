"""Pure rules: what an endpoint wants to hear, and with which secrets it is signed for."""

from datetime import datetime

from app.accounts.vault import Vault
from app.events.catalogue import TEST, matches
from app.events.models import Event
from app.kit.ids import INSTANCE, WEBHOOK_ENDPOINT, to_wire
from app.webhooks.models import WebhookEndpoint


def wants(endpoint: WebhookEndpoint, event: Event) -> bool:
    """Whether an event is for an endpoint; a test is for the one that it names, whatever that one listens to."""
    if event.type == TEST:
        return bool(event.data.get("webhook_endpoint_id") == to_wire(WEBHOOK_ENDPOINT, endpoint.id))
    if endpoint.event_types is not None and not any(matches(item, event.type) for item in endpoint.event_types):
        return False
    if endpoint.instance_ids is None:
        return True
    return event.instance_id is not None and to_wire(INSTANCE, event.instance_id) in endpoint.instance_ids


def place_of(endpoint: WebhookEndpoint) -> str:
    """The place that an endpoint's secrets are sealed for."""
    return f"webhook_endpoints.secret|{endpoint.id}"


def keys_of(endpoint: WebhookEndpoint, vault: Vault, now: datetime) -> list[str]:
    """The secrets to sign with: the present one, then the rotated one while it is still valid."""
    keys = [vault.open(endpoint.secret_sealed, place_of(endpoint))]
    if endpoint.previous_sealed is not None and endpoint.previous_until is not None and endpoint.previous_until > now:
        keys.append(vault.open(endpoint.previous_sealed, place_of(endpoint)))
    return keys
