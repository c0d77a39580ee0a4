"""Groups: who is in them, who rules them, and what the account may do there."""

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from simulator.clock import rfc3339

if TYPE_CHECKING:
    from simulator.instance import Instance

LINK_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789"


@dataclass(slots=True)
class Group:
    """One group; `members` maps a chat id to whether it is an admin."""

    group_id: str
    owner: str
    subject: str
    created_at: float
    subject_at: float
    subject_owner: str
    invite_link: str
    members: dict[str, bool] = field(default_factory=dict)
    members_may_edit: bool = True
    members_may_send: bool = True
    avatar: str = ""

    def has(self, chat_id: str) -> bool:
        """Is a member; nobody is whose number is not known."""
        return bool(chat_id) and chat_id in self.members

    def is_admin(self, chat_id: str) -> bool:
        """Is a member who rules."""
        return bool(chat_id) and self.members.get(chat_id, False)

    def may_edit(self, chat_id: str) -> bool:
        """May change the name and the picture."""
        return self.is_admin(chat_id) or (self.has(chat_id) and self.members_may_edit)

    def may_send(self, chat_id: str) -> bool:
        """May write into the group."""
        return self.is_admin(chat_id) or (self.has(chat_id) and self.members_may_send)

    def dismiss(self, chat_id: str) -> None:
        """Take a member out; a group without any admin gets its oldest member as one."""
        self.members.pop(chat_id, None)
        if self.members and not any(self.members.values()):
            self.members[next(iter(self.members))] = True

    def rename(self, subject: str, chat_id: str, now: float) -> None:
        """Give the group another name."""
        self.subject, self.subject_owner, self.subject_at = subject, chat_id, now

    def data(self, chat_id: str) -> dict[str, Any]:
        """The group as one of its members is told of it; the link is for admins only."""
        return {
            "groupId": self.group_id,
            "owner": self.owner,
            "subject": self.subject,
            "creation": int(self.created_at),
            "participants": [
                {"id": member, "isAdmin": rules, "isSuperAdmin": rules and member == self.owner}
                for member, rules in self.members.items()
            ],
            "subjectTime": int(self.subject_at),
            "subjectOwner": self.subject_owner,
            "groupInviteLink": self.invite_link if self.is_admin(chat_id) else "",
            "allowParticipantsEditGroupSettings": self.members_may_edit,
            "allowParticipantsSendMessages": self.members_may_send,
        }

    def shown(self) -> dict[str, Any]:
        """The truth about the group."""
        return {
            "group_id": self.group_id,
            "owner": self.owner,
            "subject": self.subject,
            "created_at": rfc3339(self.created_at),
            "invite_link": self.invite_link,
            "members": self.members,
            "members_may_edit": self.members_may_edit,
            "members_may_send": self.members_may_send,
            "avatar": self.avatar,
        }


def found(instance: "Instance", group_id: str, subject: str, owner: str, now: float) -> Group:
    """Make a group with its owner in it."""
    group = Group(
        group_id=group_id,
        owner=owner,
        subject=subject,
        created_at=now,
        subject_at=now,
        subject_owner=owner,
        invite_link="https://chat.whatsapp.com/" + "".join(secrets.choice(LINK_LETTERS) for _ in range(22)),
        members={owner: True},
    )
    instance.groups[group_id] = group
    return group


def new_id() -> str:
    """The id of a new group."""
    return f"120363{secrets.randbelow(10**12):012d}@g.us"
