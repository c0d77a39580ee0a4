"""Groups."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from app.kit.wire import TITLE
from app.providers import answers
from app.typed.schemas.common import Person

GroupName = Annotated[
    str, Meta(min_length=1, max_length=100, pattern=TITLE, description="The name of the group.", examples=["Crew"])
]


class GroupCreate(Struct, forbid_unknown_fields=True):
    """The wish for a group."""

    name: GroupName
    participants: Annotated[
        list[Person], Meta(min_length=1, max_length=256, description="Its first members.", examples=[["+79990001122"]])
    ]


class GroupChange(Struct, forbid_unknown_fields=True):
    """A merge patch: what is left out stays."""

    name: GroupName | UnsetType = UNSET
    members_may_edit: Annotated[bool, Meta(description="Whether members may change name and picture.")] | UnsetType = (
        UNSET
    )
    members_may_send: Annotated[bool, Meta(description="Whether members may write.")] | UnsetType = UNSET


class GroupChanged(Struct):
    """What was changed of a group."""

    group_id: answers.ChatId
    name: Annotated[str | None, Meta(description="Null when it was not asked for.")] = None
    members_may_edit: Annotated[bool | None, Meta(description="Null when it was not asked for.")] = None
    members_may_send: Annotated[bool | None, Meta(description="Null when it was not asked for.")] = None
    object: Annotated[str, Meta(extra_json_schema={"const": "group_change"})] = "group_change"


class GroupView(answers.Group, frozen=True, kw_only=True):
    """A group that the account is in."""

    object: Annotated[str, Meta(extra_json_schema={"const": "group"})] = "group"


class GroupCreated(answers.CreatedGroup, frozen=True, kw_only=True):
    """A group that was made. People who cannot be taken in are left out: see its members."""

    object: Annotated[str, Meta(extra_json_schema={"const": "group"})] = "group"


class GroupPicture(answers.Picture, frozen=True, kw_only=True):
    """The picture of a group."""

    group_id: answers.ChatId
    object: Annotated[str, Meta(extra_json_schema={"const": "group_picture"})] = "group_picture"


class ParticipantAdd(Struct, forbid_unknown_fields=True):
    """Whom to take in."""

    participant: Person
