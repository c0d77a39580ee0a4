"""Groups. A no comes as a false flag inside HTTP 200, and mostly is about rights."""

from typing import Any

from app.providers import asks
from app.providers.answers import CreatedGroup, Group, Participant, Picture
from app.providers.errors import OutcomeUnknown
from app.providers.green_api.client import Client
from app.providers.green_api.journal import link_in
from app.providers.http import multipart
from app.providers.http.wire import UNREADABLE
from app.providers.port import Credentials
from app.providers.reading import flag_in, list_in, text_in, told_at


async def create(client: Client, credentials: Credentials, ask: asks.CreateGroup) -> CreatedGroup:
    """At once, so a phone is needed; WhatsApp's own no comes as a 500, which tells nothing. Source: CreateGroup page.

    Raises:
        OutcomeUnknown: there may be a group.
        ProviderError: any other ending.
    """
    value = await client.post(credentials, "createGroup", groupName=ask.name, chatIds=list(ask.chat_ids))
    group_id = text_in(value, "chatId")
    if not group_id:
        raise OutcomeUnknown(UNREADABLE)
    return CreatedGroup(group_id=group_id, invite_url=text_in(value, "groupInviteLink") or None)


async def read(client: Client, credentials: Credentials, ask: asks.ReadGroup) -> Group:
    """A group with its members. Source: GetGroupData page.

    Raises:
        NoSuchThing: there is no such group.
        NotAllowed: the account is not in it.
        ProviderError: any other ending.
    """
    value = await client.post(credentials, "getGroupData", groupId=ask.group_id)
    if not text_in(value, "groupId"):
        raise OutcomeUnknown(UNREADABLE)
    return Group(
        group_id=text_in(value, "groupId"),
        name=text_in(value, "subject"),
        owner=text_in(value, "owner") or None,
        participants=[_participant(row) for row in list_in(value, "participants")],
        invite_url=text_in(value, "groupInviteLink") or None,
        members_may_edit=flag_in(value, "allowParticipantsEditGroupSettings"),
        members_may_send=flag_in(value, "allowParticipantsSendMessages"),
        created_at=told_at(value.get("creation")),
        renamed_at=told_at(value.get("subjectTime")),
        renamed_by=text_in(value, "subjectOwner") or None,
    )


async def rename(client: Client, credentials: Credentials, ask: asks.RenameGroup) -> None:
    """Up to 100 characters. Source: UpdateGroupName page."""
    await client.post(credentials, "updateGroupName", groupId=ask.group_id, groupName=ask.name)


async def set_picture(client: Client, credentials: Credentials, ask: asks.SetGroupPicture) -> Picture:
    """A JPEG from an admin; a no comes with a reason. Source: SetGroupPicture page."""
    form = multipart.form(ask.upload, groupId=ask.group_id)
    value = await client.streamed(credentials, "setGroupPicture", form, {})
    return Picture(picture_link=link_in(value, "urlAvatar"))


async def set_rules(client: Client, credentials: Credentials, ask: asks.SetGroupRules) -> None:
    """A no has a reason: NOT_ENOUGH_RIGHTS also for a wrong group. Source: UpdateGroupSettings page."""
    await client.post(
        credentials,
        "updateGroupSettings",
        groupId=ask.group_id,
        allowParticipantsEditGroupSettings=ask.members_may_edit,
        allowParticipantsSendMessages=ask.members_may_send,
    )


async def add(client: Client, credentials: Credentials, ask: asks.AddParticipant) -> None:
    """The person should be among the phone's contacts. Source: AddGroupParticipant page."""
    await _member(client, credentials, "addGroupParticipant", ask)


async def remove(client: Client, credentials: Credentials, ask: asks.RemoveParticipant) -> None:
    """Source: RemoveGroupParticipant page."""
    await _member(client, credentials, "removeGroupParticipant", ask)


async def make_admin(client: Client, credentials: Credentials, ask: asks.MakeAdmin) -> None:
    """Source: SetGroupAdmin page."""
    await _member(client, credentials, "setGroupAdmin", ask)


async def dismiss_admin(client: Client, credentials: Credentials, ask: asks.DismissAdmin) -> None:
    """Source: RemoveAdmin page."""
    await _member(client, credentials, "removeAdmin", ask)


async def leave(client: Client, credentials: Credentials, ask: asks.LeaveGroup) -> None:
    """Older servers say no as `removeAdmin: false`. Source: LeaveGroup page."""
    await client.post(credentials, "leaveGroup", groupId=ask.group_id)


async def _member(
    client: Client,
    credentials: Credentials,
    method: str,
    ask: asks.AddParticipant | asks.RemoveParticipant | asks.MakeAdmin | asks.DismissAdmin,
) -> None:
    await client.post(credentials, method, groupId=ask.group_id, participantChatId=ask.chat_id)


def _participant(row: Any) -> Participant:
    is_owner = flag_in(row, "isSuperAdmin") is True
    return Participant(chat_id=text_in(row, "id"), is_admin=flag_in(row, "isAdmin") is True, is_owner=is_owner)
