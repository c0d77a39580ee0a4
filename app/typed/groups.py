"""Routes of groups."""

from typing import Any

from litestar import Controller, Response, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import UNSET

from app.accounts.auth import requires
from app.accounts.scopes import Scope
from app.kit import ids
from app.providers import asks
from app.typed.addresses import group_at, people_at, person_at
from app.typed.asking import ASKING, Asking, done
from app.typed.chats import nothing_to_change
from app.typed.pictures import PictureOperation, picture_of
from app.typed.schemas.common import GroupPath, PersonPath, shown
from app.typed.schemas.groups import (
    GroupChange,
    GroupChanged,
    GroupCreate,
    GroupCreated,
    GroupPicture,
    GroupView,
    ParticipantAdd,
)

READ, WRITE = [requires(Scope.CHATS_READ)], [requires(Scope.GROUPS_WRITE)]


class GroupController(Controller):
    """Groups that the account is in. WhatsApp refuses what only admins may do; then nothing was changed."""

    path = "/v1/instances/{instance_id:str}/groups"
    tags = ("Groups",)
    dependencies = ASKING

    @post("/", operation_id="createGroup", summary="Create a group", guards=WRITE)
    async def create_group(
        self, asking: NamedDependency[Asking], data: JSONBody[GroupCreate]
    ) -> Response[GroupCreated]:
        """Make a group of people. Send an `Idempotency-Key`, so that a repeated request makes no second one.

        WhatsApp dislikes more than one new group in five minutes, and leaves out people who do not want to be taken in.
        """
        people = people_at(data.participants, "#/participants")
        path = f"/v1/instances/{ids.to_wire(ids.INSTANCE, asking.instance_id)}/groups"

        def show(made: Any) -> Response[Any]:
            headers = {"Location": f"{path}/{made.group_id}"}
            return Response(shown(GroupCreated, made), status_code=201, headers=headers)

        return await asking.once(asks.CreateGroup(data.name, people), show)

    @get("/{group_id:str}", operation_id="getGroup", summary="Get a group", guards=READ)
    async def get_group(self, asking: NamedDependency[Asking], group_id: FromPath[GroupPath]) -> GroupView:
        """A group with its members."""
        return shown(GroupView, await asking.ask(asks.ReadGroup(group_at(group_id))))

    @patch("/{group_id:str}", operation_id="updateGroup", summary="Update a group", guards=WRITE)
    async def update_group(
        self, asking: NamedDependency[Asking], group_id: FromPath[GroupPath], data: JSONBody[GroupChange]
    ) -> GroupChanged:
        """Rename a group and say what its members may do.

        What is named is done one after the other; after an error repeat the request, which does no harm.
        """
        wanted = group_at(group_id)
        changed = GroupChanged(wanted)
        edit = None if data.members_may_edit is UNSET else data.members_may_edit
        send = None if data.members_may_send is UNSET else data.members_may_send
        if data.name is UNSET and edit is None and send is None:
            raise nothing_to_change()
        if data.name is not UNSET:
            await asking.ask(asks.RenameGroup(wanted, data.name))
            changed.name = data.name
        if edit is not None or send is not None:
            await asking.ask(asks.SetGroupRules(wanted, edit, send))
            changed.members_may_edit, changed.members_may_send = edit, send
        return changed

    @delete("/{group_id:str}", operation_id="leaveGroup", summary="Leave a group", guards=WRITE)
    async def leave_group(self, asking: NamedDependency[Asking], group_id: FromPath[GroupPath]) -> None:
        """Go out of a group; it stays with its other members."""
        await asking.ask(asks.LeaveGroup(group_at(group_id)))

    @put(
        "/{group_id:str}/picture",
        operation_id="setGroupPicture",
        summary="Set a group's picture",
        guards=WRITE,
        operation_class=PictureOperation,
    )
    async def set_picture(self, asking: NamedDependency[Asking], group_id: FromPath[GroupPath]) -> GroupPicture:
        """Give a group a picture: a JPEG of at most 5 MB as the body, or as the one file of a form."""
        wanted = group_at(group_id)
        answer = await asking.ask(asks.SetGroupPicture(wanted, await picture_of(asking)))
        return shown(GroupPicture, answer, group_id=wanted)

    @post(
        "/{group_id:str}/participants",
        operation_id="addGroupParticipant",
        summary="Add a participant",
        status_code=204,
        guards=WRITE,
    )
    async def add_participant(
        self, asking: NamedDependency[Asking], group_id: FromPath[GroupPath], data: JSONBody[ParticipantAdd]
    ) -> Response[None]:
        """Take a person into a group; the number should be among the phone's contacts."""
        person = person_at(data.participant, "#/participant")
        return await asking.once(asks.AddParticipant(group_at(group_id), person), done)

    @delete(
        "/{group_id:str}/participants/{chat_id:str}",
        operation_id="removeGroupParticipant",
        summary="Remove a participant",
        guards=WRITE,
    )
    async def remove_participant(
        self, asking: NamedDependency[Asking], group_id: FromPath[GroupPath], chat_id: FromPath[PersonPath]
    ) -> None:
        """Put a member out of a group."""
        await asking.ask(asks.RemoveParticipant(group_at(group_id), person_at(chat_id)))

    @put(
        "/{group_id:str}/admins/{chat_id:str}",
        operation_id="makeGroupAdmin",
        summary="Make an admin",
        status_code=204,
        guards=WRITE,
    )
    async def make_admin(
        self, asking: NamedDependency[Asking], group_id: FromPath[GroupPath], chat_id: FromPath[PersonPath]
    ) -> None:
        """Let a member rule the group."""
        await asking.ask(asks.MakeAdmin(group_at(group_id), person_at(chat_id)))

    @delete(
        "/{group_id:str}/admins/{chat_id:str}",
        operation_id="dismissGroupAdmin",
        summary="Dismiss an admin",
        guards=WRITE,
    )
    async def dismiss_admin(
        self, asking: NamedDependency[Asking], group_id: FromPath[GroupPath], chat_id: FromPath[PersonPath]
    ) -> None:
        """Let an admin be a member only."""
        await asking.ask(asks.DismissAdmin(group_at(group_id), person_at(chat_id)))
