"""The things with a life: an instance, its messages and its waiting notifications."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from simulator.clock import Timer, rfc3339
from simulator.groups import Group
from simulator.people import ChatMarks, Contact, PhoneCall, StateRow
from simulator.storage import Blob
from simulator.stories import Story

LINKED = frozenset({"authorized", "yellowCard", "suspended"})
"""States in which a phone is linked and the device list of the phone shows us."""


class Phase(Enum):
    """Where an instance is between its creation and its work."""

    CREATING = "creating"  # every call answers 401 with an empty body
    EMPTY = "empty"  # getStateInstance answers null
    STARTING = "starting"
    RUNNING = "running"


@dataclass(slots=True)
class Message:
    """One message of a chat, in either direction."""

    id_message: str
    id_instance: int
    chat_id: str
    text: str
    accepted_at: float
    direction: str
    status: str
    kind: str = "sendMessage"
    body: dict[str, Any] = field(default_factory=dict)
    message_data: dict[str, Any] = field(default_factory=dict)
    from_phone: bool = False
    sender_name: str = ""
    journaled: bool = False
    sent_at: float | None = None
    seen: bool = False
    """A received message that the account marked read."""
    leaves: "Callable[[Any, Instance, Message], None] | None" = None
    """What an item of the queue that is no message to a chat does when its turn comes."""
    typing_ms: int = 0
    batch: str = ""
    """Shared by messages that were forwarded in one call: they are one item of the queue."""
    blob: Blob | None = None
    url: str = ""
    """Where its file is to be fetched from when its turn comes."""
    failure: str = ""
    """Why it cannot be sent."""
    is_edited: bool = False
    is_deleted: bool = False
    votes: dict[str, list[str]] = field(default_factory=dict)
    """Of a poll: who chose what."""
    reactions: dict[str, str] = field(default_factory=dict)

    def shown(self) -> dict[str, Any]:
        """The truth about this message."""
        return {
            "id_message": self.id_message,
            "id_instance": self.id_instance,
            "chat_id": self.chat_id,
            "text": self.text,
            "accepted_at": rfc3339(self.accepted_at),
            "sent_at": None if self.sent_at is None else rfc3339(self.sent_at),
            "status": self.status,
            "direction": self.direction,
            "from_phone": self.from_phone,
            "method": self.kind,
            "type_message": self.message_data.get("typeMessage"),
            "is_edited": self.is_edited,
            "is_deleted": self.is_deleted,
            "votes": self.votes,
            "reactions": self.reactions,
        }


@dataclass(slots=True)
class Usage:
    """What was used of a plan in one month."""

    month: str = ""
    calls: dict[str, int] = field(default_factory=dict)
    chats: dict[str, None] = field(default_factory=dict)


@dataclass(slots=True)
class Notice:
    """A notification that waits to be pushed or pulled."""

    receipt_id: int
    body: dict[str, Any]
    queued_at: float
    attempts: int = 0

    @property
    def kind(self) -> str:
        """Its typeWebhook."""
        return str(self.body["typeWebhook"])


@dataclass(slots=True, eq=False)
class Instance:
    """One rented instance as the upstream itself knows it."""

    id_instance: int
    token: str
    name: str
    partner_token: str
    created_at: float
    visible_at: float
    settings: dict[str, Any]
    phase: Phase = Phase.CREATING
    base: str = "notAuthorized"
    wid: str = ""
    push_name: str = ""
    deleted_at: float | None = None
    vanished_at: float | None = None
    vanished_answer: int = 403
    linked_device_left: bool = False
    stuck_until: float = 0.0
    phase_timer: Timer | None = None
    charges: int = 0
    outgoing: deque[Message] = field(default_factory=deque)
    outgoing_timer: Timer | None = None
    plan: str = ""
    usage: Usage = field(default_factory=Usage)
    fetching: Message | None = None
    """The message at the head of the queue whose file is being fetched."""
    last_sent_at: float = 0.0
    notices: deque[Notice] = field(default_factory=deque)
    held_notice: Notice | None = None
    receipts: int = 0
    cleared_at: float = 0.0
    waiters: list[asyncio.Future[None]] = field(default_factory=list)
    messages: dict[str, Message] = field(default_factory=dict)
    chats: dict[str, list[Message]] = field(default_factory=dict)
    buckets: dict[str, tuple[float, float]] = field(default_factory=dict)
    qr_since: float = 0.0
    qr_shown: tuple[tuple[int, float], str] = ((-1, 0.0), "")
    code: str = ""
    code_phone: str = ""
    code_until: float = 0.0
    code_calls: int = 0
    code_stuck: bool = False
    linked_at: float = 0.0
    avatar: str = ""
    contacts: dict[str, Contact] = field(default_factory=dict)
    marks: dict[str, ChatMarks] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    stories: dict[str, Story] = field(default_factory=dict)
    calls: list[PhoneCall] = field(default_factory=list)
    """Both directions, oldest first; a row is corrected in place while its call goes on."""
    history: list[StateRow] = field(default_factory=list)
    chats_shown: tuple[float, list[dict[str, Any]]] = (float("-inf"), [])
    """When the list of chats was made up last, and that list."""
    suspended_until: float = 0.0
    checked: dict[str, bool] = field(default_factory=dict)
    """Numbers that were looked up before, and whether they had an account then."""
    viewer: asyncio.Queue[dict[str, Any]] | None = None
    row: tuple[str, bytes] = ("", b"")

    @property
    def is_alive(self) -> bool:
        """Neither deleted by the partner nor lost by the upstream."""
        return self.deleted_at is None and self.vanished_at is None

    @property
    def is_sending(self) -> bool:
        """Items may leave the outgoing queue now."""
        return self.phase is Phase.RUNNING and self.base == "authorized" and self.is_alive

    @property
    def state(self) -> str:
        """The true state; `creating` and `empty` are the two windows before the first `starting`."""
        if self.deleted_at is not None:
            return "deleted"
        if self.vanished_at is not None:
            return "vanished"
        return self.base if self.phase is Phase.RUNNING else self.phase.value

    def shown(self) -> dict[str, Any]:
        """The truth about this instance."""
        return {
            "id_instance": self.id_instance,
            "name": self.name,
            "token": self.token,
            "partner_token": self.partner_token,
            "state": self.state,
            "wid": self.wid,
            "created_at": rfc3339(self.created_at),
            "deleted_at": None if self.deleted_at is None else rfc3339(self.deleted_at),
            "vanished_at": None if self.vanished_at is None else rfc3339(self.vanished_at),
            "plan": self.plan,
            "linked_device_left": self.linked_device_left,
            "settings": self.settings,
            "outgoing_queue": [message.id_message for message in self.outgoing],
            "notification_queue": [
                {"receipt_id": notice.receipt_id, "attempts": notice.attempts, "body": notice.body}
                for notice in self.notices
            ],
            "charges": self.charges,
        }
