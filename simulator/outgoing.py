"""The outgoing queue: ids at once, one item per pause, only while authorized, and a day at most."""

import secrets
from typing import TYPE_CHECKING, Any

from simulator import kinds
from simulator.instance import Instance, Message
from simulator.notices import emit

if TYPE_CHECKING:
    from simulator.storage import Blob
    from simulator.world import World


DESCRIPTIONS = {
    "noAccount": "the number has no account",
    "notInGroup": "the account is not in the group",
    "failed": "the message could not be sent",
}


def accept(world: "World", instance: Instance, message: Message) -> None:
    """Take a message into the queue and the journals."""
    settings = instance.settings
    message.journaled = settings["outgoingAPIMessageWebhook"] == "yes" or settings["outgoingWebhook"] == "yes"
    world.remember(instance, message)
    enqueue(world, instance, message)


def enqueue(world: "World", instance: Instance, message: Message) -> None:
    """Put an item behind the others in the queue."""
    instance.outgoing.append(message)
    pump(world, instance)


def new_id() -> str:
    """The id of a message sent by API."""
    return "BAE5" + secrets.token_hex(6).upper()


def pump(world: "World", instance: Instance) -> None:
    """See to it that the next item leaves when its time has come."""
    if instance.outgoing_timer is not None or instance.fetching is not None or not instance.is_sending:
        return
    expire(world, instance)
    if not instance.outgoing:
        return
    pause = world.config.min_delay_ms_override
    if pause is None:
        pause = instance.settings["delaySendMessagesMilliseconds"]
    first = instance.outgoing[0]
    typing = first.typing_ms or int(first.body.get("typingTime") or 0)
    due = max(world.clock.now(), instance.last_sent_at + pause / 1000) + typing / 1000
    instance.outgoing_timer = world.clock.at(due, lambda: _leave(world, instance))


def expire(world: "World", instance: Instance) -> None:
    """Drop items that have waited longer than the upstream keeps them."""
    oldest = world.clock.now() - world.config.outgoing_age_seconds
    while instance.outgoing and instance.outgoing[0].accepted_at < oldest:
        instance.outgoing.popleft().status = "expired"


def clear(instance: Instance) -> None:
    """Empty the queue; nothing of it will be sent."""
    for message in instance.outgoing:
        message.status = "cleared"
    instance.outgoing.clear()
    instance.fetching = None


def advance_status(world: "World", instance: Instance, message: Message, status: str) -> None:
    """Move a sent message on and tell of it."""
    message.status = status
    fields = {
        "chatId": message.chat_id,
        "idMessage": message.id_message,
        "status": status,
        "sendByApi": not message.from_phone,
    }
    description = message.failure or DESCRIPTIONS.get(status)
    if description:
        fields["description"] = description
    emit(world, instance, "outgoingMessageStatus", fields)
    if status == "sent" and world.config.deliver_after_seconds is not None:
        world.clock.after(
            world.config.deliver_after_seconds, lambda: _move(world, instance, message, "sent", "delivered")
        )
    if status == "delivered" and world.config.read_after_seconds is not None:
        world.clock.after(world.config.read_after_seconds, lambda: _move(world, instance, message, "delivered", "read"))


def _move(world: "World", instance: Instance, message: Message, before: str, after: str) -> None:
    # The control face may have moved it in the meantime.
    if message.status == before and instance.is_alive:
        advance_status(world, instance, message, after)


def _leave(world: "World", instance: Instance) -> None:
    instance.outgoing_timer = None
    expire(world, instance)
    if not instance.is_sending or not instance.outgoing:
        return
    message = instance.outgoing[0]
    hopeless = _hopeless(world, instance, message)
    if message.url and not hopeless and message.blob is None and world.config.fetch_files:
        _fetch(world, instance, message)
        return
    instance.outgoing.popleft()
    instance.last_sent_at = message.sent_at = world.clock.now()
    if message.leaves is not None:
        message.status = "sent"
        message.leaves(world, instance, message)
    elif hopeless:
        advance_status(world, instance, message, hopeless)
    else:
        if message.blob is not None:
            url = world.storage.download(instance.id_instance, message.blob)
            message.message_data = kinds.with_file(message.message_data, url, message.blob.mime)
        echo(world, instance, message)
        advance_status(world, instance, message, "sent")
    pump(world, instance)


def _hopeless(world: "World", instance: Instance, message: Message) -> str:
    """The status of a message that will not reach its chat; empty when it will."""
    if message.failure:
        return "failed"
    if message.chat_id.partition("@")[0] in world.no_account:
        return "noAccount"
    group = instance.groups.get(message.chat_id)
    if group is None or group.may_send(instance.wid):
        return ""
    return "failed" if group.has(instance.wid) else "notInGroup"


def _fetch(world: "World", instance: Instance, message: Message) -> None:
    """Fetch what the first item of the queue sends; the others wait behind it."""
    instance.fetching = message

    def then(blob: "Blob | None", why: str) -> None:
        message.blob, message.failure = blob, why
        if blob is not None:
            blob.is_used = True
        if instance.fetching is message:
            instance.fetching = None
            pump(world, instance)

    about = message.message_data.get("fileMessageData") or {}
    world.fetches.begin(message.url, str(about.get("fileName") or ""), then)


def echo(world: "World", instance: Instance, message: Message) -> None:
    """Tell of a message that was sent by API."""
    fields = {
        "idMessage": message.id_message,
        "senderData": sender_data(instance, message),
        "messageData": message.message_data,
    }
    emit(world, instance, "outgoingAPIMessageReceived", fields)


def author(instance: Instance, message: Message) -> str:
    """The account that wrote a message."""
    if message.direction == "outgoing":
        return instance.wid
    return str(message.body.get("sender") or message.chat_id)


def sender_data(instance: Instance, message: Message) -> dict[str, Any]:
    """Who speaks in a message: in outgoing kinds the sender is the instance's own number."""
    is_incoming = message.direction == "incoming"
    sender = author(instance, message)
    known, chat = instance.contacts.get(sender), instance.contacts.get(message.chat_id)
    group = instance.groups.get(message.chat_id)
    chat_name = group.subject if group is not None else ""
    if chat is not None:
        chat_name = chat.contact_name or chat.name
    return {
        "chatId": message.chat_id,
        "chatName": chat_name or message.sender_name,
        "sender": sender,
        "senderName": message.sender_name if is_incoming else instance.push_name,
        "senderContactName": known.contact_name if known is not None and is_incoming else "",
    }
