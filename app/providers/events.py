"""What happens on an account, whoever the provider is."""

from datetime import datetime
from typing import Any

from msgspec import Struct


class StateChanged(Struct, frozen=True, tag="state_changed"):
    """The account's link has a new state (a value of `port.Link`); `phone` is digits, or None when nobody is linked."""

    link: str
    phone: str | None


class MessageReceived(Struct, frozen=True, tag="message_received"):
    """Somebody wrote to the account. `content` is canonical: `{"text": …}` for text, else what fits the kind."""

    message_id: str
    chat_id: str
    sender: str
    sender_name: str | None
    kind: str
    content: dict[str, Any]


class MessageEchoed(Struct, frozen=True, tag="message_echoed"):
    """A message left the account: by our call (`by_api`), or typed on the phone."""

    message_id: str
    chat_id: str
    kind: str
    content: dict[str, Any]
    by_api: bool


class MessageProgressed(Struct, frozen=True, tag="message_progressed"):
    """An outgoing message is sent, delivered, read or failed; `reason` is one of our codes when it failed."""

    message_id: str
    chat_id: str
    status: str
    reason: str | None


class Unmapped(Struct, frozen=True, tag="unmapped"):
    """Something we have no word for yet; passed on as `gateway.event`."""

    upstream_type: str


Happening = StateChanged | MessageReceived | MessageEchoed | MessageProgressed | Unmapped


class Notification(Struct, frozen=True):
    """A notification in our words. `dedupe` is equal for the same notification sent twice; `upstream_id` says whose."""

    upstream_id: int | None
    kind: str
    dedupe: bytes
    happened_at: datetime | None
    what: Happening
