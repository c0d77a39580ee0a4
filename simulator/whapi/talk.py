"""What a channel knows of messages, chats, people, groups, media and calls; told in the shapes of the reference."""

from dataclasses import dataclass, field
from typing import Any

from simulator.storage import Blob

BROADCAST = "status@broadcast"
"""The chat in which stories live; it is on no list."""
PERSON = "@s.whatsapp.net"
GROUP = "@g.us"
LID = "@lid"
KEYS = {"poll_update": "poll"}
"""Types whose content stands under another name. Source: Whapi skill text, read 2026-11-21."""


@dataclass(slots=True, eq=False)
class Media:
    """A file the channel has; `link` is set when it is published."""

    id: str
    blob: Blob
    mime: str
    name: str
    sha256: str
    at: float
    link: str = ""

    def row(self) -> dict[str, Any]:
        """The MediaFile of the lists and of messages."""
        told: dict[str, Any] = {
            "id": self.id,
            "mime_type": self.mime,
            "file_size": self.blob.size,
            "sha256": self.sha256,
            "timestamp": int(self.at),
        }
        if self.name:
            told["file_name"] = self.name
        if self.link:
            told["link"] = self.link
        return told


@dataclass(slots=True, eq=False)
class Message:
    """One message or story; `author` is a number, `content` what stands under the key of its type."""

    id: str
    type: str
    chat_id: str
    at: float
    from_me: bool
    source: str
    author: str
    content: dict[str, Any]
    author_name: str = ""
    status: str = ""
    device_id: int | None = None
    context: dict[str, Any] = field(default_factory=dict)
    media: Media | None = None
    reactions: dict[str, tuple[str, float]] = field(default_factory=dict)
    votes: dict[str, list[str]] = field(default_factory=dict)
    views: dict[str, tuple[str, float]] = field(default_factory=dict)
    """How far it came with each recipient."""
    audience: list[str] | None = None
    """Of an own story: the numbers that see it."""
    is_unread: bool = False
    is_starred: bool = False
    lid: str = ""
    """Told under this id in place of the author's number."""
    edited_at: float | None = None

    def row(self) -> dict[str, Any]:
        """The message as every list and every event tells it."""
        in_person = self.lid and self.chat_id.endswith(PERSON)
        told: dict[str, Any] = {
            "id": self.id,
            "from_me": self.from_me,
            "type": self.type,
            "chat_id": self.lid if in_person else self.chat_id,
            "timestamp": int(self.at),
            "source": self.source,
            "from": self.lid or self.author,
        }
        if self.author_name:
            told["from_name"] = self.author_name
        if self.device_id is not None:
            told["device_id"] = self.device_id
        if self.status:
            told["status"] = self.status
        told[KEYS.get(self.type, self.type)] = self.said()
        if self.context:
            told["context"] = self.context
        if self.reactions:
            told["reactions"] = [
                {"id": author, "emoji": emoji, "group_key": emoji, "t": round(at * 1000), "count": 1}
                for author, (emoji, at) in self.reactions.items()
            ]
        return told

    def said(self) -> dict[str, Any]:
        """What stands under the key of its type, with the file and the votes."""
        if self.type == "poll":
            return {**self.content, **self._results()}
        if self.media is not None:
            return {**self.media.row(), **self.content}
        return self.content

    def _results(self) -> dict[str, Any]:
        voters = {
            name: [who for who, chosen in self.votes.items() if name in chosen] for name in self.content["options"]
        }
        results = [
            {"id": f"option{place}", "name": name, "count": len(who), "voters": who}
            for place, (name, who) in enumerate(voters.items(), 1)
        ]
        return {"total": sum(len(who) for who in voters.values()), "results": results}


@dataclass(slots=True, eq=False)
class Chat:
    """One chat; `mute_until` is in milliseconds, as the reference has it."""

    id: str
    at: float
    messages: list[Message] = field(default_factory=list)
    unread: int = 0
    archive: bool = False
    pin: bool = False
    mute_until: int = 0
    ephemeral: str = "none"
    """After what time messages disappear: none, day, week or quarter."""
    is_marked: bool = False
    """Marked as unread by hand."""


@dataclass(slots=True, eq=False)
class Person:
    """Somebody known to the channel."""

    number: str
    name: str = ""
    pushname: str = ""
    about: str = ""
    icon: str = ""
    is_business: bool = False
    is_saved: bool = False
    status: str = "offline"
    last_seen: float = 0.0

    def row(self) -> dict[str, Any]:
        """The Contact of the lists."""
        told: dict[str, Any] = {
            "id": self.number,
            "name": self.name or self.pushname or self.number,
            "pushname": self.pushname or self.name,
            "is_business": self.is_business,
            "saved": self.is_saved,
        }
        if self.about:
            told["status"] = self.about
        if self.icon:
            told |= {"profile_pic": self.icon, "profile_pic_full": self.icon}
        return told

    def presence(self) -> dict[str, Any]:
        """The Presence of events."""
        return {"contact_id": self.number, "last_seen": int(self.last_seen), "status": self.status}


@dataclass(slots=True, eq=False)
class Group:
    """One group; `ranks` has its members, by number: creator, admin or member."""

    id: str
    name: str
    created_at: float
    created_by: str
    ranks: dict[str, str]
    invite_code: str
    description: str = ""
    icon: Blob | None = None
    icon_url: str = ""
    policies: dict[str, str] = field(default_factory=dict)

    def row(self, chat: Chat | None = None) -> dict[str, Any]:
        """The Group as it is told."""
        told: dict[str, Any] = {
            "id": self.id,
            "name": self.name,
            "type": "group",
            "timestamp": int(self.created_at if chat is None else chat.at),
            "participants_count": len(self.ranks),
            "participants": [{"id": number, "rank": rank} for number, rank in self.ranks.items()],
            "name_at": int(self.created_at),
            "created_at": int(self.created_at),
            "created_by": self.created_by,
            "announcements": self.policies.get("send_messages") == "admins",
            "restricted": self.policies.get("edit_group_info") == "admins",
            "adminAddMemberMode": self.policies.get("add_participants") == "admins",
        }
        if self.description:
            told["description"] = self.description
        if self.icon_url:
            told |= {"chat_pic": self.icon_url, "chat_pic_full": self.icon_url}
        return told


@dataclass(slots=True, eq=False)
class PhoneCall:
    """A call that comes in."""

    id: str
    author: str
    at: float
    video: bool = False
    group: bool = False
    status: str = "ringing"

    def row(self, at: float) -> dict[str, Any]:
        """The CallEvent."""
        return {
            "id": self.id,
            "chat_id": f"{self.author}{PERSON}",
            "from": self.author,
            "status": self.status,
            "timestamp": int(at),
            "group_call": self.group,
            "video_call": self.video,
        }


@dataclass(slots=True)
class Talk:
    """All of it; another phone that is linked begins with nothing."""

    owner: str = ""
    messages: dict[str, Message] = field(default_factory=dict)
    chats: dict[str, Chat] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    media: dict[str, Media] = field(default_factory=dict)
    by_url: dict[str, Media] = field(default_factory=dict)
    """Files that were fetched, until a send asks for a fresh one."""
    blocked: dict[str, None] = field(default_factory=dict)
    calls: dict[str, PhoneCall] = field(default_factory=dict)
    lids: dict[str, str] = field(default_factory=dict)
    """Numbers by their @lid."""
    subscribed: dict[str, None] = field(default_factory=dict)
