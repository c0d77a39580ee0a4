"""Calls that come in can be rejected."""

from simulator.whapi import ids
from simulator.whapi.errors import Problem
from simulator.whapi.state import talk_of
from simulator.whapi.wire import Call, success
from simulator.whapi.world import Whapi
from simulator.wire import Reply


def reject_call(whapi: Whapi, call: Call) -> Reply:
    """A ringing call ends, told as missed (choice); 404 when it does not ring, or not from there."""
    talk = talk_of(call.here)
    author = ids.number_of_contact(talk, call.fields.get("callFrom"), "callFrom")
    found = talk.calls.get(call.params["CallID"])
    if found is None or found.author != author or found.status != "ringing":
        raise Problem(404, "call not found")
    found.status = "missed"
    whapi.tell(call.here, "calls", "post", {"calls": [found.row(whapi.world.clock.now())]})
    return success()
