"""What else befalls a phone: calls, blocks, news of its device, plans, and notifications of any kind."""

import secrets
from collections.abc import Callable
from typing import Any

from simulator import outgoing, quota
from simulator.instance import Instance
from simulator.notices import SWITCHES, emit
from simulator.people import PhoneCall
from simulator.world import World

STATUSES = frozenset({"delivered", "read", "failed", "noAccount", "notInGroup", "yellowCard", "suspended"})
CALL_STATUSES = {
    "incoming": ("offer", "pickUp", "hungUp", "hangUp", "declined", "missed"),
    "outgoing": ("offer", "pickUp", "hungUp", "declined", "invalid"),
}


def call(world: World, instance: Instance, body: dict[str, Any]) -> dict[str, Any]:
    """A call begins or goes on: each of `statuses` is told in turn.

    Raises:
        ValueError: the body does not fit.
    """
    row = next((row for row in instance.calls if row.id_message == body.get("id_message")), None)
    direction = body.get("direction", "incoming") if row is None else row.direction
    if direction not in CALL_STATUSES:
        raise ValueError("direction is incoming or outgoing")
    statuses = body.get("statuses", ["offer"])
    if not isinstance(statuses, list) or not statuses or any(one not in CALL_STATUSES[direction] for one in statuses):
        raise ValueError(f"statuses are of {', '.join(CALL_STATUSES[direction])}")
    duration = _number(body, "duration", 0)
    if row is None:
        row = PhoneCall(
            id_message=_text(body, "id_message", "3A" + secrets.token_hex(9).upper()),
            direction=direction,
            chat_id=_text(body, "chat_id"),
            at=world.clock.now(),
            is_video=bool(body.get("is_video", False)),
        )
        instance.calls.append(row)
    for status in statuses:
        row.status = status
        if status not in ("offer", "pickUp"):
            row.duration = duration
        _tell_call(world, instance, row)
    return {"id_message": row.id_message}


def blocked_by(world: World, instance: Instance, body: dict[str, Any]) -> dict[str, Any]:
    """A chat blocks the number, or takes that back.

    Raises:
        ValueError: the body does not fit.
    """
    state = _text(body, "chat_state", "blocked")
    if state not in ("blocked", "unblocked"):
        raise ValueError("chat_state is blocked or unblocked")
    emit(world, instance, "incomingBlock", {"chatId": _text(body, "chat_id"), "chatState": state})
    return {}


def device_info(world: World, instance: Instance, body: dict[str, Any]) -> dict[str, Any]:
    """The phone tells of itself."""
    told = {
        "platform": "android",
        "deviceManufacturer": "Maker",
        "deviceModel": "Model",
        "osVersion": "14",
        "waVersion": "2.26.1",
        "battery": 80,
        **body,
    }
    emit(world, instance, "deviceInfo", {"deviceData": told})
    return {}


def socket_status(world: World, instance: Instance, body: dict[str, Any]) -> dict[str, Any]:
    """The connection to the phone comes or goes.

    Raises:
        ValueError: the body does not fit.
    """
    status = _text(body, "status", "online")
    if status not in ("online", "offline"):
        raise ValueError("status is online or offline")
    emit(world, instance, "statusInstanceChanged", {"statusInstance": status})
    return {}


def avatar_info(world: World, instance: Instance, body: dict[str, Any]) -> dict[str, Any]:
    """News of somebody's avatar.

    Raises:
        ValueError: the body does not fit.
    """
    told = {
        "chatId": _text(body, "chat_id"),
        "existsWhatsapp": bool(body.get("exists_whatsapp", True)),
        "urlAvatar": _text(body, "url_avatar", ""),
        "reason": _text(body, "reason", ""),
    }
    emit(world, instance, "avatarInfo", {"avatarInfo": told})
    return {}


def notify(world: World, instance: Instance, body: dict[str, Any]) -> dict[str, Any]:
    """Any notification with any fields, if the settings want its kind.

    Raises:
        ValueError: the body does not fit.
    """
    fields = body.get("fields", {})
    kind = _text(body, "type_webhook")
    if not isinstance(fields, dict):
        raise ValueError("fields is an object")
    if kind == "outgoingMessageStatus" and not isinstance(fields.get("status"), str):
        raise ValueError("fields tell a status")
    emit(world, instance, kind, fields, unknown_too=kind not in SWITCHES)
    return {}


def plan(world: World, instance: Instance, body: dict[str, Any]) -> dict[str, Any]:
    """Put the instance on a plan; what it used in this month stays used unless `used` says otherwise.

    Raises:
        ValueError: the body does not fit.
    """
    name = _text(body, "plan")
    if name not in quota.PLANS:
        raise ValueError(f"plan is one of {', '.join(quota.PLANS)}")
    used = body.get("used", {})
    if not isinstance(used, dict) or any(not isinstance(number, int) for number in used.values()):
        raise ValueError("used tells numbers of calls by method")
    instance.plan = name
    quota.set_used(world, instance, used)
    return {"plan": name}


def status(world: World, instance: Instance, body: dict[str, Any]) -> dict[str, Any]:
    """A message sent by API takes any status; one that still waits leaves the queue.

    Raises:
        ValueError: the body does not fit.
    """
    message = instance.messages.get(_text(body, "id_message"))
    wanted = _text(body, "status")
    if message is None or message.direction != "outgoing":
        raise ValueError("id_message is a sent message")
    if wanted not in STATUSES:
        raise ValueError(f"status is one of {', '.join(sorted(STATUSES))}")
    if message in instance.outgoing:
        instance.outgoing.remove(message)
        message.sent_at = world.clock.now()
    message.failure = _text(body, "description", "")
    outgoing.advance_status(world, instance, message, wanted)
    return {}


def _tell_call(world: World, instance: Instance, row: PhoneCall) -> None:
    fields: dict[str, Any] = {
        "from": row.chat_id if row.direction == "incoming" else instance.wid,
        "idMessage": row.id_message,
        "status": row.status,
        "isVideo": row.is_video,
    }
    if row.direction == "outgoing":
        fields |= {"duration": row.duration, "participants": [{"id": row.chat_id, "status": row.status}]}
    emit(world, instance, f"{row.direction}Call", fields)


def _text(body: dict[str, Any], name: str, default: str | None = None) -> str:
    value = body.get(name, default)
    if not isinstance(value, str):
        raise ValueError(f"{name} is a text")
    return value


def _number(body: dict[str, Any], name: str, default: int) -> int:
    value = body.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{name} is a number from 0 up")
    return value


Act = Callable[[World, Instance, dict[str, Any]], dict[str, Any]]
ACTS: dict[str, Act] = {
    "call": call,
    "blocked_by": blocked_by,
    "device_info": device_info,
    "socket_status": socket_status,
    "avatar_info": avatar_info,
    "notify": notify,
    "plan": plan,
    "status": status,
}
