"""Settings of a channel: the webhook list above all, which a PATCH replaces as a whole."""

from copy import deepcopy
from typing import Any

from simulator.whapi.errors import Problem
from simulator.whapi.settings import MODES, TYPES, checked, checked_headers, defaults
from simulator.whapi.webhooks import Hook
from simulator.whapi.wire import Call, answer, success, text_of
from simulator.whapi.world import Whapi
from simulator.wire import Reply

EVENTS = {
    "messages": ("post", "put", "patch", "delete"),
    "statuses": ("post", "put"),
    "chats": ("post", "put", "patch", "delete"),
    "contacts": ("post", "patch"),
    "groups": ("post", "put", "patch"),
    "presences": ("post",),
    "calls": ("post",),
    "channel": ("post", "patch"),
    "users": ("post", "delete"),
    "labels": ("post", "delete"),
    "service": ("post",),
}
"""Which verbs each type comes with. Source: help desk's list of tracked events, read 2026-11-21."""
SAMPLES: dict[str, dict[str, Any]] = {
    "messages": {"messages": [{"id": "TEST-webhook", "type": "text", "from_me": False, "text": {"body": "test"}}]},
    "statuses": {"statuses": [{"id": "TEST-webhook", "code": 3, "status": "delivered"}]},
    "channel": {"health": {"start_at": 0, "uptime": 0, "status": {"code": 4, "text": "AUTH"}}},
    "users": {"user": {"id": "15550000000", "name": "Test"}},
}


def get_settings(whapi: Whapi, call: Call) -> Reply:
    """Everything that is set."""
    return answer(call.here.settings)


def update_settings(whapi: Whapi, call: Call) -> Reply:
    """Change what is named; answers with what changed, before and after.

    callback_persist takes effect at the next launch (settings reference, read 2026-11-21; a knob).
    """
    settings, changes = call.here.settings, checked(call.fields)
    if isinstance(changes.get("media"), dict):
        changes["media"] = {**settings["media"], **changes["media"]}
    changed = [name for name, value in changes.items() if settings.get(name) != value]
    before = {name: deepcopy(settings.get(name)) for name in changed}
    settings.update(changes)
    after = {name: changes[name] for name in changed}
    return answer({"before_update": before, "after_update": after, "changes": changed})


def reset_settings(whapi: Whapi, call: Call) -> Reply:
    """Back to the defaults; 409 when they are in force."""
    channel = call.here
    if channel.settings == defaults():
        raise Problem(409, "the settings are the default ones")
    channel.settings = defaults()
    return success()


def get_events(whapi: Whapi, call: Call) -> Reply:
    """Every pair that a webhook may ask for."""
    return answer([{"type": type_, "method": verb} for type_, verbs in EVENTS.items() for verb in verbs])


def send_test(whapi: Whapi, call: Call) -> Reply:
    """Send a made-up event of this type; answers before it has arrived (choice)."""
    fields = call.fields
    type_, url, mode = text_of(fields, "type"), text_of(fields, "url"), text_of(fields, "mode")
    if type_ not in TYPES or mode not in MODES or not url.startswith(("http://", "https://")):
        raise Problem(400, "unknown type or mode, or no http address")
    headers = checked_headers(fields["headers"]) if fields.get("headers") is not None else {}
    whapi.webhooks.send(call.here, Hook(url, mode, tuple(headers.items())), type_, "post", SAMPLES.get(type_, {}))
    return success()
