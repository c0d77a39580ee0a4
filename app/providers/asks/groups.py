"""Groups."""

from typing import ClassVar

from app.providers import answers
from app.providers.asks.base import Ask
from app.providers.port import Upload


class CreateGroup(Ask[answers.CreatedGroup], frozen=True):
    """Make a group of people; WhatsApp dislikes more than one in five minutes."""

    method: ClassVar[str] = "createGroup"

    name: str
    chat_ids: tuple[str, ...]


class ReadGroup(Ask[answers.Group], frozen=True):
    """A group with its members."""

    method: ClassVar[str] = "getGroupData"

    group_id: str


class RenameGroup(Ask[None], frozen=True):
    """Give a group another name."""

    method: ClassVar[str] = "updateGroupName"

    group_id: str
    name: str


class SetGroupPicture(Ask[answers.Picture], frozen=True):
    """Give a group a picture, a JPEG."""

    method: ClassVar[str] = "setGroupPicture"

    group_id: str
    upload: Upload


class SetGroupRules(Ask[None], frozen=True):
    """What members who are no admins may do; None leaves a rule as it is."""

    method: ClassVar[str] = "updateGroupSettings"

    group_id: str
    members_may_edit: bool | None = None
    members_may_send: bool | None = None


class AddParticipant(Ask[None], frozen=True):
    """Take a person into a group."""

    method: ClassVar[str] = "addGroupParticipant"

    group_id: str
    chat_id: str


class RemoveParticipant(Ask[None], frozen=True):
    """Put a member out of a group."""

    method: ClassVar[str] = "removeGroupParticipant"

    group_id: str
    chat_id: str


class MakeAdmin(Ask[None], frozen=True):
    """Let a member rule a group."""

    method: ClassVar[str] = "setGroupAdmin"

    group_id: str
    chat_id: str


class DismissAdmin(Ask[None], frozen=True):
    """Let an admin be a member only."""

    method: ClassVar[str] = "removeAdmin"

    group_id: str
    chat_id: str


class LeaveGroup(Ask[None], frozen=True):
    """Go out of a group."""

    method: ClassVar[str] = "leaveGroup"

    group_id: str
