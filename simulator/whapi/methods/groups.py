"""Groups: create, list, info, settings, participants, admins, icon, invites, leave."""

from typing import Any

from simulator.whapi import files, ids, state
from simulator.whapi.errors import Problem
from simulator.whapi.methods.sending import fields_of
from simulator.whapi.partner import made_up
from simulator.whapi.state import talk_of
from simulator.whapi.talk import Group
from simulator.whapi.wire import Call, answer, page, success, text_of
from simulator.whapi.world import Whapi
from simulator.wire import Reply

SETTINGS = ("send_messages", "edit_group_info", "approve_participants", "add_participants")
POLICIES = ("anyone", "admins")
LONGEST = {"subject": 100, "description": 2048}
"""Characters, WhatsApp's own limits (choice; the reference names none)."""
ADMINS = frozenset({"creator", "admin"})


def create_group(whapi: Whapi, call: Call) -> Reply:
    """A new group; whoever cannot be added is in unprocessed_participants. 404 when nobody has an account."""
    channel, talk = call.here, talk_of(call.here)
    subject = text_of(call.fields, "subject", longest=LONGEST["subject"])
    wanted = ids.numbers_of(talk, call.fields.get("participants"), "participants", least=1)
    members = [number for number in wanted if _can_be_added(whapi, number)]
    if not any(state.has_account(whapi, number) for number in wanted):
        raise Problem(404, "no participant has an account")
    group = state.add_group(whapi, channel, subject, talk.owner, members)
    row = group.row()
    for name in ("participants_count", "announcements", "restricted", "adminAddMemberMode"):
        del row[name]
    row["unprocessed_participants"] = [number for number in wanted if number not in members]
    return answer(row)


def get_groups(whapi: Whapi, call: Call) -> Reply:
    """The groups the phone is in."""
    talk = talk_of(call.here)
    rows, figures = page(call, [group for group in talk.groups.values() if talk.owner in group.ranks])
    return answer({"groups": [group.row(talk.chats.get(group.id)) for group in rows], **figures})


def get_group(whapi: Whapi, call: Call) -> Reply:
    """One group with its participants."""
    group = _group(call)
    return answer(group.row(talk_of(call.here).chats.get(group.id)))


def update_info(whapi: Whapi, call: Call) -> Reply:
    """Another subject or description."""
    group = _group(call)
    _permit(call, group, "edit_group_info")
    changes: dict[str, str] = {}
    for name, longest in LONGEST.items():
        value = call.fields.get(name)
        if value is None:
            continue
        if not isinstance(value, str) or len(value) > longest or (name == "subject" and not value):
            raise Problem(400, f"{name} must be a string of at most {longest} characters")
        changes["name" if name == "subject" else name] = value
    if not changes:
        raise Problem(400, "subject or description is required")
    state.change_group(whapi, call.here, group, **changes)
    return success()


def update_setting(whapi: Whapi, call: Call) -> Reply:
    """Who may do what: anyone or admins."""
    group, setting, policy = _group(call), call.fields.get("setting"), call.fields.get("policy")
    if setting not in SETTINGS or policy not in POLICIES:
        raise Problem(400, "unknown setting or policy")
    _be_admin(call, group)
    state.change_group(whapi, call.here, group, policies={**group.policies, str(setting): str(policy)})
    return success()


def add_participants(whapi: Whapi, call: Call) -> Reply:
    """People come in; 409 when all of them are in already."""
    group = _group(call)
    _permit(call, group, "add_participants")
    wanted = _wanted(call)
    if all(number in group.ranks for number in wanted):
        raise Problem(409, "all of them are participants already")
    done = [number for number in wanted if number not in group.ranks and _can_be_added(whapi, number)]
    state.change_members(whapi, call.here, group, done, "add")
    return _processed(wanted, done)


def remove_participants(whapi: Whapi, call: Call) -> Reply:
    """People go."""
    group = _group(call)
    _be_admin(call, group)
    wanted = _wanted(call)
    done = [number for number in wanted if group.ranks.get(number, "creator") != "creator"]
    state.change_members(whapi, call.here, group, done, "remove")
    return _processed(wanted, done)


def promote(whapi: Whapi, call: Call) -> Reply:
    """Members become admins; 404 when one of them is no participant."""
    return _change_rank(whapi, call, "member", "promote")


def demote(whapi: Whapi, call: Call) -> Reply:
    """Admins become members; 404 when one of them is no participant."""
    return _change_rank(whapi, call, "admin", "demote")


def leave(whapi: Whapi, call: Call) -> Reply:
    """The phone leaves; the chat stays, read only."""
    group, talk = _group(call), talk_of(call.here)
    state.change_members(whapi, call.here, group, [talk.owner], "remove")
    return success()


def get_invite(whapi: Whapi, call: Call) -> Reply:
    """The code of the link; admins only."""
    group = _group(call)
    _be_admin(call, group)
    return answer({"invite_code": group.invite_code})


def revoke_invite(whapi: Whapi, call: Call) -> Reply:
    """The old code is dead, another takes its place."""
    group = _group(call)
    _be_admin(call, group)
    group.invite_code = made_up(20)
    return success()


def accept_invite(whapi: Whapi, call: Call) -> Reply:
    """Join a group by its code; 404 when no group that the channel can know of has it."""
    group = _by_code(call, text_of(call.fields, "invite_code"))
    owner = talk_of(call.here).owner
    if owner not in group.ranks:
        state.change_members(whapi, call.here, group, [owner], "add")
        whapi.tell(call.here, "groups", "post", {"groups": [group.row()]})
    return answer({"group_id": group.id})


def get_by_code(whapi: Whapi, call: Call) -> Reply:
    """What a group says of itself to those who hold its code."""
    return answer(_by_code(call, call.params["InviteCode"]).row())


def get_icon(whapi: Whapi, call: Call) -> Reply:
    """The picture's bytes; 204 when there is none."""
    icon = _group(call).icon
    if icon is None or not icon.path.exists():
        return Reply(status=204)
    return Reply(icon.path.read_bytes(), 200, icon.mime)


async def before_icon(whapi: Whapi, call: Call) -> None:
    """Take the picture: a raw body, or whatever `media` means."""
    if isinstance(call.body, dict) or call.files:
        fields = fields_of(call)
        call.kept["media"] = await files.obtain(whapi, call, fields.get("media"), str(fields.get("mime_type") or ""))
    else:
        call.kept["media"] = files.raw(whapi, call, "icon")


def set_icon(whapi: Whapi, call: Call) -> Reply:
    """Another picture; JPEG or PNG."""
    group, file = _group(call), call.kept["media"]
    _permit(call, group, "edit_group_info")
    if file.mime not in ("image/jpeg", "image/png"):
        raise Problem(400, "the picture must be JPEG or PNG")
    url = whapi.world.storage.link(call.here.id, file.blob, whapi.config.media_kept_seconds)
    state.change_group(whapi, call.here, group, icon=file.blob, icon_url=url)
    return success()


def delete_icon(whapi: Whapi, call: Call) -> Reply:
    """No picture any more."""
    group = _group(call)
    _permit(call, group, "edit_group_info")
    state.change_group(whapi, call.here, group, icon=None, icon_url="")
    return success()


def _group(call: Call) -> Group:
    talk, group_id = talk_of(call.here), call.params["GroupID"]
    if not ids.CHAT.fullmatch(group_id) or not group_id.endswith("@g.us"):
        raise Problem(400, "GroupID is not a group id")
    found = talk.groups.get(group_id)
    if found is None or talk.owner not in found.ranks:
        raise Problem(404, "group not found")
    return found


def _by_code(call: Call, code: str) -> Group:
    found = next((group for group in talk_of(call.here).groups.values() if group.invite_code == code), None)
    if found is None:
        raise Problem(404, "invite not found")
    return found


def _wanted(call: Call) -> list[str]:
    return ids.numbers_of(talk_of(call.here), call.fields.get("participants"), "participants", least=1)


def _be_admin(call: Call, group: Group) -> None:
    if group.ranks[talk_of(call.here).owner] not in ADMINS:
        raise Problem(403, "not an admin of this group")


def _permit(call: Call, group: Group, setting: str) -> None:
    default = "admins" if setting == "add_participants" else "anyone"
    if group.policies.get(setting, default) == "admins":
        _be_admin(call, group)


def _can_be_added(whapi: Whapi, number: str) -> bool:
    return state.has_account(whapi, number) and number not in whapi.config.unaddable


def _processed(wanted: list[str], done: list[str]) -> Reply:
    failed = [number for number in wanted if number not in done]
    told: dict[str, Any] = {"success": bool(done), "failed": failed, "processed": done}
    return answer(told)


def _change_rank(whapi: Whapi, call: Call, before: str, action: str) -> Reply:
    group = _group(call)
    _be_admin(call, group)
    wanted = _wanted(call)
    if any(number not in group.ranks for number in wanted):
        raise Problem(404, "not a participant of this group")
    done = [number for number in wanted if group.ranks[number] == before]
    state.change_members(whapi, call.here, group, done, action)
    return success()
