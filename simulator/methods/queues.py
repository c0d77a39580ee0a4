"""Queue methods: what waits to be sent and what waits to be told."""

from simulator import notices, outgoing
from simulator.instance import Instance, Message
from simulator.wire import Call, Reply, answer, plain
from simulator.world import World

CLEAR_PAUSE_SECONDS = 60


def show_messages(world: World, call: Call) -> Reply:
    """Items that wait to be sent, first to leave first."""
    outgoing.expire(world, call.here)
    return answer([_item(messages) for messages in _items(call.here)])


def clear_messages(world: World, call: Call) -> Reply:
    """Empty the outgoing queue."""
    outgoing.clear(call.here)
    return answer({"isCleared": True})


def count_messages(world: World, call: Call) -> Reply:
    """How many items wait to be sent."""
    outgoing.expire(world, call.here)
    return answer({"count": len(_items(call.here))})


def count_webhooks(world: World, call: Call) -> Reply:
    """How many notifications wait to be told."""
    notices.expire(world, call.here)
    return answer({"count": len(call.here.notices)})


def clear_webhooks(world: World, call: Call) -> Reply:
    """Empty the notification queue, once a minute, and only while pulling is on.

    Source: GREEN-API issue 1107, read 2026-11-21.
    """
    instance = call.here
    if instance.settings["webhookUrl"]:
        return plain(400, "Webhooks cannot be cleared because custom webhook url is set")
    now = world.clock.now()
    left = instance.cleared_at + CLEAR_PAUSE_SECONDS - now
    if left > 0:
        told = {"isCleared": False, "reason": "Too many requests", "leftTime": int(left) or 1}
        return answer(told, real="refused")
    instance.cleared_at = now
    notices.clear(world, instance)
    return answer({"isCleared": True, "reason": ""})


def _items(instance: Instance) -> list[list[Message]]:
    """Messages that were forwarded in one call are one item."""
    found: list[list[Message]] = []
    for message in instance.outgoing:
        if message.batch and found and found[-1][0].batch == message.batch:
            found[-1].append(message)
        else:
            found.append([message])
    return found


def _item(messages: list[Message]) -> dict[str, object]:
    first = messages[0]
    if first.batch:
        ids = [message.id_message for message in messages]
        return {"messagesIDs": ids, "type": "ForwardMessages", "body": first.body}
    shown = "sendFileByUrl" if first.kind == "sendFileByUpload" else first.kind
    return {"messageID": first.id_message, "type": shown, "body": first.body}
