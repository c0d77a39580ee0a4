"""Queue methods: what waits to be sent and what waits to be told."""

from simulator import notices, outgoing
from simulator.instance import Message
from simulator.wire import Call, Reply, answer, plain
from simulator.world import World

CLEAR_PAUSE_SECONDS = 60


def show_messages(world: World, call: Call) -> Reply:
    """Items that wait to be sent, first to leave first."""
    outgoing.expire(world, call.here)
    return answer([_item(message) for message in call.here.outgoing])


def clear_messages(world: World, call: Call) -> Reply:
    """Empty the outgoing queue."""
    outgoing.clear(call.here)
    return answer({"isCleared": True})


def count_messages(world: World, call: Call) -> Reply:
    """How many items wait to be sent."""
    outgoing.expire(world, call.here)
    return answer({"count": len(call.here.outgoing)})


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


def _item(message: Message) -> dict[str, object]:
    return {"messageID": message.id_message, "type": message.kind, "body": message.body}
