"""The phone under /_sim/instances/{id}: what its owner, other people and WhatsApp do to it."""

import re
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from simulator import happenings, kinds, life, outgoing, quota
from simulator.control import json_body, refused, told
from simulator.instance import LINKED, Instance, Message, Phase
from simulator.notices import emit, is_wanted
from simulator.world import World
from simulator.writing import Pen, written

Act = Callable[[World, Instance, dict[str, Any]], dict[str, Any]]


class NotNow(Exception):
    """The phone cannot do this in its present state."""


def routes(world: World) -> list[web.RouteDef]:
    """One address per act."""
    return [web.post(f"/_sim/instances/{{id}}/{name}", door(world, name, act)) for name, act in ACTS.items()]


def door(world: World, name: str, act: Act) -> Callable[[web.Request], Awaitable[web.Response]]:
    """The address of one act: 404 unknown instance, 409 not in this state, 400 unfit body."""

    async def handle(request: web.Request) -> web.Response:
        body = await json_body(request)
        digits = request.match_info["id"]
        instance = world.instances.get(int(digits)) if re.fullmatch(r"[0-9]{1,18}", digits) else None
        if instance is None:
            return refused(404, "no such instance")
        entry = world.journal.add("phone", name, instance.id_instance, instance.name, body)
        try:
            if not instance.is_alive:
                raise NotNow(f"the instance is {instance.state}")
            result = act(world, instance, body)
        except NotNow as reason:
            entry.real, entry.told, entry.http_status = "refused", "refused", 409
            return refused(409, str(reason))
        except ValueError as reason:
            entry.real, entry.told, entry.http_status = "refused", "refused", 400
            return refused(400, str(reason))
        entry.told, entry.http_status = "ok", 200
        return told({"ok": True, "state": instance.state, **result})

    return handle


def scan(world: World, instance: Instance, body: dict[str, Any]) -> dict[str, Any]:
    """The owner scans the code that is shown."""
    if instance.state != "notAuthorized":
        raise NotNow(f"the instance is {instance.state}")
    digits = f"79{instance.id_instance % 10**9:09d}"
    wid = _text(body, "wid", f"{digits}@c.us")
    life.link(world, instance, wid, _text(body, "push_name", "Phone"))
    return {"wid": wid}


def enter_code(world: World, instance: Instance, body: dict[str, Any]) -> dict[str, Any]:
    """The owner types the code he was given."""
    if instance.state != "notAuthorized":
        raise NotNow(f"the instance is {instance.state}")
    typed = _text(body, "code").replace("-", "").upper()
    if not instance.code or world.clock.now() >= instance.code_until:
        raise NotNow("there is no valid code")
    if typed != instance.code:
        instance.code_stuck = world.config.wrong_code_sticks
        raise NotNow("wrong code")
    wid = f"{instance.code_phone}@c.us"
    life.link(world, instance, wid, _text(body, "push_name", "Phone"))
    return {"wid": wid}


def receive(world: World, instance: Instance, body: dict[str, Any]) -> dict[str, Any]:
    """Somebody writes to the phone, in any kind; `message_data` may give the messageData itself."""
    return _chat(world, instance, body, "incoming", "incomingMessageReceived")


def send_from_phone(world: World, instance: Instance, body: dict[str, Any]) -> dict[str, Any]:
    """The owner writes on the phone itself, in any kind."""
    return _chat(world, instance, body, "outgoing", "outgoingMessageReceived")


def deliver(world: World, instance: Instance, body: dict[str, Any]) -> dict[str, Any]:
    """A sent message reaches the other phone."""
    return _move(world, instance, body, ("sent",), "delivered")


def read(world: World, instance: Instance, body: dict[str, Any]) -> dict[str, Any]:
    """A sent message is read."""
    return _move(world, instance, body, ("sent", "delivered"), "read")


def block(world: World, instance: Instance, body: dict[str, Any]) -> dict[str, Any]:
    """WhatsApp bans the number."""
    _need_linked(instance)
    life.become(world, instance, "blocked")
    return {}


def unlink(world: World, instance: Instance, body: dict[str, Any]) -> dict[str, Any]:
    """The owner removes the linked device on the phone."""
    _need_linked(instance)
    life.unlink(world, instance)
    return {}


def yellow_card(world: World, instance: Instance, body: dict[str, Any]) -> dict[str, Any]:
    """WhatsApp holds the sends for spam; a reboot lifts it."""
    _need_linked(instance)
    life.become(world, instance, "yellowCard")
    return {}


def suspend(world: World, instance: Instance, body: dict[str, Any]) -> dict[str, Any]:
    """WhatsApp restricts the account for so long; it lifts that by itself."""
    _need_linked(instance)
    seconds = body.get("seconds", 3600)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds <= 0:
        raise ValueError("seconds is a number above 0")
    instance.suspended_until = until = world.clock.now() + float(seconds)
    life.become(world, instance, "suspended")

    def end() -> None:
        if instance.is_alive and instance.base == "suspended" and instance.suspended_until == until:
            life.become(world, instance, "authorized")

    world.clock.at(until, end)
    return {}


def lift(world: World, instance: Instance, body: dict[str, Any]) -> dict[str, Any]:
    """WhatsApp takes a ban, a suspension or a yellow card back."""
    if instance.base not in ("blocked", "yellowCard", "suspended"):
        raise NotNow(f"the instance is {instance.state}")
    life.become(world, instance, "authorized")
    return {}


def vanish(world: World, instance: Instance, body: dict[str, Any]) -> dict[str, Any]:
    """The upstream loses the instance; `answer` (403 or 404) is what its methods say from then on."""
    answer = body.get("answer", 403)
    if answer not in (403, 404):
        raise ValueError("answer is 403 or 404")
    life.vanish(world, instance, answer)
    return {}


def change_token(world: World, instance: Instance, body: dict[str, Any]) -> dict[str, Any]:
    """The upstream gives the instance another token, as its support does."""
    instance.token = secrets.token_hex(25)
    instance.row = ("", b"")
    return {"token": instance.token}


def stick_starting(world: World, instance: Instance, body: dict[str, Any]) -> dict[str, Any]:
    """The instance hangs in `starting`; a reboot frees it."""
    seconds = body.get("seconds")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds < 0:
        raise ValueError("seconds is a number from 0 up")
    life.stick(world, instance, float(seconds))
    return {}


def _chat(world: World, instance: Instance, body: dict[str, Any], direction: str, kind: str) -> dict[str, Any]:
    _need_linked(instance)
    chat_id = _text(body, "chat_id")
    is_incoming = direction == "incoming"
    writer = _text(body, "sender", chat_id) if is_incoming else instance.wid
    if not quota.take_chat(world, instance, chat_id):
        return {"id_message": None}
    pen = Pen(world, instance, chat_id, writer, body)
    data = written(pen)
    message = Message(
        id_message=_text(body, "id_message", "3A" + secrets.token_hex(9).upper()),
        id_instance=instance.id_instance,
        chat_id=chat_id,
        text=kinds.text_of(data) or str(body.get("text") or ""),
        accepted_at=world.clock.now(),
        direction=direction,
        status="received" if is_incoming else "sent",
        body={"sender": body["sender"]} if body.get("sender") else {},
        message_data=data,
        from_phone=not is_incoming,
        sender_name=_text(body, "sender_name", ""),
        journaled=is_wanted(instance, kind, data),
        blob=pen.blob,
    )
    world.remember(instance, message)
    emit(
        world,
        instance,
        kind,
        {
            "idMessage": message.id_message,
            "senderData": outgoing.sender_data(instance, message),
            "messageData": data,
        },
    )
    return {"id_message": message.id_message, "message_data": data}


def _move(
    world: World, instance: Instance, body: dict[str, Any], before: tuple[str, ...], after: str
) -> dict[str, Any]:
    message = instance.messages.get(_text(body, "id_message"))
    if message is None or message.direction != "outgoing":
        raise NotNow("no such sent message")
    if message.status not in before:
        raise NotNow(f"the message is {message.status}")
    outgoing.advance_status(world, instance, message, after)
    return {}


def _need_linked(instance: Instance) -> None:
    if instance.base not in LINKED or instance.phase not in (Phase.STARTING, Phase.RUNNING):
        raise NotNow(f"the instance is {instance.state}")


def _text(body: dict[str, Any], name: str, default: str | None = None) -> str:
    value = body.get(name)
    if value is None:
        if default is None:
            raise ValueError(f"{name} is required")
        return default
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} is a text")
    return value


ACTS: dict[str, Act] = {
    **happenings.ACTS,
    "scan": scan,
    "enter_code": enter_code,
    "receive": receive,
    "send_from_phone": send_from_phone,
    "deliver": deliver,
    "read": read,
    "block": block,
    "unlink": unlink,
    "yellow_card": yellow_card,
    "suspend": suspend,
    "lift": lift,
    "vanish": vanish,
    "change_token": change_token,
    "stick_starting": stick_starting,
}
