"""Message journals: flat rows, newest first, of what the switched-on notifications let the upstream see."""

from typing import Any

from simulator import kinds
from simulator.instance import Instance, Message
from simulator.methods.sending import chat_id_of
from simulator.wire import Call, Reply, answer, number_of, plain, text_of
from simulator.world import World

DAY_MINUTES = 1440


def last_incoming(world: World, call: Call) -> Reply:
    """Messages that came within so many minutes."""
    return _last(world, call, "incoming")


def last_outgoing(world: World, call: Call) -> Reply:
    """Messages sent within so many minutes, by API or from the phone."""
    return _last(world, call, "outgoing")


def chat_history(world: World, call: Call) -> Reply:
    """The newest messages of one chat."""
    chat_id = chat_id_of(world, call)
    count = number_of(world, call, "count", default=100, least=1)
    newest_allowed = world.clock.now() - world.config.journal_lag_seconds
    rows: list[dict[str, Any]] = []
    for message in reversed(call.here.chats.get(chat_id, ())):
        if len(rows) >= count:
            break
        if message.journaled and message.accepted_at <= newest_allowed:
            rows.append(row(message))
    return answer(rows)


def get_message(world: World, call: Call) -> Reply:
    """One message of one chat."""
    chat_id = chat_id_of(world, call)
    message = call.here.messages.get(text_of(world, call, "idMessage"))
    if message is None or message.chat_id != chat_id or not message.journaled:
        return plain(400, "message not found")
    return answer(row(message))


def row(message: Message) -> dict[str, Any]:
    """A message in the flat shape of the journals; an edited one keeps the words it was sent with."""
    sent = message.direction == "outgoing"
    data = message.message_data
    kind = str(data.get("typeMessage", "textMessage"))
    fields: dict[str, Any] = {
        "type": message.direction,
        "idMessage": message.id_message,
        "timestamp": int(message.accepted_at),
        "typeMessage": kind,
        "chatId": message.chat_id,
    }
    fields |= kinds.flat(data)
    if sent:
        status = "pending" if message.status == "queued" else message.status
        fields |= {"statusMessage": status, "sendByApi": not message.from_phone}
    else:
        sender = message.body.get("sender") or message.chat_id
        fields |= {"senderId": sender, "senderName": message.sender_name, "senderContactName": ""}
    about = str((data.get(kinds.OBJECTS.get(kind, "")) or {}).get("stanzaId", ""))
    fields["deletedMessageId"] = about if kind == "deletedMessage" else ""
    fields["editedMessageId"] = about if kind == "editedMessage" else ""
    return fields | {"isEdited": message.is_edited, "isDeleted": message.is_deleted}


def _last(world: World, call: Call, direction: str) -> Reply:
    minutes = number_of(world, call, "minutes", default=DAY_MINUTES, least=1)
    now = world.clock.now()
    return answer(
        [
            row(message)
            for message in _since(call.here, now - minutes * 60)
            if message.direction == direction
            and message.journaled
            and message.accepted_at <= now - world.config.journal_lag_seconds
        ]
    )


def _since(instance: Instance, oldest: float) -> list[Message]:
    found: list[Message] = []
    for message in reversed(instance.messages.values()):
        if message.accepted_at < oldest:
            break
        found.append(message)
    return found
