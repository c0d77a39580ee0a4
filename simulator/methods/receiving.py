"""Pulling notifications: the oldest one again and again until it is deleted."""

import asyncio
from functools import partial

from simulator import notices
from simulator.clock import wake
from simulator.wire import Call, Refusal, Reply, answer, number_of, plain
from simulator.world import World


async def receive(world: World, call: Call) -> Reply:
    """Wait for a notification as long as asked; the literal null when none came."""
    instance = call.here
    least = world.config.receive_timeout_min_seconds
    most = world.config.receive_timeout_max_seconds
    asked = number_of(world, call, "receiveTimeout", default=5)
    until = world.clock.now() + min(max(asked, least), most)
    while True:
        _refuse_when_pushing(call)
        if not instance.is_alive:
            return Reply(b"null")
        notice = notices.head(world, instance)
        if notice is not None:
            notices.note(world, instance, notice, "pulled")
            return answer({"receiptId": notice.receipt_id, "body": notice.body})
        if world.clock.now() >= until:
            return Reply(b"null")
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        timer = world.clock.at(until, partial(wake, waiter))
        instance.waiters.append(waiter)
        try:
            await waiter
        finally:
            timer.cancel()
            instance.waiters.remove(waiter)


def delete(world: World, call: Call) -> Reply:
    """Take a notification out for good; the receipt comes in the address or as the whole body."""
    instance = call.here
    receipt: object = call.tail or call.body
    if isinstance(receipt, dict):
        receipt = receipt.get("receiptId")
    if isinstance(receipt, str) and receipt.isdecimal() and len(receipt) < 20:
        receipt = int(receipt)
    if isinstance(receipt, bool) or not isinstance(receipt, int):
        return plain(400, "Parameter receiptId must be a Number!")
    notices.expire(world, instance)
    for notice in instance.notices:
        if notice.receipt_id == receipt:
            notices.acknowledge(world, instance, notice)
            notices.note(world, instance, notice, "acknowledged", http_status=200)
            return answer({"result": True, "reason": ""})
    return answer({"result": False, "reason": f"receipt {receipt} not found"}, real="refused")


def _refuse_when_pushing(call: Call) -> None:
    instance = call.here
    if instance.settings["webhookUrl"]:
        text = (
            "Message cannot be received because custom webhook url is set. Go to cabinet, clear webhook "
            f"url for instance: {instance.id_instance} and wait for about 1 minute for another attempt"
        )
        raise Refusal(plain(400, text))
