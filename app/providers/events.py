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
    """An outgoing message is pending, sent, delivered, read or failed; `reason` is one of our codes when it failed."""

    message_id: str
    chat_id: str
    status: str
    reason: str | None


class MessageEdited(Struct, frozen=True, tag="message_edited"):
    """A message has new words: `content` has its new `text` or `caption`. `own`: by the account, not by the others."""

    message_id: str
    chat_id: str
    sender: str
    content: dict[str, Any]
    own: bool


class MessageDeleted(Struct, frozen=True, tag="message_deleted"):
    """A message was taken back, by the account (`own`) or by its other sender."""

    message_id: str
    chat_id: str
    sender: str
    own: bool


class ReactionReceived(Struct, frozen=True, tag="reaction_received"):
    """Somebody reacted to a message; `emoji` is None when a reaction was taken back."""

    message_id: str
    chat_id: str
    sender: str
    sender_name: str | None
    emoji: str | None


class PollVoted(Struct, frozen=True, tag="poll_voted"):
    """A vote in a poll, the poll being `message_id`; `votes` is its whole state: `[{"option": …, "voters": […]}]`."""

    message_id: str
    chat_id: str
    sender: str
    question: str | None
    votes: list[dict[str, Any]]


class CallChanged(Struct, frozen=True, tag="call_changed"):
    """A call began or went on: `ringing`, `answered`, `ended`, `declined`, `missed` or `unknown`."""

    call_id: str
    chat_id: str
    direction: str
    status: str
    is_video: bool
    duration_seconds: int | None


class Unmapped(Struct, frozen=True, tag="unmapped"):
    """Something we have no word for yet; passed on as `gateway.event`."""

    upstream_type: str


Happening = (
    StateChanged
    | MessageReceived
    | MessageEchoed
    | MessageProgressed
    | MessageEdited
    | MessageDeleted
    | ReactionReceived
    | PollVoted
    | CallChanged
    | Unmapped
)


class Notification(Struct, frozen=True):
    """A notification in our words. `dedupe` is equal for the same notification sent twice; `account` says whose.

    `file_link` is the gateway's own address of the message's file, a secret of ours; None when there is none.
    """

    account: str | None
    kind: str
    dedupe: bytes
    happened_at: datetime | None
    what: Happening
    file_link: str | None = None

    def __repr__(self) -> str:
        return f"Notification(account={self.account!r}, kind={self.kind!r}, what={self.what!r})"
