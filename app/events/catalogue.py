"""Every type of event as data: its name, what it says, and an example of its `data`."""

from dataclasses import dataclass
from typing import Any, Final

INSTANCE: Final = "inst_01m7zpzh3pekgt8zb1y8xg42jx"
MESSAGE: Final = "msg_01m7zq0f5tf3m8a4h2c6k9w1ye"
OPERATION: Final = "op_01m7zq0r2hes1b7d4x5n8v3t6k"
ENDPOINT: Final = "whe_01m7zq12m9fjnb6s3r8p5d2c7g"
API_KEY: Final = "key_01m7zq1aw4fh9t2k6y3m8b5n1x"
INSTANT: Final = "2026-11-21T18:24:03.120Z"
CHAT: Final = "79990001122@c.us"

TEST: Final = "webhook_endpoint.test"
FAILING: Final = "webhook_endpoint.failing"
DISABLED: Final = "webhook_endpoint.disabled"
RAW: Final = "gateway.event"


@dataclass(frozen=True)
class EventType:
    """One type; `example` is what `data` may look like: fields may be added, none is taken away."""

    name: str
    description: str
    example: dict[str, Any]


def _instance(**more: Any) -> dict[str, Any]:
    return {"instance_id": INSTANCE, **more}


def _message(status: str, **more: Any) -> dict[str, Any]:
    return {
        "message_id": MESSAGE,
        "instance_id": INSTANCE,
        "chat_id": CHAT,
        "kind": "text",
        "text": "Hello",
        "content": {"text": "Hello"},
        "status": status,
        "upstream_message_id": "BAE5F4886F6F2D05",
        "client_reference": None,
        "created_at": INSTANT,
        "updated_at": INSTANT,
        **more,
    }


def _of_message(**more: Any) -> dict[str, Any]:
    known = {"message_id": MESSAGE, "instance_id": INSTANCE, "upstream_message_id": "BAE5F4886F6F2D05"}
    return {**known, "chat_id": CHAT, "sender": CHAT, **more}


def _call() -> dict[str, Any]:
    said = {"status": "ringing", "is_video": False, "duration_seconds": None, "happened_at": INSTANT}
    return _instance(call_id="E5A1B2C3D4", chat_id=CHAT, **said)


def _operation(**more: Any) -> dict[str, Any]:
    resource = {"type": "instance", "id": INSTANCE}
    return {"operation_id": OPERATION, "operation_type": "instance.provision", "resource": resource, **more}


REFUSED: Final = {"code": "recipient_not_on_whatsapp", "detail": "The number has no account."}
PAID: Final = {"plan": "live", "days": 30, "paid_through_at": INSTANT}

CATALOGUE: Final[tuple[EventType, ...]] = (
    EventType("instance.created", "An instance was asked for.", _instance(name="Support line")),
    EventType("instance.provisioned", "An instance is ready to be paired with a phone.", _instance()),
    EventType(
        "instance.pairing_required",
        "An instance was moved to another gateway and is ready: its phone is to be linked anew, on the page at"
        " `pairing_url`, which opens for 24 hours without a credential.",
        _instance(reason="moved", pairing_url="https://api.example.com/pair/AAEq3v0…"),
    ),
    EventType("instance.provision_failed", "An instance could not be made.", _instance(code="upstream_error")),
    EventType(
        "instance.connected", "A phone is linked.", _instance(phone_number="+79990001122", profile_name="Support")
    ),
    EventType("instance.disconnected", "The phone is not linked any more.", _instance(connection="unpaired")),
    EventType("instance.blocked", "WhatsApp has blocked the account.", _instance()),
    EventType(
        "instance.suspended",
        "An instance takes no messages until it is resumed.",
        _instance(by="organization", reason="Holiday"),
    ),
    EventType("instance.resumed", "A suspended instance works again.", _instance(by="organization")),
    EventType("instance.went_live", "An instance was paid for the first time.", _instance(**PAID)),
    EventType("instance.deleted", "An instance is gone for good.", _instance(digest="9f86d081884c7d65")),
    EventType(
        "message.received",
        "Somebody wrote to the instance.",
        _message("received", sender=CHAT, sender_name="Ada", received_at=INSTANT),
    ),
    EventType("message.sent", "A message sent through the API has left.", _message("sent")),
    EventType(
        "message.sent_from_phone", "A message was written on the linked phone.", _message("sent", sent_at=INSTANT)
    ),
    EventType("message.status_changed", "A message was delivered or read.", _message("delivered")),
    EventType("message.failed", "A message could not be delivered.", _message("failed", error=REFUSED)),
    EventType(
        "message.outcome_unknown",
        "It cannot be found out whether a message was sent.",
        _message("unknown", error={"code": "outcome_unknown", "detail": "It cannot be found out."}),
    ),
    EventType(
        "message.edited",
        "A message has new words; `message_id` is null for one that never went through us.",
        _of_message(content={"text": "Hello again"}, own=False, edited_at=INSTANT),
    ),
    EventType(
        "message.deleted", "A message was taken back by who wrote it.", _of_message(own=False, deleted_at=INSTANT)
    ),
    EventType(
        "reaction.received",
        "Somebody reacted to a message; `emoji` is null when a reaction was taken back.",
        _of_message(sender_name="Ada", emoji="👍"),
    ),
    EventType(
        "poll.voted",
        "Somebody voted; `votes` is the poll's whole state.",
        _of_message(question="When?", votes=[{"option": "Morning", "voters": [CHAT]}]),
    ),
    EventType("call.incoming", "Somebody calls the account, or that call went on.", _call()),
    EventType("call.outgoing", "The phone calls somebody, or that call went on.", _call()),
    EventType(
        "trial.started",
        "The trial of an instance runs from now.",
        _instance(plan="trial", trial_ends_at=INSTANT, trial_days=5),
    ),
    EventType("trial.ending", "A trial ends soon.", _instance(plan="trial", trial_ends_at=INSTANT, days_left=1)),
    EventType("trial.ended", "A trial is over: sending is refused.", _instance(plan="trial", trial_ends_at=INSTANT)),
    EventType("subscription.activated", "An instance was paid for the first time.", _instance(**PAID)),
    EventType("subscription.extended", "Days were added to an instance that is live.", _instance(**PAID)),
    EventType(
        "subscription.ending", "Paid time ends soon.", _instance(plan="live", paid_through_at=INSTANT, days_left=3)
    ),
    EventType("subscription.past_due", "Paid time is over.", _instance(plan="live", paid_through_at=INSTANT)),
    EventType("operation.succeeded", "A long operation has ended well.", _operation(result={}, error=None)),
    EventType(
        "operation.failed",
        "A long operation has ended badly.",
        _operation(result=None, error={"code": "upstream_error", "detail": "The gateway refused."}),
    ),
    EventType("api_key.created", "An API key was made.", {"api_key_id": API_KEY, "name": "Server"}),
    EventType("api_key.rotated", "An API key has a new secret.", {"api_key_id": API_KEY, "name": "Server"}),
    EventType("api_key.revoked", "An API key was revoked.", {"api_key_id": API_KEY, "name": "Server"}),
    EventType("organization.suspended", "The organization may not use the API for now.", {"reason": "Unpaid"}),
    EventType("organization.resumed", "The organization may use the API again.", {"reason": "Paid"}),
    EventType(TEST, "Sent when you ask to test an endpoint, to that endpoint only.", {"webhook_endpoint_id": ENDPOINT}),
    EventType(
        FAILING,
        "An endpoint has refused everything for a day; it is disabled after five days.",
        {"webhook_endpoint_id": ENDPOINT, "url": "https://example.com/hooks/sublet", "failing_since": INSTANT},
    ),
    EventType(
        DISABLED,
        "An endpoint was disabled: it answered 410, or refused everything for five days.",
        {"webhook_endpoint_id": ENDPOINT, "url": "https://example.com/hooks/sublet", "reason": "failing"},
    ),
    EventType(
        RAW,
        "Something the gateway told that has no word of ours yet; `raw` is as it came, without the gateway's names.",
        {"instance_id": INSTANCE, "type": "incomingBlock", "raw": {"chatId": CHAT, "chatState": "blocked"}},
    ),
)
NAMES: Final = frozenset(item.name for item in CATALOGUE)


def known(pattern: str) -> bool:
    """Whether a subscription names a type, or by `message.*` a group that has one."""
    return pattern in NAMES or (pattern.endswith(".*") and any(name.startswith(pattern[:-1]) for name in NAMES))


def matches(pattern: str, name: str) -> bool:
    """Whether a subscription wants a type."""
    return pattern == name or (pattern.endswith(".*") and name.startswith(pattern[:-1]))
