"""What else an account has: its picture, its token, and the history of its states.

Source: GREEN-API account pages, read 2026-11-21.
"""

import secrets

from simulator import pictures
from simulator.instance import LINKED
from simulator.wire import Call, Reply, answer, number_of
from simulator.world import World


def set_picture(world: World, call: Call) -> Reply:
    """Give the account its picture, a JPEG in a form."""
    if not pictures.is_jpeg(call):
        told = {"setProfilePicture": False, "urlAvatar": None, "reason": "bad request data"}
        return answer(told, real="refused")
    call.here.avatar = pictures.publish(world, call)
    return answer({"setProfilePicture": True, "urlAvatar": call.here.avatar, "reason": None})


def update_token(world: World, call: Call) -> Reply:
    """Another token; the one this call came with has ended when the answer leaves."""
    instance = call.here
    instance.token = secrets.token_hex(25)
    instance.row = ("", b"")
    return answer({"apiTokenInstance": instance.token})


def get_history(world: World, call: Call) -> Reply:
    """Changes between linked, unlinked and banned, newest first."""
    count = number_of(world, call, "count", default=100, least=1)
    rows = [
        {"stateInstance": row.state, "timestamp": int(row.at), "phoneNumber": row.wid}
        for row in reversed(call.here.history)
    ]
    return answer(rows[:count])


def get_status(world: World, call: Call) -> Reply:
    """Whether the account has a live session; an old method."""
    return answer({"statusInstance": "online" if call.here.state in LINKED else "offline"})
