"""Who the phone knows: its address book, what it noted about each chat, and its calls."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from simulator import groups
from simulator.clock import rfc3339

if TYPE_CHECKING:
    from simulator.instance import Instance, Message

HISTORIC = frozenset({"authorized", "notAuthorized", "blocked"})
"""States of which a history is kept.

Source: GREEN-API getStateInstanceHistory page, read 2026-11-21.
"""
FULL_SYNC = 100
"""historySyncProgress when the phone has told all it knows."""


@dataclass(slots=True)
class Contact:
    """A person; `contact_name` is empty for one who is not in the address book."""

    chat_id: str
    name: str = ""
    contact_name: str = ""
    avatar: str = ""
    lid: str = ""
    email: str = ""
    category: str = ""
    description: str = ""
    products: list[dict[str, Any]] = field(default_factory=list)
    last_seen: str | None = None
    is_business: bool = False
    refuses_groups: bool = False
    """Does not let others add him to groups."""


@dataclass(slots=True)
class ChatMarks:
    """What the account noted about one chat."""

    since: float
    archived: bool = False
    ephemeral_expiration: int = 0
    ephemeral_at: float = 0.0
    mute_expiration: int | None = None


@dataclass(slots=True)
class PhoneCall:
    """One call; while it rings its status is `offer` and the journals do not show it."""

    id_message: str
    direction: str
    """`incoming` or `outgoing`."""
    chat_id: str
    at: float
    is_video: bool = False
    status: str = "offer"
    duration: int = 0

    def row(self) -> dict[str, Any]:
        """The call as the call journals tell it."""
        return {
            "type": self.direction,
            "idMessage": self.id_message,
            "timestamp": int(self.at),
            "typeMessage": f"{self.direction}Call",
            "chatId": self.chat_id,
            "duration": self.duration,
            "isVideo": self.is_video,
            "status": self.status,
        }


@dataclass(frozen=True, slots=True)
class StateRow:
    """One line of the history of states."""

    state: str
    at: float
    wid: str


def note_state(instance: "Instance", now: float) -> None:
    """Write the present state into the history if it is another one than before."""
    before = instance.history[-1] if instance.history else None
    if instance.state not in HISTORIC or (before is not None and before.state == instance.state):
        return
    # An unlinked account is still told with the number it had.
    wid = instance.wid or (before.wid if before is not None else "")
    instance.history.append(StateRow(instance.state, now, wid))


def note_message(instance: "Instance", message: "Message") -> None:
    """What a new message says of its chat: that the account is in a group, what is read already."""
    settings, chat_id = instance.settings, message.chat_id
    on_reply = settings["markIncomingMessagesReadedOnReply"] == "yes"
    if message.direction == "incoming":
        message.seen = not on_reply and settings["markIncomingMessagesReaded"] == "yes"
    elif on_reply:
        for said in _received(instance, chat_id):
            said.seen = True
    is_said_inside = message.from_phone or message.direction == "incoming"
    if is_said_inside and kind_of(chat_id) == "group" and chat_id not in instance.groups:
        owner = str(message.body.get("sender") or instance.wid)
        group = groups.found(instance, chat_id, "", owner, message.accepted_at)
        group.members.setdefault(instance.wid, False)


def kind_of(chat_id: str) -> str:
    """`group` or `user`."""
    return "group" if chat_id.endswith("@g.us") else "user"


def marks_of(instance: "Instance", chat_id: str, now: float) -> ChatMarks:
    """The notes about a chat, begun when there are none."""
    return instance.marks.setdefault(chat_id, ChatMarks(since=now))


def contact_of(instance: "Instance", chat_id: str) -> Contact:
    """A person as far as he is known: from the address book, else from what he wrote."""
    known = instance.contacts.get(chat_id)
    if known is not None and known.name:
        return known
    name = next((said.sender_name for said in _received(instance, chat_id) if said.sender_name), "")
    if known is None:
        return Contact(chat_id, name=name)
    known.name = name
    return known


def name_of(instance: "Instance", chat_id: str) -> str:
    """What a chat is called in lists."""
    if kind_of(chat_id) == "group":
        group = instance.groups.get(chat_id)
        return "" if group is None else group.subject
    person = contact_of(instance, chat_id)
    return person.contact_name or person.name


def known_chats(instance: "Instance") -> list[str]:
    """Every chat, that of the newest activity first."""
    active = {chat_id: said[-1].accepted_at for chat_id, said in instance.chats.items() if said}
    for chat_id, marks in instance.marks.items():
        active.setdefault(chat_id, marks.since)
    for group in instance.groups.values():
        if group.has(instance.wid):
            active.setdefault(group.group_id, group.created_at)
    return sorted((chat_id for chat_id in active), key=lambda chat_id: -active[chat_id])


def known_contacts(instance: "Instance") -> list[str]:
    """Everybody in the address book, whoever was written to or wrote, and the groups the account is in."""
    found = dict.fromkeys(instance.contacts)
    found |= dict.fromkeys(chat_id for chat_id in known_chats(instance) if kind_of(chat_id) == "user")
    found |= dict.fromkeys(group.group_id for group in instance.groups.values() if group.has(instance.wid))
    return list(found)


def sync_progress(instance: "Instance", now: float, seconds: float) -> int:
    """How much of the phone's past the upstream has seen since the pairing, in percent."""
    if seconds <= 0:
        return FULL_SYNC
    return min(FULL_SYNC, int(FULL_SYNC * max(0.0, now - instance.linked_at) / seconds))


def unread(instance: "Instance", chat_id: str) -> int:
    """Received messages of a chat that were not marked read."""
    return sum(1 for said in _received(instance, chat_id) if not said.seen)


def shown(instance: "Instance") -> dict[str, Any]:
    """The truth about the people, chats and calls of an instance."""
    return {
        "avatar": instance.avatar,
        "contacts": [
            {
                "chat_id": person.chat_id,
                "name": person.name,
                "contact_name": person.contact_name,
                "avatar": person.avatar,
                "lid": person.lid,
            }
            for person in instance.contacts.values()
        ],
        "chats": [_chat(instance, chat_id) for chat_id in known_chats(instance)],
        "calls": [{**call.row(), "at": rfc3339(call.at)} for call in instance.calls],
    }


def _chat(instance: "Instance", chat_id: str) -> dict[str, Any]:
    marks = instance.marks.get(chat_id, ChatMarks(since=0.0))
    return {
        "chat_id": chat_id,
        "name": name_of(instance, chat_id),
        "unread": unread(instance, chat_id),
        "archived": marks.archived,
        "ephemeral_expiration": marks.ephemeral_expiration,
    }


def _received(instance: "Instance", chat_id: str) -> Iterator["Message"]:
    """What came in a chat, the newest first."""
    return (said for said in reversed(instance.chats.get(chat_id, [])) if said.direction == "incoming")
