"""Plans: what a month allows an instance, and the 466 when it is used up.

Source: GREEN-API 466 page and tariff pages, read 2026-11-21; page versions differ in the figures.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from simulator.billing import MOSCOW
from simulator.instance import Instance, Usage
from simulator.notices import emit
from simulator.wire import JSON, Call, Reply

if TYPE_CHECKING:
    from simulator.world import World

CHATS = 3
"""Correspondents a month, in both directions."""
DEVELOPER = {
    "checkwhatsapp": 100,
    "downloadfile": 500,
    "leavegroup": 500,
    **dict.fromkeys(
        (
            "updategroupname",
            "getgroupdata",
            "addgroupparticipant",
            "removegroupparticipant",
            "setgroupadmin",
            "removeadmin",
            "creategroup",
            "readchat",
            "getmessage",
            "lastincomingmessages",
            "lastoutgoingmessages",
            "getcontacts",
            "sendcontact",
            "sendlocation",
            "sendfilebyurl",
            "sendfilebyupload",
            "deletemessage",
        ),
        1000,
    ),
}
BUSINESS = {"checkwhatsapp": 30_000}
PLANS: dict[str, dict[str, int]] = {"partner": {}, "developer": DEVELOPER, "business": BUSINESS}
TO_CHATS = frozenset(
    {
        "sendmessage",
        "sendpoll",
        "sendlocation",
        "sendcontact",
        "sendlink",
        "sendfilebyurl",
        "sendfilebyupload",
        "forwardmessages",
        "sendinteractivebuttons",
        "sendinteractivebuttonsreply",
    }
)


def refusal(world: "World", call: Call) -> Reply | None:
    """The 466 of a call that its plan does not allow any more, or None."""
    instance = call.here
    plan = plan_of(world, instance)
    if plan == "partner":
        return None
    usage = _usage(world, instance)
    name = call.method.name.lower()
    total, used = PLANS[plan].get(name, 0), usage.calls.get(name, 0)
    if total and used >= total:
        return _reply({"invokeStatus": calls_used_up(name, used, total)})
    if plan == "developer" and name in TO_CHATS:
        chat_id = call.params.get("chatId")
        if isinstance(chat_id, str) and chat_id not in usage.chats and len(usage.chats) >= CHATS:
            allowed = {"method": name, "used": used, "total": total, "status": "QUOTE_ALLOWED"}
            chats = chats_used_up("CORRESPONDENTS_QUOTE_EXCEEDED", list(usage.chats))
            return _reply({"invokeStatus": allowed, "correspondentsStatus": chats})
    return None


def count(world: "World", call: Call) -> None:
    """One more call that was done; a send counts its chat as well."""
    instance = call.here
    if plan_of(world, instance) == "partner":
        return
    usage = _usage(world, instance)
    name = call.method.name.lower()
    usage.calls[name] = usage.calls.get(name, 0) + 1
    if name in TO_CHATS:
        usage.chats.setdefault(call.params["chatId"])


def take_chat(world: "World", instance: Instance, chat_id: str) -> bool:
    """Count the chat of a message that came in; beyond the quota the upstream tells of that instead of it."""
    if plan_of(world, instance) != "developer":
        return True
    usage = _usage(world, instance)
    if chat_id in usage.chats or len(usage.chats) < CHATS:
        usage.chats.setdefault(chat_id)
        return True
    told = chats_used_up("CORRESPONDENTS_QUOTA_EXCEEDED", list(usage.chats))
    emit(world, instance, "quotaExceeded", {"quotaData": told})
    return False


def set_used(world: "World", instance: Instance, used: dict[str, int]) -> None:
    """Take so many calls of each method for used in this month; for a test near its end."""
    usage = _usage(world, instance)
    usage.calls |= {name.lower(): number for name, number in used.items()}


def plan_of(world: "World", instance: Instance) -> str:
    """The plan of the instance, else that of the knob."""
    return instance.plan or world.config.plan


def calls_used_up(method: str, used: int, total: int) -> dict[str, Any]:
    """What is said when the month's calls of a method are used up."""
    status = {"method": method, "used": used, "total": total, "status": "QUOTE_EXCEEDED"}
    return {**status, "description": f"monthly quota of {method} has been exceeded"}


def chats_used_up(status: str, chats: list[str]) -> dict[str, Any]:
    """What is said when the month's chats are used up."""
    return {
        "method": "correspondents",
        "used": len(chats),
        "total": CHATS,
        "status": status,
        "description": f"monthly quota of chats has been exceeded, these are left: {', '.join(chats)}",
    }


def _usage(world: "World", instance: Instance) -> Usage:
    month = datetime.fromtimestamp(world.clock.now(), MOSCOW).strftime("%Y-%m")
    if instance.usage.month != month:
        instance.usage = Usage(month)
    return instance.usage


def _reply(body: dict[str, Any]) -> Reply:
    return Reply(msgspec.json.encode(body), 466, JSON, "refused")
