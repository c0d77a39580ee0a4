"""Groups. People are named by digits in lists; of several changes in one ask each is a call."""

from typing import Any, Final

from app.providers import asks
from app.providers.answers import CreatedGroup, Group, Participant, Picture
from app.providers.errors import NotAllowed, OutcomeUnknown, ProviderError, Refused
from app.providers.http.wire import UNREADABLE
from app.providers.port import Credentials
from app.providers.reading import flag_in, link_in, list_in, object_of, text_in, told_at
from app.providers.whapi.client import Client, path_of
from app.providers.whapi.ids import contact, ours
from app.providers.whapi.shapes import do

INVITE: Final = "https://chat.whatsapp.com/"
POLICIES: Final = {True: "anyone", False: "admins"}
CONFLICT: Final = 409


async def create(client: Client, credentials: Credentials, ask: asks.CreateGroup) -> CreatedGroup:
    """Whoever cannot be added is left out silently. Source: createGroup page.

    Raises:
        NoSuchThing: none of these people is on WhatsApp.
        OutcomeUnknown: there may be a group.
        ProviderError: any other ending.
    """
    body = {"subject": ask.name, "participants": [contact(each) for each in ask.chat_ids]}
    group_id = text_in(object_of(await client.call(credentials, "POST", "/groups", body=body)), "id")
    if not group_id:
        raise OutcomeUnknown(UNREADABLE)
    return CreatedGroup(group_id=group_id, invite_url=await _invite(client, credentials, group_id))


async def read(client: Client, credentials: Credentials, ask: asks.ReadGroup) -> Group:
    """A group with its members; the link costs a call more. Source: getGroup and getGroupInvite pages.

    Raises:
        NoSuchThing: there is no such group, or the account is not in it.
        ProviderError: any other ending.
    """
    row = object_of(await client.call(credentials, "GET", path_of("groups", ask.group_id)))
    group_id, code = text_in(row, "id"), text_in(row, "invite_code")
    if not group_id:
        raise OutcomeUnknown(UNREADABLE)
    invite = f"{INVITE}{code}" if code else await _invite(client, credentials, group_id)
    return Group(
        group_id=group_id,
        name=text_in(row, "name"),
        owner=ours(text_in(row, "created_by")) or None,
        participants=[_participant(each) for each in list_in(row, "participants")],
        invite_url=invite,
        members_may_edit=_inverse(flag_in(row, "restricted")),
        members_may_send=_inverse(flag_in(row, "announcements")),
        created_at=told_at(row.get("created_at")),
        renamed_at=told_at(row.get("name_at")),
        renamed_by=ours(text_in(row, "name_owner")) or None,
    )


async def rename(client: Client, credentials: Credentials, ask: asks.RenameGroup) -> None:
    """Source: updateGroupInfo page."""
    await do(client, credentials, "PUT", path_of("groups", ask.group_id), body={"subject": ask.name})


async def set_picture(client: Client, credentials: Credentials, ask: asks.SetGroupPicture) -> Picture:
    """The body is the picture; where it is then is asked for, and left out if that fails. Source: setGroupIcon page."""
    path = path_of("groups", ask.group_id)
    value = await client.streamed(credentials, "PUT", f"{path}/icon", ask.upload)
    if value is not None:
        object_of(value)
    try:
        row = await client.call(credentials, "GET", path)
    except ProviderError:
        row = None
    return Picture(picture_link=link_in(row, "chat_pic_full") or link_in(row, "chat_pic"))


async def set_rules(client: Client, credentials: Credentials, ask: asks.SetGroupRules) -> None:
    """One call for each rule. Source: updateGroupSetting page.

    Raises:
        OutcomeUnknown: one rule is set, the other is not; to ask again does no harm.
        ProviderError: any other ending.
    """
    wanted = {"edit_group_info": ask.members_may_edit, "send_messages": ask.members_may_send}
    done = 0
    failure: ProviderError | None = None
    for setting, may in wanted.items():
        if may is None:
            continue
        try:
            body = {"setting": setting, "policy": POLICIES[may]}
            await do(client, credentials, "PATCH", path_of("groups", ask.group_id), body=body)
            done += 1
        except ProviderError as error:
            failure = error
            break
    if failure is not None:
        raise OutcomeUnknown("one of the rules was set", status=failure.status) if done else failure


async def add(client: Client, credentials: Credentials, ask: asks.AddParticipant) -> None:
    """Somebody who is in already is added as well as one can be. Source: addGroupParticipant page.

    Raises:
        NotAllowed: the account is no admin, or the person does not want to be added.
        ProviderError: any other ending.
    """
    await _member(client, credentials, "POST", "participants", ask, fine=CONFLICT)


async def remove(client: Client, credentials: Credentials, ask: asks.RemoveParticipant) -> None:
    """Source: removeGroupParticipant page."""
    await _member(client, credentials, "DELETE", "participants", ask)


async def make_admin(client: Client, credentials: Credentials, ask: asks.MakeAdmin) -> None:
    """Source: promoteToGroupAdmin page."""
    await _member(client, credentials, "PATCH", "admins", ask)


async def dismiss_admin(client: Client, credentials: Credentials, ask: asks.DismissAdmin) -> None:
    """Source: demoteGroupAdmin page."""
    await _member(client, credentials, "DELETE", "admins", ask)


async def leave(client: Client, credentials: Credentials, ask: asks.LeaveGroup) -> None:
    """Source: leaveGroup page."""
    await do(client, credentials, "DELETE", path_of("groups", ask.group_id))


async def _member(
    client: Client,
    credentials: Credentials,
    verb: str,
    part: str,
    ask: asks.AddParticipant | asks.RemoveParticipant | asks.MakeAdmin | asks.DismissAdmin,
    *,
    fine: int = 0,
) -> None:
    path = path_of("groups", ask.group_id, part)
    failure: Refused | None = None
    answer: dict[str, Any] = {}
    try:
        answer = await do(client, credentials, verb, path, body={"participants": [contact(ask.chat_id)]})
    except Refused as refusal:
        failure = refusal
    if failure is not None and failure.status != fine:
        # A no inside a success is about this person: he is named in `failed`.
        raise NotAllowed("the person was not taken", status=200) if failure.status == 200 else failure
    if list_in(answer, "failed"):  # perhaps under another id: one person was asked for
        raise NotAllowed("the person was not taken", status=200)


async def _invite(client: Client, credentials: Credentials, group_id: str) -> str | None:
    """WhatsApp's link to join; None for those who are no admins, and when it cannot be had."""
    try:
        code = text_in(await client.call(credentials, "GET", path_of("groups", group_id, "invite")), "invite_code")
    except ProviderError:
        return None
    return f"{INVITE}{code}" if code else None


def _participant(row: Any) -> Participant:
    rank = text_in(row, "rank")
    return Participant(
        chat_id=ours(text_in(row, "id")), is_admin=rank in ("admin", "creator"), is_owner=rank == "creator"
    )


def _inverse(flag: bool | None) -> bool | None:
    return None if flag is None else not flag
