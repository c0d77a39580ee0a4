"""What may be changed in a message that was sent.

Source: GREEN-API editMessage and deleteMessage pages, read 2026-11-21.
"""

from simulator import kinds, outgoing
from simulator.asked import flag_of
from simulator.instance import Instance, Message
from simulator.methods.sending import LONGEST_TEXT, chat_id_of
from simulator.wire import Call, Reply, answer, plain, text_of
from simulator.world import World

EDITABLE_SECONDS = 15 * 60
TEXTS = frozenset({"textMessage", "extendedTextMessage", "quotedMessage"})


def edit(world: World, call: Call) -> Reply:
    """Give an own text of the last quarter of an hour other words; the edit is an event with an id of its own."""
    chat_id = chat_id_of(world, call)
    id_message = text_of(world, call, "idMessage")
    text = text_of(world, call, "message", longest=LONGEST_TEXT)
    message = call.here.messages.get(id_message)
    if message is None or message.chat_id != chat_id:
        return plain(400, "message not found")
    is_own_text = message.direction == "outgoing" and message.message_data.get("typeMessage") in TEXTS
    if not is_own_text or message.is_deleted:
        return plain(400, "message cannot be edited")
    if world.clock.now() - message.accepted_at > EDITABLE_SECONDS:
        return plain(400, "message is too old to be edited")
    message.text = text
    message.is_edited = True
    event = _event(world, call.here, message, kinds.edited(text, id_message))
    return answer({"idMessage": event.id_message})


def delete(world: World, call: Call) -> Reply:
    """Take a message back, for all or on the own side alone; the answer is empty.

    What others wrote can be taken off the own side alone, whatever was asked.
    """
    chat_id = chat_id_of(world, call)
    id_message = text_of(world, call, "idMessage")
    only_here = bool(flag_of(world, call, "onlySenderDelete"))
    message = call.here.messages.get(id_message)
    if message is None or message.chat_id != chat_id:
        return plain(400, "message not found")
    if message.is_deleted:
        return Reply()
    message.is_deleted = True
    if message in call.here.outgoing:
        call.here.outgoing.remove(message)
        message.status = "cleared"
    elif message.direction == "outgoing" and not only_here:
        _event(world, call.here, message, kinds.deleted(id_message))
    return Reply()


def _event(world: World, instance: Instance, about: Message, data: kinds.Data) -> Message:
    """What the API did to a message, told as a message of its own."""
    event = Message(
        id_message=outgoing.new_id(),
        id_instance=instance.id_instance,
        chat_id=about.chat_id,
        text=kinds.text_of(data),
        accepted_at=world.clock.now(),
        direction="outgoing",
        status="sent",
        message_data=data,
        kind="event",
        sent_at=world.clock.now(),
        journaled=about.journaled,
    )
    world.remember(instance, event)
    outgoing.echo(world, instance, event)
    return event
