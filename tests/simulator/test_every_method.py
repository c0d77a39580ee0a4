"""Every method of the table: no input of any shape breaks it, and what is refused changes nothing."""

from __future__ import annotations

import itertools
import json

import pytest

from simulator.methods.table import INSTANCE_METHODS

from .conftest import Caller

FIELDS = (
    "chatId",
    "groupId",
    "participantChatId",
    "idMessage",
    "phoneNumber",
    "groupName",
    "chatIds",
    "firstName",
    "message",
    "font",
    "backgroundColor",
    "participants",
    "minutes",
    "count",
    "group",
    "force",
    "typingType",
    "ephemeralExpiration",
    "urlFile",
    "fileName",
)
JUNK = (None, True, 5, -1, 1.5, 1e300, "", "x", "\u0000", "79990003344@c.us", "1@g.us", "٣٣@c.us", [], [None], [{}], {})
STRIKES = {"reboot", "logout", "setSettings", "updateApiToken", "getAuthorizationCode", "receiveNotification"}
"""Methods that take the instance away from the ones after them, or wait."""


@pytest.mark.parametrize(
    "name", sorted(method.name for method in INSTANCE_METHODS.values() if method.name not in STRIKES)
)
async def test_no_junk_in_any_field_breaks_a_method(sim: Caller, name: str) -> None:
    await sim.sim("config", {"fetch_files": False})
    instance = await sim.linked(incomingWebhook="yes", outgoingWebhook="yes")
    await instance.phone("receive", {"chat_id": "79990003344@c.us", "text": "hi"})
    method = INSTANCE_METHODS[name.lower()]
    for verb, junk in itertools.product(sorted(method.verbs), JUNK):
        body = json.dumps(dict.fromkeys(FIELDS, junk)).encode()
        status, text, _ = await sim.raw(verb, instance.path(name), data=body)
        assert status in (200, 400, 403, 500), (name, junk, status, text)
        assert "Server got itself" not in text, (name, junk)
    assert await instance.call("getStateInstance") == {"stateInstance": "authorized"}
