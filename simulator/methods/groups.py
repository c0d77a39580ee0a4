"""Group methods: they run at once, and refuse inside HTTP 200.

Source: GREEN-API group pages, read 2026-11-21.
"""

from simulator import groups, pictures
from simulator.asked import flag_of, group_of, has_account, is_chat, person_of
from simulator.groups import Group
from simulator.wire import Call, Reply, answer, invalid, plain, text_of
from simulator.world import World

LONGEST_NAME = 100
NOT_FOUND = Reply(b'"Error: item-not-found"', real="refused")
FORBIDDEN = Reply(b'"Error: forbidden"', real="refused")


def create(world: World, call: Call) -> Reply:
    """Make a group of the account and the people named; numbers without an account stay out."""
    instance = call.here
    name = text_of(world, call, "groupName", longest=LONGEST_NAME)
    people = call.params.get("chatIds")
    if people is None:
        raise invalid(world, call, "'chatIds' is required")
    if not isinstance(people, list):
        raise invalid(world, call, "'chatIds' must be an array")
    if not people:
        raise invalid(world, call, "'chatIds' must contain at least 1 items")
    for index, chat_id in enumerate(people):
        if is_chat(chat_id, ("g.us",)):
            return plain(500, "a group cannot be a participant of a group")
        if not is_chat(chat_id):
            raise invalid(world, call, f"'chatIds[{index}]' must be in the format id@c.us or id@lid")
    group = groups.found(instance, groups.new_id(), name, instance.wid, world.clock.now())
    for chat_id in people:
        if _may_join(world, call, group, chat_id):
            group.members.setdefault(chat_id, False)
    return answer({"created": True, "chatId": group.group_id, "groupInviteLink": group.invite_link})


def rename(world: World, call: Call) -> Reply:
    """Give a group another name."""
    group = _group(world, call)
    name = text_of(world, call, "groupName", longest=LONGEST_NAME)
    if group is None or not group.may_edit(call.here.wid):
        return _told("updateGroupName", done=False)
    group.rename(name, call.here.wid, world.clock.now())
    return _told("updateGroupName", done=True)


def data(world: World, call: Call) -> Reply:
    """All about a group; failures are bare JSON strings with HTTP 200."""
    group = _group(world, call)
    if group is None:
        return NOT_FOUND
    if not group.has(call.here.wid):
        return FORBIDDEN
    return answer(group.data(call.here.wid))


def add(world: World, call: Call) -> Reply:
    """Take a person in."""
    group, chat_id = _pair(world, call)
    done = group is not None and group.is_admin(call.here.wid) and _may_join(world, call, group, chat_id)
    if group is not None and done:
        group.members.setdefault(chat_id, False)
    return _told("addParticipant", done=done)


def remove(world: World, call: Call) -> Reply:
    """Put a person out; nobody puts out the owner or himself."""
    group, chat_id = _pair(world, call)
    done = _rules(call, group, chat_id) and group is not None and chat_id not in (group.owner, call.here.wid)
    if group is not None and done:
        group.dismiss(chat_id)
    return _told("removeParticipant", done=done)


def set_admin(world: World, call: Call) -> Reply:
    """Make a member an admin."""
    group, chat_id = _pair(world, call)
    done = _rules(call, group, chat_id)
    if group is not None and done:
        group.members[chat_id] = True
    return _told("setGroupAdmin", done=done)


def remove_admin(world: World, call: Call) -> Reply:
    """Make an admin an ordinary member; the owner stays one."""
    group, chat_id = _pair(world, call)
    done = _rules(call, group, chat_id) and group is not None and chat_id != group.owner
    if group is not None and done:
        group.members[chat_id] = False
    return _told("removeAdmin", done=done)


def set_picture(world: World, call: Call) -> Reply:
    """Give a group its picture, a JPEG in a form."""
    group = _group(world, call)
    reason = ""
    if not pictures.is_jpeg(call):
        reason = "bad request data"
    elif group is None:
        reason = "item-not-found"
    elif not group.may_edit(call.here.wid):
        reason = "forbidden"
    if reason or group is None:
        return answer({"setGroupPicture": False, "urlAvatar": None, "reason": reason}, real="refused")
    group.avatar = pictures.publish(world, call)
    return answer({"setGroupPicture": True, "urlAvatar": group.avatar, "reason": ""})


def leave(world: World, call: Call) -> Reply:
    """Go out of a group; older servers name the failure after another method."""
    group = _group(world, call)
    if group is None or not group.has(call.here.wid):
        return _told("removeAdmin" if world.config.old_leave_group else "leaveGroup", done=False)
    group.dismiss(call.here.wid)
    return _told("leaveGroup", done=True)


def update_settings(world: World, call: Call) -> Reply:
    """Say what ordinary members may do."""
    group = _group(world, call)
    edit = flag_of(world, call, "allowParticipantsEditGroupSettings")
    send = flag_of(world, call, "allowParticipantsSendMessages")
    if group is None or not group.is_admin(call.here.wid):
        reason = "NOT_ENOUGH_RIGHTS" if group is None else "FORBIDDEN"
        return answer({"updateGroupSettings": False, "reason": reason}, real="refused")
    if edit is not None:
        group.members_may_edit = edit
    if send is not None:
        group.members_may_send = send
    return answer({"updateGroupSettings": True, "reason": ""})


def _group(world: World, call: Call) -> Group | None:
    return call.here.groups.get(group_of(world, call))


def _pair(world: World, call: Call) -> tuple[Group | None, str]:
    group = _group(world, call)
    return group, person_of(world, call, "participantChatId")


def _rules(call: Call, group: Group | None, chat_id: str) -> bool:
    """The account is an admin and the other one is a member."""
    return group is not None and group.is_admin(call.here.wid) and group.has(chat_id)


def _may_join(world: World, call: Call, group: Group, chat_id: str) -> bool:
    instance = call.here
    if group.has(chat_id):
        return True
    person = instance.contacts.get(chat_id)
    return (
        has_account(world, instance, chat_id)
        and not (person is not None and person.refuses_groups)
        and len(group.members) < world.config.group_limit
    )


def _told(name: str, *, done: bool) -> Reply:
    return answer({name: done}, real="done" if done else "refused")
