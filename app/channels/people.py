"""Contacts: lists, checks of numbers, profiles, the address book."""

import re
from typing import Any, Final

from app.channels.answer import SUCCESS, Answer, told
from app.channels.asking import Asking
from app.channels.chats import paged
from app.channels.parts import Call
from app.kit.errors import NotFound
from app.lines.channel_words import people, values
from app.providers import asks
from app.providers.errors import Refused

PHONE: Final = re.compile(r"\+?[0-9][0-9 ()-]{5,24}")
MOST_CHECKED: Final = 50
"""Each is a call of its own to a gateway that checks one at a time."""
LEAST_DIGITS, MOST_DIGITS = 7, 16
LONGEST_NAME: Final = 256


async def contacts(asking: Asking, call: Call) -> Answer:
    """The people whom the account knows."""
    found = await asking.ask(call.channel, asks.ListContacts(groups=False))
    return paged(call.query, "contacts", [people.contact(row) for row in found])


async def contact(asking: Asking, call: Call) -> Answer:
    """What is known about one person."""
    found = await asking.ask(call.channel, asks.ReadContact(call.params.person("ContactID")))
    return told(people.contact(found))


async def profile(asking: Asking, call: Call) -> Answer:
    """Somebody's name, words and picture."""
    chat_id = call.params.person("ContactID")
    found = await asking.ask(call.channel, asks.ReadContact(chat_id))
    icon = found.picture_link or ""
    shown = {"name": found.name or found.contact_name or "", "about": found.description or ""}
    return told(shown | {"icon": icon, "icon_full": icon})


async def check(asking: Asking, call: Call) -> Answer:
    """Which of these numbers have WhatsApp."""
    fresh = call.fields.flag("force_check") is True
    rows = [await _checked(asking, call, each, fresh) for each in call.fields.texts("contacts", 1, MOST_CHECKED)]
    return told({"contacts": rows})


async def exists(asking: Asking, call: Call) -> Answer:
    """Whether one number has WhatsApp: by the status alone."""
    digits = values.person(call.params.person("ContactID"))
    if not await _has_account(asking, call, digits, fresh=False):
        raise NotFound("contact not found")
    return SUCCESS


async def add(asking: Asking, call: Call) -> Answer:
    """Into the address book."""
    chat_id, name = call.fields.person("phone"), call.fields.text("name", longest=LONGEST_NAME)
    await asking.ask(call.channel, asks.AddContact(chat_id, name))
    return told({"id": values.person(chat_id), "name": name, "pushname": name, "is_business": False, "saved": True})


async def edit(asking: Asking, call: Call) -> Answer:
    """Another name in the address book."""
    name = call.fields.text("name", longest=LONGEST_NAME)
    await asking.ask(call.channel, asks.EditContact(call.params.person("ContactID"), name))
    return SUCCESS


async def delete(asking: Asking, call: Call) -> Answer:
    """Out of the address book."""
    await asking.ask(call.channel, asks.DeleteContact(call.params.person("ContactID")))
    return SUCCESS


async def _checked(asking: Asking, call: Call, told_as: str, fresh: bool) -> dict[str, Any]:
    digits = re.sub(r"\D", "", told_as, flags=re.ASCII)
    row: dict[str, Any] = {"input": told_as, "status": "invalid"}
    if not PHONE.fullmatch(told_as) or not await _has_account(asking, call, digits, fresh=fresh):
        return row
    return row | {"status": "valid", "wa_id": digits}


async def _has_account(asking: Asking, call: Call, digits: str, *, fresh: bool) -> bool:
    if not LEAST_DIGITS <= len(digits) <= MOST_DIGITS:
        return False
    try:
        return (await asking.ask(call.channel, asks.CheckNumber(phone=digits, fresh=fresh))).exists
    except Refused as error:
        if type(error) is not Refused:
            raise
    return False  # gateways refuse what can be nobody's number
