"""Chat methods: lists, archive, disappearing messages, typing and marks of reading.

Source: GREEN-API service and marks pages, read 2026-11-21.
"""

from typing import Any

from simulator import outgoing, people
from simulator.asked import chat_of
from simulator.instance import Instance, Message
from simulator.wire import Call, Reply, answer, invalid, number_of, plain
from simulator.world import World

EPHEMERAL_SECONDS = (0, 86_400, 604_800, 7_776_000)
NO_LAST_MESSAGE = "ArchiveChatError: cannot archive chat cause last message not found in chat"


def get_chats(world: World, call: Call) -> Reply:
    """The chats, that of the newest activity first; a list may be as old as the knob says."""
    instance, now = call.here, world.clock.now()
    count = number_of(world, call, "count", default=0, least=1)
    taken_at, rows = instance.chats_shown
    if now - taken_at >= world.config.chats_refresh_seconds:
        rows = [_row(instance, chat_id) for chat_id in people.known_chats(instance)]
        instance.chats_shown = (now, rows)
    return answer(rows[:count] if count else rows)


def archive(world: World, call: Call) -> Reply:
    """Put a chat away; it needs a message that came in."""
    return _archived(world, call, archived=True)


def unarchive(world: World, call: Call) -> Reply:
    """Bring a chat back."""
    return _archived(world, call, archived=False)


def set_disappearing(world: World, call: Call) -> Reply:
    """How long messages of a chat live; 0 keeps them."""
    chat_id = chat_of(world, call)
    seconds = number_of(world, call, "ephemeralExpiration", default=0)
    if seconds not in EPHEMERAL_SECONDS:
        known = ", ".join(str(value) for value in EPHEMERAL_SECONDS)
        raise invalid(world, call, f"'ephemeralExpiration' must be one of [{known}]")
    now = world.clock.now()
    marks = people.marks_of(call.here, chat_id, now)
    marks.ephemeral_expiration = seconds
    marks.ephemeral_at = now if seconds else 0.0
    told = {"chatId": chat_id, "disappearingMessagesInChat": seconds > 0, "ephemeralExpiration": seconds}
    return answer(told)


def send_typing(world: World, call: Call) -> Reply:
    """Show that somebody writes or speaks: waits in the queue of the messages like one of them."""
    instance = call.here
    chat_id = chat_of(world, call)
    shown_ms = number_of(world, call, "typingTime", default=1000, least=1000, most=20_000)
    kind = call.params.get("typingType")
    if kind not in (None, "", "recording"):
        raise invalid(world, call, "'typingType' must be one of [recording]")
    message = Message(
        id_message=outgoing.new_id(),
        id_instance=instance.id_instance,
        chat_id=chat_id,
        text="",
        accepted_at=world.clock.now(),
        direction="outgoing",
        status="queued",
        kind=call.method.name,
        body={**call.params, "typingTime": shown_ms},
        leaves=_typed,
    )
    outgoing.enqueue(world, instance, message)
    return Reply()


def read_chat(world: World, call: Call) -> Reply:
    """Mark a message or a whole chat read, among what came while incomingWebhook was on."""
    chat_id = chat_of(world, call)
    wanted = call.params.get("idMessage")
    if wanted is not None and not isinstance(wanted, str):
        raise invalid(world, call, "'idMessage' must be a string")
    found = [
        said
        for said in call.here.chats.get(chat_id, ())
        if said.direction == "incoming" and said.journaled and wanted in (None, "", said.id_message)
    ]
    if wanted and not found:
        return answer({"setRead": False}, real="refused")
    for said in found:
        said.seen = True
    return answer({"setRead": True})


def _typed(world: World, instance: Instance, message: Message) -> None:
    """What the other side saw, for the truth."""
    world.journal.add("typing", message.kind, instance.id_instance, instance.name, message.body)


def _archived(world: World, call: Call, *, archived: bool) -> Reply:
    chat_id = chat_of(world, call)
    instance = call.here
    if not any(said.direction == "incoming" for said in instance.chats.get(chat_id, ())):
        return plain(400, NO_LAST_MESSAGE)
    people.marks_of(instance, chat_id, world.clock.now()).archived = archived
    return Reply()


def _row(instance: Instance, chat_id: str) -> dict[str, Any]:
    marks = instance.marks.get(chat_id, people.ChatMarks(since=0.0))
    fields: dict[str, Any] = {
        "archive": marks.archived,
        "id": chat_id,
        "ephemeralExpiration": marks.ephemeral_expiration,
        "ephemeralSettingTimestamp": int(marks.ephemeral_at),
        "name": people.name_of(instance, chat_id),
        "type": people.kind_of(chat_id),
        "unreadCount": people.unread(instance, chat_id),
    }
    person = instance.contacts.get(chat_id)
    if person is not None and person.lid:
        fields["newChatId"] = person.lid
    return fields
