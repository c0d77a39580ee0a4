"""The people, chats and groups of a channel as they change, each change told to the webhooks."""

from typing import Any

from simulator.whapi import ids
from simulator.whapi.channel import Channel
from simulator.whapi.errors import Problem
from simulator.whapi.partner import made_up
from simulator.whapi.talk import BROADCAST, GROUP, PERSON, Chat, Group, Message, Person, Talk
from simulator.whapi.world import Whapi


def talk_of(channel: Channel) -> Talk:
    """What the channel knows; nothing when another phone than before is linked (choice)."""
    own = own_number(channel)
    if own and channel.talk.owner != own:
        if channel.talk.owner:
            channel.talk = Talk()
        channel.talk.owner = own
    return channel.talk


def own_number(channel: Channel) -> str:
    """The linked phone's number; empty when there is none."""
    return "" if channel.user is None else str(channel.user["id"])


def has_account(whapi: Whapi, number: str) -> bool:
    """The number is on WhatsApp."""
    return number not in whapi.config.no_account


def person(whapi: Whapi, channel: Channel, number: str, name: str = "") -> Person:
    """Somebody, known from now on; `name` is what he calls himself."""
    talk = talk_of(channel)
    known = talk.people.get(number)
    if known is None:
        known = talk.people[number] = Person(number, pushname=name)
        talk.lids[ids.lid_of(number)] = number
        whapi.tell(channel, "contacts", "post", {"contacts": [known.row()]})
    elif name and known.pushname != name:
        change_person(whapi, channel, known, pushname=name)
    return known


def change_person(whapi: Whapi, channel: Channel, known: Person, **changes: Any) -> None:
    """Change what is known of somebody."""
    before = known.row()
    for name, value in changes.items():
        setattr(known, name, value)
    tell_change(whapi, channel, "contacts", known.number, before, known.row())


def chat(whapi: Whapi, channel: Channel, chat_id: str) -> Chat:
    """The chat, begun if it is new."""
    talk = talk_of(channel)
    known = talk.chats.get(chat_id)
    if known is None:
        known = talk.chats[chat_id] = Chat(chat_id, whapi.world.clock.now())
        if chat_id.endswith(PERSON):
            person(whapi, channel, chat_id.removesuffix(PERSON))
        whapi.tell(channel, "chats", "post", {"chats": [chat_row(whapi, channel, known)]})
    return known


def change_chat(whapi: Whapi, channel: Channel, known: Chat, **changes: Any) -> None:
    """Change a chat; nothing is told when nothing changed."""
    listened = whapi.is_wanted(channel, "chats", "patch")
    before = chat_row(whapi, channel, known) if listened else {}
    for name, value in changes.items():
        setattr(known, name, value)
    if listened:
        tell_change(whapi, channel, "chats", known.id, before, chat_row(whapi, channel, known))


def chat_row(whapi: Whapi, channel: Channel, known: Chat) -> dict[str, Any]:
    """The Chat of the lists."""
    talk = talk_of(channel)
    group = talk.groups.get(known.id)
    kind = "group" if known.id.endswith(GROUP) else "contact" if known.id.endswith(PERSON) else "unknown"
    told: dict[str, Any] = {
        "id": known.id,
        "type": kind,
        "timestamp": int(known.at),
        "archive": known.archive,
        "pin": known.pin,
        "mute": known.mute_until / 1000 > whapi.world.clock.now(),
        "mute_until": known.mute_until,
        "unread": max(known.unread, int(known.is_marked)),
        "unread_mention": False,
        "read_only": group is not None and talk.owner not in group.ranks,
        "not_spam": True,
    }
    who = talk.people.get(known.id.removesuffix(PERSON))
    name = group.name if group is not None else who.row()["name"] if who is not None else ""
    picture = group.icon_url if group is not None else who.icon if who is not None else ""
    if name:
        told["name"] = name
    if picture:
        told |= {"chat_pic": picture, "chat_pic_full": picture}
    if known.messages:
        told["last_message"] = known.messages[-1].row()
    return told


def remove_chat(whapi: Whapi, channel: Channel, known: Chat) -> None:
    """The chat is gone with its messages."""
    talk = talk_of(channel)
    for message in known.messages:
        talk.messages.pop(message.id, None)
    talk.chats.pop(known.id, None)
    whapi.tell(channel, "messages", "delete", {"messages_removed_all": known.id})
    whapi.tell(channel, "chats", "delete", {"chats_removed": [known.id]})


def add_group(whapi: Whapi, channel: Channel, name: str, creator: str, members: list[str], group_id: str = "") -> Group:
    """A group in which the channel's phone is; `groups` post."""
    talk = talk_of(channel)
    ranks = {creator: "creator", talk.owner: "creator" if creator == talk.owner else "member"}
    ranks |= {number: "member" for number in members if number not in ranks}
    now = whapi.world.clock.now()
    group = Group(group_id or ids.new_group_id(), name, now, creator, ranks, made_up(20))
    talk.groups[group.id] = group
    for number in ranks:
        if number != talk.owner:
            person(whapi, channel, number)
    known = talk.chats.setdefault(group.id, Chat(group.id, now))
    whapi.tell(channel, "groups", "post", {"groups": [group.row(known)]})
    return group


def change_group(whapi: Whapi, channel: Channel, group: Group, **changes: Any) -> None:
    """Change what a group says of itself; `groups` patch."""
    before = group.row()
    for name, value in changes.items():
        setattr(group, name, value)
    tell_change(whapi, channel, "groups", group.id, before, group.row())


def change_members(whapi: Whapi, channel: Channel, group: Group, numbers: list[str], action: str) -> None:
    """People come, go, rise or fall; `groups` put. Actions: add, remove, promote, demote."""
    for number in numbers:
        if action == "remove":
            group.ranks.pop(number, None)
        elif action == "promote":
            group.ranks[number] = "admin"
        else:
            group.ranks[number] = "member"
            if number != talk_of(channel).owner:
                person(whapi, channel, number)
    if numbers:
        row = {"group_id": group.id, "participants": numbers, "action": action}
        whapi.tell(channel, "groups", "put", {"groups_participants": [row]})


def tell_change(
    whapi: Whapi, channel: Channel, type_: str, id_: str, before: dict[str, Any], after: dict[str, Any], **more: Any
) -> None:
    """A patch event: what was, what is, and which fields differ; nothing when none does."""
    changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    if not changed:
        return
    row = {
        "id": id_,
        **more,
        "before_update": {name: before[name] for name in changed if name in before},
        "after_update": {name: after[name] for name in changed if name in after},
        "changes": changed,
    }
    whapi.tell(channel, type_, "patch", {f"{type_}_updates": [row]})


def message_of(channel: Channel, message_id: str) -> Message:
    """A message or story the channel has.

    Raises:
        Problem: 400 that is no id, 404 it is unknown or was deleted.
    """
    if not ids.MESSAGE.fullmatch(message_id):
        raise Problem(400, "MessageID is not a message id")
    found = talk_of(channel).messages.get(message_id)
    if found is None:
        raise Problem(404, "message not found")
    return found


def is_over(whapi: Whapi, message: Message) -> bool:
    """A story whose day has passed."""
    return message.chat_id == BROADCAST and whapi.world.clock.now() - message.at >= whapi.config.story_seconds
