"""Statuses (stories): posted through the queue, seen by people, gone after thirty days."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from simulator.clock import rfc3339

if TYPE_CHECKING:
    from simulator.instance import Instance, Message

BROADCAST = "status@broadcast"
"""The chat in which stories live; it is no chat of the lists."""
KEPT_SECONDS = 30 * 86400.0
"""Source: GREEN-API getIncomingStatuses page, read 2026-11-21."""
LARGEST_AUDIENCE = 1024
"""A story for everybody reaches so many people of the address book.

Source: GREEN-API sendTextStatus page, read 2026-11-21.
"""
RANKS = {"pending": 0, "sent": 1, "delivered": 2, "read": 3}


@dataclass(slots=True)
class View:
    """How far a story came with one person."""

    status: str
    at: float


@dataclass(slots=True)
class Story:
    """One story in either direction; `content` is what its row tells besides the envelope."""

    id_message: str
    direction: str
    type_message: str
    at: float
    author: str
    content: dict[str, Any]
    author_name: str = ""
    author_contact: str = ""
    participants: list[str] = field(default_factory=list)
    journaled: bool = True
    deleted: bool = False
    message: "Message | None" = None
    """Its item in the outgoing queue."""
    views: dict[str, View] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """The furthest it came with anybody."""
        if self.message is not None and self.message.status == "queued":
            return "pending"
        if self.message is not None and self.message.status != "sent":
            return self.message.status
        return max((view.status for view in self.views.values()), key=RANKS.__getitem__, default="sent")

    def row(self) -> dict[str, Any]:
        """The story as the lists tell it."""
        fields: dict[str, Any] = {
            "type": self.direction,
            "idMessage": self.id_message,
            "timestamp": int(self.at),
            "typeMessage": self.type_message,
            "chatId": self.author,
            **self.content,
        }
        if self.direction == "outgoing":
            if "extendedTextMessage" not in self.content:
                fields["participants"] = self.participants
            return {**fields, "statusMessage": self.status, "sendByApi": True}
        return {
            **fields,
            "senderId": self.author,
            "senderName": self.author_name,
            "senderContactName": self.author_contact,
        }

    def shown(self) -> dict[str, Any]:
        """The truth about the story."""
        return {
            "id_message": self.id_message,
            "direction": self.direction,
            "type_message": self.type_message,
            "at": rfc3339(self.at),
            "author": self.author,
            "content": self.content,
            "participants": self.participants,
            "status": self.status,
            "deleted": self.deleted,
            "views": {who: {"status": view.status, "at": rfc3339(view.at)} for who, view in self.views.items()},
        }


def publish(now: float, instance: "Instance", story: Story) -> None:
    """The story left the queue: whoever it is meant for can see it."""
    audience = (
        story.participants
        or [person.chat_id for person in instance.contacts.values() if person.contact_name][:LARGEST_AUDIENCE]
    )
    for chat_id in audience:
        story.views.setdefault(chat_id, View("sent", now))


def recent(instance: "Instance", direction: str, oldest: float, newest: float) -> list[Story]:
    """Stories of one direction within a span of time, newest first; deleted ones are gone."""
    return [
        story
        for story in reversed(instance.stories.values())
        if story.direction == direction and story.journaled and not story.deleted and oldest <= story.at <= newest
    ]
